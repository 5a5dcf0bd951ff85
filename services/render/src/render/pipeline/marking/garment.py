"""Where the product is likely to be: from framing and face, until shots say it themselves."""

from render.pipeline.marking.request import Box

_HEADS = {"face": 2.0, "three-quarter": 4.5, "full": 7.0}
"""How far below the crown clothes reach, in heights of the face box; the picture may end before."""
_HALF_WIDTH = 1.0  # of the shoulders, in widths of the face box, from its middle
_WITHOUT_FACE = {
    "face": (0.25, 0.6, 0.75, 1.0),
    "three-quarter": (0.25, 0.3, 0.75, 1.0),
    "full": (0.3, 0.2, 0.7, 0.95),
}
"""Of width and height, where no face shows."""
_HEAD_WITHOUT_FACE = {"three-quarter": (0.3, 0.0, 0.7, 0.3), "full": (0.35, 0.0, 0.65, 0.2)}
"""Of width and height: where her head is, turned away or too small for the detector."""


def head(framing: str, size: tuple[int, int]) -> tuple[Box, ...]:
    """Return where a head must be that shows no face; nothing where the framing does not say.

    Args:
        framing: of the shot.
        size: (width, height) of the picture in pixels.
    """
    width, height = size
    found = _HEAD_WITHOUT_FACE.get(framing)
    if found is None:
        return ()
    left, top, right, bottom = found
    return (
        (round(left * width), round(top * height), round(right * width), round(bottom * height)),
    )


def area(framing: str, faces: tuple[Box, ...], size: tuple[int, int]) -> Box:
    """Return the box in which the garment of a picture is.

    Args:
        framing: of the shot; an unknown one counts as three-quarter.
        faces: boxes; the largest is the talent's.
        size: (width, height) of the picture in pixels.
    """
    width, height = size
    if not faces:
        shares = _WITHOUT_FACE.get(framing, _WITHOUT_FACE["three-quarter"])
        left, top, right, bottom = shares
        return (
            round(left * width),
            round(top * height),
            round(right * width),
            round(bottom * height),
        )
    left, top, right, bottom = max(faces, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    across, tall, middle = right - left, bottom - top, (left + right) / 2
    reach = top + tall * _HEADS.get(framing, _HEADS["three-quarter"])
    return (
        max(0, round(middle - _HALF_WIDTH * across)),
        min(bottom, height - 1),
        min(width, round(middle + _HALF_WIDTH * across)),
        max(min(round(reach), height), min(bottom + 1, height)),
    )
