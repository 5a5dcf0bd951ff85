"""consent: read a consent, then give or withdraw it with an Ed25519 key, over the public API.

What is signed is checked before: it must be of this consent and of the text that was shown.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from uploads import open_client

from identity.uploading import read_api_key

_YES = "yes"


class NotSigned(Exception):
    """Nothing was signed; the message says why."""


async def run(arguments: list[str], ask: Callable[[str], str] = input) -> int:
    """Show a consent and sign it; return 0 when it was taken, 1 when the word was another than
    yes or the house refused, 2 when nothing could be signed."""
    given = _parser().parse_args(arguments)
    try:
        key = _load(given.key)
        async with open_client(given.url, read_api_key(given.key_file)) as client:
            consent = await _get(client, given.consent)
            statement = check(consent, given.consent, withdraw=given.withdraw)
            _show(consent, statement, withdraw=given.withdraw)
            deed = "withdraw" if given.withdraw else "sign"
            if not given.yes and ask(f'Type "{_YES}" to {deed}: ').strip() != _YES:
                print("nothing was signed")
                return 1
            return await _send(client, given.consent, deed, key.sign(statement))
    except (NotSigned, OSError, httpx.HTTPError) as error:
        print(error, file=sys.stderr)
        return 2


def _load(path: Path) -> Ed25519PrivateKey:
    """Read a private key. Raises NotSigned, OSError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotSigned(f"--key {path}: no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NotSigned(f"--key {path}: must be an Ed25519 key")
    return key


async def _get(client: httpx.AsyncClient, consent_id: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/consents/{consent_id}")
    if not answer.is_success:
        raise NotSigned(f"no consent {consent_id}: {_why(answer)}")
    consent: dict[str, Any] = answer.json()["consent"]
    return consent


def check(consent: dict[str, Any], consent_id: str, *, withdraw: bool) -> bytes:
    """Return the bytes to sign, if they say what is shown.

    Raises:
        NotSigned: they are of another consent, of another kind, or of another text.
    """
    name = "withdrawal_statement" if withdraw else "statement"
    statement = base64.b64decode(consent[name])
    said = json.loads(statement)
    kind = "sosia.consent-withdrawal/1" if withdraw else "sosia.consent/1"
    if (said.get("type"), said.get("consent_id")) != (kind, consent_id):
        raise NotSigned(f"{name}: must be {kind} of {consent_id}; it is not signed")
    shown = hashlib.sha256(consent["text"].encode()).hexdigest()
    if not withdraw and said.get("text_sha256") != shown:
        raise NotSigned("text: is not the one the statement names; it is not signed")
    return statement


def _show(consent: dict[str, Any], statement: bytes, *, withdraw: bool) -> None:
    print(consent["text"].rstrip())
    print("\nWhat is signed" + (" to withdraw it:" if withdraw else ":"))
    print(statement.decode() + "\n")


async def _send(client: httpx.AsyncClient, consent_id: str, deed: str, signature: bytes) -> int:
    body = {"signature": base64.b64encode(signature).decode()}
    headers = {"Idempotency-Key": f"{deed}-{hashlib.sha256(signature).hexdigest()}"}
    answer = await client.post(f"/v1/consents/{consent_id}/{deed}", json=body, headers=headers)
    if not answer.is_success:
        print(f"not taken: {_why(answer)}", file=sys.stderr)
        return 1
    consent = answer.json()["consent"]
    print(f"{consent_id}: {consent['state']}, receipt {consent['receipt_id']}")
    return 0


def _why(answer: httpx.Response) -> str:
    """Return what the house said of a refusal."""
    try:
        said = answer.json()
    except ValueError:
        return f"{answer.status_code}"
    return f"{said.get('detail', said.get('title', ''))} ({said.get('reason', answer.status_code)})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m identity consent",
        description="Read a consent and give it, or withdraw it, with your own Ed25519 key.",
    )
    parser.add_argument("consent", help="its id, con_...")
    parser.add_argument("--key", required=True, type=Path, help="your private key, PEM")
    parser.add_argument("--url", required=True, help="where the gateway answers, http://host:port")
    parser.add_argument("--key-file", type=Path, help="API key; else SOSIA_API_KEY has it")
    parser.add_argument("--withdraw", action="store_true", help="withdraw it instead")
    parser.add_argument("--yes", action="store_true", help="do not ask: it was read before")
    return parser
