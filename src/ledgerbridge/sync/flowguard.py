"""Runs of one flow do not overlap, whoever starts them: by hand, by schedule, on another machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ledgerbridge import log as logging
from ledgerbridge.errors import ActRefused, StoreError
from ledgerbridge.store import Store, flowlock

_EVERY_S: Final = flowlock.HELD_FOR.total_seconds() / 3
_log = logging.get(__name__)


class FlowBusy(ActRefused):
    """Another run of the flow is under way; the message says whose."""


@contextmanager
def only_run(store: Store, flow: str, holder: str, run_id: str) -> Iterator[Callable[[], bool]]:
    """Hold a flow as long as the block lasts; FlowBusy if another run does.

    Yields a function that is True once the flow was lost (this machine slept for minutes, say): then stop.
    """
    with store.writing() as tx:
        held = flowlock.take(tx, flow, holder, run_id, store.clock.now())
    if (held.holder, held.run_id) != (holder, run_id):
        raise FlowBusy(
            f"the flow {flow} is being run by {held.holder} (run {held.run_id}, since {held.since:%Y-%m-%d %H:%M:%S} UTC); "
            "try again when it is done"
        )
    lost, ended = threading.Event(), threading.Event()

    def keep() -> None:
        while not ended.wait(_EVERY_S):
            try:
                with store.writing(durable=False) as tx:
                    mine = flowlock.renew(tx, flow, holder, run_id, store.clock.now())
            except StoreError as error:
                _log.warning("flow not renewed", flow=flow, error=str(error))
                continue
            if not mine:
                lost.set()
                return

    thread = threading.Thread(target=keep, name=f"flow-{flow}", daemon=True)
    thread.start()
    try:
        yield lost.is_set
    finally:
        ended.set()
        thread.join()
        with store.writing() as tx:
            flowlock.release(tx, flow, holder, run_id)
