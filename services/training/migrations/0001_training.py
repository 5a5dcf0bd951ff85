"""Training runs and the twin versions they made."""

from alembic import op
from kit.migrate import KIT_TABLES

revision = "0001"
down_revision = None

_RUNS = """
    CREATE TABLE runs (
        id                  text PRIMARY KEY,
        state               text NOT NULL
                            CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
        attempt             integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
        lease_ends_at       timestamptz,
        reason              text NOT NULL DEFAULT '',
        created_at          timestamptz NOT NULL DEFAULT now(),
        talent_id           text NOT NULL,
        capture_set_id      text NOT NULL,
        base                text NOT NULL CHECK (base <> ''),
        started_by          text NOT NULL,
        consent_id          text NOT NULL CHECK (consent_id <> ''),
        consent_receipt_id  text NOT NULL CHECK (consent_receipt_id <> ''),
        steps               integer NOT NULL CHECK (steps BETWEEN 1 AND 20000),
        rank                integer NOT NULL CHECK (rank BETWEEN 1 AND 128),
        seed                bigint NOT NULL CHECK (seed >= 0),
        step                integer NOT NULL DEFAULT 0 CHECK (step BETWEEN 0 AND steps),
        loss                double precision NOT NULL DEFAULT 0,
        seconds_left        double precision NOT NULL DEFAULT 0,
        twin_version_id     text NOT NULL DEFAULT '',
        CHECK ((state = 'running') = (lease_ends_at IS NOT NULL)),
        CHECK ((state = 'done') = (twin_version_id <> '')),
        CHECK ((state IN ('failed', 'cancelled')) = (reason <> ''))
    );
    CREATE INDEX runs_open ON runs (created_at) WHERE state IN ('queued', 'running');
    CREATE INDEX runs_consent ON runs (consent_id)
"""
_TWINS = """
    CREATE TABLE twins (
        id                  text PRIMARY KEY,
        talent_id           text NOT NULL,
        run_id              text NOT NULL UNIQUE REFERENCES runs,
        capture_set_id      text NOT NULL,
        consent_id          text NOT NULL CHECK (consent_id <> ''),
        consent_receipt_id  text NOT NULL CHECK (consent_receipt_id <> ''),
        base                text NOT NULL,
        base_sha256         text NOT NULL CHECK (base_sha256 ~ '^[0-9a-f]{64}$'),
        dataset_sha256      text NOT NULL CHECK (dataset_sha256 ~ '^[0-9a-f]{64}$'),
        adapter_object_key  text NOT NULL UNIQUE,
        adapter_sha256      text NOT NULL CHECK (adapter_sha256 ~ '^[0-9a-f]{64}$'),
        sheet_object_key    text NOT NULL UNIQUE,
        sheet_sha256        text NOT NULL CHECK (sheet_sha256 ~ '^[0-9a-f]{64}$'),
        steps               integer NOT NULL CHECK (steps > 0),
        faces               integer NOT NULL CHECK (faces BETWEEN 0 AND renders),
        renders             integer NOT NULL,
        final_loss          double precision NOT NULL,
        seconds             double precision NOT NULL CHECK (seconds >= 0),
        own                 double precision NOT NULL CHECK (own >= 0),
        nearest_other       double precision NOT NULL CHECK (nearest_other >= 0),
        created_at          timestamptz NOT NULL,
        disabled_at         timestamptz
    );
    CREATE INDEX twins_talent ON twins (talent_id, created_at);
    CREATE INDEX twins_consent ON twins (consent_id)
"""


def upgrade() -> None:
    """Make the tables."""
    for statements in (KIT_TABLES, _RUNS, _TWINS):
        for statement in statements.split(";"):
            op.execute(statement)
