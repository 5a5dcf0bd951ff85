"""The ledger: shared to the minor unit, balanced and never changed, read by whom it concerns."""

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


async def shares(office: Any, who: Any, subject_id: str) -> dict[tuple[str, str], int]:
    """Return what is posted about a license or a render, as somebody sees it."""
    entries = (await office.ask(who, "ListEntries", subject_id=subject_id)).entries
    return {(entry.party_id, entry.role): entry.amount.amount_minor for entry in entries}


async def test_a_fee_is_shared_among_talent_agency_and_crew(office: Any) -> None:
    license = await office.licensed()
    identity = office.identity
    assert await shares(office, "service", license.id) == {
        (office.brand.id, "brand"): -20_000,
        (identity.photographer.id, "photographer"): 2_000,  # a pool of 10 %
        (identity.agency.id, "agency"): 2_700,  # 15 % of what is left
        (office.alba.id, "talent"): 15_300,
    }
    (posted,) = await office.events("RoyaltyPosted")
    assert sum(int(share["amount"]["amountMinor"]) for share in posted["shares"]) == 20_000


async def test_a_royalty_counts_the_campaigns_crew_each_once_to_the_unit(office: Any) -> None:
    license, identity = await office.licensed(), office.identity
    stylist, director = [await identity.party("crew") for _ in range(2)]
    credits = [
        {"party_id": stylist.id, "role": "stylist"},
        {"party_id": director.id, "role": "creative_director"},
        {"party_id": identity.photographer.id, "role": "retoucher"},
        {"party_id": office.alba.id, "role": "talent"},
    ]
    answer = await office.released(license, credits=credits)
    entries = await office.rows(
        f"SELECT * FROM entries WHERE transaction_id = '{answer.transaction_id}' ORDER BY number"
    )
    found = {(entry.party_id, entry.role): entry.amount_minor for entry in entries}
    crew = sorted(
        [
            (stylist.id, "stylist"),
            (director.id, "creative_director"),
            (identity.photographer.id, "photographer"),
        ]
    )
    assert found == {
        (office.brand.id, "brand"): -2_501,
        (office.alba.id, "talent"): 1_913,
        (identity.agency.id, "agency"): 338,
        **dict(zip(crew, (84, 83, 83), strict=True)),
    }


async def test_with_neither_crew_nor_agency_all_is_the_talents(office: Any) -> None:
    cleo = office.identity.cleo
    card = office.card(talent_id=cleo.id)
    await office.ask(cleo, "SetRateCard", rate_card=card)
    license = await office.signed(await office.proposed(talent_id=cleo.id), talent=cleo)
    assert await shares(office, cleo, license.id) == {
        (office.brand.id, "brand"): -20_000,
        (cleo.id, "talent"): 20_000,
    }


async def test_a_picture_that_costs_nothing_is_released_without_postings(office: Any) -> None:
    await office.carded(per_image={"currency_code": "EUR"})
    answer = await office.released(await office.licensed())
    where = f"entries WHERE transaction_id = '{answer.transaction_id}'"
    assert await office.count(where) == 0


async def test_statements_equal_the_ledger_in_each_currency(office: Any) -> None:
    await office.released(await office.licensed())
    dollars = {"currency_code": "USD", "amount_minor": 77_777}
    await office.carded(day_rate=dollars, floor=dollars, per_image=dollars)
    await office.licensed()
    totals: Counter[str] = Counter()
    parties = await office.rows("SELECT DISTINCT party_id FROM entries")
    for (party_id,) in parties:
        answer = await office.ask("service", "GetStatement", party_id=party_id)
        summed: Counter[str] = Counter()
        for entry in answer.statement.entries:
            assert entry.party_id == party_id
            summed[entry.amount.currency_code] += entry.amount.amount_minor
        told = {total.currency_code: total.amount_minor for total in answer.statement.totals}
        assert told == dict(summed)
        assert set(told) == {"EUR", "USD"}
        totals.update(told)
    assert set(totals.values()) == {0}


