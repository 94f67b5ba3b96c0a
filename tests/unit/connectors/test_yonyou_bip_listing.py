"""A list whose rows move, come and go between any two pages loses none that was there all the time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.yonyou_bip.listing import Lists
from ledgerbridge.connectors.yonyou_bip.resources import ARVERIFY, MERCHANT, RECEIVABLE, Resource, Span
from ledgerbridge.errors import Unavailable


class FarList:
    """A vendor's list in order of change or of id; between two pages something happens to a row."""

    def __init__(self, rows: int, events: list[tuple[str, int]], *, by_change: bool, lines: int) -> None:
        self.stamps = {one: one for one in range(1, rows + 1)}
        self.always = set(self.stamps)
        self.events = events
        self.by_change = by_change
        self.lines = lines
        self.now = rows

    def _happen(self) -> None:
        if not self.events:
            return
        what, which = self.events.pop(0)
        if what == "insert":
            self.now += 1
            self.stamps[self.now + 1000] = self.now
        elif self.stamps:
            row = sorted(self.stamps)[which % len(self.stamps)]
            if what == "touch":
                self.now += 1
                self.stamps[row] = self.now
            elif what == "delete":
                del self.stamps[row]
                self.always.discard(row)

    def send(self, call: Call) -> Reply:
        body: Any = call.json
        index, size = body["pageIndex"], body["pageSize"]
        order = sorted(self.stamps, key=lambda row: (self.stamps[row] if self.by_change else 0, row))
        rows = [
            {
                "id": str(row),
                "billid": f"{row}-{line}",
                "pubts": f"2026-03-05 00:{self.stamps[row] // 60:02}:{self.stamps[row] % 60:02}",
            }
            for row in order
            for line in range(self.lines)
        ]
        part = rows[(index - 1) * size : index * size]
        data: Any = part
        if not call.path.endswith("newlist"):
            data = {"recordCount": len(rows), "pageCount": -(-len(rows) // size), "recordList": part}
        self._happen()
        return Reply(200, {}, json.dumps({"code": "200", "data": data}).encode(), "r", 0.0)

    def send_all(self, calls: Iterable[Call]) -> Iterator[Reply]:
        return (self.send(call) for call in calls)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["touch", "touch", "delete", "insert", "none"]), st.integers(0, 30)), max_size=12
)


@settings(max_examples=200)
@given(rows=st.integers(0, 14), events=EVENTS, by_change=st.booleans(), size=st.integers(1, 5))
@pytest.mark.parametrize("resource", [RECEIVABLE, ARVERIFY, MERCHANT], ids=lambda one: one.wire_type)
def test_no_row_is_lost(
    resource: Resource, rows: int, events: list[tuple[str, int]], *, by_change: bool, size: int
) -> None:
    far = FarList(rows, list(events), by_change=by_change, lines=2 if resource.by_line else 1)
    lists = Lists(far, "erp", size)  # type: ignore[arg-type]
    try:
        listing = lists.listing(resource, Span())
    except Unavailable:
        return  # said, and tried again later
    assert far.always <= {int(one) for one in listing.entries}
    assert all(entry.bad is None for entry in listing.entries.values())


def test_a_quiet_list_is_read_once() -> None:
    for resource, calls in ((RECEIVABLE, 3), (ARVERIFY, 5)):
        far = FarList(9, [], by_change=False, lines=2 if resource.by_line else 1)
        asked: list[Call] = []
        send = far.send
        far.send = lambda call, send=send, asked=asked: (asked.append(call), send(call))[1]  # type: ignore[method-assign]
        listing = Lists(far, "erp", 4).listing(resource, Span())  # type: ignore[arg-type]
        assert len(listing.entries) == 9
        assert len(asked) == calls


def test_both_rows_of_a_write_off_are_one_record() -> None:
    far = FarList(3, [], by_change=False, lines=2)
    listing = Lists(far, "erp", 1).listing(ARVERIFY, Span())  # type: ignore[arg-type]
    assert [[json.loads(row)["billid"] for row in entry.rows] for entry in listing.entries.values()] == [
        ["1-0", "1-1"],
        ["2-0", "2-1"],
        ["3-0", "3-1"],
    ]
