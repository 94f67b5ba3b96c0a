"""Reconciliation: allocations, learned payers, frozen statements, results of a reconciliation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()
_BYTES = sa.LargeBinary()


def upgrade() -> None:
    """Make the tables."""
    _statements()
    _applied_cash()
    _bank_rows()
    _reconciliations()


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")


_SQLITE_KEPT = """
CREATE TRIGGER statement_copy_keeps_{word} BEFORE {word} ON statement_copy
BEGIN SELECT RAISE(ABORT, 'statements that were sent are kept as they are'); END
"""
_POSTGRES_KEPT = """
CREATE FUNCTION statement_copy_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'statements that were sent are kept as they are'; END $$;
CREATE TRIGGER statement_copy_keeps_rows BEFORE UPDATE OR DELETE ON statement_copy
FOR EACH ROW EXECUTE FUNCTION statement_copy_is_kept();
CREATE TRIGGER statement_copy_keeps_all BEFORE TRUNCATE ON statement_copy
FOR EACH STATEMENT EXECUTE FUNCTION statement_copy_is_kept();
"""


def _statements() -> None:
    """Frozen copies, what stood on them, and the files made of them."""
    op.create_table(
        "statement_look",
        sa.Column("look_hash", _TEXT, nullable=False),
        sa.Column("look", _BYTES, nullable=False),
        sa.PrimaryKeyConstraint("look_hash", name="pk_statement_look"),
    )
    op.create_table(
        "statement_copy",
        sa.Column("copy_id", _TEXT, nullable=False),
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("customer_name", _TEXT, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("first_day", _TEXT, nullable=False),
        sa.Column("last_day", _TEXT, nullable=False),
        sa.Column("closing_minor", _TEXT, nullable=False),
        sa.Column("frozen_us", _BIG, nullable=False),
        sa.Column("frozen_by", _TEXT, nullable=False),
        sa.Column("content", _BYTES, nullable=False),
        sa.Column("content_hash", _TEXT, nullable=False),
        sa.Column("look_hash", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("copy_id", name="pk_statement_copy"),
    )
    op.create_index("ix_statement_copy_entity", "statement_copy", ["entity_id", "currency", "last_day"], unique=False)
    op.create_index("ix_statement_copy_frozen_us", "statement_copy", ["frozen_us", "copy_id"], unique=False)
    op.create_table(
        "statement_file",
        sa.Column("copy_id", _TEXT, nullable=False),
        sa.Column("form", _TEXT, nullable=False),
        sa.Column("language", _TEXT, nullable=False),
        sa.Column("renderer", _TEXT, nullable=False),
        sa.Column("file_hash", _TEXT, nullable=False),
        sa.Column("made_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("copy_id", "form", "language", name="pk_statement_file"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for word in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_KEPT.format(word=word))
    else:
        op.execute(_POSTGRES_KEPT)


def _applied_cash() -> None:
    """Cash application: the customers as they were applied, and what was applied to what."""
    op.create_table(
        "book_account",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("entity_id", _TEXT),
        sa.Column("name", _TEXT),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("cash", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("system", "account", name="pk_book_account"),
    )
    op.create_index("ix_book_account_entity_id", "book_account", ["entity_id"], unique=False)
    op.create_table(
        "allocation_result",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("match_no", _BIG, nullable=False),
        sa.Column("currency", _TEXT, nullable=False),
        sa.Column("debit_id", _TEXT, nullable=False),
        sa.Column("credit_id", _TEXT, nullable=False),
        sa.Column("amount_minor", _BIG, nullable=False),
        sa.Column("effective_on", _TEXT, nullable=False),
        sa.Column("rule", _TEXT, nullable=False),
        sa.Column("confidence", _TEXT, nullable=False),
        sa.Column("difference", _TEXT, nullable=False),
        sa.Column("limit_name", _TEXT),
        sa.Column("evidence", _TEXT),
        sa.PrimaryKeyConstraint("system", "account", "seq", name="pk_allocation_result"),
    )


def _bank_rows() -> None:
    """What became of money that a bank saw, and who pays for whom."""
    op.create_table(
        "bank_row",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("external_id", _TEXT, nullable=False),
        sa.Column("canonical_hash", _BYTES, nullable=False),
        sa.Column("outcome", _TEXT, nullable=False),
        sa.Column("payment_id", _TEXT),
        sa.Column("customer", _TEXT),
        sa.Column("content", _TEXT, nullable=False),
        sa.Column("read_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("system", "external_id", name="pk_bank_row"),
    )
    op.create_index("ix_bank_row_outcome", "bank_row", ["system", "outcome"], unique=False)
    op.create_table(
        "payer",
        sa.Column("account", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("customer", _TEXT, nullable=False),
        sa.Column("confirmed", _TEXT, nullable=False),
        sa.Column("times", _BIG, nullable=False),
        sa.Column("seen_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("account", "name", "customer", "confirmed", name="pk_payer"),
    )


def _reconciliations() -> None:
    """Every reconciliation with its summary."""
    op.create_table(
        "reconciliation",
        sa.Column("run_id", _TEXT, nullable=False),
        sa.Column("made_us", _BIG, nullable=False),
        sa.Column("lead_system", _TEXT, nullable=False),
        sa.Column("as_of", _TEXT, nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("summary", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_reconciliation"),
    )
    op.create_index("ix_reconciliation_made_us", "reconciliation", ["made_us"], unique=False)
