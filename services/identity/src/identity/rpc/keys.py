"""The part of the servicer that is about keys parties sign with."""

import secrets
from typing import Any

import grpc
from sosia.identity.v1 import identity_service_pb2 as pb
from sosia.identity.v1 import identity_service_pb2_grpc, key_pb2

from identity.domain import recoveries as recoveries_domain
from identity.domain import signing_keys as keys_domain
from identity.domain.recoveries import Asked, Recovery
from identity.domain.signing_keys import SigningKey
from identity.rpc import incoming, outgoing
from identity.service.recoveries import Recoveries
from identity.service.signing_keys import Offer, SigningKeys
from identity.signing.statements import canonical

Context = grpc.aio.ServicerContext[Any, Any]


class KeysServicer(identity_service_pb2_grpc.IdentityServiceServicer):
    """Keys, recoveries and signing in; errors are in the contract."""

    def __init__(self, keys: SigningKeys, recoveries: Recoveries) -> None:
        self._keys = keys
        self._recoveries = recoveries

    async def OfferKey(self, request: pb.OfferKeyRequest, context: Context) -> pb.OfferKeyResponse:
        """Say what a browser needs to make a passkey."""
        return pb.OfferKeyResponse(offer=_from_offer(await self._keys.offer(request.party_id)))

    async def AddKey(self, request: pb.AddKeyRequest, context: Context) -> pb.AddKeyResponse:
        """Note a key somebody wants to sign with."""
        key = await self._keys.add(
            incoming.to_command(request), request.party_id, incoming.to_new_key(request)
        )
        return pb.AddKeyResponse(key=from_key(key))

    async def ConfirmKey(
        self, request: pb.ConfirmKeyRequest, context: Context
    ) -> pb.ConfirmKeyResponse:
        """Let a key sign."""
        key = await self._keys.confirm(
            incoming.to_command(request), request.key_id, request.signature
        )
        return pb.ConfirmKeyResponse(key=from_key(key))

    async def RemoveKey(
        self, request: pb.RemoveKeyRequest, context: Context
    ) -> pb.RemoveKeyResponse:
        """End a key for good."""
        key = await self._keys.remove(
            incoming.to_command(request), request.key_id, request.signature
        )
        return pb.RemoveKeyResponse(key=from_key(key))

    async def ListKeys(self, request: pb.ListKeysRequest, context: Context) -> pb.ListKeysResponse:
        """Return a party's keys and recoveries."""
        keys, recoveries = await self._keys.find(request.party_id)
        return pb.ListKeysResponse(
            keys=map(from_key, keys), recoveries=map(from_recovery, recoveries)
        )

    async def StartRecovery(
        self, request: pb.StartRecoveryRequest, context: Context
    ) -> pb.StartRecoveryResponse:
        """Begin to replace lost keys."""
        recovery = await self._recoveries.start(
            incoming.to_command(request),
            Asked(
                request.party_id,
                request.reason,
                request.asked_by,
                request.key_id,
                tuple(request.lost_key_ids),
            ),
        )
        return pb.StartRecoveryResponse(recovery=from_recovery(recovery))

    async def StopRecovery(
        self, request: pb.StopRecoveryRequest, context: Context
    ) -> pb.StopRecoveryResponse:
        """Stop a recovery."""
        recovery = await self._recoveries.stop(
            incoming.to_command(request), request.recovery_id, request.signature
        )
        return pb.StopRecoveryResponse(recovery=from_recovery(recovery))

    async def ListRecoveries(
        self, request: pb.ListRecoveriesRequest, context: Context
    ) -> pb.ListRecoveriesResponse:
        """Return the recoveries the caller may know of."""
        found = await self._recoveries.find()
        return pb.ListRecoveriesResponse(recoveries=map(from_recovery, found))

    async def GetRecovery(
        self, request: pb.GetRecoveryRequest, context: Context
    ) -> pb.GetRecoveryResponse:
        """Return a recovery."""
        recovery = await self._recoveries.get(request.recovery_id)
        return pb.GetRecoveryResponse(recovery=from_recovery(recovery))

    async def OfferSignIn(
        self, request: pb.OfferSignInRequest, context: Context
    ) -> pb.OfferSignInResponse:
        """Say what a passkey signs so that its owner is signed in."""
        statement, ends_at = await self._keys.offer_sign_in()
        return pb.OfferSignInResponse(statement=statement, expires_at=outgoing.from_time(ends_at))

    async def SignIn(self, request: pb.SignInRequest, context: Context) -> pb.SignInResponse:
        """Say whose passkey signed an offer."""
        party = await self._keys.sign_in(request.statement, request.signature)
        return pb.SignInResponse(party=outgoing.from_party(party))


def from_key(key: SigningKey) -> key_pb2.SigningKey:
    """Write a key, with what is signed to let it sign and to remove it."""
    return key_pb2.SigningKey(
        id=key.id,
        party_id=key.party_id,
        kind=key_pb2.KeyKind.Value(f"KEY_KIND_{key.kind.name}"),
        state=key_pb2.KeyState.Value(f"KEY_STATE_{key.state.name}"),
        name=key.name,
        public_key=key.public_key,
        credential_id=key.credential_id or b"",
        statement=canonical(keys_domain.addition(key)),
        removal_statement=canonical(keys_domain.removal(key)),
        added_at=outgoing.from_time(key.added_at),
        removed_at=outgoing.from_optional(key.removed_at),
        used_at=outgoing.from_optional(key.used_at),
    )


def from_recovery(recovery: Recovery) -> key_pb2.Recovery:
    """Write a recovery, with what is signed to stop it."""
    return key_pb2.Recovery(
        id=recovery.id,
        party_id=recovery.party_id,
        state=key_pb2.RecoveryState.Value(f"RECOVERY_STATE_{recovery.state.name}"),
        reason=recovery.reason,
        asked_by=recovery.asked_by,
        started_by=recovery.started_by,
        started_at=outgoing.from_time(recovery.started_at),
        ready_at=outgoing.from_time(recovery.ready_at),
        key_id=recovery.key_id,
        lost_key_ids=recovery.lost_key_ids,
        told_party_ids=recovery.told_party_ids,
        stop_statement=canonical(recoveries_domain.stop(recovery)),
        receipt_id=recovery.receipt_id,
        end_receipt_id=recovery.end_receipt_id,
        ended_at=outgoing.from_optional(recovery.ended_at),
    )


def _from_offer(offer: Offer) -> key_pb2.KeyOffer:
    """Write an offer; the user handle is new each time, so that it names nobody."""
    return key_pb2.KeyOffer(
        statement=offer.statement,
        rp_id=offer.place.rp_id,
        user_id=secrets.token_bytes(32),
        user_name=offer.user_name,
        exclude=offer.exclude,
        expires_at=outgoing.from_time(offer.ends_at),
    )
