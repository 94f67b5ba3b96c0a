"""The WSGI application: ``/healthz``, ``/readyz``, ``/metrics``, ``POST /hooks/SYSTEM``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from ledgerbridge import log
from ledgerbridge.errors import BadReply, LedgerbridgeError, NotAllowed
from ledgerbridge.store import Store, inbox

if TYPE_CHECKING:
    from ledgerbridge.connectors.base import Hinting

BODY_BYTES_MAX: Final = 1024 * 1024
SILENT_SECONDS_MAX: Final = 60.0
_HOOK = re.compile(r"^/hooks/([a-z][a-z0-9_]{0,31})$")
_log = log.get("ledgerbridge.web")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: HTTPStatus
    body: bytes = b""
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Web:
    """What the port answers with. `silent_s`: seconds since the process's loop last came round (None: not yet); `fault`: why
    it cannot work now; `metrics`: the text of a scrape; `hinting`: the systems whose far sides may call.
    """

    store: Store
    silent_s: Callable[[], float | None]
    fault: Callable[[], str | None]
    metrics: Callable[[], bytes]
    hinting: Mapping[str, Hinting] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """PEP 3333."""
        try:
            answer = self._answer(environ)
        except LedgerbridgeError as error:
            _log.error("request failed", path=str(environ.get("PATH_INFO", "")), error=str(error))
            answer = _told(HTTPStatus.SERVICE_UNAVAILABLE, "not now")
        length = ("Content-Length", str(len(answer.body)))
        fixed = [
            ("Content-Type", answer.type),
            length,
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response(f"{answer.status.value} {answer.status.phrase}", [*fixed, *answer.headers])
        return [answer.body]

    def _answer(self, environ: Mapping[str, Any]) -> Answer:
        method, path = str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", ""))
        hook = _HOOK.match(path)
        reads: dict[str, Callable[[], Answer]] = {
            "/healthz": self._health,
            "/readyz": self._ready,
            "/metrics": self._metrics,
        }
        if hook is not None:
            return self._hooked(hook[1], environ) if method == "POST" else _not_allowed("POST")
        if path not in reads:
            return _told(HTTPStatus.NOT_FOUND, "there is nothing here")
        return reads[path]() if method in ("GET", "HEAD") else _not_allowed("GET")

    def _health(self) -> Answer:
        """Is the process alive? A loop that has not come round for a minute is not."""
        silent = self.silent_s()
        if silent is not None and silent > SILENT_SECONDS_MAX:
            return _told(HTTPStatus.SERVICE_UNAVAILABLE, f"the loop has been silent for {silent:.0f} s")
        return _told(HTTPStatus.OK, "alive")

    def _ready(self) -> Answer:
        """Can it work now: the database answers and is of this version, and the loop is not held up."""
        fault = self.fault()
        if fault is not None:
            _log.warning("not ready", why=fault)
            return _told(HTTPStatus.SERVICE_UNAVAILABLE, "held up; the log says by what")
        try:
            self.store.check()
        except LedgerbridgeError as error:
            _log.warning("not ready", why=str(error))
            return _told(HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be used; the log says why")
        return _told(HTTPStatus.OK, "ready")

    def _metrics(self) -> Answer:
        return Answer(HTTPStatus.OK, self.metrics(), "text/plain; version=0.0.4; charset=utf-8")

    def _hooked(self, system: str, environ: Mapping[str, Any]) -> Answer:
        """Verify, keep, 202. The answer says nothing about why a call is refused; the log does."""
        hinting = self.hinting.get(system)
        if hinting is None:
            return _told(HTTPStatus.NOT_FOUND, "there is nothing here")
        body = _body(environ)
        if body is None:
            return _told(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        try:
            hint = hinting.hint(headers, body)
        except NotAllowed as error:
            _log.warning("webhook refused", system=system, why=error.message)
            return _told(HTTPStatus.FORBIDDEN, "refused")
        except BadReply as error:
            _log.warning("webhook not understood", system=system, why=error.message)
            return _told(HTTPStatus.BAD_REQUEST, "not understood")
        new = False
        if hint is not None:
            with self.store.writing() as tx:
                new = inbox.add(tx, hint, self.store.clock.now())
            _log.info("webhook taken", system=system, kind=str(hint.kind), count=len(hint.external_ids), new=int(new))
        return _told(HTTPStatus.ACCEPTED, "ok")


def _body(environ: Mapping[str, Any]) -> bytes | None:
    """The request's body; None if it is larger than a hint can be, or does not say how large it is."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return None
    if not 0 <= length <= BODY_BYTES_MAX:
        return None
    return bytes(environ["wsgi.input"].read(length))


def _told(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, json.dumps({"ok": status < HTTPStatus.BAD_REQUEST, "status": text}).encode())


def _not_allowed(method: str) -> Answer:
    answer = _told(HTTPStatus.METHOD_NOT_ALLOWED, f"only {method}")
    return Answer(answer.status, answer.body, headers=(("Allow", method),))
