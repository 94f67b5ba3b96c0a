"""Print results: one JSON document with ``--json``, tables for people otherwise; messages go to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ledgerbridge.errors import (
    ConfigError,
    ConnectorError,
    LedgerbridgeError,
    MappingError,
    NotAllowed,
    NotSignedIn,
    SourceFileError,
    StoreError,
    Unavailable,
    Unsupported,
)
from ledgerbridge.model.money import exponent

if TYPE_CHECKING:
    from rich.console import Console


class Exit(IntEnum):
    """What the shell is told."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNAVAILABLE = 3


def exit_code(error: LedgerbridgeError) -> Exit:
    """The code for an error that ended a command."""
    if isinstance(error, ConfigError | MappingError | SourceFileError | Unsupported):
        return Exit.USAGE
    if isinstance(error, Unavailable | NotSignedIn | NotAllowed | StoreError):
        return Exit.UNAVAILABLE
    return Exit.UNAVAILABLE if isinstance(error, ConnectorError) else Exit.FINDINGS


@dataclass(slots=True)
class Output:
    """Where and how a command prints. `as_json`: nothing but one JSON document on standard output."""

    as_json: bool = False
    language: str = "zh"

    def console(self) -> Console:
        """Standard output for tables; without colour or width limits in a pipe."""
        from rich.console import Console

        terminal = sys.stdout.isatty()
        return Console(soft_wrap=not terminal, width=None if terminal else 200, highlight=False)

    def result(self, value: object, show: Callable[[Console], None]) -> None:
        """Print `value` as JSON, or call `show` with a console."""
        if self.as_json:
            print(json.dumps(plain(value), ensure_ascii=False, indent=2))
        else:
            show(self.console())

    def note(self, text: str) -> None:
        """A remark for the person at the terminal, on standard error."""
        print(text, file=sys.stderr)

    def error(self, kind: str, message: str) -> None:
        """Say why a command ended, on standard error; with ``--json`` also as a document on standard output."""
        if self.as_json:
            print(json.dumps({"error": kind, "message": message}, ensure_ascii=False))
        print(f"error: {message}", file=sys.stderr)


def plain(value: object) -> Any:
    """`value` in JSON's own types: models by their fields, money and decimals as text, times in ISO 8601."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(exclude_unset=False))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal | PurePath):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return value


def table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """One table; a column whose name starts with ">" is aligned to the right."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    made = Table(title=escape(title) or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(escape(column.removeprefix(">")), justify="right" if column.startswith(">") else "left")
    for row in rows:
        made.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    console.print(made)


def amount(minor: int, currency: str) -> str:
    """Minor units for people: thousands separated, the currency's decimals."""
    if not currency:
        return ""
    places = exponent(currency)
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**places)
    return f"{sign}{whole:,}" + (f".{part:0{places}}" if places else "")


@contextmanager
def progress(label: str, *, enabled: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error while a terminal is there, nothing in a pipe.

    Yields a function that takes (done, total or None).
    """
    if not (enabled and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
