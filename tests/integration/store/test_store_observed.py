"""The observed copies: guards inside the database, totals that follow, texts kept apart."""

from __future__ import annotations

import pytest

from ledgerbridge.errors import StaleRecord, StoreError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.store import Store, copies, history, observed, totals
from ledgerbridge.store.observed import Body, Known, Mark, Row, State, Touch, Writes

SYSTEM, KIND = "erp", Kind.INVOICE


def row(
    external_id: str = "1", *, minor: int = 100, order: int | None = 1, currency: str = "CNY", raw: bytes = b"r" * 16
) -> Row:
    empty = dict.fromkeys(Row._fields)
    return Row(
        **{
            **empty,
            "system": SYSTEM,
            "kind": KIND.value,
            "external_id": external_id,
            "wire_type": "t",
            "state": State.LIVE.value,
            "flawed": False,
            "raw_hash": raw,
            "canonical_hash": b"c" * 16,
            "version_order": order,
            "currency": currency,
            "amount_minor": minor,
            "number": f"XS-{external_id}",
            "notices": 0,
            "first_seen_us": 1_000_000,
            "changed_us": 1_000_000,
            "changed_run": "r1",
        }  # type: ignore[arg-type]
    )


BODY = Body(b'{"raw": 1}', b'{"canonical": 1}', None)


def write(store: Store, writes: Writes, *, now_us: int = 2_000_000) -> None:
    with store.writing(lock=observed.lock_of(SYSTEM, KIND)) as tx:
        observed.write(tx, SYSTEM, KIND, writes, now_us=now_us, run_id="r2")


def known(store: Store, *ids: str) -> dict[str, Known]:
    with store.reading() as tx:
        return observed.known(tx, SYSTEM, KIND, ids)


def insert(store: Store, *rows: Row) -> dict[str, Known]:
    write(store, Writes(inserts=[(one, BODY) for one in rows]))
    return known(store, *(one.external_id for one in rows))


def test_what_was_written_is_known_and_counted(store: Store) -> None:
    found = insert(store, row("1", minor=100), row("2", minor=-30), row("3", minor=7, currency="JPY"))
    assert {key: (one.raw_hash, one.state, one.amount_minor) for key, one in found.items()} == {
        "1": (b"r" * 16, "live", 100),
        "2": (b"r" * 16, "live", -30),
        "3": (b"r" * 16, "live", 7),
    }
    assert known(store, "4", "1").keys() == {"1"}
    with store.reading() as tx:
        assert totals.of(tx, SYSTEM, KIND) == {"CNY": (2, 70), "JPY": (1, 7)} == observed.live_totals(tx, SYSTEM, KIND)


def test_other_streams_are_not_known(store: Store) -> None:
    insert(store, row("1"))
    with store.reading() as tx:
        assert observed.known(tx, "crm", KIND, ["1"]) == {}
        assert observed.known(tx, SYSTEM, Kind.PAYMENT, ["1"]) == {}


@pytest.mark.parametrize("count", [1, 7, 8, 63, 65, 511, 512, 513, 1200])
def test_every_row_of_any_number_arrives(store: Store, count: int) -> None:
    found = insert(store, *(row(f"{at:05d}", minor=at) for at in range(count)))
    assert len(found) == count
    assert sorted(one.amount_minor for one in found.values()) == list(range(count))
    write(
        store, Writes(replaced=[(found[f"{at:05d}"].id, row(f"{at:05d}", minor=at + 1), BODY) for at in range(count)])
    )
    with store.reading() as tx:
        assert totals.of(tx, SYSTEM, KIND) == {"CNY": (count, sum(range(count)) + count)}


def test_a_change_moves_totals_keeps_the_past_and_the_first_sight(store: Store) -> None:
    key = insert(store, row("1", minor=100))["1"].id
    changed = row("1", minor=250, order=2, currency="USD", raw=b"s" * 16)._replace(
        first_seen_us=9, changed_us=5_000_000
    )
    write(store, Writes(replaced=[(key, changed, Body(b"new", b"newer", "[]"))]), now_us=5_000_000)
    with store.reading() as tx:
        assert totals.of(tx, SYSTEM, KIND) == {"USD": (1, 250)}
        copy = copies.get(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))
        past = history.of(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))
    assert copy is not None
    assert (copy.raw, copy.canonical, copy.notices_json, copy.currency) == (b"new", b"newer", "[]", "USD")
    assert copy.first_seen_at.timestamp() == 1
    assert [
        (one.raw, one.canonical, one.version_order, one.from_at.timestamp(), one.until_at.timestamp()) for one in past
    ] == [(BODY.raw, BODY.canonical, 1, 1, 5)]


