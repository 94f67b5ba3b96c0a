"""Reconcile: apply the leading system's cash, find whose the banks' money is, compare the systems, and record what is found.

One consistent picture of the store is read, customer by customer; what changes is written in short transactions beside it.
Nothing is written to any far side.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import msgspec

from ledgerbridge import log
from ledgerbridge.clock import Clock, business_day
from ledgerbridge.errors import ActRefused, Stopped
from ledgerbridge.model.base import Kind
from ledgerbridge.model.exception import Finding
from ledgerbridge.model.reconciliation import ExceptionLine, ReconciliationSummary
from ledgerbridge.reconciler.aging import credit_findings, standing
from ledgerbridge.reconciler.bankrows import PartyItem
from ledgerbridge.store import (
    Store,
    Tx,
    allocations,
    book_marks,
    exception_merge,
    ledgers,
    payers,
    reconciliations,
    to_us,
    totals,
)
from ledgerbridge.store import books as book_rows
from ledgerbridge.store.allocations import Replacement
from ledgerbridge.sync import exceptions
from ledgerbridge.sync.exceptions import Recorded
from ledgerbridge.sync.planning_spool import Spool

from .bank import Bank, BankReading, read_bank
from .books import CarriedBooks, CustomerBooks, directory, every_customer, in_full
from .cash import cash_input
from .comparisons import Compared, compare, compared_systems
from .debtors import Debtors
from .findings import of_cash, of_identity, of_writes
from .rules import Rules
from .sums import Totals
from .verifying import watch

_LOG = log.get(__name__)
_CUSTOMERS: Final = 200
_ROWS: Final = 5_000
_TOLD: Final = 25


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the books are read: customers, and the money applied so far by currency."""

    done: int
    total: int
    applied: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one reconciliation did. `recorded`: books and exceptions were moved forward; a look back stores only its summary.

    `anew`: customers whose cash was worked out anew; the others stood as stored. `banks`: rows by outcome. `exceptions`: what
    became of each scope (empty for a look back); `found`: findings by scope.
    """

    summary: ReconciliationSummary
    recorded: bool
    anew: int
    banks: dict[str, dict[str, int]]
    exceptions: tuple[Recorded, ...]
    found: dict[str, int]


@dataclass(slots=True)
class _Run:
    """One reconciliation under way."""

    store: Store
    rules: Rules
    now: datetime
    as_of: date
    only: frozenset[str] | None
    recording: bool
    tell: Callable[[Progress], None]
    stop: Callable[[], bool]
    spools: dict[str, Spool] = field(default_factory=dict)
    waiting: list[Replacement] = field(default_factory=list)
    anew: int = 0

    def close(self) -> None:
        """Let go of what was put aside."""
        for spool in self.spools.values():
            spool.__exit__(None, None, None)

    def found(self, scope: str, findings: Iterable[Finding]) -> None:
        """Put findings aside."""
        if scope not in self.spools:
            self.spools[scope] = Spool()
        for finding in findings:
            self.spools[scope].add(finding.model_dump_json(exclude_defaults=True))


def reconcile(
    store: Store,
    rules: Rules,
    clock: Clock,
    *,
    linked: Sequence[str],
    as_of: date | None = None,
    customer: str | None = None,
    tell: Callable[[Progress], None] = lambda _progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Reconciled:
    """Reconcile the books as of a day (default: today). Link before, and say which systems take part in linking: those that
    do not, and hold payments alone, are banks.

    A day before the one up to which the books were last reconciled is a look back: the summary says what it was like, stored
    cash and exceptions stay as they are. `customer` (code, id or a part of the name) narrows to some customers, and nothing of
    others changes. ActRefused if there is no such customer; :class:`Stopped` once `stop` says so.
    """
    now = clock.now()
    began = clock.monotonic()
    day = as_of or business_day(now, rules.zone)
    watch(store, rules.lead)
    with store.reading() as tx, ExitStack() as closing:
        only = None if customer is None else frozenset(accounts_of(tx, rules, customer))
        before = reconciliations.stands_on(tx, rules.lead)
        run = _Run(store, rules, now, day, only, before is None or day >= before, tell, stop)
        closing.callback(run.close)
        debtors = Debtors(tx, rules.lead, rules.base_currency)
        sums = _read_books(tx, run, debtors)
        banks = _read_banks(tx, run, linked, debtors)
        compared = []
        for system, kinds in compared_systems(tx, rules, linked):
            _go_on(run)
            one = compare(tx, rules, system, kinds, day, only)
            run.spools[one.scope] = one.found
            compared.append(one)
        if only is None:
            waiting = list(of_identity(tx))
            known = {finding.refs for finding in waiting}
            seen = (finding for one in compared for finding in one.alike if finding.refs not in known)
            run.found("identity", [*waiting, *seen])
            run.found("sync", of_writes(tx))
        _go_on(run)
        done = _recorded(run) if run.recording else ()
        summary = _summary(run, sums, compared, done)
        with store.writing() as writing:
            reconciliations.keep(writing, summary, recorded=run.recording and only is None)
        found = {scope: spool.count for scope, spool in sorted(run.spools.items())}
    _LOG.info(
        "reconciled",
        run_id=summary.run_id,
        as_of=day.isoformat(),
        customers=sums.customers,
        new=run.anew,
        found=sum(found.values()),
        elapsed_ms=int((clock.monotonic() - began) * 1000),
    )
    return Reconciled(summary, run.recording, run.anew, banks, done, found)


def accounts_of(tx: Tx, rules: Rules, wanted: str) -> list[str]:
    """The accounts of the customers that a person means; ActRefused if there is none."""
    keys = Debtors(tx, rules.lead).keys(wanted)
    if not keys:
        raise ActRefused(f"{rules.lead} has no customer {wanted!r}; name one by its code, id, or a part of its name")
    return keys


def _go_on(run: _Run) -> None:
    if run.stop():
        raise Stopped


def _read_books(tx: Tx, run: _Run, debtors: Debtors) -> Totals:
    """Every customer: cash applied anew where anything has changed, findings put aside, sums taken."""
    rules, who = run.rules, directory(tx, run.rules.lead, run.only)
    sums = Totals(rules, run.as_of)
    gone = set() if run.only is not None else set(allocations.states(tx, rules.lead))
    run.found("allocation", ())
    run.found("credit", ())
    reading = (
        every_customer(tx, rules, who, run.as_of, ahead=True)
        if run.only is None
        else in_full(tx, rules, who, run.as_of)
    )
    for books in reading:
        gone.discard(books.account.key)
        entries = list(books.open_entries())
        sums.add(books, entries)
        run.found("allocation", of_cash(books, rules, run.as_of))
        if rules.report_credit:
            debtor = debtors.of(books.account)
            for stand in standing(debtor, entries, run.as_of, rules.credit):
                run.found("credit", credit_findings(stand, run.as_of, rules.credit))
        if isinstance(books, CustomerBooks):
            run.anew += books.fresh
            _keep(run, books)
            if run.only is not None:
                sums.add_records(books)
        if sums.customers % _TOLD == 0:
            run.tell(Progress(sums.customers, len(who), sums.applied))
            _go_on(run)
    if run.only is None:
        sums.add_days(book_marks.day_sums(tx, rules.lead, run.as_of.isoformat()))
    _flush(run)
    if gone and run.recording:
        with run.store.writing(lock=allocations.LOCK) as writing:
            allocations.forget(writing, rules.lead, gone)
    run.tell(Progress(sums.customers, sums.customers, sums.applied))
    return sums


def _keep(run: _Run, books: CustomerBooks) -> None:
    """Put aside what is new of a customer: how its cash was applied, and what is carried forward with that."""
    if not run.recording:
        return
    carry = books.carry() if run.only is None else None
    if carry is None and not books.fresh:
        return
    run.waiting.append(books.replacement(carry))
    if len(run.waiting) >= _CUSTOMERS or sum(len(one.rows) for one in run.waiting) >= _ROWS:
        _flush(run)


def _flush(run: _Run) -> None:
    """Store what was worked out for some customers, each as a whole. It can be worked out again, so it need not be durable."""
    if run.waiting:
        with run.store.writing(lock=allocations.LOCK, durable=False) as writing:
            allocations.replace(writing, run.rules.lead, run.waiting)
        run.waiting = []


def _read_banks(tx: Tx, run: _Run, linked: Sequence[str], debtors: Debtors) -> dict[str, dict[str, int]]:
    """The systems that hold nothing but payments and take no part in linking: their rows are evidence of money."""
    counts: dict[str, dict[str, int]] = {}
    if run.only is not None:
        return counts
    held = totals.every(tx)
    with_others = {system for (system, kind), sums in held.items() if sums and kind is not Kind.PAYMENT}
    known = ledgers.accounts(tx, run.rules.lead)
    bank = Bank(tx, run.rules, known, debtors, run.as_of)
    for (system, kind), sums in held.items():
        if kind is not Kind.PAYMENT or not sums or system in {*linked, *with_others, *run.rules.apart}:
            continue
        _go_on(run)
        reading = read_bank(bank, system, _open_items(tx, run))
        run.found(f"bank:{system}", reading.findings)
        counts[system] = dict(sorted(reading.counts.items()))
        if run.recording:
            _keep_bank(run, reading)
    return counts


def _keep_bank(run: _Run, reading: BankReading) -> None:
    if not (reading.changed or reading.gone or reading.learned):
        return
    with run.store.writing(lock=allocations.LOCK) as writing:
        payers.replace_rows(writing, reading.system, reading.changed, gone=reading.gone, now_us=to_us(run.now))
        payers.learn(writing, reading.learned, now_us=to_us(run.now))


def _open_items(tx: Tx, run: _Run) -> Iterator[PartyItem]:
    """Every open document of every customer, as bank rows are compared with them; grows with what is open."""
    who = directory(tx, run.rules.lead)
    for books in every_customer(tx, run.rules, who, run.as_of):
        left = {entry.id: entry.open_minor for entry in books.open_entries() if not entry.money}
        if isinstance(books, CarriedBooks):
            found = book_rows.rows_by_id(tx, [item.copy for item in books.items if not item.money])
            rows = [found[item.copy] for item in books.items if not item.money]
        else:
            rows = [row for row in books.rows if f"{row.kind}/{row.external_id}" in left]
        given = cash_input(rows, book_rows.texts_of(tx, rows), run.as_of)
        for item in given.items:
            yield PartyItem(books.account.key, msgspec.structs.replace(item, open_minor=left[item.id]))


def _recorded(run: _Run) -> tuple[Recorded, ...]:
    """Record every scope's findings, each in a transaction of its own."""
    done = []
    complete = run.only is None
    for scope, spool in sorted(run.spools.items()):
        with run.store.writing(lock=exception_merge.LOCK) as writing:
            found = (Finding.model_validate_json(line) for line in spool.lines())
            done.append(
                exceptions.record(
                    writing, scope, found, run.now, policy=run.rules.exceptions, zone=run.rules.zone, complete=complete
                )
            )
    return tuple(done)


