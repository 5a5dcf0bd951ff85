"""The way of a file that comes in parts: each sealed and stored, the whole checked and kept."""

import asyncio
import secrets
from collections.abc import Sequence

from kit import once, trace
from kit.bus import stopping
from kit.db import GONE
from kit.errors import AlreadyExists, DomainError, InvalidArgument
from kit.ops import log
from sosia.identity.v1 import consent_pb2
from vault import Vault

from identity.domain import uploads as domain
from identity.domain.uploads import Fault, NewUpload, Part, Upload
from identity.service.captures import Intake, NewPhoto
from identity.service.commands import Command
from identity.service.uploads import Uploads

_LOOK_EVERY_S = 10.0
"""How long parts may outlive the end of their upload, or of the consent, at most."""
_STEP = consent_pb2.STEP_CAPTURE


class Receiver:
    """Takes files in parts.

    A part is stored before the row that names it. If that row is refused the part is deleted
    again; after a crash in between it is deleted with its upload, for all that lies in the
    upload's folder is. The last part is never stored: it comes into the hand that checks the
    file. So whatever a kill interrupts costs the part in flight and nothing else.
    """

    def __init__(self, uploads: Uploads, intake: Intake, vault: Vault) -> None:
        self._uploads = uploads
        self._intake = intake
        self._vault = vault

    async def create(self, new: NewUpload) -> Upload:
        """Begin an upload or go on with one. Errors: as `Uploads.create`."""
        return await self._uploads.create(new)

    async def get(self, upload_id: str) -> Upload:
        """Return an upload. Errors: as `Uploads.get`."""
        return await self._uploads.get(upload_id)

    async def find_open(self, capture_set_id: str) -> list[Upload]:
        """Return the open uploads of a set. Errors: as `Uploads.find_open`."""
        return await self._uploads.find_open(capture_set_id)

    async def append(
        self, upload_id: str, offset: int, content: bytes, *, following: int = 0
    ) -> Upload:
        """Take the next part; with the last one, put the file into its set.

        Raises:
            UploadNotFound, UploadEnded, UploadOffsetWrong, UploadTooLong, CaptureSetClosed,
            ConsentMissing: the part is not taken.
            UploadHashWrong, and as `Intake.add`: the file is broken; its upload has ended.
        """
        length = len(content)
        upload, parts = await self._uploads.admit(
            upload_id, offset=offset, length=length, following=following
        )
        if not content:
            return upload
        if offset + length == upload.length:
            return await self._finish(upload, parts, content)
        return await self._keep(upload, content)

    async def remove(self, upload_id: str) -> Upload:
        """Give an upload up and delete what came of it. Errors: as `Uploads.remove`."""
        upload = await self._uploads.remove(upload_id)
        await self._clear(upload)
        return upload

    async def sweep(self) -> None:
        """End what may not or will not go on, delete its parts, forget what ended long ago."""
        ended = await self._uploads.end_stale() + await self._uploads.end_forbidden()
        for upload in await self._uploads.find_uncleared():
            await self._clear(upload)
        forgotten = await self._uploads.forget()
        if ended or forgotten:
            log.info("uploads swept", ended=ended, forgotten=forgotten)

    async def watch(self) -> None:
        """Sweep again and again, until cancelled."""
        while not stopping():
            try:
                with trace.span("sweep", {}, who=trace.Actor("identity", "service")):
                    await self.sweep()
            except (*GONE, OSError) as error:
                log.warning("uploads were not swept", error=repr(error))
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _keep(self, upload: Upload, content: bytes) -> Upload:
        key = f"{upload.folder}/{upload.offset:012d}.{secrets.token_hex(8)}"
        sha256 = await self._vault.put(key, content, talent_id=upload.talent_id, step=_STEP)
        try:
            part = Part(upload.id, upload.offset, len(content), key, sha256)
            return await self._uploads.note(part)
        except DomainError:
            await self._vault.delete(key)
            raise

    async def _finish(self, upload: Upload, parts: Sequence[Part], last: bytes) -> Upload:
        """Check the whole file and put it into its set, once for every upload."""
        whole = b"".join([*[await self._open(part) for part in parts], last])
        new = NewPhoto(upload.capture_set_id, upload.filename, whole, upload.facts)
        command = Command(f"upload:{upload.id}", once.digest(upload.id, upload.sha256))
        try:
            domain.check_whole(upload, whole)
            photo = await self._intake.add(command, new)
        except (InvalidArgument, AlreadyExists) as error:  # nothing will make it a good file
            rule = error.metadata.get("rule", str(error))
            await self._clear(await self._uploads.fail(upload.id, Fault(error.reason, rule)))
            error.metadata |= {"filename": upload.filename, "uploadId": upload.id}
            raise
        done = await self._uploads.complete(upload.id, photo.id)
        await self._clear(done)
        return done

    async def _open(self, part: Part) -> bytes:
        return await self._vault.get(part.object_key, sha256=part.sha256, step=_STEP)

    async def _clear(self, upload: Upload) -> None:
        """Delete all that lies in the folder of an ended upload, those no row names too."""
        await self._vault.clear(upload.folder)
        await self._uploads.note_cleared(upload.id)
