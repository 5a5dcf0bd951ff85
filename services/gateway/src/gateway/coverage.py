"""What the page of a capture set draws: where each cell of the map and each dot of a plot is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

CELL_W, CELL_H = 36, 22
LEFT, TITLE_H, GAP = 46, 18, 12
"""Of the map, in its own units: room for the words on the left, above and between its blocks."""
PLOT_W, PLOT_H, DOT = 320, 100, 3.0
_FRAMINGS = {"face": "Close-up", "three-quarter": "Three-quarter", "full": "Full body"}
_YAWS = {
    "right profile": "90° R",
    "right half-profile": "45° R",
    "front": "0°",
    "left half-profile": "45° L",
    "left profile": "90° L",
    "back": "180°",
}
_MOST = 3
"""From here on more photos look the same."""


@dataclass(frozen=True, slots=True)
class Box:
    """One place of the map. `level` is how many photos, `_MOST` at most."""

    x: int
    y: int
    photos: int
    level: int
    wanted: bool
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word and where it stands."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The map of one light."""

    light: str
    photos: int
    height: int
    boxes: tuple[Box, ...]
    titles: tuple[Label, ...]
    rows: tuple[Label, ...]
    columns: tuple[Label, ...]

    @property
    def width(self) -> int:
        """Return how wide it is, in its own units."""
        return LEFT + CELL_W * len(_YAWS)


@dataclass(frozen=True, slots=True)
class Dot:
    """A photo on a plot."""

    x: float
    y: float
    faulty: bool
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Photos along one measure. `bound` is where the line between good and faulty is, or None."""

    name: str
    note: str
    dots: tuple[Dot, ...]
    ticks: tuple[Label, ...]
    bound: float | None


def draw_panels(cells: Sequence[Any]) -> list[Panel]:
    """Lay the cells of a report out: a panel for each light, a block for each framing in it."""
    lights = list(dict.fromkeys(cell.lighting for cell in cells))
    return [_panel(light, [one for one in cells if one.lighting == light]) for light in lights]


def _panel(light: str, cells: Sequence[Any]) -> Panel:
    pitches = list(dict.fromkeys(cell.pitch for cell in cells))
    framings = list(dict.fromkeys(cell.framing for cell in cells))
    yaws = list(_YAWS)
    tops = {
        framing: TITLE_H + place * (CELL_H * len(pitches) + TITLE_H + GAP)
        for place, framing in enumerate(framings)
    }
    boxes = tuple(
        Box(
            LEFT + CELL_W * yaws.index(cell.yaw),
            tops[cell.framing] + CELL_H * pitches.index(cell.pitch),
            cell.photos,
            min(cell.photos, _MOST),
            cell.wanted,
            _describe(cell),
        )
        for cell in cells
    )
    bottom = max(tops.values()) + CELL_H * len(pitches)
    return Panel(
        light,
        sum(cell.photos for cell in cells),
        bottom + TITLE_H,
        boxes,
        tuple(Label(LEFT, tops[one] - 6, _FRAMINGS[one]) for one in framings),
        tuple(
            Label(LEFT - 8, tops[framing] + CELL_H * place + 15, pitch)
            for framing in framings
            for place, pitch in enumerate(pitches)
        ),
        tuple(
            Label(LEFT + CELL_W * place + CELL_W // 2, bottom + 14, _YAWS[yaw])
            for place, yaw in enumerate(yaws)
        ),
    )


def _describe(cell: Any) -> str:
    where = f"{_FRAMINGS[cell.framing]}, {cell.yaw}, {cell.pitch}, {cell.lighting} light"
    count = "1 photo" if cell.photos == 1 else f"{cell.photos} photos"
    return f"{where}: {count}{', one more is wanted' if cell.wanted else ''}"


def draw_plots(report: Any) -> list[Plot]:
    """Lay the photos of a report out along sharpness, light and likeness to one another."""
    lit = [photo for photo in report.photos if photo.HasField("luminance")]
    compared = [photo for photo in report.photos if photo.HasField("distance")]
    return [
        _plot(
            ("Sharpness", "Detail in the picture; left of the line a photo is soft.", "soft"),
            report.photos,
            Axis(lambda photo: float(photo.sharpness), 20, 2000, (20, 100, 500, 2000), log=True),
            report.soft_below,
        ),
        _plot(
            ("Light", "Mean luminance of the face, or of the picture without one.", "dark bright"),
            lit,
            Axis(lambda photo: 100 * float(photo.luminance), 0, 100, (0, 25, 50, 75, 100), "%"),
            None,
        ),
        _plot(
            ("One person", "How far each face is from the set’s own.", "another person"),
            compared,
            Axis(lambda photo: float(photo.distance), 0, 0.9, (0, 0.2, 0.4, 0.6, 0.8)),
            report.odd_from,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured of a photo, from where to where, and which values are named."""

    measure: Callable[[Any], float]
    least: float
    most: float
    named: tuple[float, ...]
    unit: str = ""
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value is; beyond an end it is at that end."""
        ends, inner = (self.least, self.most), min(max(value, self.least), self.most)
        low, high, here = map(math.log, (*ends, inner)) if self.log else (*ends, inner)
        return round(8 + (here - low) / (high - low) * (PLOT_W - 16), 1)


def _plot(words: tuple[str, str, str], photos: Sequence[Any], axis: Axis, bound: Any) -> Plot:
    name, note, faults = words
    step = 2 * DOT + 1
    columns: dict[int, list[Any]] = {}
    for photo in sorted(photos, key=axis.measure):
        columns.setdefault(round(axis.place(axis.measure(photo)) / step), []).append(photo)
    tallest = max(map(len, columns.values()), default=1)
    rise = min(step, (PLOT_H - 24) / tallest)  # a large set is drawn closer, never cut off
    dots = [
        Dot(
            column * step,
            round(PLOT_H - 24 - (place + 0.5) * rise, 1),
            any(fault in faults for fault in photo.faults),
            f"{photo.filename}: {axis.measure(photo):.3g}{axis.unit}",
        )
        for column, stack in columns.items()
        for place, photo in enumerate(stack)
    ]
    ticks = tuple(
        Label(round(axis.place(value)), PLOT_H - 6, f"{value:g}{axis.unit}") for value in axis.named
    )
    return Plot(name, note, tuple(dots), ticks, None if bound is None else axis.place(bound))
