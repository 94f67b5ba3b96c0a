"""The gateway's checks in their order (yonyou.md B8.1): route, token, method, JSON, required, business."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Request, Response

from . import balances, categories, clues, documentlists, later, merchants, sales, vouchers
from .call import Call, Route
from .idempotency import once
from .ledger import Ledger
from .refusal import Refusal, bad_json, wrong_type
from .signin import GATEWAY, Tokens
from .wire import dump, parse

PREFIX = f"{GATEWAY}/yonbip/"
_JSON = {"Content-Type": "application/json;charset=UTF-8"}

ROUTES: dict[str, Route] = {
    **merchants.routes(),
    **categories.routes(),
    **sales.routes(),
    **balances.routes(),
    **vouchers.routes(),
    **documentlists.routes(),
    **clues.routes(),
}


class Window:
    """Calls of the last minute by endpoint, for the limit of switch ``rate_limit_per_minute``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def over(self, endpoint: str, now: datetime, limit: int) -> bool:
        """Count one call; whether it goes beyond `limit` (0 = no limit)."""
        if limit <= 0:
            return False
        with self._lock:
            calls = self._calls[endpoint]
            while calls and calls[0] <= now - timedelta(minutes=1):
                calls.popleft()
            if len(calls) >= limit:
                return True
            calls.append(now)
            return False


def failure(ledger: Ledger, refusal: Refusal) -> Response:
    """A refusal in the vendor's envelope."""
    body: Row = {"code": refusal.code, "message": refusal.message}
    if refusal.data is not None:
        body["data"] = refusal.data
    if ledger.switches["display_codes"]:
        body |= {"displayCode": f"YBP-{refusal.code}", "level": 0}
    return Response(refusal.status, dump(body), _JSON)


def business(ledger: Ledger, tokens: Tokens, window: Window, request: Request) -> Response:
    """Answer one call below the gateway."""
    endpoint = request.path[len(PREFIX) :]
    try:
        route = _route(request.path)
        _check_token(ledger, tokens, endpoint, request, write=route.write)
        _check_limits(ledger, window, endpoint, write=route.write)
        _check_method(request.method, route)
        body = _body(request, route)
        data = _answered(ledger, route, Call(endpoint, request.query, body))
    except Refusal as refusal:
        as_text = ledger.switches["token_errors_as_text"] and refusal.code in ("310001", "310036")
        if as_text:
            return Response(200, b"access_token is invalid or expired", {"Content-Type": "text/plain"})
        return failure(ledger, refusal)
    code: str | int = 200 if endpoint in ledger.switches["numeric_code_endpoints"] else "200"
    return Response(200, dump({"code": code, "message": "操作成功", "data": data}), _JSON)


def _route(path: str) -> Route:
    """The route check precedes the token check (B3)."""
    route = ROUTES.get(path[len(PREFIX) :]) if path.startswith(PREFIX) else None
    if route is None:
        raise Refusal("310404", "API does not exist", status=404)
    return route


def _check_method(method: str, route: Route) -> None:
    if method != route.method:
        raise Refusal("310405", f"method {method} not allowed", status=405)


def _check_token(ledger: Ledger, tokens: Tokens, endpoint: str, request: Request, *, write: bool) -> None:
    """Only the query parameter counts, never a header (B2). Both failures come with HTTP 200 (B3)."""
    token = request.query.get("access_token")
    if not token:
        raise Refusal("310001", "access_token is missing")
    if ledger.faults.take(Fault.TOKEN_EXPIRED, endpoint, is_write=write):
        tokens.revoke(token)
    if not tokens.valid(token):
        raise Refusal("310036", "access_token is invalid or expired")
    if any(name in endpoint for name in ledger.switches["not_granted"]):
        raise Refusal("310037", "the API is not granted to the application")


def _check_limits(ledger: Ledger, window: Window, endpoint: str, *, write: bool) -> None:
    switches = ledger.switches
    limited = window.over(endpoint, ledger.clock.now(), int(switches["rate_limit_per_minute"]))
    if limited or ledger.faults.take(Fault.RATE_LIMITED, endpoint, is_write=write):
        raise Refusal(switches["rate_limit_code"], "too many requests", status=int(switches["rate_limit_status"]))
    if ledger.faults.take(Fault.QUOTA_USED_UP, endpoint, is_write=write):
        raise Refusal(
            switches["quota_code"], "the quota of the application is used up", status=switches["quota_status"]
        )


def _body(request: Request, route: Route) -> Any:
    if route.method == "GET":
        return None
    try:
        body = parse(request.body)
    except ValueError as error:
        raise bad_json(str(error)) from error
    if not isinstance(body, (dict, list)):
        raise wrong_type("body", "an object or an array")
    return body


def _answered(ledger: Ledger, route: Route, call: Call) -> Any:
    """The business side, one call at a time: what a far side's database would see to."""
    with ledger.books.lock:
        for what, record_id in later.due(ledger):
            _LATER[what](ledger, record_id)
        switches = ledger.switches
        if switches["forced_code"] and switches["forced_endpoint"] in call.endpoint:
            raise Refusal(switches["forced_code"], "forced by switch")
        if ledger.faults.take(Fault.UNKNOWN_CODE, call.endpoint, is_write=route.write):
            raise Refusal("399999", "unexpected state 0x7F")
        if ledger.faults.take(Fault.ERROR_IN_200, call.endpoint, is_write=route.write):
            raise Refusal("999", "the service is busy, the document could not be processed")
        return once(ledger, call, route.handler) if route.idempotent else route.handler(ledger, call)


_LATER = {
    later.CLUE: clues.carry_out,
    later.MERCHANT_DELETION: merchants.delete_if_free,
    later.CATEGORY_DELETION: categories.delete_if_free,
}
