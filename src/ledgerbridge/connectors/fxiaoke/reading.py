"""Read one tenant: walks, sweeps, single records, with the rows that belong to them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ledgerbridge.clock import Clock
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors.base import Page
from ledgerbridge.errors import BadReply, Refused
from ledgerbridge.model.raw import Raw, Unreadable

from . import codec
from .codec_calls import Calls, Query, among, equals
from .codec_cursor import Cursor, Leg, dump_cursor, legs_of, resumed
from .codec_records import Grouped, Head, ParentHead, Resource, head, raw_record, read_row, read_rows, unreadable
from .settings import PAGE_SIZE_MAX, LinkedObject

_NO_ID = "the row has no usable _id"
_NO_PARENT = "the row does not say which record it belongs to"


@dataclass(frozen=True, slots=True)
class _Listed:
    """One page of a query: its rows, the last id, and when the gateway answered."""

    rows: list[msgspec.Raw]
    after: str
    at: datetime


class Reader:
    """Reads one tenant; safe to share between threads."""

    def __init__(self, calls: Calls, runner: Runner, system: str, clock: Clock) -> None:
        self._calls = calls
        self._runner = runner
        self._system = system
        self._clock = clock

    # -- walking

    def walk(self, resources: list[Resource], state: Cursor, size: int) -> Iterator[Page]:
        """Everything that `state` has not read yet, then an empty last page."""
        legs = legs_of(resources, state)
        first, state = resumed(legs, state)
        for number, leg in enumerate(legs[first:]):
            after = state.after if number == 0 else ""
            for listed in self._listed(leg.query, size, after, sure=True):
                state = state.started(listed.at)
                if not listed.rows:
                    continue
                state = state.at(leg.name, listed.after)
                bad: list[Unreadable] = []
                records = self._read_leg(leg, listed.rows, bad)
                yield Page(tuple(records), dump_cursor(state), last=False, unreadable=tuple(bad))
        yield Page((), dump_cursor(state.finished(resources)), last=True)

    def _read_leg(self, leg: Leg, rows: list[msgspec.Raw], bad: list[Unreadable]) -> list[Raw]:
        if leg.linked is None:
            return self._records(leg.resource, rows, bad)
        parents = self._parents(leg.resource, leg.linked, rows, bad)
        # Those whose own stamp lies in the window are read by the leg of their own.
        older = [row for row, at in parents if at.modified_ms is None or at.modified_ms < (leg.from_ms or 0)]
        return self._records(leg.resource, older, bad)

    def _listed(self, query: Query, size: int, after: str, *, sure: bool) -> Iterator[_Listed]:
        """The pages of a query by the `_id` keyset. A short page is the last one (fxiaoke.md 4); with `sure` only if what
        follows it is empty.
        """
        was_short = False
        while True:
            reply = self._runner.send(self._calls.query(query, after, size))
            rows = read_rows(reply, query.api_name, self._system)
            if rows:
                after = self._last_id(rows, after, query.api_name)
            yield _Listed(rows, after, codec.served_at(reply, self._clock.now()))
            is_short = len(rows) < size
            if is_short and (not sure or (was_short and not rows)):
                return
            was_short = is_short

    def _last_id(self, rows: list[msgspec.Raw], after: str, api_name: str) -> str:
        """The last usable id of a page: from there the next one begins."""
        for row in reversed(rows):
            at = head(row)
            if at is not None:
                if at.row_id == after:
                    break
                return at.row_id
        raise BadReply(
            f"a page of {api_name} from which the walk cannot go on: no usable _id, or the same rows again",
            system=self._system,
        )

    def _records(self, resource: Resource, rows: Iterable[msgspec.Raw], bad: list[Unreadable]) -> list[Raw]:
        """The records of rows, with what is linked to them."""
        whole: list[tuple[msgspec.Raw, Head]] = []
        for index, row in enumerate(rows):
            at = head(row)
            if at is None:
                bad.append(unreadable(resource, resource.api_name, row, f"row {index + 1} of a page", _NO_ID))
            else:
                whole.append((row, at))
        grouped = self._grouped(resource, [at.row_id for _, at in whole], bad)
        now = self._clock.now()
        return [raw_record(resource, at, grouped.body(row, at.row_id), now) for row, at in whole]

    def _grouped(self, resource: Resource, ids: Sequence[str], bad: list[Unreadable]) -> Grouped:
        """The linked rows of up to a page of records: one query for each linked object, more where it has many rows."""
        grouped = Grouped(resource.linked)
        if not ids:
            return grouped
        queries = [Query(one.object).where(among(one.parent_field, dict.fromkeys(ids))) for one in resource.linked]
        firsts = self._runner.send_all([self._calls.query(query, "", PAGE_SIZE_MAX) for query in queries])
        for linked, query, reply in zip(resource.linked, queries, firsts, strict=True):
            rows = read_rows(reply, linked.object, self._system)
            if len(rows) == PAGE_SIZE_MAX:
                after = self._last_id(rows, "", linked.object)
                more = (listed.rows for listed in self._listed(query, PAGE_SIZE_MAX, after, sure=False))
                rows = [*rows, *itertools.chain.from_iterable(more)]
            parent_of = ParentHead(linked).of
            seen: set[str] = set()
            for row in rows:
                at, parent = head(row), parent_of(row)
                if at is None or parent is None:
                    why = _NO_ID if at is None else _NO_PARENT
                    bad.append(unreadable(resource, linked.object, row, "linked row", why))
                elif at.row_id not in seen:
                    seen.add(at.row_id)
                    grouped.add(linked.object, parent, row, at)
        return grouped

    def _parents(
        self, resource: Resource, linked: LinkedObject, rows: list[msgspec.Raw], bad: list[Unreadable]
    ) -> list[tuple[msgspec.Raw, Head]]:
        """The rows that linked rows belong to. What a page leaves out is asked for once more, then taken for deleted."""
        parent_of = ParentHead(linked).of
        wanted: dict[str, None] = {}
        for row in rows:
            parent = parent_of(row)
            if parent is not None:
                wanted[parent] = None
            elif head(row) is None:
                bad.append(unreadable(resource, linked.object, row, "linked row", _NO_ID))
        found: dict[str, tuple[msgspec.Raw, Head]] = {}
        for _ in range(2):
            left = [row_id for row_id in wanted if row_id not in found]
            if not left:
                break
            query = Query(resource.api_name).where(among("_id", left))
            reply = self._runner.send(self._calls.query(query, "", PAGE_SIZE_MAX))
            for row in read_rows(reply, resource.api_name, self._system):
                at = head(row)
                if at is not None:
                    found[at.row_id] = (row, at)
        return list(found.values())

    def sweep(self, resources: list[Resource]) -> Iterator[tuple[str, ...]]:
        """The ids of all records, page by page."""
        for resource in resources:
            query = Query(resource.api_name, fields=("_id",))
            for listed in self._listed(query, PAGE_SIZE_MAX, "", sure=True):
                heads = [head(row) for row in listed.rows]
                if heads:
                    yield tuple(resource.external_id(at.row_id) for at in heads if at is not None)

    # -- single records

    def row(self, resource: Resource, row_id: str) -> Raw | None:
        """One record by its id.

        No code tells an unknown id from other refusals (fxiaoke.md 5), so a refusal is followed by a query for the id: an answer
        without it means that there is none. A missing right says nothing of the kind and is raised.
        """
        try:
            row = read_row(
                self._runner.send(self._calls.get(resource.api_name, row_id)), resource.api_name, self._system
            )
        except (Refused, BadReply) as error:
            if error.code is None or not error.code.lstrip("-").isdigit() or int(error.code) in codec.RIGHTS:
                raise
            query = Query(resource.api_name).where(equals("_id", row_id))
            reply = self._runner.send(self._calls.query(query, "", 1))
            rows = read_rows(reply, resource.api_name, self._system)
            if not rows:
                return None
            row = rows[0]
        at = head(row)
        if at is None or at.row_id != row_id:
            raise BadReply(
                f"{resource.api_name} {row_id} was asked for, the answer is another row", system=self._system
            )
        return self._whole(resource, [row])[0]

    def _whole(self, resource: Resource, rows: list[msgspec.Raw]) -> list[Raw]:
        """Records of rows that were asked for one by one; BadReply if any of it cannot be read."""
        bad: list[Unreadable] = []
        records = self._records(resource, rows, bad)
        if bad:
            raise BadReply(f"{bad[0].where}: {bad[0].why}", system=self._system)
        return records

    def matching(self, resource: Resource, field: str, value: str) -> list[Raw]:
        """The records whose `field` is `value`."""
        query = Query(resource.api_name).where(equals(field, value))
        rows = [row for listed in self._listed(query, PAGE_SIZE_MAX, "", sure=False) for row in listed.rows]
        return self._whole(resource, rows)
