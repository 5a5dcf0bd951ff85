"""Tables of decisions: which license, which consent, what is asked, what must be answered.

`decisions.csv` has one decision a row; a column left empty says nothing (`actor`: the licensed
brand; `starts_at`: now; `ends_at`: a moment later). `decisions.json` says what the names of
licenses and consents stand for; "nothing" is no license, "silent" a consent identity did not
tell of. Any other table beside it named `decisions*.csv`, of the same columns, is read as well.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from licensing.app import load_vocabulary
from licensing.domain.decisions import (
    MOMENT,
    Actor,
    Codes,
    Compiled,
    Consent,
    Standing,
    Step,
    Use,
    Word,
    compile_license,
)
from licensing.domain.licenses import License, State
from licensing.domain.money import Money
from licensing.domain.terms import Terms
from licensing.domain.terms import Use as LicensedUse

FOLDER = Path(__file__).parent
VOCABULARY = load_vocabulary()
CODES = Codes(VOCABULARY)


@dataclass(frozen=True)
class Case:
    """One decision of a table."""

    name: str
    actor: Actor
    use: Use
    license_name: str
    license: Compiled | None
    consent: Consent | None
    now: datetime
    reasons: frozenset[str]


def read_cases(folder: Path = FOLDER) -> Iterator[Case]:
    """Yield every decision of the tables in a folder."""
    told = json.loads((folder / "decisions.json").read_text())
    licenses = {name: _license(name, _full(told["licenses"], name)) for name in told["licenses"]}
    consents = {name: _consent(_full(told["consents"], name)) for name in told["consents"]}
    for table in sorted(folder.glob("decisions*.csv")):
        with table.open(newline="") as file:
            for row in csv.DictReader(file):
                license = licenses.get(row["license"])
                now = _time(row["now"] or told["now"])
                yield Case(
                    name=f"{table.stem}-{row['number']}: {row['rule']}",
                    actor=Actor(row["actor"] or (license.terms.brand_id if license else "lumen")),
                    use=_use(row, now),
                    license_name=row["license"],
                    license=compile_license(license, CODES) if license else None,
                    consent=consents.get(row["consent"]),
                    now=now,
                    reasons=frozenset(row["reasons"].split()),
                )


def read_licenses(folder: Path = FOLDER) -> dict[str, License]:
    """Return the licenses the tables name."""
    told = json.loads((folder / "decisions.json").read_text())["licenses"]
    return {name: _license(name, _full(told, name)) for name in told}


def _full(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a name stands for, with what it is like."""
    own = dict(told[name])
    like = own.pop("like", None)
    return {**(_full(told, like) if like else {}), **own}


def _license(name: str, told: Mapping[str, Any]) -> License:
    uses = tuple(
        LicensedUse(media, tuple(codes), _countries(codes), _time(starts), _time(ends), zone)
        for media, codes, starts, ends, zone in told["uses"]
    )
    state = State(told.get("state", "active"))
    signed_at = uses[0].starts_at if state in (State.ACTIVE, State.REVOKED) else None
    return License(
        id=name,
        quote_id="quo",
        terms=Terms(
            told["brand"],
            "talent",
            "A campaign.",
            uses,
            told["category"],
            told.get("exclusive", False),
            told["image_cap"],
            told.get("approval_required", False),
            tuple(told.get("prohibited_contexts", ())),
        ),
        state=state,
        statement=b"{}",
        fee=Money("EUR", 1000),
        per_image=Money("EUR", 10),
        crew_pool_bp=500,
        images_used=told.get("images_used", 0),
        created_at=uses[0].starts_at,
        signed_at=signed_at,
        consent_id="con" if signed_at else "",
    )


def _countries(codes: list[str]) -> tuple[str, ...]:
    return tuple(sorted({country for code in codes for country in VOCABULARY.expand(code)}))


def _consent(told: Mapping[str, Any]) -> Consent:
    return Consent(
        Standing(told["standing"]),
        frozenset(told.get("steps", ())),
        _time(told["starts_at"]) if told.get("starts_at") else None,
        _time(told["ends_at"]) if told.get("ends_at") else None,
        told.get("policy") != "run_to_term",
        frozenset(told.get("prohibited_contexts", ())),
    )


def _use(row: Mapping[str, str], now: datetime) -> Use:
    starts_at = _time(row["starts_at"]) if row["starts_at"] else now
    return Use(
        media=row["media"],
        territory=row["territory"],
        starts_at=starts_at,
        ends_at=_time(row["ends_at"]) if row["ends_at"] else starts_at + MOMENT,
        category=row["category"],
        contexts=frozenset(row["contexts"].split()),
        pictures=int(row["pictures"] or 0),
        word=Word(row["word"] or "no_picture"),
        step=Step(row["step"] or "delivery"),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
