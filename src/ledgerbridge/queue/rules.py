"""The figures that the queue goes by, and the delays that follow from them. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

_POWER_MAX = 30


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds and counts; the defaults are those of RELIABILITY.md 6.3 and 6.6. Tests scale them."""

    lease_s: float = 60.0
    """How long a worker may hold an operation: at least slack + the time of one sending + a margin."""
    slack_s: float = 5.0
    """How long after the intent was committed a sending may still start."""
    backoff_base_s: float = 2.0
    backoff_max_s: float = 900.0
    tries_max: int = 12
    retry_for_s: float = 86_400.0
    look_after_s: tuple[float, ...] = (60.0, 300.0, 900.0, 3600.0)
    """After a look-up that could not be made or did not decide: the wait before the next. After the last, a person."""
    looks_at_once: int = 8
    blocked_s: float = 30.0
    """How long an operation rests when the whole far side is away."""
    breaker_failures: int = 5
    breaker_share: float = 0.5
    breaker_requests_min: int = 20
    breaker_window_s: float = 60.0
    probe_after_s: float = 30.0
    probe_after_max_s: float = 300.0
    budget_share: float = 0.1
    budget_min: int = 10
    """So many retries are always allowed in a window: a tenth of few requests is none."""
    budget_window_s: float = 300.0
    retry_after_min_s: float = 1.0
    retry_after_max_s: float = 3600.0
    pause_max_s: float = 93_600.0
    """Credits come back within a day; a wait that somebody writes as longer is not believed."""

    @property
    def looks_max(self) -> int:
        """Look-ups before a person must help."""
        return len(self.look_after_s) + 1


def backoff(rules: Rules, tries: int, rng: random.Random) -> timedelta:
    """The wait after the `tries`-th sending that proved not to be one: full jitter, so that many do not come back at once."""
    ceiling = min(rules.backoff_max_s, rules.backoff_base_s * 2 ** min(max(tries - 1, 0), _POWER_MAX))
    return timedelta(seconds=rng.uniform(0, ceiling))


def look_delay(rules: Rules, looks: int) -> timedelta | None:
    """The wait after the `looks`-th look-up in vain; None if that was the last."""
    if looks > len(rules.look_after_s):
        return None
    return timedelta(seconds=rules.look_after_s[looks - 1])


def clamp_retry_after(rules: Rules, seconds: float, *, paused: bool) -> timedelta:
    """What a far side asks for, within reason."""
    most = rules.pause_max_s if paused else rules.retry_after_max_s
    return timedelta(seconds=min(max(seconds, rules.retry_after_min_s), most))
