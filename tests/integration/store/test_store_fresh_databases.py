"""The instruments themselves: databases that tests use again or make in a short way are as real ones."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.postgres_databases import Databases
from tests.migrated_once import MigratedOnce

from ledgerbridge.store import Store, audit, facts, migrate
from ledgerbridge.testing.fakes import FakeClock


def sql(server: sa.Engine, name: str, *statements: str) -> list[object]:
    engine = sa.create_engine(server.url.set(database=name), poolclass=sa.NullPool)
    with engine.begin() as connection:
        results = [connection.exec_driver_sql(statement) for statement in statements]
        return list(results[-1].scalars()) if results[-1].returns_rows else []


@pytest.mark.postgres
def test_one_that_was_written_to_is_used_again_and_empty(
    postgres_databases: Databases, postgres_server: sa.Engine
) -> None:
    name = postgres_databases.take()
    before = sql(postgres_server, name, "SELECT nextval('observed_id')")
    address = postgres_server.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with Store.open(address, clock=FakeClock()) as store, store.writing() as tx:
        audit.append(tx, actor="王芳", action="tried", subject="it", details={}, at=datetime(2026, 1, 1, tzinfo=UTC))
    postgres_databases.give_back(name)
    assert postgres_databases.take() == name
    assert sql(postgres_server, name, "SELECT count(*) FROM audit") == [0]
    assert sql(postgres_server, name, "SELECT nextval('observed_id')") == before == [1]
    postgres_databases.give_back(name)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "changed",
    [
        "CREATE TABLE another (id INTEGER)",
        "DROP TABLE audit",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "ALTER TABLE observed ALTER COLUMN id SET DEFAULT 7",
        "UPDATE workspace SET value = 'x'",
        "DELETE FROM workspace",
    ],
)
def test_one_that_is_not_as_the_template_is_never_used_again(
    postgres_databases: Databases, postgres_server: sa.Engine, changed: str
) -> None:
    name = postgres_databases.take()
    sql(postgres_server, name, changed)
    postgres_databases.give_back(name)
    other = postgres_databases.take()
    assert other != name
    assert sql(postgres_server, other, f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == [0]
    postgres_databases.give_back(other)


def test_a_store_made_in_the_short_way_is_the_one_that_the_migrations_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.create(tmp_path / "real.db").close()
    monkeypatch.setattr(migrate, "command", MigratedOnce())
    instances = set()
    for name in ("first.db", "short.db"):
        with Store.create(tmp_path / name) as store, store.reading() as tx:
            instances.add(facts.instance_id(tx))
        assert dump(tmp_path / name) == dump(tmp_path / "real.db")
    assert len(instances) == 2


def dump(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        numbers = [str(database.execute(f"PRAGMA {name}").fetchone()) for name in ("application_id", "user_version")]
        return [*numbers, *(line for line in database.iterdump() if 'INTO "workspace"' not in line)]
