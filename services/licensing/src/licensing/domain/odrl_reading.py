"""Reading an ODRL 2.2 policy back into terms somebody asks for; see `odrl` for how it is written.

Every key, operand, operator and action is either understood or refused, by its JSON path. Not
part of what is asked, but checked: the policy's own uid, and where its license stood. What is to
be paid is read beside the terms; a price is the rate card's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kit import fields

from licensing.domain import odrl
from licensing.domain.documents import Node
from licensing.domain.licenses import State
from licensing.domain.money import Money, check_currency, read_decimal
from licensing.domain.terms import (
    MOST_CONTEXTS,
    MOST_IMAGES,
    MOST_TERRITORIES,
    MOST_USES,
    Asked,
    UseAsked,
    check_zone,
)
from licensing.domain.vocabulary import Vocabulary

_POLICY = ("@context", "@type", "uid", "profile", "conflict", odrl.STATE)
_RULES = ("permission", "prohibition", "obligation")
_PARTIES = ("target", "assigner", "assignee")
_NOTES = (odrl.TERRITORIES, odrl.ZONE)
_CONSTRAINT = ("uid", "leftOperand", "operator", "rightOperand")
_OPERATORS = {
    "media": ("eq",),
    "spatial": ("isAnyOf",),
    "dateTime": ("gteq", "lt"),
    "product": ("isPartOf",),
    "purpose": ("eq",),
    "count": ("lteq",),
    "deliveryChannel": ("eq",),
    odrl.INDUSTRY: ("isPartOf",),
    "industry": ("isPartOf",),
}
"""Left operand of a permission -> its operators; each comes once."""
_REFINEMENTS = {"payAmount": ("eq",), "unitOfCount": ("eq",)}
_WITH_UNIT = ("count", "payAmount")
_OPTIONAL = ("deliveryChannel", odrl.INDUSTRY, "industry")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a policy says."""

    asked: Asked
    fee: Money | None
    per_image: Money | None


@dataclass(frozen=True, slots=True)
class _Whole:
    """What is of the license as a whole, and so must be the same in each permission."""

    parties: tuple[str, str]
    """Talent and brand."""
    purpose: str
    category: str
    cap: tuple[str, int]
    """With its uid, as the amounts."""
    fee: tuple[str, Money] | None = None
    per_image: tuple[str, Money] | None = None
    approval: str | None = None
    """The duty's uid; None: she need not be asked."""

    @property
    def uids(self) -> list[str]:
        """Return the uid of whatever counts once."""
        uids = [one[0] for one in (self.cap, self.fee, self.per_image) if one is not None]
        return uids if self.approval is None else [*uids, self.approval]


def from_odrl(document: Any, vocabulary: Vocabulary) -> Asked:
    """Return the terms a policy says. Raises what `read_policy` raises."""
    return read_policy(document, vocabulary).asked


def read_policy(document: Any, vocabulary: Vocabulary) -> Policy:
    """Return the terms a policy says, and what it says is paid.

    `document` is parsed JSON. Territories are as they were asked for where the policy notes them
    and they still mean the countries it permits; otherwise they are these countries.

    Raises:
        FieldInvalid: something is missing, malformed or not understood; names its JSON path.
            With reason MEDIA_UNKNOWN, TERRITORY_UNKNOWN or CATEGORY_UNKNOWN for these.
    """
    policy = Node(document).only((*_POLICY, *_RULES, *_PARTIES))
    _check_head(policy)
    known = _find_uids(policy)
    uses: list[UseAsked] = []
    whole: _Whole | None = None
    permissions = policy["permission"].items(1, MOST_USES)
    for permission in permissions:
        use, found = _read_permission(permission, policy, known, vocabulary)
        if found != (whole or found):
            raise permission.fail(
                "must have parties, purpose, product, cap and duties of the first"
            )
        if len(permissions) > 1 and "" in found.uids:
            raise permission.fail("must have a cap and duties with uids, to count once for all")
        uses.append(use)
        whole = found
    assert whole is not None  # noqa: S101 -- there is at least one
    talent_id, brand_id = whole.parties
    asked = Asked(
        brand_id,
        talent_id,
        whole.purpose,
        tuple(uses),
        whole.category,
        _read_exclusivity(policy, whole.parties),
        whole.cap[1],
        whole.approval is not None,
        tuple(_read_contexts(policy, whole.parties)),
    )
    return Policy(asked, whole.fee and whole.fee[1], whole.per_image and whole.per_image[1])


def _check_head(policy: Node) -> None:
    for context in policy["@context"].items(1, 1):
        context.equal(odrl.CONTEXT)
    policy["@type"].equal("Agreement", "Offer", "Request")
    policy["uid"].text()
    policy["profile"].equal(odrl.PROFILE)
    policy["conflict"].equal("prohibit")
    if odrl.STATE in policy:
        policy[odrl.STATE].equal(*(state.value for state in State))


