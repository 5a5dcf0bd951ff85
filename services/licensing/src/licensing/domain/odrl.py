"""A license as an ODRL 2.2 policy in JSON-LD: how it is written.

What is ODRL's own is said in ODRL's words. The rest is in our profile, by full IRIs, so that the
one context of ODRL is enough: media, categories and the context a picture must not stand in. The
zone a term was agreed in and the territories as they were asked for are notes on a permission,
which change nothing of what it permits.

What belongs to the license as a whole and not to one use (the cap on pictures, the fee, the
talent's word) has a uid, is written once and referred to by the other permissions: ODRL counts
and fulfils it once.

The talent's standing list is her consent's and not in the license; so it is not here.

Source: W3C, ODRL Information Model 2.2 and ODRL Vocabulary & Expression 2.2 (2018).
"""

from typing import Any

from licensing.domain.documents import say_time
from licensing.domain.licenses import License, Side
from licensing.domain.money import Money, say_decimal
from licensing.domain.terms import Use
from licensing.domain.vocabulary import Vocabulary

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
PROFILE = "urn:sosia:odrl:1"
LICENSE = "urn:sosia:license:"
PARTY = "urn:sosia:party:"
TWIN = "urn:sosia:twin-of:"
"""The asset: the twin of a talent, in whatever version."""
MEDIUM = "urn:sosia:medium:"
CATEGORY = "urn:sosia:category:"
TERRITORIES = f"{PROFILE}:territories"
ZONE = f"{PROFILE}:zone"
STATE = f"{PROFILE}:state"
BESIDE = f"{PROFILE}:context"
"""Left operand: what a picture shows or stands beside."""
INDUSTRY = "odrl:industry"
"""Left operand, with its prefix: ODRL's own context misspells what the bare word stands for."""
PICTURE = f"{PROFILE}:released-picture"
"""Unit of count."""
COUNTRY = "urn:iso:std:iso:3166:-1:"
CURRENCY = "urn:iso:std:iso:4217:"


def to_odrl(license: License, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return a license as a policy, plain JSON values only.

    It is an Agreement once the talent has signed; before, it is a Request where the brand asks
    and an Offer where the talent's side does. Where a license stands is noted beside it: an
    Agreement that was revoked or has expired permits nothing.
    """
    terms = license.terms
    parties = _say_parties(terms.talent_id, terms.brand_id)
    policy: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": _kind(license),
        "uid": LICENSE + license.id,
        "profile": PROFILE,
        "conflict": "prohibit",
        STATE: license.state.value,
        "permission": [
            {**parties, **_say_permission(license, use, vocabulary)} for use in terms.uses
        ],
    }
    shared = {"constraint": [_say_cap(license)], "duty": _say_duties(license)}
    for index, permission in enumerate(policy["permission"]):
        for key, values in shared.items():
            permission.setdefault(key, []).extend(
                [one["uid"] for one in values] if index else values
            )
    if terms.prohibited_contexts:
        policy["prohibition"] = [
            {**parties, "action": "use", "constraint": [_constrain(BESIDE, "eq", context)]}
            for context in terms.prohibited_contexts
        ]
    if terms.exclusive:
        # She owes it to the brand: of an obligation, the assignee is who must act.
        owed = {"assigner": parties["assignee"], "assignee": parties["assigner"]}
        policy["obligation"] = [{**parties, **owed, "action": "ensureExclusivity"}]
    return policy


def _kind(license: License) -> str:
    if license.signed_at is not None:
        return "Agreement"
    return "Request" if license.offered_by is Side.BRAND else "Offer"


def _say_parties(talent_id: str, brand_id: str) -> dict[str, Any]:
    return {
        "target": TWIN + talent_id,
        "assigner": PARTY + talent_id,
        "assignee": PARTY + brand_id,
    }


def _say_permission(license: License, use: Use, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return what is of one use alone, and what every permission repeats."""
    terms = license.terms
    constraints = [
        _constrain("media", "eq", {"@id": MEDIUM + use.media}),
        _constrain("spatial", "isAnyOf", [{"@id": COUNTRY + code} for code in use.countries]),
        _constrain("dateTime", "gteq", _typed("dateTime", say_time(use.starts_at))),
        _constrain("dateTime", "lt", _typed("dateTime", say_time(use.ends_at))),
        _constrain("product", "isPartOf", {"@id": CATEGORY + terms.category}),
        _constrain("purpose", "eq", terms.purpose),
    ]
    if use.media in vocabulary.media:
        constraints.append(_constrain("deliveryChannel", "eq", vocabulary.media[use.media]))
    if terms.category in vocabulary.categories:
        widest = find_widest(terms.category, vocabulary)
        constraints.append(_constrain(INDUSTRY, "isPartOf", {"@id": CATEGORY + widest}))
    return {
        "action": "use",
        "constraint": constraints,
        TERRITORIES: list(use.territories),
        ZONE: use.zone,
    }


def find_widest(category: str, vocabulary: Vocabulary) -> str:
    """Return the widest category a category is in."""
    return vocabulary.categories[category].partition(".")[0]


def _say_cap(license: License) -> dict[str, Any]:
    cap = _constrain("count", "lteq", license.terms.image_cap)
    return {"uid": f"{LICENSE}{license.id}:cap", **cap, "unit": PICTURE}


def _say_duties(license: License) -> list[dict[str, Any]]:
    """Return the duties of the license as a whole: pay, pay per picture, ask her."""
    uid = LICENSE + license.id
    each = _constrain("unitOfCount", "eq", {"@id": PICTURE})
    duties = []
    if license.fee.minor:
        duties.append({"uid": f"{uid}:fee", **_do("compensate", _say_amount(license.fee))})
    if license.per_image.minor:
        pay = _do("compensate", _say_amount(license.per_image), each)
        duties.append({"uid": f"{uid}:per-image", **pay})
    if license.terms.approval_required:
        ask = {**_do("obtainConsent", each), "consentingParty": PARTY + license.terms.talent_id}
        duties.append({"uid": f"{uid}:approval", **ask})
    return duties


def _do(action: str, *refinements: dict[str, Any]) -> dict[str, Any]:
    said = {"rdf:value": {"@id": f"odrl:{action}"}, "refinement": list(refinements)}
    return {"action": [said]}


def _say_amount(amount: Money) -> dict[str, Any]:
    pay = _constrain("payAmount", "eq", _typed("decimal", say_decimal(amount)))
    return {**pay, "unit": CURRENCY + amount.currency}


def _constrain(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _typed(kind: str, value: str) -> dict[str, Any]:
    return {"@value": value, "@type": f"xsd:{kind}"}
