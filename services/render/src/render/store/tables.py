"""The tables of render, as migrations/ made them."""

from typing import Any

from kit import jobs
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    FetchedValue,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
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
    Column("starts_at", _time),
    Column("ends_at", _time),
)
briefs = Table(
    "briefs",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "campaign_id", "twin_version_id"),
    *_columns(JSONB, "products", "shots"),
    *_columns(Text, "sha256", "created_by"),
    *_columns(_time, "created_at"),
    Column("deadline", _time),
    Column("media", JSONB, nullable=False, server_default="[]"),
    Column("formats", JSONB, nullable=False, server_default="[]"),
)
appointments = Table(
    "appointments",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    *_columns(Text, "license_id", "brand_id", "talent_id", "director_id"),
    *_columns(Boolean, "stands"),
    *_columns(_time, "at"),
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
takes = Table(
    "takes",
    metadata,
    Column("render_id", Text, primary_key=True),
    *_columns(Text, "brief_id"),
    *_columns(Integer, "shot", "number"),
    Column("answers", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    *_columns(JSONB, "made_from"),
    *_columns(Text, "brief_sha256"),
    UniqueConstraint("brief_id", "shot", "number"),
)
take_notes = Table(
    "take_notes",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    *_columns(Text, "render_id", "brief_id", "word"),
    Column("note", Text, nullable=False, server_default=""),
    Column("party_id", Text, nullable=False, server_default=""),
    *_columns(_time, "said_at"),
)
reviews_due = Table(
    "reviews_due",
    metadata,
    Column("render_id", Text, primary_key=True),
    *_columns(_time, "began_at", "due_at"),
    Column("reminded_at", _time),
    Column("lapsed_at", _time),
)
choices = Table(
    "choices",
    metadata,
    Column("brief_id", Text, primary_key=True),
    Column("shot", Integer, primary_key=True),
    Column("render_id", Text, nullable=False, unique=True),
)
brief_references = Table(
    "brief_references",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "brief_id", "title", "credit", "rights"),
    Column("object_key", Text, nullable=False, unique=True),
    *_columns(Text, "sha256"),
    *_columns(Integer, "width", "height"),
    *_columns(Text, "added_by"),
    *_columns(_time, "created_at"),
    Column("talent_id", Text, nullable=False, server_default=""),
    Column("object_sha256", Text, nullable=False, server_default=""),
    Column("product", Integer),
)
reference_removals = Table(
    "reference_removals",
    metadata,
    Column("reference_id", Text, primary_key=True),
    *_columns(Text, "removed_by"),
    *_columns(_time, "removed_at"),
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
    Column("noted_by", BigInteger, FetchedValue(), nullable=False),
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
    Column("noted_by", BigInteger, FetchedValue(), nullable=False),
)
erasures = Table(
    "erasures",
    metadata,
    Column("talent_id", Text, primary_key=True),
    Column("erased_at", _time, nullable=False),
    Column("objects_deleted", Integer, nullable=False),
)
likeness = Table(
    "likeness",
    metadata,
    Column("render_id", Text, primary_key=True),
    *_columns(Text, "talent_id", "twin_version_id", "framing"),
    Column("distance", Double),
    *_columns(Double, "mean", "deviation"),
)
reactions = Table(
    "reactions",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "render_id"),
    *_columns(Date, "day"),
    *_columns(LargeBinary, "address_hash"),
    *_columns(Integer, "score"),
    *_columns(Text, "text"),
    *_columns(_time, "made_at"),
)
claims = Table(
    "claims",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "render_id", "license_id", "talent_id", "brand_id", "place"),
    *_columns(Integer, "number"),
    *_columns(JSONB, "reasons"),
    *_columns(LargeBinary, "license_statement"),
    *_columns(Text, "license_state"),
    *_columns(_time, "opened_at"),
)
claim_steps = Table(
    "claim_steps",
    metadata,
    Column("claim_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    *_columns(Text, "state"),
    *_columns(_time, "at"),
    *_columns(Text, "party_id", "note"),
)
sightings = Table(
    "sightings",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "source", "url"),
    *_columns(_time, "seen_at"),
    *_columns(Text, "media", "territory", "picture_sha256", "verdict"),
    *_columns(JSONB, "layers"),
    Column("render_id", Text),
    *_columns(JSONB, "reasons"),
    Column("claim_id", Text),
    *_columns(Text, "object_key", "object_sha256"),
    *_columns(_time, "noted_at"),
)
