"""How often one may call: per path, per day, and for tokens (fxiaoke.md 5). Counts run on the sandbox's clock."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import date, timedelta, timezone
from typing import Any

from ledgerbridge.sandbox.clock import SandboxClock

from .refusal import Refused

LOCAL = timezone(timedelta(hours=8))
_RATE = re.compile(r"(\d+)/(\d+)s")


class Limits:
    """The gateway's counters. A call that is turned away for its rate does not use up the day's quota [inferred]."""

    def __init__(self, clock: SandboxClock, switches: Mapping[str, Any]) -> None:
        self._clock = clock
        self._switches = switches
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._day: date | None = None
        self.used_today = 0

    def admit_token_call(self) -> None:
        """Count a token call; Refused over 10 a minute (code unknown, [inferred])."""
        allowed = int(self._switches["tokenCallsPerMinute"])
        if allowed:
            self._admit("token", allowed, 60.0)

    def admit(self, path: str) -> None:
        """Count a business call; Refused 30003, 30002 or the rate code."""
        quota = int(self._switches["dailyQuota"])
        if quota <= 0:
            raise Refused(30003, "no API calls have been purchased")
        today = self._clock.now().astimezone(LOCAL).date()
        if today != self._day:
            self._day = today
            self.used_today = 0
        if self.used_today >= quota:
            raise Refused(30002, "the corp's API quota of the day is used up")
        rate = str(self._switches["ratePerPath"])
        if rate:
            found = _RATE.fullmatch(rate)
            if found is None:
                raise ValueError(f"switch ratePerPath is {rate!r}; write it as 100/20s, or leave it empty")
            self._admit(path, int(found[1]), float(found[2]))
        self.used_today += 1

    def _admit(self, path: str, allowed: int, window_s: float) -> None:
        now = self._clock.now().timestamp()
        calls = self._calls[path]
        while calls and not now - window_s < calls[0] <= now:  # a test may set the clock back
            calls.popleft()
        if len(calls) >= allowed:
            raise Refused(int(self._switches["rateLimitCode"]), "the interface is called too frequently")
        calls.append(now)
