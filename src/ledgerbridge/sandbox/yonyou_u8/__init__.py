"""The Yonyou U8 / U8+ OpenAPI, as far as `apis/yonyou.md` part A describes it: relay, archives, AR vouchers.

``app`` routes, ``gate`` checks who asks, ``lists`` pages, ``checks`` decides what may be written, ``operations`` makes
writes idempotent and asynchronous, ``loading`` turns the world's business data into U8 rows, ``switches`` names every
behaviour in which a tenant may differ.
"""

from __future__ import annotations

from .app import YonyouU8Emulator, create, credentials

__all__ = ["YonyouU8Emulator", "create", "credentials"]
