"""One request and its answer over httpx: built, sent, read within a deadline and a size."""

from __future__ import annotations

import functools
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from ledgerbridge.clock import Clock
from ledgerbridge.errors import ConfigError
from ledgerbridge.model.wirejson import dumps

from .call import Call, Signed
from .hosts import Deadline, GuardedBackend, GuardedTransport, HostRules
from .settings import HttpSettings

_HEADERS = {"User-Agent": "ledgerbridge", "Accept": "application/json", "Accept-Encoding": "gzip"}


class BodyRefused(Exception):
    """An answer that is too large or encoded in a way that was not asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Two clients: one keeps connections alive for reads, one opens a fresh connection for every write.

    Fresh, because a request on a connection that the far side is just closing fails as if it might have been
    processed (RELIABILITY.md 5). Clients are made at the first request. Cookies are never sent back, the environment's
    proxies and .netrc never used, redirects never followed.
    """

    def __init__(
        self, settings: HttpSettings, rules: HostRules, clock: Clock, transport: httpx.BaseTransport | None
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._clock = clock
        self._transport = transport
        self._deadline = Deadline()
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}
        self._context: ssl.SSLContext | None = None
        self._closed = False

    def request(self, call: Call, base_url: str, signed: Signed | None) -> httpx.Request:
        """The request to send; raises NotAllowed for a place it may not go to, TypeError for a float in its body."""
        marks = signed if signed is not None and call.signed_in else Signed()
        url = httpx.URL(call.path if "://" in call.path else f"{base_url.rstrip('/')}/{call.path.lstrip('/')}")
        self._rules.check(url)
        query = {**call.query, **marks.query}
        headers = {**_HEADERS, **call.headers, **marks.headers}
        content: bytes | None = None
        if call.form is not None:
            if call.json is not None:
                raise ValueError("a call has either a JSON body or a form, not both")
            content = urlencode(call.form).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif call.json is not None or (marks.json_root and call.method not in ("GET", "HEAD")):
            root = call.json
            if marks.json_root and (root is None or isinstance(root, Mapping)):
                root = {**(root or {}), **marks.json_root}
            content = dumps(root).encode()
            headers.setdefault("Content-Type", "application/json")
        timeout = httpx.Timeout(
            self._settings.read_timeout_s,
            connect=self._settings.connect_timeout_s,
            pool=self._settings.total_deadline_s,
        )
        return httpx.Request(
            call.method,
            url.copy_merge_params(query) if query else url,
            headers=headers,
            content=content,
            extensions={"timeout": timeout.as_dict()},
        )

    def exchange(self, request: httpx.Request, *, fresh: bool, deadline: float) -> Answer:
        """Send and read the answer to its end. Raises httpx errors, BodyRefused and AddressRefused."""
        client = self._client(fresh)
        self._deadline.until = deadline
        try:
            response = client.send(request, stream=True, follow_redirects=False, auth=None)
            try:
                body = b"".join(self._decoded(response, deadline))
            finally:
                response.close()
        finally:
            self._deadline.until = None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, b"" if response.status_code in (204, 304) else body)

    def close(self) -> None:
        """Close every connection; more than once does no harm."""
        with self._lock:
            self._closed = True
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _client(self, fresh: bool) -> httpx.Client:
        with self._lock:
            if self._closed:
                raise RuntimeError("the connection to this system is closed; use the connector inside its with block")
            client = self._clients.get(fresh)
            if client is None:
                client = httpx.Client(
                    transport=self._transport or self._guarded(fresh),
                    trust_env=False,
                    follow_redirects=False,
                )
                self._clients[fresh] = client
            return client

    def _guarded(self, fresh: bool) -> GuardedTransport:
        if self._context is None:
            self._context = _trust(self._settings.ca_file)
        return GuardedTransport(
            context=self._context,
            backend=GuardedBackend(self._rules, self._deadline, self._clock),
            connections_max=self._settings.in_flight_max,
            keep_alive=not fresh,
        )

    def _decoded(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        """The body in pieces, decompressed by no more than the largest body allowed: a bomb never unfolds."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise BodyRefused(f"an answer encoded as {encoding[:20]!r}, which was not asked for")
        unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in encoding else None
        begun = False
        left = self._settings.body_max_bytes
        stream = response.stream
        assert isinstance(stream, httpx.SyncByteStream)
        for chunk in stream:
            if self._clock.monotonic() > deadline:
                raise httpx.ReadTimeout("the deadline of the call has passed")
            begun = begun or bool(chunk)
            try:
                piece = unzip.decompress(chunk, left + 1) if unzip else chunk
            except zlib.error:
                raise BodyRefused("an answer that says it is gzip and is not") from None
            left -= len(piece)
            if left < 0:
                raise BodyRefused(f"an answer larger than {self._settings.body_max_bytes} bytes (http.body_max_bytes)")
            yield piece
        if unzip is not None and begun and not unzip.eof:
            raise httpx.RemoteProtocolError("the compressed answer is incomplete")
        if unzip is not None and unzip.unused_data:
            raise BodyRefused("an answer with something after its compressed body")


@functools.cache
def _public_trust() -> ssl.SSLContext:
    """The public certificate authorities; read once a process, which takes about 30 ms."""
    return httpx.create_ssl_context(trust_env=False)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """The public certificate authorities, and those of `ca_file`; ConfigError if that file is none."""
    if ca_file is None:
        return _public_trust()
    context = httpx.create_ssl_context(trust_env=False)
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"http.ca_file {ca_file}: not a readable PEM file of certificates ({error})") from None
    return context
