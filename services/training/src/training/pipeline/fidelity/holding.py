"""Which photos are held out from training, to be what renders are held against."""

from __future__ import annotations

from collections.abc import Sequence

from imaging.words import FRAMINGS

_EVERY = 3
_VIEWS = ("front view", "three-quarter view")
_LEAST_LEFT = 3
"""Close-ups that stay for training whatever happens."""


def held_out(captions: Sequence[str]) -> list[int]:
    """Return the places of photos to hold out: every third close-up that shows both eyes.

    Profiles stay: the embedder cannot judge them, the adapter learns from them.
    """
    usable = [place for place, text in enumerate(captions) if shows_face(text)]
    chosen = usable[1::_EVERY]
    return chosen[: max(0, len(usable) - _LEAST_LEFT)]


def shows_face(caption: str) -> bool:
    """Tell whether a photo with this caption is a close-up that shows both eyes."""
    return FRAMINGS["face"] in caption and any(view in caption for view in _VIEWS)
