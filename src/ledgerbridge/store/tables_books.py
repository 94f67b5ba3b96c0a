"""Reconciliation: allocations, payers, frozen statements, results; see :mod:`ledgerbridge.store.tables`."""

from __future__ import annotations

import sqlalchemy as sa

from .tables import BIG, BYTES, METADATA, TEXT

statement_look = sa.Table(
    "statement_look",
    METADATA,
    sa.Column("look_hash", TEXT, primary_key=True),
    sa.Column("look", BYTES, nullable=False),
)
"""What stood on statements beside the figures, once for all copies that share it; the key is the hash of its bytes."""

statement_copy = sa.Table(
    "statement_copy",
    METADATA,
    sa.Column("copy_id", TEXT, primary_key=True),
    sa.Column("entity_id", TEXT, nullable=False),
    sa.Column("customer_name", TEXT, nullable=False),
    sa.Column("currency", TEXT, nullable=False),
    sa.Column("first_day", TEXT, nullable=False),
    sa.Column("last_day", TEXT, nullable=False),
    sa.Column("closing_minor", TEXT, nullable=False),
    sa.Column("frozen_us", BIG, nullable=False),
    sa.Column("frozen_by", TEXT, nullable=False),
    sa.Column("content", BYTES, nullable=False),
    sa.Column("content_hash", TEXT, nullable=False),
    sa.Column("look_hash", TEXT, nullable=False),
    sa.Index("ix_statement_copy_entity", "entity_id", "currency", "last_day"),
    sa.Index("ix_statement_copy_frozen_us", "frozen_us", "copy_id"),
)
"""Statements as they were sent: canonical JSON, compressed; `content_hash` is of what was compressed. Triggers refuse changes.
`closing_minor` is text because a balance may be beyond 64 bits."""

statement_file = sa.Table(
    "statement_file",
    METADATA,
    sa.Column("copy_id", TEXT, primary_key=True),
    sa.Column("form", TEXT, primary_key=True),
    sa.Column("language", TEXT, primary_key=True),
    sa.Column("renderer", TEXT, nullable=False),
    sa.Column("file_hash", TEXT, nullable=False),
    sa.Column("made_us", BIG, nullable=False),
)
"""The files that were made of a copy, by their hashes: what was made once must come out the same again."""

book_account = sa.Table(
    "book_account",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("account", TEXT, primary_key=True),
    sa.Column("entity_id", TEXT),
    sa.Column("name", TEXT),
    sa.Column("digest", TEXT, nullable=False),
    sa.Column("cash", TEXT, nullable=False),
    sa.Index("ix_book_account_entity_id", "entity_id"),
)
"""One customer of the leading system as cash was last applied: `digest` is of all that went in, `cash` is JSON (see
:class:`ledgerbridge.store.allocations.Applied`). `account` is the key of :class:`ledgerbridge.model.ledger.Account`."""

allocation_result = sa.Table(
    "allocation_result",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("account", TEXT, primary_key=True),
    sa.Column("seq", BIG, primary_key=True),
    sa.Column("match_no", BIG, nullable=False),
    sa.Column("currency", TEXT, nullable=False),
    sa.Column("debit_id", TEXT, nullable=False),
    sa.Column("credit_id", TEXT, nullable=False),
    sa.Column("amount_minor", BIG, nullable=False),
    sa.Column("effective_on", TEXT, nullable=False),
    sa.Column("rule", TEXT, nullable=False),
    sa.Column("confidence", TEXT, nullable=False),
    sa.Column("difference", TEXT, nullable=False),
    sa.Column("limit_name", TEXT),
    sa.Column("evidence", TEXT),
)
"""核销 as it was decided: so much of a credit for a debit, from a business date on, and why. A match of several documents is
several rows of one `match_no`; its evidence (JSON) stands on the first."""

book_party = sa.Table(
    "book_party",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("party_id", TEXT, primary_key=True),
    sa.Column("party_code", TEXT, primary_key=True),
    sa.Column("party_name", TEXT, primary_key=True),
    sa.Column("records", BIG, nullable=False),
    sa.Column("stamp", BIG, nullable=False),
)
"""The ways in which live records of a watched system name a customer (empty: nothing is said): how many do, and a number drawn
anew in every transaction in which one of them changed, came or went."""

book_day = sa.Table(
    "book_day",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("kind", TEXT, primary_key=True),
    sa.Column("currency", TEXT, primary_key=True),
    sa.Column("business_on", TEXT, primary_key=True),
    sa.Column("brought_in", sa.Boolean, primary_key=True),
    sa.Column("records", BIG, nullable=False),
    sa.Column("minor", TEXT, nullable=False),
)
"""How many live, approved invoices and payments of a watched system there are, and what they do to all balances together, by
day. `brought_in`: they are opening balances. `minor` is text because the sum may be beyond 64 bits."""

book_carry = sa.Table(
    "book_carry",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("account", TEXT, primary_key=True),
    sa.Column("marks", TEXT, nullable=False),
    sa.Column("from_on", TEXT, nullable=False),
    sa.Column("before_on", TEXT),
    sa.Column("items", TEXT, nullable=False),
)
"""What of a customer's books is carried forward: its open items (JSON), as they are from one business day until before another.
`marks` is a digest of the stamps in :data:`book_party`, and of the rules, from which it was made: with other ones it counts for
nothing."""

book_year = sa.Table(
    "book_year",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("account", TEXT, primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("months", TEXT, nullable=False),
)
"""The same customer's history, JSON: per month the balances before and after it, its copies and its allocations."""

bank_row = sa.Table(
    "bank_row",
    METADATA,
    sa.Column("system", TEXT, primary_key=True),
    sa.Column("external_id", TEXT, primary_key=True),
    sa.Column("canonical_hash", BYTES, nullable=False),
    sa.Column("outcome", TEXT, nullable=False),
    sa.Column("payment_id", TEXT),
    sa.Column("customer", TEXT),
    sa.Column("content", TEXT, nullable=False),
    sa.Column("read_us", BIG, nullable=False),
    sa.Index("ix_bank_row_outcome", "system", "outcome"),
)
"""What became of money that a bank saw: booked as a payment of the leading system, or whose it probably is and for what."""

payer = sa.Table(
    "payer",
    METADATA,
    sa.Column("account", TEXT, primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("customer", TEXT, primary_key=True),
    sa.Column("confirmed", TEXT, primary_key=True),
    sa.Column("times", BIG, nullable=False),
    sa.Column("seen_us", BIG, nullable=False),
)
"""Who has paid for whom: an account or a name (the other is empty), and how that is known."""

reconciliation = sa.Table(
    "reconciliation",
    METADATA,
    sa.Column("run_id", TEXT, primary_key=True),
    sa.Column("made_us", BIG, nullable=False),
    sa.Column("lead_system", TEXT, nullable=False),
    sa.Column("as_of", TEXT, nullable=False),
    sa.Column("recorded", sa.Boolean, nullable=False),
    sa.Column("summary", TEXT, nullable=False),
    sa.Index("ix_reconciliation_made_us", "made_us"),
)
"""Every reconciliation with its summary (JSON). `recorded`: it moved the books and the exceptions forward."""
