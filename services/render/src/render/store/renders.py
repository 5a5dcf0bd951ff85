"""Renders and their pictures."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kit import jobs
from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import ColumnElement, Row, func, insert, or_, select, update

from render.domain.campaigns import Shot
from render.domain.formats import FORMATS, Format, MadeFormat
from render.domain.renders import (
    OPEN,
    Basis,
    Made,
    Picture,
    Render,
    RenderNotFound,
    State,
    Take,
    Task,
)
from render.store import campaigns as campaigns_store
from render.store import likeness as likeness_store
from render.store import moodboards as moodboards_store
from render.store.campaigns import from_credits, to_credits
from render.store.tables import (
    briefs,
    choices,
    formats,
    manifests,
    pictures,
    renders,
    reviews_due,
    takes,
)

_OPEN = [str(state) for state in OPEN]
_PICTURE = [pictures.c[name].label(f"picture_{name}") for name in Picture.__slots__]
_TAKE = [takes.c[name].label(f"take_{name}") for name in Take.__slots__]
_CHOSEN = choices.c.render_id.is_not(None).label("is_chosen")
_BASIS = Basis.__slots__
_PLAIN = [name for name in Render.__slots__ if name in renders.c and name != "credits"]


async def add(tx: Tx, new: Sequence[Render], *, start_id: str, grant: str) -> None:
    """Queue renders under one grant; their asset numbers come from the database."""
    for render in new:
        row = {name: getattr(render, name) for name in _PLAIN}
        for given in ("asset_number", "created_at", "prompt", "released_at"):
            del row[given]
        row |= {name: getattr(render.basis, name) for name in _BASIS}
        row |= {"start_id": start_id, "grant_token": grant, "state": str(render.state)}
        await tx.execute(insert(renders).values(credits=from_credits(render.credits), **row))
        if render.take is not None:
            await tx.execute(insert(takes).values(_take_row(render, render.take)))


def _take_row(render: Render, take: Take) -> dict[str, Any]:
    row = {name: getattr(take, name) for name in Take.__slots__}
    of = {"render_id": render.id, "brief_id": render.brief_id, "shot": render.shot}
    return row | of | {"made_from": asdict(take.made_from)}


async def get(tx: Tx, render_id: str, *, lock: bool = False) -> Render:
    """Return a render; with `lock`, hold its row until the transaction ends.

    Raises:
        RenderNotFound: there is none with that id.
    """
    found: list[Render] = []
    if is_id("ren", render_id):
        found = await _find(tx, renders.c.id == render_id, lock=lock)
    if not found:
        raise RenderNotFound("there is no such render")
    return found[0]


async def find_started(tx: Tx, start_id: str) -> list[Render]:
    """Return the renders one call queued, in the order of the brief's shots."""
    return await _find(tx, renders.c.start_id == start_id)


async def find_of_brief(tx: Tx, brief_id: str) -> list[Render]:
    """Return every render of a brief, in the order they were queued."""
    return await _find(tx, renders.c.brief_id == brief_id)


async def find_takes(tx: Tx, brief_id: str, shot: int | None = None) -> list[Render]:
    """Return the takes of a shot, or of every shot of a brief, and hold the brief's row.

    So that two who ask for another take get numbers one after the other.
    """
    held = select(briefs.c.id).where(briefs.c.id == brief_id)
    await tx.execute(held.with_for_update(key_share=True))
    which = renders.c.brief_id == brief_id
    return await _find(tx, which if shot is None else which & (renders.c.shot == shot))


async def _find(tx: Tx, which: ColumnElement[bool], *, lock: bool = False) -> list[Render]:
    query = select(renders, *_PICTURE, *_TAKE, _CHOSEN, reviews_due.c.due_at).select_from(
        renders.outerjoin(pictures, pictures.c.render_id == renders.c.id)
        .outerjoin(takes, takes.c.render_id == renders.c.id)
        .outerjoin(reviews_due, reviews_due.c.render_id == renders.c.id)
        .outerjoin(choices, choices.c.render_id == renders.c.id)
    )
    query = query.where(which).order_by(renders.c.created_at, renders.c.start_id, renders.c.shot)
    if lock:
        query = query.with_for_update(of=renders)
    return [to_render(row) for row in (await tx.execute(query)).all()]


async def to_task(tx: Tx, row: Row[Any]) -> Task:
    """Read a claimed row, with what its maker needs of brief and campaign."""
    render = to_render(row)
    brief = await campaigns_store.get_brief(tx, render.brief_id)
    campaign = await campaigns_store.get(tx, render.campaign_id)
    query = select(*_TAKE).where(takes.c.render_id == render.id)
    found = (await tx.execute(query)).one_or_none()
    take = None if found is None else _take(found)
    shot = brief.shots[render.shot] if take is None else take.made_from
    sha256 = brief.sha256 if take is None else take.brief_sha256
    product = brief.products[shot.product]
    formats = brief.formats or tuple(FORMATS)
    photos = tuple(await moodboards_store.find_photos(tx, brief.id, shot.product))
    return Task(render, product, shot, sha256, campaign.name, row.grant_token, formats, photos)


