"""A carrier whose far side answers at once and never fails."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Answer, Done, Missing, Operation, Present, Sighting
from ledgerbridge.queue.port import Terms
from ledgerbridge.store import Tx


class SwiftCarrier:
    """Keeps what it was told to write, by key."""

    def __init__(self, system: str, terms: Terms | None = None) -> None:
        self.system = system
        self.written: list[str] = []
        self.batches: list[int] = []
        self._terms = terms or Terms(resend=True)
        self._lock = threading.Lock()

    def terms(self, kind: Kind, action: Action) -> Terms:
        return self._terms

    def check(self) -> str | None:
        return None

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        with self._lock:
            self.batches.append(len(operations))
            self.written += [operation.idem_key for operation in operations]
        return tuple(Done(_ref(operation)) for operation in operations)

    def look(self, operation: Operation) -> Sighting:
        return Present(_ref(operation)) if operation.idem_key in self.written else Missing()

    def confirmed(self, tx: Tx, operation: Operation, seen: Present | None) -> None: ...

    def verified(self, tx: Tx, operation: Operation, seen: Present) -> None: ...


def _ref(operation: Operation) -> Ref:
    return Ref(system=operation.system, kind=operation.change.kind, external_id=f"D{operation.id}")
