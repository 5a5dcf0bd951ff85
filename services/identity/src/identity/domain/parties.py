"""Parties, their keys, and what the law of a place says of agencies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from kit import fields
from kit.errors import FieldInvalid, InvalidArgument, NotFound, PermissionDenied, Unauthenticated

from identity.domain.signing_keys import NewKey

ADULT_YEARS = 18
_MOST_YEARS = 120
_SIGN_BIT = 0x80

# Ed25519 points of small order, sign bit cleared: with one of them as public key, anybody can
# make a signature that verifies. Source: RFC 8032 curve; Bernstein et al., "Faster batch
# forgery identification", and the same list in libsodium's ge25519_has_small_order.
_SMALL_ORDER = {
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
}


class PartyNotFound(NotFound):
    """No such party."""

    reason = "PARTY_NOT_FOUND"


class ApiKeyUnknown(Unauthenticated):
    """The API key is nobody's."""

    reason = "API_KEY_UNKNOWN"


class SignatureInvalid(PermissionDenied):
    """A signature was not made with a key of the party."""

    reason = "SIGNATURE_INVALID"
    field = "signature"


class TalentUnderAge(InvalidArgument):
    """A talent must be of age."""

    reason = "TALENT_UNDER_AGE"
    field = "birth_date"


class Kind(StrEnum):
    """What a party is."""

    TALENT = "talent"
    AGENCY = "agency"
    BRAND = "brand"
    CREW = "crew"
    STAFF = "staff"
    SUCCESSOR = "successor"
    """Somebody named to act for a talent who died."""


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a company that can act."""

    id: str
    kind: Kind
    name: str
    public_name: str
    synthetic: bool
    created_at: datetime
    public_keys: tuple[bytes, ...] = ()
    person_key_at: datetime | None = None
    """When the person's encryption key was made; only a talent has one."""


@dataclass(frozen=True, slots=True)
class NewParty:
    """What is said of a party when it is registered."""

    kind: Kind
    name: str
    public_name: str
    public_key: bytes
    birth_date: str
    synthetic: bool
    passkey: NewKey | None = None
    """Made before staff, in place of `public_key` or beside it."""


@dataclass(frozen=True, slots=True)
class Jurisdictions:
    """What the law of a place says about agencies; data, not code."""

    longest_representation_years: int
    longest_delegation_days: int
    commission_caps_bp: Mapping[str, int]
    """By ISO 3166 code; a code that is not here has no cap."""
    agencies_sign_licenses: Sequence[str]
    """Where a talent may let her agency sign licenses in her name (Sweden: Contracts Act 1915:218,
    chapter 2); anywhere else only she signs. Consents are signed by nobody but her anywhere."""


def check_party(new: NewParty, *, now: datetime) -> NewParty:
    """Return `new` with its names tidied.

    Raises:
        FieldInvalid: a name, the key or the birth date is missing or malformed.
        TalentUnderAge: a talent is younger than 18 today.
    """
    name = fields.text(new.name, "name", longest=120)
    public_name = fields.text(new.public_name or name, "public_name", longest=120)
    if new.kind is Kind.TALENT:
        _check_age(new.birth_date, now.date())
        if not new.public_key and new.passkey is None:
            raise FieldInvalid("public_key", "a talent must register her own key")
    if new.kind is Kind.SUCCESSOR and not new.public_key:
        raise FieldInvalid("public_key", "a successor must register their own key")
    if new.public_key:
        check_public_key(new.public_key)
    return replace(new, name=name, public_name=public_name)


def check_public_key(key: bytes) -> None:
    """Check a raw Ed25519 public key.

    Raises:
        FieldInvalid: not 32 bytes, or a key with which anybody's signature would verify.
    """
    if len(key) != 32:
        raise FieldInvalid("public_key", "must be a raw Ed25519 key of 32 bytes")
    if key[:31] + bytes([key[31] & ~_SIGN_BIT]) in _SMALL_ORDER:
        raise FieldInvalid("public_key", "must not be a point of small order")


def _check_age(birth_date: str, today: date) -> None:
    rule = 'must be a date as "YYYY-MM-DD"; a talent must say when she was born'
    if len(birth_date) != 10:
        raise FieldInvalid("birth_date", rule)
    try:
        born = date.fromisoformat(birth_date)
    except ValueError as error:
        raise FieldInvalid("birth_date", rule) from error
    if born > today or today.year - born.year > _MOST_YEARS:
        raise FieldInvalid("birth_date", "must be a living person's")
    if age(born, today) < ADULT_YEARS:
        raise TalentUnderAge(f"a talent must be at least {ADULT_YEARS}", years=ADULT_YEARS)


def age(born: date, today: date) -> int:
    """Return full years; born on 29 February, a year is full on 1 March."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
