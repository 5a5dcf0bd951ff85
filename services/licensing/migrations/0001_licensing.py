"""Rate cards, quotes, licenses and what they reserve, grants, approvals, releases, the ledger."""

from alembic import op
from kit.migrate import KIT_TABLES

revision = "0001"
down_revision = None

_TERMS = """
        brand_id           text NOT NULL,
        talent_id          text NOT NULL REFERENCES talents,
        purpose            text NOT NULL CHECK (purpose <> ''),
        uses               jsonb NOT NULL CHECK (jsonb_array_length(uses) > 0),
        category           text NOT NULL CHECK (category <> ''),
        exclusive          boolean NOT NULL,
        image_cap          integer NOT NULL CHECK (image_cap > 0),
        approval_required  boolean NOT NULL,
        currency_code      text NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
        per_image_minor    bigint NOT NULL CHECK (per_image_minor >= 0),
        crew_pool_bp       integer NOT NULL CHECK (crew_pool_bp BETWEEN 0 AND 10000),
        created_at         timestamptz NOT NULL
"""
_PRICES = f"""
    CREATE TABLE talents (
        id  text PRIMARY KEY
    );
    CREATE TABLE rate_cards (
        id               text PRIMARY KEY,
        talent_id        text NOT NULL REFERENCES talents,
        currency_code    text NOT NULL CHECK (currency_code ~ '^[A-Z]{{3}}$'),
        day_rate_minor   bigint NOT NULL CHECK (day_rate_minor > 0),
        media            jsonb NOT NULL,
        territories      jsonb NOT NULL,
        terms            jsonb NOT NULL,
        exclusivity_bp   integer NOT NULL CHECK (exclusivity_bp >= 0),
        per_image_minor  bigint NOT NULL CHECK (per_image_minor >= 0),
        crew_pool_bp     integer NOT NULL CHECK (crew_pool_bp BETWEEN 0 AND 10000),
        floor_minor      bigint NOT NULL CHECK (floor_minor > 0),
        created_at       timestamptz NOT NULL
    );
    CREATE INDEX rate_cards_talent ON rate_cards (talent_id, created_at);
    CREATE TABLE quotes (
        id            text PRIMARY KEY,
        rate_card_id  text NOT NULL REFERENCES rate_cards,
        lines         jsonb NOT NULL,
        total_minor   bigint NOT NULL CHECK (total_minor > 0),
        valid_until   timestamptz NOT NULL CHECK (valid_until > created_at),
        {_TERMS}
    )
"""
_LICENSES = f"""
    CREATE TABLE licenses (
        id           text PRIMARY KEY,
        quote_id     text NOT NULL UNIQUE REFERENCES quotes,
        state        text NOT NULL CHECK (state IN ('proposed', 'active', 'declined', 'revoked')),
        statement    bytea NOT NULL CHECK (length(statement) > 0),
        fee_minor    bigint NOT NULL CHECK (fee_minor > 0),
        images_used  integer NOT NULL CHECK (images_used >= 0),
        signed_at    timestamptz,
        consent_id   text NOT NULL DEFAULT '',
        {_TERMS},
        CHECK (images_used <= image_cap),
        CHECK ((state IN ('active', 'revoked')) = (signed_at IS NOT NULL)),
        CHECK ((state IN ('active', 'revoked')) = (consent_id <> '')),
        CHECK (images_used = 0 OR signed_at IS NOT NULL)
    );
    CREATE INDEX licenses_talent ON licenses (talent_id, created_at);
    CREATE INDEX licenses_brand ON licenses (brand_id, created_at);
    CREATE INDEX licenses_consent ON licenses (consent_id) WHERE state = 'active';
    CREATE TABLE reservations (
        license_id  text NOT NULL REFERENCES licenses,
        talent_id   text NOT NULL,
        brand_id    text NOT NULL,
        category    text NOT NULL,
        territory   text NOT NULL CHECK (territory ~ '^[A-Z]{{2}}$'),
        term        tstzrange NOT NULL CHECK (NOT isempty(term)),
        exclusive   boolean NOT NULL,
        PRIMARY KEY (license_id, territory, term),
        CONSTRAINT two_exclusives EXCLUDE USING gist (
            talent_id WITH =, category WITH =, territory WITH =, term WITH &&, brand_id WITH <>
        ) WHERE (exclusive),
        CONSTRAINT exclusive_and_other EXCLUDE USING gist (
            talent_id WITH =, category WITH =, territory WITH =, term WITH &&, brand_id WITH <>,
            exclusive WITH <>
        )
    );
    CREATE TABLE withdrawn_consents (
        consent_id  text PRIMARY KEY,
        talent_id   text NOT NULL REFERENCES talents,
        policy      text NOT NULL CHECK (policy IN ('run_to_term', 'end_now')),
        seen_at     timestamptz NOT NULL DEFAULT now()
    )
"""
_WORK = """
    CREATE TABLE grants (
        id               text PRIMARY KEY,
        license_id       text NOT NULL REFERENCES licenses,
        twin_version_id  text NOT NULL,
        brief_sha256     text NOT NULL CHECK (brief_sha256 ~ '^[0-9a-f]{64}$'),
        count            integer NOT NULL CHECK (count > 0),
        issued_by        text NOT NULL,
        issued_at        timestamptz NOT NULL,
        expires_at       timestamptz NOT NULL
                         CHECK (expires_at > issued_at
                                AND expires_at <= issued_at + interval '10 minutes')
    );
    CREATE INDEX grants_license ON grants (license_id);
    CREATE TABLE approvals (
        id                 text PRIMARY KEY,
        license_id         text NOT NULL REFERENCES licenses,
        talent_id          text NOT NULL REFERENCES talents,
        render_id          text NOT NULL,
        picture_sha256     text NOT NULL CHECK (picture_sha256 ~ '^[0-9a-f]{64}$'),
        state              text NOT NULL CHECK (state IN ('pending', 'approved', 'refused')),
        reason             text NOT NULL DEFAULT '',
        approve_statement  bytea NOT NULL,
        refuse_statement   bytea NOT NULL,
        created_at         timestamptz NOT NULL,
        deadline           timestamptz NOT NULL,
        decided_at         timestamptz,
        UNIQUE (render_id, picture_sha256),
        CHECK ((state = 'pending') = (decided_at IS NULL)),
        CHECK (decided_at < deadline),
        CHECK (state <> 'refused' OR reason <> '')
    );
    CREATE INDEX approvals_talent ON approvals (talent_id, created_at)
"""
_LEDGER = """
    CREATE TABLE transactions (
        id             text PRIMARY KEY,
        kind           text NOT NULL CHECK (kind IN ('license_fee', 'picture_release')),
        subject_id     text NOT NULL,
        brand_id       text NOT NULL,
        currency_code  text NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
        gross_minor    bigint NOT NULL CHECK (gross_minor >= 0),
        posted_at      timestamptz NOT NULL,
        UNIQUE (kind, subject_id),
        UNIQUE (id, currency_code)
    );
    CREATE TABLE entries (
        number          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
        id              text NOT NULL UNIQUE,
        transaction_id  text NOT NULL,
        account         text NOT NULL,
        party_id        text NOT NULL,
        role            text NOT NULL CHECK (role <> ''),
        currency_code   text NOT NULL,
        amount_minor    bigint NOT NULL CHECK (amount_minor <> 0),
        FOREIGN KEY (transaction_id, currency_code) REFERENCES transactions (id, currency_code),
        CHECK (account = CASE WHEN amount_minor > 0 THEN 'payable:' ELSE 'receivable:' END
                         || party_id)
    );
    CREATE INDEX entries_transaction ON entries (transaction_id);
    CREATE INDEX entries_party ON entries (party_id, number);
    CREATE TABLE releases (
        render_id       text PRIMARY KEY,
        license_id      text NOT NULL REFERENCES licenses,
        picture_sha256  text NOT NULL CHECK (picture_sha256 ~ '^[0-9a-f]{64}$'),
        transaction_id  text NOT NULL UNIQUE REFERENCES transactions,
        released_at     timestamptz NOT NULL
    );
    CREATE INDEX releases_license ON releases (license_id)
"""
_REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% only grows', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""
_CHECK_BALANCE = """
    CREATE FUNCTION check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        subject text := to_jsonb(NEW) ->> TG_ARGV[0];
        credits numeric;
        debits numeric;
        gross numeric;
    BEGIN
        SELECT gross_minor INTO gross FROM transactions WHERE id = subject;
        SELECT coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0),
               coalesce(sum(amount_minor) FILTER (WHERE amount_minor < 0), 0)
            INTO credits, debits FROM entries WHERE transaction_id = subject;
        IF credits <> gross OR debits <> -gross THEN
            RAISE EXCEPTION 'postings of % are % and %, not its gross of %',
                subject, credits, debits, gross
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$
"""
_KEEP_TERMS = """
    CREATE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        changing text[] := TG_ARGV[0]::text[];
    BEGIN
        IF (to_jsonb(OLD) - changing) <> (to_jsonb(NEW) - changing)
            OR OLD.state || ' ' || NEW.state <> ALL (TG_ARGV[1]::text[])
        THEN
            RAISE EXCEPTION 'what was agreed in % never changes', TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
"""
_APPEND_ONLY = ("rate_cards", "quotes", "withdrawn_consents", "transactions", "entries", "releases")
_KEPT = (
    (
        "licenses",
        "{state,signed_at,consent_id,images_used}",
        "{proposed active,proposed declined,active active,active revoked}",
    ),
    ("approvals", "{state,reason,decided_at}", "{pending approved,pending refused}"),
)


def upgrade() -> None:
    """Make the tables, and the triggers that keep what was agreed and posted as it was."""
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    for statements in (KIT_TABLES, _PRICES, _LICENSES, _WORK, _LEDGER):
        for statement in statements.split(";"):
            op.execute(statement)
    for function in (_REFUSE_CHANGE, _CHECK_BALANCE, _KEEP_TERMS):
        op.execute(function)
    for table in _APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change()
        """)
    for table, changing, steps in _KEPT:
        op.execute(f"""
            CREATE TRIGGER keep_terms BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION keep_terms('{changing}', '{steps}')
        """)
    for table, key in (("transactions", "id"), ("entries", "transaction_id")):
        op.execute(f"""
            CREATE CONSTRAINT TRIGGER check_balance AFTER INSERT ON {table}
            DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION check_balance('{key}')
        """)
