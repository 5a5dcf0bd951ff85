"""Product categories within categories, and what a license's own terms prohibit."""

from alembic import op

revision = "0002"
down_revision = "0001"

_MEET = "talent_id WITH =, categories WITH &&, territory WITH =, term WITH &&, brand_id WITH <>"


def upgrade() -> None:
    """Let exclusives meet in categories that hold each other.

    A category is the range of all paths within it: from "apparel.outerwear" up to, but without,
    "apparel.outerwear/", the slash being the letter right after the dot.
    """
    op.execute("""
        CREATE TYPE category_range AS RANGE (subtype = text, collation = "C")
    """)
    for table in ("quotes", "licenses"):
        op.execute(f"""
            ALTER TABLE {table} ADD COLUMN prohibited_contexts jsonb NOT NULL DEFAULT '[]'
        """)
    op.execute("""
        ALTER TABLE reservations
            DROP CONSTRAINT two_exclusives,
            DROP CONSTRAINT exclusive_and_other,
            ADD COLUMN categories category_range CHECK (NOT isempty(categories))
    """)
    op.execute("UPDATE reservations SET categories = category_range(category, category || '/')")
    op.execute(f"""
        ALTER TABLE reservations
            ALTER COLUMN categories SET NOT NULL,
            DROP COLUMN category,
            ADD CONSTRAINT two_exclusives EXCLUDE USING gist ({_MEET}) WHERE (exclusive),
            ADD CONSTRAINT exclusive_and_other EXCLUDE USING gist ({_MEET}, exclusive WITH <>)
    """)
