"""Where to cut a picture for another format: no face is cut, and as much product stays as can."""

from dataclasses import dataclass

from render.pipeline.marking.request import Box, Pixels

_MARGIN = 0.1  # of a face's height, that stays around it where there is room


class NoCrop(ValueError):
    """A face does not fit into the format."""


@dataclass(frozen=True, slots=True)
class Cropped:
    """A part of a picture, and where faces and products lie in it."""

    pixels: Pixels
    faces: tuple[Box, ...]
    products: tuple[Box, ...]


def crop(
    pixels: Pixels, ratio: tuple[int, int], faces: tuple[Box, ...], products: tuple[Box, ...]
) -> Cropped:
    """Return the largest part of `pixels` in `ratio`, width to height, that keeps every face.

    Raises:
        NoCrop: a face would be cut.
    """
    height, width = pixels.shape[:2]
    box = window((width, height), ratio, faces, products)
    left, top, right, bottom = box
    return Cropped(
        pixels[top:bottom, left:right].copy(), _within(faces, box), _within(products, box)
    )


def window(
    size: tuple[int, int],
    ratio: tuple[int, int],
    faces: tuple[Box, ...],
    products: tuple[Box, ...],
) -> Box:
    """Return the largest box of `ratio` in a picture of `size` (width, height).

    Of the places in which it holds every face, the one that shows most of the products; of those
    the one nearest to the middle.

    Raises:
        NoCrop: there is no place that holds every face.
    """
    width, height = size
    across = min(width, height * ratio[0] // ratio[1])
    down = min(height, width * ratio[1] // ratio[0])
    axis = 0 if across < width else 1  # the one along which it can slide
    slack = size[axis] - (across, down)[axis]
    places = [_place(axis, at, (across, down)) for at in range(slack + 1)]
    loose = [place for place in places if all(_holds(place, _wide(face, size)) for face in faces)]
    kept = loose or [place for place in places if all(_holds(place, face) for face in faces)]
    if not kept:
        raise NoCrop(f"{len(faces)} faces do not fit into {ratio[0]}x{ratio[1]}")
    return max(
        kept,
        key=lambda place: (
            sum(_shared(place, product) for product in products),
            -abs(2 * place[axis] - slack),
        ),
    )


def _place(axis: int, at: int, size: tuple[int, int]) -> Box:
    left, top = (at, 0) if axis == 0 else (0, at)
    return left, top, left + size[0], top + size[1]


def _wide(face: Box, size: tuple[int, int]) -> Box:
    """Return a face with a margin, as far as the picture has one."""
    left, top, right, bottom = face
    margin = round(_MARGIN * (bottom - top))
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(size[0], right + margin),
        min(size[1], bottom + margin),
    )


def _holds(place: Box, box: Box) -> bool:
    return place[0] <= box[0] and place[1] <= box[1] and box[2] <= place[2] and box[3] <= place[3]


def _shared(a: Box, b: Box) -> int:
    """Return how many pixels two boxes share."""
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    return max(0, across) * max(0, down)


def _within(boxes: tuple[Box, ...], place: Box) -> tuple[Box, ...]:
    """Return what lies in a place, in its own pixels."""
    left, top, right, bottom = place
    return tuple(
        (
            max(box[0], left) - left,
            max(box[1], top) - top,
            min(box[2], right) - left,
            min(box[3], bottom) - top,
        )
        for box in boxes
        if _shared(box, place)
    )
