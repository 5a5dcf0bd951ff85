"""From the domain to messages."""

from dataclasses import asdict
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sosia.common.v1 import credit_pb2, money_pb2
from sosia.identity.v1 import (
    capture_pb2,
    consent_pb2,
    delegation_pb2,
    erasure_pb2,
    estate_pb2,
    party_pb2,
    receipt_pb2,
    report_pb2,
    succession_pb2,
)

from identity.domain import captures, consents, erasures, parties, quality, receipts, reports
from identity.domain.delegations import Act
from identity.domain.estates import Estate, Life
from identity.domain.successions import Succession
from identity.service.captures import Filled
from identity.service.delegations import Seen
from identity.service.reports import Reported
from identity.service.representations import Seen as Represented


def from_time(value: datetime) -> Timestamp:
    """Write a time."""
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp


def from_optional(value: datetime | None) -> Timestamp | None:
    """Write a time that may be absent."""
    return None if value is None else from_time(value)


def from_party(party: parties.Party) -> party_pb2.Party:
    """Write a party."""
    return party_pb2.Party(
        id=party.id,
        kind=party_pb2.PartyKind.Value(f"PARTY_KIND_{party.kind.name}"),
        name=party.name,
        public_name=party.public_name,
        public_keys=party.public_keys,
        synthetic=party.synthetic,
        created_at=from_time(party.created_at),
    )


def from_representation(seen: Represented) -> party_pb2.Representation:
    """Write a representation."""
    agreed = seen.representation
    return party_pb2.Representation(
        id=agreed.id,
        agency_id=agreed.agency_id,
        talent_id=agreed.talent_id,
        commission_bp=agreed.commission_bp,
        jurisdiction=agreed.jurisdiction,
        starts_at=from_time(agreed.starts_at),
        ends_at=from_time(agreed.ends_at),
        in_force=not seen.why_not,
        why_not=seen.why_not,
        statement=seen.statement,
        ending_statement=seen.ending,
        agreed_at=from_optional(agreed.agreed_at),
        ended_at=from_optional(agreed.ended_at),
    )


def from_terms(terms: consents.Terms) -> consent_pb2.ConsentTerms:
    """Write the terms of a consent."""
    policy = f"WITHDRAWAL_POLICY_{terms.withdrawal_policy.name}"
    return consent_pb2.ConsentTerms(
        talent_id=terms.talent_id,
        scope=[consent_pb2.Step.Value(f"STEP_{step.name}") for step in terms.scope],
        purpose=terms.purpose,
        rate_of_pay=money_pb2.Money(
            currency_code=terms.currency_code, amount_minor=terms.amount_minor
        ),
        rate_basis=terms.rate_basis,
        starts_at=from_time(terms.starts_at),
        ends_at=from_time(terms.ends_at),
        uses=terms.uses,
        language=terms.language,
        advice=consent_pb2.Advice.Value(f"ADVICE_{terms.advice.name}"),
        withdrawal_policy=consent_pb2.WithdrawalPolicy.Value(policy),
        prohibited_contexts=terms.prohibited_contexts,
    )


def from_consent(consent: consents.Consent, life: Life) -> consent_pb2.Consent:
    """Write a consent, and whether the talent still speaks for herself."""
    return consent_pb2.Consent(
        id=consent.id,
        state=consent_pb2.ConsentState.Value(f"CONSENT_STATE_{consent.state.name}"),
        terms=from_terms(consent.terms),
        statement=consent.statement,
        withdrawal_statement=consent.withdrawal_statement,
        proposed_by=consent.proposed_by,
        signed_at=from_optional(consent.signed_at),
        withdrawn_at=from_optional(consent.withdrawn_at),
        receipt_id=consent.receipt_id,
        text=consent.text,
        text_version=consent.text_version,
        supersedes=consent.supersedes,
        superseded_by=consent.superseded_by,
        superseded_at=from_optional(consent.superseded_at),
        frozen=life is Life.FROZEN,
        succeeded=life is Life.SUCCEEDED,
        erased=life is Life.ERASED,
    )


