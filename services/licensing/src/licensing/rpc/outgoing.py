"""From the domain to messages."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sosia.common.v1 import use_pb2
from sosia.licensing.v1 import license_pb2, licensing_service_pb2

from licensing.domain.approvals import Approval
from licensing.domain.cards import Factor, RateCard
from licensing.domain.ledger import Entry, Statement
from licensing.domain.licenses import Change, License
from licensing.domain.money import Money
from licensing.domain.odrl_reading import Policy
from licensing.domain.quotes import Quote
from licensing.domain.terms import Asked, Terms
from licensing.service.stamps import to_money, to_stamp


def _given(value: datetime | None) -> Timestamp | None:
    return None if value is None else to_stamp(value)


def _factors(factors: Iterable[Factor]) -> list[license_pb2.Factor]:
    return [
        license_pb2.Factor(code=factor.code, basis_points=factor.basis_points) for factor in factors
    ]


def from_card(card: RateCard) -> license_pb2.RateCard:
    """Write a rate card."""
    return license_pb2.RateCard(
        id=card.id,
        talent_id=card.talent_id,
        day_rate=to_money(card.day_rate),
        media=_factors(card.media),
        territories=_factors(card.territories),
        terms=_factors(card.terms),
        exclusivity_bp=card.exclusivity_bp,
        per_image=to_money(card.per_image),
        crew_pool_bp=card.crew_pool_bp,
        floor=to_money(card.floor),
        created_at=to_stamp(card.created_at),
    )


def from_terms(terms: Terms) -> license_pb2.LicenseTerms:
    """Write the terms of a license."""
    uses = [
        use_pb2.Use(
            media=use.media,
            territories=use.territories,
            starts_at=to_stamp(use.starts_at),
            ends_at=to_stamp(use.ends_at),
            zone=use.zone,
        )
        for use in terms.uses
    ]
    return license_pb2.LicenseTerms(
        brand_id=terms.brand_id,
        talent_id=terms.talent_id,
        purpose=terms.purpose,
        uses=uses,
        category=terms.category,
        exclusive=terms.exclusive,
        image_cap=terms.image_cap,
        approval_required=terms.approval_required,
        prohibited_contexts=terms.prohibited_contexts,
    )


def from_quote(quote: Quote) -> license_pb2.Quote:
    """Write a quote."""
    lines = [
        license_pb2.QuoteLine(
            text=line.text, amount=to_money(Money(quote.total.currency, line.amount))
        )
        for line in quote.lines
    ]
    return license_pb2.Quote(
        id=quote.id,
        terms=from_terms(quote.terms),
        lines=lines,
        total=to_money(quote.total),
        per_image=to_money(quote.per_image),
        rate_card_id=quote.rate_card_id,
        valid_until=to_stamp(quote.valid_until),
    )


def from_license(license: License) -> license_pb2.License:
    """Write a license."""
    return license_pb2.License(
        id=license.id,
        quote_id=license.quote_id,
        terms=from_terms(license.terms),
        state=license_pb2.LicenseState.Value(f"LICENSE_STATE_{license.state.name}"),
        statement=license.statement,
        fee=to_money(license.fee),
        per_image=to_money(license.per_image),
        images_used=license.images_used,
        signed_at=_given(license.signed_at),
        created_at=to_stamp(license.created_at),
        starts_at=to_stamp(license.terms.starts_at),
        ends_at=to_stamp(license.terms.ends_at),
        offered_by=license_pb2.Side.Value(f"SIDE_{license.offered_by.name}"),
        accepted_at=_given(license.accepted_at),
        answers=license.answers,
        renews=license.renews,
        delegation_id=license.delegation_id,
    )


def from_change(change: Change) -> license_pb2.LicenseChange:
    """Write a step of a license's life."""
    return license_pb2.LicenseChange(
        state=license_pb2.LicenseState.Value(f"LICENSE_STATE_{change.state.name}"),
        at=to_stamp(change.at),
        party_id=change.party_id,
        note=change.note,
        license_id=change.license_id,
    )


def from_approval(approval: Approval) -> license_pb2.Approval:
    """Write an approval."""
    return license_pb2.Approval(
        id=approval.id,
        license_id=approval.license_id,
        talent_id=approval.talent_id,
        render_id=approval.render_id,
        picture_sha256=approval.picture_sha256,
        state=license_pb2.ApprovalState.Value(f"APPROVAL_STATE_{approval.state.name}"),
        reason=approval.reason,
        approve_statement=approval.approve_statement,
        refuse_statement=approval.refuse_statement,
        created_at=to_stamp(approval.created_at),
        decided_at=_given(approval.decided_at),
        deadline=to_stamp(approval.deadline),
    )


def from_entry(entry: Entry) -> license_pb2.Entry:
    """Write a posting."""
    return license_pb2.Entry(
        id=entry.id,
        transaction_id=entry.transaction_id,
        kind=str(entry.kind),
        subject_id=entry.subject_id,
        account=entry.account,
        party_id=entry.party_id,
        role=entry.role,
        amount=to_money(entry.amount),
        posted_at=to_stamp(entry.posted_at),
    )


def from_statement(statement: Statement) -> license_pb2.Statement:
    """Write a statement."""
    return license_pb2.Statement(
        party_id=statement.party_id,
        entries=[from_entry(entry) for entry in statement.entries],
        totals=[to_money(total) for total in statement.totals],
    )


def from_read(read: Policy) -> licensing_service_pb2.ImportTermsResponse:
    """Write what was read in somebody's document."""
    return licensing_service_pb2.ImportTermsResponse(
        terms=_asked(read.asked),
        fee=None if read.fee is None else to_money(read.fee),
        per_image=None if read.per_image is None else to_money(read.per_image),
    )


def _asked(asked: Asked) -> license_pb2.LicenseTerms:
    uses = [
        use_pb2.Use(
            media=use.media,
            territories=use.territories,
            starts_at=_given(use.starts_at),
            ends_at=_given(use.ends_at),
            zone=use.zone,
        )
        for use in asked.uses
    ]
    return license_pb2.LicenseTerms(
        brand_id=asked.brand_id,
        talent_id=asked.talent_id,
        purpose=asked.purpose,
        uses=uses,
        category=asked.category,
        exclusive=asked.exclusive,
        image_cap=asked.image_cap,
        approval_required=asked.approval_required,
        prohibited_contexts=asked.prohibited_contexts,
    )
