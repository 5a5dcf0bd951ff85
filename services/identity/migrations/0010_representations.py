"""Representation that is proposed before it is signed, and ended before its time."""

from alembic import op

revision = "0010"
down_revision = "0009"

_OFFERS = """
    CREATE TABLE representation_offers (
        id             text PRIMARY KEY,
        agency_id      text NOT NULL REFERENCES parties,
        talent_id      text NOT NULL REFERENCES parties,
        commission_bp  integer NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
        jurisdiction   text NOT NULL,
        starts_at      timestamptz NOT NULL,
        ends_at        timestamptz NOT NULL CHECK (ends_at > starts_at),
        proposed_by    text NOT NULL,
        proposed_at    timestamptz NOT NULL
    )
"""
_ENDS = """
    CREATE TABLE representation_ends (
        representation_id  text PRIMARY KEY REFERENCES representations,
        ended_by           text NOT NULL REFERENCES parties,
        ended_at           timestamptz NOT NULL
    )
"""
_KINDS = """
    ALTER TABLE receipts
        DROP CONSTRAINT receipts_kind_check,
        ADD CONSTRAINT receipts_kind_check CHECK (kind IN (
            'consent_signed', 'consent_superseded', 'consent_withdrawn',
            'representation_agreed', 'representation_ended',
            'license_signed', 'license_revoked', 'approval_decided',
            'erasure_signed', 'talent_erased', 'delegation_signed', 'delegation_revoked',
            'estate_opened', 'estate_accepted', 'estate_settled', 'estate_stopped',
            'succession_signed', 'key_added', 'key_removed',
            'recovery_started', 'recovery_stopped', 'recovery_completed'))
"""


def upgrade() -> None:
    """Add the tables, which only grow; nothing is offered to whom was erased."""
    for statement in (
        _OFFERS,
        _ENDS,
        _KINDS,
        "CREATE INDEX representation_offers_talent ON representation_offers (talent_id, id)",
        "CREATE INDEX representation_offers_agency ON representation_offers (agency_id, id)",
    ):
        op.execute(statement)
    for table in ("representation_offers", "representation_ends"):
        op.execute(f"""
            CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change()
        """)
    op.execute("""
        CREATE TRIGGER nothing_new BEFORE INSERT ON representation_offers
        FOR EACH ROW EXECUTE FUNCTION refuse_erased()
    """)
