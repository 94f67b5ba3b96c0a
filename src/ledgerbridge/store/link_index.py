"""What live customers are found by and how common it is, kept up to date one changed customer at a time.

Nothing here knows what the texts mean: they are hashed, and stand for themselves.
"""

# ruff: noqa: S608 (statements are put together from names of our own tables; values are always parameters)

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from ledgerbridge.model.base import Kind

from . import bulk
from .tables_identity import link_key, link_known, link_word
from .tx import Tx

_PAGE: Final = 2_000
Words = dict[str, set[str]]
"""Learned words by part ("place", "trade")."""


class Entry(NamedTuple):
    """What is held of one live customer: the keys it is found by, and those that it counts for, as often as it does."""

    copy: int
    system: str
    canonical_hash: bytes
    found_by: tuple[int, ...]
    counted: tuple[int, ...]


@lru_cache(maxsize=100_000)
def key_of(text: str) -> int:
    """The number that stands for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


def held(tx: Tx, copies: Collection[int]) -> dict[int, Entry]:
    """What is held of these customers; those of which nothing is are left out."""
    found: dict[int, Entry] = {}
    listed = list(copies)
    for at in range(0, len(listed), _PAGE):
        condition, parameter = bulk.among(tx, "copy", listed[at : at + _PAGE])
        sql = f"SELECT {', '.join(Entry._fields)} FROM link_known WHERE {condition}"
        for row in bulk.rows_of(tx, sql, (parameter,)):
            found[row[0]] = Entry(row[0], row[1], bytes(row[2]), _unpacked(row[3]), _unpacked(row[4]))
    return found


def put(tx: Tx, old: Collection[Entry], new: Sequence[Entry]) -> None:
    """Hold `new` instead of `old`, which must be what :func:`held` says. No copy twice among either."""
    if old:
        condition, parameter = bulk.among(tx, "copy", [one.copy for one in old])
        bulk.run(tx, f"DELETE FROM link_known WHERE {condition}", (parameter,))
        _take_keys(tx, [(key, one.system, one.copy) for one in old for key in one.found_by])
    moved: Counter[tuple[int, str]] = Counter()
    for one in new:
        moved.update([(key, one.system) for key in one.counted])
    for one in old:
        moved.subtract([(key, one.system) for key in one.counted])
    _count(tx, sorted((key, system, by) for (key, system), by in moved.items() if by))
    bulk.insert(tx, link_key, ("key", "system", "copy"), _keys(new))
    rows = [(one.copy, one.system, one.canonical_hash, _packed(one.found_by), _packed(one.counted)) for one in new]
    bulk.insert(tx, link_known, Entry._fields, rows)


def clear(tx: Tx) -> None:
    """Hold nothing any more."""
    for table in ("link_key", "link_known", "link_count"):
        bulk.run(tx, f"DELETE FROM {table}", ())


def bearers(tx: Tx, system: str, keys: Collection[int], limit: int | None) -> dict[int, list[str]]:
    """The external ids of a system's live customers by the keys they are found by; of more than `limit` any ones."""
    most = 2**62 if limit is None else limit
    listed = sorted(keys)
    found: dict[int, list[str]] = {}
    for at in range(0, len(listed), _PAGE):
        some = listed[at : at + _PAGE]
        if tx.sqlite:
            sql = """
                SELECT k.value, (SELECT json_group_array(o.external_id) FROM
                    (SELECT copy FROM link_key WHERE key = k.value AND system = ? LIMIT ?) AS c
                    JOIN observed o ON o.id = c.copy AND o.state = 'live')
                FROM json_each(?) AS k
            """
            rows = bulk.rows_of(tx, sql, (system, most, json.dumps(some)))
            found.update((row[0], ids) for row in rows if (ids := json.loads(row[1])))
        else:
            sql = """
                SELECT k.key, o.external_id FROM unnest(?::bigint[]) AS k (key)
                CROSS JOIN LATERAL (SELECT copy FROM link_key WHERE key = k.key AND system = ? LIMIT ?) AS c
                CROSS JOIN LATERAL (SELECT external_id FROM observed WHERE id = c.copy AND state = 'live' OFFSET 0) AS o
            """
            for key, external_id in bulk.rows_of(tx, sql, (some, system, most)):
                found.setdefault(key, []).append(external_id)
    return found


