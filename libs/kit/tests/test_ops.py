"""Secrets in what is logged, and the addresses a process listens on."""

import socket

import httpx
import pytest
from kit.ops import listen, open_ops, redact
from local.process import PORTS, free_port


@pytest.mark.parametrize(
    "secret",
    [
        "sosia_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE",
        "sosia_-_-_YmF6cXV4-m9vYmFy_mF6cXV4Zm9vYmFyYmE",
    ],
)
def test_an_api_key_is_never_logged(secret: str) -> None:
    assert redact(f"key {secret} was sent") == "key *** was sent"


async def test_a_taken_address_is_an_error_that_can_be_caught() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match="in use"):
        async with open_ops(f"127.0.0.1:{port}", {}):
            raise AssertionError("it listens where another does")


async def test_an_address_answers_while_it_is_open_and_is_free_again() -> None:
    port = free_port()
    for _ in range(2):
        async with open_ops(f"127.0.0.1:{port}", {}), httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/livez")
        assert answer.text == "ok\n"


def test_what_is_accepted_sends_at_once() -> None:
    port = free_port()
    with listen(f"127.0.0.1:{port}") as listener:
        caller = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        with caller, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_no_port_is_given_twice_nor_from_those_of_outgoing_connections() -> None:
    given = [free_port() for _ in range(300)]
    assert len(set(given)) == len(given)
    assert set(given) <= set(PORTS)
