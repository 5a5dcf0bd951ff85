"""Fingerprints in the order of their transactions, so that an index of them can be kept up."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column and the ways by which a picture is found.

    Not a sequence: rows commit out of its order, and one would be skipped. What a transaction
    beyond the oldest one still open wrote is read again until that one has ended.
    """
    op.execute("""
        ALTER TABLE pictures ADD COLUMN noted_by bigint NOT NULL
        DEFAULT (pg_current_xact_id()::text::bigint)
    """)
    op.execute("CREATE INDEX pictures_noted_by ON pictures (noted_by)")
    op.execute("CREATE INDEX pictures_sha256 ON pictures (sha256)")
