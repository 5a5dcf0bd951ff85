"""Licenses an agency signed under a delegation, delegations that ended, talents who died."""

from alembic import op

revision = "0006"
down_revision = "0005"

_CHANGING = "{state,signed_at,consent_id,images_used,accepted_at,delegation_id}"
_STEPS = (
    "{proposed proposed,proposed countered,proposed active,proposed declined,"
    "active active,active revoked,active expired}"
)
_APPROVALS_CHANGING = "{state,reason,decided_at,reminded_at,lapsed_at,deadline}"
_APPROVALS_STEPS = "{pending pending,pending approved,pending refused}"
_TABLES = """
    CREATE TABLE ended_delegations (
        delegation_id  text PRIMARY KEY,
        talent_id      text NOT NULL,
        ended_at       timestamptz NOT NULL,
        seen_at        timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE TABLE estates (
        estate_id  text PRIMARY KEY,
        talent_id  text NOT NULL,
        state      text NOT NULL CHECK (state IN ('waiting', 'settled', 'stopped')),
        frozen_at  timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX estates_talent ON estates (talent_id)
"""


def upgrade() -> None:
    """Note under which delegation a license was signed; let a deadline wait with an estate."""
    for statement in _TABLES.split(";"):
        op.execute(statement)
    op.execute("DROP TRIGGER keep_terms ON licenses")
    op.execute("""
        ALTER TABLE licenses
            ADD COLUMN delegation_id text NOT NULL DEFAULT '',
            ADD CHECK (delegation_id = '' OR signed_at IS NOT NULL)
    """)
    op.execute("""
        CREATE INDEX licenses_delegation ON licenses (delegation_id) WHERE delegation_id <> ''
    """)
    op.execute(f"""
        CREATE TRIGGER keep_terms BEFORE UPDATE ON licenses
        FOR EACH ROW EXECUTE FUNCTION keep_terms('{_CHANGING}', '{_STEPS}')
    """)
    op.execute("DROP TRIGGER keep_terms ON approvals")
    op.execute(f"""
        CREATE TRIGGER keep_terms BEFORE UPDATE ON approvals
        FOR EACH ROW EXECUTE FUNCTION keep_terms('{_APPROVALS_CHANGING}', '{_APPROVALS_STEPS}')
    """)
    op.execute("""
        CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON ended_delegations
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
