"""What a photo's light, marks and face are, and what was judged of a capture set."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; what older rows and older pods do not know is null or empty."""
    op.execute("""
        ALTER TABLE photos
            ADD COLUMN marks jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN luminance double precision CHECK (luminance BETWEEN 0 AND 1),
            ADD COLUMN shadows double precision CHECK (shadows BETWEEN 0 AND 1),
            ADD COLUMN highlights double precision CHECK (highlights BETWEEN 0 AND 1),
            ADD COLUMN face_key text NOT NULL DEFAULT '',
            ADD COLUMN face_sha256 text NOT NULL DEFAULT '',
            ADD CHECK ((face_key = '') = (face_sha256 = '')),
            ADD CHECK (face_sha256 ~ '^([0-9a-f]{64})?$')
    """)
    op.execute("ALTER TABLE capture_sets ADD COLUMN report jsonb")
    op.execute("ALTER TABLE capture_sets ADD CHECK (report IS NULL OR state = 'ready')")
