"""The limit: httpx + orjson + executemany; nothing is validated, hashed or guarded. Run by ``pull_http.py`` with the peers'
Python.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import httpx
import orjson

COLUMNS = (
    "id", "version", "modified", "code", "type", "status", "date", "due", "currency", "rate", "sum", "net", "tax", "unpaid",
    "order", "department", "salesperson", "remark",
)  # fmt: skip
NAMED = ("customer_id", "customer_code", "customer_name", "lines")
GROUP = 10


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    columns = [f'"{name}"' for name in (*COLUMNS, *NAMED)]
    sets = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    sql = f"INSERT INTO invoices VALUES ({', '.join('?' * len(columns))}) ON CONFLICT (id) DO UPDATE SET {sets}"
    with closing(sqlite3.connect(folder / "limit.db", isolation_level=None)) as database, httpx.Client() as client:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(f"CREATE TABLE IF NOT EXISTS invoices ({', '.join(columns)}, PRIMARY KEY (id))")
        page, pages, read = 1, 1, 0
        batch: list[tuple[object, ...]] = []
        while page <= pages:
            answer = orjson.loads(client.get(f"{url}/invoices", params={"page": page}).content)
            pages, page = answer["pages"], page + 1
            batch += [row_of(record) for record in answer["data"]]
            read += len(answer["data"])
            if (page - 1) % GROUP == 0 or page > pages:
                database.execute("BEGIN IMMEDIATE")
                database.executemany(sql, batch)
                database.execute("COMMIT")
                batch = []
    print(read)


def row_of(record: dict[str, object]) -> tuple[object, ...]:
    customer = record["customer"]
    assert isinstance(customer, dict)
    return (
        *[record[name] for name in COLUMNS],
        customer["id"],
        customer["code"],
        customer["name"],
        orjson.dumps(record["lines"]),
    )


if __name__ == "__main__":
    main()
