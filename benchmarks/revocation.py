"""How soon a withdrawn consent is seen: from its commit to the first refused decision.

`make bench NAME=revocation` opens a house of its own, every service a process of its own, and lets
a talent withdraw a consent with end_now, again and again. Each trial has a consent, a license under
it, and a caller that asks licensing over gRPC, one question after another without a pause, whether
a use is licensed; it ends when the first Authorize is answered with a no.

The commit lies between two moments that are known: `withdrawn_at`, which the transaction takes from
the database's clock before it commits, and the answer of WithdrawConsent, which comes after. Both
are measured from; the first gives too much and is held to the goal, the second too little. Counted
besides: questions asked after that answer and allowed all the same, of which there may be none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kit import rpc, trace
from local.house import ROOT, House, running_house
from local.postgres import OWNER
from sosia.common.v1 import money_pb2, use_pb2
from sosia.identity.v1 import consent_pb2, identity_service_pb2, identity_service_pb2_grpc
from sosia.licensing.v1 import (
    license_pb2,
    licensing_service_pb2,
    licensing_service_pb2_grpc,
)
from spine import name_machine

GOAL_MS = 50.0
_EUR = "EUR"


@dataclass
class Trials:
    """What was measured, in milliseconds but for counts."""

    from_commit: list[float] = field(default_factory=list)
    """From just before the withdrawal was committed to the answer of the first no."""
    from_answer: list[float] = field(default_factory=list)
    """From the answer to the withdrawal."""
    heard: list[float] = field(default_factory=list)
    """From the commit to licensing's own note of it, which no decision waits for."""
    decision: list[float] = field(default_factory=list)
    """One Authorize, while the consent stands."""
    late: int = 0
    """Questions asked after the withdrawal's answer and allowed all the same."""


@dataclass
class Scene:
    """A talent, a brand, and the two services they ask."""

    identity: identity_service_pb2_grpc.IdentityServiceStub
    licensing: licensing_service_pb2_grpc.LicensingServiceStub
    key: Ed25519PrivateKey
    staff: trace.Actor
    talent: trace.Actor = field(default_factory=lambda: trace.Actor("", "talent"))
    brand: trace.Actor = field(default_factory=lambda: trace.Actor("", "brand"))
    _commands: int = 0

    async def ask(self, who: trace.Actor, stub: Any, method: str, **fields: Any) -> Any:
        """Call a method on somebody's behalf."""
        licensing = stub is self.licensing
        module: Any = licensing_service_pb2 if licensing else identity_service_pb2
        kind = getattr(module, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            self._commands += 1
            fields["request_id"] = f"bench{self._commands}"
        with trace.span("bench", {}, who=who):
            return await rpc.call(getattr(stub, method), kind(**fields), timeout_s=30)


def main(argv: list[str]) -> int:
    """Measure and print a table; fails when a decision was late or the goal is missed."""
    options = _read_options(argv)
    before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_house(Path(folder) / "house", bases=ROOT / "models") as house,
    ):
        busy = before, os.getloadavg()[0]
        trials = asyncio.run(_run(house, options.trials))
    rows = _rows(trials, (*busy, os.getloadavg()[0]))
    print(f"\n{name_machine()}\n\n{_table(rows)}")
    if options.json:
        print(json.dumps({"benchmark": "revocation", "machine": name_machine(), "results": rows}))
    return 1 if trials.late or _p(trials.from_commit, 99) > GOAL_MS else 0


def _read_options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="revocation", description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    return parser.parse_args(argv)


async def _run(house: House, count: int) -> Trials:
    trials = Trials()
    identity_db = await asyncpg.connect(house.postgres.url("identity", OWNER))
    licensing_db = await asyncpg.connect(house.postgres.url("licensing", OWNER))
    async with _opened(house) as scene:
        await _cast(scene)
        for number in range(count + 5):
            kept = trials if number >= 5 else Trials()  # the first ones warm everything up
            consent = await _try(scene, kept)
            await _compare(identity_db, licensing_db, consent, kept)
    for connection in (identity_db, licensing_db):
        await connection.close()
    return trials


