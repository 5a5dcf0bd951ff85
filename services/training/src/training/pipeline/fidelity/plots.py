"""Plots of a report as SVG, for the folder the command writes; pages draw their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_SIDE, _EDGE = 320, 40
_STYLE = "font:12px sans-serif;fill:#6b655e"


def roc(told: dict[str, Any]) -> str:
    """Return the receiver operating characteristic of renders and of held-out photos."""
    same = told["identity"]
    lines = [
        _line(told["photos_roc"], "#9b948c", "4 3"),
        _line(told["roc"], "#a4442e", ""),
        _text(_EDGE, 20, f"renders: {same['share']:.0%} within the 1 % threshold"),
        _text(_EDGE, 34, f"dashed: her held-out photos, {same['photos_share']:.0%}"),
    ]
    return _plot(lines, "strangers accepted", "accepted")


def scatter(told: dict[str, Any]) -> str:
    """Return every render as a dot: distance to her across, to the nearest other up."""
    dots = [
        f'<circle cx="{_x(one["own"]):.1f}" cy="{_y(one["other"]):.1f}" r="3.5"'
        f' fill="{"#a4442e" if one["other"] <= one["own"] else "#181614"}" fill-opacity=".6"/>'
        for one in told["renders"]
        if one["own"] is not None and one["other"] is not None
    ]
    same = f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#dcd7d0"/>'
    at = _x(told["identity"]["threshold"])
    bound = f'<line x1="{at:.1f}" y1="{_y(0)}" x2="{at:.1f}" y2="{_y(1)}" stroke="#a4442e"'
    return _plot([same, f'{bound} stroke-dasharray="3 3"/>', *dots], "to her", "to another")


def _plot(parts: Sequence[str], across: str, up: str) -> str:
    size = _SIDE + 2 * _EDGE
    frame = (
        f'<rect x="{_EDGE}" y="{_EDGE}" width="{_SIDE}" height="{_SIDE}" fill="none"'
        ' stroke="#dcd7d0"/>'
    )
    names = _text(_EDGE + _SIDE - 110, size - 12, across) + _text(4, _EDGE + 12, up)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size}">'
        f"{frame}{''.join(parts)}{names}</svg>"
    )


def _line(points: Sequence[Sequence[float]], colour: str, dashes: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"'
        f' stroke-dasharray="{dashes}"/>'
    )


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}" style="{_STYLE}">{text}</text>'


def _x(value: float) -> float:
    return _EDGE + _SIDE * min(1.0, max(0.0, value))


def _y(value: float) -> float:
    return _EDGE + _SIDE * (1 - min(1.0, max(0.0, value)))
