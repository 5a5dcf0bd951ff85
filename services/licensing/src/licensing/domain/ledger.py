"""The double-entry ledger: who is paid what part of a payment, to the minor unit.

Credits are positive (`payable:<party>`, owed to them), debits negative (`receivable:<brand>`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit import fields
from kit.errors import FieldInvalid

from licensing.domain.money import WHOLE_BP, Money, split

CREW_ROLES = (
    "photographer",
    "stylist",
    "makeup_artist",
    "hair_artist",
    "retoucher",
    "creative_director",
)
ROLES = ("talent", "agency", *CREW_ROLES)
MOST_CREDITS = 100


class Kind(StrEnum):
    """What a payment is for."""

    LICENSE_FEE = "license_fee"
    PICTURE_RELEASE = "picture_release"


@dataclass(frozen=True, slots=True)
class Credit:
    """Someone who took part, and as what."""

    party_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Payees:
    """Among whom a payment is shared."""

    talent_id: str
    agency_id: str
    """Empty when nobody represents her."""
    commission_bp: int
    crew_pool_bp: int
    crew: tuple[Credit, ...]
    """Each party once; parts of a unit go to the first."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What is to be shared, for what, and who owes it."""

    transaction_id: str
    kind: Kind
    subject_id: str
    brand_id: str
    gross: Money


@dataclass(frozen=True, slots=True)
class Share:
    """One party's part of a payment."""

    party_id: str
    role: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting."""

    id: str
    transaction_id: str
    kind: Kind
    subject_id: str
    account: str
    party_id: str
    role: str
    amount: Money
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """What is owed to a party."""

    party_id: str
    entries: tuple[Entry, ...]
    totals: tuple[Money, ...]


def check_credits(credits: Sequence[Credit]) -> None:
    """Check the credits of a campaign.

    Raises:
        FieldInvalid: too many, a role we don't know, or an id that is no party's.
    """
    if len(credits) > MOST_CREDITS:
        raise FieldInvalid("credits", f"must be at most {MOST_CREDITS}")
    for index, credit in enumerate(credits):
        if credit.role not in ROLES:
            raise FieldInvalid(f"credits[{index}].role", f"must be one of {', '.join(ROLES)}")
        fields.check_id("pty", credit.party_id, f"credits[{index}].party_id", what="a party")


def gather_crew(*credited: Iterable[Credit]) -> tuple[Credit, ...]:
    """Return the crew among some credits, each party once in its first role, by party id."""
    found: dict[str, Credit] = {}
    for credits in credited:
        for credit in credits:
            if credit.role in CREW_ROLES:
                found.setdefault(credit.party_id, credit)
    return tuple(found[party_id] for party_id in sorted(found))


def share_out(gross: int, payees: Payees) -> tuple[Share, ...]:
    """Share an amount; the shares sum to it and none is zero.

    The crew pool is its part of the whole, shared evenly among the crew; with no crew it is the
    talent's. The agency's commission is its part of what is left for the talent. Each step is by
    the largest remainder; on a tie the unit is the talent's, then the first crew member's.
    """
    pool_bp = payees.crew_pool_bp if payees.crew else 0
    left, pool = split(gross, (WHOLE_BP - pool_bp, pool_bp))
    commission_bp = payees.commission_bp if payees.agency_id else 0
    own, commission = split(left, (WHOLE_BP - commission_bp, commission_bp))
    crew = split(pool, [1] * len(payees.crew)) if payees.crew else []
    shares = (
        Share(payees.talent_id, "talent", own),
        Share(payees.agency_id, "agency", commission),
        *(
            Share(credit.party_id, credit.role, amount)
            for credit, amount in zip(payees.crew, crew, strict=True)
        ),
    )
    return tuple(share for share in shares if share.amount)


def make_lines(payment: Payment, shares: Sequence[Share]) -> list[tuple[str, Share]]:
    """Return the postings of a payment, account by account; they sum to zero.

    Raises:
        ValueError: the shares are not the payment.
    """
    owed = Share(payment.brand_id, "brand", -payment.gross.minor)
    lines = [(f"receivable:{payment.brand_id}", owed)] if owed.amount else []
    lines += [(f"payable:{share.party_id}", share) for share in shares]
    if sum(share.amount for _, share in lines):
        raise ValueError(f"the shares of {payment.transaction_id} do not sum to its gross")
    return lines
