"""The newest head of the log that each witness cosigned."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table; a witness never goes back."""
    op.execute("""
        CREATE TABLE cosigned_heads (
            witness      text PRIMARY KEY,
            size         bigint NOT NULL CHECK (size >= 0),
            checkpoint   text NOT NULL CHECK (checkpoint <> ''),
            cosigned_at  timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE FUNCTION only_forward() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.size < OLD.size THEN
                RAISE EXCEPTION 'a witness never goes back'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER only_forward BEFORE UPDATE ON cosigned_heads
        FOR EACH ROW EXECUTE FUNCTION only_forward()
    """)
