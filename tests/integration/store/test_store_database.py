"""Opening, migrating and transactions of the store, on both engines."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ledgerbridge.errors import StoreError
from ledgerbridge.model.base import Kind
from ledgerbridge.store import Store, facts, migrate, totals
from ledgerbridge.store.database import HEAD, VERSION_TABLE
from ledgerbridge.store.schema import METADATA

ON_BOTH = pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])


@pytest.fixture
def empty(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return str(tmp_path / "new.db") if engine == "sqlite" else str(request.getfixturevalue("empty_postgres"))


def sql(address: str, *statements: str) -> None:
    url = f"sqlite:///{address}" if "://" not in address else address.replace("postgresql:", "postgresql+psycopg:")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@ON_BOTH
def test_create_makes_the_schema_that_the_tables_declare(empty: str) -> None:
    with Store.create(empty) as store, store.writing() as tx:
        context = MigrationContext.configure(tx.connection, opts={"version_table": VERSION_TABLE})
        found = [change for change in compare_metadata(context, METADATA) if "sequence" not in str(change[0])]
        assert found == []
        assert len(facts.instance_id(tx)) == 32


@ON_BOTH
def test_migrating_twice_changes_nothing(empty: str) -> None:
    with Store.create(empty) as store, store.reading() as tx:
        first = facts.every(tx)
    with Store.create(empty) as store, store.reading() as tx:
        assert facts.every(tx) == first
        assert store.version() == HEAD


@ON_BOTH
def test_two_at_once_migrate_once(empty: str) -> None:
    Path(empty).touch() if "://" not in empty else None
    errors: list[BaseException] = []

    def create() -> None:
        try:
            Store.create(empty).close()
        except BaseException as error:  # noqa: BLE001 (told to the main thread)
            errors.append(error)

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store.open(empty) as store:
        assert store.version() == HEAD


def test_a_new_file_that_is_being_switched_to_the_log_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # what the switch meets; SQLite then refuses at once, however long it may wait
    letting_go = threading.Timer(0.3, other.close)
    letting_go.start()
    try:
        with Store.create(path) as store:
            assert store.version() == HEAD
    finally:
        letting_go.join()


def test_the_known_head_is_the_newest_migration() -> None:
    assert migrate.scripts().get_heads() == [HEAD]


@ON_BOTH
def test_a_database_that_was_not_set_up_says_how_to(empty: str) -> None:
    if "://" in empty:
        with pytest.raises(StoreError, match="has not been set up; run `ledgerbridge migrate`"):
            Store.open(empty)
    else:
        with pytest.raises(StoreError, match=r"there is no database here; run `ledgerbridge migrate`"):
            Store.open(empty)
        assert not Path(empty).exists()


@ON_BOTH
def test_a_foreign_database_is_neither_opened_nor_touched(empty: str) -> None:
    sql(empty, "CREATE TABLE ledger (id INTEGER)")
    for attempt in (Store.open, Store.create):
        with pytest.raises(StoreError, match=r"belongs to something else .*'ledger'"):
            attempt(empty)


@ON_BOTH
def test_a_newer_database_is_refused(empty: str) -> None:
    Store.create(empty).close()
    sql(empty, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for attempt in (Store.open, Store.create):
        with pytest.raises(StoreError, match="version 9999, made by a newer Ledgerbridge"):
            attempt(empty)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("no database at all, only some text that is long enough\n" * 10)
    with pytest.raises(StoreError, match="no SQLite database"):
        Store.open(path)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://u@h/d", "not mysql"),
        ("sqlite://", "must be a plain file"),
        ("://u:hidden@", "no URL"),
    ],
)
def test_addresses_that_are_no_store(address: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        Store.open(address)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(StoreError) as caught:
        Store.open("postgresql://someone:geheim-4711@127.0.0.1:1/db")
    assert "someone:***@127.0.0.1:1/db" in str(caught.value)
    assert "geheim-4711" not in str(caught.value)


def test_the_file_and_its_companions_are_private(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with Store.create(path) as store, store.writing() as tx:
        facts.put(tx, "a", "b")
        modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("books.db", "books.db-wal", "books.db-shm"), 0o600)
    path.chmod(0o644)
    Store.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sqlite_is_opened_as_decided(sqlite_address: str) -> None:
    def pragma(connection: sa.Connection, name: str) -> object:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    with Store.open(sqlite_address) as store:
        for durable, synchronous in ((True, 2), (False, 1), (True, 2)):
            with store.writing(durable=durable) as tx:
                assert pragma(tx.connection, "synchronous") == synchronous
        with store.writing() as tx:
            assert pragma(tx.connection, "journal_mode") == "wal"
            assert pragma(tx.connection, "busy_timeout") == 15_000
            assert pragma(tx.connection, "foreign_keys") == 1


def test_a_sqlite_writer_holds_the_lock_from_its_first_statement(sqlite_address: str) -> None:
    with (
        Store.open(sqlite_address) as store,
        closing(sqlite3.connect(sqlite_address, timeout=0, isolation_level=None)) as other,
        store.writing(),
    ):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*) FROM observed").fetchone() == (0,)


def test_an_error_undoes_everything(store: Store) -> None:
    def fail() -> None:
        with store.writing() as tx:
            totals.add(tx, "erp", Kind.INVOICE, {"CNY": (1, 100)})
            raise RuntimeError("torn")

    with pytest.raises(RuntimeError, match="torn"):
        fail()
    with store.reading() as tx:
        assert totals.of(tx, "erp", Kind.INVOICE) == {}


def test_writing_inside_writing_is_refused_rather_than_waiting_for_ever(sqlite_address: str) -> None:
    with Store.open(sqlite_address) as store, store.writing() as tx:
        with pytest.raises(StoreError, match="already open in this thread"), store.writing():
            raise AssertionError("two at once")
        facts.put(tx, "a", "b")


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read"), store.reading() as tx:
        facts.put(tx, "a", "b")


def test_a_reader_sees_one_picture(store: Store) -> None:
    with store.reading() as before:
        assert totals.of(before, "erp", Kind.INVOICE) == {}
        with store.writing() as tx:
            totals.add(tx, "erp", Kind.INVOICE, {"CNY": (1, 100)})
        assert totals.of(before, "erp", Kind.INVOICE) == {}
    with store.reading() as after:
        assert totals.of(after, "erp", Kind.INVOICE) == {"CNY": (1, 100)}


def test_opening_a_store_does_not_load_alembic(sqlite_address: str) -> None:
    code = "import sys; from ledgerbridge.store import Store; Store.open(sys.argv[1]).close(); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, sqlite_address], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
