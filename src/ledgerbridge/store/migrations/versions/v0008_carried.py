"""What of the books is carried forward, so that settled history is not read again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()


def upgrade() -> None:
    """Make the tables. They are filled by the next reconciliation."""
    op.create_table(
        "book_party",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("party_id", _TEXT, nullable=False),
        sa.Column("party_code", _TEXT, nullable=False),
        sa.Column("party_name", _TEXT, nullable=False),
        sa.Column("records", _BIG, nullable=False),
        sa.Column("stamp", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("system", "kind", "party_id", "party_code", "party_name", name="pk_book_party"),
    )
    op.create_table(
        "book_day",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("business_on", _TEXT, nullable=False),
        sa.Column("brought_in", sa.Boolean(), nullable=False),
        sa.Column("records", _BIG, nullable=False),
        sa.Column("minor", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("system", "kind", "currency", "business_on", "brought_in", name="pk_book_day"),
    )
    op.create_table(
        "book_carry",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("marks", _TEXT, nullable=False),
        sa.Column("from_on", _TEXT, nullable=False),
        sa.Column("before_on", _TEXT),
        sa.Column("items", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("system", "account", name="pk_book_carry"),
    )
    op.create_table(
        "book_year",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("months", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("system", "account", "year", name="pk_book_year"),
    )


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")
