"""Read models for the comparison of two ledgers: what differs, found inside the database, and balances summed there.

Only numbers whose documents are not the same in both systems come out (:mod:`~ledgerbridge.store.ledger_suspects` finds them).
Everything is read in one transaction: numbers, balances and customers belong together.
"""

# ruff: noqa: S608 (statements are put together from names of our own columns; values are always parameters)

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, islice
from typing import Any, Final

from ledgerbridge.model.base import Kind
from ledgerbridge.model.invoice import DocumentStatus
from ledgerbridge.model.ledger import Account, Balances, LedgerDocument, NumberGroup

from . import bulk
from .ledger_sums import Sums, summed_by_customer
from .ledger_suspects import Sides, suspects
from .tx import Tx

OPTIONAL: Final = ("tax_minor", "fee_minor", "due_on", "doc_kind")
"""Columns that are compared only where both systems say something, and only if asked for."""
_SETTLED: Final = {Kind.INVOICE: "{}.amount_minor", Kind.PAYMENT: "{0}.amount_minor + coalesce({0}.fee_minor, 0)"}
_FETCH: Final = 1000

_CUSTOMERS: Final = "SELECT external_id, number, party_name FROM observed WHERE system = ? AND kind = 'customer'"
_LINKED: Final = "SELECT external_id, entity_id FROM link WHERE system = ? AND kind = 'customer'"
"""Put together here: without statistics PostgreSQL joins them by comparing every one with every other."""
_SELECT: Final = """
SELECT o.number, o.system, o.external_id, o.part, o.currency, o.amount_minor, o.fee_minor, o.tax_minor, o.business_on, o.due_on,
    o.doc_status, o.doc_kind, o.party_id, o.party_code, o.party_name, l.entity_id
"""


@dataclass(slots=True)
class Accounts:
    """How the documents of one system name its customers, and which entities those are. Grows with the customers."""

    system: str
    by_id: dict[str, str | None] = field(default_factory=dict)
    by_code: dict[str, str | None] = field(default_factory=dict)
    by_name: dict[str, str | None] = field(default_factory=dict)
    entities: dict[str, str] = field(default_factory=dict)
    """By entity, its name in this system, of those that have one."""

    def entity_of(self, party_id: str | None, code: str | None, name: str | None) -> str | None:
        """By id, else by code, else by name; a code or name that several customers have says nothing.

        What stands as an id may be a code and the other way round, as in systems where both are one. In SQL only one of the two
        is looked at (:meth:`references`), and both ways must agree.
        """
        ways = (self.by_id, self.by_code) if party_id is not None else (self.by_code, self.by_id)
        said = party_id if party_id is not None else code
        for known, value in ((ways[0], said), (ways[1], said), (self.by_code, code), (self.by_name, name)):
            if value is not None and value in known:
                return known[value]
        return None

    def account(self, party_id: str | None, code: str | None, name: str | None) -> Account:
        """Whose balance a document moves that names its customer so."""
        entity = self.entity_of(party_id, code, name)
        if entity is not None:
            return Account(entity, entity, name)
        return Account(f"{self.system}/{party_id or code or name or ''}", None, name)

    def references(self) -> dict[str, str]:
        """Entities by what a document says as id, or, without one, as code; what could be either and means two is left out."""
        found = {code: entity for code, entity in self.by_code.items() if entity is not None}
        for party_id, entity in self.by_id.items():
            if party_id in self.by_code and self.by_code[party_id] != entity:
                found.pop(party_id, None)
            elif entity is not None:
                found[party_id] = entity
        return found

    def said_of(self, keys: Collection[str]) -> tuple[set[str], set[str]]:
        """What documents may say of the customers of these accounts: ids and codes, and names. Others may be called so too."""
        mine = f"{self.system}/"
        own = {key.removeprefix(mine) for key in keys if key.startswith(mine)}
        known = ({said for said, entity in way.items() if entity in keys} for way in (self.by_id, self.by_code))
        return own.union(*known), own | {name for name, entity in self.by_name.items() if entity in keys}


def accounts(tx: Tx, system: str) -> Accounts:
    """The customers of a system, in whatever state their copies are: documents may still name them."""
    found = Accounts(system)
    linked = dict(bulk.rows_of(tx, _LINKED, (system,)))
    for external_id, code, name in bulk.rows_of(tx, _CUSTOMERS, (system,)):
        entity = linked.get(external_id)
        found.by_id[external_id] = entity
        for known, value in ((found.by_code, code), (found.by_name, name)):
            if value is not None:
                known[value] = entity if known.get(value, entity) == entity else None
        if entity is not None and name is not None:
            found.entities.setdefault(entity, name)
    return found


def differing(
    tx: Tx,
    kind: Kind,
    leading: Accounts,
    compared: Accounts,
    *,
    optional: Collection[str] = OPTIONAL,
    among: Collection[str] | None = None,
) -> Iterator[NumberGroup]:
    """The numbers of a kind whose live documents are not plainly the same in two systems, in order, with all their documents.

    Plainly the same: one document on each side, of linked customers, alike in currency, amount with fee, day, status and in the
    `optional` columns that both have. To be used up within the transaction. `among`: these numbers instead, the same or not.
    """
    if among is None:
        both = Sides(kind, leading.system, compared.system, _same_customers(leading, compared))
        wanted = suspects(tx, both, optional)
    else:
        wanted = iter(sorted(among))
    sides = {leading.system: leading, compared.system: compared}
    while numbers := list(islice(wanted, _FETCH)):
        for number, rows in groupby(_rows(tx, kind, tuple(sides), numbers), key=lambda row: row[0]):
            found: dict[str, list[LedgerDocument]] = {system: [] for system in sides}
            for row in rows:
                found[row[1]].append(_document(kind, row, sides[row[1]]))
            yield NumberGroup(kind, number, found[leading.system], found[compared.system])


