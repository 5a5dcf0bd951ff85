"""Dates of campaigns, what briefs are for, sealed moodboards, appointments, reviews due."""

from alembic import op

revision = "0012"
down_revision = "0011"

_COLUMNS = """
    ALTER TABLE campaigns ADD COLUMN starts_at timestamptz, ADD COLUMN ends_at timestamptz,
        ADD CHECK ((starts_at IS NULL) = (ends_at IS NULL)), ADD CHECK (starts_at < ends_at);
    ALTER TABLE briefs ADD COLUMN deadline timestamptz,
        ADD COLUMN media jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN formats jsonb NOT NULL DEFAULT '[]';
    ALTER TABLE brief_references ADD COLUMN talent_id text NOT NULL DEFAULT '',
        ADD COLUMN object_sha256 text NOT NULL DEFAULT ''
            CHECK (object_sha256 ~ '^([0-9a-f]{64})?$'),
        ADD CHECK ((talent_id = '') = (object_sha256 = ''));
    ALTER TABLE take_notes DROP CONSTRAINT take_notes_word_check;
    ALTER TABLE take_notes ADD CONSTRAINT take_notes_word_check CHECK (word IN (
        'another', 'chosen', 'put_back', 'approved', 'retake', 'refused', 'lapsed', 'overdue'))
"""
_APPOINTMENTS = """
    CREATE TABLE appointments (
        number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        license_id   text NOT NULL,
        brand_id     text NOT NULL,
        talent_id    text NOT NULL,
        director_id  text NOT NULL,
        stands       boolean NOT NULL,
        at           timestamptz NOT NULL
    );
    CREATE INDEX appointments_license ON appointments (license_id, director_id, number);
    CREATE INDEX appointments_brand ON appointments (brand_id);
    CREATE INDEX appointments_director ON appointments (director_id)
"""
_REVIEWS = """
    CREATE TABLE reviews_due (
        render_id    text PRIMARY KEY REFERENCES renders,
        began_at     timestamptz NOT NULL,
        due_at       timestamptz NOT NULL,
        reminded_at  timestamptz,
        lapsed_at    timestamptz,
        CHECK (due_at > began_at)
    );
    CREATE INDEX reviews_due_at ON reviews_due (due_at) WHERE lapsed_at IS NULL;
    INSERT INTO reviews_due (render_id, began_at, due_at)
    SELECT id, now(), now() + interval '3 days' FROM renders WHERE state = 'draft'
"""


def upgrade() -> None:
    """Add them; drafts there are get three days, pictures of moodboards stay where they lie."""
    for statements in (_COLUMNS, _APPOINTMENTS, _REVIEWS):
        for statement in statements.split(";"):
            op.execute(statement)
    op.execute("""
        CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON appointments
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
