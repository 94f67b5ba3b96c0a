"""What the port answers, asked as a WSGI server would."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from ledgerbridge.errors import BadReply, NotAllowed
from ledgerbridge.model.base import Kind
from ledgerbridge.model.hint import Hint
from ledgerbridge.store import Store, inbox
from ledgerbridge.testing.fakes import FakeClock
from ledgerbridge.web.service import BODY_BYTES_MAX, Web


class Caller:
    """Takes bodies that say who they are."""

    def hint(self, headers: Mapping[str, str], body: bytes) -> Hint | None:
        if headers.get("x-proof") != "right":
            raise NotAllowed("a wrong proof", system="crm")
        if body == b"other":
            return None
        if not body.startswith(b"id:"):
            raise BadReply("no hint", system="crm")
        return Hint(system="crm", kind=Kind.INVOICE, external_ids=(body[3:].decode(),), event_id=body.decode())


@pytest.fixture
def web(store: Store) -> Web:
    return Web(store, lambda: 0.5, lambda: None, lambda: b"ledgerbridge_up 1\n", {"crm": Caller()})


def ask(web: Web, method: str, path: str, body: bytes = b"", **environ: Any) -> tuple[int, dict[str, str], bytes]:
    seen: list[Any] = []
    told = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    answer = b"".join(web(told, lambda status, headers: seen.extend([status, dict(headers)])))
    return int(seen[0].split()[0]), seen[1], answer


def test_health_readiness_and_metrics(web: Web) -> None:
    assert ask(web, "GET", "/healthz")[0] == 200
    assert ask(web, "GET", "/readyz")[0] == 200
    status, headers, body = ask(web, "GET", "/metrics")
    assert (status, body) == (200, b"ledgerbridge_up 1\n")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert ask(web, "POST", "/metrics")[0] == 405
    assert ask(web, "GET", "/")[0] == 404


def test_a_silent_loop_is_not_alive_and_a_held_up_one_not_ready(web: Web) -> None:
    web.silent_s = lambda: 61.0
    assert ask(web, "GET", "/healthz")[0] == 503
    web.fault = lambda: "postgresql://somebody:password@host is away"
    status, _, body = ask(web, "GET", "/readyz")
    assert status == 503
    assert b"password" not in body


def test_a_hint_is_kept_and_its_replay_is_known(web: Web, store: Store, clock: FakeClock) -> None:
    for _ in range(2):
        assert ask(web, "POST", "/hooks/crm", b"id:1", HTTP_X_PROOF="right")[0] == 202
    with store.reading() as tx:
        assert inbox.waiting(tx, received_before=clock.now()) == {("crm", Kind.INVOICE)}
    with store.writing() as tx:
        assert inbox.done(tx, "crm", Kind.INVOICE, received_before=clock.now(), now=clock.now()) == 1


@pytest.mark.parametrize(
    ("path", "body", "proof", "expected"),
    [
        ("/hooks/crm", b"id:1", "wrong", 403),
        ("/hooks/crm", b"nonsense", "right", 400),
        ("/hooks/erp", b"id:1", "right", 404),
        ("/hooks/../crm", b"id:1", "right", 404),
        ("/hooks/crm", b"x" * (BODY_BYTES_MAX + 1), "right", 413),
        ("/hooks/crm", b"other", "right", 202),
    ],
)
def test_what_is_not_a_hint_leaves_nothing(
    web: Web, store: Store, clock: FakeClock, path: str, body: bytes, proof: str, expected: int
) -> None:
    status, _, answer = ask(web, "POST", path, body, HTTP_X_PROOF=proof)
    assert status == expected
    assert "proof" not in json.loads(answer)["status"]
    with store.reading() as tx:
        assert inbox.waiting(tx, received_before=clock.now()) == set()


@pytest.mark.parametrize("length", ["-1", "many", str(10**12)])
def test_a_body_of_unknown_length_is_not_read(web: Web, length: str) -> None:
    assert ask(web, "POST", "/hooks/crm", b"id:1", HTTP_X_PROOF="right", CONTENT_LENGTH=length)[0] == 413


def test_a_database_that_is_away_is_said_without_its_name(web: Web, store: Store) -> None:
    def broken() -> bytes:
        raise BadReply("secret path", system="db")

    web.metrics = broken
    status, _, body = ask(web, "GET", "/metrics")
    assert status == 503
    assert b"secret" not in body
