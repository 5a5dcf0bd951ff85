"""How near each picture is to its talent, and what its twin's report expects."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.execute("""
        CREATE TABLE likeness (
            render_id        text PRIMARY KEY REFERENCES renders,
            talent_id        text NOT NULL,
            twin_version_id  text NOT NULL,
            framing          text NOT NULL,
            distance         double precision CHECK (distance >= 0),
            mean             double precision NOT NULL,
            deviation        double precision NOT NULL CHECK (deviation >= 0)
        )
    """)
    op.execute("CREATE INDEX likeness_talent ON likeness (talent_id)")
