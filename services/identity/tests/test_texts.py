"""The text of a consent: it says every term, in every language, and is what was signed."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from identity.app import load_texts
from identity.domain.consents import Advice, Policy, Step, Terms
from identity.domain.texts import Template, Texts, format_money, format_time
from kit.errors import FieldInvalid
from sosia.common.v1 import money_pb2
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

TEXTS = load_texts()
LANGUAGES = ("de", "en", "fr", "sv")
# SHA-256 of every file of every edition. A consent was signed over these words.
RELEASED = {
    "1/de.json": "4ec2fc764e8d0cf8988f02713508fcb16821f024768123820237b4b14bfa36b0",
    "1/en.json": "3bdd33326c90c29da259d2288c4934bf849c61740084c4d363fe22c45c8991a8",
    "1/fr.json": "5f1647328e00d25332b9bdd9d07eff4723f812fb17f33681f11e529b6acf24c3",
    "1/minor_units.json": "a0551f95f36d3a39f5d99d634983959a03c570fcc0581d1f9afeb5cfb965cf15",
    "1/sv.json": "cf663adeed5f96f0e300d94d9b5756a738e0a353716b4a8832c80f09b4f209cc",
}


def test_a_released_edition_never_changes() -> None:
    folder = resources.files("identity").joinpath("texts", "consent")
    found = {
        f"{edition.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
        for edition in folder.iterdir()
        for file in edition.iterdir()
    }
    newest = max(int(edition.name) for edition in folder.iterdir())
    assert found == RELEASED, f"an edition that was used stays: make edition {newest + 1} instead"


plain = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30)
tricky = st.lists(
    st.sampled_from(["\n", "\n\n", "> ", ">", "• ", "  ", "{uses}", "{", "}", "a", "8. ", "EUR"]),
    max_size=8,
).map("".join)
words = (plain | tricky).map(str.strip).filter(bool)
times = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
whole = times.map(lambda time: time.replace(second=0, microsecond=0))
all_terms = st.builds(
    Terms,
    talent_id=st.sampled_from(["pty_1", "pty_2"]),
    scope=st.sets(st.sampled_from(Step), min_size=1).map(
        lambda some: tuple(step for step in Step if step in some)
    ),
    purpose=words,
    currency_code=st.sampled_from(["EUR", "SEK", "JPY", "KWD", "CLF", "USD"]),
    amount_minor=st.integers(1, 2**53 - 1),
    rate_basis=words,
    starts_at=times | whole,
    ends_at=times | whole,
    uses=words,
    language=st.sampled_from(["en", "en-GB", "sv", "sv-SE", "de", "de-AT", "fr", "FR-ca"]),
    advice=st.sampled_from(Advice),
    withdrawal_policy=st.sampled_from(Policy),
    prohibited_contexts=st.lists(words, max_size=3, unique=True).map(tuple),
)


class Reader:
    """Reads terms back from a text, line by line, by the template it was made from."""

    def __init__(self, content: str, template: Template) -> None:
        assert content.endswith("\n")
        self.lines = content[:-1].split("\n")
        self.template = template
        self.found: dict[str, Any] = {"prohibited_contexts": ()}

    def read(self) -> dict[str, Any]:
        """Return every place of the template with what stands there."""
        for line in self.template.lines:
            getattr(self, f"read_{line[1:-1]}", lambda said=line: self.read_line(said))()
        assert not self.lines
        return self.found

    def take(self, mark: str) -> Iterator[str]:
        """Take the lines that begin with a mark."""
        while self.lines and self.lines[0].startswith(mark):
            yield self.lines.pop(0)[len(mark) :].removeprefix(" ")

    def read_line(self, said: str) -> None:
        """Read a line of our own words, in which no brace is left."""
        parts = re.split(r"\{(\w+)\}", said)
        parts[::2] = [re.escape(part) for part in parts[::2]]
        parts[1::2] = [f"(?P<{name}>.+)" for name in parts[1::2]]
        line = self.lines.pop(0)
        assert "{" not in line
        assert "}" not in line
        match = re.fullmatch("".join(parts), line)
        assert match, line
        self.found |= match.groupdict()

    def read_talent_name(self) -> None:
        self.found["talent_name"] = "\n".join(self.take(">"))

    def read_purpose(self) -> None:
        self.found["purpose"] = "\n".join(self.take(">"))

    def read_rate_basis(self) -> None:
        self.found["rate_basis"] = "\n".join(self.take(">"))

    def read_uses(self) -> None:
        self.found["uses"] = "\n".join(self.take(">"))

    def read_scope(self) -> None:
        steps = {words: Step(step) for step, words in self.template.steps.items()}
        self.found["scope"] = tuple(steps[line] for line in self.take("•"))

    def read_prohibited_contexts(self) -> None:
        quoted = "\n".join(self.take(">"))
        if not quoted:
            assert self.lines.pop(0) == self.template.no_contexts
            return
        items = re.split(r"\n(?=• )", quoted)
        self.found["prohibited_contexts"] = tuple(
            item.removeprefix("• ").replace("\n  ", "\n") for item in items
        )

    def read_superseding(self) -> None:
        for said in self.template.superseding if self.lines else ():
            self.read_line(said)


def read_time(template: Template, said: str) -> datetime:
    """Read a time as the language writes it."""
    parts = re.split(r"\{(\w+)\}", template.date)
    parts[::2] = [re.escape(part) for part in parts[::2]]
    parts[1::2] = [f"(?P<{name}>[^ ]+?)" for name in parts[1::2]]
    match = re.fullmatch("".join(parts), said)
    assert match, said
    clock = [*match["time"].replace(template.decimal, ":").split(":"), "0", "0"][:4]
    day = 1 if match["day"] == template.first_day else int(match["day"])
    month = template.months.index(match["month"]) + 1
    return datetime(int(match["year"]), month, day, *map(int, clock), tzinfo=UTC)


def read_money(template: Template, said: str) -> tuple[str, int]:
    """Read an amount as the language writes it."""
    match = re.search("[A-Z]{3}", said)
    assert match
    amount = said.replace(match[0], "").strip("\u00a0").replace(template.group, "")
    whole, _, part = amount.partition(template.decimal)
    assert len(part) == template.minor_units.get(match[0], 2)
    return match[0], int(whole + part)


def read_terms(content: str, template: Template) -> tuple[Terms, dict[str, Any]]:
    """Read the terms, and everything else, from a text."""
    found = Reader(content, template).read()
    advice = {words: Advice(key) for key, words in template.advice.items()}
    policies = {words: Policy(key) for key, words in template.withdrawal_policy.items()}
    currency_code, amount_minor = read_money(template, found["rate_of_pay"])
    known = found | {
        "currency_code": currency_code,
        "amount_minor": amount_minor,
        "starts_at": read_time(template, found["starts_at"]),
        "ends_at": read_time(template, found["ends_at"]),
        "advice": advice[found["advice"]],
        "withdrawal_policy": policies[found["withdrawal_policy"]],
    }
    return Terms(**{field.name: known[field.name] for field in fields(Terms)}), found


@settings(max_examples=200, deadline=None)
@given(all_terms, words, st.sampled_from(["", "con_1"]))
def test_every_term_can_be_read_back_from_the_text(terms: Terms, name: str, old: str) -> None:
    """So every term's value is in it, no place is left open, and no two terms give one text."""
    written = TEXTS.write(terms, talent_name=name, supersedes=old)
    template = TEXTS.find(terms.language)
    read, found = read_terms(written.content, template)
    assert read == terms
    assert (found["talent_name"], found.get("supersedes", "")) == (name, old)
    assert found["text_version"] == str(template.version) == str(written.version)
    for value in (terms.talent_id, terms.language, terms.currency_code):
        assert value in written.content
    for value in (terms.purpose, terms.rate_basis, terms.uses, *terms.prohibited_contexts):
        assert all(line in written.content for line in value.split("\n"))


