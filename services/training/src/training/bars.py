"""The house's bars, from the table that ships with the service or the house's own."""

import json
from importlib import resources
from pathlib import Path

from training.domain.fidelity import Bars, read_bars


def load_bars(path: Path | None) -> Bars:
    """Read the table.

    Raises:
        OSError, ValueError: there is none, or it is malformed.
    """
    text = path.read_text() if path else (resources.files("training") / "bars.json").read_text()
    return read_bars(json.loads(text))