def counts(tx: Tx, system: str, keys: Collection[int]) -> dict[int, int]:
    """How often a system's customers count for these keys; keys for which none does are left out."""
    found: dict[int, int] = {}
    listed = list(keys)
    for at in range(0, len(listed), _PAGE):
        condition, parameter = bulk.among(tx, "key", listed[at : at + _PAGE])
        rows = bulk.rows_of(
            tx, f"SELECT key, seen FROM link_count WHERE {condition} AND system = ?", (parameter, system)
        )
        found.update((row[0], int(row[1])) for row in rows)
    return found


def size(tx: Tx, system: str) -> int:
    """How many live customers a system has."""
    sql = "SELECT coalesce(sum(records), 0) FROM book_total WHERE system = ? AND kind = ?"
    return int(bulk.rows_of(tx, sql, (system, Kind.CUSTOMER.value))[0][0])


def names(tx: Tx) -> Iterator[str]:
    """The names of all live customers, a stretch at a time."""
    sql = f"""
        SELECT external_id, party_name FROM observed WHERE kind = 'customer' AND state = 'live' AND system = ? AND external_id > ?
        ORDER BY external_id LIMIT {_PAGE}
    """
    for (system,) in bulk.rows_of(tx, "SELECT DISTINCT system FROM book_total WHERE kind = 'customer' ORDER BY 1", ()):
        after = ""
        while rows := bulk.rows_of(tx, sql, (system, after)):
            for row in rows:
                yield row[1] or ""
            after = rows[-1][0]


def words(tx: Tx) -> tuple[Words, int, str]:
    """The learned words, of how many names they were learned, and by which parser; 0 and "" if none were yet."""
    found: Words = {"place": set(), "trade": set()}
    seen, version = 0, ""
    for part, word, number in bulk.rows_of(tx, "SELECT part, word, seen FROM link_word", ()):
        if part == "names":
            seen, version = int(number), word
        else:
            found[part].add(word)
    return found, seen, version


def keep_words(tx: Tx, learned: Words, seen: int, version: str) -> None:
    """Keep what was learned instead of what was."""
    bulk.run(tx, "DELETE FROM link_word", ())
    rows = [(part, word, 0) for part in sorted(learned) for word in sorted(learned[part])]
    bulk.insert(tx, link_word, ("part", "word", "seen"), [*rows, ("names", version, seen)])


def _take_keys(tx: Tx, rows: Sequence[tuple[int, str, int]]) -> None:
    for at in range(0, len(rows), _PAGE):
        _with_rows(
            tx,
            rows[at : at + _PAGE],
            "DELETE FROM link_key WHERE (key, system, copy) IN (SELECT {columns} FROM {rows})",
        )


def _count(tx: Tx, rows: Sequence[tuple[int, str, int]]) -> None:
    for at in range(0, len(rows), _PAGE):
        some = rows[at : at + _PAGE]
        _with_rows(
            tx,
            some,
            "INSERT INTO link_count (key, system, seen) SELECT {columns} FROM {rows} WHERE TRUE "
            "ON CONFLICT (key, system) DO UPDATE SET seen = link_count.seen + excluded.seen",
        )
        fewer = [key for key, _, by in some if by < 0]
        if fewer:
            condition, parameter = bulk.among(tx, "key", fewer)
            bulk.run(tx, f"DELETE FROM link_count WHERE {condition} AND seen = 0", (parameter,))


def _with_rows(tx: Tx, rows: Sequence[tuple[int, str, int]], sql: str) -> None:
    """Carry out a statement over rows of a key, a system and a number."""
    if tx.sqlite:
        columns = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(3))
        bulk.run(tx, sql.format(columns=columns, rows="json_each(?)"), (json.dumps(rows),))
    else:
        given: tuple[Any, ...] = tuple(map(list, zip(*rows, strict=True)))
        listed = "unnest(?::bigint[], ?::text[], ?::bigint[]) AS v (k, s, n)"
        bulk.run(tx, sql.format(columns="k, s, n", rows=listed), given)


def _keys(new: Iterable[Entry]) -> list[tuple[int, str, int]]:
    """In the order of the table, where new rows are added quickest."""
    return sorted((key, one.system, one.copy) for one in new for key in one.found_by)


def _packed(values: Iterable[int]) -> bytes:
    return array("q", values).tobytes()


def _unpacked(packed: bytes) -> tuple[int, ...]:
    return tuple(array("q", bytes(packed)))


def sharing(tx: Tx, keys: Collection[int], copies: Collection[int]) -> dict[int, set[int]]:
    """Those of `copies` that are found by one of `keys`, and by which."""
    wanted = set(keys)
    found = {copy: wanted.intersection(entry.found_by) for copy, entry in held(tx, copies).items()}
    return {copy: shared for copy, shared in found.items() if shared}
