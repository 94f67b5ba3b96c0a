"""What `status` says of jobs, processes and far sides that are left alone."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from ledgerbridge.bootstrap import App
from ledgerbridge.cli.main import Session
from ledgerbridge.cli.output import Output
from ledgerbridge.cli.standing_service import has_findings, service_of, show_service
from ledgerbridge.config import workspace as workspaces
from ledgerbridge.store import fires, gates, heartbeats
from ledgerbridge.store.fires import FireState
from ledgerbridge.store.heartbeats import Heartbeat
from ledgerbridge.store.tx import to_us
from ledgerbridge.testing.fakes import FakeClock

TOML = """
[workspace]
name = "甲公司"
[serve]
pull = "*/30 * * * *"
"""


@pytest.fixture
def now(tmp_path: Path) -> Session:
    (tmp_path / "ledgerbridge.toml").write_text(TOML, "utf-8")
    return Session(App(workspaces.load(tmp_path, {}), clock=FakeClock()), Output(as_json=False, language="en"))


def told(now: Session) -> tuple[dict[str, object], str]:
    with now.app.store.reading() as tx:
        service = service_of(tx, now)
    text = io.StringIO()
    show_service(Console(file=text, width=200), now, service)
    return service, text.getvalue()


def test_a_schedule_that_nobody_serves_is_no_finding_until_it_was_served_once(now: Session) -> None:
    service, text = told(now)
    assert not has_findings(service)
    assert "*/30 * * * *" in text
    assert "never" in text


def test_a_job_that_has_not_run_since_is_a_finding(now: Session) -> None:
    clock = now.app.clock
    assert isinstance(clock, FakeClock)
    with now.app.store.writing() as tx:
        fires.claim(tx, "pull", clock.now(), "one", clock.now())
        fires.finish(tx, "pull", clock.now(), FireState.DONE, None, clock.now())
    assert not has_findings(told(now)[0])
    clock.advance(30 * 60 + 301)
    service, text = told(now)
    assert has_findings(service)
    assert "due and not run" in text


def test_a_failed_job_says_why_and_a_lost_process_is_named(now: Session) -> None:
    clock = now.app.clock
    assert isinstance(clock, FakeClock)
    with now.app.store.writing() as tx:
        fires.claim(tx, "pull", clock.now(), "one", clock.now())
        fires.finish(tx, "pull", clock.now(), FireState.FAILED, "the CRM is away", clock.now())
        heartbeats.beat(tx, Heartbeat("host-1-ab", "worker", "host", 1, clock.now(), clock.now(), "erp"))
    service, text = told(now)
    assert has_findings(service)
    assert "failed: the CRM is away" in text
    assert "worker host-1-ab: alive" in text
    clock.advance(100)
    assert "worker host-1-ab: lost" in told(now)[1]


def test_a_far_side_without_calls_says_until_when(now: Session) -> None:
    clock = now.app.clock
    assert isinstance(clock, FakeClock)
    with now.app.store.writing() as tx:
        gates.locked(tx, "zoho")
        until = clock.now() + timedelta(minutes=70)
        gates.put(tx, gates.Gate("zoho", resume_us=to_us(until), pause_why="no API credits are left"))
    service, text = told(now)
    assert not has_findings(service), "waiting for calls is nobody's fault"
    shown = until.astimezone(now.app.zone).strftime("%Y-%m-%d %H:%M:%S")
    assert f"zoho: left alone until {shown}: no API credits are left" in text
    clock.advance(71 * 60)
    assert "zoho" not in told(now)[1]
