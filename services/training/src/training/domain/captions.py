"""What a photo shows, in the words bases are trained with."""

import re
from dataclasses import dataclass

_SHOTS = {
    "face": "close-up portrait",
    "three-quarter": "three-quarter shot",
    "full": "full-body photo",
}
_POSES = {
    "stand": "standing",
    "apose": "arms held out",
    "contrapposto": "standing with the weight on one leg",
    "arms_crossed_low": "arms folded low",
    "hand_on_hip": "with a hand on the hip",
    "walk": "walking",
}
_WHO = re.compile(r"\ban? (woman|man|person)\b(?: (?:in|wearing) (?:an? )?([^,.;\n]+))?", re.I)
_VIEWS = ((11.0, "front"), (68.0, "three-quarter"), (135.0, "profile"))
"""Degrees from the front. The widest gaps between the views of 320 photos of eight talents."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the photographer said of a photo; only the framing is always there."""

    framing: str
    yaw: float
    lighting: str
    pose: str
    caption: str


def view_of(yaw: float) -> str:
    """Name the side a face turned by `yaw` degrees is seen from."""
    turned = abs((yaw + 180) % 360 - 180)
    return next((name for limit, name in _VIEWS if turned <= limit), "back")


def caption_of(facts: Facts) -> str:
    """Return the caption a photo is trained with.

    Framing, view, light and pose are fields; who it is and what is worn stand only in the
    photographer's own caption, and what nobody said is left out.
    """
    found = _WHO.search(facts.caption)
    subject = found[1].lower() if found else "person"
    worn = " ".join(found[2].split()) if found and found[2] else ""
    shot = f"{_SHOTS[facts.framing]} of a {subject}" + (f" in a {worn}" if worn else "")
    pose = " ".join(facts.pose.lower().split())
    light = " ".join(facts.lighting.lower().split()).removesuffix(" light")
    parts = (
        shot,
        _POSES.get(pose.replace(" ", "_"), pose.replace("_", " ")),
        f"{view_of(facts.yaw)} view",
        f"{light} light" if light else "",
    )
    return ", ".join(part for part in parts if part)
