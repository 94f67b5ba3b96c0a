from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import httpcore
import httpx
import pytest
import respx

from ledgerbridge.connectors._http.call import Call
from ledgerbridge.connectors._http.hosts import AddressRefused, Deadline, GuardedBackend, HostRules, is_loopback_name
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.errors import NotAllowed
from ledgerbridge.testing.fakes import FakeClock

HOSTS = frozenset({"api.vendor.example", "accounts.vendor.example:8443", ".cloud.example", "localhost", "127.0.0.1"})


@pytest.mark.parametrize(
    "url",
    [
        "https://api.vendor.example/x",
        "https://api.vendor.example:444/x",
        "https://accounts.vendor.example:8443/",
        "https://c2.cloud.example/gateway",
        "https://API.VENDOR.EXAMPLE/x",
    ],
)
def test_hosts_that_are_named_are_admitted(url: str) -> None:
    HostRules("crm", HOSTS).check(httpx.URL(url))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://elsewhere.example/x?access_token=abc", "elsewhere.example is not among"),
        ("https://accounts.vendor.example/", "not among"),
        ("https://cloud.example/", "not among"),
        ("https://evilcloud.example/", "not among"),
        ("https://api.vendor.example.evil.example/", "not among"),
        ("https://api.vendor.example@evil.example/", "user name"),
        ("https://user:pw@api.vendor.example/", "user name"),
        ("http://api.vendor.example/x", "is not https"),
        ("ftp://api.vendor.example/x", "is not https"),
        ("http://127.0.0.1:8080/x", "http.allow_plain_http"),
        ("/relative", "not among"),
    ],
)
def test_other_places_are_refused(url: str, words: str) -> None:
    with pytest.raises(NotAllowed, match=words) as caught:
        HostRules("crm", HOSTS).check(httpx.URL(url))
    assert "abc" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_plain_http_is_for_loopback_even_where_it_is_allowed() -> None:
    rules = HostRules("crm", HOSTS, loopback=True)
    rules.check(httpx.URL("http://127.0.0.1:8080/x"))
    rules.check(httpx.URL("http://localhost/x"))
    with pytest.raises(NotAllowed, match="is not https"):
        rules.check(httpx.URL("http://api.vendor.example/x"))


PUBLIC = ["8.8.8.8", "223.5.5.5", "2400:3200::1"]
PRIVATE = ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"]
LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]
NEVER = [
    "169.254.169.254",
    "fe80::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "192.0.2.1",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
]


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("loopback", [False, True])
def test_addresses(*, loopback: bool, private: bool) -> None:
    rules = HostRules("crm", HOSTS, loopback=loopback, private=private)

    def admitted(addresses: list[str]) -> list[str]:
        return [one for one in addresses if rules.admits("api.vendor.example", ipaddress.ip_address(one))]

    assert admitted(PUBLIC) == PUBLIC
    assert admitted(PRIVATE) == (PRIVATE if private else [])
    assert admitted(LOOPBACK) == (LOOPBACK if loopback or private else [])
    assert admitted(NEVER) == []


def test_wrapped_private_addresses_are_unwrapped() -> None:
    rules = HostRules("crm", HOSTS)
    for wrapped in ("64:ff9b::0a00:0001", "2002:0a00:0001::1", "::ffff:192.168.0.1"):
        assert not rules.admits("api.vendor.example", ipaddress.ip_address(wrapped)), wrapped


def test_localhost_that_resolves_to_the_world_is_refused() -> None:
    rules = HostRules("crm", HOSTS, loopback=True)
    assert is_loopback_name("localhost")
    assert not rules.admits("localhost", ipaddress.ip_address("8.8.8.8"))


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if not addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def backend(**options: bool) -> GuardedBackend:
    return GuardedBackend(HostRules("crm", HOSTS, **options), Deadline(), FakeClock())


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("169.254.169.254",)])
def test_a_name_with_any_private_address_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    resolving(monkeypatch, *addresses)
    with pytest.raises(AddressRefused, match="not public"):
        backend().connect_tcp("api.vendor.example", 443)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, "8.8.8.8", "8.8.4.4")
    tried: list[str] = []

    def connect(self: object, host: str, *_: object) -> httpcore.NetworkStream:
        tried.append(host)
        raise httpcore.ConnectError("nobody there")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(httpcore.ConnectError):
        backend().connect_tcp("api.vendor.example", 443)
    assert asked == ["api.vendor.example"], "resolved once"
    assert tried == ["8.8.8.8", "8.8.4.4"]


def test_a_name_that_does_not_resolve_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch)
    with pytest.raises(httpcore.ConnectError, match="does not resolve"):
        backend().connect_tcp("api.vendor.example", 443)


def test_the_runner_really_connects_through_the_guard(
    monkeypatch: pytest.MonkeyPatch, make_runner: Callable[..., Runner], clock: FakeClock
) -> None:
    resolving(monkeypatch, "10.0.0.1")
    with pytest.raises(NotAllowed, match=r"10\.0\.0\.1, which is not public.*http\.private_network"):
        make_runner().send(Call("GET", "data"))
    with pytest.raises(NotAllowed, match="nothing was sent"):
        make_runner().send(Call("POST", "data", json={}, writes=True))
    assert clock.slept == [], "not tried again"


def test_an_absolute_url_on_another_host_is_refused(far: respx.MockRouter, make_runner: Callable[..., Runner]) -> None:
    route = far.route().respond(200, json={})
    with pytest.raises(NotAllowed, match="not among"):
        make_runner().send(Call("GET", "https://next.page.example/?page=2"))
    make_runner(allowed_hosts=frozenset({"next.page.example"})).send(Call("GET", "https://next.page.example/?page=2"))
    assert route.call_count == 1