def _summary(
    run: _Run, sums: Totals, compared: Collection[Compared], done: Sequence[Recorded]
) -> ReconciliationSummary:
    return ReconciliationSummary(
        run_id=f"R{run.now:%Y%m%d%H%M%S}{secrets.token_hex(3)}",
        company=run.rules.company,
        leading=run.rules.lead,
        as_of=run.as_of,
        made_at=run.now,
        partial=run.only is not None,
        customers=sums.customers,
        compared=tuple(books for one in compared for books in one.books),
        passes=sums.passes(),
        cash=sums.cash(),
        aging=sums.aging(),
        collection=sums.collection(),
        exceptions=_exception_lines(run, done),
    )


class _Moved(msgspec.Struct):
    minor: int
    currency: str


class _Counted(msgspec.Struct):
    """What of a finding is counted: it was checked when it was made."""

    code: str
    difference: _Moved | None = None


_counted: Final = msgspec.json.Decoder(_Counted).decode


def _exception_lines(run: _Run, done: Sequence[Recorded]) -> tuple[ExceptionLine, ...]:
    """What this run found, by code and currency; `new` as far as it was recorded."""
    counts: Counter[tuple[str, str | None]] = Counter()
    minor: Counter[tuple[str, str | None]] = Counter()
    for spool in run.spools.values():
        for line in spool.lines():
            finding = _counted(line)
            key = finding.code, finding.difference.currency if finding.difference else None
            counts[key] += 1
            minor[key] += finding.difference.minor if finding.difference else 0
    new: dict[tuple[str, str | None], int] = {}
    if done:
        with run.store.reading() as tx:
            new = reconciliations.new_exceptions(tx, to_us(run.now))
    return tuple(
        ExceptionLine(code=key[0], currency=key[1], records=counts[key], minor=minor[key], new=new.get(key, 0))
        for key in sorted(counts, key=lambda key: (key[0], key[1] or ""))
    )
