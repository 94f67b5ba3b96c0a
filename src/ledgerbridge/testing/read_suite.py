"""The checks of reading: nothing is lost, nothing is bent on the way."""

# A check is named by a whole sentence; a docstring would repeat it.
# ruff: noqa: D102

from __future__ import annotations

import json
from datetime import UTC, timedelta
from decimal import Decimal
from typing import cast

import pytest

from ledgerbridge.connectors.base import Connector, DeleteStrategy
from ledgerbridge.errors import Unsupported
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw

from .hooks import ABSENT, FarSide, Hooks, misses, must_have_happened, reads, walk

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
EACH_KIND = pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.value)
TEXTS = (
    "北京市朝阳区建国路88号院",
    "ＡＢＣ（上海）有限公司",
    "𠮷野家😀有限公司",
    "000123",
    'a"b\\c/d',
    "a  b",
)


class ReadSuite(Hooks):
    """What `check`, `pull`, `get` and `keys` promise."""

    def test_check_says_nothing_when_all_is_well(self, connector: Connector) -> None:
        connector.check()

    def test_the_facts_speak_of_every_kind_that_flows(self, connector: Connector) -> None:
        assert set(self.facts) == connector.capabilities.reads | connector.capabilities.writes

    @EACH_KIND
    @pytest.mark.parametrize("limit", [1, 5, 10_000])
    def test_a_walk_ends_and_misses_nothing(self, connector: Connector, far: FarSide, kind: Kind, limit: int) -> None:
        reads(connector, kind)
        ids = self.seed(far, kind, 11)
        assert misses(ids, walk(connector, kind, limit=limit)) == []

    @EACH_KIND
    def test_a_walk_over_nothing_ends(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        if far.count(kind.value):
            pytest.skip(f"there are {kind} records from the start")
        assert walk(connector, kind).records == []

    @EACH_KIND
    def test_an_empty_page_in_the_middle_ends_no_walk(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        ids = self.seed(far, kind, 7)
        self.order(far, "empty_page", skip=1)
        walked = walk(connector, kind, limit=2)
        must_have_happened(far, "empty_page")
        assert misses(ids, walked) == []

    @EACH_KIND
    def test_a_cursor_resumes_where_it_stopped(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        """Whichever page was the last that was stored, the walk from its cursor brings the rest."""
        reads(connector, kind)
        ids = self.seed(far, kind, 7)
        pages = walk(connector, kind, limit=3).pages
        for done in range(1, len(pages) + 1):
            stored = {record.external_id for page in pages[:done] for record in page.records}
            resumed = walk(connector, kind, cursor=pages[done - 1].cursor, limit=3)
            assert sorted(set(ids) - stored - resumed.ids) == [], f"lost when stopped after page {done} of {len(pages)}"

    @EACH_KIND
    def test_a_cursor_moves_with_the_walk(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        """A walk that is interrupted again and again must get on: a late cursor does not begin at the beginning."""
        reads(connector, kind)
        ids = self.spread(far, kind)
        pages = walk(connector, kind, limit=1).pages
        late = next(page for page in reversed(pages) if not page.last)
        resumed = walk(connector, kind, cursor=late.cursor, limit=1)
        assert len(resumed.ids & set(ids)) < len(ids), "the cursor of a late page starts the whole walk again"

    @EACH_KIND
    def test_the_same_cursor_starts_at_the_same_place(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        self.seed(far, kind, 5)
        cursor = walk(connector, kind, limit=2).pages[0].cursor
        assert walk(connector, kind, cursor=cursor).ids == walk(connector, kind, cursor=cursor).ids

    @EACH_KIND
    def test_a_finished_walk_goes_on_with_what_is_new(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        if kind not in connector.capabilities.incremental:
            pytest.skip(f"reads {kind} whole every time")
        far.clock.advance(-2 * DAY_S)
        old = self.seed(far, kind, 5)
        far.clock.advance(2 * DAY_S)
        self.seed(far, kind, 1)
        cursor = walk(connector, kind).cursor
        new = self.seed(far, kind, 2)
        resumed = walk(connector, kind, cursor=cursor)
        assert misses(new, resumed) == []
        assert not set(old) <= resumed.ids, "everything is read again, also what has not changed for days"

    @EACH_KIND
    def test_a_record_changed_at_the_cursors_own_second_is_seen_again(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        reads(connector, kind)
        far.clock.freeze(far.clock.now())
        ids = self.seed(far, kind, 3)
        first = walk(connector, kind)
        self.touch_text(far, kind, ids[1], "changed in the same second")
        again = walk(connector, kind, cursor=first.cursor).of(ids[1])
        assert again.digest != first.of(ids[1]).digest

    @EACH_KIND
    def test_get_is_the_record(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        ids = self.seed(far, kind, 2)
        self.touch_text(far, kind, ids[0], "the first one")
        record = self.got(connector, kind, ids[0])
        assert (record.kind, record.external_id) == (kind, ids[0])
        assert self.text_of(record) == "the first one"

    @EACH_KIND
    def test_get_is_none_for_unknown_and_deleted(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        gone, stays = self.seed(far, kind, 2)
        assert connector.get(self.ref(kind, self.unknown_id(kind, stays))) is None
        assert connector.get(self.ref(kind, gone)) is not None
        far.discard(kind.value, self.far_id(kind, gone))
        assert connector.get(self.ref(kind, gone)) is None
        assert connector.get(self.ref(kind, stays)) is not None

    @EACH_KIND
    def test_a_deletion_becomes_known_as_declared(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        strategy = connector.capabilities.deletes.get(kind, DeleteStrategy.NONE)
        gone, *stay = self.seed(far, kind, 4)
        cursor = walk(connector, kind).cursor
        far.discard(kind.value, self.far_id(kind, gone))
        if strategy is DeleteStrategy.FEED:
            feed = walk(connector, kind, cursor=cursor)
            assert feed.of(gone).deleted
            assert not any(record.deleted for record in feed.records if record.external_id in stay)
        elif strategy is DeleteStrategy.KEY_SWEEP:
            pages = list(connector.keys(kind))
            swept = {key for page in pages for key in page}
            assert gone not in swept
            assert sorted(set(stay) - swept) == [], (
                "a record that exists is missing from the keys: it would be taken for dead"
            )
        else:
            pytest.skip(f"deletions of {kind} do not become known ({strategy})")

    @EACH_KIND
    @pytest.mark.parametrize("limit", [2, 10_000])
    def test_limit_and_page_size_max_are_kept(self, connector: Connector, far: FarSide, kind: Kind, limit: int) -> None:
        reads(connector, kind)
        self.seed(far, kind, 5)
        most = min(limit, connector.capabilities.page_size_max)
        sizes = [len(page.records) + len(page.unreadable) for page in walk(connector, kind, limit=limit).pages]
        assert max(sizes) <= most

    @EACH_KIND
    def test_a_kind_outside_the_capabilities_fails_before_any_request(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        far.faults.fail_next("cut_before", count=100)
        if kind not in connector.capabilities.reads:
            with pytest.raises(Unsupported):
                list(connector.pull(kind, cursor=None, limit=10))
            with pytest.raises(Unsupported):
                connector.get(self.ref(kind, "1"))
            with pytest.raises(Unsupported):
                connector.find(kind, "1")
        if connector.capabilities.deletes.get(kind) is not DeleteStrategy.KEY_SWEEP:
            with pytest.raises(Unsupported):
                list(connector.keys(kind))
        assert not far.faults.happened["cut_before"], "a request was made"

    @EACH_KIND
    def test_every_record_is_whole(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        self.seed(far, kind, 3)
        for record in walk(connector, kind).records:
            assert record.kind is kind
            assert record.wire_type in connector.capabilities.wire_types[kind]
            assert record.external_id
            assert len(record.digest) == 16
            assert record.fetched_at.utcoffset() == timedelta(0)
            assert record.modified_at is None or record.modified_at.utcoffset() == timedelta(0), f"not {UTC}"
            assert isinstance(json.loads(record.body), dict)

    @EACH_KIND
    def test_an_unchanged_record_has_the_same_digest_each_time(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        reads(connector, kind)
        ids = self.seed(far, kind, 2)
        first, second = walk(connector, kind), walk(connector, kind)
        assert [first.of(one).digest for one in ids] == [second.of(one).digest for one in ids]

    @EACH_KIND
    def test_amounts_keep_every_digit(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        name = self.facts[kind].amount_field
        if name is None:
            pytest.skip(f"{kind} has no amount")
        [one] = self.seed(far, kind, 1)
        far.touch(kind.value, self.far_id(kind, one), {name: self.spelled_amount(self.amount)})
        for record in (self.got(connector, kind, one), walk(connector, kind).of(one)):
            value = self.field_of(record, name)
            assert isinstance(value, Decimal | int | str), f"{type(value).__name__} cannot hold an amount"
            assert Decimal(value) == Decimal(self.amount)

    @EACH_KIND
    def test_absent_null_empty_and_zero_stay_four_things(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        facts = self.facts[kind]
        [one] = self.seed(far, kind, 1)
        far_id = self.far_id(kind, one)
        spellings: list[tuple[str, object]] = []
        if facts.new_field is not None:
            assert facts.new_field not in self.got(connector, kind, one).payload(), (
                "a field that nobody sent was made up"
            )
            spellings += [(facts.new_field, None), (facts.new_field, ""), (facts.new_field, 0)]
        if facts.text_field is not None:
            spellings += [(facts.text_field, None), (facts.text_field, "")]
        if facts.number_field is not None:
            spellings += [(facts.number_field, None), (facts.number_field, 0)]
        for name, value in spellings:
            far.touch(kind.value, far_id, {name: value})
            self.same(self.read_or_absent(self.got(connector, kind, one), name), value, name)

    @EACH_KIND
    def test_chinese_full_width_emoji_and_leading_zeros_survive(
        self, connector: Connector, far: FarSide, kind: Kind
    ) -> None:
        reads(connector, kind)
        ids = self.seed(far, kind, len(TEXTS))
        for one, text in zip(ids, TEXTS, strict=True):
            self.touch_text(far, kind, one, text)
        walked = walk(connector, kind)
        assert [self.text_of(walked.of(one)) for one in ids] == list(TEXTS)
        assert [self.text_of(self.got(connector, kind, one)) for one in ids] == list(TEXTS)

    @EACH_KIND
    def test_unknown_fields_are_kept(self, connector: Connector, far: FarSide, kind: Kind) -> None:
        reads(connector, kind)
        name = self.facts[kind].new_field
        if name is None:
            pytest.skip(f"a {kind} has no room for a new field")
        [one] = self.seed(far, kind, 1)
        far.touch(kind.value, self.far_id(kind, one), {name: "nobody knows me"})
        assert self.read_or_absent(walk(connector, kind).of(one), name) == "nobody knows me"

    # -- instruments of these checks

    def spread(self, far: FarSide, kind: Kind) -> list[str]:
        """Four records, changed an hour apart, the last one now."""
        ids = []
        far.clock.advance(-4 * HOUR_S)
        for _ in range(4):
            far.clock.advance(HOUR_S)
            ids += self.seed(far, kind, 1)
        return ids

    def got(self, connector: Connector, kind: Kind, external_id: str) -> Raw:
        """One record that must exist."""
        record = connector.get(self.ref(kind, external_id))
        assert record is not None, f"{kind} {external_id} exists and was not found"
        return record

    def touch_text(self, far: FarSide, kind: Kind, external_id: str, text: str) -> None:
        """A person writes a text into a record."""
        name = self.facts[kind].text_field
        if name is None:
            pytest.skip(f"a {kind} has no text that people edit")
        far.touch(kind.value, self.far_id(kind, external_id), {name: text})

    def text_of(self, record: Raw) -> object:
        """That text."""
        return self.field_of(record, self.facts[record.kind].text_field or "")

    def read_or_absent(self, record: Raw, name: str) -> object:
        """A field, or ABSENT."""
        try:
            return self.field_of(record, name)
        except KeyError:
            return ABSENT

    def same(self, read: object, sent: object, name: str) -> None:
        """Fail unless a field is read as it was set. A vendor may spell zero with decimals, or as text."""
        if sent == 0 and isinstance(sent, int):
            assert not isinstance(read, bool)
            assert isinstance(read, int | Decimal | str), f"{name}: 0 was read as {read!r}"
            assert read not in ("", ABSENT), f"{name}: 0 was read as {read!r}"
            assert Decimal(read) == 0
        else:
            expected = {None: self.cleared_reads_as, "": self.emptied_reads_as}.get(cast("str | None", sent), sent)
            assert read == expected, f"{name}: {sent!r} was read as {read!r}"
