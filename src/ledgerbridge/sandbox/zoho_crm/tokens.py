"""Page tokens: where a walk goes on, what it is bound to, and until when (zoho.md 3). Opaque and signed, not stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from . import wire
from .stock import Position

ROWS_MAX = 100_000
_KEY = b"page tokens of the sandbox"


@dataclass(frozen=True, slots=True)
class Walk:
    """The state of a walk before a page: what it is bound to, the last row served, how many, and what is held back."""

    bound: str
    user: str
    expires: str
    page: int
    served: int
    after: Position | None
    hidden: str | None = None


def binding(path: str, query: Mapping[str, str], since: str | None) -> str:
    """A digest of everything that a token is bound to: the module and all other parameters."""
    others = sorted((name, value) for name, value in query.items() if name not in ("page_token", "page"))
    return hashlib.sha256(json.dumps([path, others, since]).encode()).hexdigest()[:32]


def seal(walk: Walk) -> str:
    """The token for a walk."""
    text = json.dumps(asdict(walk), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=") + "." + _mark(text)


def open_token(token: str, *, bound: str, user: str, now: str) -> Walk:
    """The walk behind a token; 400 for one that is made up, another user's, expired, or used with other parameters."""
    walk = _read(token)
    if walk is None or walk.user != user:
        raise wire.bad_param("page_token")
    if now > walk.expires:
        raise wire.refused(400, "EXPIRED_VALUE", "The page_token given is expired", {"param_name": "page_token"})
    if walk.bound != bound:
        message = "The page_token given seems to be invalid or input param is added or altered or deleted"
        raise wire.refused(400, "TOKEN_BOUND_DATA_MISMATCH", message, {"param_name": "page_token"})
    if walk.served >= ROWS_MAX:
        message = f"You can get only the first {ROWS_MAX} records by page_token"
        raise wire.refused(400, "PAGINATION_LIMIT_EXCEEDED", message, {"limit": ROWS_MAX})
    return walk


def _read(token: str) -> Walk | None:
    text, _, mark = token.partition(".")
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    if not hmac.compare_digest(_mark(plain).encode(), mark.encode()):
        return None
    state = json.loads(plain)
    after = state.pop("after")
    return Walk(after=None if after is None else (after[0], after[1]), **state)


def _mark(text: bytes) -> str:
    return hmac.new(_KEY, text, hashlib.sha256).hexdigest()[:32]
