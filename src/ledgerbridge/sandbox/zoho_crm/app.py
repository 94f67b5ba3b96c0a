"""The emulator of one Zoho CRM org: which request goes where, and what tests may do behind the vendor's back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from ledgerbridge.sandbox.books import Books
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import Fault, FaultPlan
from ledgerbridge.sandbox.web import Request, Response
from ledgerbridge.sandbox.world.facts import Holding

from . import loading, metadata, recycle, seeding, watch, wire, writes
from .bulk import BulkJobs
from .coql import coql
from .fields import Module
from .limits import BULK_READ_COST, HEADER, Limits, cost_of, too_many
from .lists import count_records, list_records, read_record
from .oauth import PATHS as OAUTH_PATHS
from .oauth import Accounts, allows, credentials
from .org import PERSON, Call, Event, Post, found_org
from .search import criteria_test, search
from .switches import defaults

API = "/crm/v8/"
BULK = "/crm/bulk/v8/"
_TABLES = {"customer": "Accounts", "invoice": "Invoices", "payment": "Payments"}
_UNKNOWN_CODE = "ORG_SHARD_MOVING"

Handler = Callable[[Call], Response]


class ZohoCrmEmulator:
    """One org. Beyond :class:`ledgerbridge.sandbox.web.Emulator`: :meth:`load`, :meth:`take_posts`, the recycle bin."""

    def __init__(self, clock: SandboxClock, chosen: dict[str, Any]) -> None:
        self.name = "zoho_crm"
        self.org = found_org(chosen, clock)
        self.books: Books = self.org.books
        self.faults: FaultPlan = self.org.faults
        self.clock = clock
        self.switches = chosen
        self.accounts = Accounts(self.org)
        self.limits = Limits(self.org)
        self._bulk = BulkJobs()

    def handle(self, request: Request) -> Response:
        """Answer as Zoho would: sign-in, limits, then the call itself."""
        if request.base_url:
            self.org.base_url = request.base_url
        if request.path in OAUTH_PATHS:
            return self.accounts.handle(request)
        try:
            return self._authorised(request)
        except wire.Refused as refusal:
            return refusal.response

    def _authorised(self, request: Request) -> Response:
        heavy_path = request.path.startswith(BULK)
        prefix = BULK if heavy_path else API
        if not request.path.startswith(prefix):
            raise _no_such_url()
        user_id, scopes = self.accounts.check(request, is_write=self.is_write(request))
        parts = tuple(unquote(part) for part in request.path[len(prefix) :].split("/") if part)
        call = Call(self.org, request, user_id, parts)
        handler, needed = self._bulk_route(call) if heavy_path else self._route(call)
        for scope in needed:
            if not allows(scopes, scope):
                raise wire.refused(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")
        with self.limits.running(heavy=heavy_path or parts == ("coql",)):
            self._strike(call)
            self.limits.spend(self._cost(call, heavy=heavy_path))
            if self.switches["processing_s"]:
                time.sleep(self.switches["processing_s"])
            response = handler(call)
            if call.events:
                watch.announce(self.org, call.events)
        return Response(response.status, response.body, {**response.headers, **self.limits.headers()})

    def _strike(self, call: Call) -> None:
        """The vendor's faults that stop a whole request."""
        is_write = self.is_write(call.request)
        if call.happens(Fault.RATE_LIMITED, is_write=is_write):
            raise too_many(self.org)
        if call.happens(Fault.QUOTA_USED_UP, is_write=is_write):
            raise too_many(self.org, {HEADER: "0"})
        if call.happens(Fault.UNKNOWN_CODE, is_write=is_write):
            raise wire.refused(400, _UNKNOWN_CODE, "the organisation is being moved")
        if call.happens(Fault.ERROR_IN_200, is_write=is_write):
            body = call.body() if is_write and call.request.body else None
            items = body.get("data") if isinstance(body, dict) else None
            if isinstance(items, list):
                refusal = wire.problem("NOT_APPROVED", "record is waiting for approval")
                raise wire.Refused(wire.reply({"data": [refusal for _ in items]}))
            raise wire.refused(200, "INTERNAL_ERROR", "Internal Server Error")

    def _cost(self, call: Call, *, heavy: bool) -> int:
        request = call.request
        if heavy:
            return BULK_READ_COST if request.method == "POST" else 1
        body = call.body() if request.method in ("POST", "PUT", "PATCH") and request.body else None
        return cost_of(request.method, call.parts, request.query, body)

    def _bulk_route(self, call: Call) -> tuple[Handler, tuple[str, ...]]:
        parts, method, jobs = call.parts, call.request.method, self._bulk
        if parts == ("read",):
            return _by_method(method, {"POST": jobs.add}), ("ZohoCRM.bulk.CREATE",)
        if len(parts) == 2 and parts[0] == "read":
            return _by_method(method, {"GET": lambda call: jobs.poll(call, parts[1])}), ("ZohoCRM.bulk.READ",)
        if len(parts) == 3 and parts[0] == "read" and parts[2] == "result":
            return _by_method(method, {"GET": lambda call: jobs.result(call, parts[1])}), ("ZohoCRM.bulk.READ",)
        raise _no_such_url()

    def _route(self, call: Call) -> tuple[Handler, tuple[str, ...]]:
        """The handler of a call and the scopes that it needs (zoho.md 2)."""
        parts, method = call.parts, call.request.method
        match parts:
            case ("coql",):
                own = ("ZohoCRM.coql.READ",) if self.switches["coql_own_scope"] else ()
                return _by_method(method, {"POST": coql}), own
            case ("org",):
                return _by_method(method, {"GET": metadata.org_reply}), ("ZohoCRM.org.READ",)
            case ("org", "currencies") | ("org", "currencies", _):
                needed = ("ZohoCRM.settings.currencies.READ",)
                return _by_method(method, {"GET": metadata.currencies_reply}), needed
            case ("users",) | ("users", _):
                return _by_method(method, {"GET": metadata.users_reply}), ("ZohoCRM.users.READ",)
            case ("actions", "watch"):
                verbs = {"POST": watch.enable, "PUT": watch.replace, "PATCH": watch.change, "GET": watch.listing}
                operation = {"GET": "READ", "POST": "CREATE", "DELETE": "DELETE"}.get(method, "UPDATE")
                handler = _by_method(method, {**verbs, "DELETE": watch.disable})
                return handler, (f"ZohoCRM.notifications.{operation}",)
            case ("settings", topic, *_) if topic in _SETTINGS:
                return _by_method(method, {"GET": _SETTINGS[topic]}), (f"ZohoCRM.settings.{topic}.READ",)
        if not parts or parts[0] in ("settings", "actions") or len(parts) > 3:
            raise _no_such_url()
        return self._module_route(call, metadata.module_named(self.org, parts[0]))

    def _module_route(self, call: Call, module: Module) -> tuple[Handler, tuple[str, ...]]:
        if module.is_subform:
            raise wire.refused(400, "NOT_SUPPORTED", "module is not supported", {"resource_path_index": 0})
        verbs, needed = _module_verbs(call.parts[1:], module)
        method = call.request.method
        handler = _by_method(method, verbs)
        for operation in needed.get(method, ()):
            self._permit(module, operation)
        scopes = tuple(f"ZohoCRM.modules.{module.scope}.{operation}" for operation in needed[method])
        return handler, (*scopes, "ZohoSearch.securesearch.READ") if call.parts[1:] == ("search",) else scopes

    def _permit(self, module: Module, operation: str) -> None:
        if f"{module.api_name}.{operation}" in self.switches["no_permission"]:
            verb = {"READ": "View", "CREATE": "Create", "UPDATE": "Edit", "DELETE": "Delete"}[operation]
            details = {"permissions": [f"Crm_Implied_{verb}_{module.api_name}"]}
            raise wire.refused(403, "NO_PERMISSION", "permission denied", details)

    def is_write(self, request: Request) -> bool:
        """Whether a request would change the books: everything under the API that is no GET, COQL apart."""
        changing = request.method in ("POST", "PUT", "PATCH", "DELETE")
        return changing and request.path.startswith(API) and request.path != f"{API}coql"

    def load(self, holding: Holding) -> None:
        """Put what the world's CRM holds on record, as the package's docstring says."""
        loading.load(self.org, holding)

    def seed(self, kind: str, count: int) -> list[str]:
        """Put `count` plain valid records of a kind on record, stamped now; returns their ids."""
        return seeding.seed(self.org, _table(kind), count)

    def count(self, kind: str) -> int:
        """How many records of a kind are on record, reversed and cancelled ones included, deleted ones not."""
        return self.books.count(_table(kind))

    def touch(self, kind: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """A person edits a record: the checks of an update, a new stamp, a notification. ValueError if refused."""
        table = _table(kind)
        module = self.org.module_of(table)
        body = wire.dumps({"data": [exact(dict(changes))]}).encode()
        request = Request("PUT", f"{API}{module.api_name}/{record_id}", {}, {}, body)
        call = Call(self.org, request, PERSON, (module.api_name, record_id))
        result = wire.loads(writes.update(call, module, record_id).body)["data"][0]
        if result["status"] != "success":
            raise ValueError(
                f"zoho_crm {module.api_name} {record_id}: {result['code']} {wire.dumps(result['details'])}"
            )
        watch.announce(self.org, call.events)

    def discard(self, kind: str, record_id: str) -> None:
        """A person deletes a record: it goes to the recycle bin. KeyError if there is none."""
        module = self.org.module_of(_table(kind))
        recycle.bin_record(self.org, module, record_id, PERSON)
        watch.announce(self.org, [Event(module, "delete", record_id, {})])

    def bring_back(self, record_id: str) -> None:
        """A person restores a record from the recycle bin. KeyError if it is not there."""
        recycle.restore_record(self.org, record_id)

    def purge(self, record_id: str) -> None:
        """A person deletes a record of the recycle bin for good. KeyError if it is not there."""
        recycle.purge_record(self.org, record_id)

    def grant_code(self, *, scopes: str | None = None, offline: bool = True) -> str:
        """A user consents: a grant code, good for one exchange."""
        return self.accounts.grant_code(scopes=scopes, offline=offline)

    def take_posts(self) -> list[Post]:
        """The posts (notifications, bulk callbacks) that Zoho would have sent since the last call, oldest first."""
        posts = []
        while self.org.outbox:
            posts.append(self.org.outbox.popleft())
        return posts


_SETTINGS: dict[str, Handler] = {
    "modules": metadata.modules_reply,
    "fields": metadata.fields_reply,
    "related_lists": metadata.related_lists_reply,
    "custom_views": metadata.views_reply,
}


def _module_verbs(rest: tuple[str, ...], module: Module) -> tuple[dict[str, Handler], dict[str, tuple[str, ...]]]:
    """Handlers by method for a path below a module, and the operations that each needs."""
    crud: dict[str, tuple[str, ...]] = {
        "GET": ("READ",),
        "POST": ("CREATE",),
        "PUT": ("UPDATE",),
        "DELETE": ("DELETE",),
    }
    if not rest:
        return {
            "GET": lambda call: list_records(call, module),
            "POST": lambda call: writes.insert(call, module),
            "PUT": lambda call: writes.update(call, module, None),
            "DELETE": lambda call: recycle.delete(call, module, None),
        }, crud
    if rest == ("upsert",):
        return {"POST": lambda call: writes.upsert(call, module)}, {"POST": ("CREATE", "UPDATE")}
    if rest == ("search",):
        return {"GET": lambda call: search(call, module)}, crud
    if rest == ("deleted",):
        return {"GET": lambda call: recycle.deleted_list(call, module)}, crud
    if rest == ("actions", "count"):
        return {"GET": lambda call: count_records(call, module, criteria_test(call, module))}, crud
    if len(rest) == 1:
        return {
            "GET": lambda call: read_record(call, module, rest[0]),
            "PUT": lambda call: writes.update(call, module, rest[0]),
            "DELETE": lambda call: recycle.delete(call, module, rest[0]),
        }, crud
    raise _no_such_url()


def _by_method(method: str, handlers: Mapping[str, Handler]) -> Handler:
    if method not in handlers:
        message = "The http request method type is not a valid one"
        raise wire.refused(400, "INVALID_REQUEST_METHOD", message)
    return handlers[method]


def _no_such_url() -> wire.Refused:
    return wire.refused(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")


def _table(kind: str) -> str:
    if kind not in _TABLES:
        raise ValueError(f"zoho_crm: no kind {kind!r}; there are {', '.join(_TABLES)}")
    return _TABLES[kind]


def exact(value: Any) -> Any:
    """`value` with floats (from the side door's JSON) as the decimals that they were written as."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return [exact(item) for item in value] if isinstance(value, list | tuple) else value


def create(*, clock: SandboxClock | None = None, switches: Mapping[str, Any] | None = None) -> ZohoCrmEmulator:
    """A new org without records; ValueError for a name that is no switch (see :mod:`.switches`)."""
    return ZohoCrmEmulator(clock or SandboxClock(), defaults(switches))


__all__ = ["ZohoCrmEmulator", "create", "credentials"]