def from_proven(proven: receipts.Proven) -> receipt_pb2.Receipt:
    """Write a receipt and its proof."""
    receipt = proven.receipt
    agreed = receipt.agreed
    return receipt_pb2.Receipt(
        id=receipt.id,
        kind=str(agreed.kind),
        subject_id=agreed.subject_id,
        statement=agreed.statement,
        signature=agreed.signature,
        public_key=agreed.public_key,
        salt=receipt.salt,
        leaf_index=receipt.leaf_index,
        inclusion_proof=proven.inclusion_proof,
        checkpoint=proven.checkpoint,
        issued_at=from_time(receipt.issued_at),
    )


def from_credit(credit: captures.Credit) -> credit_pb2.Credit:
    """Write a credit."""
    return credit_pb2.Credit(party_id=credit.party_id, name=credit.name, role=credit.role)


def from_facts(facts: captures.Facts) -> capture_pb2.PhotoFacts:
    """Write what is said of a photo."""
    return capture_pb2.PhotoFacts(
        framing=facts.framing,
        yaw=facts.yaw,
        pitch=facts.pitch,
        lighting=facts.lighting,
        pose=facts.pose,
        caption=facts.caption,
        marks=[capture_pb2.SeenMark(name=mark.name, x=mark.x, y=mark.y) for mark in facts.marks],
    )


def from_photo(photo: captures.Photo) -> capture_pb2.Photo:
    """Write a photo."""
    measures = photo.measures
    return capture_pb2.Photo(
        id=photo.id,
        filename=photo.filename,
        facts=from_facts(photo.facts),
        object_key=photo.object_key,
        sha256=photo.sha256,
        width=measures.width,
        height=measures.height,
        sharpness=measures.sharpness,
        faces=measures.faces,
        luminance=measures.luminance,
        shadows=measures.shadows,
        highlights=measures.highlights,
    )


def from_filled(filled: Filled) -> capture_pb2.CaptureSet:
    """Write a capture set and its photos."""
    capture_set, photos = filled
    return capture_pb2.CaptureSet(
        id=capture_set.id,
        talent_id=capture_set.talent_id,
        state=capture_pb2.CaptureState.Value(f"CAPTURE_STATE_{capture_set.state.name}"),
        marks=[
            capture_pb2.BodyMark(name=mark.name, site=mark.site, radius_mm=mark.radius_mm)
            for mark in capture_set.marks
        ],
        credits=[from_credit(credit) for credit in capture_set.credits],
        photos=[from_photo(photo) for photo in photos],
        created_at=from_time(capture_set.created_at),
    )


def from_reported(reported: Reported) -> report_pb2.CaptureReport:
    """Write a report on a capture set."""
    report = reported.report
    return report_pb2.CaptureReport(
        capture_set_id=reported.capture_set.id,
        sufficient=report.sufficient,
        final=reported.final,
        cells=[report_pb2.CoverageCell(**asdict(cell)) for cell in report.cells],
        holes=[report_pb2.CoverageHole(**asdict(lack)) for lack in report.lacks],
        next=[report_pb2.NextShot(**asdict(one)) for one in report.next],
        photos=[_from_judged(photo) for photo in report.photos],
        usable=report.usable,
        compared=report.compared,
        marks=[report_pb2.MarkReport(**asdict(mark)) for mark in report.marks],
        marks_noted=report.marks_noted,
        odd_from=quality.ODD_FROM,
        soft_below=quality.SOFT_BELOW,
    )


def _from_judged(photo: reports.Judged) -> report_pb2.PhotoReport:
    return report_pb2.PhotoReport(**asdict(photo))


def from_seen(seen: erasures.Seen) -> erasure_pb2.Erasure:
    """Write an erasure, begun or not."""
    erasure = seen.erasure
    written = erasure_pb2.Erasure(
        talent_id=seen.talent_id,
        state=erasure_pb2.ERASURE_STATE_NONE,
        statement=seen.statement,
        inventory=_from_inventory(seen.inventory),
    )
    if erasure is not None:
        written.state = erasure_pb2.ErasureState.Value(f"ERASURE_STATE_{erasure.state.name}")
        written.asked_at.CopyFrom(from_time(erasure.asked_at))
        written.receipt_id = erasure.receipt_id
        written.certificate_receipt_id = erasure.certificate_receipt_id
        if erasure.certified_at is not None:
            written.certified_at.CopyFrom(from_time(erasure.certified_at))
    return written


