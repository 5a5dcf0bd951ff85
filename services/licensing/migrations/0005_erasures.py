"""A withdrawal that let licenses run to their term may be overruled by one that ends them."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Let that one change through; a row never goes, and nothing else of it changes."""
    op.execute("""
        CREATE FUNCTION overrule_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR (to_jsonb(OLD) - 'policy') <> (to_jsonb(NEW) - 'policy')
                OR (OLD.policy, NEW.policy) <> ('run_to_term', 'end_now')
            THEN
                RAISE EXCEPTION 'a withdrawal is overruled by end_now only'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("DROP TRIGGER only_grows ON withdrawn_consents")
    op.execute("""
        CREATE TRIGGER overrule_only BEFORE UPDATE OR DELETE ON withdrawn_consents
        FOR EACH ROW EXECUTE FUNCTION overrule_only()
    """)
