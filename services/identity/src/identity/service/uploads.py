"""What is noted of uploads. Each method is one transaction."""

from datetime import timedelta

from kit import db, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from kit.ids import new_id

from identity.domain import captures as captures_domain
from identity.domain import uploads as domain
from identity.domain.captures import CaptureSet, CaptureSetNotFound, Photo
from identity.domain.consents import ConsentMissing, Step
from identity.domain.uploads import (
    Fault,
    Kind,
    NewUpload,
    Part,
    State,
    Upload,
    UploadEnded,
    UploadNotFound,
    UploadQuotaSpent,
)
from identity.service.captures import check_open, get_visible
from identity.service.consents import find_covering
from identity.store import captures as captures_store
from identity.store import uploads as store

_MOST_AT_ONCE = 200
"""Uploads ended or cleared in one round."""
_EXPIRED = Fault("UPLOAD_EXPIRED", "no part came for too long")
_REMOVED = Fault("UPLOAD_REMOVED", "the upload was given up")
_CLOSED = Fault("CAPTURE_SET_CLOSED", "the set was judged and takes no more photos")
_WITHDRAWN = Fault("CONSENT_MISSING", "no live consent of the talent covers it any more")


class Uploads:
    """Files on their way into capture sets; `lasts` is how long one waits for its next part."""

    def __init__(self, database: Database, lasts: timedelta) -> None:
        self._db = database
        self._lasts = lasts

    async def create(self, new: NewUpload) -> Upload:
        """Begin an upload, or go on with the one of the same content in the same set.

        Raises:
            FieldInvalid, UploadTooLong, CaptureSetNotFound, CaptureSetClosed, ConsentMissing,
            UploadQuotaSpent: the first that holds, in about this order.
        """
        trace.require_actor()
        new = domain.check_new(new)
        async with self._db.begin() as tx:
            await get_visible(tx, new.capture_set_id)
            capture_set = await captures_store.get(tx, new.capture_set_id, lock=True)
            captures_domain.check_named(new.facts, capture_set.marks)
            photos = await captures_store.find_photos(tx, capture_set.id)
            for same in await store.find_same(tx, capture_set.id, new.sha256):
                if same.state is State.OPEN or _is_kept(same, photos):
                    return await self._take_up(tx, same, new, capture_set)
            await _check_may_come(tx, capture_set)
            await _check_room(tx, capture_set, photos, new)
            upload = await self._begin(tx, new, capture_set)
            await store.add(tx, upload)
            return upload

    async def get(self, upload_id: str) -> Upload:
        """Return an upload the caller may know of."""
        async with self._db.begin() as tx:
            return await _get_visible(tx, upload_id)

    async def find_open(self, capture_set_id: str) -> list[Upload]:
        """Return the open uploads of a set the caller may know of."""
        async with self._db.begin() as tx:
            await get_visible(tx, capture_set_id)
            return await store.find_open(tx, capture_set_id)

    async def admit(
        self, upload_id: str, *, offset: int, length: int, following: int
    ) -> tuple[Upload, list[Part]]:
        """Return an upload that may get a part, and the parts that are here.

        Nothing is written and nothing promised: `note` decides.
        """
        async with self._db.begin() as tx:
            upload = await _get_visible(tx, upload_id)
            domain.check_part(upload, offset=offset, length=length, following=following)
            await _check_may_come(tx, await captures_store.get(tx, upload.capture_set_id))
            return upload, await store.find_parts(tx, upload_id)

    async def note(self, part: Part) -> Upload:
        """Note a part that is stored already.

        Raises:
            UploadNotFound, UploadEnded, UploadOffsetWrong: since it was admitted.
            CaptureSetClosed, ConsentMissing: the same.
        """
        async with self._db.begin() as tx:
            upload = await store.get(tx, part.upload_id, lock=True)
            expires_at = await db.now(tx) + self._lasts
            upload = domain.add_part(upload, part, expires_at=expires_at)
            await _check_may_come(tx, await captures_store.get(tx, upload.capture_set_id))
            await store.add_part(tx, part)
            await store.save(tx, upload)
            return upload

    async def complete(self, upload_id: str, photo_id: str) -> Upload:
        """Note that a file is in its set; repeating it changes nothing."""
        async with self._db.begin() as tx:
            upload = await store.get(tx, upload_id, lock=True)
            if upload.state is State.DONE:
                return upload
            expires_at = await db.now(tx) + self._lasts
            upload = domain.complete(upload, photo_id, expires_at=expires_at)
            await store.save(tx, upload)
            return upload

    async def fail(self, upload_id: str, fault: Fault) -> Upload:
        """Note why a file is not taken, unless its upload ended before."""
        async with self._db.begin() as tx:
            return await self._end(tx, await store.get(tx, upload_id, lock=True), fault)

    async def remove(self, upload_id: str) -> Upload:
        """Give an upload up; repeating it changes nothing. No consent is asked for.

        Raises:
            UploadNotFound: there is none the caller may know of.
            UploadEnded: its photo is in the set.
        """
        async with self._db.begin() as tx:
            await _get_visible(tx, upload_id)
            upload = await store.get(tx, upload_id, lock=True)
            if upload.state is State.DONE:
                raise UploadEnded(f"upload {upload.id} is done: remove its photo", state="done")
            return await self._end(tx, upload, _REMOVED)

    async def end_stale(self) -> int:
        """End uploads whose time is over or whose set was closed; return how many there were."""
        async with self._db.begin() as tx:
            stale = await store.find_stale(tx, await db.now(tx), most=_MOST_AT_ONCE)
            for upload, closed in stale:
                await self._end(tx, upload, _CLOSED if closed else _EXPIRED)
            return len(stale)

    async def end_forbidden(self) -> int:
        """End uploads of talents who do not, or no longer, consent; return how many there were."""
        async with self._db.begin() as tx:
            talents = await store.find_talents(tx)
        return sum([await self._end_if_forbidden(talent_id) for talent_id in talents])

    async def _end_if_forbidden(self, talent_id: str) -> int:
        async with self._db.begin() as tx:
            try:
                await find_covering(tx, talent_id, Step.CAPTURE)
            except ConsentMissing:
                ended = await store.lock_open_of(tx, talent_id)
                for upload in ended:
                    await self._end(tx, upload, _WITHDRAWN)
                return len(ended)
            return 0

    async def find_uncleared(self) -> list[Upload]:
        """Return uploads that ended and whose parts may still lie there."""
        async with self._db.begin() as tx:
            return await store.find_uncleared(tx, most=_MOST_AT_ONCE)

    async def note_cleared(self, upload_id: str) -> None:
        """Note that the parts of an ended upload are deleted."""
        async with self._db.begin() as tx:
            await store.note_cleared(tx, upload_id)

    async def forget(self) -> int:
        """Delete the rows of uploads that ended long ago; return how many."""
        async with self._db.begin() as tx:
            return await store.forget(tx, await db.now(tx))

    async def _begin(self, tx: Tx, new: NewUpload, capture_set: CaptureSet) -> Upload:
        now = await db.now(tx)
        return Upload(
            new_id("upl"),
            capture_set.id,
            capture_set.talent_id,
            new.filename,
            Kind.PHOTO,
            new.facts,
            new.length,
            new.sha256,
            0,
            0,
            State.OPEN,
            trace.actor().party_id,
            now,
            now + self._lasts,
        )

    async def _take_up(
        self, tx: Tx, same: Upload, new: NewUpload, capture_set: CaptureSet
    ) -> Upload:
        if same.state is State.DONE:
            return same
        await _check_may_come(tx, capture_set)
        taken = domain.take_up(same, new, expires_at=await db.now(tx) + self._lasts)
        await store.save(tx, taken)
        return taken

    async def _end(self, tx: Tx, upload: Upload, fault: Fault) -> Upload:
        if upload.state is not State.OPEN:
            return upload
        failed = domain.fail(upload, fault, expires_at=await db.now(tx) + self._lasts)
        await store.save(tx, failed)
        return failed