@pytest.mark.parametrize("form", ["replaced", "touched", "marked"])
@pytest.mark.parametrize(
    ("stored", "incoming", "accepted"), [(5, 4, False), (5, 5, True), (5, 6, True), (None, 1, True), (5, None, True)]
)
def test_an_older_version_is_refused_by_the_database(
    store: Store, form: str, stored: int | None, incoming: int | None, accepted: bool
) -> None:
    key = insert(store, row("1", order=stored))["1"].id
    writes = {
        "replaced": Writes(replaced=[(key, row("1", minor=999, order=incoming), BODY)]),
        "touched": Writes(touches=[(Touch(key, b"x" * 16, incoming, None, True, 0), None)]),
        "marked": Writes(marks=[Mark(key, "deleted", None, incoming, False, 3, "r2")]),
    }[form]
    if accepted:
        write(store, writes)
        assert known(store, "1")["1"] != Known(
            "1", key, b"r" * 16, b"c" * 16, stored, "live", False, None, "CNY", 100, 0
        )
    else:
        with pytest.raises(StaleRecord, match="1 of 1 copies were changed by another writer"):
            write(store, writes)
        assert known(store, "1")["1"] == Known(
            "1", key, b"r" * 16, b"c" * 16, stored, "live", False, None, "CNY", 100, 0
        )
        with store.reading() as tx:
            assert totals.of(tx, SYSTEM, KIND) == {"CNY": (1, 100)}


def test_a_record_cannot_be_entered_twice(store: Store) -> None:
    insert(store, row("1"))
    with pytest.raises(StoreError, match=r"(?i)unique"):
        insert(store, row("2"), row("1"))
    assert known(store, "2") == {}


def test_a_mark_takes_a_copy_out_of_the_books_and_keeps_its_text(store: Store) -> None:
    key = insert(store, row("1"))["1"].id
    write(store, Writes(marks=[Mark(key, "deleted", None, 2, False, 3_000_000, "r2")]))
    with store.reading() as tx:
        copy = copies.get(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))
        assert totals.of(tx, SYSTEM, KIND) == {}
        assert list(copies.every(tx, SYSTEM, KIND)) == []
        assert len(history.of(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))) == 1
    assert copy is not None
    assert (copy.state, copy.canonical, copy.changed_run) == (State.DELETED, BODY.canonical, "r2")


def test_copies_come_in_order_however_many(store: Store) -> None:
    insert(store, *(row(f"{at:05d}") for at in range(2_500)))
    with store.reading() as tx:
        found = [copy.ref.external_id for copy in copies.every(tx, SYSTEM, KIND)]
        assert found == sorted(found)
        assert len(found) == 2_500
        assert [copy.ref.external_id for copy in copies.find(tx, "XS-00007")] == ["00007"]
        first = copies.after_id(tx, SYSTEM, KIND, 0, limit=10)
        assert len(copies.after_id(tx, SYSTEM, KIND, first[-1].id, limit=5_000)) == 2_490


def test_ids_sort_by_code_point_on_both_engines(store: Store) -> None:
    ids = ["a", "B", "é", "中", "10", "9", "_", "-", "a b", "😀"]
    insert(store, *(row(one) for one in ids))
    with store.reading() as tx:
        assert [copy.ref.external_id for copy in copies.every(tx, SYSTEM, KIND)] == sorted(ids)


def test_history_is_pruned_by_its_end(store: Store) -> None:
    key = insert(store, row("1"))["1"].id
    for second in (2, 3, 4):
        write(store, Writes(replaced=[(key, row("1", minor=second, order=second), BODY)]), now_us=second * 1_000_000)
    with store.writing() as tx:
        from datetime import UTC, datetime

        assert history.prune(tx, before=datetime.fromtimestamp(4, UTC)) == 2
        assert len(history.of(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))) == 1


def test_the_look_up_of_a_page_reads_no_texts(sqlite_address: str) -> None:
    """200 ids out of many: the texts (here 100 times larger than the rest) must not be dragged along."""
    with Store.open(sqlite_address) as store:
        big = Body(b"x" * 40_000, b"y" * 40_000, None)
        write(store, Writes(inserts=[(row(f"{at:04d}"), big) for at in range(400)]))
        with store.reading() as tx:
            plan = tx.connection.exec_driver_sql(
                "EXPLAIN QUERY PLAN " + observed._LOOK_UP_SQLITE, ("[]", SYSTEM, KIND.value)
            )
            steps = [str(step[-1]) for step in plan]
    assert any("SEARCH observed USING INDEX" in step and "external_id=?" in step for step in steps), steps
    assert not any("observed_body" in step for step in steps)
