"""training's commands."""

import sys


def main() -> int:
    """Run the command named first."""
    if sys.argv[1:2] == ["base"]:
        from training.pipeline.base_training.command import main as base

        return base(sys.argv[2:])
    return 2


if __name__ == "__main__":
    sys.exit(main())
