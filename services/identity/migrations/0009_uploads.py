"""Files on their way into a capture set, and the parts that have come."""

from alembic import op

revision = "0009"
down_revision = "0008"


_UPLOADS = """
    CREATE TABLE uploads (
        id              text PRIMARY KEY,
        capture_set_id  text NOT NULL REFERENCES capture_sets,
        filename        text NOT NULL CHECK (filename <> ''),
        kind            text NOT NULL CHECK (kind = 'photo'),
        facts           jsonb NOT NULL,
        length          bigint NOT NULL CHECK (length > 0),
        sha256          text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        received        bigint NOT NULL CHECK (received BETWEEN 0 AND length),
        parts           integer NOT NULL CHECK (parts >= 0),
        state           text NOT NULL CHECK (state IN ('open', 'done', 'failed')),
        photo_id        text NOT NULL,
        fault           jsonb,
        opened_by       text NOT NULL,
        created_at      timestamptz NOT NULL,
        expires_at      timestamptz NOT NULL,
        cleared         boolean NOT NULL DEFAULT false,
        CHECK ((state = 'done') = (received = length)),
        CHECK ((state = 'done') = (photo_id <> '')),
        CHECK ((state = 'failed') = (fault IS NOT NULL)),
        CHECK (state <> 'open' OR NOT cleared)
    )
"""


def upgrade() -> None:
    """Add the tables; of the same content, one upload of a set is open."""
    op.execute(_UPLOADS)
    op.execute("""
        CREATE UNIQUE INDEX uploads_once ON uploads (capture_set_id, sha256) WHERE state = 'open'
    """)
    op.execute("CREATE INDEX uploads_capture_set ON uploads (capture_set_id, sha256)")
    op.execute("CREATE INDEX uploads_opened_by ON uploads (opened_by) WHERE state = 'open'")
    op.execute("CREATE INDEX uploads_expiry ON uploads (expires_at)")
    op.execute("""
        CREATE TABLE upload_parts (
            upload_id   text NOT NULL REFERENCES uploads ON DELETE CASCADE,
            start       bigint NOT NULL CHECK (start >= 0),
            length      bigint NOT NULL CHECK (length > 0),
            object_key  text NOT NULL UNIQUE,
            sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            PRIMARY KEY (upload_id, start)
        )
    """)
