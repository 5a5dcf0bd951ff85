"""Pictures found in use, and the claims that came of it. All three tables only grow."""

from alembic import op

revision = "0010"
down_revision = "0009"

_CLAIMS = """
    CREATE TABLE claims (
        id                 text PRIMARY KEY,
        render_id          text NOT NULL REFERENCES renders,
        license_id         text NOT NULL,
        talent_id          text NOT NULL,
        brand_id           text NOT NULL,
        place              text NOT NULL CHECK (place <> ''),
        number             integer NOT NULL CHECK (number > 0),
        reasons            jsonb NOT NULL,
        license_statement  bytea NOT NULL,
        license_state      text NOT NULL,
        opened_at          timestamptz NOT NULL,
        UNIQUE (render_id, place, number)
    )
"""
_STEPS = """
    CREATE TABLE claim_steps (
        claim_id  text NOT NULL REFERENCES claims,
        number    integer NOT NULL CHECK (number > 0),
        state     text NOT NULL CHECK (state IN ('open', 'answered', 'settled', 'dismissed')),
        at        timestamptz NOT NULL,
        party_id  text NOT NULL,
        note      text NOT NULL CHECK (length(note) <= 1000),
        PRIMARY KEY (claim_id, number),
        CHECK ((number = 1) = (state = 'open')),
        CHECK (state = 'open' OR (party_id <> '' AND note <> ''))
    )
"""
_SIGHTINGS = """
    CREATE TABLE sightings (
        id              text PRIMARY KEY,
        source          text NOT NULL CHECK (source <> ''),
        url             text NOT NULL,
        seen_at         timestamptz NOT NULL,
        media           text NOT NULL,
        territory       text NOT NULL,
        picture_sha256  text NOT NULL CHECK (picture_sha256 ~ '^[0-9a-f]{64}$'),
        verdict         text NOT NULL,
        layers          jsonb NOT NULL,
        render_id       text REFERENCES renders,
        reasons         jsonb NOT NULL,
        claim_id        text REFERENCES claims,
        object_key      text NOT NULL,
        object_sha256   text NOT NULL,
        noted_at        timestamptz NOT NULL,
        CHECK ((object_key = '') = (object_sha256 = '')),
        CHECK (claim_id IS NULL OR render_id IS NOT NULL)
    )
"""


def upgrade() -> None:
    """Make the tables and what keeps their rows as they were."""
    for statement in (_CLAIMS, _STEPS, _SIGHTINGS):
        op.execute(statement)
    op.execute("CREATE INDEX claims_brand ON claims (brand_id)")
    op.execute("CREATE INDEX claims_talent ON claims (talent_id)")
    op.execute("CREATE INDEX sightings_claim ON sightings (claim_id, noted_at)")
    for table in ("claims", "claim_steps", "sightings"):
        op.execute(f"""
            CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change()
        """)
