"""What a handler receives and how it is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .ledger import Ledger


@dataclass(frozen=True, slots=True)
class Call:
    """One business call that passed the gateway. `body` is None for GET."""

    endpoint: str
    query: Mapping[str, str]
    body: Any


Handler = Callable[[Ledger, Call], Any]
"""Returns the `data` of the answer; raises Refusal. Runs under the books' lock."""


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: how it is called and what answers it. `idempotent` ones honour ``resubmitCheckKey`` (B4)."""

    method: str
    handler: Handler
    write: bool = False
    idempotent: bool = False
