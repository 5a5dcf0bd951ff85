"""A small grey copy of each picture, in which a crop is found again."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; pictures made before have none."""
    op.execute("ALTER TABLE pictures ADD COLUMN outline bytea NOT NULL DEFAULT ''")
