"""Bulk read jobs: zoho.md 7. A job works on the records as they are when it is added; its file is a ZIP with one CSV."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.web import Response

from . import wire
from .conditions import BadPath, Condition, Joined, Test, compiled
from .fields import Module
from .org import Call, Org, Post
from .search import OPERATORS

PAGES_MAX = 500
_WORKING = ("ADDED", "QUEUED", "IN PROGRESS")
Job = dict[str, Any]


class BulkJobs:
    """The jobs of one org, in memory: nothing of a job is business data."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def add(self, call: Call) -> Response:
        """POST /read: 201 ADDED_SUCCESSFULLY."""
        org, query = call.org, call.object("query")["query"]
        if not isinstance(query, dict):
            raise wire.refused(400, "INVALID_DATA", "invalid data", {"api_name": "query"})
        if call.body().get("file_type", "csv") != "csv":
            raise wire.refused(
                400, "INVALID_DATA", "invalid data", {"api_name": "file_type", "supported_values": ["csv"]}
            )
        module, names = _module(org, query), query.get("fields")
        page = query.get("page", 1)
        if not isinstance(page, int) or not 1 <= page <= PAGES_MAX:
            raise wire.refused(400, "PAGE_RANGE_EXCEEDED", "page range exceeded", {"page": PAGES_MAX})
        columns = _columns(module, names)
        with org.books.lock:
            rows = _rows(org, module, query.get("criteria"))
            size = org.switches["bulk_rows_per_page"]
            part = rows[(page - 1) * size : page * size]
            job: Job = {
                "id": org.new_id(),
                "module": module,
                "query": {"module": {"api_name": module.api_name, "id": module.id}, "page": page, "fields": columns},
                "csv": _csv(org, module, columns, part),
                "count": len(part),
                "more": len(rows) > page * size,
                "page": page,
                "per_page": size,
                "created_by": call.user_id,
                "created_time": org.now(),
                "expires": wire.later(org.now(), org.switches["bulk_file_hours"] * 3600),
                "polls": 0,
                "callback": call.body().get("callback"),
            }
        self._jobs[job["id"]] = job
        details = {"id": job["id"], "operation": "read", "state": "ADDED", **_by(org, job)}
        message = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully."}
        return wire.reply({"data": [{**message, "details": details}], "info": {}}, 201)

    def poll(self, call: Call, job_id: str) -> Response:
        """GET /read/{id}: its state, and the result once it is COMPLETED."""
        job = self._job(job_id)
        org, wanted = call.org, int(call.org.switches["bulk_polls"])
        state = "COMPLETED" if job["polls"] >= wanted else _WORKING[min(job["polls"], len(_WORKING) - 1)]
        job["polls"] += 1
        shown = {"id": job_id, "operation": "read", "state": state, "query": job["query"], **_by(org, job)}
        shown["file_type"] = "csv"
        if state == "COMPLETED":
            shown["result"] = _result(job)
            self._call_back(org, job)
        return wire.reply({"data": [shown]})

    def result(self, call: Call, job_id: str) -> Response:
        """GET /read/{id}/result: the ZIP; 400 EXPIRED_VALUE after a day, 404 before it is there."""
        job = self._job(job_id)
        if job["polls"] <= int(call.org.switches["bulk_polls"]):
            raise _unknown(job_id)
        if call.org.now() > job["expires"]:
            raise wire.refused(400, "EXPIRED_VALUE", "the file has expired", {"id": job_id})
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(f"{job_id}.csv", (2026, 1, 1, 0, 0, 0)), job["csv"])
        headers = {"Content-Type": "application/zip", "Content-Disposition": f"attachment; filename={job_id}.zip"}
        return Response(200, packed.getvalue(), headers)

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise _unknown(job_id)
        return self._jobs[job_id]

    def _call_back(self, org: Org, job: Job) -> None:
        callback, job["callback"] = job["callback"], None
        if isinstance(callback, dict) and callback.get("url"):
            body = {"job_id": job["id"], "operation": "read", "state": "COMPLETED", "query": job["query"]}
            post = {**body, "result": _result(job)}
            org.outbox.append(Post(callback["url"], wire.dumps(post).encode(), {"Content-Type": "application/json"}))


def _by(org: Org, job: Job) -> dict[str, Any]:
    return {"created_by": org.user(job["created_by"]), "created_time": org.local(job["created_time"])}


def _result(job: Job) -> dict[str, Any]:
    return {
        "page": job["page"],
        "per_page": job["per_page"],
        "count": job["count"],
        "more_records": job["more"],
        "next_page_token": None,
        "download_url": f"/crm/bulk/v8/read/{job['id']}/result",
    }


def _unknown(job_id: str) -> wire.Refused:
    return wire.refused(404, "RESOURCE_NOT_FOUND", "the job given seems to be invalid", {"resource": job_id})


def _module(org: Org, query: dict[str, Any]) -> Module:
    given = query.get("module")
    name = given.get("api_name") if isinstance(given, dict) else given
    module = org.schema.get(name) if isinstance(name, str) else None
    if module is None:
        raise wire.refused(400, "INVALID_MODULE", "the module name given seems to be invalid", {"module": str(name)})
    if module.is_subform:
        raise wire.refused(400, "MODULE_NOT_SUPPORTED", "module not supported", {"module": module.api_name})
    return module


def _columns(module: Module, names: Any) -> list[str]:
    known = [name for name, field in module.fields.items() if field.data_type != "subform"]
    if names is None:
        return known
    for name in names if isinstance(names, list) else [names]:
        if name not in known:
            raise wire.refused(400, "FIELD_NOT_SUPPORTED", "field not supported", {"field": str(name)})
    return list(names)


def _rows(org: Org, module: Module, criteria: Any) -> list[Row]:
    test: Test = lambda _: True  # noqa: E731 (one name for both cases)
    if criteria is not None:
        try:
            test = compiled(org, module, _tree(criteria))
        except (BadPath, KeyError, TypeError, AttributeError) as error:
            raise wire.refused(400, "INVALID_DATA", "invalid data", {"api_name": "criteria"}) from error
    positions = org.books.ordering(module.table, "id")
    rows = (org.books.look(module.table, str(row_id)) for _, row_id in positions)
    return [row for row in rows if row is not None and test(row)]


def _tree(criteria: dict[str, Any]) -> Condition | Joined:
    if "group" in criteria:
        return Joined(criteria["group_operator"].lower(), tuple(_tree(part) for part in criteria["group"]))
    value = criteria["value"]
    values = tuple(value) if isinstance(value, list) else (value,)
    return Condition(criteria["field"]["api_name"], OPERATORS[criteria["comparator"]], values)


def _csv(org: Org, module: Module, columns: list[str], rows: list[Row]) -> str:
    """One line a record; lookups and people as ids, times with the reader's offset, nulls empty."""
    times = {name for name in columns if module.fields[name].data_type == "datetime"}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(org, row.get(name), is_time=name in times) for name in columns])
    return text.getvalue()


def _cell(org: Org, value: Any, *, is_time: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return org.local(value) if is_time else str(value)
