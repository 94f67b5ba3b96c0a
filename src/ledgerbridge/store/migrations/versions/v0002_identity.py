"""Who is who: entities, links, decisions, doubts, and what customers are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_BIG = sa.BigInteger()
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTES = sa.LargeBinary()
_PAIR = ("kind", "left_system", "left_id", "right_system", "right_id")


def upgrade() -> None:
    """Make the tables."""
    _entities()
    _people()
    _found_by()


def downgrade() -> None:
    """Not offered: restore a backup from before the upgrade."""
    raise NotImplementedError("restore a backup from before the upgrade")


def _entities() -> None:
    op.create_table(
        "entity",
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("created_us", _BIG, nullable=False),
        sa.Column("merged_into", _TEXT, nullable=True),
        sa.PrimaryKeyConstraint("entity_id", name="pk_entity"),
    )
    op.create_index("ix_entity_kind", "entity", ["kind", "entity_id"], unique=False)
    op.create_table(
        "link",
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("external_id", _TEXT, nullable=False),
        sa.Column("part", _TEXT, nullable=False, server_default=""),
        sa.Column("entity_id", _TEXT, nullable=False),
        sa.Column("rule", _TEXT, nullable=False),
        sa.Column("score", _BIG, nullable=True),
        sa.Column("evidence", _TEXT, nullable=True),
        sa.Column("decided_by", _TEXT, nullable=False),
        sa.Column("at_us", _BIG, nullable=False),
        sa.Column("matched_hash", _BYTES, nullable=True),
        sa.PrimaryKeyConstraint("system", "kind", "external_id", name="pk_link"),
        sa.UniqueConstraint("entity_id", "system", "kind", "part", name="uq_link_entity_id_system_kind_part"),
    )


def _people() -> None:
    op.create_table(
        "link_decision",
        *(sa.Column(name, _TEXT, nullable=False) for name in _PAIR),
        sa.Column("verdict", _TEXT, nullable=False),
        sa.Column("who", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("at_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint(*_PAIR, name="pk_link_decision"),
        sa.CheckConstraint("verdict IN ('accept', 'refuse')", name="ck_link_decision_verdict"),
    )
    op.create_index("ix_link_decision_right", "link_decision", ["kind", "right_system", "right_id"], unique=False)
    op.create_table(
        "link_doubt",
        *(sa.Column(name, _TEXT, nullable=False) for name in _PAIR),
        sa.Column("score", _BIG, nullable=True),
        sa.Column("reasons", _TEXT, nullable=False),
        sa.Column("rivals", _TEXT, nullable=False),
        sa.Column("evidence", _TEXT, nullable=False),
        sa.Column("first_seen_us", _BIG, nullable=False),
        sa.Column("last_seen_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint(*_PAIR, name="pk_link_doubt"),
    )
    op.create_index("ix_link_doubt_right", "link_doubt", ["kind", "right_system", "right_id"], unique=False)


def _found_by() -> None:
    op.create_table(
        "link_work",
        sa.Column("copy", _ID, autoincrement=False, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("number", _TEXT, nullable=False),
        sa.Column("stamp", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("copy", name="pk_link_work"),
    )
    op.create_index("ix_link_work_number", "link_work", ["kind", "system", "number", "copy"], unique=False)
    op.create_table(
        "link_known",
        sa.Column("copy", _ID, autoincrement=False, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("canonical_hash", _BYTES, nullable=False),
        sa.Column("found_by", _BYTES, nullable=False),
        sa.Column("counted", _BYTES, nullable=False),
        sa.PrimaryKeyConstraint("copy", name="pk_link_known"),
    )
    op.create_table(
        "link_key",
        sa.Column("key", _BIG, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("copy", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("key", "system", "copy", name="pk_link_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link_count",
        sa.Column("key", _BIG, nullable=False),
        sa.Column("system", _TEXT, nullable=False),
        sa.Column("seen", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("key", "system", name="pk_link_count"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link_word",
        sa.Column("part", _TEXT, nullable=False),
        sa.Column("word", _TEXT, nullable=False),
        sa.Column("seen", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("part", "word", name="pk_link_word"),
    )
