from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ledgerbridge import log
from ledgerbridge.errors import NotAllowed
from ledgerbridge.model.base import Kind


class Out(io.StringIO):
    """A stream that says whether it is a terminal."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def out() -> Iterator[Out]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = Out()
    log.configure(level="DEBUG", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_an_event_is_one_json_line_with_utc_time_level_and_logger(out: Out) -> None:
    log.get("ledgerbridge.sync.pull").info("page stored", system="erp", kind=Kind.INVOICE, records=100)
    [event] = out.events
    stamp = datetime.fromisoformat(event.pop("timestamp"))
    assert abs((datetime.now(UTC) - stamp).total_seconds()) < 60
    assert list(event)[:2] == ["level", "event"]
    assert event == {
        "level": "info",
        "event": "page stored",
        "system": "erp",
        "kind": "invoice",
        "records": 100,
        "logger": "ledgerbridge.sync.pull",
    }


def test_a_terminal_gets_lines_for_people(out: Out) -> None:
    out.terminal = True
    log.configure(level="INFO", stream=out)
    log.get("a").warning("page stored", records=3, why="two words")
    assert out.getvalue()[8:].rstrip() == ' warning  page stored  records=3 why="two words"'


def test_levels_that_are_off_cost_nothing_and_say_nothing(out: Out) -> None:
    log.configure(level="WARNING", stream=out)
    logger = log.get("quiet")
    logger.info("not said")
    assert logger._structured is None
    logger.warning("said")
    assert [event["event"] for event in out.events] == ["said"]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown log level 'LOUD'; use one of debug, info"):
        log.configure(level="LOUD")


def test_configuring_again_replaces_the_handler(out: Out) -> None:
    second = Out()
    log.configure(stream=second)
    log.get("a").warning("once")
    assert out.getvalue() == ""
    assert len(second.events) == 1


def test_context_is_bound_for_a_block_and_nests(out: Out) -> None:
    logger = log.get("a")
    with log.bound(run_id="r1", system="erp"):
        with log.bound(system="crm", kind="customer"):
            logger.info("inside")
        logger.info("outside", kind="invoice")
    logger.info("after")
    facts = [{name: event[name] for name in ("run_id", "system", "kind") if name in event} for event in out.events]
    assert facts == [
        {"run_id": "r1", "system": "crm", "kind": "customer"},
        {"run_id": "r1", "system": "erp", "kind": "invoice"},
        {},
    ]


def test_other_peoples_logging_goes_the_same_way(out: Out) -> None:
    log.hide(["planted-by-stdlib"])
    with log.bound(run_id="r1"):
        logging.getLogger("somebody.else").warning("see %s", "https://h.example/p?access_token=planted-by-stdlib")
    [event] = out.events
    assert event["event"] == "see https://h.example/p?•••"
    assert event["run_id"] == "r1"
    assert event["level"] == "warning"


def test_a_third_partys_structlog_goes_the_same_way(out: Out) -> None:
    structlog.get_logger("plugin").info("hello", token="abcdef", records=1)
    assert out.events[0] == {**out.events[0], "event": "hello", "token": log.MASK, "records": 1}


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "kombu", "amqp"])
def test_loggers_that_write_urls_are_at_warning(out: Out, name: str) -> None:
    logging.getLogger(name).info("GET https://x.example/?token=1")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    "name",
    [
        *("token", "access_token", "corpAccessToken", "appSecret", "client_secret", "password", "Authorization"),
        *("cookie", "api_key", "private_key", "appkey", "sign", "signature", "permanentCode"),
    ],
)
def test_a_field_of_a_telling_name_is_masked(out: Out, name: str) -> None:
    log.get("a").info(
        "x", **{name: "value-of-it"}, why={"inner": {name: "value-of-it"}, "list": [{name: "value-of-it"}]}
    )
    assert "value-of-it" not in out.getvalue()
    assert out.events[0][name] == log.MASK


@pytest.mark.parametrize("name", ["business_key", "order_key"])
def test_keys_that_are_no_secrets_are_no_secrets(name: str) -> None:
    assert not log.is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdef.ghijkl", "Authorization: ••• •••"),
        ("sent Bearer abcdefghijkl to it", "sent Bearer ••• to it"),
        ("Zoho-oauthtoken 1000.abc.def", "Zoho-oauthtoken •••"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic •••"),
        ("basic settings", "basic settings"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-1 end", "jwt ••• end"),
        ("access_token=abc&page=2", "access_token=•••&page=2"),
        ('{"refresh_token": "abc", "page": 2}', '{"refresh_token": "•••", "page": 2}'),
        ("password: hunter2, next", "password: •••, next"),
        ("amqp://user:pw@host/vhost", "amqp://•••@host/vhost"),
        ("postgresql+psycopg://u:p%40w@db:5432/x", "postgresql+psycopg://•••@db:5432/x"),
        ("GET https://h.example/p/a?x=1&sign=abc HTTP", "GET https://h.example/p/a?••• HTTP"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- x", "••• x"),
        ("a\r\nb\tc\x00d\u2028e\u202ef", "a b c d e f"),
        ("应收账款 123 张，合计 ¥1,200.50", "应收账款 123 张，合计 ¥1,200.50"),
        ("mail accounts@vendor.example", "mail accounts@vendor.example"),
    ],
)
def test_shapes(text: str, shown: str) -> None:
    assert log.mask(text) == shown


def test_known_values_are_masked_in_every_spelling(out: Out) -> None:
    secret = 'p@ss "wörd"/+ 1'
    log.configure(level="INFO", stream=out, secrets=[secret])
    spellings = [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], f"prefix{secret}suffix"]
    log.get("a").info("x", why=spellings, error=NotAllowed(f"with {secret}", system="erp"))
    assert "ss" not in "".join(map(str, [out.events[0]["why"], out.events[0]["error"]]))


def test_a_secret_inside_a_longer_one_does_not_leave_its_tail() -> None:
    log.hide(["tailtest", "tailtest-and-its-tail"])
    assert log.mask("x tailtest-and-its-tail y") == "x ••• y"


def test_short_values_do_not_wreck_the_log() -> None:
    log.hide(["", "a", "abc"])
    assert log.mask("abacus abc") == "abacus abc"


@given(st.text(), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=30), st.text())
def test_no_known_secret_survives_anywhere(before: str, secret: str, after: str) -> None:
    known = log._hidden
    log._hidden = log._Hidden()  # what is hidden here must not mask the words of other tests
    try:
        log.hide([secret])
        shown = log.mask(before + secret + after)
    finally:
        log._hidden = known
    assert secret not in shown


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=300))
def test_a_masked_text_is_one_printable_line(text: str) -> None:
    assert not any(ord(char) < 32 or char in "\x7f\u2028\u2029\u202e" for char in log.mask(text))


def test_long_values_are_cut(out: Out) -> None:
    log.get("a").info("x" * 5000, why="y" * 100_000, rows=list(range(1000)))
    [event] = out.events
    assert len(event["event"]) < 2100
    assert event["why"].endswith("… (cut)")
    assert len(event["why"]) < 2100
    assert len(event["rows"]) == log.ITEMS_MAX


@pytest.mark.timeout(60)  # a second's work; where a pattern looks back again and again it is hours
def test_masking_ends_on_hostile_text() -> None:
    for text in ("a" * 500_000, "token" * 100_000, "eyJ" * 100_000, "x://" * 100_000, "-----BEGIN A" * 40_000):
        assert len(log.mask(text)) <= log.VALUE_MAX + len("… (cut)")


def test_fields_that_nobody_declared_lose_their_value_unless_it_is_a_number(out: Out) -> None:
    log.get("a").info("x", payload={"name": "北京"}, surprise="text", how_many=3, whether=True, nothing=None)
    [event] = out.events
    assert event["payload"] == "(dict, not logged)"
    assert event["surprise"] == "(str, not logged)"
    assert (event["how_many"], event["whether"], event["nothing"]) == (3, True, None)


def test_values_are_spelled_for_a_machine(out: Out) -> None:
    moment = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
    log.get("a").info("x", until=moment, total=Decimal("1200.50"), kind=Kind.PAYMENT, why=b"\x00\x01", age_s=1.23456789)
    [event] = out.events
    assert event["until"] == "2026-03-01T08:00:00Z"
    assert event["total"] == "1200.50"
    assert event["kind"] == "payment"
    assert event["why"] == "(2 bytes, not logged)"
    assert event["age_s"] == 1.234568


def fail_with_a_local(secret: str) -> None:
    planted_local = secret * 2
    raise ValueError(f"cannot use password={secret}" + planted_local[:0])


def test_an_exception_shows_type_message_causes_and_frames_but_no_locals(out: Out) -> None:
    try:
        try:
            fail_with_a_local("hunter22")
        except ValueError as error:
            raise NotAllowed("it did not work", system="erp", code="7") from error
    except NotAllowed:
        log.get("a").exception("push failed")
    [event] = out.events
    assert event["error_type"] == "NotAllowed"
    assert event["error"] == "erp: it did not work (code 7)"
    assert event["caused_by"] == ["ValueError: cannot use password=•••"]
    assert event["frames"][0].startswith("unit/test_log.py:")
    assert "hunter22" not in out.getvalue()
    assert "planted_local" not in out.getvalue()
    assert event["level"] == "error"


def test_a_suppressed_cause_is_not_shown(out: Out) -> None:
    try:
        try:
            fail_with_a_local("hunter22")
        except ValueError:
            raise NotAllowed("it did not work", system="erp") from None
    except NotAllowed:
        logging.getLogger("other").exception("push failed")
    assert "caused_by" not in out.events[0]
    assert out.events[0]["error_type"] == "NotAllowed"


def test_importing_the_log_does_not_import_structlog() -> None:
    code = "import sys, ledgerbridge.log; sys.exit('structlog' in sys.modules or 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_configuring_imports_no_structlog_until_something_is_logged() -> None:
    code = """
