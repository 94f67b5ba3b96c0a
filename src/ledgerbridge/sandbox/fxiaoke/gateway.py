"""Paths, envelope and the order of checks: everything between the socket and the data (fxiaoke.md 1 to 3, 5).

HTTP is always 200; the only verdict is `errorCode`. Checks run: path, JSON, faults, credentials, person, quota and
rate, then the call itself.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.faults import Fault
from ledgerbridge.sandbox.web import Request, Response, json_response

from . import lifecycle, people, reading, writing
from .limits import Limits
from .people import Caller
from .refusal import Refused, illegal
from .schema import ObjectSpec
from .signin import EA, SignIn, Style
from .tenant import Tenant

Action = Callable[[Tenant, ObjectSpec, Mapping[str, Any], Caller], dict[str, Any]]
_DataAction = Callable[[Tenant, ObjectSpec, Mapping[str, Any], Caller], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """What a path does. `is_custom` None: preset and custom objects both."""

    action: Action
    is_custom: bool | None
    is_write: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the gateway logged it; `third_trace_id` is the caller's own, which nothing checks [inferred]."""

    path: str
    third_trace_id: str | None
    error_code: int
    trace_id: str


def _on_data(action: _DataAction) -> Action:
    def run(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        return action(tenant, spec, body["data"], caller)

    return run


def _lock(lock: bool) -> Action:
    def run(tenant: Tenant, spec: ObjectSpec, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        return lifecycle.set_lock(tenant, spec, body["data"], caller, lock=lock)

    return run


_READS: dict[str, Action] = {"query": reading.query, "get": reading.get}
_EDITS: dict[str, Action] = {"create": writing.create, "update": writing.update}
_LIFE: dict[str, Action] = {
    "invalid": _on_data(lifecycle.invalidate),
    "delete": _on_data(lifecycle.delete),
    "recover": _on_data(lifecycle.recover),
    "changeOwner": _on_data(lifecycle.change_owner),
}


def _routes() -> dict[str, Route]:
    routes: dict[str, Route] = {}
    for prefix, is_custom in (("/cgi/crm/v2/data/", False), ("/cgi/crm/custom/v2/data/", True)):
        routes |= {prefix + name: Route(action, is_custom, False) for name, action in _READS.items()}
        routes |= {prefix + name: Route(action, is_custom, True) for name, action in (_EDITS | _LIFE).items()}
    old = "/cgi/crm/custom/data/"  # older integrators still call these [2+]
    routes |= {old + name: Route(action, True, False) for name, action in _READS.items()}
    routes |= {old + name: Route(action, True, True) for name, action in _EDITS.items()}
    routes[old + "invalid"] = Route(_on_data(lifecycle.invalidate_many), True, True)
    routes["/cgi/crm/v2/data/choose"] = Route(_on_data(lifecycle.choose), False, True)
    routes["/cgi/crm/custom/v2/data/findSimple"] = Route(reading.find_simple, None, False)
    routes["/cgi/crm/custom/v2/data/findOne"] = Route(reading.find_one, None, False)
    routes["/cgi/crm/v2/object/lock"] = Route(_lock(True), None, True)
    routes["/cgi/crm/v2/object/unlock"] = Route(_lock(False), None, True)
    return routes


ROUTES = _routes()
TOKEN_PATHS: dict[str, Style] = {"/cgi/corpAccessToken/get/V2": "legacy", "/oauth2.0/token": "header"}
_DESCRIBE = "/cgi/crm/v2/object/describe"
_LIST = "/cgi/crm/v2/object/list"
_BY_MOBILE = "/cgi/user/getByMobile"
_USERS = "/cgi/user/list"
_OTHER_PATHS = frozenset({_DESCRIBE, _LIST, _BY_MOBILE, _USERS})
_READ_ONLY_OBJECTS = frozenset({"PersonnelObj", "DepartmentObj"})  # kept in the directory, not through this API


class Gateway:
    """Takes requests for one tenant. `journal` holds the last calls, newest last."""

    def __init__(self, tenant: Tenant, sign_in: SignIn, limits: Limits) -> None:
        self._tenant = tenant
        self._sign_in = sign_in
        self._limits = limits
        self._serials = itertools.count(1)
        self.journal: deque[Call] = deque(maxlen=10_000)

    def answer(self, request: Request) -> Response:
        """The answer to one request, always HTTP 200 but for the switch ``fault``."""
        actor, payload = "app", dict[str, Any]()
        with self._tenant.books.lock:
            fault = self._due_fault(request.path)
            try:
                page = _struck(fault, committed=False)
                if page is None:
                    payload, actor = self._carried_out(request, _parsed(request))
                    page = _struck(fault, committed=True)
                if page is not None:
                    return page
                head: dict[str, Any] = {"errorCode": 0, "errorMessage": "OK", "errorDescription": "success"}
            except Refused as refused:
                payload = {}
                head = {
                    "errorCode": refused.code,
                    "errorMessage": refused.text,
                    "errorDescription": refused.text,
                }
            trace_id = f"E-O.{EA}.{actor}-{next(self._serials):08x}"
            third = request.query.get("thirdTraceId")
            self.journal.append(Call(request.path, third, head["errorCode"], trace_id))
        return json_response({**head, "traceId": trace_id, **payload})

    def _carried_out(self, request: Request, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
        style = TOKEN_PATHS.get(request.path)
        tenant = self._tenant
        if style is not None and tenant.switches["authStyle"] in ("both", style):
            self._ordered_faults(request.path, is_write=False)
            self._limits.admit_token_call()
            return self._sign_in.token(style, body), "app"
        route = ROUTES.get(request.path)
        if request.method != "POST" or (route is None and request.path not in _OTHER_PATHS):
            raise Refused(10006, f"the request uri=[{request.path}] is unknown")  # [1]
        is_write = route is not None and route.is_write
        self._ordered_faults(request.path, is_write=is_write)
        is_directory = request.path in (_BY_MOBILE, _USERS)
        caller = self._sign_in.caller(request, body, needs_person=not is_directory)
        self._limits.admit(request.path)
        actor = caller.person or "app"
        if route is None:
            return self._without_object(request.path, body, caller), actor
        data = body.get("data")
        if not isinstance(data, dict):
            raise illegal("data 必填 is required and must be a map")
        spec = tenant.spec(_named(data))
        if route.is_custom is not None and route.is_custom is not spec.is_custom:
            kind = "custom" if spec.is_custom else "preset"
            raise illegal(f"{spec.api_name} is a {kind} object, {request.path} is not for it")
        if is_write and spec.api_name in _READ_ONLY_OBJECTS:
            raise illegal(f"{spec.api_name} cannot be written through this API")
        return route.action(tenant, spec, body, caller), actor

    def _without_object(self, path: str, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        books = self._tenant.books
        if path == _DESCRIBE:
            return reading.describe(self._tenant, body)
        if path == _LIST:
            return reading.object_list(self._tenant)
        if path == _BY_MOBILE:
            mobile = body.get("mobile")
            if not isinstance(mobile, str) or not mobile:
                raise illegal("mobile 必填 is required")
            return {"empList": people.by_mobile(books, mobile, uses_fsuid=caller.uses_fsuid)}
        department = body.get("departmentId")
        if isinstance(department, bool) or not isinstance(department, (str, int)):
            raise illegal("departmentId 必填 is required")
        users = people.in_department(
            books,
            str(department),
            uses_fsuid=caller.uses_fsuid,
            fetch_child=body.get("fetchChild") is True,
            show_departments=body.get("showDepartmentIdsDetail") is True,
        )
        return {"userList": users}

    def _ordered_faults(self, path: str, *, is_write: bool) -> None:
        """The faults a vendor spells with an error code; the call is not carried out."""
        faults, switches = self._tenant.faults, self._tenant.switches
        if path not in TOKEN_PATHS and faults.take(Fault.TOKEN_EXPIRED, path, is_write=is_write):
            self._sign_in.revoke()
            raise Refused(20016, "the access token is unknown or expired")
        if faults.take(Fault.RATE_LIMITED, path, is_write=is_write):
            raise Refused(int(switches["rateLimitCode"]), "the interface is called too frequently")
        if faults.take(Fault.QUOTA_USED_UP, path, is_write=is_write):
            raise Refused(30002, "the corp's API quota of the day is used up")
        if faults.take(Fault.UNKNOWN_CODE, path, is_write=is_write):
            raise Refused(int(switches["unknownCode"]), "系统繁忙，错误码未定义")
        if faults.take(Fault.ERROR_IN_200, path, is_write=is_write):
            raise Refused(int(switches["errorIn200Code"]), "参数错误 the request was understood and refused")

    def _due_fault(self, path: str) -> dict[str, Any] | None:
        """The order in the switch ``fault``, counted down, if it is for this path."""
        fault = self._tenant.switches["fault"]
        if not fault or str(fault.get("path", "")) not in path:
            return None
        left = int(fault.get("count", 1)) - 1
        self._tenant.switches["fault"] = {**fault, "count": left} if left > 0 else None
        return dict(fault)


def _struck(fault: Mapping[str, Any] | None, *, committed: bool) -> Response | None:
    """Carry out an order of the switch ``fault`` at this point of the call: a page, or Refused with its code."""
    if fault is None or bool(fault.get("after_commit")) is not committed:
        return None
    if fault["code"] == "HTTP_500":
        return Response(500, b"Internal Server Error", {"Content-Type": "text/plain"})
    if fault["code"] == "HTML_PAGE":
        return Response(200, b"<!DOCTYPE html><html><body>gateway</body></html>", {"Content-Type": "text/html"})
    raise Refused(int(fault["code"]), "系统错误 ordered by the switch fault")


def _parsed(request: Request) -> dict[str, Any]:
    """The body with decimals kept exact; Refused 10001 (of the manual's parameter class, [inferred]) if it is none."""
    try:
        body = json.loads(request.body or b"{}", parse_float=Decimal, parse_constant=_no_constant)
    except ValueError as error:
        raise Refused(10001, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused(10001, "the body must be a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _named(data: Mapping[str, Any]) -> object:
    """`dataObjectApiName`: inside `object_data` for create and update, else beside it."""
    inner = data.get("object_data")
    return inner.get("dataObjectApiName") if isinstance(inner, dict) else data.get("dataObjectApiName")
