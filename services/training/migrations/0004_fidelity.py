"""What every twin version is worth, and the talent's word on those below the bar."""

from alembic import op

revision = "0004"
down_revision = "0003"

_FIDELITY = """
    CREATE TABLE fidelity (
        twin_version_id      text PRIMARY KEY REFERENCES twins,
        talent_id            text NOT NULL,
        figures              jsonb NOT NULL,
        template_object_key  text NOT NULL DEFAULT '',
        template_sha256      text NOT NULL DEFAULT '',
        measured_at          timestamptz NOT NULL,
        CHECK ((template_object_key = '') = (template_sha256 = ''))
    )
"""
_ACCEPTANCES = """
    CREATE TABLE fidelity_acceptances (
        twin_version_id  text PRIMARY KEY REFERENCES fidelity,
        talent_id        text NOT NULL,
        statement        bytea NOT NULL CHECK (length(statement) > 0),
        signature        bytea NOT NULL
            CHECK (length(signature) = 64 OR length(signature) BETWEEN 100 AND 8192),
        public_key       bytea NOT NULL CHECK (length(public_key) IN (32, 42, 77)),
        signed_at        timestamptz NOT NULL
    )
"""


def upgrade() -> None:
    """Add both tables."""
    op.execute(_FIDELITY)
    op.execute(_ACCEPTANCES)
