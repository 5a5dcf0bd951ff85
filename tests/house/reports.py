"""Fidelity reports as training's pipeline writes them, with the figures a test is about."""

from typing import Any


def figures(*, share: float = 1.0, nearer: int = 0, mean: float = 0.3) -> dict[str, Any]:
    """Return the figures of twelve close-ups of which `share` are her, `nearer` somebody else."""
    close = round(share * 12)
    render = {"prompt": "close-up portrait", "view": "front", "light": "overcast", "seed": 1}
    renders = [
        render | {"own": 0.3 if place < close else 0.6, "other": 0.55, "nearest": "", "tries": 2}
        for place in range(12)
    ]
    curve = [[0.0, 0.0], [0.01, share], [1.0, 1.0]]
    return {
        "identity": {
            "renders": 12, "faces": 12, "share": share, "mean": mean, "deviation": 0.05,
            "threshold": 0.447, "photos": 6, "photos_share": 1.0, "false_accepts": 0.01,
        },
        "separation": {"renders": 12, "people": 110, "nearer": nearer, "margin": 0.2},
        "marks": {
            "pictures": 12, "invented": 0.25, "recall": 0.5, "error": 0.02,
            "figures": [
                {"name": "birthmark", "site": "upper lip right", "known": True, "due": 10,
                 "found": 5, "sized": 4, "error": 0.02},
                {"name": "birthmark2", "site": "right forearm", "known": False, "due": 0,
                 "found": 0, "sized": 0, "error": 0.0},
            ],
        },
        "obedience": {"pictures": 16, "framing": 1.0, "garment": 0.5, "colour": 0.75},
        "roc": curve, "photos_roc": curve, "renders": renders, "pictures": 16,
    }  # fmt: skip
