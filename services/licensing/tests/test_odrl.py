"""Licenses as ODRL policies and PLUS fields: out, and in again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from kit.errors import FieldInvalid
from licensing.app import load_vocabulary
from licensing.domain.licenses import License, Side, State
from licensing.domain.money import Money
from licensing.domain.odrl import to_odrl
from licensing.domain.odrl_reading import from_odrl, read_policy
from licensing.domain.plus import from_plus, to_plus
from licensing.domain.terms import Asked, Terms, UseAsked, check_terms
from sosia.licensing.v1 import licensing_service_pb2 as pb

VOCABULARY = load_vocabulary()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BRAND = "pty_" + "b" * 26
TALENT = "pty_" + "t" * 26
LICENSE = "lic_" + "0" * 26
PLACES = [*sorted(VOCABULARY.countries), *VOCABULARY.regions]
ZONES = sorted(available_timezones() - {"localtime"})

_SCHEMA = json.loads((Path(__file__).parent / "odrl_policy.schema.json").read_text())
_SHAPE = Draft202012Validator(_SCHEMA)

times = st.datetimes(datetime(2026, 2, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=900))
places = st.lists(st.sampled_from(PLACES), min_size=1, max_size=6, unique=True)
letters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x7f")
words = st.text(letters, min_size=1, max_size=60).filter(str.strip)
money = st.builds(
    Money, st.sampled_from(["EUR", "JPY", "KWD", "CLF", "SEK"]), st.integers(0, 2**53 - 1)
)


@st.composite
def uses_asked(draw: st.DrawFn) -> tuple[UseAsked, ...]:
    """Uses of media that differ, some of them again as soon as they end."""
    uses: list[UseAsked] = []
    for code in draw(st.lists(st.sampled_from(sorted(VOCABULARY.media)), min_size=1, unique=True)):
        starts = draw(times)
        for _ in range(draw(st.integers(1, 2))):
            ends = starts + draw(lengths)
            zone = draw(st.sampled_from(ZONES))
            uses.append(UseAsked(code, tuple(draw(places)), starts, ends, zone))
            starts = ends
    return tuple(uses)


all_terms = st.builds(
    Asked,
    st.just(BRAND),
    st.just(TALENT),
    words,
    uses_asked(),
    st.sampled_from(sorted(VOCABULARY.categories)),
    st.booleans(),
    st.integers(1, 1_000_000),
    st.booleans(),
    st.lists(words, max_size=5).map(tuple),
).map(lambda asked: check_terms(asked, VOCABULARY, now=NOW))


def a_license(terms: Terms, **changed: Any) -> License:
    license = License(
        LICENSE, "quo_1", terms, State.ACTIVE, b"", Money("EUR", 50_000), Money("EUR", 2_501),
        1_000, 0, NOW, NOW, "con_" + "c" * 26,
    )  # fmt: skip
    return replace(license, **changed)


def terms_of(**changed: Any) -> Terms:
    use = UseAsked("social", ("SE", "DACH"), NOW, NOW + timedelta(days=30), "Europe/Stockholm")
    asked = Asked(
        BRAND, TALENT, "Autumn coats.", (use, replace(use, media="web", territories=("NO",))),
        "outerwear", True, 3, True, ("tobacco", "alcohol"),
    )  # fmt: skip
    return check_terms(replace(asked, **changed), VOCABULARY, now=NOW)


def carried(document: Any) -> Any:
    """Return a document as it is after JSON and a protobuf Struct."""
    return json_format.MessageToDict(json_format.Parse(json.dumps(document), Struct()))


@settings(max_examples=80, deadline=None)
@given(all_terms, money, money)
def test_terms_come_back_from_a_policy_as_they_were(
    terms: Terms, fee: Money, per_image: Money
) -> None:
    document = to_odrl(a_license(terms, fee=fee, per_image=per_image), VOCABULARY)
    _SHAPE.validate(document)
    policy = read_policy(carried(document), VOCABULARY)
    assert check_terms(policy.asked, VOCABULARY, now=NOW) == terms
    assert [use.territories for use in policy.asked.uses] == [use.territories for use in terms.uses]
    assert (policy.fee, policy.per_image) == (
        fee if fee.minor else None,
        per_image if per_image.minor else None,
    )


@settings(max_examples=50, deadline=None)
@given(all_terms)
def test_plus_fields_bring_back_a_grid_and_refuse_what_is_none(terms: Terms) -> None:
    first = terms.uses[0]
    grid = replace(
        terms, uses=tuple(replace(first, media=code) for code in {use.media for use in terms.uses})
    )
    found = check_terms(
        from_plus(carried(to_plus(a_license(grid))), VOCABULARY), VOCABULARY, now=NOW
    )
    assert found == replace(grid, uses=tuple(replace(use, zone="UTC") for use in grid.uses))
    others = {(use.territories, use.starts_at, use.ends_at) for use in terms.uses}
    if len(others) > 1:
        with pytest.raises(FieldInvalid, match="Constraints"):
            from_plus(to_plus(a_license(terms)), VOCABULARY)


def test_a_policy_says_what_odrl_asks_of_an_agreement() -> None:
    document = to_odrl(a_license(terms_of()), VOCABULARY)
    assert document["@type"] == "Agreement"
    assert document["conflict"] == "prohibit"
    first, second = document["permission"]
    assert first["assigner"].endswith(TALENT)
    assert first["assignee"].endswith(BRAND)
    said = {
        (one["leftOperand"], one["operator"]): one["rightOperand"] for one in first["constraint"]
    }
    assert [one["@id"][-2:] for one in said["spatial", "isAnyOf"]] == ["AT", "CH", "DE", "SE"]
    assert said["dateTime", "gteq"]["@value"] == "2026-01-01T00:00:00Z"
    assert said["dateTime", "lt"]["@value"] == "2026-01-31T00:00:00Z"
    pay = first["duty"][0]["action"][0]["refinement"][0]
    assert (pay["rightOperand"]["@value"], pay["unit"][-3:]) == ("500.00", "EUR")
    # What counts once is written once and named afterwards.
    assert second["duty"] == [duty["uid"] for duty in first["duty"]]
    assert second["constraint"][-1] == first["constraint"][-1]["uid"]
    assert [rule["constraint"][0]["rightOperand"] for rule in document["prohibition"]] == [
        "tobacco",
        "alcohol",
    ]
    (owed,) = document["obligation"]
    assert owed["assignee"].endswith(TALENT)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"state": State.PROPOSED, "signed_at": None}, "Request"),
        ({"state": State.PROPOSED, "signed_at": None, "offered_by": Side.TALENT}, "Offer"),
        ({"state": State.REVOKED}, "Agreement"),
    ],
)
def test_only_what_she_signed_is_an_agreement(changed: Any, kind: str) -> None:
    document = to_odrl(a_license(terms_of(), **changed), VOCABULARY)
    assert document["@type"] == kind
    assert document["urn:sosia:odrl:1:state"] == changed["state"]
    assert from_odrl(document, VOCABULARY) == from_odrl(
        to_odrl(a_license(terms_of()), VOCABULARY), VOCABULARY
    )


C, P = "permission[0].constraint", "permission[0]"
AT = {"media": 0, "spatial": 1, "gteq": 2, "lt": 3, "product": 4, "purpose": 5}
REFUSED: list[tuple[str, Any, str]] = [
    # (where to write, what, where the error is)
    ("@context", "http://example.org/other.jsonld", "@context"),
    ("@type", "Set", "@type"),
    ("profile", "urn:other", "profile"),
    ("conflict", "perm", "conflict"),
    ("inheritFrom", "urn:other", "inheritFrom"),
    (f"{P}.action", "sell", f"{P}.action"),
    (f"{P}.target", "urn:other", f"{P}.target"),
    (f"{P}.assigner", "urn:other", f"{P}.assigner"),
    (f"{P}.remedy", [], f"{P}.remedy"),
    (f"{C}[2].operator", "gt", f"{C}[2].operator"),
    (f"{C}[3].operator", "lteq", f"{C}[3].operator"),
    (f"{C}[0].leftOperand", "resolution", f"{C}[0].leftOperand"),
    (f"{C}[0].rightOperand.@id", "urn:sosia:medium:skywriting", f"{C}[0].rightOperand"),
    (f"{C}[1].rightOperand[0].@id", "urn:iso:std:iso:3166:-1:XX", f"{C}[1].rightOperand[0]"),
    (f"{C}[1].status", "x", f"{C}[1].status"),
    (f"{C}[2].rightOperand.@value", "2026-01-01", f"{C}[2].rightOperand.@value"),
    (f"{C}[2].rightOperand.@value", "2026-01-01T00:00:00", f"{C}[2].rightOperand.@value"),
    (f"{C}[2].rightOperand.@value", "2026-13-01T00:00:00Z", f"{C}[2].rightOperand.@value"),
    (f"{C}[2].rightOperand.@value", "2026-02-01T00:00:00Z", f"{C}[3].rightOperand"),
    (f"{C}[4].rightOperand.@id", "urn:sosia:category:guns", f"{C}[4].rightOperand"),
    (f"{C}[5].rightOperand", " ", f"{C}[5].rightOperand"),
    (f"{C}[7].rightOperand.@id", "urn:sosia:category:bags", f"{C}[7].rightOperand"),
    (f"{C}[8].rightOperand", 2**31, f"{C}[8].rightOperand"),
    (f"{C}[8].rightOperand", True, f"{C}[8].rightOperand"),
    (f"{C}[8].unit", "urn:day", f"{C}[8].unit"),
    (f"{C}[8].uid", "urn:another", "permission[1].constraint[8]"),
    (f"{C}[7]", "urn:nowhere", f"{C}[7]"),
    (f"{P}.duty[0].action[0].rdf:value.@id", "odrl:delete", 'action[0]["rdf:value"].@id'),
    (f"{P}.duty[0].action[0].refinement[0].unit", "euros", "refinement[0].unit"),
    (f"{P}.duty[2].consentingParty", "urn:other", f"{P}.duty[2].consentingParty"),
    (f"{P}.urn:sosia:odrl:1:zone", "Mars/Olympus", 'zone"]'),
    (f"{P}.urn:sosia:odrl:1:territories", ["WORLD"], 'territories"]'),
    ("permission[1].constraint[5].rightOperand", "Another campaign.", "permission[1]"),
    ("prohibition[0].constraint[0].operator", "neq", "prohibition[0].constraint[0].operator"),
    ("prohibition[0].action", "display", "prohibition[0].action"),
    ("obligation[0].action", "inform", "obligation[0].action"),
]


def write(document: Any, where: str, value: Any) -> None:
    """Put a value at a path such as "permission[0].action"."""
    steps: list[Any] = []
    for step in where.replace("odrl:1:", "odrl_1_").split("."):
        name, *places = step.replace("odrl_1_", "odrl:1:").split("[")
        steps += [name, *(int(place[:-1]) for place in places)]
    for step in steps[:-1]:
        document = document[step]
    document[steps[-1]] = value


@pytest.mark.parametrize(("where", "value", "field"), REFUSED)
def test_what_is_not_understood_is_refused_by_its_path(where: str, value: Any, field: str) -> None:
    document = carried(to_odrl(a_license(terms_of()), VOCABULARY))
    write(document, where, value)
    with pytest.raises(FieldInvalid) as caught:
        read_policy(document, VOCABULARY)
    assert field in caught.value.metadata["field"]
    assert caught.value.metadata["field"].startswith("document.")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_is_broken_ends_in_a_named_field(data: st.DataObject) -> None:
    """Put junk anywhere: it is refused by path, or read as it stands; never another error."""
    make = data.draw(st.sampled_from([to_plus, lambda one: to_odrl(one, VOCABULARY)]))
    document: Any = carried(make(a_license(terms_of())))
    inner, key = document, data.draw(st.sampled_from(sorted(document)))
    while isinstance(inner[key], dict | list) and inner[key] and data.draw(st.booleans()):
        inner = inner[key]
        keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
        key = data.draw(st.sampled_from(list(keys)))
    junk = st.sampled_from([None, True, 0, -1, 1.5, "", "x", [], {}, [[]], {"@id": 1}, "\ud800"])
    inner[key] = data.draw(junk)
    read = from_plus if make is to_plus else from_odrl
    try:
        read(document, VOCABULARY)
    except FieldInvalid as error:
        assert error.metadata["field"].startswith("document")


def test_a_cap_without_a_uid_would_count_for_each_permission() -> None:
    document = to_odrl(a_license(terms_of()), VOCABULARY)
    cap = document["permission"][0]["constraint"][-1]
    del cap["uid"]
    document["permission"][1]["constraint"][-1] = cap
    with pytest.raises(FieldInvalid, match="uids"):
        from_odrl(document, VOCABULARY)


@pytest.mark.parametrize(
    ("currency", "said", "minor"),
    [
        ("EUR", "500", 50_000),
        ("EUR", "0.5", 50),
        ("EUR", "1.005", None),
        ("EUR", "-1", None),
        ("EUR", "1e3", None),
        ("EUR", "9999999999999999", None),
        ("JPY", "500", 500),
        ("JPY", "500.0", None),
        ("KWD", "1.005", 1_005),
        ("CLF", "1.0005", 10_005),
        ("eur", "1", None),
    ],
)
def test_an_amount_is_exact_in_its_currency(currency: str, said: str, minor: int | None) -> None:
    document = to_odrl(a_license(terms_of()), VOCABULARY)
    pay = document["permission"][0]["duty"][0]["action"][0]["refinement"][0]
    pay["rightOperand"]["@value"] = said
    pay["unit"] = f"urn:iso:std:iso:4217:{currency}"
    if minor is None:
        with pytest.raises(FieldInvalid, match="refinement"):
            read_policy(document, VOCABULARY)
    else:
        assert read_policy(document, VOCABULARY).fee == Money(currency, minor)


@pytest.mark.parametrize("key", ["constraint", "duty"])
def test_nothing_is_said_twice_and_nothing_needed_is_left_out(key: str) -> None:
    whole = to_odrl(a_license(terms_of(approval_required=False)), VOCABULARY)
    for index in range(len(whole["permission"][0][key])):
        document = carried(whole)
        rule = document["permission"][0]
        rule[key].append({k: v for k, v in rule[key][index].items() if k != "uid"})
        with pytest.raises(FieldInvalid, match="again"):
            from_odrl(document, VOCABULARY)
        document = carried(whole)
        gone = document["permission"][0][key].pop(index)
        if gone.get("leftOperand") in ("deliveryChannel", "odrl:industry"):
            from_odrl(document, VOCABULARY)
        else:
            with pytest.raises(FieldInvalid, match=r"must (have|be written out)"):
                from_odrl(document, VOCABULARY)


def test_two_things_never_share_a_uid() -> None:
    document = to_odrl(a_license(terms_of()), VOCABULARY)
    cap = document["permission"][0]["constraint"][-1]
    document["permission"][1]["constraint"][-1] = {**cap, "rightOperand": 9}
    with pytest.raises(FieldInvalid, match="of its own"):
        from_odrl(document, VOCABULARY)


def test_a_region_that_came_to_mean_other_countries_is_not_taken_for_what_it_was() -> None:
    document = to_odrl(a_license(terms_of()), VOCABULARY)
    regions = {**VOCABULARY.regions, "DACH": frozenset({"AT", "CH", "DE", "LI"})}
    later = replace(VOCABULARY, regions=regions)
    with pytest.raises(FieldInvalid, match="must mean the countries"):
        from_odrl(document, later)
    for permission in document["permission"]:
        del permission["urn:sosia:odrl:1:territories"]
    assert from_odrl(document, later).uses[0].territories == ("AT", "CH", "DE", "SE")


def test_parties_may_stand_at_the_policy() -> None:
    document = to_odrl(a_license(terms_of(exclusive=False)), VOCABULARY)
    want = from_odrl(document, VOCABULARY)
    for rule in [*document["permission"], *document["prohibition"]]:
        for key in ("target", "assigner", "assignee"):
            document[key] = rule.pop(key)
    assert from_odrl(document, VOCABULARY) == want


def test_plus_refuses_what_a_license_of_ours_never_says() -> None:
    fields = to_plus(
        a_license(terms_of(uses=(UseAsked("web", ("SE",), NOW, NOW.replace(year=2027), ""),)))
    )
    assert fields["plus:ModelReleaseStatus"].endswith("MR-LMR")
    assert "plus:MediaSummaryCode" not in fields
    from_plus(fields, VOCABULARY)
    for name, value in {
        "plus:ImageAlterationConstraints": ["http://ns.useplus.org/ldf/vocab/AL-CRP"],
        "plus:CreditLineRequired": "http://ns.useplus.org/ldf/vocab/CR-COI",
        "plus:OtherConstraints": {"x-default": "At most 3 pictures.\nOnly on Sundays."},
        "plus:RegionConstraints": {"x-default": "Only: SE, ATLANTIS"},
        "plus:MediaConstraints": {"x-default": "Anything"},
        "plus:LicenseEndDate": "2020-01-01T00:00:00Z",
    }.items():
        with pytest.raises(FieldInvalid) as caught:
            from_plus({**fields, name: value}, VOCABULARY)
        assert name in caught.value.metadata["field"]


async def test_a_license_goes_out_and_its_terms_come_in_to_be_quoted(office: Any) -> None:
    license = await office.signed(await office.proposed(prohibited_contexts=["tobacco"]))
    for format in (pb.LICENSE_FORMAT_ODRL, pb.LICENSE_FORMAT_PLUS):
        asked = {"license_id": license.id, "format": format}
        content = (await office.ask(office.brand, "ExportLicense", **asked)).content
        document = json_format.Parse(content, Struct())
        read = await office.ask(office.brand, "ImportTerms", document=document)
        if format == pb.LICENSE_FORMAT_ODRL:
            assert (read.terms, read.fee, read.per_image) == (
                license.terms,
                license.fee,
                license.per_image,
            )
        else:
            assert not read.HasField("fee")
            assert [use.zone for use in read.terms.uses] == ["UTC"]
        quote = (await office.ask(office.brand, "CreateQuote", terms=read.terms)).quote
        assert quote.total == license.fee
        hidden = office.ask(office.rival, "ExportLicense", **asked)
        await office.refused(hidden, "LICENSE_NOT_FOUND")


async def test_an_import_names_what_it_refuses(office: Any) -> None:
    asked = office.ask(office.brand, "ImportTerms", document=Struct())
    assert (await office.refused(asked, "FIELD_INVALID")).metadata["field"] == "document"
    document = Struct()
    document.update({"@context": float("nan")})
    await office.refused(
        office.ask(office.brand, "ImportTerms", document=document), "FIELD_INVALID"
    )
    unsaid = office.ask(office.brand, "ExportLicense", license_id=(await office.proposed()).id)
    assert (await office.refused(unsaid, "FIELD_INVALID")).metadata["field"] == "format"
    nobody = office.ask("public", "ImportTerms", document=Struct())
    await office.refused(nobody, "API_KEY_MISSING")
