"""licensing as a whole on real PostgreSQL and NATS, beside a real identity, and who asks it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from house.people import Person, stamp
from house.talents import Identity
from kit import inbox, rpc
from kit.errors import DomainError
from kit.ids import new_id
from licensing import consumers
from licensing.app import App, build
from licensing.settings import Settings
from licensing.signing.grants import write_key_pair
from local.process import free_port
from sosia.common.v1 import money_pb2, use_pb2
from sosia.licensing.v1 import (
    license_pb2,
    licensing_service_pb2,
    licensing_service_pb2_grpc,
)
from sosia.render.v1 import events_pb2 as render_events
from sqlalchemy import text

SHA = "ab" * 32
_numbers = count(1)


def eur(minor: int) -> money_pb2.Money:
    """Write an amount."""
    return money_pb2.Money(currency_code="EUR", amount_minor=minor)


def factors(**given: int) -> list[license_pb2.Factor]:
    """Write factors; a leading underscore stands before a number."""
    return [
        license_pb2.Factor(code=code.lstrip("_"), basis_points=bp) for code, bp in given.items()
    ]


@dataclass
class Office:
    """Calls to licensing on somebody's behalf, and what most tests begin with."""

    app: App
    stub: licensing_service_pb2_grpc.LicensingServiceStub
    identity: Identity
    brand: Person
    rival: Person

    @property
    def alba(self) -> Any:
        """The talent most tests are about."""
        return self.identity.alba

    async def ask(self, person: Person | str, method: str, **fields: Any) -> Any:
        """Call a method; a command gets a request id of its own unless one is given."""
        kind = getattr(licensing_service_pb2, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            fields.setdefault("request_id", f"r{next(_numbers)}")
        with self.identity.as_(person):
            return await rpc.call(getattr(self.stub, method), kind(**fields), timeout_s=30)

    async def refused(self, call: Awaitable[Any], reason: str) -> DomainError:
        """See that a call is refused with a reason; return the error."""
        return await self.identity.refused(call, reason)

    def card(self, **changed: Any) -> license_pb2.RateCard:
        """Return a rate card that lacks nothing; None takes a field away."""
        fields: dict[str, Any] = {
            "talent_id": self.alba.id,
            "day_rate": eur(150_000),
            "media": factors(ecommerce=5_000, social=6_000, billboard=12_500),
            "territories": factors(
                SE=2_000, NO=1_500, DE=3_000, NORDICS=4_500, EU=9_000, WORLD=20_000
            ),
            "terms": factors(_30=5_000, _365=20_000),
            "exclusivity_bp": 5_000,
            "per_image": eur(2_501),
            "crew_pool_bp": 1_000,
            "floor": eur(20_000),
        }
        given = {key: value for key, value in (fields | changed).items() if value is not None}
        return license_pb2.RateCard(**given)

    async def carded(self, **changed: Any) -> Any:
        """Set a rate card."""
        card = self.card(**changed)
        return (await self.ask(self.alba, "SetRateCard", rate_card=card)).rate_card

    def use(self, **changed: Any) -> use_pb2.Use:
        """Return a use that began yesterday."""
        starts = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        fields: dict[str, Any] = {
            "media": "social",
            "territories": ["SE"],
            "starts_at": stamp(starts),
            "ends_at": stamp(starts + timedelta(days=30)),
            "zone": "Europe/Stockholm",
        }
        given = {key: value for key, value in (fields | changed).items() if value is not None}
        return use_pb2.Use(**given)

    def terms(self, **changed: Any) -> license_pb2.LicenseTerms:
        """Return terms that lack nothing; None takes a field away."""
        fields: dict[str, Any] = {
            "brand_id": self.brand.id,
            "talent_id": self.alba.id,
            "purpose": "Autumn coats.",
            "uses": [self.use()],
            "category": "outerwear",
            "image_cap": 3,
        }
        given = {key: value for key, value in (fields | changed).items() if value is not None}
        return license_pb2.LicenseTerms(**given)

    async def quoted(self, **changed: Any) -> Any:
        """Ask for a price on staff's account."""
        terms = self.terms(**changed)
        return (await self.ask(self.identity.staff, "CreateQuote", terms=terms)).quote

    async def proposed(self, **changed: Any) -> Any:
        """Return a license that waits for the talent."""
        quote = await self.quoted(**changed)
        asked = self.ask(self.identity.staff, "ProposeLicense", quote_id=quote.id)
        return (await asked).license

    async def signed(self, license: Any, *, talent: Any = None, **fields: Any) -> Any:
        """Let the talent sign a license."""
        talent = talent or self.alba
        given = {"license_id": license.id, "signature": talent.sign(license.statement)} | fields
        return (await self.ask(talent, "SignLicense", **given)).license

    async def licensed(self, **changed: Any) -> Any:
        """Return a license the talent signed."""
        return await self.signed(await self.proposed(**changed))

    async def revoked(self, license: Any, **fields: Any) -> Any:
        """Let the talent end a license."""
        signature = self.alba.sign(f"revoke:{license.id}".encode())
        given = {"license_id": license.id, "signature": signature} | fields
        return (await self.ask(self.alba, "RevokeLicense", **given)).license

    async def released(self, license: Any, *, who: Any = None, **fields: Any) -> Any:
        """Release a picture, of a render of its own unless one is given."""
        given = {"license_id": license.id, "render_id": new_id("ren"), "picture_sha256": SHA}
        return await self.ask(who or self.brand, "ReleasePicture", **(given | fields))

    async def reviewed(self, license: Any, *, approved: bool = True, **fields: Any) -> str:
        """Let licensing hear that the creative director reviewed a render; return its id."""
        given = {"render_id": new_id("ren"), "picture_sha256": SHA} | fields
        event = render_events.RenderReviewed(
            license_id=license.id, talent_id=self.alba.id, approved=approved, **given
        )

        async def handler(tx: Any, heard: Any) -> None:
            await consumers.ask_talent(tx, heard, lasts=timedelta(days=3))

        await inbox.handle_once(self.app.db, f"e{next(_numbers)}", event, handler)
        return given["render_id"]

    async def rows(self, query: str) -> list[Any]:
        """Read rows of the database."""
        async with self.app.db.begin() as tx:
            return list((await tx.execute(text(query))).all())

    async def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int((await self.rows(f"SELECT count(*) FROM {table}"))[0][0])

    async def events(self, name: str) -> list[dict[str, Any]]:
        """Return the data of every event of a kind, oldest first."""
        query = f"SELECT data FROM outbox WHERE type LIKE '%.{name}' ORDER BY number"
        return [row.data for row in await self.rows(query)]


async def eventually(look: Any, deadline_s: float = 20) -> Any:
    """Wait until something is there and return it."""
    async with asyncio.timeout(deadline_s):
        while not (found := await look()):
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
def settings(database_url: str, identity: Identity, nats_url: str, tmp_path: Path) -> Settings:
    """Settings on this test's own parts."""
    write_key_pair(tmp_path / "grant.pem")
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        rpc_address="127.0.0.1:0",
        ops_address=f"127.0.0.1:{free_port()}",
        identity_address=identity.address,
        grant_key=tmp_path / "grant.pem",
    )


@pytest_asyncio.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    """licensing, open."""
    async with build(settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def office(app: App, identity: Identity) -> AsyncIterator[Office]:
    """A caller of it; the talent has a rate card."""
    brand, rival = await identity.party("brand"), await identity.party("brand")
    async with rpc.open_channel(f"127.0.0.1:{app.port}") as channel:
        stub = licensing_service_pb2_grpc.LicensingServiceStub(channel)
        made = Office(app, stub, identity, brand, rival)
        await made.carded()
        yield made