async def finish(tx: Tx, render: Render, made: Made) -> bool:
    """Note a finished picture; return False if this attempt holds the render no longer."""
    done = {"state": str(State.DRAFT), "prompt": made.prompt, "grant_token": ""}
    if not await jobs.save(tx, renders, render.id, render.attempt, **done):
        return False
    row = {name: getattr(made.picture, name) for name in Picture.__slots__}
    row |= {"render_id": render.id, "made_at": func.clock_timestamp()}
    await tx.execute(insert(pictures).values(row))
    kept = {"render_id": render.id, "id": made.manifest.id, "store": made.manifest.store}
    await tx.execute(insert(manifests).values(kept))
    if made.score is not None:
        await likeness_store.add(tx, render, made.score)
    await _add_formats(tx, render.id, made.formats)
    return True


async def _add_formats(tx: Tx, render_id: str, made: Sequence[MadeFormat]) -> None:
    for one in made:
        row = {name: getattr(one.format.picture, name) for name in Picture.__slots__}
        row |= {"render_id": render_id, "format": one.format.name}
        row |= {"asset_number": one.format.asset_number}
        row |= {"manifest_id": one.manifest.id, "store": one.manifest.store}
        await tx.execute(insert(formats).values(row))


async def new_numbers(tx: Tx, count: int) -> list[int]:
    """Draw asset numbers that nothing has."""
    drawn = select(func.nextval("asset_numbers")).select_from(func.generate_series(1, count))
    return [int(number) for number in (await tx.execute(drawn)).scalars()]


async def find_formats(tx: Tx, render_id: str) -> list[Format]:
    """Return the formats of a render's picture, in the order of their numbers."""
    query = select(formats).where(formats.c.render_id == render_id)
    rows = (await tx.execute(query.order_by(formats.c.asset_number))).all()
    return [_format(row) for row in rows]


def _format(row: Row[Any]) -> Format:
    picture = Picture(**{name: getattr(row, name) for name in Picture.__slots__})
    return Format(row.format, row.asset_number, picture)


async def end(tx: Tx, render: Render, state: State, reason: str) -> bool:
    """End an attempt without a picture; return False if it holds the render no longer."""
    ended = {"state": str(state), "reason": reason, "grant_token": ""}
    return await jobs.save(tx, renders, render.id, render.attempt, **ended)


async def cancel_under_consent(tx: Tx, consent_id: str, reason: str) -> list[Render]:
    """End the open renders that a consent allowed, or the training of their twin."""
    which = or_(renders.c.consent_id == consent_id, renders.c.twin_consent_id == consent_id)
    return await _cancel(tx, which, reason)


async def cancel_under_license(tx: Tx, license_id: str, reason: str) -> list[Render]:
    """End the open renders under a license."""
    return await _cancel(tx, renders.c.license_id == license_id, reason)


async def cancel_of(tx: Tx, talent_id: str, reason: str) -> list[Render]:
    """End a talent's renders that are open or wait for a review."""
    states = [*_OPEN, str(State.DRAFT)]
    return await _cancel(tx, renders.c.talent_id == talent_id, reason, states)


async def _cancel(
    tx: Tx, which: ColumnElement[bool], reason: str, states: Sequence[str] = _OPEN
) -> list[Render]:
    ended = {
        "state": str(State.CANCELLED),
        "reason": reason,
        "lease_ends_at": None,
        "grant_token": "",
    }
    query = update(renders).where(which, renders.c.state.in_(states)).values(ended)
    return [to_render(row) for row in (await tx.execute(query.returning(renders))).all()]


async def review(tx: Tx, render: Render, state: State, *, note: str, reviewer_id: str) -> None:
    """Note the director's word on a render the caller holds."""
    said = {
        "state": str(state),
        "reason": note,
        "reviewer_id": reviewer_id,
        "reviewed_at": func.clock_timestamp(),
    }
    await tx.execute(update(renders).where(renders.c.id == render.id).values(said))


async def release(tx: Tx, render: Render) -> None:
    """Note the release of a render the caller holds."""
    out = {"state": str(State.RELEASED), "released_at": func.clock_timestamp()}
    await tx.execute(update(renders).where(renders.c.id == render.id).values(out))


def to_render(row: Row[Any]) -> Render:
    """Read a row, with its picture where the query asked for one and there is one."""
    values = {name: getattr(row, name) for name in _PLAIN}
    values["state"] = State(row.state)
    values["credits"] = to_credits(row.credits)
    values["basis"] = Basis(**{name: getattr(row, name) for name in _BASIS})
    if getattr(row, "picture_sha256", None) is not None:
        names = Picture.__slots__
        values["picture"] = Picture(**{name: getattr(row, f"picture_{name}") for name in names})
    if getattr(row, "take_number", None) is not None:
        values["take"] = _take(row)
        values["is_chosen"] = row.is_chosen
    if values["state"] is State.DRAFT:
        values["review_by"] = getattr(row, "due_at", None)
    return Render(**values)


def _take(row: Row[Any]) -> Take:
    values = {name: getattr(row, f"take_{name}") for name in Take.__slots__}
    return Take(**{**values, "made_from": Shot(**values["made_from"])})
