"""What a base is trained on, made once per work folder: autoencoder, words, latents."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from imaging.faces import Faces
from imaging.pipeline.autoencoder import PatchAutoencoder
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from training.pipeline import regards
from training.pipeline.base_training import build, captions, corpus, patches

_PATCH, _CHANNELS = 16, 32
_TUNE_STEPS = 1500

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything the denoiser's training reads.

    Attributes:
        latents: (N, C, h, w) float16.
        captions: one per picture.
        phrases: what each picture's record knows beyond its caption.
        faces: (N, h, w) uint8, the share of each place that shows a face, of 255.
    """

    autoencoder: PatchAutoencoder
    vocabulary: dict[str, int]
    latents: Tensor
    captions: list[str]
    phrases: list[list[str]]
    faces: Tensor


def prepare(
    folder: Path, work: Path, *, size: int, seed: int, say: Say, start_from: Path | None = None
) -> Prepared:
    """Read the corpus at `folder`, fit and tune the autoencoder, and encode; resume from `work`.

    The autoencoder of the base at `start_from`, where one is given, is kept as it is.

    Raises:
        CorpusUnusable: no pictures with captions under `folder`.
    """
    done = work / "prepared.json"
    if not done.exists():
        say(f"reading {folder}")
        found = corpus.read(folder, size=size)
        say(f"{len(found.records)} pictures; fitting the autoencoder")
        autoencoder = _autoencoder(found.pictures, seed, say, start_from)
        autoencoder.save_pretrained(work / "vae")
        latents = patches.encode_all(autoencoder, found.pictures)
        torch.save(latents, work / "latents.pt")
        say("looking for faces in the close-ups")
        grid = (latents.shape[-2], latents.shape[-1])
        torch.save(_faces(found, grid), work / "faces.pt")
        done.write_text(json.dumps([_told(record) for record in found.records]))
    told = json.loads(done.read_text())
    texts = [text for item in told for text in (item["caption"], *item["phrases"])]
    return Prepared(
        autoencoder=PatchAutoencoder.from_pretrained(work / "vae").eval(),
        vocabulary=captions.vocabulary(texts),
        latents=torch.load(work / "latents.pt"),
        captions=[item["caption"] for item in told],
        phrases=[item["phrases"] for item in told],
        faces=torch.load(work / "faces.pt"),
    )


def words(
    prepared: Prepared, tokenizer: PreTrainedTokenizerFast, chosen: list[int], chance: random.Random
) -> tuple[Tensor, Tensor]:
    """Return token ids and mask, each (B, longest) int64, of the chosen pictures' varied words."""
    texts = [captions.vary(prepared.captions[i], prepared.phrases[i], chance) for i in chosen]
    made = tokenizer(
        texts,
        padding="longest",
        truncation=True,
        max_length=build.TOKENS,
        return_tensors="pt",
    )
    return made.input_ids, made.attention_mask


def _autoencoder(
    pictures: patches.Pictures, seed: int, say: Say, start_from: Path | None
) -> PatchAutoencoder:
    if start_from is not None:
        kept: PatchAutoencoder = PatchAutoencoder.from_pretrained(start_from / "vae").float()
        kept.eval()
        return kept
    model = patches.fit(pictures, patch=_PATCH, channels=_CHANNELS, seed=seed)
    looked_at = np.ascontiguousarray(pictures[:: max(1, len(pictures) // 64)])
    say(f"closed form: {patches.psnr(model, looked_at):.2f} dB")

    def progress(step: int, loss: float) -> None:
        if step % 250 == 0:
            say(f"decoder {step}/{_TUNE_STEPS}, loss {loss:.4f}")

    patches.tune(model, pictures, steps=_TUNE_STEPS, seed=seed, progress=progress)
    model.requires_grad_(False)
    say(f"tuned: {patches.psnr(model, looked_at):.2f} dB")
    return model


def _faces(found: corpus.Corpus, grid: tuple[int, int]) -> Tensor:
    """Return (N, h, w) uint8: what of each place of a close-up is face, nothing elsewhere."""
    detector = Faces()
    rows = torch.zeros(len(found.records), *grid, dtype=torch.uint8)
    for place, record in enumerate(found.records):
        if captions.CLOSE_UP not in record["caption"]:
            continue
        seen = detector.find(found.pictures[place])
        if seen:
            masked = regards.mask(found.pictures[place], seen[0].box)
            rows[place] = (255 * regards.share(masked, grid)).byte()
    return rows


def _told(record: dict[str, Any]) -> dict[str, Any]:
    return {"caption": record["caption"], "phrases": captions.details(record)}
