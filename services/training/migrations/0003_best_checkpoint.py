"""Which step a twin's weights are of, and why its run took no more."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; older twins are the last step's, and all steps were taken."""
    op.execute("""
        ALTER TABLE twins
            ADD COLUMN best_step integer NOT NULL DEFAULT 0 CHECK (best_step >= 0),
            ADD COLUMN ended text NOT NULL DEFAULT 'all steps were taken' CHECK (ended <> '')
    """)
    op.execute("UPDATE twins SET best_step = steps")
