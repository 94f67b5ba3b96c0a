"""Exceptions with their comments and decisions; see :mod:`ledgerbridge.store.tables` for how columns are spelled."""

from __future__ import annotations

import sqlalchemy as sa

from .tables import BIG, ID, METADATA, TEXT

exception = sa.Table(
    "exception",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("scope", TEXT, nullable=False),
    sa.Column("fingerprint", TEXT, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("digest", TEXT, nullable=False),
    sa.Column("code", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("systems", TEXT, nullable=False),
    sa.Column("customer", TEXT),
    sa.Column("customer_name", TEXT),
    sa.Column("number", TEXT),
    sa.Column("currency", TEXT),
    sa.Column("minor", BIG),
    sa.Column("worth", BIG, nullable=False),
    sa.Column("business_on", TEXT),
    sa.Column("finding", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("severity", sa.Integer, nullable=False),
    sa.Column("owner", TEXT),
    sa.Column("first_seen_us", BIG, nullable=False),
    sa.Column("last_seen_us", BIG, nullable=False),
    sa.Column("moved_us", BIG, nullable=False),
    sa.Column("moved_by", TEXT, nullable=False),
    sa.Column("moved_text", TEXT, nullable=False),
    sa.Column("judged_minor", BIG),
    sa.Column("reopened", sa.Integer, nullable=False),
    sa.Column("comments", sa.Integer, nullable=False),
    sa.Column("waiver_by", TEXT),
    sa.Column("waiver_us", BIG),
    sa.Column("waiver_text", TEXT),
    sa.Column("waiver_until", TEXT),
    sa.Column("waiver_two", sa.Boolean, nullable=False),
    sa.Column("waiver_second", TEXT),
    sa.Column("decision", TEXT),
    sa.Column("remedy", TEXT),
    sa.Column("version", BIG, nullable=False),
    sa.UniqueConstraint("scope", "fingerprint", "ordinal"),
    sa.CheckConstraint(
        "waiver_second IS NULL OR (waiver_by IS NOT NULL AND waiver_second <> waiver_by)",
        name="second_is_another",
    ),
    sa.CheckConstraint(
        "state <> 'waived' OR (waiver_by IS NOT NULL AND (waiver_second IS NOT NULL OR NOT waiver_two))",
        name="waived_is_agreed",
    ),
    sa.CheckConstraint("state IN ('open', 'taken', 'settled', 'waived', 'gone')", name="state_is_known"),
    sa.CheckConstraint("(minor IS NULL) = (currency IS NULL)", name="money_has_a_currency"),
    sa.Index("ix_exception_state", "state", "severity", "worth"),
    sa.Index("ix_exception_customer", "customer"),
)
"""One finding with its life. `finding` is its JSON; the columns before it repeat what is looked up. `systems` is space-separated,
with a space at both ends. `severity` is 1 to 3. `worth` is the difference without its sign, 0 for none. `remedy` repeats the
decision's. Two people for a waiver above the limit, and two different ones, is held by the database too."""

exception_event = sa.Table(
    "exception_event",
    METADATA,
    sa.Column("seq", ID, primary_key=True, autoincrement=True),
    sa.Column("exception_id", TEXT, nullable=False),
    sa.Column("at_us", BIG, nullable=False),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("act", TEXT, nullable=False),
    sa.Column("from_state", TEXT, nullable=False),
    sa.Column("to_state", TEXT, nullable=False),
    sa.Column("why", TEXT),
    sa.Column("text", TEXT, nullable=False),
    sa.Column("details", TEXT, nullable=False),
    sa.Index("ix_exception_event_exception_id", "exception_id", "seq"),
)
"""What happened to an exception, oldest first."""

exception_found = sa.Table(
    "exception_found",
    METADATA,
    sa.Column("scope", TEXT, primary_key=True),
    sa.Column("seq", BIG, primary_key=True, autoincrement=False),
    sa.Column("fingerprint", TEXT, nullable=False),
    sa.Column("digest", TEXT, nullable=False),
    sa.Column("code", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("systems", TEXT, nullable=False),
    sa.Column("customer", TEXT),
    sa.Column("customer_name", TEXT),
    sa.Column("salesperson", TEXT),
    sa.Column("number", TEXT),
    sa.Column("currency", TEXT),
    sa.Column("minor", BIG),
    sa.Column("business_on", TEXT),
    sa.Column("finding", TEXT, nullable=False),
    sa.Index("ix_exception_found_fingerprint", "scope", "fingerprint", "seq"),
)
"""Scratch: the findings of the run that is being recorded, so that they can be read in order of fingerprint whatever their
number. Empty between runs."""
