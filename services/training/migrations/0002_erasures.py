"""Talents who had themselves erased, and what was deleted of them."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table."""
    op.execute("""
        CREATE TABLE erasures (
            talent_id        text PRIMARY KEY,
            erased_at        timestamptz NOT NULL,
            objects_deleted  integer NOT NULL CHECK (objects_deleted >= 0)
        )
    """)
