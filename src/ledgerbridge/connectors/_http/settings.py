"""How a connector may use the network; the sub-model `http` of every HTTP connector's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

from ledgerbridge.model.base import Frozen

Seconds = Annotated[float, Field(gt=0, le=600)]


class HttpSettings(Frozen):
    """Bounds of every call. There is deliberately no way to switch certificate verification off."""

    model_config = ConfigDict(strict=False)

    connect_timeout_s: Seconds = 5.0
    """To open a connection, TLS included."""
    read_timeout_s: Seconds = 30.0
    """Longest silence of the far side within one answer."""
    total_deadline_s: Seconds = 60.0
    """One call from its first byte to its last, with its retries and the waits between them. Waiting for our own call budget
    and signing in are not counted."""
    retries: Annotated[int, Field(ge=1, le=10)] = 3
    """Tries of a read in all; a write is tried once."""
    retry_wait_max_s: Seconds = 10.0
    """Longest wait between two tries that the far side did not ask for."""
    retry_after_max_s: Seconds = 30.0
    """Longest wait that the far side may ask for within one call; a longer one is cut to this."""
    body_max_bytes: Annotated[int, Field(ge=1024, le=1024**3)] = 64 * 1024 * 1024
    """Largest answer, counted after decompression."""
    in_flight_max: Annotated[int, Field(ge=1, le=64)] = 4
    """Calls at the same time, over all threads."""
    ca_file: Path | None = None
    """PEM file of certificate authorities to trust besides the public ones (an on-premise gateway's own)."""
    allow_plain_http: bool = False
    """Accept http:// and https:// on loopback addresses; for the sandbox."""
    private_network: bool = False
    """Accept https:// on private addresses (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7, loopback), for an on-premise
    gateway. Link-local and cloud metadata addresses stay refused."""
