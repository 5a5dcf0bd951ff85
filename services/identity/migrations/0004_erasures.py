"""Talents who had themselves erased, and what is refused of them from then on."""

from alembic import op

revision = "0004"
down_revision = "0003"

_ERASURES = """
    CREATE TABLE erasures (
        talent_id               text PRIMARY KEY REFERENCES parties,
        state                   text NOT NULL CHECK (state IN (
                                    'frozen', 'key_destroyed', 'tried', 'deleted', 'certified')),
        statement               bytea NOT NULL CHECK (length(statement) > 0),
        signature               bytea NOT NULL CHECK (length(signature) = 64),
        public_key              bytea NOT NULL CHECK (length(public_key) = 32),
        receipt_id              text NOT NULL CHECK (receipt_id <> ''),
        asked_at                timestamptz NOT NULL,
        consents                text[] NOT NULL,
        objects                 jsonb NOT NULL DEFAULT '{}',
        certificate_receipt_id  text NOT NULL DEFAULT '',
        certified_at            timestamptz,
        CHECK ((state = 'certified') = (certified_at IS NOT NULL)),
        CHECK ((state = 'certified') = (certificate_receipt_id <> ''))
    )
"""
_ONLY_ON = """
    CREATE FUNCTION erasure_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        may_change text[] := '{state,objects,certificate_receipt_id,certified_at}';
        steps text[] := '{frozen,key_destroyed,tried,deleted,certified}';
    BEGIN
        IF (to_jsonb(OLD) - may_change) <> (to_jsonb(NEW) - may_change)
            OR array_position(steps, NEW.state) <> array_position(steps, OLD.state) + 1
        THEN
            RAISE EXCEPTION 'an erasure goes on, one step after another'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""
# The row of the party is held first: an erasure that is about to commit holds it too.
_NOTHING_NEW = """
    CREATE FUNCTION refuse_erased() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM parties WHERE id = NEW.talent_id FOR KEY SHARE;
        IF EXISTS (SELECT FROM erasures WHERE talent_id = NEW.talent_id) THEN
            RAISE EXCEPTION 'the talent was erased'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""
_KINDS = """
    ALTER TABLE receipts
        DROP CONSTRAINT receipts_kind_check,
        ADD CONSTRAINT receipts_kind_check CHECK (kind IN (
            'consent_signed', 'consent_superseded', 'consent_withdrawn',
            'representation_agreed', 'license_signed', 'license_revoked', 'approval_decided',
            'erasure_signed', 'talent_erased'))
"""
_RECEIPTS_TALENT = "CREATE INDEX receipts_talent ON receipts (talent_id)"
_KEEP_TERMS = """
    CREATE OR REPLACE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        may_change text[] :=
            '{state,signed_at,superseded_by,superseded_at,withdrawn_at,receipt_id}';
    BEGIN
        IF NEW.text = 'erased' AND NEW.state = OLD.state
            AND (to_jsonb(OLD) - 'text') = (to_jsonb(NEW) - 'text')
            AND EXISTS (SELECT FROM erasures WHERE talent_id = NEW.talent_id)
        THEN
            RETURN NEW;
        END IF;
        IF (to_jsonb(OLD) - may_change) <> (to_jsonb(NEW) - may_change)
            OR (OLD.state, NEW.state) NOT IN (
                ('proposed', 'active'), ('active', 'superseded'),
                ('active', 'withdrawn'), ('superseded', 'withdrawn'))
            OR (OLD.superseded_by <> '' AND OLD.superseded_by <> NEW.superseded_by)
        THEN
            RAISE EXCEPTION 'terms of a consent never change'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    """Add the table; let the database itself see that nothing new is made of who was erased."""
    for statement in (
        _ERASURES,
        _ONLY_ON,
        _NOTHING_NEW,
        _KINDS,
        _RECEIPTS_TALENT,
        _KEEP_TERMS,
    ):
        op.execute(statement)
    op.execute("""
        CREATE TRIGGER goes_on BEFORE UPDATE ON erasures
        FOR EACH ROW EXECUTE FUNCTION erasure_goes_on()
    """)
    op.execute("""
        CREATE TRIGGER only_grows BEFORE DELETE ON erasures
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
    for table in ("consents", "capture_sets", "representations"):
        op.execute(f"""
            CREATE TRIGGER nothing_new BEFORE INSERT ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_erased()
        """)
