"""What training asks of identity, on its own account."""

from collections.abc import Iterator
from contextlib import contextmanager

from kit import rpc, trace
from kit.errors import FailedPrecondition
from sosia.identity.v1 import capture_pb2, consent_pb2, identity_service_pb2_grpc
from sosia.identity.v1 import identity_service_pb2 as pb

from training.domain.runs import Consent

_STANDING = (consent_pb2.CONSENT_STATE_ACTIVE, consent_pb2.CONSENT_STATE_SUPERSEDED)
_CONSENT_GONE = ("CONSENT_MISSING", "PERSON_KEY_DESTROYED")


def is_consent_gone(error: Exception) -> bool:
    """Tell whether identity said that nothing allows the work, now or ever again."""
    return isinstance(error, FailedPrecondition) and error.reason in _CONSENT_GONE


class Identity:
    """The identity service."""

    def __init__(self, stub: identity_service_pb2_grpc.IdentityServiceStub) -> None:
        self.stub = stub

    async def check_consent(self, talent_id: str, *, timeout_s: float = 10.0) -> Consent:
        """Return the live consent that covers training now.

        Raises:
            FailedPrecondition: CONSENT_MISSING, there is none.
            Unavailable: identity does not answer.
        """
        request = pb.CheckConsentRequest(talent_id=talent_id, step=consent_pb2.STEP_TRAINING)
        with as_training():
            answer = await rpc.call(self.stub.CheckConsent, request, timeout_s=timeout_s)
        return Consent(answer.consent.id, answer.consent.receipt_id)

    async def is_active(self, consent_id: str) -> bool:
        """Tell whether a consent was signed and not withdrawn; another may have taken its place."""
        with as_training():
            answer = await rpc.call(
                self.stub.GetConsent, pb.GetConsentRequest(consent_id=consent_id)
            )
        return answer.consent.state in _STANDING

    async def find_signer(self, party_id: str, message: bytes, signature: bytes) -> bytes:
        """Return the key of a party that a signature was made with, 32 bytes.

        Raises:
            PermissionDenied: SIGNATURE_INVALID, none.
        """
        request = pb.VerifySignatureRequest(party_id=party_id, message=message, signature=signature)
        with as_training():
            return (await rpc.call(self.stub.VerifySignature, request)).public_key

    async def get_capture_set(self, capture_set_id: str) -> capture_pb2.CaptureSet:
        """Return a capture set and its photos, in the order they came.

        Raises:
            NotFound: CAPTURE_SET_NOT_FOUND.
        """
        request = pb.GetCaptureSetRequest(capture_set_id=capture_set_id)
        with as_training():
            return (await rpc.call(self.stub.GetCaptureSet, request)).capture_set

    async def get_agency(self, talent_id: str) -> str:
        """Return the id of the agency that represents the talent now, or nothing."""
        request = pb.GetRepresentationRequest(talent_id=talent_id)
        with as_training():
            answer = await rpc.call(self.stub.GetRepresentation, request)
        return answer.representation.agency_id


@contextmanager
def as_training() -> Iterator[None]:
    """Ask on training's own account, under the request in progress."""
    with trace.span("training", trace.carry(), who=trace.Actor("training", "service")):
        yield
