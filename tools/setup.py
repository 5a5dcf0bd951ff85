"""Make the virtual environment from the pinned, hashed requirements; needs only Python and venv.

The libraries and services are put on the path by one .pth file and not by an editable install
each: it builds nothing, needs no build backend, and takes no time.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "sosia.stamp"


def sources() -> list[Path]:
    """Return the folders whose packages are importable: gen, and src of every part."""
    parts = [path for kind in ("libs", "services") for path in sorted((ROOT / kind).glob("*/src"))]
    return [ROOT / "gen", *parts]


def fingerprint() -> str:
    """Return what the environment depends on: requirements, the parts, Python and the place."""
    told = [(ROOT / "requirements.txt").read_text(), sys.version, *map(str, sources())]
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
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    command = [*install, "--no-deps", "--require-hashes", "-r", str(ROOT / "requirements.txt")]
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        return done.returncode
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run([python, "-c", question], check=True, capture_output=True, text=True)
    paths = "".join(f"{path}\n" for path in sources())
    (Path(asked.stdout.strip()) / "sosia_dev.pth").write_text(paths)
    STAMP.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
