"""A license in the fields of the PLUS License Data Format, out and as far as they go in.

Fields are named as in the XMP of PLUS LDF 2.0.1. The format is made for people: media, regions
and products are constraints in words, of one license as a whole. So not everything comes back:

- what is paid, the zone a term was agreed in (it is read as UTC), the countries a region meant
  on the day of the quote (a region is read as what it means today) and where the license stood
  are not in the fields;
- where uses differ in territory or term, the constraints say so in words and are not read back:
  reading them as one would license more than was granted.

`MediaSummaryCode` is not written: its codes are a list of PLUS's own that is not among ours. The
release is the consent the license was signed under; before, there is none.

Source: PLUS Coalition, License Data Format 2.0.1, XMP reference.
"""

import re
from typing import Any

from kit import fields

from licensing.domain.documents import Node, say_time
from licensing.domain.licenses import License
from licensing.domain.terms import (
    MOST_CONTEXTS,
    MOST_IMAGES,
    MOST_TERRITORIES,
    MOST_USES,
    Asked,
    Terms,
    Use,
    UseAsked,
)
from licensing.domain.vocabulary import Vocabulary

VERSION = "2.0.1"
_VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
_SAME = {
    "plus:Version": VERSION,
    "plus:ImageDuplicationConstraints": f"{_VOCABULARY}DP-LIC",
    "plus:ImageFileConstraints": [f"{_VOCABULARY}IF-MMD"],
    "plus:CreditLineRequired": f"{_VOCABULARY}CR-NRQ",
    "plus:DataMining": f"{_VOCABULARY}DMI-PROHIBITED",
}
"""What is so of every license: copies only as it needs them; the credits are in the metadata,
which stays, and no credit line need be printed; no training."""
_ABOUT = (
    "plus:LicensorTransactionID",
    "plus:LicenseTransactionDate",
    "plus:ModelReleaseStatus",
    "plus:ModelReleaseID",
    "plus:Reuse",
)
"""What is of one certain license, and so is no term of another."""
_TERMS = (
    "plus:Licensor",
    "plus:Licensee",
    "plus:LicenseStartDate",
    "plus:LicenseEndDate",
    "plus:MediaConstraints",
    "plus:RegionConstraints",
    "plus:ProductOrServiceConstraints",
    "plus:LicenseeProjectReference",
    "plus:OtherConstraints",
)
_ONLY = "Only: "
_APPROVED = "Each picture needs the talent's approval."
_EXCLUSIVE = "Exclusive within the products."
_NOT_BESIDE = "Not with: "
_CAP = re.compile(r"At most (\d{1,7}) pictures\.")


def to_plus(license: License) -> dict[str, Any]:
    """Return a license as PLUS fields, plain JSON values only.

    A text in languages is an object whose "x-default" is English; a bag or a sequence is a list.
    """
    terms = license.terms
    said: dict[str, Any] = {
        **_SAME,
        "plus:Licensor": [{"plus:LicensorID": terms.talent_id}],
        "plus:Licensee": [{"plus:LicenseeID": terms.brand_id}],
        "plus:LicenseStartDate": say_time(terms.starts_at),
        "plus:LicenseEndDate": say_time(terms.ends_at),
        **_say_uses(terms),
        "plus:ProductOrServiceConstraints": _words(_ONLY + terms.category),
        "plus:LicenseeProjectReference": [terms.purpose],
        "plus:OtherConstraints": _words("\n".join(_say_others(terms))),
        "plus:LicensorTransactionID": [license.id],
        "plus:ModelReleaseStatus": f"{_VOCABULARY}MR-{'LMR' if license.consent_id else 'NON'}",
        "plus:Reuse": f"{_VOCABULARY}RE-{'REU' if license.renews else 'NAP'}",
    }
    if license.consent_id:
        said["plus:ModelReleaseID"] = [license.consent_id]
    if license.signed_at is not None:
        said["plus:LicenseTransactionDate"] = say_time(license.signed_at)
    return said


def _say_uses(terms: Terms) -> dict[str, Any]:
    first = terms.uses[0]
    if all(_is_beside(use, first) for use in terms.uses):
        media = _ONLY + ", ".join(use.media for use in terms.uses)
        regions = _ONLY + ", ".join(first.territories)
    else:
        media = "\n".join(
            f"{use.media} in {', '.join(use.territories)}"
            f" from {say_time(use.starts_at)} until just before {say_time(use.ends_at)}"
            for use in terms.uses
        )
        regions = "As the media constraints say of each medium."
    return {"plus:MediaConstraints": _words(media), "plus:RegionConstraints": _words(regions)}