def _from_inventory(found: erasures.Inventory) -> erasure_pb2.Inventory:
    return erasure_pb2.Inventory(
        capture_sets=found.capture_sets,
        photos=found.photos,
        consents=found.consents,
        capture_objects=found.objects["captures"],
        twin_objects=found.objects["twins"],
        picture_objects=found.objects["pictures"],
        receipts=found.receipts,
    )


def from_delegation(seen: Seen) -> delegation_pb2.Delegation:
    """Write a delegation, and whether the agency may act under it now."""
    one, bounds = seen.delegation, seen.delegation.bounds
    written = delegation_pb2.DelegationBounds(
        acts=[from_act(act) for act in bounds.acts if act is not None],
        brand_ids=bounds.brand_ids,
        categories=bounds.categories,
        fee_floor=money_pb2.Money(
            currency_code=bounds.currency_code, amount_minor=bounds.floor_minor
        ),
        starts_at=from_optional(bounds.starts_at),
        ends_at=from_optional(bounds.ends_at),
        longest_term_days=bounds.longest_term_days,
        exclusive=bounds.exclusive,
    )
    return delegation_pb2.Delegation(
        id=one.id,
        talent_id=one.talent_id,
        agency_id=one.agency_id,
        version=one.version,
        state=delegation_pb2.DelegationState.Value(f"DELEGATION_STATE_{one.state.name}"),
        bounds=written,
        agency_keys=one.agency_keys,
        statement=one.statement,
        revocation_statement=one.revocation_statement,
        proposed_by=one.proposed_by,
        signed_at=from_optional(one.signed_at),
        ended_at=from_optional(one.ended_at),
        receipt_id=one.receipt_id,
        in_force=not seen.why_not,
        why_not=seen.why_not,
    )


def from_act(act: Act) -> "delegation_pb2.DelegatedAct.ValueType":
    """Write what may be delegated."""
    return delegation_pb2.DelegatedAct.Value(f"DELEGATED_ACT_{act.name}")


def from_succession(one: Succession) -> succession_pb2.Succession:
    """Write whom a talent names."""
    return succession_pb2.Succession(
        id=one.id,
        talent_id=one.talent_id,
        version=one.version,
        state=succession_pb2.SuccessionState.Value(f"SUCCESSION_STATE_{one.state.name}"),
        successor_ids=one.successor_ids,
        statement=one.statement,
        proposed_at=from_time(one.proposed_at),
        signed_at=from_optional(one.signed_at),
        ended_at=from_optional(one.ended_at),
        receipt_id=one.receipt_id,
    )


def from_estate(estate: Estate) -> estate_pb2.Estate:
    """Write an estate."""
    successors = [
        estate_pb2.Successor(
            party_id=one.party_id,
            public_keys=one.public_keys,
            accepted_at=from_optional(one.accepted_at),
            receipt_id=one.receipt_id,
            statement=one.statement,
        )
        for one in estate.successors
    ]
    return estate_pb2.Estate(
        id=estate.id,
        talent_id=estate.talent_id,
        state=estate_pb2.EstateState.Value(f"ESTATE_STATE_{estate.state.name}"),
        evidence=estate.evidence,
        evidence_sha256=estate.evidence_sha256,
        died_on=estate.died_on.isoformat(),
        successors=successors,
        statement=estate.statement,
        objection_statement=estate.objection_statement,
        opened_at=from_time(estate.opened_at),
        waits_until=from_time(estate.waits_until),
        settled_at=from_optional(estate.settled_at),
        stopped_at=from_optional(estate.stopped_at),
        stop_reason=estate.stop_reason,
        told=estate.told,
        succession_id=estate.succession_id,
    )
