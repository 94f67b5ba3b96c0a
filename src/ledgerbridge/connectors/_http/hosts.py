"""Where calls may go (RELIABILITY.md 8): named hosts only, https only, public addresses only, checked when connecting.

The name is resolved once and the connection goes to the very addresses that were checked, so that a name server cannot answer
differently the second time. The URL keeps the name: TLS and the Host header see what they should.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpcore
import httpx

from ledgerbridge.clock import Clock
from ledgerbridge.errors import NotAllowed

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_PRIVATE = tuple(
    ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_METADATA = frozenset(ipaddress.ip_address(text) for text in ("100.100.100.200", "fd00:ec2::254"))
"""Cloud metadata services inside private ranges (Alibaba Cloud, AWS); 169.254.169.254 is link-local and refused anyway."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """A host's address is one that this connection may not reach."""


@dataclass(frozen=True, slots=True)
class HostRules:
    """Which URLs and addresses are admitted.

    `allowed` holds host names, `host:port`, or `.suffix` for all names below one. `loopback` admits plain HTTP and any
    port on loopback addresses, `private` admits private addresses.
    """

    system: str
    allowed: frozenset[str]
    loopback: bool = False
    private: bool = False

    def check(self, url: httpx.URL) -> None:
        """NotAllowed for a URL that no call of this system may go to; nothing has been sent then."""
        host = url.host
        if url.userinfo:
            raise NotAllowed("a URL must not carry a user name or password", system=self.system)
        if not host or not self._named(host, url.port):
            raise NotAllowed(
                f"{host or 'a URL without a host'} is not among the hosts of this system "
                f"({', '.join(sorted(self.allowed))}); nothing was sent",
                system=self.system,
            )
        if url.scheme == "https" or (url.scheme == "http" and self.loopback and is_loopback_name(host)):
            return
        hint = " (plain http is for loopback addresses, with http.allow_plain_http)" if url.scheme == "http" else ""
        raise NotAllowed(f"{url.scheme}://{host} is not https{hint}; nothing was sent", system=self.system)

    def _named(self, host: str, port: int | None) -> bool:
        if host in self.allowed or f"{host}:{port}" in self.allowed:
            return True
        return any(host.endswith(suffix) for suffix in self.allowed if suffix.startswith("."))

    def admits(self, host: str, address: Address) -> bool:
        """Whether a connection to `host` may go to `address`."""
        plain = _embedded(address)
        if plain in _METADATA or plain.is_link_local or plain.is_multicast or plain.is_unspecified:
            return False
        if plain.is_loopback:
            return self.loopback or self.private
        if is_loopback_name(host):
            return False
        if any(plain in net for net in _PRIVATE if net.version == plain.version):
            return self.private
        return plain.is_global and not plain.is_reserved


def is_loopback_name(host: str) -> bool:
    """Whether a host is spelled as this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


class Deadline(threading.local):
    """When the call of this thread must be over (monotonic seconds); None: never."""

    until: float | None = None


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections to checked addresses only, and lets no single wait outlast the thread's deadline."""

    def __init__(self, rules: HostRules, deadline: Deadline, clock: Clock) -> None:
        self._rules = rules
        self._deadline = deadline
        self._clock = clock
        self._tcp = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """One connection to the first checked address that answers."""
        trouble: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._checked(host, port):
            try:
                stream = self._tcp.connect_tcp(
                    str(address), port, self.left(timeout, httpcore.ConnectTimeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                return _Stream(stream, self)
        raise trouble

    def left(self, timeout: float | None, over: type[Exception]) -> float | None:
        """How long one step may still wait; raises `over` when the deadline has passed."""
        if self._deadline.until is None:
            return timeout
        left_s = self._deadline.until - self._clock.monotonic()
        if left_s <= 0:
            raise over("the deadline of the call has passed")
        return left_s if timeout is None else min(timeout, left_s)

    def _checked(self, host: str, port: int) -> list[Address]:
        addresses = _resolved(host, port)
        for address in addresses:
            if not self._rules.admits(host, address):
                raise AddressRefused(
                    f"{host} has the address {address}, which is not public; nothing was sent"
                    " (an on-premise gateway needs http.private_network)"
                )
        return addresses


def _resolved(host: str, port: int) -> list[Address]:
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise httpcore.ConnectError(f"{host} does not resolve") from error
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found))


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the deadline: httpx's own timeouts are per read (RELIABILITY.md 5)."""

    def __init__(self, inner: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left_s = self._backend.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left_s), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over a pool of guarded connections; `keep_alive` False: every request has its own."""

    def __init__(
        self, *, context: ssl.SSLContext, backend: GuardedBackend, connections_max: int, keep_alive: bool
    ) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(  # httpx offers no other way to a backend of one's own
            ssl_context=context,
            max_connections=connections_max,
            max_keepalive_connections=connections_max if keep_alive else 0,
            keepalive_expiry=5.0,
            network_backend=backend,
        )
