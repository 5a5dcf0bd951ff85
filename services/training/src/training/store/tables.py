"""The tables of training, as migrations/ made them."""

from typing import Any

from kit import jobs
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
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


runs = Table(
    "runs",
    metadata,
    *jobs.columns(),
    *_columns(Text, "talent_id", "capture_set_id", "base", "started_by"),
    *_columns(Text, "consent_id", "consent_receipt_id"),
    *_columns(Integer, "steps", "rank"),
    *_columns(BigInteger, "seed"),
    Column("step", Integer, nullable=False, server_default="0"),
    Column("loss", Double, nullable=False, server_default="0"),
    Column("seconds_left", Double, nullable=False, server_default="0"),
    Column("twin_version_id", Text, nullable=False, server_default=""),
)
twins = Table(
    "twins",
    metadata,
    Column("id", Text, primary_key=True),
    *_columns(Text, "talent_id", "run_id", "capture_set_id", "consent_id", "consent_receipt_id"),
    *_columns(Text, "base", "base_sha256", "dataset_sha256"),
    *_columns(Text, "adapter_object_key", "adapter_sha256", "sheet_object_key", "sheet_sha256"),
    *_columns(Integer, "steps", "faces", "renders"),
    *_columns(Double, "final_loss", "seconds", "own", "nearest_other"),
    *_columns(DateTime(timezone=True), "created_at"),
    Column("disabled_at", DateTime(timezone=True)),
    Column("best_step", Integer, nullable=False, server_default="0"),
    Column("ended", Text, nullable=False, server_default="all steps were taken"),
)
erasures = Table(
    "erasures",
    metadata,
    Column("talent_id", Text, primary_key=True),
    Column("erased_at", DateTime(timezone=True), nullable=False),
    Column("objects_deleted", Integer, nullable=False),
)
fidelity = Table(
    "fidelity",
    metadata,
    Column("twin_version_id", Text, primary_key=True),
    *_columns(Text, "talent_id"),
    *_columns(JSONB, "figures"),
    Column("template_object_key", Text, nullable=False, server_default=""),
    Column("template_sha256", Text, nullable=False, server_default=""),
    *_columns(DateTime(timezone=True), "measured_at"),
)
fidelity_acceptances = Table(
    "fidelity_acceptances",
    metadata,
    Column("twin_version_id", Text, primary_key=True),
    *_columns(Text, "talent_id"),
    *_columns(LargeBinary, "statement", "signature", "public_key"),
    *_columns(DateTime(timezone=True), "signed_at"),
)