async def _get_visible(tx: Tx, upload_id: str) -> Upload:
    """Return an upload to whom its set is shown."""
    upload = await store.get(tx, upload_id)
    try:
        await get_visible(tx, upload.capture_set_id)
    except CaptureSetNotFound as error:
        raise UploadNotFound("there is no such upload") from error
    return upload


async def _check_may_come(tx: Tx, capture_set: CaptureSet) -> None:
    """Raises CaptureSetClosed, ConsentMissing."""
    check_open(capture_set)
    await find_covering(tx, capture_set.talent_id, Step.CAPTURE)


async def _check_room(tx: Tx, capture_set: CaptureSet, photos: list[Photo], new: NewUpload) -> None:
    """Check that there is room for one more file: in the set, and among the caller's."""
    coming = len(photos) + await store.count_open(tx, capture_set.id)
    if coming >= captures_domain.MOST_PHOTOS:
        most = captures_domain.MOST_PHOTOS
        raise FieldInvalid("capture_set_id", f"has {most} photos, those on their way counted")
    open_bytes = await store.sum_open(tx, trace.actor().party_id)
    if open_bytes + new.length > domain.MOST_OPEN_BYTES:
        raise UploadQuotaSpent(
            f"{open_bytes} bytes are on their way, at most {domain.MOST_OPEN_BYTES}: finish or"
            " remove some",
            filename=new.filename,
            openBytes=open_bytes,
        )


def _is_kept(upload: Upload, photos: list[Photo]) -> bool:
    return any(photo.id == upload.photo_id for photo in photos)