import sys, logging
from ledgerbridge import log
log.configure(json=True, level="info")
log.configure(json=True, level="info")
assert "structlog" not in sys.modules and "rich" not in sys.modules
logging.getLogger("plugin").info("by the standard library, password=planted-one")
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == [
        f"by the standard library, password={log.MASK}"
    ]


def test_a_third_partys_structlog_that_comes_late_goes_the_same_way() -> None:
    code = """
from ledgerbridge import log
log.configure(json=True, level="info")
import structlog
structlog.get_logger("plugin").info("hello", token="planted-token", records=1)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == ""
    [event] = map(json.loads, done.stderr.splitlines())
    assert event == {**event, "event": "hello", "token": log.MASK, "records": 1}


def test_every_event_of_the_code_is_in_the_catalogue() -> None:
    """Events of the HTTP runner, word for word; other rooms check their own."""
    import re
    from pathlib import Path

    root = Path(__file__).parents[2]
    source = "".join(path.read_text("utf-8") for path in (root / "src/ledgerbridge/connectors/_http").glob("*.py"))
    events = set(re.findall(r'log\.(?:debug|info|warning|error|exception)\)?\(\s*"([^"]+)"', source))
    catalogue = (root / "docs/log-events.md").read_text("utf-8")
    assert len(events) >= 6
    assert sorted(event for event in events if f"`{event}`" not in catalogue) == []
