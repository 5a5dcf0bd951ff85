"""Regenerate gen/, docs/ and the images' package lists; --check only says what is out of step."""

import filecmp
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPENAPI = "docs/openapi.json"
TEXTS = (
    "docs/events.md",
    "docs/asyncapi.yaml",
    OPENAPI,
    "deploy/docker/slim.txt",
    "deploy/docker/gpu.txt",
)
PLUGINS = ("--python_out", "--mypy_out", "--grpc_python_out")


def generate(out: Path) -> None:
    """Write the Python of every proto into `out`, without empty service files."""
    out.mkdir(exist_ok=True)
    protos = sorted(path.relative_to(ROOT / "proto").as_posix() for path in _protos())
    outs = [f"{plugin}={out}" for plugin in PLUGINS] + [f"--mypy_grpc_out=only_async:{out}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-Iproto", *outs, *protos]
    found = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    known = {**os.environ, "PATH": found}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=known)
    for proto in protos:
        if not proto.endswith("_service.proto"):
            for suffix in (".py", ".pyi"):
                (out / f"{proto.removesuffix('.proto')}_pb2_grpc{suffix}").unlink(missing_ok=True)


def differences(out: Path) -> list[str]:
    """Return the files that `out` and gen/ do not have alike."""
    names = {path.relative_to(base) for base in (out, ROOT / "gen") for path in _generated(base)}
    return sorted(
        str(name)
        for name in names
        if not (out / name).exists()
        or not (ROOT / "gen" / name).exists()
        or not filecmp.cmp(out / name, ROOT / "gen" / name, shallow=False)
    )


def main() -> int:
    """Write gen/, or compare."""
    if "--check" not in sys.argv:
        generate(ROOT / "gen")
        describe(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        generate(out / "gen")
        describe(out)
        found = [f"gen/{name}" for name in differences(out / "gen")]
        found += [name for name in TEXTS if _text(out / name) != _text(ROOT / name)]
    print("".join(f"{name} is out of step: make gen\n" for name in found), end="")
    return 1 if found else 0


def describe(out: Path) -> None:
    """Write what follows from the code under `out`; in processes that have the new gen/."""
    place = str(out)
    for program in (
        ("tools/docs.py", place),
        ("tools/images.py", place),
        ("-m", "gateway", "openapi"),
    ):
        done = subprocess.run(
            [sys.executable, *program], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
    (out / OPENAPI).write_bytes(done.stdout)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _protos() -> list[Path]:
    return list((ROOT / "proto").rglob("*.proto"))


def _generated(base: Path) -> list[Path]:
    return [path for path in base.rglob("*_pb2*") if path.suffix in {".py", ".pyi"}]


if __name__ == "__main__":
    sys.exit(main())
