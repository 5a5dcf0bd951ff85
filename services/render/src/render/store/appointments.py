"""Whom brands let open campaigns under their licenses; the newest row of a pair counts."""

from datetime import datetime

from kit.db import Tx
from sqlalchemy import Row, func, insert, select

from render.domain.campaigns import Appointment
from render.store.tables import appointments

_MOST_LISTED = 200


async def add(tx: Tx, appointment: Appointment, *, stands: bool, at: datetime) -> None:
    """Write down that somebody was appointed, or dismissed."""
    names = ("license_id", "brand_id", "talent_id", "director_id")
    row = {name: getattr(appointment, name) for name in names}
    await tx.execute(insert(appointments).values(**row, stands=stands, at=at))


async def find(tx: Tx, license_id: str, director_id: str) -> Appointment | None:
    """Return the appointment that stands, if one does."""
    query = select(appointments).where(
        appointments.c.license_id == license_id, appointments.c.director_id == director_id
    )
    query = query.order_by(appointments.c.number.desc()).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None or not row.stands else _appointment(row)


async def find_of(tx: Tx, kind: str, party_id: str) -> list[Appointment]:
    """Return the appointments of a brand or of somebody of crew that stand, newest first."""
    who = appointments.c.brand_id if kind == "brand" else appointments.c.director_id
    pair = (appointments.c.license_id, appointments.c.director_id)
    newest = select(func.max(appointments.c.number)).where(who == party_id).group_by(*pair)
    query = select(appointments).where(appointments.c.number.in_(newest), appointments.c.stands)
    query = query.order_by(appointments.c.number.desc())
    return [_appointment(row) for row in (await tx.execute(query.limit(_MOST_LISTED))).all()]


def _appointment(row: Row[tuple[object, ...]]) -> Appointment:
    return Appointment(**{name: getattr(row, name) for name in Appointment.__slots__})
