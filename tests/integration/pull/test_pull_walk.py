"""One walk: every record in exactly one bucket, the books tied, nothing lost or doubled (invariants 1, 2, 9)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pull_books import INVOICES, KIND, SYSTEM, Scripted, body, buckets, digest, held, invoices, pulled, raw

from ledgerbridge.connectors.base import Page
from ledgerbridge.errors import BadReply, ConnectorError, Unavailable
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.raw import Raw, Unreadable, digest_of
from ledgerbridge.model.run import Bucket, RunStatus, Tally
from ledgerbridge.store import Store, bulk, copies, history, quarantine, streams
from ledgerbridge.store.quarantine import QuarantineState
from ledgerbridge.sync.judge import OLDER, SET_ASIDE
from ledgerbridge.testing.fakes import EPOCH, FakeConnector


def test_a_first_load_ties_and_is_counted_anew(store: Store) -> None:
    result = pulled(store, Scripted([raw("1", 100), raw("2", -30)], [raw("3", 7, currency="JPY")]))
    certificate = result.certificate
    assert (result.status, certificate.faults, certificate.complete, certificate.audited) == (
        RunStatus.OK,
        (),
        True,
        True,
    )
    assert certificate.read == 3
    assert certificate.tallies == (
        Tally(bucket=Bucket.NEW, currency="CNY", records=2, minor=70),
        Tally(bucket=Bucket.NEW, currency="JPY", records=1, minor=7),
    )
    assert (certificate.opening, certificate.closing) == ({}, {"CNY": (2, 70), "JPY": (1, 7)})


def test_reading_all_again_writes_no_record(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [raw(str(at), at) for at in range(50)], [raw("x", skip="test")]
    pulled(store, Scripted(*pages))
    before = digest(store)
    tables: list[str] = []
    for name in ("insert", "update", "upsert"):
        real = getattr(bulk, name)

        def noted(
            tx: object, table: object, columns: object, rows: list[object], real: object = real, **more: object
        ) -> object:
            tables.extend([str(table)] * len(rows))
            return real(tx, table, columns, rows, **more)  # type: ignore[operator]

        monkeypatch.setattr(bulk, name, noted)
    result = pulled(store, Scripted(*pages), full=True)
    assert buckets(result) == {"same": 50, "filtered": 1}
    assert tables == []
    assert digest(store) == before
    pulled(store, Scripted([raw("1", 2, order=2)]))
    assert tables == ["observed", "observed_body"], "the count above can see writes"


def test_nothing_is_decoded_that_has_not_changed(store: Store) -> None:
    pulled(store, Scripted([raw("1"), raw("2")]))
    decoded: list[str] = []

    def spy(found: Raw) -> object:
        decoded.append(found.external_id)
        return invoices()(found)

    pulled(store, Scripted([raw("1"), raw("2", 5, order=2)]), invoices(spy))  # type: ignore[arg-type]
    assert decoded == ["2"]


def test_what_changed_moves_the_books_and_leaves_its_past(store: Store) -> None:
    pulled(store, Scripted([raw("1", 100), raw("2", 50)]))
    result = pulled(
        store,
        Scripted(
            [raw("1", 250, order=2), raw("2", 50, order=2, currency="USD"), raw("2", 50, order=2, currency="USD")]
        ),
    )
    assert buckets(result) == {"changed": 2, "same": 1}
    assert result.certificate.closing == {"CNY": (1, 250), "USD": (1, 50)}
    assert result.certificate.ties
    with store.reading() as tx:
        (past,) = history.of(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))
    assert past.raw == raw("1", 100).body


def test_another_spelling_of_the_same_is_same_and_kept_as_sent(store: Store) -> None:
    pulled(store, Scripted([raw("1", 100)]))
    result = pulled(store, Scripted([raw("1", 100, order=2, memo="read by no rule")]))
    assert buckets(result) == {"same": 1}
    with store.reading() as tx:
        copy = copies.get(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))
        assert history.of(tx, Ref(system=SYSTEM, kind=KIND, external_id="1")) == []
    assert copy is not None
    assert b"read by no rule" in (copy.raw or b"")
    assert copy.version_order == 2


def test_duplicates_are_counted_once_a_sight(store: Store) -> None:
    first, second = raw("1", 100, order=1), raw("1", 200, order=2)
    result = pulled(store, Scripted([first, first, second, second, raw("2")], [second, first, raw("2")]))
    assert result.certificate.read == 8
    assert buckets(result) == {"new": 2, "same": 4, "changed": 1, "filtered": 1}
    assert result.reasons == {OLDER: 1}
    assert held(store)["1"] == ("live", 200, False)
    assert result.certificate.ties


def test_duplicates_across_transactions(store: Store) -> None:
    result = pulled(store, Scripted([raw("1"), raw("2")], [raw("2"), raw("3")], [raw("3"), raw("1")]), group_rows=1)
    assert buckets(result) == {"new": 3, "same": 3}


@pytest.mark.parametrize("group_rows", [1, 1000])
def test_delivered_in_the_wrong_order_the_newest_stays(store: Store, group_rows: int) -> None:
    forms = [raw("1", 300, order=3), raw("1", 100, order=1), raw("1", 200, order=2), raw("1", order=None, deleted=True)]
    result = pulled(store, Scripted(*[[form] for form in forms[:3]]), group_rows=group_rows)
    assert buckets(result) == {"new": 1, "filtered": 2}
    assert held(store)["1"] == ("live", 300, False)


def test_a_deletion_that_arrives_first_keeps_the_older_form_out(store: Store) -> None:
    result = pulled(store, Scripted([raw("1", order=5, deleted=True)], [raw("1", 100, order=4)]))
    assert buckets(result) == {"deleted": 1, "filtered": 1}
    assert held(store)["1"] == ("deleted", 0, False)
    assert result.certificate.closing == {}
    result = pulled(store, Scripted([raw("1", 100, order=6)]))
    assert buckets(result) == {"new": 1}


def test_a_newer_version_of_the_same_text_still_fends_off_older_ones(store: Store) -> None:
    """Changed and changed back: the form between, arriving late, must not win."""
    pulled(store, Scripted([raw("1", 100, order=1)]))
    result = pulled(store, Scripted([raw("1", 100, order=3)], [raw("1", 200, order=2)]))
    assert buckets(result) == {"same": 1, "filtered": 1}
    assert held(store)["1"] == ("live", 100, False)


def test_deleted_and_come_back(store: Store) -> None:
    pulled(store, Scripted([raw("1", 100), raw("2", 50)]))
    gone = raw("1", order=2, deleted=True)
    result = pulled(store, Scripted([gone, gone]))
    assert buckets(result) == {"deleted": 2}
    assert result.certificate.ties
    assert result.certificate.closing == {"CNY": (1, 50)}
    result = pulled(store, Scripted([raw("1", 100, order=3)]))
    assert buckets(result) == {"new": 1}
    assert result.certificate.closing == {"CNY": (2, 150)}


def test_ties_at_one_moment_and_versionless_records(store: Store) -> None:
    """Everything has the same stamp and no version: told apart by id and content alone, in any order of delivery."""
    pulled(store, Scripted([raw(str(at), at, order=None) for at in range(10)]))
    again = [raw(str(at), at if at % 2 else at + 100, order=None) for at in reversed(range(10))]
    result = pulled(store, Scripted(again[:5], again[3:]))
    assert buckets(result) == {"changed": 5, "same": 7}
    assert {key: amount for key, (_, amount, _) in held(store).items()} == {
        str(at): at if at % 2 else at + 100 for at in range(10)
    }


def test_rows_that_move_during_the_read(store: Store) -> None:
    """Row 1 is read, edited, and moves to the end; row 4 moves from a page not yet read to one already passed and back."""
    pages = (
        [raw("1", 10, order=1), raw("2")],
        [raw("3"), raw("4", 40, order=1)],
        [raw("4", 44, order=7), raw("1", 11, order=8)],
    )
    result = pulled(store, Scripted(*pages))
    assert buckets(result) == {"new": 4, "changed": 2}
    assert (held(store)["1"][1], held(store)["4"][1]) == (11, 44)
    assert result.certificate.ties


def test_one_bad_record_stops_nothing_and_says_everything(store: Store) -> None:
    bad = raw("2", "zwölf", currency="XXY")
    result = pulled(
        store, Scripted([raw("1"), bad, Unreadable(KIND, INVOICES, "row 3", b"\xff[", "no object"), raw("4")])
    )
    assert result.status is RunStatus.PARTIAL
    assert buckets(result) == {"new": 2, "quarantined": 2}
    assert result.certificate.ties
    with store.reading() as tx:
        record, piece = sorted(quarantine.entries(tx), key=lambda entry: entry.external_id or "~")
    assert [problem.field for problem in record.problems] == ["currency", "total_minor"]
    assert (record.raw, record.external_id, record.state) == (bad.body, "2", QuarantineState.OPEN)
    assert (piece.raw, piece.place, piece.problems[0].why) == (b"\xff[", "row 3", "no object")
    assert held(store)["2"] == ("quarantined", 0, True)


@pytest.mark.parametrize(
    "external_id", ["", "x" * 401, "half \ud800", "nul \x00"], ids=["empty", "long", "half", "nul"]
)
def test_an_id_that_cannot_be_kept_is_quarantined(store: Store, external_id: str) -> None:
    result = pulled(store, Scripted([raw("1"), raw(external_id), raw("3")]))
    assert buckets(result) == {"new": 2, "quarantined": 1}
    assert result.certificate.ties
    with store.reading() as tx:
        (entry,) = quarantine.entries(tx)
    assert "id" in entry.problems[0].why


def test_a_version_beyond_64_bits_and_a_record_of_another_kind(store: Store) -> None:
    other = Raw(Kind.PAYMENT, INVOICES, "9", b"{}", digest_of(b"{}"), EPOCH)
    result = pulled(store, Scripted([raw("1", order=2**70), other, raw("3", order=2**63 - 1)]))
    assert buckets(result) == {"new": 1, "quarantined": 2}


def test_a_good_copy_survives_a_bad_reading_and_is_flagged_until_it_is_well(store: Store) -> None:
    pulled(store, Scripted([raw("1", 100)]))
    result = pulled(store, Scripted([raw("1", "zwölf", order=2)]))
    assert buckets(result) == {"quarantined": 1}
    assert held(store)["1"] == ("live", 100, True)
    assert result.certificate.closing == {"CNY": (1, 100)}
    late = pulled(store, Scripted([raw("1", 77, order=1)]))
    assert buckets(late) == {"filtered": 1}, "what is older than the bad reading does not lift the flaw"
    again = pulled(store, Scripted([raw("1", "zwölf", order=2)]))
    assert buckets(again) == {"quarantined": 1}
    well = pulled(store, Scripted([raw("1", 100, order=3)]))
    assert (buckets(well), well.status) == ({"same": 1}, RunStatus.OK)
    assert held(store)["1"] == ("live", 100, False)
    with store.reading() as tx:
        assert quarantine.entries(tx) == []
        (entry,) = quarantine.entries(tx, state=QuarantineState.RESOLVED)
    assert entry.times == 2


def test_a_quarantined_record_that_is_mended_at_the_far_side_is_new(store: Store) -> None:
    pulled(store, Scripted([raw("1", "zwölf")]))
    result = pulled(store, Scripted([raw("1", 12, order=2)]))
    assert buckets(result) == {"new": 1}
    with store.reading() as tx:
        assert quarantine.open_counts(tx) == {}


def test_a_quarantined_record_that_is_deleted_is_settled(store: Store) -> None:
    pulled(store, Scripted([raw("1", "zwölf")]))
    result = pulled(store, Scripted([raw("1", order=2, deleted=True)]))
    assert buckets(result) == {"deleted": 1}
    with store.reading() as tx:
        assert quarantine.open_counts(tx) == {}


def test_what_a_person_set_aside_is_filtered_while_its_text_stays(store: Store) -> None:
    bad = raw("1", "zwölf")
    pulled(store, Scripted([bad]))
    with store.writing() as tx:
        assert quarantine.discard(tx, quarantine.id_of(SYSTEM, KIND, bad), why="demo data", now_us=1)
    result = pulled(store, Scripted([bad]))
    assert (buckets(result), result.reasons, result.status) == ({"filtered": 1}, {SET_ASIDE: 1}, RunStatus.OK)
    assert buckets(pulled(store, Scripted([raw("1", "elf", order=2)]))) == {"quarantined": 1}


def test_filtered_records_leave_the_books_and_are_counted_by_reason(store: Store) -> None:
    pulled(store, Scripted([raw("1", 100), raw("2", 50)]))
    result = pulled(
        store, Scripted([raw("1", 100, order=2, skip="test data"), raw("3", skip="draft"), raw("3", skip="draft")])
    )
    assert (buckets(result), result.reasons) == ({"filtered": 3}, {"skip is test data": 1, "skip is draft": 2})
    assert result.certificate.closing == {"CNY": (1, 50)}
    assert result.certificate.ties
    back = pulled(store, Scripted([raw("1", 100, order=3)]))
    assert buckets(back) == {"new": 1}
    assert back.certificate.closing == {"CNY": (2, 150)}


def test_an_error_leaves_what_was_stored_and_the_next_walk_goes_on(store: Store) -> None:
    torn = Scripted([raw("1")], [raw("2")], Unavailable("the line is dead", system=SYSTEM), [raw("3")])
    result = pulled(store, torn, group_rows=1)
    assert (result.status, result.certificate.complete, result.certificate.read) == (RunStatus.PARTIAL, False, 2)
    assert isinstance(result.error, Unavailable)
    assert result.certificate.ties
    rest = Scripted([raw("3")])
    assert pulled(store, rest).status is RunStatus.OK
    assert rest.asked == ["after-2"]
    assert held(store).keys() == {"1", "2", "3"}


def test_a_walk_that_stores_nothing_before_its_error_has_failed(store: Store) -> None:
    result = pulled(store, Scripted(Unavailable("the line is dead", system=SYSTEM)))
    assert (result.status, result.certificate.read) == (RunStatus.FAILED, 0)


def test_a_connector_s_own_defect_is_named_without_its_text(store: Store) -> None:
    result = pulled(store, Scripted([raw("1")], ValueError("token=geheim")))
    assert isinstance(result.error, ConnectorError)
    assert "ValueError" in str(result.error)
    assert "geheim" not in str(result.error)


def test_a_walk_without_a_last_page_is_not_complete(store: Store) -> None:
    result = pulled(store, Scripted([raw("1")], last=False))
    assert isinstance(result.error, BadReply)
    assert not result.certificate.complete
    assert held(store).keys() == {"1"}


def test_the_same_page_for_ever_is_an_error(store: Store) -> None:
    class Stuck(Scripted):
        def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
            while True:
                yield Page(records=(raw("1"), raw("2")), cursor="1", last=False)

    far = Stuck()
    result = pulled(store, far)
    assert isinstance(result.error, BadReply)
    assert "same page twice" in str(result.error)


def test_an_unfinished_full_walk_stays_a_full_one(store: Store) -> None:
    far = FakeConnector(SYSTEM)
    for at in range(10):
        far.put(KIND, str(at), body(str(at), at))
    far.fail("pull", Unavailable("dead", system=SYSTEM), after=2)
    first = pulled(store, far, limit=3, group_rows=1)
    assert (first.certificate.read, first.certificate.complete, first.certificate.audited) == (6, False, False)
    with store.reading() as tx:
        assert streams.get(tx, SYSTEM, KIND).full_walk
    second = pulled(store, far, limit=3)
    assert (second.certificate.read, second.certificate.complete, second.certificate.audited) == (4, True, True)
    with store.reading() as tx:
        state = streams.get(tx, SYSTEM, KIND)
    assert (state.full_walk, state.full_us is not None) == (False, True)
    third = pulled(store, far)
    assert (third.certificate.read, third.certificate.audited) == (0, False)


def test_progress_is_told(store: Store) -> None:
    told = []
    pulled(store, Scripted([raw("1")], [raw("2"), raw("3")]), progress=told.append, group_rows=1)
    assert [(progress.pages, progress.read) for progress in told] == [(1, 1), (2, 3)]


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE observed SET amount_minor = amount_minor + 1 WHERE external_id = '1'",
        "UPDATE book_total SET records = 7",
    ],
)
def test_books_that_were_tampered_with_turn_a_full_walk_red_once(store: Store, spoil: str) -> None:
    pulled(store, Scripted([raw("1", 100), raw("2", 50)]))
    with store.writing() as tx:
        tx.connection.exec_driver_sql(spoil)
    result = pulled(store, Scripted([raw("2", 50)]), full=True)
    assert result.status is RunStatus.FAILED
    assert any("the running total says" in fault for fault in result.certificate.faults)
    assert pulled(store, Scripted([raw("2", 50)]), full=True).status is RunStatus.OK
