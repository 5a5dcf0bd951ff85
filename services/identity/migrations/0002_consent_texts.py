"""Consents in plain words, and consents that take the place of others."""

from alembic import op

revision = "0002"
down_revision = "0001"

# A consent from before has no text: edition 0.
_COLUMNS = """
    ALTER TABLE consents
        ADD text           text NOT NULL DEFAULT '',
        ADD text_version   integer NOT NULL DEFAULT 0,
        ADD supersedes     text NOT NULL DEFAULT '',
        ADD superseded_by  text NOT NULL DEFAULT '',
        ADD superseded_at  timestamptz,
        DROP CONSTRAINT consents_state_check,
        ADD CONSTRAINT consents_state_check
            CHECK (state IN ('proposed', 'active', 'superseded', 'withdrawn')),
        ADD CHECK ((text_version > 0) = (text <> '')),
        ADD CHECK ((superseded_by <> '') = (superseded_at IS NOT NULL)),
        ADD CHECK (state <> 'superseded' OR superseded_by <> ''),
        ADD CHECK (state NOT IN ('proposed', 'active') OR superseded_by = ''),
        ADD CHECK (supersedes = '' OR signed_at IS NULL OR starts_at <= signed_at)
"""
_ONE_WINS = """
    CREATE UNIQUE INDEX consents_supersede_once ON consents (supersedes)
        WHERE supersedes <> '' AND signed_at IS NOT NULL
"""
_KINDS = """
    ALTER TABLE receipts
        DROP CONSTRAINT receipts_kind_check,
        ADD CONSTRAINT receipts_kind_check CHECK (kind IN (
            'consent_signed', 'consent_superseded', 'consent_withdrawn',
            'representation_agreed', 'license_signed', 'license_revoked', 'approval_decided'))
"""
_KEEP_TERMS = """
    CREATE OR REPLACE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        may_change text[] :=
            '{state,signed_at,superseded_by,superseded_at,withdrawn_at,receipt_id}';
    BEGIN
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
    """Add the columns, and let the database itself see that one consent takes the place of one."""
    for statement in (_COLUMNS, _ONE_WINS, _KINDS, _KEEP_TERMS):
        op.execute(statement)
