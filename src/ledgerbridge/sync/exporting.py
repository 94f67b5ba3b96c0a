"""Observed copies as files: canonical or raw records as JSON lines, or a flat table that opens in a spreadsheet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.base import Kind
from ledgerbridge.model.money import to_decimal
from ledgerbridge.store import Store, copies, streams
from ledgerbridge.store.copies import Copy

_COLUMNS = ("external_id", "number", "customer", "currency", "amount", "state", "changed_at")


def export_stream(store: Store, system: str, kind: Kind, target: Path, *, raw: bool = False) -> int:
    """Write all live copies of a stream to `target`, atomically; how many.

    ``.jsonl`` holds one record a line (canonical, or with `raw` as the system sent it); ``.xlsx`` and ``.csv`` a table of the
    main columns, text guarded against formulas. ConfigError for another ending,
    a stream that was never read, or where the file cannot be written.
    """
    ending = target.suffix.lower()
    if ending not in (".jsonl", ".xlsx", ".csv"):
        raise ConfigError(f"{target}: exports end in .jsonl, .xlsx or .csv")
    if raw and ending != ".jsonl":
        raise ConfigError(f"{target}: raw records are exported as .jsonl")
    with store.reading() as tx:
        known = [(state.kind, state.system) for state in streams.every(tx)]
        if (kind, system) not in known:  # an empty file would look like an answer
            names = ", ".join(f"{kind} {system}" for kind, system in known) or "nothing yet"
            raise ConfigError(f"no {kind} records of {system} were ever read; on record are: {names}")
        found = copies.every(tx, system, kind)
        if ending == ".jsonl":
            return replaced(target, lambda temporary: _lines(temporary, found, raw=raw))
        return replaced(target, lambda temporary: _table(temporary, found))


def replaced(target: Path, write: Callable[[Path], int]) -> int:
    """Let `write` fill a temporary file beside `target` and put it in its place as a whole; ConfigError if it cannot be."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        count = write(temporary)
        temporary.replace(target)
    except ValueError as error:
        raise ConfigError(f"{target} cannot be written: {error}") from None
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _lines(path: Path, found: Iterator[Copy], *, raw: bool) -> int:
    count = 0
    with path.open("wb") as file:
        for copy in found:
            body = copy.raw if raw else copy.canonical
            if body is not None:
                file.write(body.replace(b"\n", b" ") + b"\n")  # a line break in JSON text is only ever layout
                count += 1
    return count


def _row(copy: Copy) -> tuple[str | None, ...]:
    amount = str(to_decimal(copy.amount_minor, copy.currency)) if copy.currency else None
    facts = (copy.ref.external_id, copy.number, copy.party_name, copy.currency or None, amount)
    return (*facts, str(copy.state), copy.changed_at.isoformat(timespec="seconds"))


def _table(path: Path, found: Iterator[Copy]) -> int:
    from ledgerbridge.reports.tables import write_csv, write_xlsx

    rows = map(_row, found)
    numbers = frozenset({"amount"})
    return (
        write_csv(path, _COLUMNS, rows) if path.suffix.lower() == ".csv" else write_xlsx(path, _COLUMNS, rows, numbers)
    )
