"""Passkeys beside Ed25519 keys, keys that come and go, and recovery when one is lost."""

from alembic import op

revision = "0007"
down_revision = "0006"

_PARTY_KEYS = """
    ALTER TABLE party_keys
        DROP CONSTRAINT party_keys_public_key_check,
        ADD COLUMN id text NOT NULL UNIQUE
            DEFAULT 'sky_' || left(replace(gen_random_uuid()::text, '-', ''), 26),
        ADD COLUMN kind text NOT NULL DEFAULT 'ed25519',
        ADD COLUMN state text NOT NULL DEFAULT 'live'
            CHECK (state IN ('pending', 'live', 'removed')),
        ADD COLUMN name text NOT NULL DEFAULT '',
        ADD COLUMN rp_id text NOT NULL DEFAULT '',
        ADD COLUMN origin text NOT NULL DEFAULT '',
        ADD COLUMN credential_id bytea UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
        ADD COLUMN sign_count bigint NOT NULL DEFAULT 0 CHECK (sign_count >= 0),
        ADD COLUMN used_at timestamptz,
        ADD COLUMN removed_at timestamptz,
        ADD CHECK ((state = 'removed') = (removed_at IS NOT NULL)),
        ADD CONSTRAINT party_keys_form CHECK (
            (kind = 'ed25519' AND length(public_key) = 32 AND credential_id IS NULL)
            OR (kind = 'passkey' AND length(public_key) IN (42, 77)
                AND credential_id IS NOT NULL AND rp_id <> '' AND origin <> ''))
"""
_KEEP_KEYS = """
    CREATE FUNCTION keep_keys() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        may_change text[] := '{state,sign_count,used_at,removed_at,name}';
    BEGIN
        IF (to_jsonb(OLD) - may_change) <> (to_jsonb(NEW) - may_change)
            OR (OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
                ('pending', 'live'), ('pending', 'removed'), ('live', 'removed')))
        THEN
            RAISE EXCEPTION 'a key that was removed signs nothing ever again'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""
_OFFERS = """
    CREATE TABLE key_offers (
        challenge  bytea PRIMARY KEY CHECK (length(challenge) = 32),
        purpose    text NOT NULL CHECK (purpose IN ('key', 'sign_in')),
        party_id   text NOT NULL,
        ends_at    timestamptz NOT NULL
    )
"""
_VERIFIED = """
    CREATE TABLE verified_signatures (
        digest       bytea PRIMARY KEY CHECK (length(digest) = 32),
        party_id     text NOT NULL REFERENCES parties,
        public_key   bytea NOT NULL REFERENCES party_keys,
        verified_at  timestamptz NOT NULL
    )
"""
_RECOVERIES = """
    CREATE TABLE recoveries (
        id              text PRIMARY KEY,
        party_id        text NOT NULL REFERENCES parties,
        state           text NOT NULL CHECK (state IN ('waiting', 'stopped', 'completed')),
        reason          text NOT NULL CHECK (reason <> ''),
        started_by      text NOT NULL,
        started_at      timestamptz NOT NULL,
        ready_at        timestamptz NOT NULL CHECK (ready_at >= started_at + interval '72 hours'),
        key_id          text NOT NULL REFERENCES party_keys (id),
        lost_key_ids    text[] NOT NULL CHECK (cardinality(lost_key_ids) > 0),
        told_party_ids  text[] NOT NULL,
        receipt_id      text NOT NULL CHECK (receipt_id <> ''),
        end_receipt_id  text NOT NULL DEFAULT '',
        ended_at        timestamptz,
        CHECK ((state = 'waiting') = (ended_at IS NULL)),
        CHECK ((state = 'waiting') = (end_receipt_id = '')),
        CHECK (state <> 'completed' OR ended_at >= ready_at)
    )
"""
_SIGNATURES = """
    ALTER TABLE receipts
        DROP CONSTRAINT receipts_signature_check,
        DROP CONSTRAINT receipts_public_key_check,
        DROP CONSTRAINT receipts_kind_check,
        ADD CONSTRAINT receipts_signature_check CHECK (
            length(signature) IN (0, 64) OR length(signature) BETWEEN 100 AND 8192),
        ADD CONSTRAINT receipts_public_key_check CHECK (length(public_key) IN (0, 32, 42, 77)),
        ADD CONSTRAINT receipts_form CHECK (
            (length(public_key) > 32) = (length(signature) > 64)),
        ADD CONSTRAINT receipts_kind_check CHECK (kind IN (
            'consent_signed', 'consent_superseded', 'consent_withdrawn',
            'representation_agreed', 'license_signed', 'license_revoked', 'approval_decided',
            'erasure_signed', 'talent_erased', 'delegation_signed', 'delegation_revoked',
            'estate_opened', 'estate_accepted', 'estate_settled', 'estate_stopped',
            'key_added', 'key_removed',
            'recovery_started', 'recovery_stopped', 'recovery_completed'))
"""
_ERASURES = """
    ALTER TABLE erasures
        DROP CONSTRAINT erasures_signature_check,
        DROP CONSTRAINT erasures_public_key_check,
        ADD CONSTRAINT erasures_signature_check CHECK (
            length(signature) = 64 OR length(signature) BETWEEN 100 AND 8192),
        ADD CONSTRAINT erasures_public_key_check CHECK (length(public_key) IN (32, 42, 77))
"""


def upgrade() -> None:
    """Give every key a name and a state; let the database itself see that none comes back."""
    for statement in (
        _PARTY_KEYS,
        _KEEP_KEYS,
        _OFFERS,
        _VERIFIED,
        _RECOVERIES,
        "CREATE INDEX recoveries_party ON recoveries (party_id, started_at)",
        "CREATE UNIQUE INDEX recoveries_one ON recoveries (party_id) WHERE state = 'waiting'",
        _SIGNATURES,
        _ERASURES,
    ):
        op.execute(statement)
    op.execute("""
        CREATE TRIGGER keep_keys BEFORE UPDATE ON party_keys
        FOR EACH ROW EXECUTE FUNCTION keep_keys()
    """)
    op.execute("""
        CREATE TRIGGER only_grows BEFORE DELETE ON party_keys
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
