"""python pick.py REQUIREMENTS NAMES: print the hashed requirements of the packages NAMES lists."""

import re
import sys
from pathlib import Path


def pick(requirements: str, names: list[str]) -> str:
    """Return the blocks of `requirements` for `names`, in its order.

    Raises:
        ValueError: a name is not pinned there.
    """
    blocks = re.split(r"(?m)^(?=\w)", requirements)
    pinned = {block.partition("==")[0]: block for block in blocks if "==" in block}
    if missing := set(names) - set(pinned):
        raise ValueError(f"not pinned: {', '.join(sorted(missing))}")
    return "".join(block for name, block in pinned.items() if name in names)


if __name__ == "__main__":
    wanted = Path(sys.argv[2]).read_text().split()
    print(pick(Path(sys.argv[1]).read_text(), wanted), end="")
