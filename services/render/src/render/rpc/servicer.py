"""The servicer: reads the request, calls the service, writes the response."""

from dataclasses import dataclass
from typing import Any

import grpc
from sosia.render.v1 import render_service_pb2 as pb
from sosia.render.v1 import render_service_pb2_grpc
from sosia.render.v1 import softbinding_pb2 as soft

from render.rpc import incoming, outgoing
from render.service.campaigns import Briefs, Campaigns
from render.service.pictures import Pictures
from render.service.remnants import Remnants
from render.service.renders import Renders
from render.service.softbinding import SoftBindings
from render.service.verification import Verifier

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """What render does, by meaning."""

    campaigns: Campaigns
    briefs: Briefs
    renders: Renders
    pictures: Pictures
    remnants: Remnants
    verifier: Verifier
    soft_bindings: SoftBindings


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
