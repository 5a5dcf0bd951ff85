"""The words a picture is described with, alike when a twin is trained and when it is rendered."""

TWIN_WORD = "sosia"
"""The reserved word that an adapter binds to its person; never in a base's own captions."""

FRAMINGS = {
    "face": "close-up portrait",
    "three-quarter": "three-quarter shot",
    "full": "full-body photo",
}
VIEWS = ("front", "three-quarter", "profile", "back")

_SUBJECTS = ("woman", "man")
_BELOW = {"trousers", "jeans", "shorts", "skirt", "leggings"}
_WHOLE = {"dress", "maxi dress", "jumpsuit"}


def subject_of(captions: list[str]) -> str:
    """Return what the captions call the person: the noun most of them use, else "person"."""
    counts = {noun: sum(f" {noun} " in f" {text} " for text in captions) for noun in _SUBJECTS}
    best = max(counts, key=lambda noun: counts[noun])
    return best if counts[best] else "person"


def outfit(garment: str, colour: str, pattern: str) -> str:
    """Return a garment with what is worn with it where the garment leaves half the body open."""
    worn = " ".join(
        word for word in (colour, "" if pattern == "solid" else pattern, garment) if word
    )
    if garment.lower() in _WHOLE:
        return worn
    other = "white T-shirt" if garment.lower() in _BELOW else "black trousers"
    return f"{worn} and {other}"


def caption(*, subject: str, framing: str, outfit: str, pose: str, view: str, light: str) -> str:
    """Return the caption of a picture of a twin."""
    shot = FRAMINGS[framing]
    parts = (f"{shot} of a {subject} in a {outfit}", pose, f"{view} view", f"{light} light")
    return of_twin(", ".join(parts))


def of_twin(text: str) -> str:
    """Return what a text describes, as a picture of a twin.

    The word stands at the end: a small base reads words by their place, and one in front would
    move all others to places it never saw them in (colours were then not followed at all).
    """
    return f"{text}, {TWIN_WORD}"
