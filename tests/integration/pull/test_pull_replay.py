"""Mapping again what is already here: quarantine after the cause was mended, all copies after the mapping was edited."""

from __future__ import annotations

import pytest
from pull_books import (
    KIND,
    SYSTEM,
    Scripted,
    buckets,
    digest,
    held,
    invoices,
    map_invoice_leniently,
    pulled,
    raw,
)

from ledgerbridge.errors import StaleRecord
from ledgerbridge.model.base import Ref
from ledgerbridge.model.raw import Raw, Unreadable
from ledgerbridge.model.run import Bucket, RunStatus
from ledgerbridge.store import Store, copies, history, quarantine, runs, streams, to_us
from ledgerbridge.store.quarantine import QuarantineState
from ledgerbridge.sync.decode import Decoded, Rejected
from ledgerbridge.sync.pull import pull_stream
from ledgerbridge.sync.replay import remap, replay
from ledgerbridge.sync.step import StepResult

LENIENT = invoices(map_invoice_leniently, "v2")


def in_run(store: Store, run_id: str) -> str:
    with store.writing() as tx:
        runs.begin(tx, run_id, "test", to_us(store.clock.now()))
    return run_id


def replayed(store: Store, **options: object) -> StepResult:
    options = {"decode": LENIENT, "run_id": in_run(store, f"replay-{len(options)}-{id(options)}"), **options}
    return replay(store, SYSTEM, KIND, **options)  # type: ignore[arg-type]


def states(store: Store) -> dict[str | None, str]:
    with store.reading() as tx:
        return {entry.external_id: entry.state.value for entry in quarantine.every(tx, state=None)}


def test_replay_stores_what_maps_now_and_closes_its_entry(store: Store) -> None:
    piece = Unreadable(KIND, "fake_invoice", "row", b"[]", "no object")
    pulled(store, Scripted([raw("1", 100), raw("2", "zwölf"), raw("1", "elf", order=2), piece]))
    result = replayed(store)
    assert buckets(result) == {"new": 1, "changed": 1}
    assert (result.status, result.certificate.faults) == (RunStatus.OK, ())
    assert result.certificate.closing == {"CNY": (2, 0)}
    assert "1 pieces" in str(result.note)
    assert held(store) == {"1": ("live", 0, False), "2": ("live", 0, False)}
    assert states(store) == {"1": "replayed", "2": "replayed", None: "open"}


def test_what_still_cannot_be_mapped_stays_with_todays_reasons(store: Store) -> None:
    pulled(store, Scripted([raw("1", "zwölf")]))
    result = replayed(store, decode=invoices())
    assert (buckets(result), result.status) == ({"quarantined": 1}, RunStatus.PARTIAL)
    assert states(store) == {"1": "open"}


def test_only_the_named_entries_are_replayed_also_set_aside_ones(store: Store) -> None:
    bad = [raw(str(at), "zwölf") for at in range(3)]
    pulled(store, Scripted(bad))
    ids = [quarantine.id_of(SYSTEM, KIND, one) for one in bad]
    with store.writing() as tx:
        quarantine.discard(tx, ids[1], why="test", now_us=1)
    result = replayed(store, ids=[ids[1], ids[2], "unknown"])
    assert buckets(result) == {"new": 2}
    assert states(store) == {"0": "open", "1": "replayed", "2": "replayed"}


def test_a_replayed_text_does_not_overwrite_a_later_form(store: Store) -> None:
    """The entry is kept open by hand, as if the later good form had been read by another process meanwhile."""
    pulled(store, Scripted([raw("1", "zwölf", order=1)]))
    pulled(store, Scripted([raw("1", 55, order=2)]))
    with store.writing() as tx:
        tx.connection.exec_driver_sql("UPDATE quarantine SET state = 'open'")
    assert buckets(replayed(store)) == {"filtered": 1}
    assert held(store)["1"] == ("live", 55, False)


