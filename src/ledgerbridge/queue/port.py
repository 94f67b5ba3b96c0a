"""What the queue asks of those who know what its operations do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledgerbridge.model.base import Kind
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Answer, Operation, Present, Sighting
from ledgerbridge.store import Tx


@dataclass(frozen=True, slots=True)
class Terms:
    """How writes of one kind and action to one system may be carried out.

    `resend`: after a look-up that found nothing once the settle window is over, the same key may be sent again (classes K
    and D, and L for records that are not money), at most `resends_max` times (class L: once); `batch_max`: how many go in one
    call; `settle_s`: how long after the last moment of sending a lost write may still appear (RELIABILITY.md 6.3: D_max +
    L_max). `unattended` False: only what a person has approved is sent (money in class L or N); the rest waits for one.
    """

    resend: bool
    batch_max: int = 1
    settle_s: float = 150.0
    unattended: bool = True
    resends_max: int = 5


class Carrier(Protocol):
    """One system's writing side. Methods raise nothing on purpose: what went wrong is an answer."""

    system: str

    def terms(self, kind: Kind, action: Action) -> Terms:
        """What holds for such writes."""
        ...

    def check(self) -> str | None:
        """The cheapest read there is, to see whether the far side is back; None if it is, else why not."""
        ...

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        """Send once, one answer per operation in order; all are of one kind and action. Never repeats a write itself.

        Bounded: returns within `SEND_SECONDS_MAX`, whatever the far side does.
        """
        ...

    def look(self, operation: Operation) -> Sighting:
        """What the far side holds now of what the operation was to do; reads only."""
        ...

    def confirmed(self, tx: Tx, operation: Operation, seen: Present | None) -> None:
        """Book-keeping in the transaction that makes an operation confirmed: links, receipts. Idempotent."""
        ...

    def verified(self, tx: Tx, operation: Operation, seen: Present) -> None:
        """Book-keeping in the transaction that makes it verified: the observed copy, the agreed values. Idempotent."""
        ...


SEND_SECONDS_MAX = 30.0
"""Total deadline of one sending (RELIABILITY.md 6.3)."""
