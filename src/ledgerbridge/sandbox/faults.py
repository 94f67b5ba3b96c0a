"""What goes wrong, and when: on demand (``fail_next``) or by a seeded schedule.

Faults of the wire (cut, slow, half a body, an HTML page) are carried out by :mod:`ledgerbridge.sandbox.web` for every
emulator alike. Faults that a vendor spells in its own words (quota, expired token, a half-failed batch, rows that move
between pages) are taken by the emulator itself, which asks :meth:`FaultPlan.take` at the place where they would happen.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Every way a far side can misbehave here."""

    # of the wire, carried out by the server
    CUT_BEFORE = "cut_before"  # connection closed, nothing processed
    REPLY_LOST_AFTER_WRITE = "reply_lost_after_write"  # processed, then the connection is closed without a reply
    HALF_BODY = "half_body"  # processed, the reply stops in the middle
    SLOW = "slow"  # processed and answered after `delay_s`
    DRIP = "drip"  # answered byte by byte
    HTTP_500 = "http_500"  # not processed
    HTTP_503 = "http_503"  # not processed
    HTML_PAGE = "html_page"  # 200 with a proxy's HTML page, not processed
    REDIRECT = "redirect"  # 302 to a foreign host, not processed
    # of the vendor, spelled by the emulator
    RATE_LIMITED = "rate_limited"
    QUOTA_USED_UP = "quota_used_up"
    TOKEN_EXPIRED = "token_expired"
    UNKNOWN_CODE = "unknown_code"  # an error code nobody has documented
    ERROR_IN_200 = "error_in_200"  # a documented business error inside HTTP 200
    HALF_FAILED_BATCH = "half_failed_batch"
    PAGE_DRIFT = "page_drift"  # a row changes (and moves) while pages are read
    EMPTY_PAGE = "empty_page"  # an empty page in the middle of a walk, where the vendor's paging can have one
    TIED_STAMPS = "tied_stamps"  # many rows share one modification stamp
    LATE_STAMP = "late_stamp"  # a row becomes visible after later stamps were already read
    MALFORMED_RECORD = "malformed_record"  # one record of a page has a field of the wrong type
    DUPLICATED_ROW = "duplicated_row"  # one record stands twice in the pages


WIRE_FAULTS = frozenset(
    {
        Fault.CUT_BEFORE,
        Fault.REPLY_LOST_AFTER_WRITE,
        Fault.HALF_BODY,
        Fault.SLOW,
        Fault.DRIP,
        Fault.HTTP_500,
        Fault.HTTP_503,
        Fault.HTML_PAGE,
        Fault.REDIRECT,
    }
)


@dataclass(slots=True)
class _Order:
    fault: Fault
    path: str
    skip: int
    left: int
    writes_only: bool


class FaultPlan:
    """The faults waiting to happen at one emulator; safe to share between request threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[_Order] = []
        self._rates: dict[Fault, float] = {}
        self._rng = random.Random(0)
        self.delay_s = 0.2
        self.happened: Counter[Fault] = Counter()

    def fail_next(
        self, fault: str, *, path: str = "", count: int = 1, skip: int = 0, writes_only: bool = False
    ) -> None:
        """Let `fault` happen `count` times, at requests whose path contains `path`, after `skip` such requests.

        Raises ValueError for a name that is no :class:`Fault`.
        """
        with self._lock:
            self._orders.append(_Order(Fault(fault), path, skip, count, writes_only))

    def schedule(self, seed: int, rates: Mapping[str, float]) -> None:
        """From now on let each fault happen at random with its rate (0 to 1) per opportunity, same seed, same run."""
        with self._lock:
            self._rng = random.Random(seed)
            self._rates = {Fault(name): rate for name, rate in rates.items()}

    def clear(self) -> None:
        """Forget what is waiting and the schedule."""
        with self._lock:
            self._orders.clear()
            self._rates = {}

    @property
    def pending(self) -> int:
        """How many ordered faults have not happened yet."""
        with self._lock:
            return sum(order.left for order in self._orders)

    def take(self, fault: Fault, path: str, *, is_write: bool = False) -> bool:
        """Whether `fault` is to happen here and now; asking uses it up."""
        with self._lock:
            return self._take(fault, path, is_write)

    def take_wire(self, path: str, *, is_write: bool = False) -> Fault | None:
        """The wire fault due for this request, if any."""
        with self._lock:
            for fault in Fault:
                if fault in WIRE_FAULTS and self._take(fault, path, is_write):
                    return fault
        return None

    def _take(self, fault: Fault, path: str, is_write: bool) -> bool:
        for order in self._orders:
            if order.fault is not fault or order.path not in path or (order.writes_only and not is_write):
                continue
            if order.skip > 0:
                order.skip -= 1
                continue
            order.left -= 1
            if order.left <= 0:
                self._orders.remove(order)
            self.happened[fault] += 1
            return True
        rate = self._rates.get(fault, 0.0)
        if rate > 0.0 and self._rng.random() < rate:
            self.happened[fault] += 1
            return True
        return False