def balances(
    tx: Tx, kinds: Collection[Kind], of: Accounts, *, as_of: date | None = None, only: Collection[str] | None = None
) -> Balances:
    """Every customer's balance in one system over some kinds, summed by the database from all live, approved documents.

    Documents dated after `as_of` do not count. Balances of zero are left out. `only`: those of these accounts.
    """
    return every_balance(tx, kinds, [of], as_of=as_of, only=only)[0]


def every_balance(
    tx: Tx,
    kinds: Collection[Kind],
    sides: Sequence[Accounts],
    *,
    as_of: date | None = None,
    only: Collection[str] | None = None,
) -> list[Balances]:
    """The same for several systems, in their order, which costs less than one after the other."""
    found: list[Balances] = [{} for _ in sides]
    until = "" if as_of is None else f" AND business_on <= '{as_of.isoformat()}'"
    for kind in kinds:
        if only is None:
            summed = summed_by_customer(tx, kind, [of.system for of in sides], _SETTLED[kind].format("o"), until)
        else:
            summed = [_of_some(tx, kind, of, only, until) for of in sides]
        for of, sums, into in zip(sides, summed, found, strict=True):
            for (party_id, code, name, currency), minor in sums.items():
                key = of.account(party_id, code, name).key, currency
                into[key] = into.get(key, 0) + (minor if kind is Kind.INVOICE else -minor)
    return [{key: minor for key, minor in one.items() if minor and (only is None or key[0] in only)} for one in found]


def _of_some(tx: Tx, kind: Kind, of: Accounts, only: Collection[str], until: str) -> Sums:
    """Sums by what is said of the customers of some accounts; of others that are called so too."""
    found: Sums = {}
    references, names = map(sorted, of.said_of(only))
    for columns, where, said in (
        ("party_id, party_code, NULL", "(party_id IS NOT NULL OR party_code IS NOT NULL)", references),
        ("NULL, NULL, party_name", "party_id IS NULL AND party_code IS NULL", names),
    ):
        theirs, listed = _said(tx, columns, said)
        sql = (
            f"SELECT {columns}, currency, sum({_SETTLED[kind].format('o')}) FROM observed o "
            f"WHERE system = ? AND kind = ? AND state = 'live' AND doc_status = 'approved' AND {where}{theirs}{until} "
            f"GROUP BY {columns.replace('NULL, ', '').replace(', NULL', '')}, currency"
        )
        for *key, minor in bulk.rows_of(tx, sql, (of.system, kind.value, *listed)):
            found[tuple(key)] = int(minor)
    return found


def _said(tx: Tx, columns: str, said: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
    """The condition that one of the columns says one of these, and its parameters."""
    conditions = [bulk.among(tx, column, said) for column in columns.split(", ") if column != "NULL"]
    return f" AND ({' OR '.join(one for one, _ in conditions)})", tuple(listed for _, listed in conditions)


def _same_customers(leading: Accounts, compared: Accounts) -> list[tuple[str, str]]:
    """What documents of both systems may say of one customer, in pairs."""
    theirs: dict[str, list[str]] = {}
    for reference, entity in compared.references().items():
        theirs.setdefault(entity, []).append(reference)
    return [
        (reference, other)
        for reference, entity in leading.references().items()
        for other in theirs.get(entity, ())
    ]  # fmt: skip


def _rows(tx: Tx, kind: Kind, systems: tuple[str, ...], numbers: Sequence[str]) -> list[tuple[Any, ...]]:
    """All live documents of some numbers in two systems, by number."""
    where = "o.kind = ? AND o.state = 'live' AND o.system IN (?, ?)"
    linked = "l.system = o.system AND l.kind = o.kind AND l.external_id = o.external_id"
    if tx.sqlite:
        sql = f"""
{_SELECT} FROM (SELECT value AS number FROM json_each(?)) k
JOIN observed o INDEXED BY ix_observed_number ON o.number = k.number LEFT JOIN link l ON {linked}
WHERE {where} ORDER BY o.number
"""
        return bulk.rows_of(tx, sql, (json.dumps(numbers), kind.value, *systems))
    # One probe each, by number alone, forced by LATERAL and OFFSET: without statistics the server would rather walk everything.
    sql = f"""
{_SELECT} FROM unnest(?::text[]) AS k (number)
CROSS JOIN LATERAL (SELECT * FROM observed o WHERE o.number = k.number COLLATE "C" OFFSET 0) AS o
LEFT JOIN LATERAL (SELECT l.entity_id FROM link l WHERE {linked} OFFSET 0) AS l ON true
WHERE {where} ORDER BY o.number
"""
    return bulk.rows_of(tx, sql, (list(numbers), kind.value, *systems))


def _document(kind: Kind, row: tuple[Any, ...], of: Accounts) -> LedgerDocument:
    (number, _, external_id, part, currency, minor, fee, tax, on, due, status, doc_kind, *party, entity) = row
    return LedgerDocument(
        kind=kind,
        external_ids=(external_id,),
        number=number,
        account=of.account(*party),
        currency=currency,
        settled_minor=minor + (fee or 0),
        business_on=date.fromisoformat(on),
        status=DocumentStatus(status),
        tax_minor=tax,
        fee_minor=fee,
        due_on=date.fromisoformat(due) if due else None,
        doc_kind=doc_kind,
        entity=entity,
        part=part,
    )
