"""The servicer: reads the request, calls the service, writes the response."""

from dataclasses import dataclass
from typing import Any

import grpc
from sosia.render.v1 import render_service_pb2 as pb
from sosia.render.v1 import render_service_pb2_grpc
from sosia.render.v1 import softbinding_pb2 as soft

from render.rpc import claims as told
from render.rpc import incoming, outgoing
from render.service.appointments import Appointments
from render.service.campaigns import Briefs, Campaigns
from render.service.claims import Claims
from render.service.moodboards import Moodboards
from render.service.pictures import Pictures
from render.service.reactions import Reactions
from render.service.remnants import Remnants
from render.service.renders import Renders
from render.service.sightings import Sightings
from render.service.softbinding import SoftBindings
from render.service.takes import Takes
from render.service.verification import Verifier

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """What render does, by meaning."""

    campaigns: Campaigns
    briefs: Briefs
    renders: Renders
    takes: Takes
    moodboards: Moodboards
    pictures: Pictures
    remnants: Remnants
    verifier: Verifier
    soft_bindings: SoftBindings
    reactions: Reactions
    sightings: Sightings
    claims: Claims
    appointments: Appointments


class RenderServicer(render_service_pb2_grpc.RenderServiceServicer):
    """RenderService; errors are in the contract."""

    def __init__(self, services: Services) -> None:
        self._do = services

    async def CreateCampaign(
        self, request: pb.CreateCampaignRequest, context: Context
    ) -> pb.CreateCampaignResponse:
        """Create a campaign."""
        campaign = await self._do.campaigns.create(
            incoming.to_command(request), incoming.to_new_campaign(request)
        )
        return pb.CreateCampaignResponse(campaign=outgoing.from_campaign(campaign))

    async def GetCampaign(
        self, request: pb.GetCampaignRequest, context: Context
    ) -> pb.GetCampaignResponse:
        """Return a campaign."""
        campaign = await self._do.campaigns.get(request.campaign_id)
        return pb.GetCampaignResponse(campaign=outgoing.from_campaign(campaign))

    async def CreditCrew(
        self, request: pb.CreditCrewRequest, context: Context
    ) -> pb.CreditCrewResponse:
        """Name more people who make a campaign."""
        campaign = await self._do.campaigns.credit(
            incoming.to_command(request), request.campaign_id, incoming.to_credits(request)
        )
        return pb.CreditCrewResponse(campaign=outgoing.from_campaign(campaign))

    async def CreateBrief(
        self, request: pb.CreateBriefRequest, context: Context
    ) -> pb.CreateBriefResponse:
        """Write a brief."""
        brief = await self._do.briefs.create(
            incoming.to_command(request), incoming.to_new_brief(request)
        )
        return pb.CreateBriefResponse(brief=outgoing.from_brief(brief))

    async def GetBrief(self, request: pb.GetBriefRequest, context: Context) -> pb.GetBriefResponse:
        """Return a brief."""
        brief = await self._do.briefs.get(request.brief_id)
        return pb.GetBriefResponse(brief=outgoing.from_brief(brief))

    async def StartRenders(
        self, request: pb.StartRendersRequest, context: Context
    ) -> pb.StartRendersResponse:
        """Queue the renders of a brief."""
        started = await self._do.renders.start(incoming.to_command(request), request.brief_id)
        return pb.StartRendersResponse(renders=[outgoing.from_render(one) for one in started])

    async def GetRender(
        self, request: pb.GetRenderRequest, context: Context
    ) -> pb.GetRenderResponse:
        """Return a render."""
        render = await self._do.renders.get(request.render_id)
        return pb.GetRenderResponse(render=outgoing.from_render(render))

    async def ListRenders(
        self, request: pb.ListRendersRequest, context: Context
    ) -> pb.ListRendersResponse:
        """Return the renders of a brief."""
        found = await self._do.renders.find(request.brief_id)
        return pb.ListRendersResponse(renders=[outgoing.from_render(one) for one in found])

    async def ReviewRender(
        self, request: pb.ReviewRenderRequest, context: Context
    ) -> pb.ReviewRenderResponse:
        """Note the director's word."""
        render = await self._do.renders.review(
            incoming.to_command(request), request.render_id, incoming.to_review(request)
        )
        return pb.ReviewRenderResponse(render=outgoing.from_render(render))

    async def ReleaseRender(
        self, request: pb.ReleaseRenderRequest, context: Context
    ) -> pb.ReleaseRenderResponse:
        """Hand a picture to the brand."""
        render = await self._do.renders.release(incoming.to_command(request), request.render_id)
        return pb.ReleaseRenderResponse(render=outgoing.from_render(render))

    async def GetPicture(
        self, request: pb.GetPictureRequest, context: Context
    ) -> pb.GetPictureResponse:
        """Return a file."""
        kind = incoming.to_kind(request.kind)
        content, sha256 = await self._do.pictures.open(request.render_id, kind, request.format)
        return pb.GetPictureResponse(content=content, sha256=sha256)

    async def ListFormats(
        self, request: pb.ListFormatsRequest, context: Context
    ) -> pb.ListFormatsResponse:
        """Return the formats of a picture."""
        found = await self._do.pictures.find_formats(request.render_id)
        return pb.ListFormatsResponse(formats=[outgoing.from_format(one) for one in found])

    async def VerifyPicture(
        self, request: pb.VerifyPictureRequest, context: Context
    ) -> pb.VerifyPictureResponse:
        """Say what is known of a picture."""
        answer = await self._do.verifier.verify(request.content, incoming.to_use(request))
        return pb.VerifyPictureResponse(verification=outgoing.from_answer(answer))

    async def FindByBinding(
        self, request: soft.FindByBindingRequest, context: Context
    ) -> soft.FindByBindingResponse:
        """Return the manifests that assert a soft binding."""
        most = incoming.to_most(request)
        found = await self._do.soft_bindings.find_by_binding(request.alg, request.value, most)
        return soft.FindByBindingResponse(matches=[outgoing.from_match(one) for one in found])

    async def FindByContent(
        self, request: soft.FindByContentRequest, context: Context
    ) -> soft.FindByContentResponse:
        """Return the manifest of the picture a file is."""
        most = incoming.to_most(request)
        found = await self._do.soft_bindings.find_by_content(request.content, request.alg, most)
        return soft.FindByContentResponse(matches=[outgoing.from_match(one) for one in found])

    async def GetManifest(
        self, request: soft.GetManifestRequest, context: Context
    ) -> soft.GetManifestResponse:
        """Return a manifest store."""
        content = await self._do.soft_bindings.get(request.manifest_id)
        return soft.GetManifestResponse(content=content)

    async def ListAlgorithms(
        self, request: soft.ListAlgorithmsRequest, context: Context
    ) -> soft.ListAlgorithmsResponse:
        """Return the names of our soft bindings."""
        ours = self._do.soft_bindings.algorithms
        return soft.ListAlgorithmsResponse(
            watermarks=[soft.Algorithm(alg=alg) for alg in ours.watermarks],
            fingerprints=[soft.Algorithm(alg=alg) for alg in ours.fingerprints],
        )

    async def GetPicturesErasure(
        self, request: pb.GetPicturesErasureRequest, context: Context
    ) -> pb.GetPicturesErasureResponse:
        """Count what is still there of a talent."""
        return outgoing.from_remains(await self._do.remnants.find(request.talent_id))

    async def ListCampaigns(
        self, request: pb.ListCampaignsRequest, context: Context
    ) -> pb.ListCampaignsResponse:
        """Return the caller's campaigns."""
        found = await self._do.campaigns.find(request.talent_id)
        return pb.ListCampaignsResponse(campaigns=[outgoing.from_campaign(one) for one in found])

    async def ListBriefs(
        self, request: pb.ListBriefsRequest, context: Context
    ) -> pb.ListBriefsResponse:
        """Return the briefs of a campaign."""
        found = await self._do.briefs.find(request.campaign_id)
        return pb.ListBriefsResponse(briefs=[outgoing.from_brief(one) for one in found])

    async def AddReference(
        self, request: pb.AddReferenceRequest, context: Context
    ) -> pb.AddReferenceResponse:
        """Put a picture on a moodboard."""
        reference = await self._do.moodboards.add(
            incoming.to_command(request),
            request.brief_id,
            incoming.to_facts(request.facts),
            request.content,
        )
        return pb.AddReferenceResponse(reference=outgoing.from_reference(reference))

    async def RemoveReference(
        self, request: pb.RemoveReferenceRequest, context: Context
    ) -> pb.RemoveReferenceResponse:
        """Take a picture off a moodboard."""
        await self._do.moodboards.remove(incoming.to_command(request), request.reference_id)
        return pb.RemoveReferenceResponse()

    async def ListReferences(
        self, request: pb.ListReferencesRequest, context: Context
    ) -> pb.ListReferencesResponse:
        """Return what is on a moodboard."""
        found = await self._do.moodboards.find(request.brief_id)
        return pb.ListReferencesResponse(references=[outgoing.from_reference(one) for one in found])

    async def GetReferencePicture(
        self, request: pb.GetReferencePictureRequest, context: Context
    ) -> pb.GetReferencePictureResponse:
        """Return a file of a moodboard."""
        content, sha256 = await self._do.moodboards.get_picture(request.reference_id)
        return pb.GetReferencePictureResponse(content=content, sha256=sha256)

    async def AskTake(self, request: pb.AskTakeRequest, context: Context) -> pb.AskTakeResponse:
        """Queue another take."""
        render = await self._do.takes.ask(
            incoming.to_command(request), request.render_id, incoming.to_direction(request)
        )
        return pb.AskTakeResponse(render=outgoing.from_render(render))

    async def ChooseTake(
        self, request: pb.ChooseTakeRequest, context: Context
    ) -> pb.ChooseTakeResponse:
        """Choose a take."""
        render = await self._do.takes.choose(
            incoming.to_command(request), request.render_id, request.note
        )
        return pb.ChooseTakeResponse(render=outgoing.from_render(render))

    async def PutBackTake(
        self, request: pb.PutBackTakeRequest, context: Context
    ) -> pb.PutBackTakeResponse:
        """Choose a take no longer."""
        render = await self._do.takes.put_back(
            incoming.to_command(request), request.render_id, request.note
        )
        return pb.PutBackTakeResponse(render=outgoing.from_render(render))

    async def ListTakeNotes(
        self, request: pb.ListTakeNotesRequest, context: Context
    ) -> pb.ListTakeNotesResponse:
        """Return what was said of a brief's takes."""
        found = await self._do.takes.find_notes(request.brief_id)
        return pb.ListTakeNotesResponse(notes=[outgoing.from_note(one) for one in found])

    async def VerifyAddress(
        self, request: pb.VerifyAddressRequest, context: Context
    ) -> pb.VerifyAddressResponse:
        """Fetch a picture and say what is known of it."""
        use = incoming.to_use(request)
        answer = await self._do.verifier.verify_address(request.url, use)
        return pb.VerifyAddressResponse(verification=outgoing.from_answer(answer))

    async def GetReleased(
        self, request: pb.GetReleasedRequest, context: Context
    ) -> pb.GetReleasedResponse:
        """Say what is known of a released picture."""
        named = await self._do.verifier.get(request.render_id)
        return pb.GetReleasedResponse(verification=outgoing.from_named(named))

    async def React(self, request: pb.ReactRequest, context: Context) -> pb.ReactResponse:
        """Note what somebody thinks."""
        reaction = await self._do.reactions.react(
            request.render_id, request.score, request.text, address=request.address
        )
        return pb.ReactResponse(reaction=told.from_reaction(reaction))

    async def ListReactions(
        self, request: pb.ListReactionsRequest, context: Context
    ) -> pb.ListReactionsResponse:
        """Return what was said."""
        days, remarks = await self._do.reactions.find(request.render_id)
        return pb.ListReactionsResponse(
            days=[told.from_day(one) for one in days],
            remarks=[told.from_reaction(one) for one in remarks],
        )

    async def ReportSighting(
        self, request: pb.ReportSightingRequest, context: Context
    ) -> pb.ReportSightingResponse:
        """Note a picture found in use."""
        sighting = await self._do.sightings.report(
            incoming.to_command(request), request.content, told.to_facts(request.facts)
        )
        return pb.ReportSightingResponse(sighting=told.from_sighting(sighting))

    async def ListClaims(
        self, request: pb.ListClaimsRequest, context: Context
    ) -> pb.ListClaimsResponse:
        """Return the caller's claims."""
        found = await self._do.claims.find(told.to_state(request.state))
        return pb.ListClaimsResponse(claims=[told.from_told(one) for one in found])

    async def GetClaim(self, request: pb.GetClaimRequest, context: Context) -> pb.GetClaimResponse:
        """Return a claim."""
        claim = await self._do.claims.get(request.claim_id)
        return pb.GetClaimResponse(claim=told.from_told(claim))

    async def GetSightingPicture(
        self, request: pb.GetSightingPictureRequest, context: Context
    ) -> pb.GetSightingPictureResponse:
        """Return a file that was found."""
        content, sha256 = await self._do.claims.open_picture(request.sighting_id)
        return pb.GetSightingPictureResponse(content=content, sha256=sha256)

    async def AnswerClaim(
        self, request: pb.AnswerClaimRequest, context: Context
    ) -> pb.AnswerClaimResponse:
        """Note the brand's answer."""
        claim = await self._do.claims.answer(
            incoming.to_command(request), request.claim_id, request.note
        )
        return pb.AnswerClaimResponse(claim=told.from_told(claim))

    async def CloseClaim(
        self, request: pb.CloseClaimRequest, context: Context
    ) -> pb.CloseClaimResponse:
        """Settle or dismiss a claim."""
        claim = await self._do.claims.close(
            incoming.to_command(request), request.claim_id, request.note, settle=request.settle
        )
        return pb.CloseClaimResponse(claim=told.from_told(claim))

    async def AppointDirector(
        self, request: pb.AppointDirectorRequest, context: Context
    ) -> pb.AppointDirectorResponse:
        """Let a creative director open campaigns."""
        command = incoming.to_command(request)
        who = (request.license_id, request.director_id)
        appointment, license = await self._do.appointments.appoint(command, *who)
        return pb.AppointDirectorResponse(
            appointment=outgoing.from_appointment(appointment, license)
        )

    async def DismissDirector(
        self, request: pb.DismissDirectorRequest, context: Context
    ) -> pb.DismissDirectorResponse:
        """Take an appointment back."""
        command = incoming.to_command(request)
        await self._do.appointments.dismiss(command, request.license_id, request.director_id)
        return pb.DismissDirectorResponse()

    async def ListAppointments(
        self, request: pb.ListAppointmentsRequest, context: Context
    ) -> pb.ListAppointmentsResponse:
        """Return the caller's appointments."""
        found = await self._do.appointments.find()
        return pb.ListAppointmentsResponse(
            appointments=[outgoing.from_appointment(*one) for one in found]
        )

    async def ListBriefChoices(
        self, request: pb.ListBriefChoicesRequest, context: Context
    ) -> pb.ListBriefChoicesResponse:
        """Return what a brief may name."""
        return outgoing.from_choices(await self._do.briefs.find_choices(request.campaign_id))
