"""Times and amounts in the messages licensing publishes and answers with."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sosia.common.v1 import money_pb2

from licensing.domain.money import Money


def to_stamp(value: datetime) -> Timestamp:
    """Write a time."""
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp


def to_money(amount: Money) -> money_pb2.Money:
    """Write an amount."""
    return money_pb2.Money(currency_code=amount.currency, amount_minor=amount.minor)
