"""Carries out a walk: makes the calls that :mod:`.walking` asks for and hands over pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.connectors.base import Page
from ledgerbridge.errors import Refused
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable

from . import codec, codec_pages, walking
from .catalog import MODIFIED, Module
from .codec_pages import Head, Listed
from .reading import Reader
from .settings import ZohoCrmSettings
from .walking import Walk


class Pull:
    """One pull of one module."""

    def __init__(self, settings: ZohoCrmSettings, reader: Reader, module: Module) -> None:
        self._reader = reader
        self._module = module
        self._name = reader.api_name(module)
        self._contacts = settings.contacts and module.kind is Kind.CUSTOMER
        self._edge: dict[str, bytes] = {}
        self._restarts = 0

    def pages(self, cursor: str | None, size: int) -> Iterator[Page]:
        """From the cursor to the end of the walk; the last page is the last of the deletions, often an empty one."""
        walk = walking.load(cursor)
        while walk.phase == walking.LIST:
            page, walk = self._changed(walk, size)
            yield page
        while walk.phase == walking.CONTACTS:
            page, walk = self._with_changed_contacts(walk, size)
            yield page
        while walk.phase == walking.DELETED:
            page, walk = self._deleted(walk, size)
            yield page

    def _changed(self, walk: Walk, size: int) -> tuple[Page, Walk]:
        page, walk = self._page(walk, self._name, self._reader.fields(self._module), size)
        heads = [codec_pages.head(row) for row in page.rows]
        bad = tuple(
            codec_pages.unreadable(row, self._module, f"{self._name}, row {number} of a page")
            for number, (row, head) in enumerate(zip(page.rows, heads, strict=True), start=1)
            if head is None
        )
        readable = [(row, head) for row, head in zip(page.rows, heads, strict=True) if head is not None]
        fresh = self._beyond_the_edge(readable)
        records, others = self._reader.completed(self._module, fresh)
        after = walking.after_page(walk, page, (head.modified_at for _, head in readable), self._reader.system)
        if not page.more:
            after = walking.after_list(after, contacts=self._contacts)
        self._note_progress(walk, after)
        return _paged(tuple(records), after, (*bad, *others)), after

    def _beyond_the_edge(self, rows: Sequence[tuple[msgspec.Raw, Head]]) -> list[tuple[msgspec.Raw, Head]]:
        """Rows that the page before did not have in just this form; it shares its last second with this one."""
        fresh = [(row, head) for row, head in rows if self._edge.get(head.id) != bytes(row)]
        last = max((head.modified_at for _, head in rows if head.modified_at is not None), default=None)
        self._edge = {head.id: bytes(row) for row, head in rows if head.modified_at == last}
        return fresh

    def _page(self, walk: Walk, name: str, fields: Sequence[str], size: int) -> tuple[Listed, Walk]:
        """The next page of a stretch. A page token that is refused costs the stretch from its beginning (zoho.md 3)."""
        while True:
            call = codec.list_call(name, fields, size=size, since=walk.since, token=walk.token)
            try:
                reply = self._reader.send(call)
            except Refused as error:
                if walk.token is None or error.code not in walking.TOKEN_FAULTS:
                    raise
                self._restarts += 1
                if self._restarts > walking.RESTARTS_MAX:
                    raise
                walk = walking.from_the_beginning(walk)
                self._edge = {}
                continue
            if self._contacts and walk.begun is None:
                walk = replace(walk, begun=walking.header(self._answered_at(reply)))
            return codec_pages.listed(reply, name, self._reader.system), walk

    def _answered_at(self, reply: Reply) -> datetime:
        """The far side's time of a reply; ours if it does not say."""
        try:
            return parsedate_to_datetime(reply.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return self._reader.clock.now()

    def _note_progress(self, before: Walk, after: Walk) -> None:
        if after.phase != before.phase or after.since != before.since:
            self._restarts = 0

    def _with_changed_contacts(self, walk: Walk, size: int) -> tuple[Page, Walk]:
        """Customers whose contacts changed: a contact's change does not touch its customer's stamp."""
        page, walk = self._page(walk, "Contacts", (MODIFIED, "Account_Name"), size)
        records = tuple(self._reader.by_ids(self._module, codec_pages.touched(page.rows)))
        heads = (codec_pages.head(row) for row in page.rows)
        stamps = [head.modified_at for head in heads if head is not None]
        after = walking.after_page(walk, page, stamps, self._reader.system)
        if not page.more:
            after = replace(after, phase=walking.DELETED)
        self._note_progress(walk, after)
        return _paged(records, after, ()), after

    def _deleted(self, walk: Walk, size: int) -> tuple[Page, Walk]:
        call = codec.deleted_call(self._name, size=size, page=walk.page, since=walk.gone_since)
        page = codec_pages.listed(self._reader.send(call), f"deleted {self._name}", self._reader.system)
        now = self._reader.clock.now()
        found = [(row, codec_pages.deletion(row, self._module, now)) for row in page.rows]
        bad = tuple(
            codec_pages.unreadable(row, self._module, f"deleted {self._name}, row {number} of page {walk.page}")
            for number, (row, raw) in enumerate(found, start=1)
            if raw is None
        )
        records = tuple(raw for _, raw in found if raw is not None)
        after = walking.after_deletions(walk, page, (raw.modified_at for raw in records))
        return _paged(records, after, bad), after


def _paged(records: tuple[Raw, ...], after: Walk, bad: tuple[Unreadable, ...]) -> Page:
    return Page(records, after.dump(), last=after.phase == walking.DONE, unreadable=bad)
