"""What a talent signs to give a consent and to withdraw it, as plain values but for times."""

from collections.abc import Sequence
from typing import Any

from identity.domain.consents import Consent, State, Terms
from identity.domain.texts import Written


def consent(consent_id: str, terms: Terms, text: Written, *, supersedes: str) -> dict[str, Any]:
    """Return what she signs to give a consent: every term, and the text she read."""
    return {
        "type": "sosia.consent/1",
        "consent_id": consent_id,
        "talent_id": terms.talent_id,
        "scope": [str(step) for step in terms.scope],
        "purpose": terms.purpose,
        "rate_of_pay": {
            "amount_minor": terms.amount_minor,
            "currency_code": terms.currency_code,
        },
        "rate_basis": terms.rate_basis,
        "starts_at": terms.starts_at,
        "ends_at": terms.ends_at,
        "uses": terms.uses,
        "language": terms.language,
        "text_version": text.version,
        "text_sha256": text.sha256,
        "advice": str(terms.advice),
        "withdrawal_policy": str(terms.withdrawal_policy),
        "prohibited_contexts": list(terms.prohibited_contexts),
        "supersedes": supersedes,
    }


def withdrawal(consent_id: str, terms: Terms, superseded: Sequence[Consent]) -> dict[str, Any]:
    """Return what she signs to withdraw it, and with it what it and those before superseded."""
    return {
        "type": "sosia.consent-withdrawal/1",
        "consent_id": consent_id,
        "talent_id": terms.talent_id,
        "withdrawal_policy": str(terms.withdrawal_policy),
        "also_withdraws": [
            {"consent_id": one.id, "withdrawal_policy": str(one.terms.withdrawal_policy)}
            for one in superseded
            if one.state is not State.WITHDRAWN
        ],
    }
