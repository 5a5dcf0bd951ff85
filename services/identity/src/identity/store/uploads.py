"""Uploads and their parts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, Select, and_, delete, func, insert, or_, select, update

from identity.domain.captures import Facts, SeenMark
from identity.domain.captures import State as SetState
from identity.domain.uploads import Fault, Kind, Part, State, Upload, UploadNotFound
from identity.store.tables import capture_sets, upload_parts, uploads

_PLAIN = ("id", "capture_set_id", "filename", "length", "sha256", "parts", "photo_id")
_SINCE = ("opened_by", "created_at", "expires_at")
_PART = [field.name for field in fields(Part)]


async def add(tx: Tx, upload: Upload) -> None:
    """Store a new upload."""
    await tx.execute(insert(uploads).values(_row(upload)))


async def get(tx: Tx, upload_id: str, *, lock: bool = False) -> Upload:
    """Return an upload; with `lock`, hold its row until the transaction ends.

    Raises:
        UploadNotFound: there is none with that id.
    """
    row = None
    if is_id("upl", upload_id):
        query = _query().where(uploads.c.id == upload_id)
        locked = query.with_for_update(of=uploads) if lock else query
        row = (await tx.execute(locked)).one_or_none()
    if row is None:
        raise UploadNotFound("there is no such upload")
    return _upload(row)


async def find_same(tx: Tx, capture_set_id: str, sha256: str) -> Sequence[Upload]:
    """Return and hold the uploads of some content that did not fail, the open one first."""
    same = and_(uploads.c.capture_set_id == capture_set_id, uploads.c.sha256 == sha256)
    query = _query().where(same, uploads.c.state != str(State.FAILED))
    query = query.order_by(uploads.c.state.desc(), uploads.c.created_at.desc())
    return [_upload(row) for row in await tx.execute(query.with_for_update(of=uploads))]


async def find_open(tx: Tx, capture_set_id: str) -> list[Upload]:
    """Return the open uploads of a set, oldest first."""
    is_open = uploads.c.state == str(State.OPEN)
    query = _query().where(uploads.c.capture_set_id == capture_set_id, is_open)
    rows = await tx.execute(query.order_by(uploads.c.created_at, uploads.c.id))
    return [_upload(row) for row in rows]


async def count_open(tx: Tx, capture_set_id: str) -> int:
    """Return how many uploads of a set are open."""
    query = select(func.count()).select_from(uploads)
    query = query.where(uploads.c.capture_set_id == capture_set_id)
    return int((await tx.execute(query.where(uploads.c.state == str(State.OPEN)))).scalar_one())


async def sum_open(tx: Tx, party_id: str) -> int:
    """Return how many bytes a party's open uploads were said to have."""
    query = select(func.coalesce(func.sum(uploads.c.length), 0))
    query = query.where(uploads.c.opened_by == party_id, uploads.c.state == str(State.OPEN))
    return int((await tx.execute(query)).scalar_one())


async def save(tx: Tx, upload: Upload) -> None:
    """Store what changed of an upload."""
    await tx.execute(update(uploads).where(uploads.c.id == upload.id).values(_row(upload)))


async def add_part(tx: Tx, part: Part) -> None:
    """Store where a part lies."""
    await tx.execute(insert(upload_parts).values(asdict(part)))


async def find_parts(tx: Tx, upload_id: str) -> list[Part]:
    """Return the parts of an upload, in their order."""
    query = select(upload_parts).where(upload_parts.c.upload_id == upload_id)
    rows = await tx.execute(query.order_by(upload_parts.c.start))
    return [Part(**{name: getattr(row, name) for name in _PART}) for row in rows]


async def find_stale(tx: Tx, now: datetime, *, most: int) -> list[tuple[Upload, bool]]:
    """Return and hold open uploads whose time is over or whose set is closed, and which of both.

    True says that the set is closed.
    """
    closed = capture_sets.c.state != str(SetState.OPEN)
    over = or_(uploads.c.expires_at <= now, closed)
    query = _query().add_columns(closed.label("closed"))
    query = query.where(uploads.c.state == str(State.OPEN), over).limit(most)
    rows = await tx.execute(query.with_for_update(of=uploads, skip_locked=True))
    return [(_upload(row), bool(row.closed)) for row in rows]


async def find_talents(tx: Tx) -> list[str]:
    """Return the talents of whom something is on its way."""
    query = select(capture_sets.c.talent_id).distinct().join(uploads)
    return list((await tx.execute(query.where(uploads.c.state == str(State.OPEN)))).scalars())


async def lock_open_of(tx: Tx, talent_id: str) -> list[Upload]:
    """Return and hold a talent's open uploads."""
    is_hers = capture_sets.c.talent_id == talent_id
    query = _query().where(is_hers, uploads.c.state == str(State.OPEN)).order_by(uploads.c.id)
    return [_upload(row) for row in await tx.execute(query.with_for_update(of=uploads))]


async def find_uncleared(tx: Tx, *, most: int) -> list[Upload]:
    """Return uploads that ended and whose parts may still lie there."""
    ended = and_(uploads.c.state != str(State.OPEN), uploads.c.cleared.is_(False))
    return [_upload(row) for row in await tx.execute(_query().where(ended).limit(most))]


async def note_cleared(tx: Tx, upload_id: str) -> None:
    """Note that nothing of an ended upload lies anywhere any more."""
    await tx.execute(delete(upload_parts).where(upload_parts.c.upload_id == upload_id))
    ended = and_(uploads.c.id == upload_id, uploads.c.state != str(State.OPEN))
    await tx.execute(update(uploads).where(ended).values(cleared=True))


async def forget(tx: Tx, now: datetime) -> int:
    """Delete the rows of uploads that ended long enough ago; return how many."""
    over = and_(uploads.c.cleared.is_(True), uploads.c.expires_at <= now)
    return int((await tx.execute(delete(uploads).where(over))).rowcount)


async def forget_all(tx: Tx, talent_id: str) -> None:
    """Delete every row of a talent's uploads, open or ended."""
    hers = select(capture_sets.c.id).where(capture_sets.c.talent_id == talent_id)
    await tx.execute(delete(uploads).where(uploads.c.capture_set_id.in_(hers)))


def _query() -> Select[Any]:
    joined = uploads.join(capture_sets, capture_sets.c.id == uploads.c.capture_set_id)
    return select(uploads, capture_sets.c.talent_id).select_from(joined)


def _row(upload: Upload) -> Mapping[str, Any]:
    return {name: getattr(upload, name) for name in (*_PLAIN, *_SINCE)} | {
        "kind": str(upload.kind),
        "facts": asdict(upload.facts),
        "received": upload.offset,
        "state": str(upload.state),
        "fault": asdict(upload.fault) if upload.fault else None,
    }


def _upload(row: Row[Any]) -> Upload:
    facts = {**row.facts, "marks": tuple(SeenMark(**mark) for mark in row.facts["marks"])}
    return Upload(
        talent_id=row.talent_id,
        kind=Kind(row.kind),
        facts=Facts(**facts),
        offset=row.received,
        state=State(row.state),
        fault=Fault(**row.fault) if row.fault else None,
        **{name: getattr(row, name) for name in (*_PLAIN, *_SINCE)},
    )