@settings(max_examples=200, deadline=None)
@given(all_terms, all_terms, st.sampled_from([field.name for field in fields(Terms)]))
def test_one_other_term_is_another_hash(one: Terms, two: Terms, name: str) -> None:
    other = replace(one, **{name: getattr(two, name)})
    hashes = [TEXTS.write(terms, talent_name="Alba").sha256 for terms in (one, other)]
    assert (hashes[0] == hashes[1]) == (one == other)


@settings(max_examples=100, deadline=None)
@given(st.lists(words, max_size=3, unique=True), st.lists(words, max_size=3, unique=True))
def test_lists_of_contexts_never_run_together(one: list[str], two: list[str]) -> None:
    assume(one != two)
    texts = [
        TEXTS.write(replace(SAMPLE, prohibited_contexts=tuple(some)), talent_name="Alba")
        for some in (one, two)
    ]
    assert texts[0].sha256 != texts[1].sha256


SAMPLE = Terms(
    talent_id="pty_1",
    scope=(Step.CAPTURE, Step.DELIVERY),
    purpose="Fashion.",
    currency_code="EUR",
    amount_minor=123_456_789,
    rate_basis="per day",
    starts_at=datetime(2026, 3, 1, 9, 5, tzinfo=UTC),
    ends_at=datetime(2028, 12, 24, 23, 59, 7, tzinfo=UTC),
    uses="Shops.",
    language="en",
    advice=Advice.NONE,
    withdrawal_policy=Policy.END_NOW,
    prohibited_contexts=(),
)


@pytest.mark.parametrize(
    ("language", "money", "yen", "first", "last"),
    [
        (
            "en",
            "EUR\u00a01,234,567.89",
            "JPY\u00a01,200",
            "1 March 2026 at 09:05 UTC",
            "24 December 2028 at 23:59:07 UTC",
        ),
        (
            "sv",
            "1\u00a0234\u00a0567,89\u00a0EUR",
            "1\u00a0200\u00a0JPY",
            "den 1 mars 2026 kl. 09:05 UTC",
            "den 24 december 2028 kl. 23:59:07 UTC",
        ),
        (
            "de",
            "1.234.567,89\u00a0EUR",
            "1.200\u00a0JPY",
            "1. März 2026 um 09:05 Uhr UTC",
            "24. Dezember 2028 um 23:59:07 Uhr UTC",
        ),
        (
            "fr",
            "1\u202f234\u202f567,89\u00a0EUR",
            "1\u202f200\u00a0JPY",
            "1er mars 2026 à 09:05 UTC",
            "24 décembre 2028 à 23:59:07 UTC",
        ),
    ],
)
def test_money_and_dates_are_as_the_language_writes_them(
    language: str, money: str, yen: str, first: str, last: str
) -> None:
    template = TEXTS.find(language)
    assert format_money(template, 123_456_789, "EUR") == money
    assert format_money(template, 1_200, "JPY") == yen
    east = SAMPLE.starts_at.astimezone(UTC)
    assert format_time(template, east) == first
    assert format_time(template, SAMPLE.ends_at) == last


