"""The servicer: reads the request, calls the service, writes the response."""

from dataclasses import dataclass
from typing import Any

import grpc
from sosia.identity.v1 import consent_pb2, erasure_pb2
from sosia.identity.v1 import identity_service_pb2 as pb

from identity.domain.consents import Consent
from identity.rpc import incoming, outgoing
from identity.rpc.acting import ActingServicer
from identity.rpc.keys import KeysServicer
from identity.rpc.representing import RepresentingServicer
from identity.rpc.uploads import UploadsServicer
from identity.service.captures import Captures, Intake, NewPhoto
from identity.service.consents import Consents
from identity.service.delegations import Delegations
from identity.service.eraser import Eraser
from identity.service.estates import Estates
from identity.service.keys import PersonKeys
from identity.service.parties import Parties
from identity.service.receipts import Receipts
from identity.service.receiver import Receiver
from identity.service.recoveries import Recoveries
from identity.service.reports import Judge
from identity.service.representations import Representations
from identity.service.signers import Signers
from identity.service.signing_keys import SigningKeys
from identity.service.successions import Successions

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """What identity does, by meaning."""

    parties: Parties
    consents: Consents
    receipts: Receipts
    captures: Captures
    intake: Intake
    receiver: Receiver
    judge: Judge
    keys: PersonKeys
    eraser: Eraser
    representations: Representations
    delegations: Delegations
    successions: Successions
    estates: Estates
    signers: Signers
    signing_keys: SigningKeys
    recoveries: Recoveries


