"""A Zoho CRM emulator over a loopback socket, and a connector that talks to it."""

from __future__ import annotations

from typing import Any

from ledgerbridge.clock import Clock, SystemClock
from ledgerbridge.connectors.base import Surroundings
from ledgerbridge.connectors.zoho_crm import ZohoCrm
from ledgerbridge.sandbox.web import Running
from ledgerbridge.sandbox.zoho_crm import credentials

SYSTEM = "crm"


def connected(running: Running, *, clock: Clock | None = None, **settings: Any) -> ZohoCrm:
    """To be used in a with block; `settings` are added to those that the emulator needs."""
    access = credentials()
    given = {
        "client_id": access["client_id"],
        "client_secret": access["client_secret"],
        "refresh_token": access["refresh_token"],
        "accounts_url": running.url,
        "api_url": running.url,
        "http": {"allow_plain_http": True, "in_flight_max": 5},
    }
    checked = ZohoCrm.settings.model_validate({**given, **settings})
    return ZohoCrm(checked, Surroundings(SYSTEM, clock or SystemClock()))
