"""Workers: threads that take work as long as there is some, and sweep when nobody wakes them."""

from __future__ import annotations

import os
import random
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.model.operation import FINAL, Operation, OpState
from ledgerbridge.store import Store, operations

from .booking import OnMove
from .engine import Engine
from .port import Carrier
from .rules import Rules
from .wakeup import InProcess, Wakeup

EMBEDDED_SWEEP_S = 1.0
SCALE_OUT_SWEEP_S = 5.0
_TROUBLE_S = 5.0
_REST_S = 0.1
_LOOK_ROUND_S = 1.0
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Drained:
    """How :meth:`Worker.drain` ended. `states`: how many operations stand where (of the plan, or all that have not ended
    well); `waiting`: those still on their way; `next_at`: when the next of them is due, None if time alone brings nothing.
    """

    states: dict[OpState, int] = field(default_factory=dict)
    waiting: int = 0
    next_at: datetime | None = None


class Worker:
    """Carries out operations of the given far sides (`carriers` by system) with `concurrency` threads.

    `stop`: once it is true no more is taken, what is being sent is finished, what is only leased is given back. `sweep_s`: how
    long a worker that nobody wakes rests at most, jittered; by default a second, and five where a broker wakes it.
    """

    def __init__(
        self,
        store: Store,
        carriers: Mapping[str, Carrier],
        clock: Clock,
        *,
        wakeup: Wakeup | None = None,
        concurrency: int = 1,
        stop: Callable[[], bool] = lambda: False,
        rules: Rules | None = None,
        per_second: Mapping[str, float] | None = None,
        sweep_s: float | None = None,
        seed: int | None = None,
    ) -> None:
        self._store = store
        self._carriers = dict(carriers)
        self._clock = clock
        self._wakeup = wakeup or InProcess()
        self._concurrency = max(1, concurrency)
        self._stop = stop
        self._rules = rules or Rules()
        self._per_second = dict(per_second or {})
        embedded = wakeup is None or isinstance(wakeup, InProcess)
        self._sweep_s = sweep_s or (EMBEDDED_SWEEP_S if embedded else SCALE_OUT_SWEEP_S)
        self._rng = random.Random(seed)
        self._name = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:6]}"
        self._telling = threading.Lock()

    def run(self) -> None:
        """Work until `stop` says so. Trouble with the database or a mistake of ours is logged and waited out, never fatal."""
        threads = [
            threading.Thread(target=self._serve, args=(number,), name=f"worker-{number}")
            for number in range(1, self._concurrency)
        ]
        for thread in threads:
            thread.start()
        self._serve(0)
        for thread in threads:
            thread.join()

    def drain(self, plan_id: str | None = None, *, wait_s: float = 240.0, progress: OnMove | None = None) -> Drained:
        """Work until nothing can be done any more: no operation of `plan_id` (None: none at all) is on its way, or what is
        comes due only after `wait_s` from now. By default that is enough for a lost reply to be settled.

        Other approved operations are carried out as well: those of the plan may have to wait for them. `progress` is told of
        every move, one at a time. Raises what the database raises.
        """
        until = self._clock.monotonic() + wait_s
        engines = [self._engine(number, progress) for number in range(self._concurrency)]
        rest = _REST_S
        while not self._stop():
            rest = _REST_S if self._all_until_idle(engines) else min(rest * 2, SCALE_OUT_SWEEP_S)
            if self._stop() or not self._on_its_way(plan_id):
                break
            at = engines[0].next_moment()
            if at is None:
                break
            wait = max((at - engines[0].now()).total_seconds(), rest)  # due, and yet not to be had: do not spin
            if self._clock.monotonic() + wait > until:
                break
            self._clock.sleep(wait)
        return self._drained(engines[0], plan_id)

    def _serve(self, number: int) -> None:
        engine = self._engine(number, None)
        while not self._stop():
            try:
                did = self._once(engine)
            except Exception:  # noqa: BLE001 (logged; whatever it was, the rows say how to go on)
                _log.exception("worker failed", worker=engine.owner)
                did = False
                self._wakeup.wait(_TROUBLE_S)
            if not did and not self._stop():
                self._wakeup.wait(self._sweep_s * self._rng.uniform(0.5, 1.0))

    def _once(self, engine: Engine) -> bool:
        """Some rounds over all far sides that have work, then a look at what has come due; whether there was any work."""
        did = False
        again_at = self._clock.monotonic() + _LOOK_ROUND_S
        systems = engine.due()
        while systems and not self._stop() and self._clock.monotonic() <= again_at:
            systems = [system for system in systems if not self._stop() and engine.run(system)]
            did = did or bool(systems)
        return did

    def _until_idle(self, engine: Engine) -> bool:
        """Whether there was anything to do."""
        did = False
        while not self._stop() and self._once(engine):
            did = True
        return did

    def _all_until_idle(self, engines: list[Engine]) -> bool:
        if len(engines) == 1:
            return self._until_idle(engines[0])
        failures: list[BaseException] = []
        did: list[bool] = []

        def work(engine: Engine) -> None:
            try:
                did.append(self._until_idle(engine))
            except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
                failures.append(error)

        threads = [threading.Thread(target=work, args=(engine,), name="worker") for engine in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return any(did)

    def _on_its_way(self, plan_id: str | None) -> bool:
        with self._store.reading() as tx:
            return _moving(operations.counts(tx, plan_id)) > 0

    def _drained(self, engine: Engine, plan_id: str | None) -> Drained:
        with self._store.reading() as tx:
            states = operations.counts(tx, plan_id)
        waiting = _moving(states)
        return Drained(states, waiting, engine.next_moment() if waiting else None)

    def _engine(self, number: int, progress: OnMove | None) -> Engine:
        def told(operation: Operation, before: OpState) -> None:
            if progress is not None:
                with self._telling:
                    progress(operation, before)

        return Engine(
            self._store,
            self._carriers,
            self._clock,
            owner=f"{self._name}/{number}",
            rules=self._rules,
            rng=random.Random(self._rng.getrandbits(64)),
            per_second=self._per_second,
            stop=self._stop,
            on_move=told,
        )


def _moving(states: Mapping[OpState, int]) -> int:
    return sum(number for state, number in states.items() if state not in FINAL and state is not OpState.PLANNED)
