"""Sightings and claims. Their rows are only ever added."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import ColumnElement, Row, func, insert, select

from render.domain.sightings import (
    Claim,
    ClaimNotFound,
    Sighting,
    SightingNotFound,
    State,
    Step,
)
from render.store.tables import claim_steps, claims, sightings

_MOST = 200
_PLAIN = [name for name in Claim.__slots__ if name != "steps"]


async def lock_place(tx: Tx, render_id: str, place: str) -> None:
    """Let sightings of one picture in one place take turns until their transactions end."""
    key = func.hashtextextended(f"claim:{render_id}:{place}", 0)
    await tx.execute(select(func.pg_advisory_xact_lock(key)))


async def find_last(tx: Tx, render_id: str, place: str) -> Claim | None:
    """Return the newest claim about a picture in a place, its row held."""
    which = claims.c.render_id == render_id, claims.c.place == place
    query = select(claims).where(*which).order_by(claims.c.number.desc()).limit(1)
    row = (await tx.execute(query.with_for_update())).one_or_none()
    return None if row is None else _claim(row, await _steps(tx, [row.id]))


async def get(tx: Tx, claim_id: str, *, lock: bool = False) -> Claim:
    """Return a claim; with `lock`, hold its row until the transaction ends.

    Raises:
        ClaimNotFound: there is none with that id.
    """
    row = None
    if is_id("clm", claim_id):
        query = select(claims).where(claims.c.id == claim_id)
        row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise ClaimNotFound("there is no such claim")
    return _claim(row, await _steps(tx, [row.id]))


async def find(tx: Tx, *, state: State | None, which: dict[str, str]) -> list[Claim]:
    """Return claims, newest first, of a brand or a talent if `which` names one; at most 200."""
    newest = (
        select(claim_steps.c.state)
        .where(claim_steps.c.claim_id == claims.c.id)
        .order_by(claim_steps.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    conditions: list[ColumnElement[bool]] = [claims.c[name] == id for name, id in which.items()]
    if state is not None:
        conditions.append(newest == str(state))
    query = select(claims).where(*conditions).order_by(claims.c.opened_at.desc()).limit(_MOST)
    rows = (await tx.execute(query)).all()
    steps = await _steps(tx, [row.id for row in rows])
    return [_claim(row, steps) for row in rows]


async def find_talents(tx: Tx) -> list[str]:
    """Return the talents of whom there is any claim."""
    return list((await tx.scalars(select(claims.c.talent_id).distinct())).all())


async def add(tx: Tx, new: Claim) -> None:
    """Open a claim."""
    row = {name: getattr(new, name) for name in _PLAIN} | {"reasons": list(new.reasons)}
    await tx.execute(insert(claims).values(row))
    for number, step in enumerate(new.steps, 1):
        await _add_step(tx, new.id, number, step)


async def add_step(tx: Tx, claim: Claim, step: Step) -> None:
    """Add a step to a claim the caller holds."""
    await _add_step(tx, claim.id, len(claim.steps) + 1, step)


async def _add_step(tx: Tx, claim_id: str, number: int, step: Step) -> None:
    row = {name: getattr(step, name) for name in Step.__slots__} | {"state": str(step.state)}
    await tx.execute(insert(claim_steps).values(claim_id=claim_id, number=number, **row))


async def add_sighting(tx: Tx, new: Sighting) -> None:
    """Note a sighting."""
    row = {name: getattr(new, name) for name in Sighting.__slots__}
    row |= {"layers": [list(one) for one in new.layers], "reasons": list(new.reasons)}
    await tx.execute(insert(sightings).values(row))


async def share_file(tx: Tx, claim_id: str, new: Sighting) -> Sighting:
    """Return a sighting that names the file its claim has already, where it is the same one."""
    query = select(sightings.c.object_key, sightings.c.object_sha256).where(
        sightings.c.claim_id == claim_id,
        sightings.c.picture_sha256 == new.picture_sha256,
        sightings.c.object_key != "",
    )
    row = (await tx.execute(query.limit(1))).one_or_none()
    if row is None:
        return new
    return replace(new, object_key=row.object_key, object_sha256=row.object_sha256)


async def get_sighting(tx: Tx, sighting_id: str) -> Sighting:
    """Return a sighting.

    Raises:
        SightingNotFound: there is none with that id.
    """
    found: list[Sighting] = []
    if is_id("sgt", sighting_id):
        found = await _find_sightings(tx, sightings.c.id == sighting_id)
    if not found:
        raise SightingNotFound("there is no such sighting")
    return found[0]


async def find_sightings(tx: Tx, claim_id: str) -> list[Sighting]:
    """Return the sightings of a claim, oldest first, at most 200."""
    return await _find_sightings(tx, sightings.c.claim_id == claim_id)


async def count_sightings(tx: Tx, claim_ids: Sequence[str]) -> dict[str, int]:
    """Return how many sightings each claim has."""
    query = (
        select(sightings.c.claim_id, func.count())
        .where(sightings.c.claim_id.in_(claim_ids))
        .group_by(sightings.c.claim_id)
    )
    return {str(row[0]): int(row[1]) for row in (await tx.execute(query)).all()}


async def _find_sightings(tx: Tx, which: ColumnElement[bool]) -> list[Sighting]:
    query = select(sightings).where(which).order_by(sightings.c.noted_at).limit(_MOST)
    return [_sighting(row) for row in (await tx.execute(query)).all()]


async def _steps(tx: Tx, claim_ids: Sequence[str]) -> dict[str, list[Step]]:
    query = select(claim_steps).where(claim_steps.c.claim_id.in_(claim_ids))
    found: dict[str, list[Step]] = {}
    for row in (await tx.execute(query.order_by(claim_steps.c.number))).all():
        step = Step(State(row.state), row.at, row.party_id, row.note)
        found.setdefault(row.claim_id, []).append(step)
    return found


def _claim(row: Row[Any], steps: dict[str, list[Step]]) -> Claim:
    values = {name: getattr(row, name) for name in _PLAIN}
    values["reasons"] = tuple(row.reasons)
    return Claim(**values, steps=tuple(steps[row.id]))


def _sighting(row: Row[Any]) -> Sighting:
    values = {name: getattr(row, name) for name in Sighting.__slots__}
    values |= {"layers": tuple((one[0], one[1]) for one in row.layers)}
    values |= {"reasons": tuple(row.reasons)}
    return Sighting(**values)
