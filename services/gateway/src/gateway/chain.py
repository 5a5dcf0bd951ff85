"""One picture's whole chain, as far as whoever looks may see it."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import proofs
from sosia.common.v1 import money_pb2

from gateway.clients import Calls
from gateway.parts import find_names, part


@dataclass(frozen=True, slots=True)
class Proven:
    """A receipt and what checking it said; empty when it proves what it states."""

    receipt: Any
    fault: str

    @property
    def log_size(self) -> str:
        """Return how many leaves the checkpoint covers, as it states."""
        return str(self.receipt.checkpoint).split("\n")[1]

    @property
    def statement(self) -> Any:
        """Return what was agreed: its JSON, or its text where it is a plain sentence."""
        text = bytes(self.receipt.statement).decode(errors="replace")
        try:
            return json.loads(text)
        except ValueError:
            return text


@dataclass(frozen=True, slots=True)
class Payment:
    """The entries of one transaction that whoever looks may see."""

    entries: list[Any]

    @property
    def sums(self) -> list[money_pb2.Money]:
        """Return what they sum to in each currency: zero where every entry is seen."""
        totals: dict[str, int] = {}
        for entry in self.entries:
            code = entry.amount.currency_code
            totals[code] = totals.get(code, 0) + entry.amount.amount_minor
        return [
            money_pb2.Money(currency_code=code, amount_minor=minor)
            for code, minor in totals.items()
        ]


@dataclass(slots=True)
class Chain:
    """Every link; None where the services refuse it to whoever looks."""

    render: Any
    brief: Any = None
    campaign: Any = None
    license: Any = None
    twin: Any = None
    run: Any = None
    capture_set: Any = None
    consent: Any = None
    approvals: list[Any] = field(default_factory=list)
    entries: list[Any] = field(default_factory=list)
    receipts: list[Proven] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def shot(self) -> Any:
        """Return what the brief asked for."""
        return self.brief.shots[self.render.shot] if self.brief else None

    @property
    def product(self) -> Any:
        """Return what is shown."""
        return self.brief.products[self.shot.product] if self.brief else None

    @property
    def payments(self) -> list[Payment]:
        """Return the entries by transaction, in the order they were posted."""
        by_transaction: dict[str, list[Any]] = {}
        for entry in self.entries:
            by_transaction.setdefault(entry.transaction_id, []).append(entry)
        return [Payment(entries) for entries in by_transaction.values()]

    def name(self, party_id: str) -> str:
        """Return who an id is, as far as that may be seen."""
        return self.names.get(party_id, party_id)


async def gather(calls: Calls, render_id: str) -> Chain:
    """Ask every service for its link of a picture's chain.

    Raises:
        NotFound: no such render, or none the caller may know of.
    """
    render = (await calls.ask("render", "GetRender", render_id=render_id)).render
    chain = Chain(render)
    chain.brief, chain.campaign, chain.license, chain.twin = await asyncio.gather(
        part(calls.ask("render", "GetBrief", brief_id=render.brief_id), "brief"),
        part(calls.ask("render", "GetCampaign", campaign_id=render.campaign_id), "campaign"),
        part(calls.ask("licensing", "GetLicense", license_id=render.license_id), "license"),
        part(calls.ask("training", "GetTwin", twin_version_id=render.twin_version_id), "twin"),
    )
    await _beginnings(calls, chain)
    chain.approvals = list(
        await part(calls.ask("licensing", "ListApprovals", render_id=render.id), "approvals") or []
    )
    for subject in (render.license_id, render.id):
        listed = await part(calls.ask("licensing", "ListEntries", subject_id=subject), "entries")
        chain.entries += listed or []
    chain.receipts = await _receipts(calls, chain)
    chain.names = await _names(calls, chain)
    return chain


async def _beginnings(calls: Calls, chain: Chain) -> None:
    """Ask for what came before the twin: run, photos, consent."""
    if chain.twin is None:
        return
    twin = chain.twin
    chain.run, chain.capture_set, chain.consent = await asyncio.gather(
        part(calls.ask("training", "GetRun", run_id=twin.run_id), "run"),
        part(
            calls.ask("identity", "GetCaptureSet", capture_set_id=twin.capture_set_id),
            "capture_set",
        ),
        part(calls.ask("identity", "GetConsent", consent_id=twin.consent_id), "consent"),
    )


async def _receipts(calls: Calls, chain: Chain) -> list[Proven]:
    subjects = [chain.render.license_id, chain.render.id]
    if chain.twin is not None:
        subjects.append(chain.twin.consent_id)
    found = await part(calls.ask("identity", "ListReceipts", subject_ids=subjects), "receipts")
    if not found:
        return []
    key = (await calls.ask("identity", "GetCheckpoint")).verifier_key
    return [Proven(receipt, proofs.check(receipt, key)) for receipt in found]


async def _names(calls: Calls, chain: Chain) -> dict[str, str]:
    ids = {chain.render.talent_id, chain.render.brand_id}
    ids |= {entry.party_id for entry in chain.entries}
    ids |= {credit.party_id for credit in chain.render.credits}
    return await find_names(calls, ids)
