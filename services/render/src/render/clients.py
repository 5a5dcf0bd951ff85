"""What render asks of identity, training and licensing."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from kit import rpc, trace
from kit.errors import NotFound
from sosia.common.v1 import credit_pb2
from sosia.identity.v1 import consent_pb2, identity_service_pb2, party_pb2
from sosia.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from sosia.licensing.v1 import license_pb2, licensing_service_pb2
from sosia.licensing.v1.licensing_service_pb2_grpc import LicensingServiceStub
from sosia.training.v1 import fidelity_pb2, training_service_pb2
from sosia.training.v1.training_service_pb2_grpc import TrainingServiceStub

from render.domain.answers import AskedUse, Proof, Word
from render.domain.campaigns import Credit, NamedTwin
from render.domain.grants import Wanted
from render.domain.licenses import Fidelity, License, Signed, State, Twin
from render.domain.renders import Picture, Render
from render.settings import Settings

_NEVER = (
    "CONSENT_MISSING",
    "PERSON_KEY_DESTROYED",
    "TWIN_NOT_FOUND",
    "LICENSE_NOT_ACTIVE",
    "LICENSE_EXPIRED",
    "TWIN_BELOW_BAR",
)

_ALLOWED = (fidelity_pb2.FIDELITY_STATE_PASSED, fidelity_pb2.FIDELITY_STATE_ACCEPTED)


def is_forbidden(error: Exception) -> bool:
    """Tell whether an error says that nobody allows the work any more."""
    return getattr(error, "reason", "") in _NEVER


@dataclass(frozen=True, slots=True)
class Named:
    """A party, as others may see it."""

    id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A live consent that covers rendering."""

    id: str
    receipt_id: str
    prohibited_contexts: tuple[str, ...]


@contextmanager
def as_render() -> Iterator[None]:
    """Ask on render's own account, under the request in progress."""
    with trace.span("render", trace.carry(), who=trace.Actor("render", "service")):
        yield


class Identity:
    """The identity service."""

    def __init__(self, stub: IdentityServiceStub) -> None:
        self.stub = stub

    async def get_parties(self, party_ids: Iterable[str]) -> dict[str, Named]:
        """Return parties by id, under the names the public may see.

        Raises:
            NotFound: PARTY_NOT_FOUND, one is not there.
        """
        found = {}
        with as_render():
            for party_id in dict.fromkeys(party_ids):
                request = identity_service_pb2.GetPartyRequest(party_id=party_id)
                party = (await rpc.call(self.stub.GetParty, request)).party
                kind = party_pb2.PartyKind.Name(party.kind).removeprefix("PARTY_KIND_").lower()
                found[party_id] = Named(party_id, kind, party.public_name)
        return found

    async def check_consent(self, talent_id: str) -> Consent:
        """Return the live consent that covers rendering now.

        Raises:
            FailedPrecondition: CONSENT_MISSING, there is none.
        """
        request = identity_service_pb2.CheckConsentRequest(
            talent_id=talent_id, step=consent_pb2.STEP_RENDERING
        )
        with as_render():
            consent = (await rpc.call(self.stub.CheckConsent, request)).consent
        prohibited = tuple(consent.terms.prohibited_contexts)
        return Consent(consent.id, consent.receipt_id, prohibited)

    async def list_credits(self, talent_id: str) -> tuple[Credit, ...]:
        """Return the crew of the talent's capture sets."""
        request = identity_service_pb2.ListCreditsRequest(talent_id=talent_id)
        with as_render():
            answer = await rpc.call(self.stub.ListCredits, request)
        return tuple(Credit(one.party_id, one.name, one.role) for one in answer.credits)

    async def prove(self, receipt_id: str) -> Proof | None:
        """Return where a receipt stands in the log, without what it says; None if there is none."""
        request = identity_service_pb2.GetReceiptRequest(receipt_id=receipt_id)
        try:
            with as_render():
                found = (await rpc.call(self.stub.GetReceipt, request)).receipt
        except NotFound:
            return None
        parts = (found.salt, found.statement, found.signature, found.public_key)
        return Proof(
            commitment_sha256=hashlib.sha256(b"".join(parts)).hexdigest(),
            leaf_index=found.leaf_index,
            inclusion_proof=tuple(node.hex() for node in found.inclusion_proof),
            checkpoint=found.checkpoint,
        )

    async def get_agency(self, talent_id: str) -> str:
        """Return the id of the agency that represents the talent now, or nothing."""
        request = identity_service_pb2.GetRepresentationRequest(talent_id=talent_id)
        with as_render():
            answer = await rpc.call(self.stub.GetRepresentation, request)
        return answer.representation.agency_id


