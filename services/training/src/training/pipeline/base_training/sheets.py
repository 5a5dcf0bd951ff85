"""What a base can do, to look at: a sheet of samples and the curve of its loss."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from imaging.pipeline import base as bases
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

PROMPTS = (
    "close-up portrait of a woman in a red T-shirt and black trousers,"
    " standing, front view, studio soft light",
    "close-up portrait of a man in a navy hoodie and grey trousers,"
    " arms folded low, front view, hard side light",
    "close-up portrait of a woman in a white V-neck top and indigo jeans,"
    " standing, three-quarter view, golden hour light",
    "three-quarter shot of a woman in a camel coat and light blue jeans,"
    " with a hand on the hip, front view, studio soft light",
    "three-quarter shot of a man in a forest green jacket and cream trousers,"
    " standing, three-quarter view, overcast light",
    "full-body photo of a woman in a red dress, standing, front view, studio soft light",
    "full-body photo of a man in a royal blue T-shirt and black shorts,"
    " standing, front view, overcast light",
    "full-body photo of a woman in a mustard V-neck top and indigo jeans,"
    " walking, profile view, golden hour light",
)
_CAPTION_PX = 44


def samples(base: Path, *, seeds: int, steps: int = 25) -> Image.Image:
    """Return a sheet: a row per prompt, a column per seed, the prompt above its row."""
    pipeline = bases.load(base)
    side = bases.side_px(pipeline)
    sheet = Image.new("RGB", (side * seeds, (side + _CAPTION_PX) * len(PROMPTS)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, prompt in enumerate(PROMPTS):
        top = row * (side + _CAPTION_PX)
        draw.text((8, top + 14), prompt, fill="black", font_size=16)
        noise = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
        made = pipeline(
            [prompt] * seeds, num_inference_steps=steps, guidance_scale=3.0, generator=noise
        ).images
        for column, picture in enumerate(made):
            sheet.paste(picture, (column * side, top + _CAPTION_PX))
    return sheet


def loss_curve(table: Path, out: Path) -> None:
    """Draw loss over hours, smoothed, from the CSV that training writes."""
    with table.open(newline="") as file:
        rows = [(float(seconds) / 3600, float(loss)) for _, loss, seconds in csv.reader(file)]
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    hours, losses = zip(*rows, strict=True)
    width = max(1, len(rows) // 60)
    smooth = [sum(losses[i : i + width]) / width for i in range(len(rows) - width + 1)]
    axes.plot(hours, losses, linewidth=0.5, alpha=0.4)
    axes.plot(hours[width - 1 :], smooth)
    axes.set(xlabel="hours", ylabel="velocity loss", yscale="log", title="Training a base")
    axes.grid(alpha=0.3)
    figure.savefig(out, dpi=130)
