"""Who is who: entities, links, decisions, doubts; see :mod:`ledgerbridge.store.tables` for how columns are spelled.

Scores are whole hundredths of a bit, so that both engines keep and compare the same number.
"""

from __future__ import annotations

import sqlalchemy as sa

from .tables import BIG, BYTES, ID, METADATA, TEXT

entity = sa.Table(
    "entity",
    METADATA,
    sa.Column("entity_id", TEXT, primary_key=True),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("created_us", BIG, nullable=False),
    sa.Column("merged_into", TEXT),
    sa.Index("ix_entity_kind", "kind", "entity_id"),
)
"""The one customer or document behind several observed copies. Rows are never removed and ids never change: what was
merged away names the entity that took its links, so that an id kept anywhere still resolves."""

link = sa.Table(
    "link",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("external_id", TEXT, primary_key=True),
    sa.Column("part", TEXT, nullable=False, server_default=""),
    sa.Column("entity_id", TEXT, nullable=False),
    sa.Column("rule", TEXT, nullable=False),
    sa.Column("score", BIG),
    sa.Column("evidence", TEXT),
    sa.Column("decided_by", TEXT, nullable=False),
    sa.Column("at_us", BIG, nullable=False),
    sa.Column("matched_hash", BYTES),
    sa.UniqueConstraint("entity_id", "system", "kind", "part"),
)
"""Which record belongs to which entity. The unique key is the one-to-one rule: an entity has one record in a system, or
several with different parts. It begins with the entity, so that an entity's records are found by it, and so that no server
without statistics looks a record up by system and kind alone. `matched_hash` is the canonical hash that was last looked at
for matching. No foreign key to `entity`: the check would cost on every row of a first linking, and both are only written by
:mod:`ledgerbridge.store.links`."""

link_decision = sa.Table(
    "link_decision",
    METADATA,
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("left_system", TEXT, primary_key=True),
    sa.Column("left_id", TEXT, primary_key=True),
    sa.Column("right_system", TEXT, primary_key=True),
    sa.Column("right_id", TEXT, primary_key=True),
    sa.Column("verdict", TEXT, nullable=False),
    sa.Column("who", TEXT, nullable=False),
    sa.Column("why", TEXT, nullable=False),
    sa.Column("at_us", BIG, nullable=False),
    sa.CheckConstraint("verdict IN ('accept', 'refuse')", name="verdict"),
    sa.Index("ix_link_decision_right", "kind", "right_system", "right_id"),
)
"""What people said of pairs. A pair has one row, whichever record was named first: left is the smaller of the two."""

link_doubt = sa.Table(
    "link_doubt",
    METADATA,
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("left_system", TEXT, primary_key=True),
    sa.Column("left_id", TEXT, primary_key=True),
    sa.Column("right_system", TEXT, primary_key=True),
    sa.Column("right_id", TEXT, primary_key=True),
    sa.Column("score", BIG),
    sa.Column("reasons", TEXT, nullable=False),
    sa.Column("rivals", TEXT, nullable=False),
    sa.Column("evidence", TEXT, nullable=False),
    sa.Column("first_seen_us", BIG, nullable=False),
    sa.Column("last_seen_us", BIG, nullable=False),
    sa.Index("ix_link_doubt_right", "kind", "right_system", "right_id"),
)
"""Pairs that wait for a person, spelled as in `link_decision`; gone once decided or no longer doubtful."""

link_work = sa.Table(
    "link_work",
    METADATA,
    sa.Column("copy", ID, primary_key=True, autoincrement=False),
    sa.Column("system", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("number", TEXT, nullable=False),
    sa.Column("stamp", BIG, nullable=False),
    sa.Index("ix_link_work_number", "kind", "system", "number", "copy"),
)
"""Copies that linking has not seen as they are now; written by whoever changes a copy or its link, in the same transaction.
`stamp` is drawn anew at every write, so that a linking takes away only what it has seen. `number` is the copy's, "" if none."""

link_known = sa.Table(
    "link_known",
    METADATA,
    sa.Column("copy", ID, primary_key=True, autoincrement=False),
    sa.Column("system", TEXT, nullable=False),
    sa.Column("canonical_hash", BYTES, nullable=False),
    sa.Column("found_by", BYTES, nullable=False),
    sa.Column("counted", BYTES, nullable=False),
)
"""The live customers that `link_key` and `link_count` hold, and what exactly of each, so that it can be taken out again:
numbers of eight bytes one after the other."""

link_key = sa.Table(
    "link_key",
    METADATA,
    sa.Column("key", BIG, primary_key=True),
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("copy", BIG, primary_key=True),
    sqlite_with_rowid=False,
)
"""What customers can be found by, as the first eight bytes of its BLAKE2b hash. Two texts of one hash would make a candidate
more to be scored, and no wrong link: decisions rest on what the records say."""

link_count = sa.Table(
    "link_count",
    METADATA,
    sa.Column("key", BIG, primary_key=True),
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("seen", BIG, nullable=False),
    sqlite_with_rowid=False,
)
"""How often the customers of a system hold a brand, a character, a place, a telephone: what makes a thing in common rare."""

link_word = sa.Table(
    "link_word",
    METADATA,
    sa.Column("part", TEXT, primary_key=True),
    sa.Column("word", TEXT, primary_key=True),
    sa.Column("seen", BIG, nullable=False),
)
"""The words that names showed to be places or trades when they were last learned; `part` is "place" or "trade". The one row
"names" says of how many names (`seen`) and by which version of the parser (`word`)."""
