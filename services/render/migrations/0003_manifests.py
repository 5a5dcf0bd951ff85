"""The manifest store of each picture, for copies that lost their Content Credentials."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table; pictures made before have no row."""
    op.execute("""
        CREATE TABLE manifests (
            render_id  text PRIMARY KEY REFERENCES pictures,
            id         text NOT NULL UNIQUE CHECK (id ~ '^urn:'),
            store      bytea NOT NULL CHECK (length(store) > 0)
        )
    """)
    op.execute("""
        CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON manifests
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """)
    op.execute("CREATE INDEX pictures_fingerprint ON pictures (fingerprint)")
