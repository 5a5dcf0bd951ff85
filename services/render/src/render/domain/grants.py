"""Grants: licensing's word that some pictures of one twin may be made for one brief.

What is checked here was signed; `render.grants` checks by whom.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.errors import PermissionDenied

LONGEST = timedelta(minutes=10)
_SKEW = timedelta(seconds=30)  # licensing's database may run a little ahead of ours


class GrantInvalid(PermissionDenied):
    """The grant does not allow this render, and no other grant will be asked for."""

    reason = "GRANT_INVALID"


class GrantExpired(PermissionDenied):
    """The grant was good, and its time is over."""

    reason = "GRANT_EXPIRED"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a grant says."""

    jti: str
    issued_at: datetime
    expires_at: datetime
    license_id: str
    twin_version_id: str
    brief_sha256: str
    count: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a render must be allowed."""

    license_id: str
    twin_version_id: str
    brief_sha256: str


@dataclass(frozen=True, slots=True)
class Uses:
    """What a grant was used for: a brief, and renders of it, this one among them."""

    brief_id: str
    renders: int


def check(claims: Claims, wanted: Wanted, *, now: datetime) -> None:
    """Check a grant against a render.

    Raises:
        GrantInvalid: for another license, twin or brief, for no picture, or for too long.
        GrantExpired: all else is right.
    """
    bound = Wanted(claims.license_id, claims.twin_version_id, claims.brief_sha256)
    if bound != wanted:
        raise GrantInvalid("the grant is for something else")
    if claims.count < 1 or not claims.jti:
        raise GrantInvalid("the grant is for no picture")
    if claims.expires_at - claims.issued_at > LONGEST or claims.issued_at > now + _SKEW:
        raise GrantInvalid("the grant's times are not as licensing makes them")
    if now >= claims.expires_at:
        raise GrantExpired("the grant has expired")


def check_uses(claims: Claims, uses: Uses, *, brief_id: str) -> None:
    """Check what a grant is used for, this render included.

    Raises:
        GrantInvalid: it was used for another brief, or for more renders than it counts.
    """
    if uses.brief_id != brief_id:
        raise GrantInvalid("the grant was used for another brief")
    if uses.renders > claims.count:
        raise GrantInvalid(f"the grant is for {claims.count} pictures")
