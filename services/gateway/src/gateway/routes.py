"""The one table of the REST API: what path is which call of which service."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from sosia.identity.v1 import identity_service_pb2
from sosia.licensing.v1 import licensing_service_pb2
from sosia.render.v1 import render_service_pb2
from sosia.training.v1 import training_service_pb2

_MODULES = (
    identity_service_pb2,
    training_service_pb2,
    licensing_service_pb2,
    render_service_pb2,
)
SERVICES: dict[str, ServiceDescriptor] = {
    service.full_name.split(".")[1]: service
    for module in _MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
}
"""Name of a service -> its calls."""

HIDDEN = frozenset(
    {
        "Authenticate",
        "VerifySignature",
        "CheckConsent",
        "CheckSigner",
        "ListCredits",
        "CreateDataKey",
        "UnwrapDataKey",
        "IssueGrant",
        "OfferSignIn",
        "SignIn",
    }
)
"""Calls between services, which no path leads to."""

_IN_PATH = re.compile(r"{(\w+)(?::path)?}")


class Body(StrEnum):
    """How a request carries its content, and an answer its."""

    NONE = "none"
    JSON = "json"
    FILE = "file"
    """multipart/form-data with a `file` and, where the call has them, `facts` as JSON."""
    IMAGE = "image"
    """The picture itself, under an image's Content-Type; all else is in the query."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the API.

    Attributes:
        status: of a success.
        media: of an answer that is a file: its `content` is sent as it is.
        content: the answer's field that is the file.
        cache: who may keep the file, and how long.
        operation: what the API's document calls it; the call's name unless a call has two paths.
        constants: fields of the request that the path stands for.
        limited: an address without a key, and a key, may take it so many times a minute.
        address: the field that is the client's address, which nobody else may fill in.
    """

    method: str
    path: str
    service: str
    call: str
    body: Body = Body.NONE
    status: int = 200
    media: str = ""
    content: str = "content"
    cache: str = "private, no-cache"
    operation: str = ""
    constants: tuple[tuple[str, int], ...] = ()
    limited: bool = False
    address: str = ""
    timeout_s: float = 15.0

    @property
    def request(self) -> Descriptor:
        """Return the message a request becomes."""
        return SERVICES[self.service].methods_by_name[self.call].input_type

    @property
    def answer(self) -> Descriptor:
        """Return the message that is answered."""
        return SERVICES[self.service].methods_by_name[self.call].output_type

    @property
    def parts(self) -> list[str]:
        """Return the fields that are parts of the path, from left to right."""
        return _IN_PATH.findall(self.path)

    @property
    def is_command(self) -> bool:
        """Tell whether it changes something, and so takes an Idempotency-Key."""
        return "request_id" in self.request.fields_by_name


def _get(path: str, service: str, call: str, **more: Any) -> Route:
    return Route("GET", path, service, call, **more)


def _make(path: str, service: str, call: str, **more: Any) -> Route:
    return Route("POST", path, service, call, **{"body": Body.JSON, "status": 201, **more})


def _do(path: str, service: str, call: str, **more: Any) -> Route:
    return Route("POST", path, service, call, **{"body": Body.JSON, **more})


_JPEG = "image/jpeg"
_FOREVER = "public, max-age=31536000, immutable"
_SOFT_BINDING = "/v1/softbinding"  # the C2PA's API, under its own paths
ROUTES: tuple[Route, ...] = (
    _make("/v1/parties", "identity", "RegisterParty"),
    _get("/v1/parties", "identity", "ListParties"),
    _get("/v1/parties/{party_id}", "identity", "GetParty"),
    _make("/v1/parties/{party_id}/api-keys", "identity", "IssueApiKey"),
    _do("/v1/key-offers", "identity", "OfferKey"),
    _get("/v1/parties/{party_id}/keys", "identity", "ListKeys"),
    _make("/v1/parties/{party_id}/keys", "identity", "AddKey"),
    _do("/v1/keys/{key_id}/confirm", "identity", "ConfirmKey"),
    _do("/v1/keys/{key_id}/remove", "identity", "RemoveKey"),
    _make("/v1/parties/{party_id}/recoveries", "identity", "StartRecovery"),
    _get("/v1/recoveries", "identity", "ListRecoveries"),
    _get("/v1/recoveries/{recovery_id}", "identity", "GetRecovery"),
    _do("/v1/recoveries/{recovery_id}/stop", "identity", "StopRecovery"),
    _make("/v1/representations", "identity", "AgreeRepresentation"),
    _make("/v1/representation-offers", "identity", "ProposeRepresentation"),
    _do("/v1/representations/{representation_id}/sign", "identity", "SignRepresentation"),
    _do("/v1/representations/{representation_id}/end", "identity", "EndRepresentation"),
    _get("/v1/talents/{talent_id}/representation", "identity", "GetRepresentation"),
    _get("/v1/talents/{talent_id}/representations", "identity", "ListRepresentations"),
    _get(
        "/v1/agencies/{agency_id}/representations",
        "identity",
        "ListRepresentations",
        operation="ListAgencyRepresentations",
    ),
    _get("/v1/talents/{talent_id}/erasure", "identity", "GetErasure"),
    _do("/v1/talents/{talent_id}/erasure", "identity", "EraseTalent", timeout_s=60.0),
    _get("/v1/talents/{talent_id}/erasure/twins", "training", "GetTwinsErasure"),
    _get("/v1/talents/{talent_id}/erasure/pictures", "render", "GetPicturesErasure"),
    _make("/v1/delegations", "identity", "ProposeDelegation"),
    _get("/v1/delegations/{delegation_id}", "identity", "GetDelegation"),
    _do("/v1/delegations/{delegation_id}/sign", "identity", "SignDelegation"),
    _do("/v1/delegations/{delegation_id}/revoke", "identity", "RevokeDelegation"),
    _get("/v1/talents/{talent_id}/delegations", "identity", "ListDelegations"),
    _get(
        "/v1/agencies/{agency_id}/delegations",
        "identity",
        "ListDelegations",
        operation="ListAgencyDelegations",
    ),
    _make("/v1/talents/{talent_id}/successions", "identity", "ProposeSuccession"),
    _get("/v1/talents/{talent_id}/successions", "identity", "ListSuccessions"),
    _do("/v1/successions/{succession_id}/sign", "identity", "SignSuccession"),
    _get("/v1/estates", "identity", "ListEstates"),
    _make("/v1/estates", "identity", "OpenEstate"),
    _do("/v1/estates/{estate_id}/accept", "identity", "AcceptEstate"),
    _do("/v1/estates/{estate_id}/settle", "identity", "SettleEstate"),
    _do("/v1/estates/{estate_id}/stop", "identity", "StopEstate"),
    _get("/v1/talents/{talent_id}/estate", "identity", "GetEstate"),
    _get("/v1/talents/{talent_id}/consents", "identity", "ListConsents"),
    _make("/v1/consents", "identity", "ProposeConsent"),
    _get("/v1/consents/{consent_id}", "identity", "GetConsent"),
    _do("/v1/consents/{consent_id}/sign", "identity", "SignConsent"),
    _do("/v1/consents/{consent_id}/withdraw", "identity", "WithdrawConsent"),
    _get("/v1/receipts", "identity", "ListReceipts"),
    _get("/v1/receipts/{receipt_id}", "identity", "GetReceipt"),
    _get("/v1/log/checkpoint", "identity", "GetCheckpoint"),
    _get(
        "/v1/tlog/checkpoint",
        "identity",
        "GetCheckpoint",
        media="text/plain; charset=utf-8",
        content="checkpoint",
        cache="no-cache",
        operation="GetCheckpointNote",
        constants=(("from_size", 0),),
    ),
    _get(
        "/v1/tlog/cosigned",
        "identity",
        "GetCheckpoint",
        media="text/plain; charset=utf-8",
        content="checkpoint",
        cache="no-cache",
        operation="GetCosignedCheckpointNote",
        constants=(("from_size", 0), ("cosigned", True)),
    ),
    _get(
        "/v1/tlog/tile/{path:path}",
        "identity",
        "GetTile",
        media="application/octet-stream",
        cache=_FOREVER,
    ),
    _make("/v1/capture-sets", "identity", "OpenCaptureSet"),
    _get("/v1/capture-sets/{capture_set_id}", "identity", "GetCaptureSet"),
    _get("/v1/capture-sets/{capture_set_id}/report", "identity", "GetCaptureReport"),
    _make(
        "/v1/capture-sets/{capture_set_id}/photos",
        "identity",
        "AddPhoto",
        body=Body.FILE,
        timeout_s=60.0,
    ),
    _do(
        "/v1/capture-sets/{capture_set_id}/photos/{photo_id}/remove",
        "identity",
        "RemovePhoto",
    ),
    _get("/v1/capture-sets/{capture_set_id}/uploads", "identity", "ListUploads"),
    _get("/v1/uploads/{upload_id}", "identity", "GetUpload"),
    _do("/v1/capture-sets/{capture_set_id}/close", "identity", "CloseCaptureSet"),
    _make("/v1/training-runs", "training", "StartRun", status=202),
    _get("/v1/training-runs/{run_id}", "training", "GetRun"),
    _do("/v1/training-runs/{run_id}/cancel", "training", "CancelRun"),
    _get("/v1/twins/{twin_version_id}", "training", "GetTwin"),
    _get("/v1/twins/{twin_version_id}/fidelity", "training", "GetFidelity"),
    _do("/v1/twins/{twin_version_id}/fidelity/accept", "training", "AcceptFidelity"),
    _get("/v1/twins/{twin_version_id}/sheet.png", "training", "GetSampleSheet", media="image/png"),
    _get("/v1/talents/{talent_id}/twins", "training", "ListTwins"),
    _make("/v1/rate-cards", "licensing", "SetRateCard"),
    _get("/v1/talents/{talent_id}/rate-card", "licensing", "GetRateCard"),
    _make("/v1/quotes", "licensing", "CreateQuote"),
    _make("/v1/licenses", "licensing", "ProposeLicense"),
    _get("/v1/licenses", "licensing", "ListLicenses"),
    _get("/v1/licenses/{license_id}", "licensing", "GetLicense"),
    _make("/v1/licenses/{license_id}/counter", "licensing", "CounterLicense"),
    _do("/v1/licenses/{license_id}/accept", "licensing", "AcceptLicense"),
    _do("/v1/licenses/{license_id}/decline", "licensing", "DeclineLicense"),
    _get("/v1/licenses/{license_id}/changes", "licensing", "ListLicenseChanges"),
    _do("/v1/licenses/{license_id}/sign", "licensing", "SignLicense"),
    _do("/v1/licenses/{license_id}/revoke", "licensing", "RevokeLicense"),
    _do("/v1/licenses/{license_id}/authorize", "licensing", "Authorize"),
    _do(
        "/v1/renders/{render_id}/authorize", "licensing", "Authorize", operation="AuthorizePicture"
    ),
    _do("/v1/authorizations", "licensing", "AuthorizeMany"),
    _get("/v1/approvals", "licensing", "ListApprovals"),
    _do("/v1/approvals/{approval_id}/decide", "licensing", "DecideApproval"),
    _get("/v1/parties/{party_id}/statement", "licensing", "GetStatement"),
    _get("/v1/entries", "licensing", "ListEntries"),
    _get(
        "/v1/licenses/{license_id}/odrl.json",
        "licensing",
        "ExportLicense",
        media="application/ld+json",
        operation="ExportLicenseOdrl",
        constants=(("format", 1),),
    ),
    _get(
        "/v1/licenses/{license_id}/plus.json",
        "licensing",
        "ExportLicense",
        media="application/json",
        operation="ExportLicensePlus",
        constants=(("format", 2),),
    ),
    _do("/v1/terms/import", "licensing", "ImportTerms"),
    _make("/v1/campaigns", "render", "CreateCampaign"),
    _get("/v1/campaigns", "render", "ListCampaigns"),
    _get("/v1/campaigns/{campaign_id}", "render", "GetCampaign"),
    _do("/v1/campaigns/{campaign_id}/credits", "render", "CreditCrew"),
    _get("/v1/campaigns/{campaign_id}/briefs", "render", "ListBriefs"),
    _get("/v1/campaigns/{campaign_id}/choices", "render", "ListBriefChoices"),
    _make("/v1/licenses/{license_id}/directors", "render", "AppointDirector"),
    _do("/v1/licenses/{license_id}/directors/{director_id}/dismiss", "render", "DismissDirector"),
    _get("/v1/appointments", "render", "ListAppointments"),
    _make("/v1/briefs", "render", "CreateBrief"),
    _get("/v1/briefs/{brief_id}", "render", "GetBrief"),
    _make("/v1/briefs/{brief_id}/renders", "render", "StartRenders", status=202),
    _get("/v1/briefs/{brief_id}/renders", "render", "ListRenders"),
    _get("/v1/briefs/{brief_id}/notes", "render", "ListTakeNotes"),
    _make(
        "/v1/briefs/{brief_id}/references",
        "render",
        "AddReference",
        body=Body.FILE,
        timeout_s=60.0,
    ),
    _get("/v1/briefs/{brief_id}/references", "render", "ListReferences"),
    _do("/v1/references/{reference_id}/remove", "render", "RemoveReference"),
    _get(
        "/v1/references/{reference_id}/picture.jpg",
        "render",
        "GetReferencePicture",
        media=_JPEG,
    ),
    _get("/v1/renders/{render_id}", "render", "GetRender"),
    _make("/v1/renders/{render_id}/takes", "render", "AskTake", status=202),
    _do("/v1/renders/{render_id}/choose", "render", "ChooseTake"),
    _do("/v1/renders/{render_id}/put-back", "render", "PutBackTake"),
    _do("/v1/renders/{render_id}/review", "render", "ReviewRender"),
    _do("/v1/renders/{render_id}/release", "render", "ReleaseRender"),
    _get(
        "/v1/renders/{render_id}/draft.jpg",
        "render",
        "GetPicture",
        media=_JPEG,
        operation="GetPictureDraft",
        constants=(("kind", 1),),
    ),
    _get(
        "/v1/renders/{render_id}/picture.jpg",
        "render",
        "GetPicture",
        media=_JPEG,
        constants=(("kind", 2),),
    ),
    _get("/v1/renders/{render_id}/formats", "render", "ListFormats"),
    _do("/v1/verify", "render", "VerifyPicture", body=Body.FILE, limited=True, timeout_s=60.0),
    _do("/v1/verify/address", "render", "VerifyAddress", limited=True, timeout_s=60.0),
    _get("/v1/renders/{render_id}/released", "render", "GetReleased", limited=True),
    _make("/v1/renders/{render_id}/reactions", "render", "React", limited=True, address="address"),
    _get("/v1/renders/{render_id}/reactions", "render", "ListReactions"),
    _make("/v1/sightings", "render", "ReportSighting", body=Body.FILE, timeout_s=60.0),
    _get(
        "/v1/sightings/{sighting_id}/picture",
        "render",
        "GetSightingPicture",
        media="image/*",
    ),
    _get("/v1/claims", "render", "ListClaims"),
    _get("/v1/claims/{claim_id}", "render", "GetClaim"),
    _do("/v1/claims/{claim_id}/answer", "render", "AnswerClaim"),
    _do("/v1/claims/{claim_id}/close", "render", "CloseClaim"),
    _get(f"{_SOFT_BINDING}/matches/byBinding", "render", "FindByBinding", limited=True),
    _do(
        f"{_SOFT_BINDING}/matches/byBinding",
        "render",
        "FindByBinding",
        operation="FindByLargeBinding",
        limited=True,
    ),
    _do(
        f"{_SOFT_BINDING}/matches/byContent",
        "render",
        "FindByContent",
        body=Body.IMAGE,
        limited=True,
        timeout_s=60.0,
    ),
    _get(
        f"{_SOFT_BINDING}/manifests/{{manifest_id}}",
        "render",
        "GetManifest",
        media="application/c2pa",
        cache="no-cache",
        limited=True,
    ),
    _get(f"{_SOFT_BINDING}/services/supportedAlgorithms", "render", "ListAlgorithms"),
)
_RELEASES_AT_LICENSING = frozenset({"ReleasePicture"})
"""licensing's own half of a release: the public one is render's ReleaseRender."""
_SPOKEN_AS_TUS = frozenset({"CreateUpload", "AppendUpload", "RemoveUpload"})
"""Calls that `uploads` leads to."""


def find_unrouted() -> set[str]:
    """Return the calls that neither the table nor `HIDDEN` names."""
    all_calls = {name for service in SERVICES.values() for name in service.methods_by_name}
    routed = {route.call for route in ROUTES} | _RELEASES_AT_LICENSING | _SPOKEN_AS_TUS
    return all_calls - routed - HIDDEN
