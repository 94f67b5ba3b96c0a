"""Addresses of servers in the settings, which may hold a password: written in the file without one, or by reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

from ledgerbridge import log
from ledgerbridge.errors import ConfigError

from .secrets import Resolver

BY_REFERENCE = 'write { env = "NAME" } or { file = "PATH" }, with the whole address there'


def _well_formed(value: str | dict[str, str]) -> str | dict[str, str]:
    if isinstance(value, dict) and set(value) not in ({"env"}, {"file"}):
        raise ValueError('write it as { env = "NAME" }, { file = "PATH" } or an address without a password')
    return value


Address = Annotated[str | dict[str, str], AfterValidator(_well_formed)]
"""An address, or a reference to where it stands."""


def password_in(value: object) -> bool:
    """Whether an address carries a password. What is no address carries none."""
    return isinstance(value, str) and bool(_parts(value).password)


def resolved(value: str | dict[str, str], key: str, resolver: Resolver, *, check: Callable[[str], str] = str) -> str:
    """The address itself, looked up if need be; it and its password are masked in logs from here on.

    ConfigError names the key for a reference that leads nowhere and for what `check` refuses with a ValueError.
    """
    address = str(resolver.resolve(value, key))
    try:
        check(address)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from None
    log.hide({*resolver.values, _parts(address).password or ""})
    return address


def _parts(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # such as a bracket that is not closed; who opens it will say so
        return urlsplit("")