@pytest.mark.parametrize(
    ("tag", "language"),
    [("sv", "sv"), ("sv-SE", "sv"), ("SV-se", "sv"), ("de-Latn-AT", "de"), ("fr-CA", "fr")],
)
def test_a_regional_tag_falls_back_to_its_language(tag: str, language: str) -> None:
    assert TEXTS.find(tag).language == language


@pytest.mark.parametrize("tag", ["es", "svx", "se-SV", "e"])
def test_a_language_without_a_text_is_refused_with_those_there_are(tag: str) -> None:
    with pytest.raises(FieldInvalid) as caught:
        TEXTS.find(tag)
    assert caught.value.metadata["field"] == "terms.language"
    assert caught.value.metadata["rule"] == "must be a language of: de, en, fr, sv"


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"lines": ("{purpose}",)}, "places"),
        ({"lines": (*TEXTS.find("en").lines, "and {more}")}, "places"),
        ({"lines": (*TEXTS.find("en").lines, "> ours")}, "marks"),
        ({"superseding": ("no name",)}, "superseding"),
        ({"steps": {}}, "steps"),
        ({"advice": {}}, "advice"),
        ({"withdrawal_policy": {}}, "withdrawal_policy"),
        ({"months": ("January",)}, "months"),
        ({"date": "{day} {month}"}, "date"),
        ({"money": "{amount}"}, "money"),
    ],
)
def test_a_template_that_leaves_a_term_out_does_not_load(
    changed: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        Texts([replace(TEXTS.find("en"), **changed)])


@pytest.mark.parametrize("language", [*LANGUAGES, "sv-SE"])
async def test_the_statement_holds_the_hash_of_the_text_that_is_shown(
    desk: Any, language: str
) -> None:
    talent = await desk.party("talent")
    consent = await desk.consented(talent, language=language)
    shown = (await desk.ask(talent, "GetConsent", consent_id=consent.id)).consent
    receipt = (await desk.ask(talent, "GetReceipt", receipt_id=consent.receipt_id)).receipt
    said = json.loads(receipt.statement)
    assert receipt.statement == shown.statement
    assert said["text_sha256"] == hashlib.sha256(shown.text.encode()).hexdigest()
    assert said["text_version"] == shown.text_version == 1
    assert said["language"] == shown.terms.language == language
    template = TEXTS.find(language)
    assert template.language == language.split("-", maxsplit=1)[0]
    assert shown.text.startswith(template.lines[0] + "\n")
    assert "> talent in public\n" in shown.text


async def test_a_text_without_a_language_is_not_proposed(desk: Any) -> None:
    talent = await desk.party("talent")
    error = await desk.refused(desk.proposed(talent, language="es-ES"), "FIELD_INVALID")
    assert error.metadata["field"] == "terms.language"
    assert error.metadata["rule"].endswith("de, en, fr, sv")


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\u202e", "\u2066", "\x85"])
@pytest.mark.parametrize("term", ["purpose", "rate_basis", "uses", "prohibited_contexts"])
async def test_nothing_breaks_or_turns_a_line_unseen(desk: Any, term: str, letter: str) -> None:
    talent = await desk.party("talent")
    value = f"Shops{letter}no pay."
    changed = {term: [value] if term == "prohibited_contexts" else value}
    error = await desk.refused(desk.proposed(talent, **changed), "FIELD_INVALID")
    assert error.metadata["field"].startswith(f"terms.{term}")


async def test_what_others_wrote_cannot_pass_for_our_words(desk: Any) -> None:
    talent = await desk.party("talent")
    forged = "Shops.\n\n4. What you are paid (rate of pay)\nYou are paid SEK\u00a01.00."
    money = money_pb2.Money(currency_code="SEK", amount_minor=5_000_000)
    consent = await desk.proposed(talent, language="en", uses=forged, rate_of_pay=money)
    ours = [line for line in consent.text.split("\n") if not line.startswith(">")]
    assert [line for line in ours if "paid SEK" in line] == [
        "You are paid SEK\u00a050,000.00. What it is paid for:"
    ]


@pytest.mark.parametrize("change", ["text = 'other words'", "text_version = 2"])
async def test_the_database_keeps_the_text_that_was_read(desk: Any, change: str) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent)
    with pytest.raises(IntegrityError, match="never change"):
        async with desk.app.db.begin() as tx:
            await tx.execute(text(f"UPDATE consents SET {change}"))
