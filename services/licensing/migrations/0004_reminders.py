"""Talents are reminded before their time is over, and told when it is: each once."""

from alembic import op

revision = "0004"
down_revision = "0003"

_CHANGING = "{state,reason,decided_at,reminded_at,lapsed_at}"
_STEPS = "{pending pending,pending approved,pending refused}"


def upgrade() -> None:
    """Note when a talent was reminded, and when her time was found to be over."""
    op.execute("DROP TRIGGER keep_terms ON approvals")
    op.execute("""
        ALTER TABLE approvals ADD COLUMN reminded_at timestamptz, ADD COLUMN lapsed_at timestamptz
    """)
    op.execute("CREATE INDEX approvals_due ON approvals (deadline) WHERE state = 'pending'")
    op.execute(f"""
        CREATE TRIGGER keep_terms BEFORE UPDATE ON approvals
        FOR EACH ROW EXECUTE FUNCTION keep_terms('{_CHANGING}', '{_STEPS}')
    """)
