"""Every static check, fastest first; the first that fails ends it."""

import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sysconfig.get_path("scripts"))


def _program(name: str, *arguments: str) -> list[str]:
    return [str(BIN / name), *arguments]


def _tool(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "tools" / f"{name}.py"), *arguments]


CHECKS = (
    ("ruff check", _program("ruff", "check", "--quiet", ".")),
    ("ruff format", _program("ruff", "format", "--quiet", "--check", ".")),
    ("buf lint", _program("buf", "lint")),
    ("buf format", _program("buf", "format", "-d", "--exit-code")),
    ("our rules", _tool("rules")),
    ("helm", _tool("chart")),
    ("import layers", _tool("layers")),
    ("generated in step", _tool("gen", "--check")),
    ("mypy", _program("mypy", "--no-error-summary")),
)


def main() -> int:
    """Run each check and print how long it took; what a check that passes says is not shown."""
    for name, command in CHECKS:
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        print(f"{name:<18} {time.monotonic() - started:5.1f} s", flush=True)
        if done.returncode:
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
