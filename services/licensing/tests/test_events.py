"""What licensing tells others, what it hears, and its tables."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from house import tables
from kit import outbox
from kit.ids import new_id
from licensing import app as composition
from licensing.app import App
from licensing.settings import Settings
from licensing.store.tables import metadata
from sosia.render.v1 import events_pb2 as render_events
from sqlalchemy import text

MIGRATIONS = Path(__file__).parents[1] / "migrations"
SHA = "ab" * 32


async def test_the_tables_are_as_the_migrations_made_them(database_url: str) -> None:
    assert await tables.found(database_url) == tables.declared(metadata)


@asynccontextmanager
async def working(app: App) -> AsyncIterator[None]:
    """Let licensing send and hear events."""
    await app.bus.ensure_stream("licensing")
    tasks = [asyncio.create_task(outbox.relay(app.db, app.bus, "licensing"))]
    tasks += [asyncio.create_task(consumer.run()) for consumer in app.consumers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(look: Any) -> Any:
    """Wait until something is there and return it."""
    async with asyncio.timeout(20):
        while not (found := await look()):
            await asyncio.sleep(0.05)
    return found


async def test_identity_keeps_a_receipt_of_what_was_signed_and_what_ended(
    office: Any, app: App
) -> None:
    async with working(app):
        signed, ended = await office.licensed(), await office.licensed()
        await office.revoked(ended)

        async def receipts() -> Any:
            asked = office.identity.ask(
                office.brand, "ListReceipts", subject_ids=[signed.id, ended.id]
            )
            found = list((await asked).receipts)
            return found if len(found) == 3 else None

        found = await until(receipts)
    kinds = sorted(receipt.kind for receipt in found)
    assert kinds == ["license_revoked", "license_signed", "license_signed"]
    (revoked,) = (receipt for receipt in found if receipt.kind == "license_revoked")
    assert revoked.statement == f"revoke:{ended.id}".encode()
    assert revoked.public_key == office.alba.public_key


async def test_a_consent_withdrawn_over_the_bus_ends_licenses_and_identity_hears_of_it(
    office: Any, app: App
) -> None:
    license = await office.licensed()
    async with working(app):
        await office.identity.withdrawn(office.alba, office.alba.consent)

        async def revoked() -> Any:
            asked = office.identity.ask(office.brand, "ListReceipts", subject_ids=[license.id])
            return [one for one in (await asked).receipts if one.kind == "license_revoked"]

        (receipt,) = await until(revoked)
    assert receipt.signature == b""
    assert await office.count("licenses WHERE state = 'revoked'") == 1


async def test_withdrawing_what_took_a_consents_place_ends_licenses_over_the_bus(
    office: Any, app: App
) -> None:
    await office.licensed()
    old = office.alba.consent
    new = await office.identity.consented(office.alba, supersedes=old.id)
    await office.licensed()
    async with working(app):
        await office.identity.withdrawn(office.alba, new)
        await until(lambda: gone(office))


async def gone(office: Any) -> bool:
    """Tell whether both licenses were ended."""
    return bool(await office.count("licenses WHERE state = 'revoked'") == 2)


async def test_a_review_over_the_bus_asks_the_talent(office: Any, app: App) -> None:
    license = await office.licensed(approval_required=True)
    await app.bus.ensure_stream("render")
    event = render_events.RenderReviewed(
        render_id=new_id("ren"), license_id=license.id, approved=True, picture_sha256=SHA
    )
    async with app.db.begin() as tx:  # render's outbox looks just like ours
        await tx.execute(text("DELETE FROM outbox"))
        await outbox.publish(tx, event)
    await outbox.relay_once(app.db, app.bus)
    async with working(app):
        assert await until(lambda: office.count("approvals")) == 1


async def test_what_happened_is_told_in_order(office: Any) -> None:
    license = await office.licensed()
    await office.released(license)
    await office.revoked(license)
    rows = await office.rows("SELECT type FROM outbox ORDER BY number")
    assert [row.type.rsplit(".", 1)[1] for row in rows] == [
        "RateCardSet",
        "QuoteCreated",
        "LicenseProposed",
        "RoyaltyPosted",
        "LicenseSigned",
        "RoyaltyPosted",
        "PictureReleased",
        "LicenseRevoked",
    ]


async def test_it_serves_from_an_empty_database_on(
    settings: Settings, owner_database_url: str, office: Any
) -> None:
    own = settings.model_copy(
        update={"migration_database_url": owner_database_url, "ops_address": "127.0.0.1:0"}
    )
    await composition.prepare(own, MIGRATIONS)
    await composition.prepare(own, MIGRATIONS)
    serving = asyncio.create_task(composition.serve(own))
    try:

        async def sent() -> bool:
            assert not serving.done()
            return bool((await office.app.bus.js.stream_info("LICENSING")).state.messages)

        await until(sent)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
