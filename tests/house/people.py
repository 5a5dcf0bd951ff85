"""People, and what they ask of identity over gRPC."""

import asyncio
import io
import json
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.timestamp_pb2 import Timestamp
from identity.app import App
from identity.service.commands import Command
from identity.settings import Settings
from kit import rpc, trace
from kit.errors import DomainError
from local.process import free_port
from PIL import Image
from sosia.common.v1 import money_pb2
from sosia.identity.v1 import (
    capture_pb2,
    consent_pb2,
    delegation_pb2,
    identity_service_pb2,
    identity_service_pb2_grpc,
    party_pb2,
)

SAMPLES = Path(__file__).parents[2] / "samples" / "talents"
STAFF_KEY = "sosia_staff-key-of-the-tests-0123456789abcdef"
ESTATE_WAITS = timedelta(milliseconds=1500)
"""How long an estate waits in tests."""
_numbers = count(1)


def stamp(value: datetime) -> Timestamp:
    """Write a time."""
    made = Timestamp()
    made.FromDatetime(value)
    return made


@dataclass
class Person:
    """A party, and the key only she has."""

    id: str
    kind: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def sign(self, message: bytes) -> bytes:
        """Sign with her own key."""
        return self.key.sign(message)

    @property
    def public_key(self) -> bytes:
        """Her raw public key."""
        return self.key.public_key().public_bytes_raw()


