"""A U8 emulator over a loopback socket, a connector that talks to it, and writes that it takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.connectors.base import Surroundings, Write
from ledgerbridge.connectors.yonyou_u8 import YonyouU8
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw
from ledgerbridge.model.wirejson import WireValue
from ledgerbridge.sandbox.web import Running
from ledgerbridge.sandbox.yonyou_u8 import credentials

SYSTEM = "erp"
_serial = itertools.count(1)


def connector(running: Running, *, clock: Clock | None = None, **settings: Any) -> YonyouU8:
    """To be used in a with block; `settings` are added to those that the emulator needs."""
    access = credentials()
    given = {name: access[name] for name in ("from_account", "to_account", "app_key", "app_secret")}
    given |= {"ds_sequence": 1, "base_url": running.url, "http": {"allow_plain_http": True, "in_flight_max": 2}}
    checked = YonyouU8.settings.model_validate({**given, **settings})
    return YonyouU8(checked, Surroundings(SYSTEM, clock or SystemClock()))


def a_create(kind: Kind, customer: str, body: Mapping[str, WireValue] | None = None) -> Write:
    """A create of a new, plain, valid record; another one at every call."""
    serial = next(_serial)
    bodies: dict[Kind, dict[str, WireValue]] = {
        Kind.CUSTOMER: {"code": f"N{serial:05}", "name": f"新客户{serial}", "sort_code": "00"},
        Kind.INVOICE: {
            "code": f"NYS{serial:05}",
            "date": "2026-03-05",
            "cust_vendor_code": customer,
            "bdebitcredit": "1",
            "amount": 12,
            "entry": [{"currency_name": "人民币"}],
        },
        Kind.PAYMENT: {
            "vouchcode": f"NSK{serial:05}",
            "vouchdate": "2026-03-05",
            "vouchtype": "48",
            "customercode": customer,
            "originalamount": 12,
            "currency_name": "人民币",
        },
    }
    entity = f"entity-{serial}"
    change = Change(action=Action.CREATE, system=SYSTEM, kind=kind, entity=entity, because="the kit asks")
    return Write(change, {**bodies[kind], **(body or {})})


def an_edit(record: Raw, body: Mapping[str, WireValue]) -> Write:
    """A change to a customer as it was read."""
    change = Change(
        action=Action.UPDATE,
        system=SYSTEM,
        kind=Kind.CUSTOMER,
        entity="entity",
        target=Ref(system=SYSTEM, kind=Kind.CUSTOMER, external_id=record.external_id),
        expected=Version(digest=record.digest.hex(), order=record.order),
        because="the kit asks",
    )
    return Write(change, body)
