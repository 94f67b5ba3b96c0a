"""Fresh PostgreSQL databases for one test after another.

To drop a database the server waits for a checkpoint, which takes longer than most tests. So one that a test has done with is
emptied until it is as the template was, and used again; one whose tables, triggers or grants are no longer the template's is
dropped.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa

_SHAPE = """
SELECT md5(string_agg(fact, ' ' ORDER BY fact)) FROM (
    SELECT concat_ws('.', 'relation', oid, relname, relkind, relowner, relhasrules, relrowsecurity, reloptions, relacl) AS fact
        FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT concat_ws('.', 'column', attrelid, attnum, xmin) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT concat_ws('.', 'default', oid, xmin) FROM pg_attrdef
    UNION ALL SELECT concat_ws('.', 'constraint', oid, xmin) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT concat_ws('.', 'trigger', oid, xmin) FROM pg_trigger WHERE oid >= 16384
    UNION ALL SELECT concat_ws('.', 'function', oid, xmin) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws('.', 'type', oid, xmin) FROM pg_type WHERE oid >= 16384
    UNION ALL SELECT concat_ws('.', 'schema', oid, nspname, nspacl) FROM pg_namespace
    UNION ALL SELECT concat_ws('.', 'extension', oid, extversion) FROM pg_extension
    UNION ALL SELECT concat_ws('.', 'setting', setrole, setconfig) FROM pg_db_role_setting
        WHERE setconfig <> '{synchronous_commit=off}'
        AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT concat_ws('.', 'database', datacl, datconnlimit, datallowconn) FROM pg_database
        WHERE datname = current_database()
) AS facts
"""
_TABLES = """
SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND pg_class.oid >= 16384 AND nspname !~ '^pg_' ORDER BY 1
"""
_SEQUENCES = """
SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename), start_value, last_value FROM pg_sequences
"""


class Databases:
    """Copies of one template on one server, of a test each at a time."""

    def __init__(self, server: sa.Engine, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        with self._inside(template).connect() as connection:
            self._shape = connection.exec_driver_sql(_SHAPE).scalar_one()
            self._tables = connection.exec_driver_sql(_TABLES).scalars().all()
            self._rows = self._some_rows(connection)
            self._sequences = _sequences(connection)

    def take(self) -> str:
        """The name of a database that is as the template is."""
        if self._free:
            return self._free.pop()
        name = f"lb_test_{uuid.uuid4().hex[:12]}"
        with self._server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {self._template}")
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")  # no test cuts the power
        return name

    def give_back(self, name: str) -> None:
        """A test has done with it; whoever is still connected is cut off."""
        with self._server.connect() as connection:
            connected = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %(name)s"
            connection.exec_driver_sql(connected, {"name": name})
        if self._emptied(name):
            self._free.append(name)
        else:
            self._drop(name)

    def close(self) -> None:
        """Drop those that are free."""
        while self._free:
            self._drop(self._free.pop())

    def _emptied(self, name: str) -> bool:
        """Make it as the template is; False if that takes more than to have fewer rows."""
        try:
            with self._inside(name).begin() as connection:
                if connection.exec_driver_sql(_SHAPE).scalar_one() != self._shape:
                    return False
                connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
                connection.exec_driver_sql(
                    "SET LOCAL session_replication_role = replica"
                )  # some tables keep their rows
                kept = {table for table, _ in self._rows}
                full = {table for table, _ in self._some_rows(connection)} - kept
                if full:
                    connection.exec_driver_sql(f"TRUNCATE {', '.join(sorted(full))} CASCADE")
                for sequence, start, last in _sequences(connection) - self._sequences:
                    if last is not None:
                        set_back = {"sequence": sequence, "start": start}
                        connection.exec_driver_sql("SELECT setval(%(sequence)s, %(start)s, false)", set_back)
                return self._some_rows(connection) == self._rows and _sequences(connection) == self._sequences
        except sa.exc.DBAPIError:
            return False

    def _some_rows(self, connection: sa.Connection) -> set[tuple[str, str]]:
        """Up to ten rows of each table."""
        each = [f"(SELECT '{table}', one::text FROM {table} AS one LIMIT 10)" for table in self._tables]
        return {(table, row) for table, row in connection.exec_driver_sql(" UNION ALL ".join(each))}

    def _inside(self, name: str) -> sa.Engine:
        return sa.create_engine(self._server.url.set(database=name), poolclass=sa.NullPool)

    def _drop(self, name: str) -> None:
        with self._server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _sequences(connection: sa.Connection) -> set[tuple[str, int, int | None]]:
    return {(name, start, last) for name, start, last in connection.exec_driver_sql(_SEQUENCES)}
