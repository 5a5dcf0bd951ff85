"""Make the virtual environment from the pinned, hashed requirements, and compile the one C file.

Needs Python, venv and a C compiler (`cc`, or what CC names). Without a compiler all works too, but
the search for pictures that look alike then compares with every one of them, in NumPy.

The libraries and services are put on the path by one .pth file and not by an editable install
each: it builds nothing, needs no build backend, and takes no time.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "sosia.stamp"
REQUIREMENTS = ROOT / "requirements.txt"
TORCH = ROOT / "requirements-torch.txt"
NATIVE = ROOT / "libs" / "hamming" / "src" / "hamming"
PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")


def sources() -> list[Path]:
    """Return the folders whose packages are importable: gen, and src of every part."""
    parts = [path for kind in ("libs", "services") for path in sorted((ROOT / kind).glob("*/src"))]
    return [ROOT / "gen", *parts]


def fingerprint() -> str:
    """Return what the environment depends on: requirements, the parts, Python and the place."""
    told = [path.read_text() for path in (REQUIREMENTS, TORCH, *sorted(NATIVE.glob("*.c")))]
    told += [sys.version, *map(str, sources())]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def main() -> int:
    """Do nothing if the stamp matches; else install and write the stamp last."""
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or newer is needed, this is {sys.version}", file=sys.stderr)
        return 2
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    try:
        _pip(python, "install", "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS))
        _install_torch(python)
    except subprocess.CalledProcessError as error:
        return error.returncode
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run([python, "-c", question], check=True, capture_output=True, text=True)
    paths = "".join(f"{path}\n" for path in sources())
    (Path(asked.stdout.strip()) / "sosia_dev.pth").write_text(paths)
    _compile(python)
    STAMP.write_text(wanted)
    return 0


def _install_torch(python: Path) -> None:
    """Install the build of torch that pip prefers here, which must be one of those pinned.

    A CPU build that lies on this machine is preferred to the index's, which needs gigabytes of
    CUDA: asked for by hash, pip would rank the index's first, so it is fetched by name and then
    installed by hash. The index's build for Linux also needs its libraries.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = TORCH.read_text().split()[0]
        _pip(python, "download", "--no-deps", "--dest", folder, wanted)
        local = ("--no-deps", "--no-index", "--find-links", folder, "--require-hashes")
        _pip(python, "install", *local, "-r", str(TORCH))
    loads = subprocess.run([python, "-c", "import torch"], check=False, capture_output=True)
    if loads.returncode:
        _pip(python, "install", wanted)  # the same build, with what it needs


def _compile(python: Path) -> None:
    """Compile search.c beside its source, unless there is no compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    command = [str(python), str(NATIVE / "native.py")]
    if compiler is None or subprocess.run(command, check=False).returncode:
        print("nothing compiled: pictures that look alike are searched slowly", file=sys.stderr)


def _pip(python: Path, *arguments: str) -> None:
    subprocess.run([str(python), *PIP, *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