@dataclass
class Desk:
    """Calls over gRPC, on somebody's behalf, and what most tests begin with."""

    app: App
    stub: identity_service_pb2_grpc.IdentityServiceStub
    staff: Person

    @contextmanager
    def as_(self, person: Person | str) -> Iterator[None]:
        """Ask as a person, or as a kind of caller nobody in particular is behind."""
        who = (
            trace.Actor(person.id, person.kind)
            if isinstance(person, Person)
            else trace.Actor("", person)
        )
        with trace.span("test", {}, who=who):
            yield

    async def ask(self, person: Person | str, method: str, **fields: Any) -> Any:
        """Call a method; a command gets a request id of its own unless one is given."""
        kind = getattr(identity_service_pb2, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            fields.setdefault("request_id", f"r{next(_numbers)}")
        with self.as_(person):
            return await rpc.call(getattr(self.stub, method), kind(**fields))

    async def refused(
        self, call: Awaitable[Any], reason: str, kind: type[DomainError] = DomainError
    ) -> DomainError:
        """See that a call is refused with a reason; return the error."""
        with pytest.raises(kind) as caught:
            await call
        assert caught.value.reason == reason
        return caught.value

    async def party(self, kind: str, **fields: Any) -> Person:
        """Register somebody."""
        person = Person("", kind)
        given = {
            "kind": party_pb2.PartyKind.Value(f"PARTY_KIND_{kind.upper()}"),
            "name": f"{kind} in the house",
            "public_name": f"{kind} in public",
            "synthetic": True,
        }
        if kind in ("agency", "successor"):
            given["public_key"] = person.public_key
        if kind == "talent":
            given |= {"public_key": person.public_key, "birth_date": "1999-05-04"}
        answer = await self.ask(self.staff, "RegisterParty", **(given | fields))
        person.id = answer.party.id
        return person

    def terms(self, talent: Person, **changed: Any) -> consent_pb2.ConsentTerms:
        """Return terms that lack nothing; None takes one away."""
        now = datetime.now(UTC).replace(microsecond=0)
        fields: dict[str, Any] = {
            "talent_id": talent.id,
            "scope": [1, 2, 3, 4, 5],
            "purpose": "Pictures of a digital twin for fashion campaigns.",
            "rate_of_pay": money_pb2.Money(currency_code="EUR", amount_minor=120_000),
            "rate_basis": "per day of comparable work",
            "starts_at": stamp(now - timedelta(days=1)),
            "ends_at": stamp(now + timedelta(days=365)),
            "uses": "Online shops and social media.",
            "language": "sv",
            "advice": consent_pb2.ADVICE_UNION,
            "withdrawal_policy": consent_pb2.WITHDRAWAL_POLICY_END_NOW,
            "prohibited_contexts": ["nudity", "tobacco"],
        }
        given = {key: value for key, value in (fields | changed).items() if value is not None}
        return consent_pb2.ConsentTerms(**given)

    async def proposed(self, talent: Person, *, supersedes: str = "", **changed: Any) -> Any:
        """Return a consent she has not signed, which may take the place of another."""
        fields = {"terms": self.terms(talent, **changed), "supersedes": supersedes}
        return (await self.ask(self.staff, "ProposeConsent", **fields)).consent

    async def consented(self, talent: Person, **changed: Any) -> Any:
        """Return a consent she signed, which may have taken the place of another."""
        consent = await self.proposed(talent, **changed)
        signature = talent.sign(consent.statement)
        fields = {"consent_id": consent.id, "signature": signature}
        return (await self.ask(talent, "SignConsent", **fields)).consent

    async def sign_here(self, talent: Person, consent: Any) -> Any:
        """Sign without gRPC, whose client tries again what the database refused."""
        command = Command(f"r{next(_numbers)}", "")
        with self.as_(talent):
            signature = talent.sign(consent.statement)
            return await self.app.services.consents.sign(command, consent.id, signature)

    async def withdrawn(self, talent: Person, consent: Any) -> Any:
        """Withdraw a consent."""
        signature = talent.sign(consent.withdrawal_statement)
        fields = {"consent_id": consent.id, "signature": signature}
        return (await self.ask(talent, "WithdrawConsent", **fields)).consent

    async def erased(self, talent: Person, **fields: Any) -> Any:
        """Let a talent read what she signs, sign it and be erased."""
        seen = (await self.ask(talent, "GetErasure", talent_id=talent.id)).erasure
        signed = {"talent_id": talent.id, "signature": talent.sign(seen.statement)}
        return (await self.ask(talent, "EraseTalent", **(signed | fields))).erasure

    def bounds(self, brand: Person, **changed: Any) -> delegation_pb2.DelegationBounds:
        """Return the bounds of a delegation that lack nothing; None takes one away."""
        now = datetime.now(UTC).replace(microsecond=0)
        fields: dict[str, Any] = {
            "acts": [2],
            "brand_ids": [brand.id],
            "categories": ["outerwear"],
            "fee_floor": money_pb2.Money(currency_code="EUR", amount_minor=20_000),
            "starts_at": stamp(now - timedelta(days=1)),
            "ends_at": stamp(now + timedelta(days=90)),
            "longest_term_days": 60,
        }
        given = {key: value for key, value in (fields | changed).items() if value is not None}
        return delegation_pb2.DelegationBounds(**given)

    async def delegated(self, talent: Person, agency: Person, brand: Person, **changed: Any) -> Any:
        """Return a delegation the talent signed."""
        fields = {"talent_id": talent.id, "agency_id": agency.id}
        bounds = self.bounds(brand, **changed)
        proposing = self.ask(agency, "ProposeDelegation", bounds=bounds, **fields)
        made = (await proposing).delegation
        signed = {"delegation_id": made.id, "signature": talent.sign(made.statement)}
        return (await self.ask(talent, "SignDelegation", **signed)).delegation

    async def undelegated(self, talent: Person, delegation: Any) -> Any:
        """Let the talent revoke a delegation."""
        signature = talent.sign(delegation.revocation_statement)
        fields = {"delegation_id": delegation.id, "signature": signature}
        return (await self.ask(talent, "RevokeDelegation", **fields)).delegation

    async def died(self, talent: Person, *successors: Person, **changed: Any) -> Any:
        """Return the estate of a talent, just opened."""
        fields = {
            "talent_id": talent.id,
            "died_on": "2026-01-31",
            "evidence": "Certificate of death.",
            "evidence_sha256": "ab" * 32,
            "successor_ids": [one.id for one in successors],
        }
        return (await self.ask(self.staff, "OpenEstate", **(fields | changed))).estate

    async def accepted(self, estate: Any, successor: Person) -> Any:
        """Let a successor sign for an estate."""
        (named,) = (one for one in estate.successors if one.party_id == successor.id)
        signed = {"successor_id": successor.id, "signature": successor.sign(named.statement)}
        return (await self.ask(successor, "AcceptEstate", estate_id=estate.id, **signed)).estate

    async def settled(self, talent: Person, *successors: Person) -> Any:
        """Return the estate of a talent, accepted by all, its wait over."""
        estate = await self.died(talent, *successors)
        for one in successors:
            await self.accepted(estate, one)
        await self.passed(estate)
        return (await self.ask(self.staff, "SettleEstate", estate_id=estate.id)).estate

    async def passed(self, estate: Any) -> None:
        """Wait until the wait of an estate is over."""
        async with asyncio.timeout(20):
            while datetime.now(UTC) <= estate.waits_until.ToDatetime(tzinfo=UTC):
                await asyncio.sleep(0.05)

    async def photo(self, person: Person, set_id: str, taken: dict[str, Any], **more: Any) -> Any:
        """Add a photo of `photos`."""
        facts = capture_pb2.PhotoFacts(**taken["facts"])
        fields = {"filename": taken["filename"], "content": taken["content"], "facts": facts}
        request = {"capture_set_id": set_id} | fields | more
        return (await self.ask(person, "AddPhoto", **request)).photo


def photos(name: str) -> list[dict[str, Any]]:
    """Return the sample photos of a talent: filename, content, facts, and marks seen on them."""
    rows = [json.loads(line) for line in (SAMPLES / name / "photos.jsonl").read_text().splitlines()]
    keys = ("framing", "yaw", "pitch", "lighting", "pose", "caption")
    found = []
    for row in rows:
        content = (SAMPLES / name / "photos" / row["file"]).read_bytes()
        facts = {key: row[key] for key in keys}
        marks = note_marks(row["marks"], content)
        found.append({"filename": row["file"], "content": content, "facts": facts, "marks": marks})
    return found


def laws_of_sweden() -> Path:
    """Return a table of laws by which agencies sign licenses in Sweden; none ships that says so."""
    return Path(__file__).with_name("jurisdictions.json")


def write_secrets(folder: Path) -> None:
    """Write what identity reads from files: the key of its log and the key of staff."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "log.pem").write_bytes(pem)
    (folder / "staff.key").write_text(STAFF_KEY + "\n")


def settings_on(
    folder: Path,
    database_url: str,
    nats_url: str,
    *,
    portal: str = "http://localhost:8080",
    jurisdictions: Path | None = None,
) -> Settings:
    """Return the settings of an identity whose files lie in `folder`; passkeys are of `portal`."""
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        rpc_address="127.0.0.1:0",
        ops_address=f"127.0.0.1:{free_port()}",
        objects_url=f"file://{folder}/objects",
        keystore=folder / "keys",
        log_key=folder / "log.pem",
        staff_key_file=folder / "staff.key",
        estate_waits=ESTATE_WAITS,
        portal_origin=portal,
        jurisdictions=jurisdictions,
    )


async def find_staff(stub: identity_service_pb2_grpc.IdentityServiceStub) -> Person:
    """Return the staff party "House"."""
    request = identity_service_pb2.AuthenticateRequest(api_key=STAFF_KEY)
    return Person((await rpc.call(stub.Authenticate, request)).party.id, "staff")


def note_marks(marks: list[Mapping[str, Any]], content: bytes) -> list[Mapping[str, Any]]:
    """Return the marks somebody who looks at a photo would note: in it, and half seen at least.

    The samples know where each mark is; only tests may use that, since no real capture does.
    """
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
    return [
        {"name": mark["name"], "x": mark["px"][0] / width, "y": mark["px"][1] / height}
        for mark in marks
        if mark["in_frame"] and mark["visible"] >= 0.5
    ]
