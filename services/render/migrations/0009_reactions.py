"""What people say of released pictures. Who said it is a keyed hash that means nothing tomorrow."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table."""
    op.execute("""
        CREATE TABLE reactions (
            id            text PRIMARY KEY,
            render_id     text NOT NULL REFERENCES renders,
            day           date NOT NULL,
            address_hash  bytea NOT NULL CHECK (length(address_hash) = 32),
            score         integer NOT NULL CHECK (score BETWEEN 1 AND 5),
            text          text NOT NULL CHECK (length(text) <= 140),
            made_at       timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX reactions_render ON reactions (render_id, day)")
    op.execute("CREATE INDEX reactions_address ON reactions (day, address_hash)")
