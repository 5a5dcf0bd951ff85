"""The photos a twin is trained on: opened in memory, never written in the clear."""

import asyncio
import hashlib
from dataclasses import dataclass

from imaging import pictures
from imaging.pictures import Rgb
from kit.objects import ObjectBroken
from sosia.identity.v1 import capture_pb2, consent_pb2
from vault import Vault

from training.clients import Identity
from training.domain.captions import Facts, caption_of

_MOST_PIXELS = 50_000_000
_LONGEST_SIDE = 1536
"""Pixels kept of a photo's longer side; no base here takes more than 1024 on the shorter."""


class DatasetBroken(ValueError):
    """A photo is not there or not what was stored."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One photo and what it shows, in words."""

    pixels: Rgb
    caption: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Photos in the order they came, the SHA-256 of their contents, hex, and her map."""

    photos: tuple[Shown, ...]
    sha256: str
    marks: tuple[tuple[str, str], ...] = ()
    """Name and site of each mark on her map."""


class Datasets:
    """Capture sets, as training needs them."""

    def __init__(self, identity: Identity, vault: Vault) -> None:
        self._identity = identity
        self._vault = vault

    async def fetch(self, capture_set_id: str) -> Dataset:
        """Fetch, open and decode the photos of a set, one after another.

        Raises:
            DatasetBroken: one of them is missing or changed.
            DomainError: no live consent covers training, or identity does not answer.
        """
        capture_set = await self._identity.get_capture_set(capture_set_id)
        shown, sha256 = [], hashlib.sha256()
        for photo in capture_set.photos:
            content = await self._open(photo)
            sha256.update(hashlib.sha256(content).digest())
            pixels = await asyncio.to_thread(_decode, content)
            shown.append(Shown(pixels, caption_of(_facts(photo))))
        marks = tuple((mark.name, mark.site) for mark in capture_set.marks)
        return Dataset(tuple(shown), sha256.hexdigest(), marks)

    async def _open(self, photo: capture_pb2.Photo) -> bytes:
        try:
            return await self._vault.get(
                photo.object_key, sha256=photo.sha256, step=consent_pb2.STEP_TRAINING
            )
        except (ObjectBroken, FileNotFoundError) as error:
            raise DatasetBroken(f"photo {photo.id} is not what was stored") from error


def _decode(content: bytes) -> Rgb:
    try:
        rgb = pictures.decode(content, max_pixels=_MOST_PIXELS)
    except (pictures.UnreadablePicture, pictures.PictureTooLarge) as error:
        raise DatasetBroken(f"a photo does not decode: {error}") from error
    return pictures.shrink(rgb, longest=_LONGEST_SIDE)


def _facts(photo: capture_pb2.Photo) -> Facts:
    facts = photo.facts
    return Facts(facts.framing, facts.yaw, facts.lighting, facts.pose, facts.caption)