@asynccontextmanager
async def _opened(house: House) -> AsyncIterator[Scene]:
    identity, licensing = (f"127.0.0.1:{house.port(one)}" for one in ("identity", "licensing"))
    async with rpc.open_channel(identity) as first, rpc.open_channel(licensing) as second:
        asked = identity_service_pb2_grpc.IdentityServiceStub(first)
        request = identity_service_pb2.AuthenticateRequest(api_key=house.keys.staff_key)
        with trace.span("bench", {}, who=trace.Actor("", "public")):
            staff = (await rpc.call(asked.Authenticate, request)).party.id
        stub = licensing_service_pb2_grpc.LicensingServiceStub(second)
        key = Ed25519PrivateKey.generate()
        yield Scene(asked, stub, key, trace.Actor(staff, "staff"))


async def _cast(scene: Scene) -> None:
    """Register a talent and a brand; give her a rate card."""
    for kind, number in (("talent", 1), ("brand", 3)):
        fields: dict[str, Any] = {"kind": number, "name": kind, "public_name": kind}
        if kind == "talent":
            public = scene.key.public_key().public_bytes_raw()
            fields |= {"public_key": public, "birth_date": "1999-05-04"}
        answer = await scene.ask(
            scene.staff, scene.identity, "RegisterParty", synthetic=True, **fields
        )
        setattr(scene, kind, trace.Actor(answer.party.id, kind))
    card = license_pb2.RateCard(
        talent_id=scene.talent.party_id,
        day_rate=_eur(150_000),
        media=[license_pb2.Factor(code="social", basis_points=6_000)],
        territories=[license_pb2.Factor(code="SE", basis_points=2_000)],
        terms=[license_pb2.Factor(code="365", basis_points=20_000)],
        exclusivity_bp=5_000,
        per_image=_eur(2_501),
        crew_pool_bp=1_000,
        floor=_eur(20_000),
    )
    await scene.ask(scene.talent, scene.licensing, "SetRateCard", rate_card=card)


async def _try(scene: Scene, trials: Trials) -> str:
    """Agree, license, ask on and on, withdraw; return the consent's id."""
    consent = await _agree(scene)
    license_id = await _license(scene)
    asked = {"license_id": license_id, "media": "social", "territory": "SE"}
    first = await scene.ask(scene.brand, scene.licensing, "Authorize", **asked)
    if not first.allowed:
        raise RuntimeError(f"nothing to revoke: {list(first.reasons)}")
    withdrawn = asyncio.Event()
    asking = asyncio.create_task(_ask_on(scene, asked, withdrawn, trials))
    await asyncio.sleep(0.01)
    fields = {
        "consent_id": consent.id,
        "signature": scene.key.sign(consent.withdrawal_statement),
    }
    await scene.ask(scene.talent, scene.identity, "WithdrawConsent", **fields)
    answered = time.time()
    withdrawn.set()
    refused = await asking
    trials.from_answer.append((refused - answered) * 1000)
    trials.from_commit.append(refused)
    return str(consent.id)


async def _ask_on(
    scene: Scene, asked: dict[str, Any], withdrawn: asyncio.Event, trials: Trials
) -> float:
    """Ask without a pause until the first no; return when it was answered, in POSIX seconds."""
    while True:
        began, after = time.time(), withdrawn.is_set()
        answer = await scene.ask(scene.brand, scene.licensing, "Authorize", **asked)
        if not answer.allowed:
            return time.time()
        trials.decision.append((time.time() - began) * 1000)
        trials.late += after


