"""Formats of a picture, each with its own number, looks and manifest: cropped and marked anew."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the table; pictures made before have no formats."""
    op.execute("""
        CREATE TABLE formats (
            render_id          text NOT NULL REFERENCES pictures,
            format             text NOT NULL CHECK (format ~ '^[0-9]+x[0-9]+$'),
            asset_number       bigint NOT NULL UNIQUE CHECK (asset_number > 0),
            object_key         text NOT NULL UNIQUE,
            object_sha256      text NOT NULL CHECK (object_sha256 ~ '^[0-9a-f]{64}$'),
            sha256             text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            fingerprint        bytea NOT NULL CHECK (length(fingerprint) = 32),
            keyed_fingerprint  bytea NOT NULL CHECK (length(keyed_fingerprint) = 32),
            outline            bytea NOT NULL CHECK (length(outline) > 2),
            rights_digest      text NOT NULL CHECK (rights_digest ~ '^[0-9a-f]{64}$'),
            watermark          text NOT NULL CHECK (watermark <> ''),
            width              integer NOT NULL CHECK (width > 0),
            height             integer NOT NULL CHECK (height > 0),
            manifest_id        text NOT NULL UNIQUE CHECK (manifest_id ~ '^urn:'),
            store              bytea NOT NULL CHECK (length(store) > 0),
            noted_by           bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
            PRIMARY KEY (render_id, format)
        )
    """)
    op.execute("""
        CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON formats
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
    for column in ("fingerprint", "noted_by", "sha256"):
        op.execute(f"CREATE INDEX formats_{column} ON formats ({column})")
