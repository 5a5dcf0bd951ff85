"""Who plays: a synthetic talent with her own key, her agency, two brands and a crew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from story.api import Api, to_text

CREW = (
    ("photographer", "Ines Falk"),
    ("stylist", "Noor Adler"),
    ("makeup_artist", "Tomas Beck"),
    ("creative_director", "Mira Sandell"),
)
BRANDS = ("Maison Lumen", "Nordhav")
AGENCY = "Agentur Halden"
COMMISSION_BP = 2000


class Stuck(RuntimeError):
    """A step did not end as the story needs; the message says how it ended."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who can act, and the API on their behalf."""

    id: str
    name: str
    api: Api = field(repr=False)


@dataclass(frozen=True, slots=True)
class Talent:
    """A talent; her key never leaves her."""

    party: Party
    key: Ed25519PrivateKey = field(repr=False)

    @property
    def id(self) -> str:
        """Return her id."""
        return self.party.id

    @property
    def api(self) -> Api:
        """Return the API on her behalf."""
        return self.party.api

    def sign(self, statement: bytes) -> str:
        """Sign the canonical bytes of what she agrees to."""
        return to_text(self.key.sign(statement))


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody."""

    staff: Api
    talent: Talent
    agency: Party
    brands: tuple[Party, Party]
    crew: Mapping[str, Party]

    @property
    def everyone(self) -> list[Party]:
        """Return all who may be owed money or owe it."""
        return [self.talent.party, self.agency, *self.brands, *self.crew.values()]

    def names(self) -> dict[str, str]:
        """Return who an id is."""
        return {party.id: party.name for party in self.everyone}


def enter(staff: Api, talent_name: str) -> Cast:
    """Register everybody and give each an API key; staff does that."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    herself = {"public_key": to_text(public), "birth_date": "1998-03-14"}
    talent = Talent(_register(staff, "TALENT", talent_name, **herself), key)
    agency = _register(staff, "AGENCY", AGENCY)
    first, second = (_register(staff, "BRAND", name) for name in BRANDS)
    crew = {role: _register(staff, "CREW", name) for role, name in CREW}
    return Cast(staff, talent, agency, (first, second), crew)


def representation_terms(cast: Cast) -> dict[str, str | int]:
    """Return what talent and agency agree: two years, a fifth."""
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        "agency_id": cast.agency.id,
        "talent_id": cast.talent.id,
        "commission_bp": COMMISSION_BP,
        "jurisdiction": "US-NY",
        "starts_at": stamp(now - timedelta(minutes=1)),
        "ends_at": stamp(now + timedelta(days=730)),
    }


def represent(cast: Cast) -> None:
    """Let the talent sign that the agency represents her."""
    terms = representation_terms(cast)
    statement = rfc8785.dumps({**terms, "type": "sosia.representation/1"})
    signed = {**terms, "signature": cast.talent.sign(statement)}
    cast.talent.api.post("/v1/representations", signed)


def stamp(time: datetime) -> str:
    """Write a time as the API takes it: RFC 3339 in UTC."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _register(staff: Api, kind: str, name: str, **more: str) -> Party:
    body = {"kind": f"PARTY_KIND_{kind}", "name": name, "public_name": name, "synthetic": True}
    party_id = staff.post("/v1/parties", {**body, **more})["party"]["id"]
    key = staff.post(f"/v1/parties/{party_id}/api-keys")["api_key"]
    return Party(party_id, name, staff.as_(key))
