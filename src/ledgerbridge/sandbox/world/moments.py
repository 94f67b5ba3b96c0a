"""Dates and instants of the world: business dates in Asia/Shanghai, stamps in aware UTC."""

from __future__ import annotations

import calendar
import random
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991
_OPENING_S: Final = int(timedelta(hours=8, minutes=30).total_seconds())
_CLOSING_S: Final = int(timedelta(hours=18).total_seconds())
_TIED_SHARE: Final = 0.08


def first_day(last_day: date, months: int) -> date:
    """The first day of the period of `months` calendar months that ends with the month of `last_day`."""
    month = last_day.year * 12 + last_day.month - 1 - (months - 1)
    return date(month // 12, month % 12 + 1, 1)


def month_end(on: date) -> date:
    """The last day of the month of `on`."""
    return on.replace(day=calendar.monthrange(on.year, on.month)[1])


def office_hours(rng: random.Random, on: date) -> datetime:
    """An instant on a business day between 8:30 and 18:00 in Shanghai, in UTC, to the second."""
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(hours=8)
    return midnight + timedelta(seconds=rng.randrange(_OPENING_S, _CLOSING_S))


def imported_at(on: date) -> datetime:
    """The instant of the nightly import of a day, 22:00 in Shanghai: all that it wrote carries the same stamp."""
    return datetime(on.year, on.month, on.day, 14, tzinfo=UTC)


def business_date(stamp: datetime) -> date:
    """The day of an instant in Shanghai."""
    return stamp.astimezone(SHANGHAI).date()


def stamps(rng: random.Random, on: date, touched_on: date, last_day: date) -> tuple[datetime, datetime]:
    """When a record was created (on `on`) and last changed (not before `touched_on`, not after the world's end).

    Some records come from a nightly import and so share one stamp with others.
    """
    if rng.random() < _TIED_SHARE:
        created = imported_at(on)
        return created, max(created, imported_at(min(max(on, touched_on), last_day)))
    created = office_hours(rng, on)
    if touched_on <= on:
        return created, created + timedelta(seconds=rng.choice((0, 0, 0, 75, 640)))
    return created, max(created, office_hours(rng, min(touched_on, last_day)))
