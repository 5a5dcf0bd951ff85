"""The rules reactions are held to, as data: moderation.json."""

import json
from importlib import resources

from render.domain.reactions import Rules, fold


def load_rules() -> Rules:
    """Read the rules.

    Raises:
        TypeError: one is missing, or one is not known.
    """
    found = json.loads((resources.files("render") / "moderation.json").read_text("utf-8"))
    links = tuple(fold(link) for link in found.pop("links"))
    words = frozenset(fold(word) for word in found.pop("words"))
    return Rules(links=links, words=words, **found)
