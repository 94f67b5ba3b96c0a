"""Random edits at a far side, while it is read and between, with faults: at the end the copies are its books, and every
certificate on the way ties. The same script gives the same digest on SQLite and on PostgreSQL (invariants 1, 2, 9, 11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pull_books import KIND, SYSTEM, body, digest, held, invoices, pulled

from ledgerbridge.connectors.base import Page
from ledgerbridge.errors import Unavailable
from ledgerbridge.model.base import Kind
from ledgerbridge.store import Store, observed, quarantine, totals
from ledgerbridge.store.schema import METADATA
from ledgerbridge.sync.decode import Accepted, LeftOut
from ledgerbridge.testing.fakes import FakeConnector

IDS = [f"I{number}" for number in range(6)]


@dataclass(frozen=True)
class Put:
    """Create or change; an amount in words cannot be mapped, `skip` leaves the record out, `memo` is another spelling."""

    external_id: str
    minor: int | str
    currency: str = "CNY"
    skip: str = ""
    memo: str = ""


@dataclass(frozen=True)
class Remove:
    external_id: str


@dataclass(frozen=True)
class Piece:
    """Something that is no record."""

    text: bytes


Edit = Put | Remove | Piece


@dataclass(frozen=True)
class Pull:
    """One walk: `during` is what people do between its pages, `fails_after` pages the line goes dead."""

    full: bool
    limit: int
    group_rows: int
    during: tuple[Edit, ...] = ()
    fails_after: int | None = None


ids = st.sampled_from(IDS)
puts = st.builds(
    Put,
    ids,
    st.one_of(st.integers(-500, 500), st.just("zwölf")),
    st.sampled_from(["CNY", "CNY", "USD", "JPY"]),
    st.sampled_from(["", "", "", "test"]),
    st.sampled_from(["", "x"]),
)
edits: st.SearchStrategy[Edit] = st.one_of(
    puts, puts, puts, st.builds(Remove, ids), st.builds(Piece, st.sampled_from([b"[1]", b"\xff"]))
)
pulls = st.builds(
    Pull,
    st.booleans(),
    st.integers(1, 4),
    st.sampled_from([1, 3, 1000]),
    st.lists(edits, max_size=4).map(tuple),
    st.one_of(st.none(), st.integers(0, 3)),
)
scripts = st.lists(st.one_of(edits, edits, pulls), min_size=1, max_size=25)


class Restless(FakeConnector):
    """People go on working while it is read: one edit before each page but the first."""

    during: tuple[Edit, ...] = ()

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        waiting = list(self.during)
        for page in super().pull(kind, cursor=cursor, limit=limit):
            yield page
            if waiting:
                self.edit(waiting.pop(0))

    def edit(self, edit: Edit) -> None:
        if isinstance(edit, Put):
            more = {name: value for name, value in (("skip", edit.skip), ("memo", edit.memo)) if value}
            self.put(KIND, edit.external_id, body(edit.external_id, edit.minor, currency=edit.currency, **more))
        elif isinstance(edit, Piece):
            self.put_unreadable(KIND, edit.text)
        elif any(raw.external_id == edit.external_id for raw in self.records(KIND)):
            self.remove(KIND, edit.external_id)


def play(store: Store, script: list[Edit | Pull]) -> Restless:
    """Carry the script out, then read what is left; every certificate on the way must tie."""
    far = Restless(SYSTEM)
    for act in [*script, Pull(full=False, limit=3, group_rows=1000), Pull(full=True, limit=2, group_rows=3)]:
        if not isinstance(act, Pull):
            far.edit(act)
            continue
        far.during = act.during
        if act.fails_after is not None:
            far.fail("pull", Unavailable("the line is dead", system=SYSTEM), after=act.fails_after)
        result = pulled(store, far, full=act.full, limit=act.limit, group_rows=act.group_rows)
        far._faults.clear()
        note(f"{act}: {result.certificate}")
        assert result.certificate.faults == ()
        assert sum(tally.records for tally in result.certificate.tallies) == result.certificate.read
        assert (result.error is None) == result.certificate.complete
    return far


def check_books(store: Store, far: Restless) -> None:
    decode, copies = invoices(), held(store)
    exist = {raw.external_id: raw for raw in far.records(KIND)}
    bad = set()
    for external_id, raw in exist.items():
        state, minor, flawed = copies[external_id]
        decoded = decode(raw)
        if isinstance(decoded, Accepted):
            assert (state, minor, flawed) == ("live", decoded.record.total_minor, False)  # type: ignore[attr-defined]
        elif isinstance(decoded, LeftOut):
            assert (state, flawed) == ("filtered", False)
        else:
            assert flawed
            bad.add(external_id)
    assert all(copies[external_id][0] == "deleted" for external_id in copies.keys() - exist.keys())
    with store.reading() as tx:
        assert {entry.external_id for entry in quarantine.every(tx) if entry.external_id} == bad
        assert totals.of(tx, SYSTEM, KIND) == observed.live_totals(tx, SYSTEM, KIND)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts)
def test_the_copies_are_the_far_sides_books(fresh_sqlite: Callable[[], Store], script: list[Edit | Pull]) -> None:
    with fresh_sqlite() as store:
        check_books(store, play(store, script))


@pytest.mark.postgres
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts)
def test_both_engines_come_to_the_same_digest(
    fresh_sqlite: Callable[[], Store], postgres_address: str, script: list[Edit | Pull]
) -> None:
    with fresh_sqlite() as store:
        play(store, script)
        expected = digest(store)
    with Store.open(postgres_address, clock=store.clock) as other:
        with other.writing() as tx:
            for table in reversed(METADATA.sorted_tables):
                if table.name not in {"audit", "workspace"}:
                    tx.connection.execute(table.delete())
        check_books(other, play(other, script))
        assert digest(other) == expected
