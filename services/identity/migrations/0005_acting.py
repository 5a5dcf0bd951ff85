"""Who acts in a talent's name: agencies by delegation, successors of one who died."""

from alembic import op

revision = "0005"
down_revision = "0004"

_DELEGATIONS = """
    CREATE TABLE delegations (
        id                    text PRIMARY KEY,
        talent_id             text NOT NULL REFERENCES parties,
        agency_id             text NOT NULL REFERENCES parties,
        version               integer NOT NULL CHECK (version > 0),
        state                 text NOT NULL CHECK (state IN (
                                  'proposed', 'active', 'superseded', 'revoked')),
        acts                  text[] NOT NULL CHECK (cardinality(acts) > 0 AND
                                  acts <@ '{sign_license,decide_approval}'),
        brand_ids             text[] NOT NULL CHECK (cardinality(brand_ids) > 0),
        categories            text[] NOT NULL CHECK (cardinality(categories) > 0),
        currency_code         text NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
        floor_minor           bigint NOT NULL CHECK (floor_minor > 0),
        starts_at             timestamptz NOT NULL,
        ends_at               timestamptz NOT NULL CHECK (ends_at > starts_at),
        longest_term_days     integer NOT NULL CHECK (longest_term_days > 0),
        exclusive             boolean NOT NULL,
        agency_keys           bytea[] NOT NULL CHECK (cardinality(agency_keys) > 0),
        statement             bytea NOT NULL CHECK (length(statement) > 0),
        revocation_statement  bytea NOT NULL CHECK (length(revocation_statement) > 0),
        proposed_by           text NOT NULL,
        proposed_at           timestamptz NOT NULL,
        signed_at             timestamptz,
        ended_at              timestamptz,
        receipt_id            text NOT NULL DEFAULT '',
        UNIQUE (talent_id, agency_id, version),
        CHECK ((state = 'proposed') = (signed_at IS NULL)),
        CHECK ((state = 'proposed') = (receipt_id = '')),
        CHECK ((state IN ('superseded', 'revoked')) = (ended_at IS NOT NULL))
    )
"""
_ONE_ACTIVE = """
    CREATE UNIQUE INDEX delegations_active ON delegations (talent_id, agency_id)
    WHERE state = 'active'
"""
_ESTATES = """
    CREATE TABLE estates (
        id                   text PRIMARY KEY,
        talent_id            text NOT NULL REFERENCES parties,
        state                text NOT NULL CHECK (state IN ('waiting', 'settled', 'stopped')),
        evidence             text NOT NULL CHECK (evidence <> ''),
        evidence_sha256      text NOT NULL CHECK (evidence_sha256 ~ '^[0-9a-f]{64}$'),
        died_on              date NOT NULL,
        told                 text[] NOT NULL,
        statement            bytea NOT NULL CHECK (length(statement) > 0),
        objection_statement  bytea NOT NULL CHECK (length(objection_statement) > 0),
        opened_by            text NOT NULL,
        opened_at            timestamptz NOT NULL,
        waits_until          timestamptz NOT NULL CHECK (waits_until > opened_at),
        receipt_id           text NOT NULL CHECK (receipt_id <> ''),
        settled_at           timestamptz CHECK (settled_at >= waits_until),
        stopped_at           timestamptz,
        stop_reason          text NOT NULL DEFAULT '',
        CHECK (state <> 'waiting' OR (settled_at IS NULL AND stopped_at IS NULL)),
        CHECK (state <> 'settled' OR settled_at IS NOT NULL),
        CHECK ((state = 'stopped') = (stopped_at IS NOT NULL)),
        CHECK ((state = 'stopped') = (stop_reason <> ''))
    )
"""
_ONE_OPEN = "CREATE UNIQUE INDEX estates_open ON estates (talent_id) WHERE state <> 'stopped'"
_SUCCESSORS = """
    CREATE TABLE estate_successors (
        estate_id    text NOT NULL REFERENCES estates,
        party_id     text NOT NULL REFERENCES parties,
        public_keys  bytea[] NOT NULL CHECK (cardinality(public_keys) > 0),
        statement    bytea NOT NULL CHECK (length(statement) > 0),
        accepted_at  timestamptz,
        receipt_id   text NOT NULL DEFAULT '',
        PRIMARY KEY (estate_id, party_id),
        CHECK ((accepted_at IS NULL) = (receipt_id = ''))
    )
"""
_KINDS = """
    ALTER TABLE receipts
        DROP CONSTRAINT receipts_kind_check,
        ADD CONSTRAINT receipts_kind_check CHECK (kind IN (
            'consent_signed', 'consent_superseded', 'consent_withdrawn',
            'representation_agreed', 'license_signed', 'license_revoked', 'approval_decided',
            'erasure_signed', 'talent_erased', 'delegation_signed', 'delegation_revoked',
            'estate_opened', 'estate_accepted', 'estate_settled', 'estate_stopped'))
"""
_PARTIES = """
    ALTER TABLE parties
        DROP CONSTRAINT parties_kind_check,
        ADD CONSTRAINT parties_kind_check CHECK (
            kind IN ('talent', 'agency', 'brand', 'crew', 'staff', 'successor'))
"""
# Arguments: what may change, and the steps there are.
_ONLY_STEPS = """
    CREATE FUNCTION only_steps() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE'
            OR (to_jsonb(OLD) - TG_ARGV[0]::text[]) <> (to_jsonb(NEW) - TG_ARGV[0]::text[])
            OR NOT (OLD.state || ' ' || NEW.state) = ANY (TG_ARGV[1]::text[])
        THEN
            RAISE EXCEPTION 'what was signed of % never changes', TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""
_ACCEPTED_ONCE = """
    CREATE FUNCTION accepted_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR OLD.accepted_at IS NOT NULL
            OR (to_jsonb(OLD) - '{accepted_at,receipt_id}'::text[])
                <> (to_jsonb(NEW) - '{accepted_at,receipt_id}'::text[])
        THEN
            RAISE EXCEPTION 'a successor signs once'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""
_STEPS = {
    "delegations": (
        "{state,signed_at,ended_at,receipt_id}",
        "{proposed active,active superseded,active revoked}",
    ),
    "estates": (
        "{state,settled_at,stopped_at,stop_reason}",
        "{waiting settled,waiting stopped,settled stopped}",
    ),
}


def upgrade() -> None:
    """Add the tables; let the database itself see that nothing signed is ever edited."""
    for statement in (
        _DELEGATIONS,
        _ONE_ACTIVE,
        _ESTATES,
        _ONE_OPEN,
        _SUCCESSORS,
        _KINDS,
        _PARTIES,
        _ONLY_STEPS,
        _ACCEPTED_ONCE,
    ):
        op.execute(statement)
    for table, (changing, steps) in _STEPS.items():
        op.execute(f"""
            CREATE TRIGGER only_steps BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION only_steps('{changing}', '{steps}')
        """)
    op.execute("""
        CREATE TRIGGER accepted_once BEFORE UPDATE OR DELETE ON estate_successors
        FOR EACH ROW EXECUTE FUNCTION accepted_once()
    """)
    op.execute("""
        CREATE TRIGGER nothing_new BEFORE INSERT ON delegations
        FOR EACH ROW EXECUTE FUNCTION refuse_erased()
    """)
