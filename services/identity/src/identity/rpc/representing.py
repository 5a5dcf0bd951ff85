"""The calls about which agency represents a talent."""

from typing import Any

import grpc
from sosia.identity.v1 import identity_service_pb2 as pb

from identity.rpc import incoming, outgoing
from identity.service.delegations import Delegations
from identity.service.representations import Representations

Context = grpc.aio.ServicerContext[Any, Any]


class RepresentingServicer:
    """A part of IdentityService; errors are in the contract."""

    def __init__(self, representations: Representations, delegations: Delegations) -> None:
        self._representations, self._delegable = representations, delegations.find_delegable

    async def AgreeRepresentation(
        self, request: pb.AgreeRepresentationRequest, context: Context
    ) -> pb.AgreeRepresentationResponse:
        """Record that an agency represents a talent."""
        seen = await self._representations.agree(
            incoming.to_command(request), incoming.to_representation(request), request.signature
        )
        return pb.AgreeRepresentationResponse(representation=outgoing.from_representation(seen))

    async def ProposeRepresentation(
        self, request: pb.ProposeRepresentationRequest, context: Context
    ) -> pb.ProposeRepresentationResponse:
        """Write down what would be agreed."""
        command, offer = incoming.to_command(request), incoming.to_representation(request)
        seen = await self._representations.propose(command, offer)
        return pb.ProposeRepresentationResponse(representation=outgoing.from_representation(seen))

    async def SignRepresentation(
        self, request: pb.SignRepresentationRequest, context: Context
    ) -> pb.SignRepresentationResponse:
        """Make an offer an agreement."""
        command, about = incoming.to_command(request), request.representation_id
        seen = await self._representations.sign(command, about, request.signature)
        return pb.SignRepresentationResponse(representation=outgoing.from_representation(seen))

    async def EndRepresentation(
        self, request: pb.EndRepresentationRequest, context: Context
    ) -> pb.EndRepresentationResponse:
        """End it before its time."""
        command, about = incoming.to_command(request), request.representation_id
        seen = await self._representations.end(command, about, request.signature)
        return pb.EndRepresentationResponse(representation=outgoing.from_representation(seen))

    async def GetRepresentation(
        self, request: pb.GetRepresentationRequest, context: Context
    ) -> pb.GetRepresentationResponse:
        """Return who represents a talent now."""
        seen = await self._representations.get_in_force(request.talent_id)
        if seen is None:
            return pb.GetRepresentationResponse()
        delegable = self._delegable(seen.representation.jurisdiction)
        return pb.GetRepresentationResponse(
            representation=outgoing.from_representation(seen),
            delegable=map(outgoing.from_act, delegable),
        )

    async def ListRepresentations(
        self, request: pb.ListRepresentationsRequest, context: Context
    ) -> pb.ListRepresentationsResponse:
        """Return the representations of an agency, or of a talent."""
        found = await self._representations.find(
            agency_id=request.agency_id,
            talent_id=request.talent_id,
            everything=request.everything,
        )
        return pb.ListRepresentationsResponse(
            representations=map(outgoing.from_representation, found)
        )
