"""A comparison for one customer says of it what a comparison of everybody says, and reads only what concerns it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from reconcile_books import DAY, RULES, Record, customer, invoice, put, rolled, run

from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import State
from ledgerbridge.reconciler.comparison import Tolerance
from ledgerbridge.store import Store, Tx, bulk, exceptions, ledgers
from ledgerbridge.store.exceptions import Wanted
from ledgerbridge.store.ledger_numbers import numbers_of
from ledgerbridge.store.tables_identity import link
from ledgerbridge.sync.linking import link_all
from ledgerbridge.sync.reconciling import comparisons
from ledgerbridge.sync.reconciling.comparisons import Compared, compare
from ledgerbridge.testing.fakes import FakeClock

KINDS = (Kind.INVOICE, Kind.PAYMENT)
LOOSE = replace(RULES, tolerances=(Tolerance("尾差", "CNY", 5),))


def scattered(seed: int) -> list[Record]:
    """The same books in both systems, with documents missing, changed, under other customers or under nobody, renumbered, and
    customers that are not linked, are there twice, or are called by their names alone.
    """
    die = random.Random(seed)
    ours = rolled(seed, customers=8, documents=70)
    name = "毫不相干商行" if seed % 2 else "第2客户公司C02"  # one that nobody takes for another, and one in doubt
    theirs = [customer("TWIN", name, system="crm"), invoice("ALONE", "C03", 500, "2026-02-02", system="crm")]
    lost = die.choice(["C04", "C05"])
    for record in ours:
        fields = dict(record.fields)
        if record.kind is Kind.CUSTOMER:
            if fields["code"] != lost:
                theirs.append(replace(record, system="crm"))
            continue
        lot = die.random()
        whom = fields["customer"]["code"]
        if lot < 0.06:
            continue
        if lot < 0.12:
            amount = "total_minor" if record.kind is Kind.INVOICE else "amount_minor"
            fields[amount] += die.choice((-3, 4, 7_000))
        elif lot < 0.2 or whom == lost:
            some = ("C00", "C01", "C02", "C06", "TWIN", "NOBODY")
            other = die.choice(("TWIN", "TWIN", "TWIN", "C01") if whom == lost and seed % 2 else some)
            fields["customer"] = {"external_id": other, "code": other}
        elif lot < 0.23:
            fields["customer"] = {"name": "第6客户有限公司C06"}
        elif lot < 0.28 and seed % 3 == 0 and record.kind is Kind.PAYMENT:
            del fields["customer"]
        elif lot < 0.3 and record.kind is Kind.INVOICE:
            fields["number"] = f"N{record.external_id}"
        theirs.append(replace(record, system="crm", fields=fields))
    return [*ours, *theirs]


def linked(store: Store, records: list[Record]) -> None:
    """Write them, link the customers, and link documents that have another number in the CRM."""
    put(store, records)
    link_all(store, ("erp", "crm"), FakeClock())
    renumbered = [one.external_id for one in records if one.fields.get("number") == f"N{one.external_id}"]
    columns = ("system", "kind", "external_id", "part", "entity_id", "rule", "decided_by", "at_us")
    with store.writing() as tx:
        for key in renumbered:
            for system in ("erp", "crm"):
                bulk.run(
                    tx, "DELETE FROM link WHERE system = ? AND kind = 'invoice' AND external_id = ?", (system, key)
                )
        rows = [(system, "invoice", key, "", f"D{key}", "t", "t", 0) for key in renumbered for system in ("erp", "crm")]
        bulk.insert(tx, link, columns, rows)


def told(tx: Tx, system: str, only: frozenset[str] | None, *, partial: bool) -> tuple[list[str], Any]:
    rules = replace(LOOSE, partial=frozenset({system}) if partial else frozenset())
    found: Compared = compare(tx, rules, system, KINDS, DAY, only)
    with found.found as spool:
        return sorted(line if isinstance(line, str) else line.decode() for line in spool.lines()), found.books


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For every kind that is compared: whether only some numbers are read."""
    seen: list[bool] = []
    whole = ledgers.differing

    def spied(*given: Any, **options: Any) -> Iterator[Any]:
        seen.append(options["among"] is not None)
        return whole(*given, **options)

    monkeypatch.setattr(ledgers, "differing", spied)
    return seen


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_one_customer_is_told_as_everybody_is(
    fresh_sqlite: Callable[[], Store], monkeypatch: pytest.MonkeyPatch, read: list[bool], seed: int, partial: bool
) -> None:
    narrow, wide, findings = [], [], 0
    with fresh_sqlite() as store:
        linked(store, scattered(seed))
        with store.reading() as tx:
            keys = sorted(ledgers.accounts(tx, "erp").entities)
            for rounds, into in ((3, narrow), (0, wide)):
                monkeypatch.setattr(comparisons, "_ROUNDS", rounds)
                read.clear()
                for key in keys:
                    into.append(told(tx, "crm", frozenset({key}), partial=partial))
                    findings += len(into[-1][0])
                assert any(read) is (rounds > 0)
            assert narrow == wide
            assert findings > 20, "hardly anything differs: this proves nothing"


