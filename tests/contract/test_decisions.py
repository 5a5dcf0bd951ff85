"""Decisions as RIGHTS would have them: a table written by hand, and what holds for all others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from licensing.domain.decisions import (
    MOMENT,
    Actor,
    Compiled,
    Consent,
    Decision,
    Reason,
    Standing,
    Step,
    Use,
    Word,
    compile_license,
    decide,
)

from .decisions import CODES, VOCABULARY, Case, read_cases, read_licenses

CASES = list(read_cases())
LICENSES = read_licenses()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_decision_is_what_the_table_says(case: Case) -> None:
    made = decide(case.actor, case.use, case.license, case.consent, case.now)
    assert (made.allowed, set(made.reasons)) == (not case.reasons, set(case.reasons))
    assert len(set(made.reasons)) == len(made.reasons)


def test_the_table_has_every_reason_and_enough_rows() -> None:
    assert len(CASES) >= 300
    assert {reason for case in CASES for reason in case.reasons} == set(map(str, Reason))
    asked = {(case.use, case.license_name, case.consent, case.actor, case.now) for case in CASES}
    assert len(asked) == len(CASES)


BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
times = st.integers(0, 5 * 365 * 24).map(lambda hours: BEGIN + timedelta(hours=hours))
texts = st.sampled_from(["", "x", "tobacco", "fur", "dogs"])
licenses = st.sampled_from([None, *(compile_license(one, CODES) for one in LICENSES.values())])


@st.composite
def uses(draw: st.DrawFn) -> Use:
    starts_at = draw(times)
    places = st.sampled_from([*VOCABULARY.regions, "SE", "NO", "DE", "US", "", "XX"])
    return Use(
        media=draw(st.sampled_from([*VOCABULARY.media, "", "x"])),
        territory=draw(places),
        starts_at=starts_at,
        ends_at=starts_at + draw(st.sampled_from([MOMENT, timedelta(0), timedelta(days=40)])),
        category=draw(st.sampled_from([*VOCABULARY.categories, "", "x"])),
        contexts=draw(st.frozensets(texts, max_size=2)),
        pictures=draw(st.integers(0, 12)),
        word=draw(st.sampled_from(Word)),
        step=draw(st.sampled_from(Step)),
    )


@st.composite
def consents(draw: st.DrawFn) -> Consent | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    starts_at = draw(st.none() | times)
    return Consent(
        draw(st.sampled_from(Standing)),
        draw(st.frozensets(st.sampled_from(["rendering", "delivery", "capture"]))),
        starts_at,
        starts_at and starts_at + timedelta(days=700),
        draw(st.booleans()),
        draw(st.frozensets(texts, max_size=1)),
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[Actor, Use, Compiled | None, Consent | None, datetime]:
    actor = Actor(draw(st.sampled_from(["lumen", "nordhav", ""])))
    return actor, draw(uses()), draw(licenses), draw(consents()), draw(times)


def ask(question: tuple[Actor, Use, Compiled | None, Consent | None, datetime]) -> Decision:
    return decide(*question)


@settings(max_examples=2000, deadline=None)
@given(questions())
def test_whatever_is_asked_is_answered_and_only_a_reason_denies(
    question: tuple[Actor, Use, Compiled | None, Consent | None, datetime],
) -> None:
    made = ask(question)
    assert made.allowed == (not made.reasons)
    assert ask(question) == made
    _, _, license, consent, _ = question
    if license is None or consent is None or not license.active:
        assert not made.allowed


@settings(max_examples=2000, deadline=None)
@given(questions(), st.data())
def test_what_is_allowed_is_allowed_moment_by_moment_and_country_by_country(
    question: tuple[Actor, Use, Compiled | None, Consent | None, datetime], data: st.DataObject
) -> None:
    """A use is only allowed as a whole if each of its parts is, and the other way round."""
    actor, use, license, consent, now = question
    if not VOCABULARY.expand(use.territory) or use.ends_at <= use.starts_at:
        return
    country = data.draw(st.sampled_from(sorted(VOCABULARY.expand(use.territory))))
    span = (use.ends_at - use.starts_at) // MOMENT
    at = use.starts_at + data.draw(st.integers(0, span - 1)) * MOMENT
    part = replace(use, territory=country, starts_at=at, ends_at=at + MOMENT)
    if decide(actor, use, license, consent, now).allowed:
        assert decide(actor, part, license, consent, now).allowed
    if not decide(actor, part, license, consent, now).allowed:
        assert not decide(actor, use, license, consent, now).allowed


@settings(max_examples=1000, deadline=None)
@given(questions())
def test_ending_a_license_or_a_consent_never_allows_more(
    question: tuple[Actor, Use, Compiled | None, Consent | None, datetime],
) -> None:
    actor, use, license, consent, now = question
    if license is None or consent is None:
        return
    ended = replace(license, active=False)
    assert not decide(actor, use, ended, consent, now).allowed
    gone = replace(consent, standing=Standing.WITHDRAWN, ends_licenses=True)
    assert not decide(actor, use, license, gone, now).allowed
    spent = replace(license, left=0)
    if not decide(actor, use, license, consent, now).allowed:
        assert not decide(actor, use, spent, consent, now).allowed
