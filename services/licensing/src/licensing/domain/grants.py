"""Grants: a short permission to make pictures, which a render worker checks without a call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kit import fields

from licensing.domain.licenses import License, check_live, check_unspent

ISSUER = "sosia/licensing"
AUDIENCE = "render"
LONGEST = timedelta(minutes=10)
MOST_PICTURES = 1000


@dataclass(frozen=True, slots=True)
class Work:
    """What pictures are to be made of, from what, and how many."""

    license_id: str
    twin_version_id: str
    brief_sha256: str
    count: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it was issued; times are whole seconds."""

    id: str
    work: Work
    issued_at: datetime
    expires_at: datetime


def check_work(work: Work) -> None:
    """Check what a grant is asked for.

    Raises:
        FieldInvalid: a field is missing or malformed.
    """
    fields.check_id("twn", work.twin_version_id, "twin_version_id", what="a twin version")
    fields.check_sha256(work.brief_sha256, "brief_sha256")
    fields.within(work.count, "count", 1, MOST_PICTURES)


def check_grantable(license: License, *, now: datetime) -> None:
    """Check that pictures may be made. Raises what `check_live` and `check_unspent` raise."""
    check_live(license, now=now)
    check_unspent(license)


def make_grant(grant_id: str, work: Work, *, now: datetime, lasts: timedelta) -> Grant:
    """Return a grant that begins with this second and lasts ten minutes at most."""
    issued_at = now.replace(microsecond=0)
    return Grant(grant_id, work, issued_at, issued_at + min(lasts, LONGEST))


def claims(grant: Grant) -> dict[str, Any]:
    """Return the claims of the token."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": grant.id,
        "iat": int(grant.issued_at.timestamp()),
        "exp": int(grant.expires_at.timestamp()),
        "license_id": grant.work.license_id,
        "twin_version_id": grant.work.twin_version_id,
        "brief_sha256": grant.work.brief_sha256,
        "count": grant.work.count,
    }
