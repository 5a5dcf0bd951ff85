"""What receipts state: which type of statement is of which kind, about whom, and who signs it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_REVOCATION = re.compile(rb"revoke:([a-z0-9_]+)")


@dataclass(frozen=True, slots=True)
class Form:
    """What a type of statement says of a receipt of it.

    Attributes:
        kind: of the receipt.
        subject: the statement's field that holds the receipt's subject, or several of which it is
            one; empty where none does.
        signed: whether it is signed, by the talent or, a certificate, with the log's own key; what
            is not is the house's word alone.
    """

    kind: str
    subject: str
    signed: bool = True


FORMS: Mapping[str, tuple[Form, ...]] = {
    "sosia.consent/1": (
        Form("consent_signed", "consent_id"),
        Form("consent_superseded", "supersedes"),
    ),
    "sosia.consent-withdrawal/1": (
        Form("consent_withdrawn", "consent_id"),
        Form("consent_withdrawn", "also_withdraws"),
    ),
    "sosia.representation/1": (Form("representation_agreed", ""),),
    "sosia.representation-end/1": (Form("representation_ended", "representation_id"),),
    "sosia.license/1": (Form("license_signed", "license_id"),),
    "sosia.license-revocation/1": (Form("license_revoked", "license_id", signed=False),),
    "revoke": (Form("license_revoked", "license_id"),),
    "sosia.approval/1": (Form("approval_decided", "render_id"),),
    "sosia.erasure/1": (Form("erasure_signed", "talent_id"),),
    "sosia.erasure-certificate/1": (Form("talent_erased", "talent_id"),),
    "sosia.license-by-delegate/1": (Form("license_signed", "license_id"),),
    "sosia.approval-by-delegate/1": (Form("approval_decided", "render_id"),),
    "sosia.delegation/1": (Form("delegation_signed", "delegation_id"),),
    "sosia.delegation-revocation/1": (Form("delegation_revoked", "delegation_id"),),
    "sosia.succession/1": (Form("succession_signed", "succession_id"),),
    "sosia.estate/1": (Form("estate_opened", "estate_id"),),
    "sosia.estate-acceptance/1": (Form("estate_accepted", "estate_id"),),
    "sosia.estate-settled/1": (Form("estate_settled", "estate_id"),),
    "sosia.estate-objection/1": (Form("estate_stopped", "estate_id"),),
    "sosia.estate-stopped/1": (Form("estate_stopped", "estate_id"),),
    "sosia.key/1": (Form("key_added", "key_id"),),
    "sosia.key-removal/1": (Form("key_removed", "key_id"),),
    "sosia.recovery/1": (Form("recovery_started", "recovery_id"),),
    "sosia.recovery-stop/1": (Form("recovery_stopped", "recovery_id"),),
    "sosia.recovery-completion/1": (Form("recovery_completed", "recovery_id"),),
}
"""By the type a statement names, the receipts there are of it. A type that is not here is proven to
be in the log and signed, but what its receipt says of it, kind and subject, is not checked."""


def read(statement: bytes) -> dict[str, Any] | None:
    """Return what a statement says, None if it is none.

    It is one JSON object with a `type`, or the sentence "revoke:<license id>". A leaf covers
    statement, signature and key as one run of bytes, so this is what keeps the end of the
    statement from being moved over the signature.
    """
    if sentence := _REVOCATION.fullmatch(statement):
        return {"type": "revoke", "license_id": sentence[1].decode()}
    try:
        found = json.loads(
            statement.decode(), object_pairs_hook=unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("type"), str) else None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless a name stands in it twice: readers differ on which one counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
