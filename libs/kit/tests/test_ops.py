"""Secrets in what is logged."""

import pytest
from kit.ops import redact


@pytest.mark.parametrize(
    "secret",
    [
        "sosia_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE",
        "sosia_-_-_YmF6cXV4-m9vYmFy_mF6cXV4Zm9vYmFyYmE",
    ],
)
def test_an_api_key_is_never_logged(secret: str) -> None:
    assert redact(f"key {secret} was sent") == "key *** was sent"
