"""Build the API's calls: paths, bodies, the query language (fxiaoke.md 3 and 4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from ledgerbridge.connectors._http.call import Call
from ledgerbridge.model.wirejson import WireValue

from .codec import utf8_json
from .settings import FxiaokeSettings

LIFE_STATUSES: Final = ("ineffective", "under_review", "normal", "in_change", "invalid")
DESCRIBE: Final = "/cgi/crm/v2/object/describe"

Filter: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Field, operator, values; all filters of a query must hold."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of an object, in the order of their `_id`. `fields` () means all."""

    api_name: str
    filters: tuple[Filter, ...] = ()
    fields: tuple[str, ...] = ()

    def where(self, *filters: Filter) -> Query:
        """With further filters."""
        return replace(self, filters=(*self.filters, *filters))


def is_custom(api_name: str) -> bool:
    """Whether the tenant made the object: such objects have paths of their own (fxiaoke.md 3)."""
    return api_name.endswith("__c")


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes the calls of one tenant. `trace` is the query with the ``thirdTraceId``."""

    settings: FxiaokeSettings
    trace: Mapping[str, str]

    def query(self, query: Query, after: str, size: int) -> Call:
        """One page by the `_id` keyset: ascending, offset 0, greater than the last one (fxiaoke.md 4)."""
        filters = list(query.filters)
        if after:
            filters.append(("_id", "GT", (after,)))
        if self.settings.void_rows_hidden:
            filters.append(("life_status", "IN", LIFE_STATUSES))
        info: dict[str, WireValue] = {
            "limit": size,
            "offset": 0,
            "filters": [
                {"field_name": name, "operator": operator, "field_values": list(values)}
                for name, operator, values in filters
            ],
            "orders": [{"fieldName": "_id", "isAsc": True}],
        }
        if query.fields:
            info["fieldProjection"] = list(query.fields)
        data: dict[str, WireValue] = {
            "dataObjectApiName": query.api_name,
            "find_explicit_total_num": False,
            "search_query_info": info,
        }
        return self._data_call(query.api_name, "query", {"data": data})

    def get(self, api_name: str, row_id: str) -> Call:
        """One row, void ones included."""
        return self._data_call(api_name, "get", {"data": {"dataObjectApiName": api_name, "objectDataId": row_id}})

    def create(self, api_name: str, fields: Mapping[str, WireValue], details: Mapping[str, WireValue] | None) -> Call:
        """A new row with its detail rows. ``object_describe_api_name`` besides the documented name is harmless [1]."""
        return self._save(api_name, "create", {"object_describe_api_name": api_name, **fields}, details)

    def update(
        self,
        api_name: str,
        row_id: str,
        fields: Mapping[str, WireValue],
        details: Mapping[str, WireValue] | None,
    ) -> Call:
        """Only the supplied fields change; absent `details` leave detail rows as they are ([1], [inferred])."""
        return self._save(api_name, "update", {"_id": row_id, **fields}, details)

    def invalidate(self, api_name: str, row_id: str) -> Call:
        """作废 of one row."""
        data: dict[str, WireValue] = {"dataObjectApiName": api_name, "object_data_id": row_id}
        return self._data_call(api_name, "invalid", {"data": data}, writes=True)

    def change_owner(self, api_name: str, row_id: str, owner: WireValue) -> Call:
        """Update ignores the owner; this is how it changes (fxiaoke.md 3, ``Data`` with a capital D)."""
        move: dict[str, WireValue] = {"objectDataId": row_id, "ownerId": owner}
        data: dict[str, WireValue] = {"dataObjectApiName": api_name, "Data": [move]}
        return self._data_call(api_name, "changeOwner", {"data": data}, writes=True)

    def describe(self, api_name: str) -> Call:
        """The fields of an object. `apiName` stands at the root for legacy clients, in `data` in the manual: send both."""
        body: dict[str, WireValue] = {"apiName": api_name, "includeDetail": False, "data": {"apiName": api_name}}
        return Call("POST", DESCRIBE, self.trace, utf8_json(), json=body, interface=DESCRIBE)

    def _save(
        self, api_name: str, verb: str, row: Mapping[str, WireValue], details: Mapping[str, WireValue] | None
    ) -> Call:
        data: dict[str, WireValue] = {"object_data": {"dataObjectApiName": api_name, **row}}
        if details is not None:
            data["details"] = dict(details)
        body: dict[str, WireValue] = {
            "triggerApprovalFlow": self.settings.trigger_approval,
            "triggerWorkFlow": self.settings.trigger_workflow,
            "data": data,
        }
        return self._data_call(api_name, verb, body, writes=True)

    def _data_call(self, api_name: str, verb: str, body: Mapping[str, WireValue], *, writes: bool = False) -> Call:
        path = f"/cgi/crm/{'custom/' if is_custom(api_name) else ''}v2/data/{verb}"
        return Call("POST", path, self.trace, utf8_json(), json=body, writes=writes, interface=path)


def among(field: str, values: Iterable[str]) -> Filter:
    """The field is one of `values`."""
    return (field, "IN", tuple(values))


def equals(field: str, value: str) -> Filter:
    """The field is `value`."""
    return (field, "EQ", (value,))


def since(ms: int) -> Filter:
    """Changed at or after this moment (epoch milliseconds)."""
    return ("last_modified_time", "GTE", (str(ms),))
