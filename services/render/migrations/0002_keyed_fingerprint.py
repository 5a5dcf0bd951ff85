"""A second fingerprint of each picture, under a key, so that nobody can aim at it."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; pictures made before have none."""
    op.execute("""
        ALTER TABLE pictures
        ADD COLUMN keyed_fingerprint bytea NOT NULL DEFAULT ''
            CHECK (length(keyed_fingerprint) IN (0, 32))
    """)
