"""Posting a payment: shares, ledger and event, in the caller's transaction."""

from datetime import datetime

from kit import outbox
from kit.db import Tx
from sosia.licensing.v1 import events_pb2

from licensing.domain.ledger import Payees, Payment, share_out
from licensing.domain.money import Money
from licensing.service.stamps import to_money
from licensing.store import ledger as store


async def post(tx: Tx, payment: Payment, payees: Payees, *, now: datetime) -> None:
    """Share a payment, post it and tell of it."""
    gross = payment.gross
    shares = share_out(gross.minor, payees)
    await store.post(tx, payment, shares, now=now)
    told = [
        events_pb2.Share(
            party_id=share.party_id,
            role=share.role,
            amount=to_money(Money(gross.currency, share.amount)),
        )
        for share in shares
    ]
    event = events_pb2.RoyaltyPosted(
        transaction_id=payment.transaction_id,
        kind=str(payment.kind),
        subject_id=payment.subject_id,
        gross=to_money(gross),
        shares=told,
    )
    await outbox.publish(tx, event)
