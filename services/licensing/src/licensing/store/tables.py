"""The tables of licensing, as migrations/ made them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE
from sqlalchemy.types import NullType, TypeEngine

metadata = MetaData()


def _columns(kind: type[TypeEngine[Any]] | TypeEngine[Any], *names: str) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


def _times(*names: str, nullable: bool = False) -> list[Column[Any]]:
    return [Column(name, DateTime(timezone=True), nullable=nullable) for name in names]


def _id() -> Column[Any]:
    return Column("id", Text, primary_key=True)


def _terms() -> list[Column[Any]]:
    return [
        *_columns(Text, "brand_id", "talent_id", "purpose", "category", "currency_code"),
        *_columns(Boolean, "exclusive", "approval_required"),
        *_columns(Integer, "image_cap", "crew_pool_bp"),
        *_columns(BigInteger, "per_image_minor"),
        *_columns(JSONB, "uses", "prohibited_contexts"),
        *_times("created_at"),
    ]


talents = Table("talents", metadata, _id())
rate_cards = Table(
    "rate_cards",
    metadata,
    _id(),
    *_columns(Text, "talent_id", "currency_code"),
    *_columns(BigInteger, "day_rate_minor", "per_image_minor", "floor_minor"),
    *_columns(JSONB, "media", "territories", "terms"),
    *_columns(Integer, "exclusivity_bp", "crew_pool_bp"),
    *_times("created_at"),
)
quotes = Table(
    "quotes",
    metadata,
    _id(),
    *_columns(Text, "rate_card_id"),
    *_columns(JSONB, "lines"),
    *_columns(BigInteger, "total_minor"),
    *_times("valid_until"),
    *_terms(),
)
licenses = Table(
    "licenses",
    metadata,
    _id(),
    *_columns(Text, "quote_id", "state"),
    *_columns(LargeBinary, "statement"),
    *_columns(BigInteger, "fee_minor"),
    *_columns(Integer, "images_used"),
    *_times("signed_at", "accepted_at", nullable=True),
    *_columns(Text, "consent_id", "offered_by", "answers", "renews", "delegation_id"),
    *_times("ends_at"),
    *_terms(),
)
license_changes = Table(
    "license_changes",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    *_columns(Text, "license_id", "state", "party_id", "note"),
    *_times("at"),
)
reservations = Table(
    "reservations",
    metadata,
    Column("license_id", Text, primary_key=True),
    *_columns(Text, "talent_id", "brand_id"),
    *_columns(NullType(), "categories"),
    Column("territory", Text, primary_key=True),
    Column("term", TSTZRANGE, primary_key=True),
    *_columns(Boolean, "exclusive"),
)
withdrawn_consents = Table(
    "withdrawn_consents",
    metadata,
    Column("consent_id", Text, primary_key=True),
    *_columns(Text, "talent_id", "policy"),
    *_times("seen_at"),
)
ended_delegations = Table(
    "ended_delegations",
    metadata,
    Column("delegation_id", Text, primary_key=True),
    *_columns(Text, "talent_id"),
    *_times("ended_at", "seen_at"),
)
estates = Table(
    "estates",
    metadata,
    Column("estate_id", Text, primary_key=True),
    *_columns(Text, "talent_id", "state"),
    *_times("frozen_at"),
)
grants = Table(
    "grants",
    metadata,
    _id(),
    *_columns(Text, "license_id", "twin_version_id", "brief_sha256", "issued_by"),
    *_columns(Integer, "count"),
    *_times("issued_at", "expires_at"),
)
approvals = Table(
    "approvals",
    metadata,
    _id(),
    *_columns(Text, "license_id", "talent_id", "render_id", "picture_sha256", "state", "reason"),
    *_columns(LargeBinary, "approve_statement", "refuse_statement"),
    *_times("created_at", "deadline"),
    *_times("decided_at", "reminded_at", "lapsed_at", nullable=True),
)
transactions = Table(
    "transactions",
    metadata,
    _id(),
    *_columns(Text, "kind", "subject_id", "brand_id", "currency_code"),
    *_columns(BigInteger, "gross_minor"),
    *_times("posted_at"),
)
entries = Table(
    "entries",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    *_columns(Text, "id", "transaction_id", "account", "party_id", "role", "currency_code"),
    *_columns(BigInteger, "amount_minor"),
)
releases = Table(
    "releases",
    metadata,
    Column("render_id", Text, primary_key=True),
    *_columns(Text, "license_id", "picture_sha256", "transaction_id"),
    *_times("released_at"),
)