def _find_uids(policy: Node) -> dict[str, Node]:
    """Return the constraints and duties of permissions that have a uid, by it."""
    found: dict[str, Node] = {}
    for permission in policy["permission"].items(1, MOST_USES):
        permission.only((*_PARTIES, *_NOTES, "action", "constraint", "duty"))
        for key in ("constraint", "duty"):
            for one in permission[key].items(0, 20):
                if not isinstance(one.value, Mapping) or "uid" not in one:
                    continue
                uid = one["uid"].text()
                if not uid or found.setdefault(uid, one).value != one.value:
                    raise one["uid"].fail("must be an IRI of its own")
    return found


def _resolve(one: Node, known: Mapping[str, Node]) -> Node:
    """Return a constraint or duty that may be written elsewhere and only named here."""
    if not isinstance(one.value, str):
        return one
    if one.value not in known:
        raise one.fail("must be written out, or the uid of one in this document")
    return known[one.value]


def _read_permission(
    permission: Node, policy: Node, known: Mapping[str, Node], vocabulary: Vocabulary
) -> tuple[UseAsked, _Whole]:
    parties = _read_parties(permission, policy)
    permission["action"].equal("use")
    found = _sort_constraints(permission, known)
    whole = _read_whole(found, parties, vocabulary)
    for one in permission["duty"].items(0, 3):
        whole = _read_duty(_resolve(one, known), whole)
    zone = permission[odrl.ZONE]
    use = UseAsked(
        _read_medium(found, vocabulary),
        _read_territories(found, permission, vocabulary),
        _literal(found["dateTime", "gteq"], "dateTime").time(),
        _literal(found["dateTime", "lt"], "dateTime").time(),
        check_zone(zone.text(), zone.path) if odrl.ZONE in permission else "",
    )
    if use.starts_at and use.ends_at and use.ends_at <= use.starts_at:
        raise found["dateTime", "lt"].fail("must be after the start", reason="TERM_INVALID")
    return use, whole


def _read_parties(rule: Node, policy: Node) -> tuple[str, str]:
    """Return talent and brand of a rule; what stands at the policy holds for each rule."""
    ids = {}
    for key in _PARTIES:
        if key in rule and key in policy:
            raise rule[key].fail("must not be said of the policy as well")
        ids[key] = rule[key] if key in rule else policy[key]
    talent_id = _cut(ids["assigner"], odrl.PARTY)
    brand_id = _cut(ids["assignee"], odrl.PARTY)
    fields.check_id("pty", talent_id, ids["assigner"].path, what="a talent")
    fields.check_id("pty", brand_id, ids["assignee"].path, what="a brand")
    ids["target"].equal(odrl.TWIN + talent_id)
    return talent_id, brand_id


def _sort_constraints(permission: Node, known: Mapping[str, Node]) -> dict[tuple[str, str], Node]:
    """Return the right operands of a permission's constraints; and that of "uid" is the cap's."""
    found: dict[tuple[str, str], Node] = {}
    for one in permission["constraint"].items(1, 20):
        constraint = _resolve(one, known)
        left, operator, right = _read_constraint(constraint, _OPERATORS)
        if (left, operator) in found:
            raise one.fail(f"must not say {left} {operator} again")
        found[left, operator] = right
        if left == "count":
            constraint["unit"].equal(odrl.PICTURE)
            found["uid", ""] = constraint["uid"]
    for left, operators in _OPERATORS.items():
        for operator in operators:
            if left not in _OPTIONAL and (left, operator) not in found:
                raise permission["constraint"].fail(f"must have one of {left} {operator}")
    return found


def _read_constraint(node: Node, operators: Mapping[str, tuple[str, ...]]) -> tuple[str, str, Node]:
    """Return the three parts of a constraint."""
    has_unit = isinstance(node.value, Mapping) and node.value.get("leftOperand") in _WITH_UNIT
    node.only((*_CONSTRAINT, "unit") if has_unit else _CONSTRAINT)
    left = node["leftOperand"].equal(*operators)
    operator = node["operator"].equal(*operators[left])
    return left, operator, node["rightOperand"]


def _read_whole(
    found: Mapping[tuple[str, str], Node], parties: tuple[str, str], vocabulary: Vocabulary
) -> _Whole:
    purpose = found["purpose", "eq"]
    product = found["product", "isPartOf"]
    category = vocabulary.check_category(_iri(product, odrl.CATEGORY), product.path)
    widest = odrl.find_widest(category, vocabulary)
    for left in (odrl.INDUSTRY, "industry"):
        industry = found.get((left, "isPartOf"))
        if industry is not None and _iri(industry, odrl.CATEGORY) != widest:
            raise industry.fail(f"must be that of the product, {odrl.CATEGORY}{widest}")
    cap = found["count", "lteq"].within(1, MOST_IMAGES)
    text = fields.text(purpose.text(), purpose.path, longest=500)
    return _Whole(parties, text, category, (found["uid", ""].value or "", cap))


def _read_medium(found: Mapping[tuple[str, str], Node], vocabulary: Vocabulary) -> str:
    medium = found["media", "eq"]
    code = vocabulary.check_media(_iri(medium, odrl.MEDIUM), medium.path)
    if ("deliveryChannel", "eq") in found:
        found["deliveryChannel", "eq"].equal(vocabulary.media[code])
    return code


