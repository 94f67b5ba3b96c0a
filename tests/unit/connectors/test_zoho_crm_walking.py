"""Where a walk goes on: nothing is skipped, whatever changes while it is walked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerbridge.connectors.zoho_crm import walking
from ledgerbridge.connectors.zoho_crm.codec_pages import Listed
from ledgerbridge.connectors.zoho_crm.walking import DELETED, DONE, LIST, Walk
from ledgerbridge.errors import BadReply

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rows(count: int) -> tuple[msgspec.Raw, ...]:
    return (msgspec.Raw(b"{}"),) * count


@dataclass
class Far:
    """A module as zoho.md 3 describes it; tokens go on after the last row, or, with `by_count`, after that many rows."""

    stamps: dict[int, datetime]
    by_count: bool = False
    calls: int = 0
    tokens: dict[str, tuple[int, tuple[datetime, int] | None]] = field(default_factory=dict)

    def page(self, walk: Walk, size: int) -> tuple[Listed, list[tuple[int, datetime]]]:
        self.calls += 1
        since = datetime.fromisoformat(walk.since) if walk.since else None
        order = sorted((stamp.replace(microsecond=0), one) for one, stamp in self.stamps.items())
        found = [(one, stamp) for stamp, one in order if since is None or stamp > since]
        done, last = self.tokens[walk.token] if walk.token else (0, None)
        by_key = [(one, stamp) for one, stamp in found if last is None or (stamp, one) > last]
        left = found[done:] if self.by_count else by_key
        shown = left[:size]
        token = f"t{self.calls}"
        self.tokens[token] = (done + len(shown), (shown[-1][1], shown[-1][0]) if shown else last)
        return Listed(rows(len(shown)), len(left) > size, token), shown


def walked(far: Far, walk: Walk, size: int, edits: list[tuple[int, int]]) -> tuple[Walk, dict[int, datetime]]:
    """A walk to the end of its list; `edits` are (before which call, which record): a person changes it."""
    seen: dict[int, datetime] = {}
    now = max(far.stamps.values(), default=START)
    for number in range(1, 2000):
        for _, record in [edit for edit in edits if edit[0] == number]:
            if record in far.stamps:
                now += timedelta(seconds=1)  # what changes within the last second is seen by the next walk's overlap
                far.stamps[record] = now
        page, shown = far.page(walk, size)
        seen |= {one: max(stamp, seen.get(one, stamp)) for one, stamp in shown}
        walk = walking.after_page(walk, page, [stamp for _, stamp in shown], "crm")
        if not page.more:
            return walking.after_list(walk, contacts=False), seen
    pytest.fail("the walk has no end")


many = st.lists(st.integers(0, 8), min_size=0, max_size=40)
changes = st.lists(st.tuples(st.integers(2, 12), st.integers(0, 39)), max_size=12)


@settings(deadline=None, max_examples=150)
@given(seconds=many, size=st.integers(1, 7), edits=changes)
def test_a_walk_sees_every_record_as_it_is_at_its_end(
    seconds: list[int], size: int, edits: list[tuple[int, int]]
) -> None:
    far = Far({one: at(second) for one, second in enumerate(seconds)})
    walk, seen = walked(far, walking.load(None), size, edits)
    assert seen == far.stamps
    assert walk.phase == DELETED
    assert walk.seen == (max(far.stamps.values()).isoformat() if far.stamps else None)


@settings(deadline=None, max_examples=100)
@given(count=st.integers(0, 40), size=st.integers(2, 7), edits=changes)
def test_rows_that_move_skip_nothing_even_if_tokens_only_count(
    count: int, size: int, edits: list[tuple[int, int]]
) -> None:
    far = Far({one: at(one * 2) for one in range(count)}, by_count=True)
    _, seen = walked(far, walking.load(None), size, edits)
    assert set(seen) == set(far.stamps)


def test_a_token_is_used_only_within_one_second() -> None:
    walk = walking.load(None)
    tied = walking.after_page(walk, Listed(rows(2), more=True, token="t1"), [at(5), at(5)], "crm")
    assert (tied.token, tied.since, tied.floor) == ("t1", None, at(5).isoformat())
    beyond = walking.after_page(tied, Listed(rows(2), more=True, token="t2"), [at(5), at(6)], "crm")
    assert (beyond.token, beyond.since, beyond.floor) == (None, at(5).isoformat(), None)


def test_more_records_without_a_way_to_them_is_no_answer() -> None:
    with pytest.raises(BadReply, match="no token"):
        walking.after_page(walking.load(None), Listed(rows(1), more=True), [at(1)], "crm")


def test_an_empty_page_in_the_middle_ends_nothing() -> None:
    walk = walking.after_page(walking.load(None), Listed((), more=True, token="t9"), [], "crm")
    assert (walk.phase, walk.token) == (LIST, "t9")


def test_a_finished_walk_begins_five_minutes_before_what_it_saw() -> None:
    done = Walk(DONE, seen=at(0).isoformat(), gone=at(60).isoformat())
    walk = walking.load(done.dump())
    assert (walk.phase, walk.since, walk.gone_since) == (
        LIST, at(-300).isoformat(), at(-240).isoformat()
    )  # fmt: skip


def test_an_unfinished_walk_goes_on_where_it_stood() -> None:
    walk = Walk(LIST, since=at(1).isoformat(), floor=at(2).isoformat(), token="t", seen=at(3).isoformat())
    assert walking.load(walk.dump()) == walk


def test_deletions_up_to_the_newest_change_count_as_seen() -> None:
    walk = Walk(DELETED, seen=at(100).isoformat(), gone_since=at(0).isoformat())
    first = walking.after_deletions(walk, Listed(rows(1), more=True), [at(40)])
    assert (first.phase, first.page, first.gone_since) == (DELETED, 2, at(0).isoformat())
    last = walking.after_deletions(first, Listed(rows(1)), [at(30)])
    assert (last.phase, last.gone) == (DONE, at(100).isoformat())


@pytest.mark.parametrize(
    ("begun", "seen", "expected"),
    [(50, 100, 50), (100, 50, 50), (50, None, 50)],
    ids=["changes during the walk", "their clock is behind", "no customers"],
)
def test_the_first_walk_with_contacts_leaves_their_changes_to_the_next(
    begun: int, seen: int | None, expected: int
) -> None:
    walk = Walk(LIST, begun=at(begun).isoformat(), seen=None if seen is None else at(seen).isoformat())
    after = walking.after_list(walk, contacts=True)
    assert (after.phase, after.contacts_seen) == (DELETED, at(expected).isoformat())


def test_a_later_walk_reads_changed_contacts() -> None:
    walk = Walk(LIST, contacts_since=at(7).isoformat(), seen=at(9).isoformat())
    after = walking.after_list(walk, contacts=True)
    assert (after.phase, after.since) == (walking.CONTACTS, at(7).isoformat())
    end = walking.after_page(after, Listed(rows(1)), [at(20)], "crm")
    assert (end.contacts_seen, end.seen) == (at(20).isoformat(), at(9).isoformat())
