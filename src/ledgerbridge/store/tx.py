"""A transaction in hand: what every repository function takes first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

Found = TypeVar("Found")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Tx:
    """An open transaction. Opaque outside the store; ends with the ``with`` block of ``Store.reading``/``Store.writing``.

    `beside`: on SQLite a second connection that sees the same, if one was asked for and could be had.
    """

    connection: sa.Connection
    sqlite: bool
    beside: sa.Connection | None = None

    def cursor(self) -> Any:
        """A cursor of the driver itself, for the bulk paths."""
        return self.connection.connection.driver_connection.cursor()  # type: ignore[union-attr]

    def take_turn(self, lock: str) -> None:
        """Wait for other writers that hold `lock`, as ``Store.writing(lock=…)`` does, within a transaction that has begun.

        SQLite has one writer at a time anyway.
        """
        if not self.sqlite:
            key = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 20261122))")
            self.connection.execute(key, {"key": f"ledgerbridge/{lock}"})


def side_by_side(tx: Tx, works: Sequence[Callable[[Tx], Found]]) -> list[Found]:
    """What each of some reading works finds, in their order; two at a time where the transaction has a second connection.

    The driver lets go of the interpreter lock while SQLite is at work. The first error ends both: what has not begun is left.
    """
    if tx.beside is None:
        return [work(tx) for work in works]
    waiting = list(enumerate(works))
    taking = threading.Lock()
    found: dict[int, Found] = {}

    def carry_out(mine: Tx) -> None:
        try:
            while True:
                with taking:
                    if not waiting:
                        return
                    at, work = waiting.pop(0)
                found[at] = work(mine)
        finally:
            with taking:
                waiting.clear()

    with ThreadPoolExecutor(1, "ledgerbridge-reading") as helper:
        other = helper.submit(carry_out, Tx(tx.beside, tx.sqlite))
        carry_out(tx)
        other.result()
    return [found[at] for at in range(len(works))]


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(value: int) -> datetime:
    """The aware UTC moment of :func:`to_us`."""
    return _EPOCH + timedelta(microseconds=value)


def moment(value: int | None) -> datetime | None:
    """The same, None for None."""
    return None if value is None else from_us(value)
