"""Every static check, fastest first; the first that fails ends it."""

import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sysconfig.get_path("scripts"))
CHECKS = (
    ("buf lint", [str(BIN / "buf"), "lint"]),
    ("ruff check", [str(BIN / "ruff"), "check", "."]),
    ("ruff format", [str(BIN / "ruff"), "format", "--check", "."]),
    ("generated code in step", [sys.executable, str(ROOT / "tools/gen.py"), "--check"]),
)


def main() -> int:
    """Run each check and print how long it took."""
    for name, command in CHECKS:
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, check=False)
        print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
