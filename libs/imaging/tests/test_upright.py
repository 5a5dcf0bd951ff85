"""Pictures are turned as their EXIF says, as Pillow turns them where it can."""

from io import BytesIO

import numpy as np
import pytest
from imaging.pictures import turn_upright
from PIL import Image, ImageOps


@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_turned_as_pillow_turns_it(orientation: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    exif, out = Image.Exif(), BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(out, "PNG", exif=exif)
    ours = turn_upright(Image.open(BytesIO(out.getvalue())))
    pillows = ImageOps.exif_transpose(Image.open(BytesIO(out.getvalue())))
    assert np.array_equal(np.asarray(ours), np.asarray(pillows))
