"""Make the tables kit brings, as every service's first migration does."""

from alembic import op
from kit.migrate import KIT_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    for statement in KIT_TABLES.split(";"):
        op.execute(statement)
