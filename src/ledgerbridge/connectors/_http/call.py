"""A request and its reply as data, so that codecs need no sockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ledgerbridge.errors import ConnectorError
from ledgerbridge.model.wirejson import WireValue, loads


@dataclass(frozen=True, slots=True)
class Call:
    """One request to make. `path` is below the base URL, or an absolute URL on an allowed host.

    `writes` marks a request that may change something: it is sent once, on a fresh connection, and an unclear end is
    OutcomeUnknown. `interface` names the budget it draws from (`""`: the system's only one). `json` is encoded with every
    digit kept; `form` as URL-encoded form; at most one of the two. `signed_in` False: sent without our token (sign-in itself).
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: WireValue | Mapping[str, WireValue] = None
    form: Mapping[str, str] | None = None
    writes: bool = False
    interface: str = ""
    signed_in: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole. Header names are lower case. `request_id` is the vendor's if it sent one, else ours."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    elapsed_s: float

    def json(self) -> WireValue:
        """The body decoded with every digit kept; WireError (a ValueError) if it is no JSON."""
        return loads(self.body)


Judge = Callable[[Call, Reply], ConnectorError | None]
"""A codec's failure table: the error that a reply means, or None for success. It sees every reply, also HTTP 200."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a sign-in won: how to mark a call as ours, and how long that holds."""

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json_root: Mapping[str, str] = field(default_factory=dict)
    """Merged into the root of a JSON object body (Fxiaoke's legacy style)."""
    base_url: str | None = None
    """Where calls go from now on, if the sign-in said so (Zoho's api_domain, YonBIP's gateway)."""
    lifetime_s: float = 3600.0
