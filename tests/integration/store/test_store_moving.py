"""Taking a SQLite store over into another database: everything arrives, and the old file is shut."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledgerbridge.errors import StoreError
from ledgerbridge.store import Store, Tx, audit, bulk, facts, heartbeats
from ledgerbridge.store.heartbeats import Heartbeat
from ledgerbridge.store.moving import take_over
from ledgerbridge.store.schema import METADATA
from ledgerbridge.testing.fakes import FakeClock

pytestmark = pytest.mark.parametrize(
    "address", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
_WORDS = {
    ("exception", "state"): "open",
    ("operation", "state"): "ready",
    ("fire", "state"): "done",
    ("link_decision", "verdict"): "accept",
    ("target_gate", "breaker"): "closed",
}
_TEXTS = ("甲方（上海）有限公司", "café ‘quoted’ \\N \t\n", "𠮷野家")


@pytest.fixture
def old(sqlite_template: Path, tmp_path: Path) -> Path:
    """A store with three rows in every table there is."""
    path = tmp_path / "old.db"
    shutil.copy(sqlite_template, path)
    with Store.open(path, clock=FakeClock()) as store, store.writing() as tx:
        for table in METADATA.sorted_tables:
            if table.name not in ("workspace", "audit"):
                bulk.insert(tx, table, [column.name for column in table.columns], list(_rows(table)))
        for subject in _TEXTS:
            audit.append(tx, actor="anna", action="looked", subject=subject, details={"n": 1}, at=FakeClock().now())
    return path


def _rows(table: sa.Table) -> Iterator[tuple[Any, ...]]:
    for at in range(3):
        yield tuple(_value(column, at) for column in table.columns)


def _value(column: sa.Column[Any], at: int) -> Any:
    if column.nullable and at == 1:
        return None
    kind = column.type.python_type
    if word := _WORDS.get((column.table.name, column.name)):
        return word
    if kind is str:
        return f"{column.name} {at} {_TEXTS[at]}"
    if kind is bytes:
        return bytes([at, 0, 255, 10])
    if kind is bool:
        return at == 2
    if column.table.name == "heartbeat":
        return at + 1  # long ago
    return at + 1 if column.primary_key or not isinstance(column.type, sa.BigInteger) else 2**62 + at


def everything(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: [tuple(row) for row in tx.connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
        for table in METADATA.sorted_tables
    }


def test_everything_arrives_and_the_old_file_is_shut(address: str, old: Path, clock: FakeClock) -> None:
    with Store.open(old, clock=clock) as running, Store.open(address, clock=clock) as target:
        with running.reading() as tx:
            before, instance = everything(tx), facts.instance_id(tx)
        counts = take_over(target, old, actor="anna", clock=clock)
        with target.reading() as tx:
            after = everything(tx)
            assert facts.instance_id(tx) == instance
            check = audit.verify(tx)
        assert (check.entries, check.fault) == (4, None)
        assert after.pop("audit")[:3] == before.pop("audit")
        assert after == before
        assert counts == {name: len(rows) for name, rows in before.items()} | {"audit": 3}
        with pytest.raises(StoreError, match="was moved to another one: end this process"), running.writing() as tx:
            heartbeats.leave(tx, "process 0 甲方（上海）有限公司")
    with pytest.raises(StoreError, match="was moved to") as refused:
        Store.open(old)
    assert target.shown in str(refused.value)


def test_new_ids_go_on_after_those_taken_over(address: str, old: Path, clock: FakeClock) -> None:
    with Store.open(address, clock=clock) as target:
        take_over(target, old, actor="anna", clock=clock)
        with target.writing() as tx:
            for table in METADATA.sorted_tables:
                key = table.autoincrement_column
                if key is None or table.name == "audit":
                    continue
                values = dict(zip(table.columns.keys(), next(_rows(table)), strict=True))
                values = {
                    name: f"new {value}" if name == "idem_key" else value
                    for name, value in values.items()
                    if name != key.name
                }
                made = tx.connection.execute(table.insert().values(**values)).inserted_primary_key
                assert made is not None
                assert made[0] == 4, table.name
            if not tx.sqlite:
                assert tx.connection.exec_driver_sql("SELECT nextval('observed_id')").scalar() == 4


def test_nothing_is_taken_over_into_a_database_in_use(address: str, old: Path, clock: FakeClock) -> None:
    with Store.open(address, clock=clock) as target:
        with target.writing() as tx:
            audit.append(tx, actor="anna", action="looked", subject="x", details={}, at=clock.now())
        with pytest.raises(StoreError, match="something in it already"):
            take_over(target, old, actor="anna", clock=clock)
    Store.open(old, clock=clock).close()


def test_a_process_that_still_works_on_the_old_one_is_named(address: str, old: Path, clock: FakeClock) -> None:
    with Store.open(old, clock=clock) as store, store.writing() as tx:
        tx.connection.exec_driver_sql("DELETE FROM heartbeat")
        now = clock.now()
        heartbeats.beat(tx, Heartbeat("serve-7", "serve", "host", 7, now, now - timedelta(seconds=5), ""))
    with Store.open(address, clock=clock) as target, pytest.raises(StoreError, match="serve-7 still works on it"):
        take_over(target, old, actor="anna", clock=clock)
    Store.open(old, clock=clock).close()


def test_what_was_cut_short_after_the_old_file_was_shut_goes_on(
    address: str, old: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Store.open(address, clock=clock) as target:
        with monkeypatch.context() as patched:
            cut = target.writing

            def writing(*, lock: str | None = None) -> Any:
                return _CutAtCommit(cut(lock=lock))

            patched.setattr(target, "writing", writing)
            with pytest.raises(ConnectionError):
                take_over(target, old, actor="anna", clock=clock)
        with pytest.raises(StoreError, match="was moved to"):
            Store.open(old)
        with Store.create(tmp_path / "third.db", clock=clock) as third, pytest.raises(StoreError, match="was moved to"):
            take_over(third, old, actor="anna", clock=clock)
        assert take_over(target, old, actor="anna", clock=clock)["run"] == 3
        with target.reading() as tx:
            assert not {"moved_to", "moved_version"} & facts.every(tx).keys()
        with pytest.raises(StoreError, match="something in it already"):
            take_over(target, old, actor="anna", clock=clock)


class _CutAtCommit:
    """A transaction whose machine dies at its commit."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __enter__(self) -> Any:
        return self._inner.__enter__()

    def __exit__(self, *_exc: object) -> None:
        error = ConnectionError("the machine died")
        with contextlib.suppress(ConnectionError):
            self._inner.__exit__(ConnectionError, error, None)
        raise error
