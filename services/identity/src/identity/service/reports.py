"""Reports on capture sets: where one stands, and the judgement that closes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sosia.identity.v1 import consent_pb2
from vault import Vault

from identity.domain import reports
from identity.domain.captures import CaptureSet, Photo, State
from identity.domain.quality import Vector
from identity.domain.reports import CaptureReport
from identity.photos import unpack_vector
from identity.service.captures import Captures, Filled
from identity.service.commands import Command

_OPENED_AT_ONCE = 4
"""Vectors opened at a time: each asks the database for the consent, whose pool others share."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A report, and whether it was kept when its set was closed or says how it stands now."""

    capture_set: CaptureSet
    report: CaptureReport
    final: bool


class Judge:
    """Judges capture sets by what is in the database and by the sealed vectors of their faces.

    A vector of a face is biometric data: it lies beside the photo, sealed with the same person's
    key, and is opened only here, only in memory and only while her consent covers the capture.
    """

    def __init__(self, captures: Captures, vault: Vault) -> None:
        self._captures = captures
        self._vault = vault

    async def report(self, capture_set_id: str) -> Reported:
        """Return the report a set was closed with; of an open one, how it stands.

        Raises:
            CaptureSetNotFound, ConsentMissing: in this order.
        """
        (capture_set, photos), kept = await self._captures.read(capture_set_id)
        if kept is not None:
            return Reported(capture_set, kept, final=True)
        vectors = await self._open(photos)
        made = await asyncio.to_thread(reports.judge, capture_set.marks, photos, vectors)
        return Reported(capture_set, made, final=False)

    async def close(self, command: Command, capture_set_id: str) -> Filled:
        """Judge a set; a good one takes no more photos. Errors: as `Captures.close`."""
        capture_set, photos = await self._captures.get(capture_set_id)
        still_open = capture_set.state is State.OPEN
        vectors = await self._open(photos) if still_open else {}
        return await self._captures.close(command, capture_set_id, vectors)

    async def _open(self, photos: Sequence[Photo]) -> dict[str, Vector]:
        """Return the vectors of the faces that were found, by photo id."""
        free = asyncio.Semaphore(_OPENED_AT_ONCE)

        async def unseal(photo: Photo) -> tuple[str, Vector]:
            async with free:
                packed = await self._vault.get(
                    photo.face.object_key,
                    sha256=photo.face.sha256,
                    step=consent_pb2.STEP_CAPTURE,
                )
            return photo.id, unpack_vector(packed)

        with_face = [photo for photo in photos if photo.face.object_key]
        return dict(await asyncio.gather(*map(unseal, with_face)))
