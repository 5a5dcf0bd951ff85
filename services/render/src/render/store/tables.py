"""The tables of render, as migrations/ made them."""

from typing import Any

from kit import jobs
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def _columns(kind: type[TypeEngine[Any]] | TypeEngine[Any], *names: str) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


_time = DateTime(timezone=True)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "brand_id", "license_id", "talent_id", "name"),
    *_columns(JSONB, "credits"),
    *_columns(_time, "created_at"),
)
briefs = Table(
    "briefs",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "campaign_id", "twin_version_id"),
    *_columns(JSONB, "products", "shots"),
    *_columns(Text, "sha256", "created_by"),
    *_columns(_time, "created_at"),
)
renders = Table(
    "renders",
    metadata,
    *jobs.columns(),
    *_columns(Text, "start_id", "brief_id", "campaign_id", "license_id", "talent_id", "brand_id"),
    *_columns(Text, "twin_version_id"),
    *_columns(Integer, "shot"),
    *_columns(BigInteger, "seed"),
    Column("prompt", Text, nullable=False, server_default=""),
    *_columns(Text, "grant_token", "consent_id", "consent_receipt_id", "twin_consent_id"),
    *_columns(JSONB, "credits"),
    Column("asset_number", BigInteger, FetchedValue(), nullable=False, unique=True),
    Column("reviewer_id", Text, nullable=False, server_default=""),
    Column("reviewed_at", _time),
    Column("released_at", _time),
)
grants = Table(
    "grants",
    metadata,
    Column("jti", Text, primary_key=True),
    *_columns(Text, "brief_id"),
)
grant_uses = Table(
    "grant_uses",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("render_id", Text, primary_key=True),
)
pictures = Table(
    "pictures",
    metadata,
    Column("render_id", Text, primary_key=True),
    *_columns(Text, "object_key", "object_sha256", "sha256"),
    *_columns(LargeBinary, "fingerprint"),
    *_columns(Text, "rights_digest", "watermark"),
    *_columns(Integer, "width", "height"),
    *_columns(_time, "made_at"),
    Column("keyed_fingerprint", LargeBinary, nullable=False, server_default=""),
    Column("outline", LargeBinary, nullable=False, server_default=""),
)
manifests = Table(
    "manifests",
    metadata,
    Column("render_id", Text, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    *_columns(LargeBinary, "store"),
)
formats = Table(
    "formats",
    metadata,
    Column("render_id", Text, primary_key=True),
    Column("format", Text, primary_key=True),
    Column("asset_number", BigInteger, nullable=False, unique=True),
    *_columns(Text, "object_key", "object_sha256", "sha256"),
    *_columns(LargeBinary, "fingerprint", "keyed_fingerprint", "outline"),
    *_columns(Text, "rights_digest", "watermark"),
    *_columns(Integer, "width", "height"),
    Column("manifest_id", Text, nullable=False, unique=True),
    *_columns(LargeBinary, "store"),
)
erasures = Table(
    "erasures",
    metadata,
    Column("talent_id", Text, primary_key=True),
    Column("erased_at", _time, nullable=False),
    Column("objects_deleted", Integer, nullable=False),
)
