"""Credits of a rolling day and calls at once: zoho.md 9."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from ledgerbridge.sandbox.web import Response

from . import wire
from .coql import limit_of
from .org import Org

DAY_S = 86_400
HEAVY_AT_ONCE = 10
# edition: credits for all, credits per user, most of them (None: no cap), calls at once
EDITIONS: dict[str, tuple[int, int, int | None, int]] = {
    "free": (5_000, 0, 5_000, 5),
    "standard": (50_000, 250, 100_000, 10),
    "professional": (50_000, 500, 3_000_000, 15),
    "enterprise": (50_000, 1_000, 5_000_000, 20),
    "ultimate": (50_000, 2_000, None, 25),
}
HEADER = "X-API-CREDITS-REMAINING"


class Limits:
    """What one org may still do."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._running = 0
        self._heavy = 0

    @property
    def total(self) -> int:
        """Credits of a rolling day."""
        switches = self._org.switches
        if switches["credits_per_day"] is not None:
            return int(switches["credits_per_day"])
        base, per_user, cap, _ = EDITIONS[switches["edition"]]
        total = base + per_user * int(switches["users"])
        return total if cap is None else min(total, cap)

    @property
    def remaining(self) -> int:
        """Credits left at this moment."""
        with self._lock:
            self._forget()
            return max(self.total - self._sum, 0)

    def spend(self, cost: int) -> None:
        """Take `cost` credits; raises 429 if there are not enough."""
        with self._lock:
            self._forget()
            if self._org.switches["credits_enforced"] and self._sum + cost > self.total:
                raise too_many(self._org, {HEADER: str(max(self.total - self._sum, 0))})
            self._spent.append((self._org.clock.now().timestamp(), cost))
            self._sum += cost

    @contextlib.contextmanager
    def running(self, *, heavy: bool) -> Iterator[None]:
        """Hold one of the places for calls at once; raises 429 if all are taken."""
        at_once = EDITIONS[self._org.switches["edition"]][3]
        with self._lock:
            if self._running >= at_once or (heavy and self._heavy >= HEAVY_AT_ONCE):
                raise too_many(self._org)
            self._running += 1
            self._heavy += heavy
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._heavy -= heavy

    def headers(self) -> dict[str, str]:
        """X-API-CREDITS-REMAINING once half of the credits are used, else nothing."""
        remaining = self.remaining
        return {HEADER: str(remaining)} if remaining * 2 <= self.total else {}

    def _forget(self) -> None:
        since = self._org.clock.now().timestamp() - DAY_S
        while self._spent and self._spent[0][0] <= since:
            self._sum -= self._spent.popleft()[1]


def too_many(org: Org, headers: dict[str, str] | None = None) -> wire.Refused:
    """429, with or without JSON, without Retry-After unless the switch sets one."""
    extra = dict(headers or {})
    if org.switches["retry_after_s"] is not None:
        extra["Retry-After"] = str(org.switches["retry_after_s"])
    if not org.switches["rate_limit_json"]:
        return wire.Refused(Response(429, b"Too many requests", {"Content-Type": "text/plain", **extra}))
    return wire.refused(429, org.switches["rate_limit_code"], "Too many requests", {}, extra)


def cost_of(method: str, parts: tuple[str, ...], query: Any, body: Any) -> int:
    """Credits of one call: 1, except where zoho.md 9 and 4 say otherwise. `body` is None where there is none."""
    if parts == ("coql",):
        limit = limit_of(body.get("select_query") if isinstance(body, dict) else None)
        return 1 if limit <= 200 else 2 if limit <= 1000 else 3
    if method in ("POST", "PUT") and isinstance(body, dict) and isinstance(body.get("data"), list):
        return max(1, -(-len(body["data"]) // 10))
    if method == "GET" and len(parts) == 2 and parts[1] == "deleted":
        return 2
    if method == "GET" and len(parts) == 1 and "cvid" in query:
        return 3
    return 1


BULK_READ_COST = 50
