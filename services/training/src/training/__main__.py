"""training's commands."""

import sys
from importlib import import_module


def main() -> int:
    """Run the command named first."""
    if sys.argv[1:2] == ["base"]:
        command = import_module("training.pipeline.base_training.command")  # brings torch
        return int(command.main(sys.argv[2:]))
    return 2


if __name__ == "__main__":
    sys.exit(main())