class Training:
    """The training service."""

    def __init__(self, stub: TrainingServiceStub) -> None:
        self.stub = stub

    async def get_twin(self, twin_version_id: str) -> Twin:
        """Return a twin version that may be used.

        Raises:
            NotFound: TWIN_NOT_FOUND, there is none, or its consent was withdrawn.
        """
        request = training_service_pb2.GetTwinRequest(twin_version_id=twin_version_id)
        with as_render():
            twin = (await rpc.call(self.stub.GetTwin, request)).twin
        return Twin(
            id=twin.id,
            talent_id=twin.talent_id,
            consent_id=twin.consent_id,
            base=twin.base,
            adapter_object_key=twin.adapter_object_key,
            adapter_sha256=twin.adapter_sha256,
            dataset_sha256=twin.dataset_sha256,
            fidelity=_fidelity(twin.fidelity),
        )

    async def list_twins(self, talent_id: str) -> tuple[NamedTwin, ...]:
        """Return a talent's twin versions, newest first."""
        request = training_service_pb2.ListTwinsRequest(talent_id=talent_id)
        with as_render():
            found = (await rpc.call(self.stub.ListTwins, request)).twins
        return tuple(
            NamedTwin(one.id, _time(one.created_at), _fidelity(one.fidelity).allowed)
            for one in found
        )


