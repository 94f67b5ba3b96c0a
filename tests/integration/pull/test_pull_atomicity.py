"""Cursor and data commit together (invariant 2): an exception or a death between any two steps leaves whole pages or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pull_books import KIND, SYSTEM, Scripted, digest, held, pulled, raw

from ledgerbridge.model.raw import Raw, Unreadable
from ledgerbridge.model.run import RunStatus
from ledgerbridge.store import Store, Tx, observed, quarantine, runs, streams, totals
from ledgerbridge.testing.fakes import FakeClock

INVOICES = "fake_invoice"


def first_books() -> Scripted:
    return Scripted([raw(str(at), at, order=1) for at in range(6)])


def pages() -> list[list[Raw | Unreadable]]:
    """New, changed, deleted, same with another spelling, quarantined, filtered: every kind of write on every page."""
    return [
        [
            raw(f"new-{at}", at),
            raw(str(at), at + 100, order=2),
            raw(str(at + 3), at + 3, order=2, memo="x"),
            raw(f"bad-{at}", "zwölf"),
            raw(f"out-{at}", skip="test"),
            Unreadable(KIND, INVOICES, f"row {at}", f"[{at}]".encode(), "no object"),
        ]
        for at in range(2)
    ] + [[raw("0", order=3, deleted=True), raw("5", "elf", order=3)]]


def state(store: Store) -> dict[str, object]:
    """Everything that must move together."""
    with store.reading() as tx:
        stream = streams.get(tx, SYSTEM, KIND)
        return {
            "cursor": stream.cursor,
            "full": stream.full_walk,
            "copies": held(store),
            "quarantine": sorted((entry.id, entry.times) for entry in quarantine.every(tx)),
            "totals": totals.of(tx, SYSTEM, KIND),
            "counted": observed.live_totals(tx, SYSTEM, KIND),
        }


@pytest.fixture
def whole_pages(sqlite_template: Path, tmp_path: Path) -> list[dict[str, object]]:
    """What may be found: the state before, and after each page of a walk that nothing disturbs."""
    path = tmp_path / "undisturbed.db"
    shutil.copy(sqlite_template, path)
    found = []
    with Store.open(path, clock=FakeClock()) as store:
        pulled(store, first_books())
        found.append(state(store))
        pulled(store, Scripted(*pages()), group_rows=1, progress=lambda _progress: found.append(state(store)))
    return found


STEPS: list[tuple[object, str]] = [
    (streams, "check_held"),
    (observed, "known"),
    (quarantine, "sight"),
    (observed, "write"),
    (totals, "add"),
    (quarantine, "settle"),
    (streams, "advance"),
    (runs, "save_counts"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("page", [2, 3])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt], ids=["error", "interrupt"])
@pytest.mark.parametrize(("module", "name"), STEPS, ids=[name for _, name in STEPS])
def test_an_exception_between_any_two_steps_leaves_whole_pages(
    fresh_sqlite: Callable[[], Store],
    monkeypatch: pytest.MonkeyPatch,
    whole_pages: list[dict[str, object]],
    module: object,
    name: str,
    error: type[BaseException],
    page: int,
    when: str,
) -> None:
    with fresh_sqlite() as store:
        pulled(store, first_books())
        real = getattr(module, name)
        stored = 0

        def count(_progress: object) -> None:
            nonlocal stored
            stored += 1

        struck = False

        def strike(*arguments: object, **named: object) -> object:
            nonlocal struck
            armed = stored == page - 1 and not struck
            if armed and when == "before":
                struck = True
                raise error("struck")
            answer = real(*arguments, **named)
            if armed:
                struck = True
                raise error("struck")
            return answer

        with monkeypatch.context() as patched:
            patched.setattr(module, name, strike)
            result = pulled(store, Scripted(*pages()), group_rows=1, progress=count)
        if struck:  # some steps do not happen on every page
            assert result.interrupted == (error is KeyboardInterrupt)
            assert result.status in {RunStatus.PARTIAL, RunStatus.FAILED, RunStatus.INTERRUPTED}
            assert not result.certificate.complete
            assert whole_pages[page - 1] == state(store)
        assert result.certificate.faults == ()
        again = pulled(store, Scripted(*pages()), group_rows=1)
        assert again.certificate.faults == ()
        assert held(store) == whole_pages[-1]["copies"]


def test_an_answer_to_a_commit_that_is_lost_does_not_spoil_the_books(
    store: Store, monkeypatch: pytest.MonkeyPatch, whole_pages: list[dict[str, object]]
) -> None:
    """The commit happened, its answer did not come: the certificate is drawn up from what is stored."""
    pulled(store, first_books())
    real, commits = Store.writing, 0

    class Lost:
        def __init__(self, inner: object) -> None:
            self.inner = inner

        def __enter__(self) -> Tx:
            return self.inner.__enter__()  # type: ignore[attr-defined,no-any-return]

        def __exit__(self, *exc: object) -> None:
            nonlocal commits
            self.inner.__exit__(*exc)  # type: ignore[attr-defined]
            commits += 1
            if commits == 3:  # the run, the step's beginning, the first page
                raise TimeoutError("no answer")

    monkeypatch.setattr(Store, "writing", lambda self, **named: Lost(real(self, **named)))
    result = pulled(store, Scripted(*pages()), group_rows=1)
    assert result.error is not None
    assert (result.certificate.read, result.certificate.faults) == (6, ())
    assert state(store) == whole_pages[1]


class Killed:
    """A child process that dies, without any clean-up, at the n-th statement it sends to the database."""

    def __init__(self, address: str) -> None:
        self.address = address

    def at(self, statement: int) -> bool:
        """Whether the child died there (it comes to its end otherwise)."""
        child = os.fork()
        if child == 0:
            self._pull(statement)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in {0, 9}, f"the child failed in another way: {code}"
        return code == 9

    def _pull(self, statement: int) -> None:
        sent = 0
        cursor = Tx.cursor

        def counted() -> None:
            nonlocal sent
            sent += 1
            if sent > statement:
                os._exit(9)

        def striking(tx: Tx) -> object:
            counted()
            return cursor(tx)

        code = 1
        try:
            Tx.cursor = striking  # type: ignore[method-assign]
            with Store.open(self.address, clock=FakeClock()) as store:
                sa.event.listen(store._writer, "before_cursor_execute", lambda *_: counted())
                sa.event.listen(store._writer, "commit", lambda *_: counted())
                pulled(store, Scripted(*pages()), group_rows=1)
            code = 0
        finally:
            os._exit(code)


def deaths(make: Callable[[], str], step: int) -> Iterator[tuple[str, bool]]:
    """A fresh store, loaded, whose reader died at the first, the next, … statement, until one lives through."""
    statement, died = 0, True
    while died:
        address = make()
        with Store.open(address, clock=FakeClock()) as store:
            pulled(store, first_books())
        died = Killed(address).at(statement)
        yield address, died
        statement += step
        assert statement < 1000


def check_after_death(address: str, whole: list[dict[str, object]]) -> None:
    with Store.open(address, clock=FakeClock()) as store:
        found = state(store)
        assert found in whole, "a part of a page was stored"
        result = pulled(store, Scripted(*pages()), group_rows=1)
        assert result.certificate.faults == ()
        assert held(store) == whole[-1]["copies"]
        with store.reading() as tx:
            dead = [run.error for run in runs.recent(tx) if run.status is RunStatus.INTERRUPTED]
            assert streams.get(tx, SYSTEM, KIND).holder is None
    assert all("taken over by run" in str(why) for why in dead)


def test_death_at_any_statement_leaves_whole_pages_sqlite(
    sqlite_template: Path, tmp_path: Path, whole_pages: list[dict[str, object]]
) -> None:
    made = iter(range(10_000))

    def make() -> str:
        path = tmp_path / f"{next(made)}.db"
        shutil.copy(sqlite_template, path)
        return str(path)

    survived = []
    for address, died in deaths(make, 2):
        check_after_death(address, whole_pages)
        survived.append(not died)
    assert survived[-1]
    assert len(survived) > 30, "there are at least so many statements to die at"


@pytest.mark.postgres
def test_death_at_many_statements_leaves_whole_pages_postgres(
    request: pytest.FixtureRequest, whole_pages: list[dict[str, object]]
) -> None:
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    made: list[str] = []

    def make() -> str:
        made.append(f"lb_death_{os.getpid()}_{len(made)}")
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {made[-1]} TEMPLATE {template}")
        return str(server.url.set(drivername="postgresql", database=made[-1]).render_as_string(hide_password=False))

    try:
        for address, _died in deaths(make, 19):
            check_after_death(address, whole_pages)
    finally:
        with server.connect() as connection:
            for name in made:
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_the_digest_is_the_same_however_often_it_was_disturbed(fresh_sqlite: Callable[[], Store]) -> None:
    digests = set()
    for cut in (None, 1, 2):
        with fresh_sqlite() as store:
            pulled(store, first_books())
            if cut is not None:
                pulled(store, Scripted(*pages()[:cut], RuntimeError("torn")), group_rows=1)
            pulled(store, Scripted(*pages()), group_rows=1)
            digests.add(digest(store))
    assert len(digests) == 1
