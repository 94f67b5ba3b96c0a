"""The Fxiaoke connector beside its served emulator, and its mappings, for the tests here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from ledgerbridge.clock import Clock
from ledgerbridge.connectors._http.settings import HttpSettings
from ledgerbridge.connectors.base import Surroundings
from ledgerbridge.connectors.fxiaoke import Fxiaoke
from ledgerbridge.connectors.fxiaoke.settings import FxiaokeSettings
from ledgerbridge.mapping.apply import Context, Filtered, Mapped, Unmapped, compile_inbound, compile_outbound
from ledgerbridge.mapping.load import load_mapping
from ledgerbridge.mapping.outbound import Outbound
from ledgerbridge.mapping.spec import MappingSpec
from ledgerbridge.model.base import Kind
from ledgerbridge.sandbox.fxiaoke.app import FxiaokeEmulator, credentials
from ledgerbridge.sandbox.web import serve

SYSTEM = "crm"
CONTEXT = Context(ZoneInfo("Asia/Shanghai"), "CNY", {})


def settings(url: str, **changes: Any) -> FxiaokeSettings:
    """Those of the sandbox's tenant; the header style unless `changes` say otherwise."""
    granted = credentials()
    legacy = changes.get("auth_style") == "legacy"
    plain: dict[str, Any] = {
        "base_url": url,
        "app_id": granted["app_id"],
        "app_secret": granted["app_secret"],
        "permanent_code": granted["permanent_code"],
        "acting_user": granted["open_user_id" if legacy else "user_id"],
        "http": HttpSettings(allow_plain_http=True, retries=4),
    }
    return FxiaokeSettings.model_validate({**plain, **changes})


@contextlib.contextmanager
def connected(emulator: FxiaokeEmulator, clock: Clock, **changes: Any) -> Iterator[Fxiaoke]:
    """The connector, entered, talking to the emulator over a socket; the emulator must not have broken meanwhile."""
    with serve(emulator) as running:
        made = Fxiaoke(settings(running.url, **changes), Surroundings(SYSTEM, clock))
        with made as connector:
            yield connector
        assert running.failures == []


@cache
def mapping(kind: Kind, wire_type: str) -> MappingSpec:
    """The shipped mapping of one wire type."""
    name = f"{kind}.{wire_type}.yaml"
    text = resources.files("ledgerbridge.connectors.fxiaoke").joinpath("mappings", name).read_text("utf-8")
    return load_mapping(text, name)


@cache
def inbound(kind: Kind, wire_type: str) -> Callable[[Any], Mapped | Unmapped | Filtered]:
    """Its reading, compiled."""
    return compile_inbound(mapping(kind, wire_type), CONTEXT)


@cache
def outbound(kind: Kind, wire_type: str) -> Outbound:
    """Its writing, compiled."""
    return compile_outbound(mapping(kind, wire_type), CONTEXT)
