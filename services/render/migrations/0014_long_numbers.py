"""Watermarks carry numbers of 60 bits."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Let the registry's numbers go as far; those that were given stay."""
    op.execute(f"ALTER SEQUENCE asset_numbers MAXVALUE {2**60 - 1}")
