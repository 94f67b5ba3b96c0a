"""What the far side does on its own time: deletions that only gave a key, clues that only registered intent."""

from __future__ import annotations

from datetime import timedelta

from .ledger import Ledger
from .wire import stamp

CLUE, MERCHANT_DELETION, CATEGORY_DELETION = "clue", "merchant", "category"
_TABLE = "waiting"


def wait(ledger: Ledger, what: str, record_id: str, delay_s: float) -> None:
    """Have something done to a record after `delay_s`, at the next request at the earliest."""
    due = stamp(ledger.clock.now() + timedelta(seconds=delay_s))
    ledger.books.put(_TABLE, f"{what}|{record_id}", {"what": what, "id": record_id, "due": due})


def due(ledger: Ledger) -> list[tuple[str, str]]:
    """(what, record id) of everything whose time has come, in order; taking it off the list."""
    if not ledger.books.count(_TABLE):
        return []
    now = ledger.now()
    ready = [(key, row) for key, row in ledger.books.peek(_TABLE) if row["due"] <= now]
    for key, _ in ready:
        ledger.books.remove(_TABLE, key)
    return [(row["what"], row["id"]) for _, row in ready]
