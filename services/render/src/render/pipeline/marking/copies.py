"""What others leave of a picture: a copy as the web makes them, and what a screen shows."""

import cv2
import numpy as np

from render.pipeline.marking.request import Pixels

_QUALITY, _SHOWN_QUALITY = 50, 75
_SHOWN = 0.65  # of either side


def saved(picture: Pixels) -> Pixels:
    """Return a copy of (H, W) luma or (H, W, 3) RGB, saved as a JPEG of low quality."""
    return _jpeg(picture, _QUALITY)


def shown(picture: Pixels) -> Pixels:
    """Return what a screenshot has of a picture that was shown smaller, at the old size."""
    height, width = picture.shape[:2]
    size = (max(1, round(_SHOWN * width)), max(1, round(_SHOWN * height)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    small = _jpeg(small, _SHOWN_QUALITY)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _jpeg(picture: Pixels, quality: int) -> Pixels:
    is_grey = picture.ndim == 2
    written = picture if is_grey else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, jpeg = cv2.imencode(".jpg", written, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise AssertionError("unreachable: a JPEG is written to memory")
    how = cv2.IMREAD_GRAYSCALE if is_grey else cv2.IMREAD_COLOR_RGB
    return np.asarray(cv2.imdecode(jpeg, how), np.uint8)