async def _compare(
    identity: asyncpg.Connection, licensing: asyncpg.Connection, consent_id: str, trials: Trials
) -> None:
    """Count from just before the withdrawal was committed, and when licensing heard of it."""
    query = "SELECT withdrawn_at FROM consents WHERE id = $1"
    committed = (await identity.fetchval(query, consent_id)).timestamp()
    trials.from_commit[-1] = (trials.from_commit[-1] - committed) * 1000
    query = "SELECT seen_at FROM withdrawn_consents WHERE consent_id = $1"
    async with asyncio.timeout(20):
        while (seen := await licensing.fetchval(query, consent_id)) is None:
            await asyncio.sleep(0.01)
    trials.heard.append((seen.timestamp() - committed) * 1000)


async def _agree(scene: Scene) -> consent_pb2.Consent:
    now = datetime.now(UTC).replace(microsecond=0)
    terms = consent_pb2.ConsentTerms(
        talent_id=scene.talent.party_id,
        scope=[1, 2, 3, 4, 5],
        purpose="Pictures of a digital twin for fashion campaigns.",
        rate_of_pay=_eur(120_000),
        rate_basis="per day of comparable work",
        uses="Online shops and social media.",
        language="en",
        advice=consent_pb2.ADVICE_UNION,
        withdrawal_policy=consent_pb2.WITHDRAWAL_POLICY_END_NOW,
    )
    terms.starts_at.FromDatetime(now - timedelta(days=1))
    terms.ends_at.FromDatetime(now + timedelta(days=365))
    made = await scene.ask(scene.talent, scene.identity, "ProposeConsent", terms=terms)
    signature = scene.key.sign(made.consent.statement)
    fields = {"consent_id": made.consent.id, "signature": signature}
    consent: consent_pb2.Consent = (
        await scene.ask(scene.talent, scene.identity, "SignConsent", **fields)
    ).consent
    return consent


async def _license(scene: Scene) -> str:
    now = datetime.now(UTC).replace(microsecond=0)
    use = use_pb2.Use(media="social", territories=["SE"], zone="UTC")
    use.starts_at.FromDatetime(now - timedelta(days=1))
    use.ends_at.FromDatetime(now + timedelta(days=29))
    terms = license_pb2.LicenseTerms(
        brand_id=scene.brand.party_id,
        talent_id=scene.talent.party_id,
        purpose="Autumn coats.",
        uses=[use],
        category="outerwear",
        image_cap=3,
    )
    quote = (await scene.ask(scene.brand, scene.licensing, "CreateQuote", terms=terms)).quote
    asking = scene.ask(scene.brand, scene.licensing, "ProposeLicense", quote_id=quote.id)
    license = (await asking).license
    fields = {"license_id": license.id, "signature": scene.key.sign(license.statement)}
    await scene.ask(scene.talent, scene.licensing, "SignLicense", **fields)
    return str(license.id)


def _eur(minor: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code=_EUR, amount_minor=minor)


def _p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _rows(trials: Trials, load: tuple[float, ...]) -> dict[str, float]:
    rows: dict[str, float] = {"trials": len(trials.from_commit)}
    named = {
        "just before the commit to the first no": trials.from_commit,
        "its answer to the first no": trials.from_answer,
        "one decision while the consent stands": trials.decision,
        "just before the commit to the event heard by licensing": trials.heard,
    }
    for name, values in named.items():
        rows[f"{name}, median ms"] = statistics.median(values)
        rows[f"{name}, p99 ms"] = _p(values, 99)
        rows[f"{name}, largest ms"] = max(values)
    rows["asked after the withdrawal was answered, and allowed"] = trials.late
    for name, value in zip(("before", "at the start", "at the end"), load, strict=True):
        rows[f"load average {name}"] = value
    return rows


def _table(rows: dict[str, float]) -> str:
    goals = {"just before the commit to the first no, p99 ms": f"{GOAL_MS:.0f}"}
    lines = ["| what | measured | goal |", "| --- | ---: | ---: |"]
    for name, value in rows.items():
        lines.append(f"| {name} | {value:,.1f} | {goals.get(name, '')} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