async def test_each_party_reads_its_own_and_the_house_reads_all(office: Any) -> None:
    license, identity = await office.licensed(), office.identity
    for who in (office.alba, identity.agency, identity.staff, "service"):
        assert len(await shares(office, who, license.id)) == 4
    for who in (office.brand, identity.photographer):
        assert [party for party, _ in await shares(office, who, license.id)] == [who.id]
    for who in (office.rival, identity.cleo):
        assert not await shares(office, who, license.id)
    own = await office.ask(office.alba, "GetStatement", party_id=office.alba.id)
    assert own.statement.totals[0].amount_minor == 15_300
    for who in (office.brand, identity.agency):
        reading = office.ask(who, "GetStatement", party_id=office.alba.id)
        await office.refused(reading, "NOT_ALLOWED")
    nothing = await office.ask(office.rival, "GetStatement", party_id=office.rival.id)
    assert not nothing.statement.entries
    error = await office.refused(
        office.ask("service", "ListEntries", subject_id="all"), "FIELD_INVALID"
    )
    assert error.metadata["field"] == "subject_id"


CHANGES = (
    "UPDATE entries SET amount_minor = amount_minor + 1 WHERE amount_minor > 0",
    "UPDATE entries SET party_id = 'me', account = 'payable:me' WHERE amount_minor > 0",
    "DELETE FROM entries",
    "UPDATE transactions SET gross_minor = 1",
    "DELETE FROM transactions",
    "DELETE FROM releases",
)


async def test_the_database_lets_the_ledger_only_grow(office: Any) -> None:
    await office.released(await office.licensed())
    for change in CHANGES:
        with pytest.raises(IntegrityError, match="only grows"):
            async with office.app.db.begin() as tx:
                await tx.execute(text(change))


_TRANSACTION = """INSERT INTO transactions VALUES
    ('txn_x', 'picture_release', 'ren_x', 'brand', 'EUR', 100, now())"""
_ENTRY = "INSERT INTO entries (id, transaction_id, account, party_id, role, currency_code,"
_BAD_POSTINGS = {
    "gross": (("payable:a", 99, "EUR"), ("receivable:b", -99, "EUR")),
    "one side": (("payable:a", 100, "EUR"),),
    "a unit lost": (("payable:a", 99, "EUR"), ("receivable:b", -100, "EUR")),
    "nothing": (),
    "another currency": (("payable:a", 100, "USD"), ("receivable:b", -100, "EUR")),
    "a debt that is owed": (("payable:a", -100, "EUR"), ("receivable:b", 100, "EUR")),
}


async def test_the_database_refuses_postings_that_do_not_balance(office: Any) -> None:
    for name, lines in _BAD_POSTINGS.items():
        with pytest.raises(IntegrityError):
            async with office.app.db.begin() as tx:
                await tx.execute(text(_TRANSACTION))
                await _post(tx, name, lines)
    assert not await office.count("transactions")


async def test_the_database_refuses_more_postings_to_an_old_transaction(office: Any) -> None:
    await office.licensed()
    ((transaction_id,),) = await office.rows("SELECT id FROM transactions")
    with pytest.raises(IntegrityError, match="not its gross"):
        async with office.app.db.begin() as tx:
            more = (("payable:a", 5, "EUR"), ("receivable:b", -5, "EUR"))
            await _post(tx, "more", more, transaction_id)


async def _post(
    tx: Any, name: str, lines: tuple[tuple[str, int, str], ...], transaction_id: str = "txn_x"
) -> None:
    for index, (account, amount, currency) in enumerate(lines):
        values = {
            "id": f"{name} {index}",
            "txn": transaction_id,
            "account": account,
            "party": account.split(":")[1],
            "currency": currency,
            "amount": amount,
        }
        row = " amount_minor) VALUES (:id, :txn, :account, :party, 'talent', :currency, :amount)"
        await tx.execute(text(_ENTRY + row), values)