def _read_territories(
    found: Mapping[tuple[str, str], Node], permission: Node, vocabulary: Vocabulary
) -> tuple[str, ...]:
    countries = []
    for country in found["spatial", "isAnyOf"].items(1, MOST_TERRITORIES):
        countries.append(_iri(country, odrl.COUNTRY))
        if countries[-1] not in vocabulary.countries:
            rule = f"must be {odrl.COUNTRY} and an ISO 3166-1 alpha-2 code"
            raise country.fail(rule, reason="TERRITORY_UNKNOWN")
    if odrl.TERRITORIES not in permission:
        return tuple(countries)
    noted = permission[odrl.TERRITORIES]
    codes = [one.text() for one in noted.items(1, MOST_TERRITORIES)]
    if frozenset().union(*map(vocabulary.expand, codes)) != frozenset(countries):
        raise noted.fail("must mean the countries in spatial, or be left out")
    return tuple(codes)


def _read_duty(duty: Node, whole: _Whole) -> _Whole:
    """Return the whole with one duty more."""
    duty.only(("uid", "action", "consentingParty"))
    (action,) = duty["action"].items(1, 1)
    kind = action.only(("rdf:value", "refinement"))["rdf:value"].only(("@id",))["@id"]
    uid = duty["uid"].text() if "uid" in duty else ""
    refinements: dict[str, Node] = {}
    for node in action["refinement"].items(1, 2):
        left = _read_constraint(node, _REFINEMENTS)[0]
        if refinements.setdefault(left, node) is not node:
            raise node.fail(f"must not say {left} again")
    if "unitOfCount" in refinements:
        refinements["unitOfCount"]["rightOperand"].equal({"@id": odrl.PICTURE})
    if kind.equal("odrl:compensate", "odrl:obtainConsent") == "odrl:compensate":
        name = "per_image" if "unitOfCount" in refinements else "fee"
        value: Any = (uid, _read_amount(duty, action, refinements))
    else:
        name, value = "approval", uid
        duty["consentingParty"].equal(odrl.PARTY + whole.parties[0])
        if set(refinements) != {"unitOfCount"}:
            raise action["refinement"].fail("must be unitOfCount alone")
    if getattr(whole, name) is not None:
        raise duty.fail("must not be said again")
    return replace(whole, **{name: value})


def _read_amount(duty: Node, action: Node, refinements: Mapping[str, Node]) -> Money:
    if "consentingParty" in duty:
        raise duty["consentingParty"].fail("must not be said of a payment")
    if "payAmount" not in refinements:
        raise action["refinement"].fail("must have a payAmount")
    pay = refinements["payAmount"]
    currency = check_currency(_cut(pay["unit"], odrl.CURRENCY), pay["unit"].path)
    said = _literal(pay["rightOperand"], "decimal")
    return read_decimal(said.text(), currency, said.path)


def _read_contexts(policy: Node, parties: tuple[str, str]) -> Iterator[str]:
    """Yield what pictures must not stand beside."""
    for rule in policy["prohibition"].items(0, MOST_CONTEXTS):
        rule.only((*_PARTIES, "action", "constraint"))
        if _read_parties(rule, policy) != parties:
            raise rule.fail("must be between the parties of the permissions")
        rule["action"].equal("use")
        (constraint,) = rule["constraint"].items(1, 1)
        context = _read_constraint(constraint, {odrl.BESIDE: ("eq",)})[2]
        yield fields.text(context.text(), context.path, longest=80)


def _read_exclusivity(policy: Node, parties: tuple[str, str]) -> bool:
    """Tell whether the talent owes the brand that nobody else is licensed."""
    rules = policy["obligation"].items(0, 1)
    for rule in rules:
        rule.only((*_PARTIES, "action"))
        rule["action"].equal("ensureExclusivity")
        for key in ("assigner", "assignee"):
            if key in policy:
                raise policy[key].fail("must be said of each rule, as the talent owes exclusivity")
        talent, brand = (odrl.PARTY + party for party in parties)
        rule["assigner"].equal(brand)
        rule["assignee"].equal(talent)
        (rule if "target" in rule else policy)["target"].equal(odrl.TWIN + parties[0])
    return bool(rules)


def _iri(node: Node, prefix: str) -> str:
    """Return what follows the prefix in an IRI that is a value."""
    return _cut(node.only(("@id",))["@id"], prefix)


def _cut(node: Node, prefix: str) -> str:
    """Return what follows the prefix in an IRI."""
    if not node.text().startswith(prefix):
        raise node.fail(f"must begin with {prefix}")
    return node.text().removeprefix(prefix)


def _literal(node: Node, kind: str) -> Node:
    """Return the string in a typed literal; a plain one is taken to be of that type."""
    if not isinstance(node.value, Mapping):
        return node
    node.only(("@value", "@type"))["@type"].equal(f"xsd:{kind}")
    return node["@value"]