class IdentityServicer(ActingServicer, RepresentingServicer, UploadsServicer, KeysServicer):
    """IdentityService; errors are in the contract."""

    def __init__(self, services: Services) -> None:
        acting = (services.successions, services.estates)
        ActingServicer.__init__(self, services.delegations, acting, services.signers)
        RepresentingServicer.__init__(self, services.representations, services.delegations)
        KeysServicer.__init__(self, services.signing_keys, services.recoveries)
        UploadsServicer.__init__(self, services.receiver)
        self._do = services

    async def _consent(self, consent: Consent) -> consent_pb2.Consent:
        """Write a consent; whether she speaks for herself is asked after it was read."""
        life = await self._do.signers.find_life(consent.terms.talent_id)
        return outgoing.from_consent(consent, life)

    async def RegisterParty(
        self, request: pb.RegisterPartyRequest, context: Context
    ) -> pb.RegisterPartyResponse:
        """Register a party."""
        party = await self._do.parties.register(
            incoming.to_command(request), incoming.to_new_party(request)
        )
        return pb.RegisterPartyResponse(party=outgoing.from_party(party))

    async def GetParty(self, request: pb.GetPartyRequest, context: Context) -> pb.GetPartyResponse:
        """Return a party."""
        party = await self._do.parties.get(request.party_id)
        return pb.GetPartyResponse(party=outgoing.from_party(party))

    async def ListParties(
        self, request: pb.ListPartiesRequest, context: Context
    ) -> pb.ListPartiesResponse:
        """Return a page of parties."""
        found, next_page = await self._do.parties.find(
            kind=incoming.to_kind(request.kind),
            page_size=request.page.page_size,
            after=request.page.page_token,
        )
        parties = [outgoing.from_party(party) for party in found]
        return pb.ListPartiesResponse(parties=parties, next_page_token=next_page)

    async def IssueApiKey(
        self, request: pb.IssueApiKeyRequest, context: Context
    ) -> pb.IssueApiKeyResponse:
        """Make an API key."""
        key_id, api_key = await self._do.parties.issue_api_key(
            incoming.to_command(request), request.party_id
        )
        return pb.IssueApiKeyResponse(key_id=key_id, api_key=api_key)

    async def Authenticate(
        self, request: pb.AuthenticateRequest, context: Context
    ) -> pb.AuthenticateResponse:
        """Say whose an API key is."""
        party = await self._do.parties.authenticate(request.api_key)
        return pb.AuthenticateResponse(party=outgoing.from_party(party))

    async def VerifySignature(
        self, request: pb.VerifySignatureRequest, context: Context
    ) -> pb.VerifySignatureResponse:
        """Check a signature with the keys of a party."""
        public_key = await self._do.parties.verify_signature(
            request.party_id, request.message, request.signature
        )
        return pb.VerifySignatureResponse(public_key=public_key)

    async def ProposeConsent(
        self, request: pb.ProposeConsentRequest, context: Context
    ) -> pb.ProposeConsentResponse:
        """Write the terms of a consent down."""
        consent = await self._do.consents.propose(
            incoming.to_command(request), incoming.to_draft(request.terms), request.supersedes
        )
        return pb.ProposeConsentResponse(consent=await self._consent(consent))

    async def SignConsent(
        self, request: pb.SignConsentRequest, context: Context
    ) -> pb.SignConsentResponse:
        """Make a consent live."""
        consent = await self._do.consents.sign(
            incoming.to_command(request), request.consent_id, request.signature
        )
        return pb.SignConsentResponse(consent=await self._consent(consent))

    async def WithdrawConsent(
        self, request: pb.WithdrawConsentRequest, context: Context
    ) -> pb.WithdrawConsentResponse:
        """End a consent."""
        consent = await self._do.consents.withdraw(
            incoming.to_command(request), request.consent_id, request.signature
        )
        return pb.WithdrawConsentResponse(consent=await self._consent(consent))

    async def GetConsent(
        self, request: pb.GetConsentRequest, context: Context
    ) -> pb.GetConsentResponse:
        """Return a consent."""
        found = await self._do.consents.get(request.consent_id)
        return pb.GetConsentResponse(consent=outgoing.from_consent(*found))

    async def ListConsents(
        self, request: pb.ListConsentsRequest, context: Context
    ) -> pb.ListConsentsResponse:
        """Return a talent's consents."""
        found, life = await self._do.consents.find(request.talent_id)
        return pb.ListConsentsResponse(consents=[outgoing.from_consent(one, life) for one in found])

    async def CheckConsent(
        self, request: pb.CheckConsentRequest, context: Context
    ) -> pb.CheckConsentResponse:
        """Return the live consent that covers a step."""
        found = await self._do.consents.check(
            request.talent_id, incoming.to_named_step(request.step), request.consent_id
        )
        return pb.CheckConsentResponse(consent=outgoing.from_consent(*found))

    async def GetReceipt(
        self, request: pb.GetReceiptRequest, context: Context
    ) -> pb.GetReceiptResponse:
        """Return a receipt and its proof."""
        proven = await self._do.receipts.get(request.receipt_id)
        return pb.GetReceiptResponse(receipt=outgoing.from_proven(proven))

    async def ListReceipts(
        self, request: pb.ListReceiptsRequest, context: Context
    ) -> pb.ListReceiptsResponse:
        """Return the receipts about some ids."""
        found = await self._do.receipts.find(request.subject_ids)
        return pb.ListReceiptsResponse(receipts=[outgoing.from_proven(one) for one in found])

    async def GetCheckpoint(
        self, request: pb.GetCheckpointRequest, context: Context
    ) -> pb.GetCheckpointResponse:
        """Return the signed head of the log."""
        checkpoint, proof = await self._do.receipts.checkpoint(
            request.from_size, cosigned=request.cosigned
        )
        return pb.GetCheckpointResponse(
            checkpoint=checkpoint,
            verifier_key=self._do.receipts.verifier_key,
            consistency_proof=proof,
            witness_keys=self._do.receipts.witness_keys,
        )

    async def GetTile(self, request: pb.GetTileRequest, context: Context) -> pb.GetTileResponse:
        """Return a piece of the log."""
        return pb.GetTileResponse(content=await self._do.receipts.tile(request.path))

    async def OpenCaptureSet(
        self, request: pb.OpenCaptureSetRequest, context: Context
    ) -> pb.OpenCaptureSetResponse:
        """Open a capture set."""
        filled = await self._do.captures.open(
            incoming.to_command(request),
            request.talent_id,
            [incoming.to_mark(mark) for mark in request.marks],
            [incoming.to_credit(credit) for credit in request.credits],
        )
        return pb.OpenCaptureSetResponse(capture_set=outgoing.from_filled(filled))

    async def AddPhoto(self, request: pb.AddPhotoRequest, context: Context) -> pb.AddPhotoResponse:
        """Check and keep a photo."""
        new = NewPhoto(
            request.capture_set_id,
            request.filename,
            request.content,
            incoming.to_facts(request.facts),
        )
        photo = await self._do.intake.add(incoming.to_command(request), new)
        return pb.AddPhotoResponse(photo=outgoing.from_photo(photo))

    async def RemovePhoto(
        self, request: pb.RemovePhotoRequest, context: Context
    ) -> pb.RemovePhotoResponse:
        """Take a photo out."""
        filled = await self._do.intake.remove(
            incoming.to_command(request), request.capture_set_id, request.photo_id
        )
        return pb.RemovePhotoResponse(capture_set=outgoing.from_filled(filled))

    async def CloseCaptureSet(
        self, request: pb.CloseCaptureSetRequest, context: Context
    ) -> pb.CloseCaptureSetResponse:
        """Judge a capture set."""
        filled = await self._do.judge.close(incoming.to_command(request), request.capture_set_id)
        return pb.CloseCaptureSetResponse(capture_set=outgoing.from_filled(filled))

    async def GetCaptureSet(
        self, request: pb.GetCaptureSetRequest, context: Context
    ) -> pb.GetCaptureSetResponse:
        """Return a capture set."""
        filled = await self._do.captures.get(request.capture_set_id)
        return pb.GetCaptureSetResponse(capture_set=outgoing.from_filled(filled))

    async def GetCaptureReport(
        self, request: pb.GetCaptureReportRequest, context: Context
    ) -> pb.GetCaptureReportResponse:
        """Say what a capture set shows and lacks."""
        reported = await self._do.judge.report(request.capture_set_id)
        return pb.GetCaptureReportResponse(report=outgoing.from_reported(reported))

    async def ListCredits(
        self, request: pb.ListCreditsRequest, context: Context
    ) -> pb.ListCreditsResponse:
        """Return the crew of a talent's ready sets."""
        credits = await self._do.captures.credits(request.talent_id)
        return pb.ListCreditsResponse(credits=[outgoing.from_credit(one) for one in credits])

    async def CreateDataKey(
        self, request: pb.CreateDataKeyRequest, context: Context
    ) -> pb.CreateDataKeyResponse:
        """Make a key for one object."""
        key = await self._do.keys.create_data_key(
            request.talent_id, incoming.to_named_step(request.step)
        )
        return pb.CreateDataKeyResponse(plaintext=key.plaintext, wrapped=key.wrapped)

    async def UnwrapDataKey(
        self, request: pb.UnwrapDataKeyRequest, context: Context
    ) -> pb.UnwrapDataKeyResponse:
        """Open the key of an object."""
        plaintext = await self._do.keys.unwrap_data_key(
            request.talent_id, request.wrapped, incoming.to_named_step(request.step)
        )
        return pb.UnwrapDataKeyResponse(plaintext=plaintext)

    async def GetErasure(
        self, request: pb.GetErasureRequest, context: Context
    ) -> pb.GetErasureResponse:
        """Say what there is of a talent, and how far her erasure has come."""
        return pb.GetErasureResponse(erasure=await self._erasure(request.talent_id))

    async def EraseTalent(
        self, request: pb.EraseTalentRequest, context: Context
    ) -> pb.EraseTalentResponse:
        """Erase a talent."""
        command = incoming.to_command(request)
        await self._do.eraser.erase(command, request.talent_id, request.signature)
        return pb.EraseTalentResponse(erasure=await self._erasure(request.talent_id))

    async def _erasure(self, talent_id: str) -> erasure_pb2.Erasure:
        """Return an erasure, with its certificate and the proof of it once it is issued."""
        answer = outgoing.from_seen(await self._do.eraser.look(talent_id))
        if answer.certificate_receipt_id:
            proven = await self._do.receipts.get(answer.certificate_receipt_id)
            answer.certificate.CopyFrom(outgoing.from_proven(proven))
        return answer