def test_only_what_concerns_the_customer_is_read(store: Store, read: list[bool]) -> None:
    """On both engines: numbers of its documents in either system and of what they are linked to, and its own balance."""
    known = [customer(code, f"{name}有限公司", system=system) for system in ("erp", "crm") for code, name in NAMES]
    ours = [invoice(f"XS{code}{at}", code, 100 + at, "2026-02-01") for code, _ in NAMES for at in range(3)]
    theirs = {one.external_id: replace(one, system="crm") for one in ours if not one.external_id.endswith("2")}
    theirs["XSC10"] = replace(theirs["XSC10"], fields={**theirs["XSC10"].fields, "number": "NXSC10"})
    theirs["XSC20"] = invoice("XSC20", "C1", 100, "2026-02-01", system="crm")
    linked(store, [*known, *ours, *theirs.values()])
    with store.reading() as tx:
        sides = ledgers.accounts(tx, "erp"), ledgers.accounts(tx, "crm")
        (key,) = (key for key, name in sides[0].entities.items() if name == "上海飞轮有限公司")
        numbers = numbers_of(tx, Kind.INVOICE, sides, {key})
        assert numbers == {"XSC10", "NXSC10", "XSC11", "XSC12", "XSC20"}
        assert {group.number for group in ledgers.differing(tx, Kind.INVOICE, *sides, among=numbers)} == numbers
        balances = [ledgers.balances(tx, (Kind.INVOICE,), side, only={key}) for side in sides]
        assert balances == [{(key, "CNY"): 303}, {(key, "CNY"): 301}]
        lines, books = told(tx, "crm", frozenset({key}), partial=False)
        assert len(lines) == 2, "XSC12 is missing there, XSC20 stands under it"
        assert (books[0].gap_minor, books[0].unexplained_minor) == (-2, 0)
        assert all(read[-2:])
        assert told(tx, "crm", frozenset({"erp/unknown"}), partial=False) == ([], ())


NAMES = (("C1", "上海飞轮"), ("C2", "苏州长河"), ("C3", "青岛海风"))


def test_findings_of_others_stay_though_their_documents_were_not_read(fresh_sqlite: Callable[[], Store]) -> None:
    with fresh_sqlite() as store:
        linked(store, scattered(1))
        run(store, rules=LOOSE)
        before = standing(store)
        done = run(store, rules=LOOSE, customer="C03")
        assert standing(store) == before
        assert all((one.new, one.changed, one.gone) == (0, 0, 0) for one in done.exceptions)
        assert done.found["compare:erp:crm"] > 0


def standing(store: Store) -> dict[str, tuple[State, Any]]:
    with store.reading() as tx:
        return {one.id: (one.state, one.finding) for one in exceptions.every(tx, Wanted())}
