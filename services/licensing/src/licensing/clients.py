"""What licensing asks of identity, on its own account and never within a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from kit import rpc, trace
from kit.errors import DomainError, FailedPrecondition, NotFound
from sosia.identity.v1 import (
    consent_pb2,
    delegation_pb2,
    estate_pb2,
    identity_service_pb2_grpc,
    party_pb2,
)
from sosia.identity.v1 import identity_service_pb2 as pb

from licensing import standing
from licensing.domain.decisions import Consent, Standing
from licensing.domain.delegations import Delegation
from licensing.domain.ledger import Credit, Payees, gather_crew
from licensing.domain.licenses import ConsentMissing, License
from licensing.domain.money import Money

_ACTS = {
    delegation_pb2.DELEGATED_ACT_SIGN_LICENSE: "sign_license",
    delegation_pb2.DELEGATED_ACT_DECIDE_APPROVAL: "decide_approval",
}


class Identity:
    """The identity service."""

    def __init__(self, stub: identity_service_pb2_grpc.IdentityServiceStub) -> None:
        self._stub = stub

    async def check_consent(self, talent_id: str, step: "consent_pb2.Step.ValueType") -> str:
        """Return the id of the live consent that covers a step now.

        Raises:
            FailedPrecondition: CONSENT_MISSING, there is none.
            Unavailable: identity does not answer.
        """
        request = pb.CheckConsentRequest(talent_id=talent_id, step=step)
        with _as_licensing():
            return (await rpc.call(self._stub.CheckConsent, request)).consent.id

    async def check_standing(self, license: License) -> None:
        """Check that the consent a signed license was granted under lets it go on.

        While it is live, live consents must cover licensing and delivery. Once another took its
        place, and after a withdrawal that lets paid licenses run to their term, it must itself
        still cover delivery; after a withdrawal that ends them now, nothing does. Under a settled
        estate delivery is enough, since nothing new is licensed there.

        Raises:
            ConsentMissing: it does not.
            Unavailable: identity does not answer.
        """
        request = pb.GetConsentRequest(consent_id=license.consent_id)
        try:
            with _as_licensing():
                consent = (await rpc.call(self._stub.GetConsent, request)).consent
                for step, consent_id in standing.steps_to_release(consent):
                    asked = pb.CheckConsentRequest(
                        talent_id=license.terms.talent_id, step=step, consent_id=consent_id
                    )
                    await rpc.call(self._stub.CheckConsent, asked)
        except (NotFound, FailedPrecondition) as error:
            raise ConsentMissing(
                "no consent of the talent covers this license", licenseId=license.id
            ) from error

    async def find_consent(self, license: License) -> Consent | None:
        """Return what identity says of a license's consent; None when it does not say.

        Where the consent it was granted under has run out and was not withdrawn, a later one of
        the talent's counts.
        """
        missing = Consent(Standing.MISSING)
        if not license.consent_id:
            return missing
        request = pb.GetConsentRequest(consent_id=license.consent_id)
        try:
            with _as_licensing():
                found = (await rpc.call(self._stub.GetConsent, request)).consent
                if standing.is_asked_again(found):
                    later = pb.CheckConsentRequest(
                        talent_id=license.terms.talent_id, step=consent_pb2.STEP_DELIVERY
                    )
                    found = (await rpc.call(self._stub.CheckConsent, later)).consent
        except (NotFound, FailedPrecondition):
            return missing
        except DomainError:
            return None
        return standing.read_consent(found)

    async def find_signer(self, party_id: str, message: bytes, signature: bytes) -> bytes:
        """Return the key of the party that made a signature.

        Raises:
            FieldInvalid: not 64 bytes.
            PermissionDenied: SIGNATURE_INVALID, none of its keys made it.
        """
        request = pb.VerifySignatureRequest(party_id=party_id, message=message, signature=signature)
        with _as_licensing():
            return (await rpc.call(self._stub.VerifySignature, request)).public_key

    async def check_signer(
        self, talent_id: str, act: str, message: bytes, signature: bytes
    ) -> bytes:
        """Return the key that signed for a talent, if it may "GRANT", "APPROVE" or "NARROW" now.

        Raises:
            FieldInvalid: not 64 bytes.
            PermissionDenied: SIGNATURE_INVALID, no key that may made it.
            FailedPrecondition: ESTATE_FROZEN, she died, and nobody may do this, or not yet.
        """
        named = estate_pb2.SigningAct.Value(f"SIGNING_ACT_{act}")
        request = pb.CheckSignerRequest(
            talent_id=talent_id, act=named, message=message, signature=signature
        )
        with _as_licensing():
            return (await rpc.call(self._stub.CheckSigner, request)).public_key

    async def get_delegation(self, delegation_id: str) -> Delegation:
        """Return a delegation as it stands now. Raises NotFound, DELEGATION_NOT_FOUND."""
        request = pb.GetDelegationRequest(delegation_id=delegation_id)
        with _as_licensing():
            return _read_delegation((await rpc.call(self._stub.GetDelegation, request)).delegation)

    async def is_successor(self, talent_id: str, party_id: str) -> bool:
        """Tell whether somebody is named in a talent's estate that was not stopped."""
        try:
            with _as_licensing():
                request = pb.GetEstateRequest(talent_id=talent_id)
                estate = (await rpc.call(self._stub.GetEstate, request)).estate
        except NotFound:
            return False
        stopped = estate.state == estate_pb2.ESTATE_STATE_STOPPED
        return not stopped and any(one.party_id == party_id for one in estate.successors)

    async def find_kind(self, party_id: str) -> str:
        """Return what a party is, in lower case; nothing if there is no such party."""
        try:
            with _as_licensing():
                answer = await rpc.call(self._stub.GetParty, pb.GetPartyRequest(party_id=party_id))
        except NotFound:
            return ""
        kind = party_pb2.PartyKind.Name(answer.party.kind)
        return kind.removeprefix("PARTY_KIND_").lower()

    async def get_agency(self, talent_id: str) -> str:
        """Return the id of the agency that represents the talent now, or nothing."""
        return (await self._get_representation(talent_id)).agency_id

    async def get_payees(self, license: License, campaign: tuple[Credit, ...]) -> Payees:
        """Return among whom a payment of a license is shared now.

        The crew is that of the talent's capture sets, and of the campaign.
        """
        talent_id = license.terms.talent_id
        agreed = await self._get_representation(talent_id)
        with _as_licensing():
            request = pb.ListCreditsRequest(talent_id=talent_id)
            credits = (await rpc.call(self._stub.ListCredits, request)).credits
        captured = (Credit(credit.party_id, credit.role) for credit in credits)
        crew = gather_crew(captured, campaign)
        return Payees(talent_id, agreed.agency_id, agreed.commission_bp, license.crew_pool_bp, crew)

    async def _get_representation(self, talent_id: str) -> party_pb2.Representation:
        request = pb.GetRepresentationRequest(talent_id=talent_id)
        with _as_licensing():
            return (await rpc.call(self._stub.GetRepresentation, request)).representation


def _read_delegation(one: delegation_pb2.Delegation) -> Delegation:
    """Read a delegation; an act we do not know is none."""
    bounds = one.bounds
    return Delegation(
        one.id,
        one.talent_id,
        one.agency_id,
        tuple(one.agency_keys),
        "" if one.in_force else one.why_not or "UNKNOWN",
        frozenset(_ACTS[act] for act in bounds.acts if act in _ACTS),
        frozenset(bounds.brand_ids),
        frozenset(bounds.categories),
        Money(bounds.fee_floor.currency_code, bounds.fee_floor.amount_minor),
        timedelta(days=bounds.longest_term_days),
        bounds.exclusive,
    )


@contextmanager
def _as_licensing() -> Iterator[None]:
    """Ask on licensing's own account, under the request in progress."""
    with trace.span("licensing", trace.carry(), who=trace.Actor("licensing", "service")):
        yield
