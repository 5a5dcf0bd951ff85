"""A screenshot of a part of a picture has bars around it that are no part of it."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from render.domain.judging import Outcome
from render.domain.verdicts import Verdict
from render.pipeline.marking.mark import Marked
from render.pipeline.marking.outline import is_part
from render.pipeline.marking.request import Pixels


def shown(pixels: Pixels, grey: int, bars: tuple[int, int, int, int]) -> Pixels:
    """Return a part of a picture, shown smaller on a plain screen."""
    part = np.ascontiguousarray(pixels[300:950, 80:730])
    small = cv2.resize(part, (480, 480), interpolation=cv2.INTER_AREA)
    screen = cv2.copyMakeBorder(small, *bars, cv2.BORDER_CONSTANT, value=(grey, grey, grey))
    return np.asarray(screen, np.uint8)


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("bars", [(60, 20, 0, 0), (10, 70, 33, 5), (0, 0, 40, 90)])
def test_a_screenshot_of_a_part_is_recovered(
    marked: Marked,
    pixels_of: Callable[[bytes], Pixels],
    resave: Callable[..., bytes],
    judge: Callable[[bytes], Verdict],
    grey: int,
    bars: tuple[int, int, int, int],
) -> None:
    found = judge(resave(shown(pixels_of(marked.data), grey, bars), 80))
    assert found.outcome is Outcome.RECOVERED
    assert found.record is not None
    assert found.record.rights == marked.rights


def test_another_picture_with_bars_is_no_part(
    marked: Marked, other: Marked, pixels_of: Callable[[bytes], Pixels]
) -> None:
    screen = shown(pixels_of(other.data), 128, (60, 20, 30, 30))
    assert not is_part(screen, marked.outline)


def test_what_is_plain_all_over_is_no_part(marked: Marked) -> None:
    for grey in (0, 128, 255):
        assert not is_part(np.full((200, 300, 3), grey, np.uint8), marked.outline)
    thin = np.full((200, 300, 3), 128, np.uint8)
    thin[:, 150] = 20
    assert not is_part(thin, marked.outline)
