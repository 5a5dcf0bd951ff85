"""Campaigns, briefs, renders as jobs, what grants were used for, and the registry of pictures."""

from alembic import op
from kit.migrate import KIT_TABLES

revision = "0001"
down_revision = None

_CAMPAIGNS = """
    CREATE TABLE campaigns (
        id          text PRIMARY KEY,
        brand_id    text NOT NULL,
        license_id  text NOT NULL,
        talent_id   text NOT NULL,
        name        text NOT NULL CHECK (name <> ''),
        credits     jsonb NOT NULL,
        created_at  timestamptz NOT NULL
    );
    CREATE TABLE briefs (
        id               text PRIMARY KEY,
        campaign_id      text NOT NULL REFERENCES campaigns,
        twin_version_id  text NOT NULL,
        products         jsonb NOT NULL CHECK (jsonb_array_length(products) > 0),
        shots            jsonb NOT NULL CHECK (jsonb_array_length(shots) > 0),
        sha256           text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        created_by       text NOT NULL,
        created_at       timestamptz NOT NULL
    )
"""
_RENDERS = """
    CREATE SEQUENCE asset_numbers AS bigint MINVALUE 1 MAXVALUE 4294967295;
    CREATE TABLE renders (
        id                  text PRIMARY KEY,
        state               text NOT NULL CHECK (state IN (
                                'queued', 'running', 'draft', 'approved', 'retake', 'released',
                                'failed', 'cancelled')),
        attempt             integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
        lease_ends_at       timestamptz,
        reason              text NOT NULL DEFAULT '',
        created_at          timestamptz NOT NULL DEFAULT now(),
        start_id            text NOT NULL,
        brief_id            text NOT NULL REFERENCES briefs,
        campaign_id         text NOT NULL REFERENCES campaigns,
        license_id          text NOT NULL,
        talent_id           text NOT NULL,
        brand_id            text NOT NULL,
        twin_version_id     text NOT NULL,
        shot                integer NOT NULL CHECK (shot >= 0),
        seed                bigint NOT NULL CHECK (seed >= 0),
        prompt              text NOT NULL DEFAULT '',
        grant_token         text NOT NULL,
        consent_id          text NOT NULL CHECK (consent_id <> ''),
        consent_receipt_id  text NOT NULL CHECK (consent_receipt_id <> ''),
        twin_consent_id     text NOT NULL,
        credits             jsonb NOT NULL,
        asset_number        bigint NOT NULL UNIQUE DEFAULT nextval('asset_numbers'),
        reviewer_id         text NOT NULL DEFAULT '',
        reviewed_at         timestamptz,
        released_at         timestamptz,
        UNIQUE (start_id, shot),
        CHECK ((state = 'running') = (lease_ends_at IS NOT NULL)),
        CHECK (state NOT IN ('failed', 'cancelled', 'retake') OR reason <> ''),
        CHECK ((state IN ('approved', 'retake', 'released')) = (reviewed_at IS NOT NULL)),
        CHECK ((reviewed_at IS NOT NULL) = (reviewer_id <> '')),
        CHECK ((state = 'released') = (released_at IS NOT NULL))
    );
    CREATE INDEX renders_open ON renders (created_at) WHERE state IN ('queued', 'running');
    CREATE INDEX renders_brief ON renders (brief_id);
    CREATE INDEX renders_license ON renders (license_id);
    CREATE INDEX renders_consent ON renders (consent_id);
    CREATE INDEX renders_twin_consent ON renders (twin_consent_id)
"""
_GRANTS = """
    CREATE TABLE grants (
        jti       text PRIMARY KEY,
        brief_id  text NOT NULL REFERENCES briefs
    );
    CREATE TABLE grant_uses (
        jti        text NOT NULL REFERENCES grants,
        render_id  text NOT NULL REFERENCES renders,
        PRIMARY KEY (jti, render_id)
    )
"""
_PICTURES = """
    CREATE TABLE pictures (
        render_id      text PRIMARY KEY REFERENCES renders,
        object_key     text NOT NULL UNIQUE,
        object_sha256  text NOT NULL CHECK (object_sha256 ~ '^[0-9a-f]{64}$'),
        sha256         text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        fingerprint    bytea NOT NULL CHECK (length(fingerprint) = 32),
        rights_digest  text NOT NULL CHECK (rights_digest ~ '^[0-9a-f]{64}$'),
        watermark      text NOT NULL CHECK (watermark <> ''),
        width          integer NOT NULL CHECK (width > 0),
        height         integer NOT NULL CHECK (height > 0),
        made_at        timestamptz NOT NULL
    )
"""
_REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% only grows', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""


def upgrade() -> None:
    """Make the tables, and the triggers that keep briefs and the registry as they were."""
    for statements in (KIT_TABLES, _CAMPAIGNS, _RENDERS, _GRANTS, _PICTURES):
        for statement in statements.split(";"):
            op.execute(statement)
    op.execute(_REFUSE_CHANGE)
    for table in ("briefs", "grants", "grant_uses", "pictures"):
        op.execute(f"""
            CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change()
        """)
