"""How a consent, as identity says it, stands for a license granted under it. Pure."""

from datetime import UTC

from sosia.identity.v1 import consent_pb2

from licensing.domain.decisions import Consent, Standing
from licensing.domain.licenses import ConsentMissing
from licensing.domain.terms import tidy_context

_ACTIVE = consent_pb2.CONSENT_STATE_ACTIVE
_WITHDRAWN = consent_pb2.CONSENT_STATE_WITHDRAWN
_SUPERSEDED = consent_pb2.CONSENT_STATE_SUPERSEDED
_STANDINGS = {
    _ACTIVE: Standing.ACTIVE,
    _SUPERSEDED: Standing.ACTIVE,
    _WITHDRAWN: Standing.WITHDRAWN,
}
_RUN_TO_TERM = consent_pb2.WITHDRAWAL_POLICY_RUN_TO_TERM

Asked = tuple["consent_pb2.Step.ValueType", str]
"""A step identity must still allow, and under which consent; empty: under any of hers."""


def is_asked_again(found: consent_pb2.Consent) -> bool:
    """Tell whether a later consent of the talent's may stand in its place: it is live."""
    return found.state == _ACTIVE and not found.frozen


def steps_to_release(found: consent_pb2.Consent) -> tuple[Asked, ...]:
    """Return what identity must still allow for a picture to be released.

    Raises:
        ConsentMissing: its withdrawal ended the license.
    """
    policy = found.terms.withdrawal_policy
    if found.erased or (found.state == _WITHDRAWN and policy != _RUN_TO_TERM):
        raise ConsentMissing("the consent of this license was withdrawn")
    if found.state in (_WITHDRAWN, _SUPERSEDED):
        return ((consent_pb2.STEP_DELIVERY, found.id),)
    if found.succeeded:
        return ((consent_pb2.STEP_DELIVERY, ""),)
    return ((consent_pb2.STEP_LICENSING, ""), (consent_pb2.STEP_DELIVERY, ""))


def read_consent(found: consent_pb2.Consent) -> Consent:
    """Read what a decision needs of a consent; a superseded one covers delivery alone."""
    if found.frozen:
        return Consent(Standing.FROZEN)
    terms = found.terms
    names = {consent_pb2.Step.Name(step).removeprefix("STEP_") for step in terms.scope}
    if found.state == _SUPERSEDED:
        names &= {"DELIVERY"}
    return Consent(
        _STANDINGS.get(found.state, Standing.MISSING),
        frozenset(name.lower() for name in names),
        terms.starts_at.ToDatetime(tzinfo=UTC),
        terms.ends_at.ToDatetime(tzinfo=UTC),
        found.erased or terms.withdrawal_policy != _RUN_TO_TERM,
        frozenset(map(tidy_context, terms.prohibited_contexts)),
    )
