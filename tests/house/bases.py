"""A base pipeline too small to draw anybody, of the same parts as a real one."""

from pathlib import Path

import numpy as np
import torch
from imaging.pictures import decode, square
from training.pipeline.base_training import build, captions, patches

from house.people import photos

SIDE_PX = 256
_SHAPE = build.Shape(channels=(32, 64), text_width=32, text_layers=1, heads=2)


def write_tiny(folder: Path) -> None:
    """Write a base of random weights as a diffusers folder; the same bytes every time."""
    shown = photos("alba")[:12]
    pictures = [square(decode(one["content"], max_pixels=10**7), SIDE_PX) for one in shown]
    vocabulary = captions.vocabulary(one["facts"]["caption"] for one in shown)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        autoencoder = patches.fit(np.stack(pictures), patch=16, channels=8, seed=5)
        text_encoder = build.make_text_encoder(vocabulary, _SHAPE)
        denoiser = build.make_denoiser(autoencoder, _SHAPE)
    build.save(
        folder,
        autoencoder=autoencoder,
        text_encoder=text_encoder,
        tokenizer=build.make_tokenizer(vocabulary),
        unet=denoiser,
    )
