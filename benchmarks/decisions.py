"""Decisions about uses, ours beside Cedar's on the same licenses and the same questions.

`make bench NAME=decisions` makes 10,000 licenses and asks 100,000 times whether a use is licensed.
Cedar gets each license as one policy. It is asked twice: with the policy of the license in
question alone, parsed beforehand, which is the best a caller can do for it; and with all policies
in one set, which is how it would find the license by itself. Every answer must agree.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import cedarpy
from licensing.app import load_vocabulary
from licensing.domain.decisions import (
    Actor,
    Codes,
    Compiled,
    Consent,
    Standing,
    Step,
    Use,
    Word,
    compile_license,
    decide,
)
from licensing.domain.licenses import License, State
from licensing.domain.money import Money
from licensing.domain.terms import Terms
from licensing.domain.terms import Use as LicensedUse
from spine import name_machine

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
VOCABULARY = load_vocabulary()
CODES = Codes(VOCABULARY)
TERRITORIES = [*VOCABULARY.regions, *sorted(VOCABULARY.countries)]
CONTEXTS = ("alcohol", "fur", "gambling", "nudity", "politics", "religion", "tobacco")
BRANDS = [f"brand{number}" for number in range(200)]
GOAL_US, GOAL_RATIO = 20.0, 10.0


@dataclass(frozen=True)
class Question:
    """A question, ready for ours and for Cedar."""

    license_id: str
    actor: Actor
    use: Use
    cedar: dict[str, Any]


def main(argv: list[str]) -> int:
    """Run both and print a table; fails when one answer differs."""
    options = _read_options(argv)
    dice = random.Random(7)
    licenses = [make_license(f"lic{number}", dice) for number in range(options.licenses)]
    consents = {one.id: make_consent(dice) for one in licenses}
    compiled = {one.id: compile_license(one, CODES) for one in licenses}
    questions = [ask(dice.choice(licenses), consents, dice) for _ in range(options.questions)]
    texts = {one.id: write_policy(one) for one in licenses}
    sliced = {key: cedarpy.PolicySet.from_str(text) for key, text in texts.items()}
    nobody = cedarpy.Entities.from_json_str("[]")

    ours, our_us = measure(questions, lambda q: _decide(compiled, consents, q))
    theirs, their_us = measure(
        questions, lambda q: cedarpy.is_authorized(q.cedar, sliced[q.license_id], nobody).allowed
    )
    everything = cedarpy.PolicySet.from_str("\n".join(texts.values()))
    few = questions[: options.whole]
    whole, whole_us = measure(
        few, lambda q: cedarpy.is_authorized(q.cedar, everything, nobody).allowed
    )
    differing = sum(a != b for a, b in zip(ours, theirs, strict=True))
    differing += sum(a != b for a, b in zip(ours[: len(few)], whole, strict=True))
    rows = {
        "licenses": len(licenses),
        "questions": len(questions),
        "allowed": sum(ours),
        "differing answers": differing,
        **_summary("ours", our_us),
        **_summary("cedarpy, the license's policy alone", their_us),
        **_summary("cedarpy, all policies", whole_us),
        "ours to cedarpy alone, medians": statistics.median(their_us) / statistics.median(our_us),
    }
    print(f"\n{name_machine()}\n\n{_table(rows)}")
    if options.json:
        print(json.dumps({"benchmark": "decisions", "machine": name_machine(), "results": rows}))
    return 1 if differing else 0


def _read_options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="decisions", description=__doc__)
    parser.add_argument("--licenses", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--whole", type=int, default=100, help="questions to the whole set")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    return parser.parse_args(argv)


def _decide(
    compiled: dict[str, Compiled], consents: dict[str, Consent], question: Question
) -> bool:
    key = question.license_id
    return decide(question.actor, question.use, compiled[key], consents[key], NOW).allowed


def measure(
    questions: Sequence[Question], answer: Callable[[Question], bool]
) -> tuple[list[bool], list[float]]:
    """Return every answer, and how many microseconds each took; all are asked once before."""
    for question in questions[:1000]:
        answer(question)
    answers, spent = [], []
    for question in questions:
        began = time.perf_counter_ns()
        answers.append(answer(question))
        spent.append((time.perf_counter_ns() - began) / 1000)
    return answers, spent


def make_license(name: str, dice: random.Random) -> License:
    """Make a license of up to three media, each with one to four territories."""
    uses = []
    for media in dice.sample(sorted(VOCABULARY.media), dice.randint(1, 3)):
        codes = dice.sample(TERRITORIES, dice.randint(1, 4))
        countries = {country for code in codes for country in VOCABULARY.expand(code)}
        starts_at = NOW + timedelta(days=dice.randint(-300, 60))
        ends_at = starts_at + timedelta(days=dice.randint(30, 720))
        uses.append(
            LicensedUse(media, tuple(codes), tuple(sorted(countries)), starts_at, ends_at, "UTC")
        )
    cap = dice.randint(1, 40)
    return License(
        id=name,
        quote_id="quo",
        terms=Terms(
            dice.choice(BRANDS),
            "talent",
            "A campaign.",
            tuple(uses),
            dice.choice(sorted(VOCABULARY.categories)),
            exclusive=False,
            image_cap=cap,
            approval_required=dice.random() < 0.5,
            prohibited_contexts=tuple(dice.sample(CONTEXTS, dice.randint(0, 2))),
        ),
        state=State.REVOKED if dice.random() < 0.05 else State.ACTIVE,
        statement=b"{}",
        fee=Money("EUR", 1000),
        per_image=Money("EUR", 10),
        crew_pool_bp=500,
        images_used=dice.randint(0, cap),
        created_at=NOW,
        signed_at=NOW,
        consent_id="con",
    )


def make_consent(dice: random.Random) -> Consent:
    """Make a consent that mostly stands."""
    steps = {"rendering", "delivery"} if dice.random() < 0.95 else {"rendering"}
    return Consent(
        Standing.ACTIVE if dice.random() < 0.9 else Standing.WITHDRAWN,
        frozenset(steps),
        NOW - timedelta(days=dice.randint(0, 700)),
        NOW + timedelta(days=dice.randint(0, 1400)),
        ends_licenses=dice.random() < 0.5,
        prohibited_contexts=frozenset(dice.sample(CONTEXTS, dice.randint(0, 2))),
    )


def ask(license: License, consents: dict[str, Consent], dice: random.Random) -> Question:
    """Ask about a license, seven times of ten within its terms."""
    used = dice.choice(license.terms.uses)
    near = dice.random() < 0.7
    starts_at = used.starts_at + timedelta(days=dice.randint(0, 20) if near else 900)
    inside = sorted(
        code for code, name in VOCABULARY.categories.items()
        if f".{license.terms.category}." in f".{name}."
    )  # fmt: skip
    use = Use(
        media=used.media if near else dice.choice(sorted(VOCABULARY.media)),
        territory=dice.choice(used.territories if near else TERRITORIES),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=dice.randint(1, 10)),
        category=dice.choice(inside if near else sorted(VOCABULARY.categories)),
        contexts=frozenset(dice.sample(CONTEXTS, dice.choice((0, 0, 0, 1)))),
        pictures=dice.choice((0, 0, 1)),
        word=Word.GIVEN if dice.random() < 0.8 else Word.MISSING,
        step=Step.DELIVERY,
    )
    brand = license.terms.brand_id if dice.random() < 0.95 else dice.choice(BRANDS)
    cedar = {
        "principal": f'Brand::"{brand}"',
        "action": 'Action::"use"',
        "resource": f'License::"{license.id}"',
        "context": _context(license, consents[license.id], use),
    }
    return Question(license.id, Actor(brand), use, cedar)


def _context(license: License, consent: Consent, use: Use) -> dict[str, Any]:
    """Return what Cedar must be told: whatever is not in the policy."""
    return {
        "media": use.media,
        "countries": sorted(VOCABULARY.expand(use.territory)),
        "starts": _micros(use.starts_at),
        "ends": _micros(use.ends_at),
        "now": _micros(NOW),
        "categories": VOCABULARY.categories[use.category].split("."),
        "contexts": sorted(use.contexts),
        "pictures": use.pictures,
        "left": license.terms.image_cap - license.images_used,
        "approved": use.word is Word.GIVEN,
        "active": license.state is State.ACTIVE,
        "consent": {
            "stands": consent.standing is Standing.ACTIVE or not consent.ends_licenses,
            "steps": sorted(consent.steps),
            "starts": _micros(consent.starts_at or NOW),
            "ends": _micros(consent.ends_at or NOW),
            "prohibited": sorted(consent.prohibited_contexts),
        },
    }


def write_policy(license: License) -> str:
    """Return a license as a Cedar policy."""
    terms = license.terms
    uses = " ||\n    ".join(
        f'(context.media == "{use.media}" && {json.dumps(list(use.countries))}'
        f".containsAll(context.countries) && {_micros(use.starts_at)} <= context.starts"
        f" && context.ends <= {_micros(use.ends_at)})"
        for use in terms.uses
    )
    approval = " && context.approved" if terms.approval_required else ""
    prohibited = json.dumps(list(terms.prohibited_contexts))
    return f"""permit (
    principal == Brand::"{terms.brand_id}",
    action == Action::"use",
    resource == License::"{license.id}"
) when {{
    context.active && context.consent.stands && context.consent.steps.contains("delivery") &&
    context.consent.starts <= context.now && context.consent.starts <= context.starts &&
    context.now < context.consent.ends && context.ends <= context.consent.ends &&
    ({uses}) &&
    context.categories.contains("{terms.category}") &&
    !(context.contexts.containsAny({prohibited})) &&
    !(context.contexts.containsAny(context.consent.prohibited)) &&
    context.pictures <= context.left{approval}
}};"""


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _summary(name: str, spent: list[float]) -> dict[str, float]:
    ordered = sorted(spent)
    return {
        f"{name}: median, us": statistics.median(ordered),
        f"{name}: 99th percentile, us": ordered[int(len(ordered) * 0.99)],
    }


def _table(rows: dict[str, float]) -> str:
    goals = {"ours: median, us": f"{GOAL_US:g}", "differing answers": "0"}
    goals["ours to cedarpy alone, medians"] = f"{GOAL_RATIO:g}"
    lines = ["| what | measured | goal |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {value:,.5g} | {goals.get(name, '')} |" for name, value in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
