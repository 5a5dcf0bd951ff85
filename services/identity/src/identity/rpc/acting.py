"""The calls about who acts for a talent: agencies by delegation, successors of one who died."""

from typing import Any

import grpc
from sosia.identity.v1 import identity_service_pb2 as pb

from identity.rpc import incoming, outgoing
from identity.service.delegations import Delegations
from identity.service.estates import Estates
from identity.service.signers import Signers
from identity.service.successions import Successions

Context = grpc.aio.ServicerContext[Any, Any]


class ActingServicer:
    """A part of IdentityService; errors are in the contract."""

    def __init__(
        self, delegations: Delegations, acting: tuple[Successions, Estates], signers: Signers
    ) -> None:
        self._delegations, self._signers = delegations, signers
        self._successions, self._estates = acting

    async def ProposeDelegation(
        self, request: pb.ProposeDelegationRequest, context: Context
    ) -> pb.ProposeDelegationResponse:
        """Write a delegation down."""
        seen = await self._delegations.propose(
            incoming.to_command(request),
            request.talent_id,
            request.agency_id,
            incoming.to_bounds(request.bounds),
        )
        return pb.ProposeDelegationResponse(delegation=outgoing.from_delegation(seen))

    async def SignDelegation(
        self, request: pb.SignDelegationRequest, context: Context
    ) -> pb.SignDelegationResponse:
        """Make a delegation live."""
        command = incoming.to_command(request)
        seen = await self._delegations.sign(command, request.delegation_id, request.signature)
        return pb.SignDelegationResponse(delegation=outgoing.from_delegation(seen))

    async def RevokeDelegation(
        self, request: pb.RevokeDelegationRequest, context: Context
    ) -> pb.RevokeDelegationResponse:
        """End a delegation."""
        command = incoming.to_command(request)
        seen = await self._delegations.revoke(command, request.delegation_id, request.signature)
        return pb.RevokeDelegationResponse(delegation=outgoing.from_delegation(seen))

    async def GetDelegation(
        self, request: pb.GetDelegationRequest, context: Context
    ) -> pb.GetDelegationResponse:
        """Return a delegation."""
        seen = await self._delegations.get(request.delegation_id)
        return pb.GetDelegationResponse(delegation=outgoing.from_delegation(seen))

    async def ListDelegations(
        self, request: pb.ListDelegationsRequest, context: Context
    ) -> pb.ListDelegationsResponse:
        """Return the delegations of a talent."""
        found = await self._delegations.find(request.talent_id, request.agency_id)
        return pb.ListDelegationsResponse(
            delegations=[outgoing.from_delegation(seen) for seen in found]
        )

    async def ProposeSuccession(
        self, request: pb.ProposeSuccessionRequest, context: Context
    ) -> pb.ProposeSuccessionResponse:
        """Write down whom a talent names."""
        command = incoming.to_command(request)
        one = await self._successions.propose(
            command, request.talent_id, list(request.successor_ids)
        )
        return pb.ProposeSuccessionResponse(succession=outgoing.from_succession(one))

    async def SignSuccession(
        self, request: pb.SignSuccessionRequest, context: Context
    ) -> pb.SignSuccessionResponse:
        """Put it in force."""
        command = incoming.to_command(request)
        one = await self._successions.sign(command, request.succession_id, request.signature)
        return pb.SignSuccessionResponse(succession=outgoing.from_succession(one))

    async def ListSuccessions(
        self, request: pb.ListSuccessionsRequest, context: Context
    ) -> pb.ListSuccessionsResponse:
        """Return what a talent named."""
        found = await self._successions.find(request.talent_id)
        return pb.ListSuccessionsResponse(successions=map(outgoing.from_succession, found))

    async def ListEstates(
        self, request: pb.ListEstatesRequest, context: Context
    ) -> pb.ListEstatesResponse:
        """Return the estates that stand open."""
        found = await self._estates.find()
        return pb.ListEstatesResponse(estates=map(outgoing.from_estate, found))

    async def OpenEstate(
        self, request: pb.OpenEstateRequest, context: Context
    ) -> pb.OpenEstateResponse:
        """Freeze a talent who died."""
        command, opening = incoming.to_command(request), incoming.to_opening(request)
        estate = await self._estates.open(command, opening)
        return pb.OpenEstateResponse(estate=outgoing.from_estate(estate))

    async def AcceptEstate(
        self, request: pb.AcceptEstateRequest, context: Context
    ) -> pb.AcceptEstateResponse:
        """Take the signed statement of a successor."""
        estate = await self._estates.accept(
            incoming.to_command(request), request.estate_id, request.successor_id, request.signature
        )
        return pb.AcceptEstateResponse(estate=outgoing.from_estate(estate))

    async def SettleEstate(
        self, request: pb.SettleEstateRequest, context: Context
    ) -> pb.SettleEstateResponse:
        """End the wait."""
        estate = await self._estates.settle(incoming.to_command(request), request.estate_id)
        return pb.SettleEstateResponse(estate=outgoing.from_estate(estate))

    async def StopEstate(
        self, request: pb.StopEstateRequest, context: Context
    ) -> pb.StopEstateResponse:
        """Undo an opening made in error."""
        estate = await self._estates.stop(
            incoming.to_command(request), request.estate_id, request.reason, request.signature
        )
        return pb.StopEstateResponse(estate=outgoing.from_estate(estate))

    async def GetEstate(
        self, request: pb.GetEstateRequest, context: Context
    ) -> pb.GetEstateResponse:
        """Return the newest estate of a talent."""
        estate = await self._estates.get(request.talent_id)
        return pb.GetEstateResponse(estate=outgoing.from_estate(estate))

    async def CheckSigner(
        self, request: pb.CheckSignerRequest, context: Context
    ) -> pb.CheckSignerResponse:
        """Say with whose key a signature for a talent was made."""
        public_key, party_id = await self._signers.check(
            request.talent_id, incoming.to_act(request.act), request.message, request.signature
        )
        return pb.CheckSignerResponse(public_key=public_key, party_id=party_id)
