"""Capture sets and their photos."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, delete, insert, select, update

from identity.domain.captures import (
    CaptureSet,
    CaptureSetNotFound,
    Credit,
    Facts,
    Mark,
    Measures,
    Photo,
    PhotoNotFound,
    Sealed,
    SeenMark,
    State,
)
from identity.domain.coverage import Cell
from identity.domain.reports import CaptureReport, Judged, Lack, Next, Seen
from identity.store.tables import capture_sets, photos

_FACTS = tuple(field.name for field in fields(Facts) if field.name != "marks")
_MEASURES = tuple(field.name for field in fields(Measures))


async def add(tx: Tx, capture_set: CaptureSet) -> None:
    """Store a new capture set."""
    row = {
        "id": capture_set.id,
        "talent_id": capture_set.talent_id,
        "state": str(capture_set.state),
        "marks": [asdict(mark) for mark in capture_set.marks],
        "credits": [asdict(credit) for credit in capture_set.credits],
        "opened_by": capture_set.opened_by,
        "created_at": capture_set.created_at,
    }
    await tx.execute(insert(capture_sets).values(row))


async def get(tx: Tx, capture_set_id: str, *, lock: bool = False) -> CaptureSet:
    """Return a capture set; with `lock`, hold its row until the transaction ends.

    Raises:
        CaptureSetNotFound: there is none with that id.
    """
    row = None
    if is_id("cap", capture_set_id):
        query = select(capture_sets).where(capture_sets.c.id == capture_set_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise CaptureSetNotFound("there is no such capture set")
    return _capture_set(row)


async def find_ready(tx: Tx, talent_id: str) -> list[CaptureSet]:
    """Return the talent's capture sets that were judged good enough, oldest first."""
    query = select(capture_sets).where(
        capture_sets.c.talent_id == talent_id, capture_sets.c.state == str(State.READY)
    )
    rows = (await tx.execute(query.order_by(capture_sets.c.created_at, capture_sets.c.id))).all()
    return [_capture_set(row) for row in rows]


async def mark_ready(tx: Tx, capture_set_id: str, report: CaptureReport) -> None:
    """Note that the set was judged good enough, and how it was judged."""
    query = update(capture_sets).where(capture_sets.c.id == capture_set_id)
    await tx.execute(query.values(state=str(State.READY), report=asdict(report)))


async def find_report(tx: Tx, capture_set_id: str) -> CaptureReport | None:
    """Return the report a set was closed with, if there is one."""
    query = select(capture_sets.c.report).where(capture_sets.c.id == capture_set_id)
    kept = (await tx.execute(query)).scalar_one()
    return None if kept is None else _report(kept)


async def add_photo(tx: Tx, photo: Photo) -> None:
    """Store a photo."""
    row = {name: getattr(photo.facts, name) for name in _FACTS}
    row |= {name: getattr(photo.measures, name) for name in _MEASURES}
    row |= {
        "id": photo.id,
        "capture_set_id": photo.capture_set_id,
        "filename": photo.filename,
        "perceptual_hash": photo.perceptual_hash,
        "marks": [asdict(mark) for mark in photo.facts.marks],
        "object_key": photo.object_key,
        "sha256": photo.sha256,
        "face_key": photo.face.object_key,
        "face_sha256": photo.face.sha256,
        "added_at": photo.added_at,
    }
    await tx.execute(insert(photos).values(row))


async def get_photo(tx: Tx, photo_id: str) -> Photo:
    """Return a photo.

    Raises:
        PhotoNotFound: it was taken out again.
    """
    row = (await tx.execute(select(photos).where(photos.c.id == photo_id))).one_or_none()
    if row is None:
        raise PhotoNotFound("the photo was taken out of its set", photoId=photo_id)
    return _photo(row)


async def remove_photo(tx: Tx, photo_id: str) -> None:
    """Forget a photo."""
    await tx.execute(delete(photos).where(photos.c.id == photo_id))


async def find_photos(tx: Tx, capture_set_id: str) -> list[Photo]:
    """Return the photos of a set, in the order they came."""
    query = select(photos).where(photos.c.capture_set_id == capture_set_id)
    rows = (await tx.execute(query.order_by(photos.c.added_at, photos.c.id))).all()
    return [_photo(row) for row in rows]


def _capture_set(row: Row[Any]) -> CaptureSet:
    return CaptureSet(
        row.id,
        row.talent_id,
        State(row.state),
        tuple(Mark(**mark) for mark in row.marks),
        tuple(Credit(**credit) for credit in row.credits),
        row.opened_by,
        row.created_at,
    )


def _photo(row: Row[Any]) -> Photo:
    return Photo(
        row.id,
        row.capture_set_id,
        row.filename,
        Facts(
            **{name: getattr(row, name) for name in _FACTS},
            marks=tuple(SeenMark(**mark) for mark in row.marks),
        ),
        Measures(**{name: getattr(row, name) for name in _MEASURES}),
        row.perceptual_hash,
        row.object_key,
        row.sha256,
        row.added_at,
        Sealed(row.face_key, row.face_sha256),
    )


def _report(kept: Mapping[str, Any]) -> CaptureReport:
    return CaptureReport(
        kept["sufficient"],
        tuple(Cell(**one) for one in kept["cells"]),
        tuple(Lack(**one) for one in kept["lacks"]),
        tuple(Next(**one) for one in kept["next"]),
        tuple(Judged(**{**one, "faults": tuple(one["faults"])}) for one in kept["photos"]),
        tuple(Seen(**one) for one in kept["marks"]),
        kept["marks_noted"],
    )
