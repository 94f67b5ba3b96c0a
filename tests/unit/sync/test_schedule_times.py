"""Which fire times a cron expression has in the company's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.errors import ConfigError
from ledgerbridge.sync.scheduling import check_cron, latest_due, next_fire

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
EXPRESSIONS = ["* * * * *", "*/15 8-20 * * mon-fri", "0 2 * * *", "30 2 1 * *", "0 9 * * 1"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_taken_as_it_is(expression: str) -> None:
    assert check_cron(expression) == expression


@pytest.mark.parametrize("expression", ["", "61 * * * *", "* * * *", "every day", "0 0 30 2 *"])
def test_what_never_fires_is_refused_with_an_example(expression: str) -> None:
    with pytest.raises(ConfigError, match="cron expression of five fields"):
        check_cron(expression)


def test_business_hours_are_those_of_the_zone() -> None:
    sunday_noon = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
    assert next_fire("*/15 8-20 * * mon-fri", SHANGHAI, sunday_noon) == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_fires_after_the_gap_and_a_doubled_one_once() -> None:
    before_gap = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    assert next_fire("30 2 * * *", BERLIN, before_gap) == datetime(2026, 3, 29, 3, 0, tzinfo=BERLIN)
    day_of_return = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    once = next_fire("30 2 * * *", BERLIN, day_of_return)
    assert once.date() == datetime(2026, 10, 25, tzinfo=BERLIN).date()
    assert next_fire("30 2 * * *", BERLIN, once).date() == datetime(2026, 10, 26, tzinfo=BERLIN).date()


@given(
    st.sampled_from(EXPRESSIONS),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 (bounds)
    st.integers(0, 400_000),
)
def test_the_newest_due_time_lies_between_and_none_is_later(expression: str, after: datetime, seconds: int) -> None:
    now = after + timedelta(seconds=seconds)
    found, missed = latest_due(expression, SHANGHAI, after, now)
    first = next_fire(expression, SHANGHAI, after)
    if found is None:
        assert first > now
        assert missed == 0
    else:
        assert after < found <= now
        assert next_fire(expression, SHANGHAI, found) > now
        assert (missed == 0) == (found == first)


def test_a_machine_that_was_off_for_a_year_fires_once_at_the_newest_time() -> None:
    now = datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC)
    found, missed = latest_due("* * * * *", SHANGHAI, now - timedelta(days=300), now)
    assert found == now.replace(second=0)
    assert missed > 1000
