"""Parties and their keys, consents, receipts and their log, capture sets."""

from alembic import op
from kit.migrate import KIT_TABLES

revision = "0001"
down_revision = None

_PARTIES = """
    CREATE TABLE parties (
        id             text PRIMARY KEY,
        kind           text NOT NULL
                       CHECK (kind IN ('talent', 'agency', 'brand', 'crew', 'staff')),
        name           text NOT NULL CHECK (name <> ''),
        public_name    text NOT NULL CHECK (public_name <> ''),
        synthetic      boolean NOT NULL,
        created_at     timestamptz NOT NULL,
        person_key_at  timestamptz CHECK (person_key_at IS NULL OR kind = 'talent')
    );
    CREATE TABLE party_keys (
        public_key  bytea PRIMARY KEY CHECK (length(public_key) = 32),
        party_id    text NOT NULL REFERENCES parties,
        added_at    timestamptz NOT NULL
    );
    CREATE INDEX party_keys_party ON party_keys (party_id);
    CREATE TABLE api_keys (
        id          text PRIMARY KEY,
        party_id    text NOT NULL REFERENCES parties,
        key_sha256  bytea NOT NULL UNIQUE CHECK (length(key_sha256) = 32),
        origin      text NOT NULL CHECK (origin IN ('issued', 'file')),
        created_at  timestamptz NOT NULL
    );
    CREATE INDEX api_keys_party ON api_keys (party_id);
    CREATE TABLE representations (
        id             text PRIMARY KEY,
        agency_id      text NOT NULL REFERENCES parties,
        talent_id      text NOT NULL REFERENCES parties,
        commission_bp  integer NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
        jurisdiction   text NOT NULL,
        starts_at      timestamptz NOT NULL,
        ends_at        timestamptz NOT NULL CHECK (ends_at > starts_at),
        agreed_at      timestamptz NOT NULL,
        CHECK (ends_at AT TIME ZONE 'UTC' <= starts_at AT TIME ZONE 'UTC' + interval '3 years')
    );
    CREATE INDEX representations_talent ON representations (talent_id, agreed_at)
"""
_CONSENTS = """
    CREATE TABLE consents (
        id                    text PRIMARY KEY,
        state                 text NOT NULL CHECK (state IN ('proposed', 'active', 'withdrawn')),
        talent_id             text NOT NULL REFERENCES parties,
        scope                 text[] NOT NULL CHECK (cardinality(scope) > 0),
        purpose               text NOT NULL CHECK (purpose <> ''),
        currency_code         text NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
        amount_minor          bigint NOT NULL CHECK (amount_minor > 0),
        rate_basis            text NOT NULL CHECK (rate_basis <> ''),
        starts_at             timestamptz NOT NULL,
        ends_at               timestamptz NOT NULL CHECK (ends_at > starts_at),
        uses                  text NOT NULL CHECK (uses <> ''),
        language              text NOT NULL CHECK (language <> ''),
        advice                text NOT NULL CHECK (advice IN ('counsel', 'union', 'none')),
        withdrawal_policy     text NOT NULL
                              CHECK (withdrawal_policy IN ('run_to_term', 'end_now')),
        prohibited_contexts   text[] NOT NULL,
        statement             bytea NOT NULL,
        withdrawal_statement  bytea NOT NULL,
        proposed_by           text NOT NULL,
        proposed_at           timestamptz NOT NULL,
        signed_at             timestamptz,
        withdrawn_at          timestamptz,
        receipt_id            text NOT NULL DEFAULT '',
        CHECK ((state = 'proposed') = (signed_at IS NULL)),
        CHECK ((state = 'proposed') = (receipt_id = '')),
        CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL))
    );
    CREATE INDEX consents_talent ON consents (talent_id, signed_at)
"""
_LOG = """
    CREATE TABLE receipts (
        id          text PRIMARY KEY,
        kind        text NOT NULL CHECK (kind IN (
                        'consent_signed', 'consent_withdrawn', 'representation_agreed',
                        'license_signed', 'license_revoked', 'approval_decided')),
        subject_id  text NOT NULL,
        talent_id   text NOT NULL REFERENCES parties,
        party_ids   text[] NOT NULL,
        license_id  text NOT NULL,
        statement   bytea NOT NULL CHECK (length(statement) > 0),
        signature   bytea NOT NULL CHECK (length(signature) IN (0, 64)),
        public_key  bytea NOT NULL CHECK (length(public_key) IN (0, 32)),
        salt        bytea NOT NULL CHECK (length(salt) = 32),
        leaf_index  bigint NOT NULL UNIQUE CHECK (leaf_index >= 0),
        issued_at   timestamptz NOT NULL,
        CHECK (signature = '' OR public_key <> ''),
        CHECK (kind = 'license_revoked' OR signature <> '')
    );
    CREATE UNIQUE INDEX receipts_once ON receipts (kind, subject_id, sha256(statement));
    CREATE INDEX receipts_subject ON receipts (subject_id);
    CREATE TABLE log_head (
        id    boolean PRIMARY KEY DEFAULT true CHECK (id),
        size  bigint NOT NULL CHECK (size >= 0)
    );
    INSERT INTO log_head (size) VALUES (0);
    CREATE TABLE log_nodes (
        level     smallint NOT NULL CHECK (level >= 0),
        position  bigint NOT NULL CHECK (position >= 0),
        hash      bytea NOT NULL CHECK (length(hash) = 32),
        PRIMARY KEY (level, position)
    )
"""
_CAPTURE = """
    CREATE TABLE capture_sets (
        id          text PRIMARY KEY,
        talent_id   text NOT NULL REFERENCES parties,
        state       text NOT NULL CHECK (state IN ('open', 'ready')),
        marks       jsonb NOT NULL,
        credits     jsonb NOT NULL,
        opened_by   text NOT NULL,
        created_at  timestamptz NOT NULL
    );
    CREATE INDEX capture_sets_talent ON capture_sets (talent_id);
    CREATE TABLE photos (
        id               text PRIMARY KEY,
        capture_set_id   text NOT NULL REFERENCES capture_sets,
        filename         text NOT NULL,
        framing          text NOT NULL CHECK (framing IN ('face', 'three-quarter', 'full')),
        yaw              double precision NOT NULL CHECK (yaw BETWEEN -180 AND 360),
        pitch            double precision NOT NULL CHECK (pitch BETWEEN -90 AND 90),
        lighting         text NOT NULL,
        pose             text NOT NULL,
        caption          text NOT NULL,
        object_key       text NOT NULL UNIQUE,
        sha256           text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        width            integer NOT NULL CHECK (width > 0),
        height           integer NOT NULL CHECK (height > 0),
        sharpness        double precision NOT NULL,
        faces            integer NOT NULL CHECK (faces IN (0, 1)),
        perceptual_hash  bytea NOT NULL CHECK (length(perceptual_hash) = 32),
        added_at         timestamptz NOT NULL
    );
    CREATE INDEX photos_capture_set ON photos (capture_set_id)
"""
_REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% only grows', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""
_KEEP_TERMS = """
    CREATE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (to_jsonb(OLD) - '{state,signed_at,withdrawn_at,receipt_id}'::text[])
            <> (to_jsonb(NEW) - '{state,signed_at,withdrawn_at,receipt_id}'::text[])
            OR (OLD.state, NEW.state) NOT IN (('proposed', 'active'), ('active', 'withdrawn'))
        THEN
            RAISE EXCEPTION 'terms of a consent never change'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    """Make the tables, and the triggers that keep what was agreed as it was."""
    for statements in (KIT_TABLES, _PARTIES, _CONSENTS, _LOG, _CAPTURE):
        for statement in statements.split(";"):
            op.execute(statement)
    op.execute(_REFUSE_CHANGE)
    op.execute(_KEEP_TERMS)
    for table in ("receipts", "log_nodes", "representations"):
        op.execute(f"""
            CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change()
        """)
    op.execute("""
        CREATE TRIGGER keep_terms BEFORE UPDATE ON consents
        FOR EACH ROW EXECUTE FUNCTION keep_terms()
    """)
