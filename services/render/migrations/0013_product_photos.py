"""Which product a reference picture is a photo of, where it is one."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column; what lay on moodboards before shows no product in particular."""
    op.execute("ALTER TABLE brief_references ADD COLUMN product integer CHECK (product >= 0)")
