"""A worker as a process that stops itself (SIGSTOP) at a step of its work, as a paused machine would at any moment."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Sequence
from typing import Final

from queue_process import RULES, SocketCarrier

from ledgerbridge.clock import SystemClock
from ledgerbridge.model.operation import Answer, Operation, Sighting
from ledgerbridge.queue.engine import Engine
from ledgerbridge.store import Store

STEPS: Final = (
    "took send", "wrote ahead", "before the request", "after the request", "was answered",
    "took look", "before the look", "looked",
)  # fmt: skip


class Freezer:
    """Stops the process once, when its step has come."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.done = False

    def at(self, step: str) -> None:
        """Here is a step."""
        if step == self._step and not self.done:
            self.done = True
            os.kill(os.getpid(), signal.SIGSTOP)


class FreezingCarrier(SocketCarrier):
    """May stop within its calls."""

    def __init__(self, port: int, freezer: Freezer) -> None:
        super().__init__(port)
        self._freezer = freezer

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        self._freezer.at("before the request")
        answers = super().send(operations)
        self._freezer.at("after the request")
        return answers

    def look(self, operation: Operation) -> Sighting:
        self._freezer.at("before the look")
        return super().look(operation)


def work_and_freeze(address: str, port: int, step: str) -> None:
    """Work until the step has come, stop there, and when woken finish what is in hand; then end."""
    logging.disable(logging.CRITICAL)
    freezer = Freezer(step)
    with Store.open(address, clock=SystemClock()) as store:
        carrier = FreezingCarrier(port, freezer)
        engine = Engine(store, {"erp": carrier}, SystemClock(), owner=f"frozen/{os.getpid()}", rules=RULES)
        while not freezer.done:
            for name in engine.work("erp"):
                freezer.at(name)
            time.sleep(0.02)
