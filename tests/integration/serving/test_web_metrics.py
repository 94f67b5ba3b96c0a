"""What a scrape shows is what the store holds."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from ledgerbridge.store import Store, fires, gates
from ledgerbridge.store.fires import FireState
from ledgerbridge.store.tx import to_us
from ledgerbridge.sync.serving import Pulse
from ledgerbridge.testing.fakes import FakeClock
from ledgerbridge.web.metrics import metrics_of


def shown(text: bytes) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_a_scrape_of_a_store_in_use(store: Store, clock: FakeClock) -> None:
    scrape = metrics_of(store, lambda: ("customers",))
    assert shown(scrape())[("ledgerbridge_conflicts",)] == 0.0
    Pulse(store, "worker", "w1").beat("")
    with store.writing() as tx:
        gate = gates.locked(tx, "zoho")
        paused = to_us(clock.now() + timedelta(minutes=10))
        gates.put(tx, gates.Gate(gate.system, breaker=gates.Breaker.OPEN, resume_us=paused, pause_why="no credits"))
        fires.claim(tx, "customers", clock.now(), "one", clock.now())
        fires.finish(tx, "customers", clock.now(), FireState.FAILED, "the CRM is away", clock.now())
    clock.advance(60)
    found = shown(scrape())
    assert found[("ledgerbridge_target_open", "zoho")] == 1.0
    assert found[("ledgerbridge_target_pause_seconds", "zoho")] == 540.0
    assert found[("ledgerbridge_process_silence_seconds", "w1", "worker")] == 60.0
    assert found[("ledgerbridge_job_failed", "customers")] == 1.0
    assert ("ledgerbridge_job_age_seconds", "customers") not in found, "it never ended well"


def test_scrapes_in_quick_succession_read_the_store_once(store: Store, clock: FakeClock) -> None:
    scrape = metrics_of(store, tuple)
    first = scrape()
    Pulse(store, "worker", "w1").beat("")
    clock.advance(4)
    assert scrape() == first
    clock.advance(2)
    assert scrape() != first
