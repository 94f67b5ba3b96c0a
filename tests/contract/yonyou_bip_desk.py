"""A YonBIP emulator over a loopback socket, a connector that talks to it, and writes that it takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from ledgerbridge.bootstrap import built_in_mapping
from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.connectors.base import Surroundings, Write
from ledgerbridge.connectors.yonyou_bip import YonyouBip
from ledgerbridge.mapping.apply import Context, Inbound, compile_inbound
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireValue
from ledgerbridge.sandbox.web import Running
from ledgerbridge.sandbox.yonyou_bip.app import credentials
from ledgerbridge.sandbox.yonyou_bip.wire import CURRENCIES

SYSTEM = "erp"
CNY_ID = CURRENCIES["CNY"][0]
_serial = itertools.count(1)


def connector(running: Running, *, clock: Clock | None = None, **settings: Any) -> YonyouBip:
    """To be used in a with block; `settings` are added to those that the emulator needs."""
    access = credentials()
    given: dict[str, Any] = {
        **access,
        "discovery_url": running.url,
        "http": {"allow_plain_http": True},
        "calls_per_minute": 6000,
        "receivable_bustype": "AR01",
        "collection_bustype": "COL01",
        "receipt_tradetype": "REC01",
        "exchange_rate_type": "01",
        "quick_type_receivable": "1",
        "quick_type_advance": "2",
        "quick_type_fee": "3",
    }
    checked = YonyouBip.settings.model_validate({**given, **settings})
    return YonyouBip(checked, Surroundings(SYSTEM, clock or SystemClock()))


@cache
def inbound(kind: Kind, wire_type: str) -> Inbound:
    """The shipped mapping of an object."""
    spec = built_in_mapping("yonyou_bip", f"{kind}.{wire_type}.yaml")
    assert spec is not None
    return compile_inbound(spec, Context(ZoneInfo("Asia/Shanghai"), "CNY", {}))


def a_create(kind: Kind, family: str, customer: str, body: Mapping[str, WireValue] | None = None) -> Write:
    """A create of a new, plain, valid record as mappings make it; another one at every call."""
    serial = next(_serial)
    if kind is Kind.CUSTOMER:
        made: dict[str, WireValue] = {"code": f"N{serial:05}", "name": {"simplifiedName": f"新客户{serial}"}}
    elif family == "efi":
        made = {
            "code": f"N{kind[:1].upper()}{serial:05}",
            "billDate": "2026-03-05 00:00:00",
            "customer": customer,
            "oriCurrencyCode": "CNY",
            "oriTaxIncludedAmount": 12,
        }
    else:
        made = {
            "code": f"N{kind[:1].upper()}{serial:05}",
            "vouchdate": "2026-03-05 00:00:00",
            "customer": customer,
            "currency_code": "CNY",
            "oriSum": 12,
        }
    change = Change(action=Action.CREATE, system=SYSTEM, kind=kind, entity=f"entity-{serial}", because="the test asks")
    return Write(change, {**made, **(body or {})})


def an_edit(record: Raw, body: Mapping[str, WireValue], *, action: Action = Action.UPDATE) -> Write:
    """A change to a record as it was read."""
    change = Change(
        action=action,
        system=SYSTEM,
        kind=record.kind,
        entity=f"entity-{next(_serial)}",
        target=Ref(system=SYSTEM, kind=record.kind, external_id=record.external_id),
        expected=Version(digest=record.digest.hex()),
        because="the test asks",
    )
    return Write(change, dict(body))
