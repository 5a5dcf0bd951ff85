"""What happens to pictures on their way, with chance from a generator that is given."""

from collections.abc import Callable
from functools import partial, reduce
from io import BytesIO

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, features

from marks.pictures import Pixels

Attack = Callable[[Pixels, Generator], Pixels]


def save(picture: Pixels, _: Generator, *, kind: str, quality: int) -> Pixels:
    """Encode and decode."""
    out = BytesIO()
    Image.fromarray(picture).save(out, kind, quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def resize(picture: Pixels, _: Generator, *, by: float) -> Pixels:
    """Resize both sides by a factor."""
    size = (round(picture.shape[1] * by), round(picture.shape[0] * by))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def crop(picture: Pixels, chance: Generator, *, area: float) -> Pixels:
    """Keep a share of the area, of the same shape, at a random place."""
    height, width = picture.shape[:2]
    down, across = round(height * area**0.5), round(width * area**0.5)
    top, left = chance.integers(0, height - down + 1), chance.integers(0, width - across + 1)
    return np.ascontiguousarray(picture[top : top + down, left : left + across])


def rotate(picture: Pixels, _: Generator, *, degrees: float) -> Pixels:
    """Rotate, black where nothing was."""
    turned = Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    return np.asarray(turned)


def mirror(picture: Pixels, _: Generator) -> Pixels:
    """Swap left and right."""
    return np.ascontiguousarray(picture[:, ::-1])


def brighten(picture: Pixels, _: Generator, *, by: float) -> Pixels:
    """Multiply the grey levels."""
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(by))


def contrast(picture: Pixels, _: Generator, *, by: float) -> Pixels:
    """Spread the grey levels about their mean."""
    return np.asarray(ImageEnhance.Contrast(Image.fromarray(picture)).enhance(by))


def saturate(picture: Pixels, _: Generator, *, by: float) -> Pixels:
    """Change the colours' saturation; 0 leaves grey."""
    return np.asarray(ImageEnhance.Color(Image.fromarray(picture)).enhance(by))


def warm(picture: Pixels, _: Generator) -> Pixels:
    """Shift the white balance, as a filter of an app does."""
    return np.asarray(np.clip(picture * np.array([1.12, 1.0, 0.85]), 0, 255), np.uint8)


def gamma(picture: Pixels, _: Generator, *, power: float) -> Pixels:
    """Raise the grey levels to a power."""
    return np.asarray(255 * (picture / 255.0) ** power + 0.5, np.uint8)


def noise(picture: Pixels, chance: Generator, *, deviation: float) -> Pixels:
    """Add Gaussian noise, in grey levels."""
    noisy = picture + chance.normal(0, deviation, picture.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def blur(picture: Pixels, _: Generator, *, deviation: float) -> Pixels:
    """Blur by a Gaussian, in pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), deviation), np.uint8)


def sharpen(picture: Pixels, _: Generator) -> Pixels:
    """Mask unsharply, strongly."""
    mask = ImageFilter.UnsharpMask(radius=2, percent=150, threshold=2)
    return np.asarray(Image.fromarray(picture).filter(mask))


def median(picture: Pixels, _: Generator) -> Pixels:
    """Take the median of 3x3 pixels."""
    return np.asarray(cv2.medianBlur(picture, 3), np.uint8)


def write(picture: Pixels, _: Generator) -> Pixels:
    """Write two lines of large text over it."""
    image = Image.fromarray(picture)
    font = ImageFont.load_default(size=image.height / 9)
    for line, at in enumerate(("NEW SEASON", "up to 40 % off")):
        place = (image.width * 0.06, image.height * (0.15 + 0.55 * line))
        ImageDraw.Draw(image).text(place, at, fill="white", font=font, stroke_width=2)
    return np.asarray(image)


def stick(picture: Pixels, chance: Generator) -> Pixels:
    """Cover a sixth of it with a plain sticker."""
    image = Image.fromarray(picture)
    across, down = image.width * 0.41, image.height * 0.41
    left, top = (image.width - across) * chance.random(), (image.height - down) * chance.random()
    box = (left, top, left + across, top + down)
    ImageDraw.Draw(image).rounded_rectangle(box, radius=across / 8, fill=(250, 214, 60))
    return np.asarray(image)


def screenshot(picture: Pixels, chance: Generator) -> Pixels:
    """Show it smaller on a screen with bars around it, and save the screen as JPEG at 80."""
    height, width = picture.shape[:2]
    shown = resize(picture, chance, by=float(chance.uniform(0.6, 0.9)))
    bars = (chance.uniform(0.03, 0.15, 4) * [height, height, width, width]).astype(int).tolist()
    grey = int(chance.integers(0, 256))
    screen = cv2.copyMakeBorder(shown, *bars, cv2.BORDER_CONSTANT, value=(grey, grey, grey))
    return save(np.asarray(screen, np.uint8), chance, kind="JPEG", quality=80)


def chain(picture: Pixels, chance: Generator, *, steps: tuple[Attack, ...]) -> Pixels:
    """Do one after the other."""
    return reduce(lambda now, step: step(now, chance), steps, picture)


def _jpeg(quality: int) -> Attack:
    return partial(save, kind="JPEG", quality=quality)


def _then(*steps: Attack) -> Attack:
    return partial(chain, steps=steps)


def _all() -> dict[str, Attack]:
    crops = {share: partial(crop, area=share / 100) for share in (90, 80, 50, 20)}
    half = partial(resize, by=0.5)
    attacks: dict[str, Attack] = {"none": lambda picture, _: picture}
    attacks |= {f"JPEG {quality}": _jpeg(quality) for quality in (95, 70, 50, 30, 20, 10)}
    attacks |= {f"WebP {q}": partial(save, kind="WEBP", quality=q) for q in (80, 50, 30)}
    if features.check("avif"):
        attacks |= {f"AVIF {q}": partial(save, kind="AVIF", quality=q) for q in (70, 50)}
    attacks |= {f"resize {by:g}": partial(resize, by=by) for by in (0.25, 0.5, 0.75, 1.5, 2)}
    attacks |= {f"crop {share} %": attack for share, attack in crops.items()}
    attacks |= {f"rotate {n}": partial(rotate, degrees=n) for n in (1, 2, 5, 10, 15, 90)}
    attacks |= {
        "mirror": mirror,
        "bright +30 %": partial(brighten, by=1.3),
        "bright -30 %": partial(brighten, by=0.7),
        "contrast +40 %": partial(contrast, by=1.4),
        "saturation 0": partial(saturate, by=0),
        "warm": warm,
        "gamma 0.6": partial(gamma, power=0.6),
        "gamma 1.6": partial(gamma, power=1.6),
        "noise 5": partial(noise, deviation=5),
        "noise 10": partial(noise, deviation=10),
        "blur 1": partial(blur, deviation=1),
        "blur 1.5": partial(blur, deviation=1.5),
        "median 3": median,
        "sharpen": sharpen,
        "text": write,
        "sticker": stick,
        "screenshot": screenshot,
        "crop 50 % + JPEG 70": _then(crops[50], _jpeg(70)),
        "half size + JPEG 70": _then(half, _jpeg(70)),
        "half size + JPEG 50": _then(half, _jpeg(50)),
        "crop 80 % + screenshot": _then(crops[80], screenshot),
        "rotate 2 + crop 80 %": _then(partial(rotate, degrees=2), crops[80]),
        "mirror + text": _then(mirror, write),
        "screenshot twice": _then(screenshot, screenshot),
        "JPEG 50 twice, shifted": _then(_jpeg(50), crops[90], _jpeg(50)),
    }
    return attacks


ATTACKS = _all()
