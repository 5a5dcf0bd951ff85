"""How a twin is trained on each family of bases: one table, the reason beside each figure."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.pipeline.families import Kind


@dataclass(frozen=True, slots=True)
class Recipe:
    """What training needs to know of a family; shares and chances are in [0, 1]."""

    rank: int
    """Of the LoRA, where none is asked for."""
    learning_rate: float
    batch: int
    gamma: float = 0.0
    """Largest signal-to-noise ratio that counts in full (min-SNR); 0: every step counts alike."""
    ema: float = 0.0
    """Decay of the running mean of the weights, which is then the twin; 0: the last ones are."""
    bias: float = 0.0
    """Of flow matching: mean of the logit of the noise level drawn; above 0 noisier."""
    dropout: float = 0.1
    """Share of captions left empty, so that guidance has something to lead away from."""
    worn: float = 0.15
    """Share of pictures from the wardrobe, of which only the clothes count."""
    others: float = 0.0
    """Share of the base's own people, under their own words: DreamBooth's prior preservation."""
    face: float = 1.0
    """How much more a face counts than hair and neck in a close-up."""


RECIPES = {
    # models/mini has learned little that could be lost, and a run has few steps: a high rate.
    # Measured, 600 steps of 8: at 1e-3 the twin is nobody yet, from 4e-3 on it diverges.
    # The face's weight: docs/adr/0010. The clean picture is predicted; gamma keeps late steps,
    # where little is left, from outweighing those in which a face appears.
    # No mean of the weights: the rate falls to a tenth, and a mean has not been tried.
    Kind.MINI: Recipe(rank=32, learning_rate=2.5e-3, batch=8, gamma=5.0, face=3.0),
    # From here on no figure was measured by us: they are diffusers' and the papers'.
    # 860 M weights that know people: rank 16 on attention is what a face takes, 1e-4 is diffusers'
    # own figure for it. Noise is predicted, early steps would outweigh: min-SNR 5 (Hang et al.
    # 2023). The base's own women must stay themselves: DreamBooth's prior, a fifth.
    # At batch 4 one step's weights wander: a mean over the last hundred steps is steadier.
    Kind.SD: Recipe(
        rank=16, learning_rate=1e-4, batch=4, gamma=5.0, ema=0.99, others=0.2
    ),
    # Three times the width: the same rank says more, half as many rows fit. Otherwise as above.
    Kind.SDXL: Recipe(
        rank=16, learning_rate=1e-4, batch=2, gamma=5.0, ema=0.99, others=0.2
    ),
    # Flow matching has no ratio to cap: levels are drawn where the direction is least certain, in
    # the middle (logit-normal, Esser et al. 2024), a little on the noisy side.
    # 4e-4 is diffusers' figure for SD3's LoRA; with a mean of weights half of that is steady.
    Kind.SD3: Recipe(
        rank=16, learning_rate=2e-4, batch=2, ema=0.99, bias=0.2, others=0.2
    ),
    # Guidance is distilled into it: no caption is dropped. 12 billion weights: one row at a time,
    # and rank 16 on attention is 26 million weights already.
    Kind.FLUX: Recipe(
        rank=16, learning_rate=1e-4, batch=1, ema=0.99, bias=0.2, dropout=0.0, others=0.2,
    ),
}  # fmt: skip
