"""Whom a talent names to succeed her; who asked for a recovery."""

from alembic import op

revision = "0008"
down_revision = "0007"

_SUCCESSIONS = """
    CREATE TABLE successions (
        id             text PRIMARY KEY,
        talent_id      text NOT NULL REFERENCES parties,
        version        integer NOT NULL CHECK (version > 0),
        state          text NOT NULL CHECK (state IN ('proposed', 'active', 'superseded')),
        successor_ids  text[] NOT NULL CHECK (cardinality(successor_ids) <= 10),
        statement      bytea NOT NULL CHECK (length(statement) > 0),
        proposed_at    timestamptz NOT NULL,
        signed_at      timestamptz,
        ended_at       timestamptz,
        receipt_id     text NOT NULL DEFAULT '',
        UNIQUE (talent_id, version),
        CHECK ((state = 'proposed') = (signed_at IS NULL)),
        CHECK ((state = 'proposed') = (receipt_id = '')),
        CHECK ((state = 'superseded') = (ended_at IS NOT NULL))
    )
"""
_ONE_ACTIVE = """
    CREATE UNIQUE INDEX successions_active ON successions (talent_id) WHERE state = 'active'
"""
_ONLY_STEPS = """
    CREATE TRIGGER only_steps BEFORE UPDATE OR DELETE ON successions
    FOR EACH ROW EXECUTE FUNCTION only_steps(
        '{state,signed_at,ended_at,receipt_id}', '{proposed active,active superseded}')
"""
_NOTHING_NEW = """
    CREATE TRIGGER nothing_new BEFORE INSERT ON successions
    FOR EACH ROW EXECUTE FUNCTION refuse_erased()
"""
_KINDS = """
    ALTER TABLE receipts
        DROP CONSTRAINT receipts_kind_check,
        ADD CONSTRAINT receipts_kind_check CHECK (kind IN (
            'consent_signed', 'consent_superseded', 'consent_withdrawn',
            'representation_agreed', 'license_signed', 'license_revoked', 'approval_decided',
            'erasure_signed', 'talent_erased', 'delegation_signed', 'delegation_revoked',
            'estate_opened', 'estate_accepted', 'estate_settled', 'estate_stopped',
            'succession_signed', 'key_added', 'key_removed',
            'recovery_started', 'recovery_stopped', 'recovery_completed'))
"""


def upgrade() -> None:
    """Add the table; let the database itself see that nothing signed is ever edited."""
    for statement in (
        _SUCCESSIONS,
        _ONE_ACTIVE,
        _ONLY_STEPS,
        _NOTHING_NEW,
        _KINDS,
        "ALTER TABLE estates ADD COLUMN succession_id text NOT NULL DEFAULT ''",
        "ALTER TABLE recoveries ADD COLUMN asked_by text NOT NULL DEFAULT ''",
        "CREATE INDEX delegations_agency ON delegations (agency_id, proposed_at)",
        "CREATE INDEX representations_agency ON representations (agency_id, ends_at)",
    ):
        op.execute(statement)
