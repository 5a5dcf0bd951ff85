"""The tables of identity, as migrations/ made them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def _column(name: str, kind: type[TypeEngine[Any]] | TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _text(*names: str) -> list[Column[Any]]:
    return [_column(name, Text) for name in names]


def _time(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _id() -> Column[Any]:
    return Column("id", Text, primary_key=True)


parties = Table(
    "parties",
    metadata,
    _id(),
    *_text("kind", "name", "public_name"),
    _column("synthetic", Boolean),
    _time("created_at"),
    _time("person_key_at", nullable=True),
)
party_keys = Table(
    "party_keys",
    metadata,
    Column("public_key", LargeBinary, primary_key=True),
    *_text("id", "party_id", "kind", "state", "name", "rp_id", "origin"),
    Column("credential_id", LargeBinary, nullable=True),
    _column("sign_count", BigInteger),
    _time("added_at"),
    _time("used_at", nullable=True),
    _time("removed_at", nullable=True),
)
key_offers = Table(
    "key_offers",
    metadata,
    Column("challenge", LargeBinary, primary_key=True),
    *_text("purpose", "party_id"),
    _time("ends_at"),
)
verified_signatures = Table(
    "verified_signatures",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_text("party_id"),
    _column("public_key", LargeBinary),
    _time("verified_at"),
)
recoveries = Table(
    "recoveries",
    metadata,
    _id(),
    *_text("party_id", "state", "reason", "started_by", "key_id", "receipt_id", "end_receipt_id"),
    *_text("asked_by"),
    *(_column(name, ARRAY(Text)) for name in ("lost_key_ids", "told_party_ids")),
    _time("started_at"),
    _time("ready_at"),
    _time("ended_at", nullable=True),
)
api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    *_text("party_id", "origin"),
    _column("key_sha256", LargeBinary),
    _time("created_at"),
)
representations = Table(
    "representations",
    metadata,
    _id(),
    *_text("agency_id", "talent_id", "jurisdiction"),
    _column("commission_bp", Integer),
    _time("starts_at"),
    _time("ends_at"),
    _time("agreed_at"),
)
representation_offers = Table(
    "representation_offers",
    metadata,
    _id(),
    *_text("agency_id", "talent_id", "jurisdiction", "proposed_by"),
    _column("commission_bp", Integer),
    _time("starts_at"),
    _time("ends_at"),
    _time("proposed_at"),
)
representation_ends = Table(
    "representation_ends",
    metadata,
    Column("representation_id", Text, primary_key=True),
    *_text("ended_by"),
    _time("ended_at"),
)
consents = Table(
    "consents",
    metadata,
    _id(),
    *_text("state", "talent_id", "purpose", "currency_code", "rate_basis", "uses", "language"),
    *_text("advice", "withdrawal_policy", "proposed_by", "receipt_id"),
    *_text("text", "supersedes", "superseded_by"),
    _column("text_version", Integer),
    _column("scope", ARRAY(Text)),
    _column("prohibited_contexts", ARRAY(Text)),
    _column("amount_minor", BigInteger),
    _column("statement", LargeBinary),
    _column("withdrawal_statement", LargeBinary),
    _time("starts_at"),
    _time("ends_at"),
    _time("proposed_at"),
    _time("signed_at", nullable=True),
    _time("superseded_at", nullable=True),
    _time("withdrawn_at", nullable=True),
)
receipts = Table(
    "receipts",
    metadata,
    _id(),
    *_text("kind", "subject_id", "talent_id", "license_id"),
    _column("party_ids", ARRAY(Text)),
    _column("statement", LargeBinary),
    _column("signature", LargeBinary),
    _column("public_key", LargeBinary),
    _column("salt", LargeBinary),
    _column("leaf_index", BigInteger),
    _time("issued_at"),
)
log_head = Table(
    "log_head", metadata, Column("id", Boolean, primary_key=True), _column("size", BigInteger)
)
log_nodes = Table(
    "log_nodes",
    metadata,
    Column("level", SmallInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    _column("hash", LargeBinary),
)
capture_sets = Table(
    "capture_sets",
    metadata,
    _id(),
    *_text("talent_id", "state", "opened_by"),
    _column("marks", JSONB),
    _column("credits", JSONB),
    _time("created_at"),
    Column("report", JSONB(none_as_null=True), nullable=True),
)
photos = Table(
    "photos",
    metadata,
    _id(),
    *_text("capture_set_id", "filename", "framing", "lighting", "pose", "caption"),
    *_text("object_key", "sha256", "face_key", "face_sha256"),
    *(Column(name, Double, nullable=True) for name in ("luminance", "shadows", "highlights")),
    _column("marks", JSONB),
    *(_column(name, Double) for name in ("yaw", "pitch", "sharpness")),
    *(_column(name, Integer) for name in ("width", "height", "faces")),
    _column("perceptual_hash", LargeBinary),
    _time("added_at"),
)
uploads = Table(
    "uploads",
    metadata,
    _id(),
    Column("capture_set_id", Text, ForeignKey("capture_sets.id"), nullable=False),
    *_text("filename", "kind", "sha256", "state", "photo_id", "opened_by"),
    _column("facts", JSONB),
    *(_column(name, BigInteger) for name in ("length", "received")),
    _column("parts", Integer),
    Column("fault", JSONB(none_as_null=True), nullable=True),
    *(_time(name) for name in ("created_at", "expires_at")),
    Column("cleared", Boolean, nullable=False, default=False),
)
upload_parts = Table(
    "upload_parts",
    metadata,
    Column("upload_id", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    _column("length", BigInteger),
    *_text("object_key", "sha256"),
)
erasures = Table(
    "erasures",
    metadata,
    Column("talent_id", Text, primary_key=True),
    *_text("state", "receipt_id", "certificate_receipt_id"),
    *(_column(name, LargeBinary) for name in ("statement", "signature", "public_key")),
    _column("consents", ARRAY(Text)),
    _column("objects", JSONB),
    _time("asked_at"),
    _time("certified_at", nullable=True),
)
delegations = Table(
    "delegations",
    metadata,
    _id(),
    *_text("talent_id", "agency_id", "state", "currency_code", "proposed_by", "receipt_id"),
    *(_column(name, Integer) for name in ("version", "longest_term_days")),
    *(_column(name, ARRAY(Text)) for name in ("acts", "brand_ids", "categories")),
    _column("floor_minor", BigInteger),
    _column("exclusive", Boolean),
    _column("agency_keys", ARRAY(LargeBinary)),
    *(_column(name, LargeBinary) for name in ("statement", "revocation_statement")),
    *(_time(name) for name in ("starts_at", "ends_at", "proposed_at")),
    *(_time(name, nullable=True) for name in ("signed_at", "ended_at")),
)
successions = Table(
    "successions",
    metadata,
    _id(),
    *_text("talent_id", "state", "receipt_id"),
    _column("version", Integer),
    _column("successor_ids", ARRAY(Text)),
    _column("statement", LargeBinary),
    _time("proposed_at"),
    *(_time(name, nullable=True) for name in ("signed_at", "ended_at")),
)
estates = Table(
    "estates",
    metadata,
    _id(),
    *_text("talent_id", "state", "evidence", "evidence_sha256", "opened_by", "receipt_id"),
    *_text("stop_reason", "succession_id"),
    _column("died_on", Date),
    _column("told", ARRAY(Text)),
    *(_column(name, LargeBinary) for name in ("statement", "objection_statement")),
    *(_time(name) for name in ("opened_at", "waits_until")),
    *(_time(name, nullable=True) for name in ("settled_at", "stopped_at")),
)
estate_successors = Table(
    "estate_successors",
    metadata,
    Column("estate_id", Text, primary_key=True),
    Column("party_id", Text, primary_key=True),
    _column("public_keys", ARRAY(LargeBinary)),
    _column("statement", LargeBinary),
    _time("accepted_at", nullable=True),
    *_text("receipt_id"),
)
cosigned_heads = Table(
    "cosigned_heads",
    metadata,
    Column("witness", Text, primary_key=True),
    _column("size", BigInteger),
    *_text("checkpoint"),
    _time("cosigned_at"),
)
