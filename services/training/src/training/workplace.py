"""Where runs in work keep their checkpoints: on disk until the run is over, and never photos."""

import shutil
from pathlib import Path

from kit.fields import is_id

_CHECKPOINT = "checkpoint.pt"


class Workplace:
    """A folder with one subfolder per run, in it one per attempt.

    An attempt begins with a copy of the newest checkpoint of those before it and writes into its
    own folder only, so that a worker that wakes up late disturbs nobody.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def prepare(self, run_id: str, attempt: int) -> Path:
        """Make and return the folder of an attempt; a kill leaves no half checkpoint in it."""
        folder = self._root / run_id / str(attempt)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for earlier in range(attempt - 1, 0, -1):
            found = self._root / run_id / str(earlier) / _CHECKPOINT
            if found.is_file():
                shutil.copyfile(found, folder / f"{_CHECKPOINT}.part")
                (folder / f"{_CHECKPOINT}.part").replace(folder / _CHECKPOINT)
                break
        return folder

    def find(self) -> list[str]:
        """Return the runs that left something here."""
        return [path.name for path in self._root.iterdir() if is_id("run", path.name)]

    def remove(self, run_id: str) -> None:
        """Delete what a run left, if anything."""
        shutil.rmtree(self._root / run_id, ignore_errors=True)
