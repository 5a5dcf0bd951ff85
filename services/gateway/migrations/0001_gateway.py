"""Sessions of people who signed in on a page."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.execute("""
        CREATE TABLE sessions (
            token_sha256  bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
            party_id      text NOT NULL CHECK (party_id <> ''),
            kind          text NOT NULL CHECK (kind <> ''),
            name          text NOT NULL,
            expires_at    timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX sessions_expiry ON sessions (expires_at)")
