"""What identity tells others, what it hears, and its tables."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from house import tables
from identity import app as composition
from identity import consumers
from identity.app import App
from identity.domain.parties import SignatureInvalid
from identity.settings import Settings
from identity.store.tables import metadata
from kit import inbox, outbox
from sosia.licensing.v1 import events_pb2
from sqlalchemy import text

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def license_signed(talent: Any, brand: Any, *, signer: Any = None) -> events_pb2.LicenseSigned:
    """Return the event of a license the talent signed, or somebody else."""
    statement = rfc8785.dumps({"type": "sosia.license/1", "license_id": "lic_1"})
    return events_pb2.LicenseSigned(
        license_id="lic_1",
        brand_id=brand.id,
        talent_id=talent.id,
        statement=statement,
        signature=(signer or talent).sign(statement),
        public_key=talent.public_key,
    )


async def receipts_of(desk: Any, who: Any, *ids: str) -> list[Any]:
    """Return the receipts somebody sees."""
    return list((await desk.ask(who, "ListReceipts", subject_ids=ids)).receipts)


async def test_the_tables_are_as_the_migrations_made_them(database_url: str) -> None:
    assert await tables.found(database_url) == tables.declared(metadata)


async def test_a_license_signed_leaves_one_receipt(desk: Any) -> None:
    talent, brand = await desk.party("talent"), await desk.party("brand")
    event = license_signed(talent, brand)
    for event_id in ("e1", "e1", "e2"):
        await inbox.handle_once(desk.app.db, event_id, event, consumers.note_license_signed)
    for who in (talent, brand):
        (receipt,) = await receipts_of(desk, who, "lic_1")
        assert receipt.kind == "license_signed"
        assert (receipt.statement, receipt.signature) == (event.statement, event.signature)
        assert receipt.public_key == talent.public_key
    assert not await receipts_of(desk, await desk.party("brand"), "lic_1")


async def test_a_license_signed_by_another_key_never_enters_the_log(desk: Any) -> None:
    talent, brand = await desk.party("talent"), await desk.party("brand")
    agency = await desk.party("agency")
    event = license_signed(talent, brand, signer=agency)
    with pytest.raises(SignatureInvalid):
        await inbox.handle_once(desk.app.db, "e1", event, consumers.note_license_signed)
    assert not await receipts_of(desk, desk.staff, "lic_1")


async def test_a_revocation_after_a_withdrawal_has_a_receipt_without_signature(
    desk: Any,
) -> None:
    talent, brand = await desk.party("talent"), await desk.party("brand")
    event = events_pb2.LicenseRevoked(
        license_id="lic_1", brand_id=brand.id, talent_id=talent.id, reason="consent_withdrawn"
    )
    await inbox.handle_once(desk.app.db, "e1", event, consumers.note_license_revoked)
    (receipt,) = await receipts_of(desk, brand, "lic_1")
    assert receipt.signature == b""
    assert b'"reason":"consent_withdrawn"' in receipt.statement


async def test_events_of_licensing_become_receipts_over_the_bus(desk: Any, app: App) -> None:
    talent, brand = await desk.party("talent"), await desk.party("brand")
    statement = rfc8785.dumps({"type": "sosia.approval/1", "render_id": "ren_1"})
    decided = events_pb2.ApprovalDecided(
        approval_id="apr_1",
        license_id="lic_1",
        talent_id=talent.id,
        render_id="ren_1",
        approved=True,
        statement=statement,
        signature=talent.sign(statement),
        public_key=talent.public_key,
    )
    revocation = rfc8785.dumps({"type": "sosia.license-revocation/1", "license_id": "lic_1"})
    revoked = events_pb2.LicenseRevoked(
        license_id="lic_1",
        brand_id=brand.id,
        talent_id=talent.id,
        reason="talent",
        statement=revocation,
        signature=talent.sign(revocation),
        public_key=talent.public_key,
    )
    await app.bus.ensure_stream("licensing")
    async with app.db.begin() as tx:  # licensing's outbox looks just like ours
        await tx.execute(text("DELETE FROM outbox"))
        for event in (decided, license_signed(talent, brand), revoked):
            await outbox.publish(tx, event)
    await outbox.relay_once(app.db, app.bus)
    reading = asyncio.create_task(app.consumer.run())
    try:
        async with asyncio.timeout(20):
            while len(found := await receipts_of(desk, brand, "lic_1", "ren_1")) < 3:
                await asyncio.sleep(0.05)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    kinds = {"approval_decided", "license_signed", "license_revoked"}
    assert {receipt.kind for receipt in found} == kinds
    assert {receipt.subject_id for receipt in found} == {"lic_1", "ren_1"}


async def test_what_happened_is_told_in_order(desk: Any, app: App) -> None:
    talent = await desk.party("talent")
    consent = await desk.consented(talent)
    await desk.ask(talent, "OpenCaptureSet", talent_id=talent.id)
    await desk.withdrawn(talent, consent)
    async with app.db.begin() as tx:
        rows = await tx.execute(text("SELECT type, data FROM outbox ORDER BY number"))
        events = [(row.type.rsplit(".", 1)[1], row.data) for row in rows]
    assert [name for name, _ in events] == [
        "PartyRegistered",
        "PartyRegistered",
        "ConsentProposed",
        "ConsentSigned",
        "ReceiptIssued",
        "CaptureSetOpened",
        "ConsentWithdrawn",
        "ReceiptIssued",
    ]
    assert "birth" not in repr(events)
    assert events[-2][1]["policy"] == "WITHDRAWAL_POLICY_END_NOW"


async def test_it_serves_from_an_empty_database_on(
    settings: Settings, owner_database_url: str, desk: Any
) -> None:
    own = settings.model_copy(
        update={"migration_database_url": owner_database_url, "ops_address": "127.0.0.1:0"}
    )
    await composition.prepare(own, MIGRATIONS)
    await composition.prepare(own, MIGRATIONS)
    serving = asyncio.create_task(composition.serve(own))
    try:
        async with asyncio.timeout(20):
            while (await desk.app.bus.js.stream_info("IDENTITY")).state.messages < 1:
                assert not serving.done()
                await asyncio.sleep(0.05)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
