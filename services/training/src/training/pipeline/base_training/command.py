"""`python -m training base`: train a base pipeline for a look of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.pipeline.base_training import build, data, loop, sheets


def main(argv: list[str]) -> int:
    """Prepare, train within the budget, and write the base, its sheet and its loss curve."""
    options = _options(argv)
    options.work.mkdir(parents=True, exist_ok=True)
    prepared = data.prepare(
        options.corpus,
        options.work,
        size=options.size,
        seed=options.seed,
        say=_say,
        start_from=options.start_from,
    )
    shape = build.Shape()
    plan = loop.Plan(
        options.work,
        options.minutes,
        options.batch,
        seed=options.seed,
        start_from=options.start_from,
    )
    if not options.export_only:
        loop.train(prepared, plan, shape, processes=options.processes)
    trained = loop.averaged(prepared, plan, shape)
    build.save(
        options.out,
        autoencoder=prepared.autoencoder,
        text_encoder=trained.text_encoder,
        tokenizer=build.make_tokenizer(prepared.vocabulary),
        unet=trained.unet,
    )
    _say(f"wrote {options.out}")
    sheets.samples(options.out, seeds=4).save(options.work / "samples.jpg", quality=92)
    if (options.work / "loss.csv").exists():
        sheets.loss_curve(options.work / "loss.csv", options.work / "loss.png")
    _say(f"look at {options.work / 'samples.jpg'}")
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training base", description=main.__doc__)
    add = parser.add_argument
    add("--corpus", type=Path, required=True, help="folder of pictures, or tars, with *.jsonl")
    add("--out", type=Path, required=True, help="where the diffusers folder is written")
    add("--work", type=Path, required=True, help="latents, checkpoints, sheets; resumed from")
    add("--minutes", type=float, default=120, help="time budget over all resumptions")
    add("--processes", type=int, default=2, help="one thread each; gradients are added up")
    add("--batch", type=int, default=8, help="pictures per process and step")
    add("--size", type=int, default=256, help="side of the pictures in pixels")
    add("--seed", type=int, default=0)
    add("--start-from", type=Path, help="base of the same words that a fresh run goes on from")
    add("--export-only", action="store_true", help="write what the newest checkpoint holds")
    return parser.parse_args(argv)


def _say(text: str) -> None:
    print(text, flush=True)