def _is_beside(use: Use, other: Use) -> bool:
    """Tell whether two uses differ in nothing but media."""
    return (use.territories, use.countries, use.starts_at, use.ends_at) == (
        other.territories,
        other.countries,
        other.starts_at,
        other.ends_at,
    )


def _say_others(terms: Terms) -> list[str]:
    lines = [f"At most {terms.image_cap} pictures."]
    if terms.approval_required:
        lines.append(_APPROVED)
    if terms.exclusive:
        lines.append(_EXCLUSIVE)
    return [*lines, *(_NOT_BESIDE + context for context in terms.prohibited_contexts)]


def _words(text: str) -> dict[str, str]:
    return {"x-default": text}


def from_plus(document: Any, vocabulary: Vocabulary) -> Asked:
    """Return the terms that PLUS fields say; `document` is parsed JSON.

    Raises:
        FieldInvalid: a field is missing, malformed or not understood; names its JSON path. With
            reason MEDIA_UNKNOWN, TERRITORY_UNKNOWN, CATEGORY_UNKNOWN or TERM_INVALID for these.
    """
    plus = Node(document).only((*_SAME, *_ABOUT, *_TERMS))
    _check_same(plus)
    starts_at, ends_at = (plus[f"plus:License{edge}Date"].time() for edge in ("Start", "End"))
    if ends_at <= starts_at:
        raise plus["plus:LicenseEndDate"].fail("must be after the start", reason="TERM_INVALID")
    territories = tuple(_read_only(plus["plus:RegionConstraints"], MOST_TERRITORIES))
    for code in territories:
        vocabulary.check_territory(code, plus["plus:RegionConstraints"].path)
    media = _read_only(plus["plus:MediaConstraints"], MOST_USES)
    for code in media:
        vocabulary.check_media(code, plus["plus:MediaConstraints"].path)
    product = plus["plus:ProductOrServiceConstraints"]
    (category,) = _read_only(product, 1)
    (purpose,) = plus["plus:LicenseeProjectReference"].items(1, 1)
    cap, approval_required, exclusive, contexts = _read_others(plus["plus:OtherConstraints"])
    return Asked(
        _read_party(plus, "Licensee"),
        _read_party(plus, "Licensor"),
        fields.text(purpose.text(), purpose.path, longest=500),
        tuple(UseAsked(code, territories, starts_at, ends_at, "UTC") for code in media),
        vocabulary.check_category(category, product.path),
        exclusive,
        cap,
        approval_required,
        contexts,
    )


def _check_same(plus: Node) -> None:
    """See that what is so of every license of ours is so of this one, or left open."""
    plus["plus:Version"].equal(VERSION)
    for key, value in _SAME.items():
        if key in plus:
            plus[key].equal(value)


def _read_party(plus: Node, role: str) -> str:
    (party,) = plus[f"plus:{role}"].items(1, 1)
    given = party.only((f"plus:{role}ID", f"plus:{role}Name"))[f"plus:{role}ID"]
    what = "a talent" if role == "Licensor" else "a brand"
    fields.check_id("pty", given.text(), given.path, what=what)
    return given.text()


def _read_words(node: Node) -> str:
    return node.only(("x-default",))["x-default"].text()


def _read_only(node: Node, most: int) -> list[str]:
    """Return the codes of a constraint of ours."""
    said = _read_words(node)
    codes = said.removeprefix(_ONLY).split(", ")
    if not said.startswith(_ONLY) or len(codes) > most:
        raise node.fail(f'must be "{_ONLY}" and at most {most} codes with ", " between them')
    return codes


def _read_others(node: Node) -> tuple[int, bool, bool, tuple[str, ...]]:
    """Return cap, approval, exclusivity and prohibited contexts."""
    cap, *lines = _read_words(node).split("\n")
    found = _CAP.fullmatch(cap)
    if found is None or not 1 <= int(found[1]) <= MOST_IMAGES:
        raise node.fail(f'must begin with "At most N pictures.", N from 1 to {MOST_IMAGES:,}')
    contexts = []
    for line in lines:
        if line.startswith(_NOT_BESIDE):
            contexts.append(fields.text(line.removeprefix(_NOT_BESIDE), node.path, longest=80))
        elif line not in (_APPROVED, _EXCLUSIVE):
            raise node.fail(f'has a line that is not understood: "{line[:80]}"')
    if len(contexts) > MOST_CONTEXTS:
        raise node.fail(f"must have at most {MOST_CONTEXTS} prohibited contexts")
    return int(found[1]), _APPROVED in lines, _EXCLUSIVE in lines, tuple(contexts)
