"""A worker as a process of its own, with a far side behind a socket; to be killed at any moment."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Sequence

from ledgerbridge.clock import SystemClock
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.operation import Answer, Done, Missing, NotSent, Operation, Present, Sighting, Unknown
from ledgerbridge.queue.port import Terms
from ledgerbridge.queue.rules import Rules
from ledgerbridge.queue.worker import Worker
from ledgerbridge.store import Store, Tx

SETTLE_S = 2.0
RULES = Rules(
    lease_s=1.5,
    slack_s=0.4,
    backoff_base_s=0.05,
    backoff_max_s=0.3,
    look_after_s=(0.1, 0.1, 0.2, 0.2, 0.5, 0.5),
    blocked_s=0.1,
    breaker_failures=1000,
    breaker_requests_min=100_000,
    budget_min=10_000,
)


class SocketCarrier:
    """Asks the far side over HTTP, a fresh connection for each request."""

    system = "erp"

    def __init__(self, port: int) -> None:
        self._port = port

    def terms(self, kind: Kind, action: Action) -> Terms:
        return Terms(resend=True, batch_max=1, settle_s=SETTLE_S, resends_max=100)

    def check(self) -> str | None:
        return None

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        return tuple(self._send(operation) for operation in operations)

    def look(self, operation: Operation) -> Sighting:
        try:
            number = self._ask("GET", operation.idem_key)
        except (OSError, http.client.HTTPException) as error:
            return NotSent(str(error))
        return Missing() if number is None else Present(self._ref(number))

    def confirmed(self, tx: Tx, operation: Operation, seen: Present | None) -> None: ...

    def verified(self, tx: Tx, operation: Operation, seen: Present) -> None: ...

    def _send(self, operation: Operation) -> Answer:
        try:
            number = self._ask("POST", operation.idem_key)
        except (OSError, http.client.HTTPException) as error:
            return Unknown(type(error).__name__)
        return Unknown("no number") if number is None else Done(self._ref(number))

    def _ask(self, method: str, key: str) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request(method, f"/{key}")
            reply = connection.getresponse()
            found = json.loads(reply.read())["number"]
            return None if found is None else str(found)
        finally:
            connection.close()

    def _ref(self, number: str) -> Ref:
        return Ref(system="erp", kind=Kind.CUSTOMER, external_id=number)


def work(address: str, port: int) -> None:
    """Be a worker until killed."""
    logging.disable(logging.CRITICAL)
    with Store.open(address, clock=SystemClock()) as store:
        Worker(store, {"erp": SocketCarrier(port)}, SystemClock(), concurrency=2, rules=RULES, sweep_s=0.05).run()
