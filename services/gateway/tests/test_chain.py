"""What a picture's chain shows, apart from the services it comes from."""

from typing import Any

import pytest
from gateway.chain import Payment, Proven
from gateway.parts import part
from kit.errors import NotFound, Unavailable
from sosia.common.v1.money_pb2 import Money
from sosia.identity.v1.receipt_pb2 import Receipt
from sosia.licensing.v1.license_pb2 import Entry


def entry(minor: int, code: str = "EUR") -> Entry:
    return Entry(amount=Money(currency_code=code, amount_minor=minor))


def test_a_whole_payment_is_balanced_and_a_part_of_one_is_not() -> None:
    whole = Payment([entry(-100), entry(66), entry(34), entry(5, "SEK"), entry(-5, "SEK")])
    assert [sum.amount_minor for sum in whole.sums] == [0, 0]
    assert [sum.amount_minor for sum in Payment([entry(66)]).sums] == [66]


def test_a_statement_is_json_or_a_sentence() -> None:
    assert Proven(Receipt(statement=b'{"a": 1}'), "").statement == {"a": 1}
    assert Proven(Receipt(statement=b"revoke:lic_1"), "").statement == "revoke:lic_1"


async def test_what_is_refused_is_left_out_and_a_silent_service_is_not() -> None:
    async def refuse(error: Exception) -> Any:
        raise error

    assert await part(refuse(NotFound("none")), "consent") is None
    with pytest.raises(Unavailable):
        await part(refuse(Unavailable("away")), "consent")
