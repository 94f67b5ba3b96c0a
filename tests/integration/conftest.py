"""Stores to test with: every test that asks for `store` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.postgres_databases import Databases

from ledgerbridge.store import Store
from ledgerbridge.testing.fakes import FakeClock

POSTGRES = os.environ.get("LEDGERBRIDGE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")
ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.db"
    Store.create(path, clock=FakeClock()).close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.Engine]:
    """An engine that may create databases; without a server the tests are skipped, but never in CI."""
    url = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except sa.exc.OperationalError as error:
        engine.dispose()
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no PostgreSQL at {url.host}:{url.port}: {error.orig}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: sa.Engine) -> Iterator[str]:
    name = f"lb_template_{uuid.uuid4().hex[:12]}"
    with postgres_server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    Store.create(_url(name), clock=FakeClock()).close()
    yield name
    _drop(postgres_server, name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sqlite_address(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite store."""
    path = tmp_path / f"{uuid.uuid4().hex[:8]}.db"
    shutil.copy(sqlite_template, path)
    return str(path)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: sa.Engine, postgres_template: str) -> Iterator[Databases]:
    databases = Databases(postgres_server, postgres_template)
    yield databases
    databases.close()


@pytest.fixture
def postgres_address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated PostgreSQL store in a database of its own."""
    databases: Databases = request.getfixturevalue("postgres_databases")
    name = databases.take()
    yield _url(name)
    databases.give_back(name)


@pytest.fixture
def empty_postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty PostgreSQL database."""
    server: sa.Engine = request.getfixturevalue("postgres_server")
    name = f"lb_empty_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield _url(name)
    _drop(server, name)


@pytest.fixture(params=ENGINES)
def address(request: pytest.FixtureRequest) -> str:
    """Where a fresh store is, on each engine."""
    return str(request.getfixturevalue(f"{request.param}_address"))


@pytest.fixture
def store(address: str, clock: FakeClock) -> Iterator[Store]:
    with Store.open(address, clock=clock) as opened:
        yield opened


@pytest.fixture
def fresh_sqlite(sqlite_template: Path, tmp_path: Path) -> Callable[[], Store]:
    """Makes as many fresh SQLite stores as a property test needs."""

    def make() -> Store:
        path = tmp_path / f"{uuid.uuid4().hex}.db"
        shutil.copy(sqlite_template, path)
        return Store.open(path, clock=FakeClock())

    return make


def _url(name: str) -> str:
    return sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)


def _drop(server: sa.Engine, name: str) -> None:
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
