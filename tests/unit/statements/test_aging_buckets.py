"""Each age belongs to exactly one bucket."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge.model.statement import AgeBase
from ledgerbridge.reconciler.aging import DEFAULT_BUCKETS, Buckets

EDGES = st.lists(st.integers(1, 2000), min_size=1, max_size=8, unique=True).map(lambda edges: tuple(sorted(edges)))


@given(EDGES, st.sampled_from(AgeBase), st.one_of(st.none(), st.integers(-500, 3000)))
def test_every_age_has_one_bucket(edges: tuple[int, ...], base: AgeBase, age_days: int | None) -> None:
    buckets = Buckets(edges, base)
    if base is AgeBase.DOCUMENT and age_days is None:
        with pytest.raises(ValueError, match="every item has an age"):
            buckets.at(None)
        return
    holding = [at for at, bucket in enumerate(buckets.all) if bucket.holds(age_days)]
    assert holding == [buckets.at(age_days)]


def test_the_usual_ones_by_name() -> None:
    names = [bucket.name for bucket in DEFAULT_BUCKETS.all]
    assert names == ["not_due", "1-30", "31-60", "61-90", "91-180", "181-365", ">365", "undated"]
    by_year = Buckets((365, 730, 1095), AgeBase.DOCUMENT)
    assert [bucket.name for bucket in by_year.all] == ["0-365", "366-730", "731-1095", ">1095"]


@pytest.mark.parametrize("edges", [(), (0, 30), (30, 30), (60, 30), (-1,)])
def test_edges_that_make_no_ranges_are_refused(edges: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rising days above 0"):
        Buckets(edges)


def test_the_day_it_is_due_is_not_overdue() -> None:
    due = date(2026, 10, 10)
    ages = [DEFAULT_BUCKETS.age(on=due, due_on=due, as_of=date(2026, 10, day)) for day in (9, 10, 11)]
    assert [DEFAULT_BUCKETS.all[DEFAULT_BUCKETS.at(age)].name for age in ages] == ["not_due", "not_due", "1-30"]
    assert DEFAULT_BUCKETS.age(on=due, due_on=None, as_of=due) is None


def test_sums_and_counts() -> None:
    filled = DEFAULT_BUCKETS.filled([(-3, 100), (0, 50), (31, 7), (31, -2), (None, 9)])
    assert {aged.bucket.name: (aged.amount_minor, aged.items) for aged in filled if aged.items} == {
        "not_due": (150, 2),
        "31-60": (5, 2),
        "undated": (9, 1),
    }