class Licensing:
    """The licensing service. What a caller must be allowed is asked as that caller."""

    def __init__(self, stub: LicensingServiceStub) -> None:
        self.stub = stub

    async def get_license(self, license_id: str) -> License:
        """Return a license, whoever asks for it.

        Raises:
            NotFound: LICENSE_NOT_FOUND.
        """
        with as_render():
            return await self.find_license(license_id)

    async def find_license(self, license_id: str) -> License:
        """Return a license the caller may know of.

        Raises:
            NotFound: LICENSE_NOT_FOUND.
        """
        request = licensing_service_pb2.GetLicenseRequest(license_id=license_id)
        found = (await rpc.call(self.stub.GetLicense, request)).license
        state = license_pb2.LicenseState.Name(found.state).removeprefix("LICENSE_STATE_")
        return License(
            id=found.id,
            brand_id=found.terms.brand_id,
            talent_id=found.terms.talent_id,
            state=State[state],
            starts_at=_time(found.starts_at),
            ends_at=_time(found.ends_at),
            territories=_territories(found.terms),
            media=tuple(dict.fromkeys(use.media for use in found.terms.uses)),
            purpose=found.terms.purpose,
        )

    async def find_refusals(self, license: License, use: AskedUse) -> tuple[str, ...]:
        """Return why a license does not cover a use by its brand now; nothing if it does."""
        request = licensing_service_pb2.AuthorizeRequest(
            license_id=license.id,
            brand_id=license.brand_id,
            media=use.media,
            territory=use.territory,
        )
        with as_render():
            return tuple((await rpc.call(self.stub.Authorize, request)).reasons)

    async def get_signed(self, license_id: str) -> Signed:
        """Return a license's terms as the talent signed them.

        Raises:
            NotFound: LICENSE_NOT_FOUND.
        """
        request = licensing_service_pb2.GetLicenseRequest(license_id=license_id)
        with as_render():
            found = (await rpc.call(self.stub.GetLicense, request)).license
        uses = [(use.media, one) for use in found.terms.uses for one in use.territories]
        return Signed(found.statement, tuple(uses))

    async def find_refusals_of(
        self, license: License, uses: Sequence[tuple[str, str]], at: datetime
    ) -> list[tuple[str, ...]]:
        """Return for each use, as media and territory, why it is not covered at a time."""
        start = Timestamp()
        start.FromDatetime(at)
        questions = [
            licensing_service_pb2.AuthorizeRequest(
                license_id=license.id,
                brand_id=license.brand_id,
                media=media,
                territory=territory,
                at=start,
            )
            for media, territory in uses
        ]
        request = licensing_service_pb2.AuthorizeManyRequest(questions=questions)
        with as_render():
            answer = await rpc.call(self.stub.AuthorizeMany, request)
        return [tuple(one.reasons) for one in answer.answers]

    async def find_word(self, render_id: str) -> Word:
        """Return what the talent said of a picture."""
        request = licensing_service_pb2.ListApprovalsRequest(render_id=render_id)
        with as_render():
            found = (await rpc.call(self.stub.ListApprovals, request)).approvals
        if not found:
            return Word("not asked", None)
        state = license_pb2.ApprovalState.Name(found[0].state).removeprefix("APPROVAL_STATE_")
        is_decided = found[0].HasField("decided_at")
        return Word(state.lower(), _time(found[0].decided_at) if is_decided else None)

    async def issue_grant(self, request_id: str, wanted: Wanted, count: int) -> str:
        """Return a grant for some renders. Errors: as LicensingService.IssueGrant."""
        request = licensing_service_pb2.IssueGrantRequest(
            request_id=request_id,
            license_id=wanted.license_id,
            twin_version_id=wanted.twin_version_id,
            brief_sha256=wanted.brief_sha256,
            count=count,
        )
        return (await rpc.call(self.stub.IssueGrant, request)).grant

    async def release(self, render: Render, picture: Picture, crew: tuple[Credit, ...]) -> None:
        """Draw a picture from its license, once however often it is asked for.

        Errors: as LicensingService.ReleasePicture.
        """
        request = licensing_service_pb2.ReleasePictureRequest(
            request_id=f"release:{render.id}",
            license_id=render.license_id,
            render_id=render.id,
            picture_sha256=picture.sha256,
            credits=[
                credit_pb2.Credit(party_id=one.party_id, name=one.name, role=one.role)
                for one in crew
            ],
        )
        await rpc.call(self.stub.ReleasePicture, request)


@dataclass(frozen=True, slots=True)
class Others:
    """The services render asks."""

    identity: Identity
    training: Training
    licensing: Licensing


@asynccontextmanager
async def open_others(settings: Settings) -> AsyncIterator[Others]:
    """Open channels to the services render asks."""
    async with (
        rpc.open_channel(settings.identity_address) as identity,
        rpc.open_channel(settings.training_address) as training,
        rpc.open_channel(settings.licensing_address) as licensing,
    ):
        yield Others(
            Identity(IdentityServiceStub(identity)),
            Training(TrainingServiceStub(training)),
            Licensing(LicensingServiceStub(licensing)),
        )


def _territories(terms: license_pb2.LicenseTerms) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for use in terms.uses for code in use.territories))


def _fidelity(told: fidelity_pb2.FidelityVerdict) -> Fidelity:
    failed = next((gate for gate in told.gates if not gate.holds), None)
    measured = bool(told.gates)
    return Fidelity(
        allowed=told.state in _ALLOWED,
        gate=failed.name if failed else "" if measured else "measurement",
        figure=failed.figure if failed else 0.0,
        bar=failed.bar if failed else 0.0,
        template_object_key=told.template_object_key,
        template_sha256=told.template_sha256,
        mean=told.mean,
        deviation=told.deviation,
    )


def _time(value: Timestamp) -> datetime:
    return value.ToDatetime(tzinfo=UTC)
