"""An orderly stop: the first SIGINT or SIGTERM asks, the second insists."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def asked_to_stop(*, also: Callable[[], None] | None = None) -> Iterator[Callable[[], bool]]:
    """Yields a question that is True once a signal came; give it to a use case as `stop`.

    `also` is called with the first signal (to end a wait, say). A second signal raises KeyboardInterrupt. Outside the main
    thread, where signals cannot be caught, the answer stays False.
    """
    asked = threading.Event()

    def caught(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        if also is not None:
            also()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, caught) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
