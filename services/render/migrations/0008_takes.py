"""Takes of a shot, what was said of each, which one is chosen; and moodboards."""

from alembic import op

revision = "0008"
down_revision = "0007"

_TAKES = """
    CREATE TABLE takes (
        render_id     text PRIMARY KEY REFERENCES renders,
        brief_id      text NOT NULL REFERENCES briefs,
        shot          integer NOT NULL CHECK (shot >= 0),
        number        integer NOT NULL CHECK (number > 0),
        answers       text NOT NULL DEFAULT '',
        note          text NOT NULL DEFAULT '',
        made_from     jsonb NOT NULL,
        brief_sha256  text NOT NULL CHECK (brief_sha256 ~ '^[0-9a-f]{64}$'),
        UNIQUE (brief_id, shot, number),
        CHECK ((answers = '') = (note = ''))
    );
    CREATE TABLE take_notes (
        number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        render_id  text NOT NULL REFERENCES renders,
        brief_id   text NOT NULL REFERENCES briefs,
        word       text NOT NULL CHECK (word IN (
                       'another', 'chosen', 'put_back', 'approved', 'retake', 'refused',
                       'lapsed')),
        note       text NOT NULL DEFAULT '',
        party_id   text NOT NULL DEFAULT '',
        said_at    timestamptz NOT NULL
    );
    CREATE INDEX take_notes_brief ON take_notes (brief_id);
    CREATE TABLE choices (
        brief_id   text NOT NULL REFERENCES briefs,
        shot       integer NOT NULL CHECK (shot >= 0),
        render_id  text NOT NULL UNIQUE REFERENCES renders,
        PRIMARY KEY (brief_id, shot)
    )
"""
_BEFORE = """
    INSERT INTO takes (render_id, brief_id, shot, number, made_from, brief_sha256)
    SELECT renders.id, brief_id, shot,
           row_number() OVER (PARTITION BY brief_id, shot ORDER BY renders.created_at, renders.id),
           briefs.shots -> shot, briefs.sha256
    FROM renders JOIN briefs ON briefs.id = renders.brief_id;
    INSERT INTO choices (brief_id, shot, render_id)
    SELECT DISTINCT ON (brief_id, shot) brief_id, shot, id FROM renders
    WHERE state IN ('approved', 'released')
    ORDER BY brief_id, shot, state = 'released' DESC, reviewed_at DESC
"""
_MOODBOARDS = """
    CREATE TABLE brief_references (
        id          text PRIMARY KEY,
        brief_id    text NOT NULL REFERENCES briefs,
        title       text NOT NULL CHECK (title <> ''),
        credit      text NOT NULL CHECK (credit <> ''),
        rights      text NOT NULL CHECK (rights <> ''),
        object_key  text NOT NULL UNIQUE,
        sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        width       integer NOT NULL CHECK (width > 0),
        height      integer NOT NULL CHECK (height > 0),
        added_by    text NOT NULL,
        created_at  timestamptz NOT NULL
    );
    CREATE INDEX brief_references_brief ON brief_references (brief_id);
    CREATE TABLE reference_removals (
        reference_id  text PRIMARY KEY REFERENCES brief_references,
        removed_by    text NOT NULL,
        removed_at    timestamptz NOT NULL
    )
"""


def upgrade() -> None:
    """Add the tables, and a take for every render there is; only choices are ever taken back."""
    for statements in (_TAKES, _BEFORE, _MOODBOARDS):
        for statement in statements.split(";"):
            op.execute(statement)
    for table in ("takes", "take_notes", "brief_references", "reference_removals"):
        op.execute(f"""
            CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change()
        """)