def test_an_edited_mapping_maps_all_copies_anew_without_fetching(store: Store) -> None:
    pulled(store, Scripted([raw("1", 100, memo="急"), raw("2", 50), raw("3", skip="test"), raw("4", "zwölf")]))
    nothing = Scripted([])
    steps = pull_stream(store, nothing, SYSTEM, KIND, LENIENT, run_id=in_run(store, "r"))  # type: ignore[arg-type]
    assert [step.step for step in steps] == ["remap", "replay", "pull"]
    assert [buckets(step) for step in steps] == [{"changed": 2, "new": 1}, {"new": 1}, {}]
    assert all(step.certificate.ties for step in steps)
    assert steps[0].certificate.audited
    assert {key: state for key, (state, _, _) in held(store).items()} == dict.fromkeys("1234", "live")
    with store.reading() as tx:
        copy = copies.get(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))
        (past,) = history.of(tx, Ref(system=SYSTEM, kind=KIND, external_id="1"))
    assert copy is not None
    assert copy.record().remark == "急"  # type: ignore[attr-defined]
    assert b"remark" not in (past.canonical or b"")
    again = pull_stream(store, nothing, SYSTEM, KIND, LENIENT, run_id=in_run(store, "s"))  # type: ignore[arg-type]
    assert [step.step for step in again] == ["pull"]


def test_a_copy_that_the_new_mapping_refuses_stays_and_is_flagged(store: Store) -> None:
    def refuse(found: Raw) -> Decoded:
        return Rejected(()) if found.external_id == "1" else map_invoice_leniently(found)

    pulled(store, Scripted([raw("1", 100), raw("2", 50)]))
    steps = pull_stream(store, Scripted([]), SYSTEM, KIND, invoices(refuse, "v3"), run_id=in_run(store, "r"))  # type: ignore[arg-type]
    assert steps[0].records(Bucket.QUARANTINED) == 1
    assert held(store) == {"1": ("live", 100, True), "2": ("live", 50, False)}
    steps = pull_stream(store, Scripted([]), SYSTEM, KIND, LENIENT, run_id=in_run(store, "s"))  # type: ignore[arg-type]
    assert held(store) == {"1": ("live", 100, False), "2": ("live", 50, False)}
    assert states(store) == {"1": "replayed"}


def test_the_last_good_copy_is_mapped_anew_while_its_flaw_stays(store: Store) -> None:
    pulled(store, Scripted([raw("1", 100, memo="gut")]))
    pulled(store, Scripted([raw("1", None, order=2, currency="XXY")]))
    result = remap(store, SYSTEM, KIND, LENIENT, run_id=in_run(store, "r"))
    assert buckets(result) == {"changed": 1}
    assert held(store) == {"1": ("live", 100, True)}
    with store.reading() as tx:
        (entry,) = quarantine.entries(tx)
    assert (entry.state, entry.version_order) == (QuarantineState.OPEN, 2)


@pytest.mark.parametrize("cut", [1, 2])
def test_a_remap_that_was_cut_short_goes_on_where_it_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    monkeypatch.setattr("ledgerbridge.sync.replay._ROWS", 2)
    pulled(store, Scripted([raw(str(at), at, memo=f"m{at}") for at in range(5)]))
    asked = iter([False] * cut + [True] * 9)
    first = remap(store, SYSTEM, KIND, LENIENT, run_id=in_run(store, "r"), stop=lambda: next(asked))
    assert (first.status, first.certificate.read) == (RunStatus.INTERRUPTED, 2 * cut)
    with pytest.raises(StaleRecord, match="must be mapped anew"):
        pulled(store, Scripted([]), LENIENT)
    second = remap(store, SYSTEM, KIND, LENIENT, run_id=in_run(store, "s"))
    assert (second.status, second.certificate.read) == (RunStatus.OK, 5 - 2 * cut)
    with store.reading() as tx:
        state = streams.get(tx, SYSTEM, KIND)
        remarks = [copy.record().remark for copy in copies.every(tx, SYSTEM, KIND)]  # type: ignore[attr-defined]
    assert (state.mapping, state.remap_to, state.remap_at) == ("v2", None, None)
    assert remarks == [f"m{at}" for at in range(5)]


def test_remapped_equals_read_anew(store: Store, sqlite_template: object) -> None:
    books = [raw("1", 100, memo="a"), raw("2", 50), raw("3", "zwölf"), raw("4", skip="x")]
    pulled(store, Scripted(books))
    pull_stream(store, Scripted([]), SYSTEM, KIND, LENIENT, run_id=in_run(store, "r"))  # type: ignore[arg-type]
    remapped = digest(store)
    with store.writing() as tx:
        for table in ("observed", "observed_body", "book_total", "stream"):
            tx.connection.exec_driver_sql(f"DELETE FROM {table}")
    pulled(store, Scripted(books), LENIENT)
    assert digest(store) == remapped
