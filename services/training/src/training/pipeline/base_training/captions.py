"""What a base is told of a picture: its caption, and what its record knows besides."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from imaging.words import FRAMINGS, TWIN_WORD

CLOSE_UP = FRAMINGS["face"]
"""What the caption of a close-up says."""

_SPECIAL = ("<pad>", "<unk>", "<start>", "<end>")
_SIDE_DEG = 12.0
_BACK_DEG = 168.0
_SKIN = ((0.2, "fair skin"), (0.4, "light skin"), (0.6, "olive skin"), (0.8, "brown skin"))


def details(record: Mapping[str, Any]) -> list[str]:
    """Return phrases for what `record` knows and its caption leaves out, most telling first.

    Every field is optional; a record of only `file` and `caption` gives none.
    """
    phrases = [_side(record), _hair(record), _skin(record), _eyes(record), _beard(record)]
    return [phrase for phrase in phrases if phrase]


def words(text: str) -> list[str]:
    """Return the words of a caption as the tokenizer splits them: lower case, no punctuation."""
    return re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", text.lower())


def vocabulary(captions: Iterable[str]) -> dict[str, int]:
    """Return word -> id: special words, the twin's word, then the rest by falling frequency."""
    counts = Counter(word for caption in captions for word in words(caption))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: i for i, word in enumerate([*_SPECIAL, TWIN_WORD, *ranked])}


def vary(caption: str, phrases: list[str], chance: random.Random) -> str:
    """Return `caption` with a random part of `phrases`, so that a base learns to do without.

    One picture in ten gets no words at all: that is what guidance is measured against.
    """
    if chance.random() < 0.1:
        return ""
    if chance.random() < 0.3:
        return caption
    kept = [phrase for phrase in phrases if chance.random() < 0.8]
    return ", ".join([caption, *kept])


def _side(record: Mapping[str, Any]) -> str:
    yaw = record.get("yaw", record.get("camera", {}).get("yaw"))
    if yaw is None or abs(yaw) < _SIDE_DEG or abs(yaw) > _BACK_DEG:
        return ""
    return "from the left" if yaw > 0 else "from the right"


def _hair(record: Mapping[str, Any]) -> str:
    hair = record.get("hair") or {}
    style = str(hair.get("style", "")).rstrip("0123456789").replace("_", "-")
    colour = hair.get("colour", "")
    return f"{colour} {style} hair".strip() if style or colour else ""


def _skin(record: Mapping[str, Any]) -> str:
    melanin = record.get("melanin")
    if melanin is None:
        return ""
    return next((name for limit, name in _SKIN if melanin < limit), "dark skin")


def _eyes(record: Mapping[str, Any]) -> str:
    return f"{record['eyes']} eyes" if record.get("eyes") else ""


def _beard(record: Mapping[str, Any]) -> str:
    beard = record.get("beard")
    return "with a beard" if beard and beard != "none" else ""
