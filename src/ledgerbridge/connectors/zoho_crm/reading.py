"""Reads that every use of the connector shares: which fields there are, records by id, records by key."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from ledgerbridge import log as logging
from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors.base import Surroundings
from ledgerbridge.errors import BadReply
from ledgerbridge.model.base import Kind
from ledgerbridge.model.raw import Raw, Unreadable
from ledgerbridge.model.wirejson import loads

from . import codec, codec_pages
from .catalog import CONTACT_FIELDS, Module, api_name, fields_to_read, wanted_fields
from .settings import ZohoCrmSettings

IDS_MAX: Final = 100
"""Ids of one list call (zoho.md 3 [inferred])."""
IN_MAX: Final = 50
"""Values of one `in` of COQL (zoho.md 4 [1])."""
QUERY_MAX: Final = 200
"""Rows of one query: up to here it costs one credit (zoho.md 4 [1])."""
_log = logging.get(__name__)
Completed: TypeAlias = tuple[list[Raw], list[Unreadable]]
"""Records, and what came instead of one."""


class Reader:
    """Shared by all threads of one connector."""

    def __init__(
        self, settings: ZohoCrmSettings, surroundings: Surroundings, runner: Runner, credits_left: codec.Credits
    ) -> None:
        self.settings = settings
        self.system = surroundings.system
        self.clock = surroundings.clock
        self._runner = runner
        self._credits = credits_left
        self._lock = threading.Lock()
        self._present: dict[str, frozenset[str]] = {}

    def send(self, call: Call) -> Reply:
        """One call, unless too few credits are left."""
        self._credits.demand()
        return self._runner.send(call)

    def send_all(self, calls: Iterable[Call]) -> Iterator[Reply]:
        """Reads in order, several at once."""

        def while_credits_last() -> Iterator[Call]:
            for call in calls:
                self._credits.demand()
                yield call

        return self._runner.send_all(while_credits_last())

    def api_name(self, module: Module) -> str:
        """What the module is called in calls."""
        return api_name(module, self.settings)

    def present(self, module: str) -> frozenset[str]:
        """The fields that a module has and a list can carry; asked once."""
        with self._lock:
            found = self._present.get(module)
            if found is None:
                reply = self.send(codec.fields_call(module))
                found = codec_pages.listable_fields(reply, module, self.system)
                self._present[module] = found
            return found

    def fields(self, module: Module) -> tuple[str, ...]:
        """The fields to read of a module; says once which wanted ones the org lacks."""
        name = self.api_name(module)
        first = name not in self._present
        present = self.present(name)
        if not present:
            raise BadReply(f"the module {name} is said to have no fields", system=self.system)
        missing = [wanted for wanted in wanted_fields(module, self.settings) if wanted not in present]
        if first and missing:
            _log.info("fields missing", system=self.system, kind=str(module.kind), table=name, fields=missing)
        return fields_to_read(module, self.settings, present, self.system)

    def contact_fields(self) -> tuple[str, ...]:
        """The fields to read of Contacts."""
        present = self.present("Contacts")
        return tuple(name for name in CONTACT_FIELDS if name in present)

    def by_ids(self, module: Module, ids: Sequence[str]) -> list[Raw]:
        """The records that exist of these ids, as `pull` hands them over. What cannot be an id is no record's."""
        usable = [record_id for record_id in ids if codec_pages.usable_id(record_id)]
        if not usable:
            return []
        name, fields = self.api_name(module), self.fields(module)
        chunks = (usable[at : at + IDS_MAX] for at in range(0, len(usable), IDS_MAX))
        rows: list[msgspec.Raw] = []
        for reply in self.send_all(codec.ids_call(name, fields, chunk) for chunk in chunks):
            rows += codec_pages.listed(reply, name, self.system).rows
        found = [(row, head) for row in rows if (head := codec_pages.head(row)) is not None]
        records, bad = self.completed(module, found)
        if bad:
            raise BadReply(f"asked for {bad[0].where}", system=self.system)
        return records

    def completed(self, module: Module, rows: Sequence[tuple[msgspec.Raw, codec_pages.Head]]) -> Completed:
        """Rows of a list as records: invoices with their lines and customers with their contacts, if the settings say so."""
        if module.subform is not None and self.settings.invoice_lines:
            return self._with_lines(module, rows)
        now = self.clock.now()
        if module.kind is Kind.CUSTOMER and self.settings.contacts:
            contacts = self.contacts_of([head.id for _, head in rows])
            bodies = [codec_pages.with_contacts(row, contacts.get(head.id, ())) for row, head in rows]
        else:
            bodies = [bytes(row) for row, _ in rows]
        records = [
            codec_pages.raw_record(body, module, head, now) for body, (_, head) in zip(bodies, rows, strict=True)
        ]
        return records, []

    def _with_lines(self, module: Module, rows: Sequence[tuple[msgspec.Raw, codec_pages.Head]]) -> Completed:
        """Each record read by itself, several at once. One that was deleted since it was listed is left out: the deletions
        will say so.
        """
        now, name = self.clock.now(), self.api_name(module)
        records: list[Raw] = []
        bad: list[Unreadable] = []
        replies = self.send_all(codec.record_call(name, head.id) for _, head in rows)
        for (_, listed), reply in zip(rows, replies, strict=True):
            whole = codec_pages.one_record(reply, f"{name} {listed.id}", self.system)
            if whole is None:
                continue
            head = codec_pages.head(whole)
            if head is None or head.id != listed.id:
                bad.append(codec_pages.unreadable(whole, module, f"{name} {listed.id}, which came as another record"))
            else:
                records.append(codec_pages.raw_record(whole, module, head, now))
        return records, bad

    def contacts_of(self, accounts: Sequence[str]) -> Mapping[str, Sequence[tuple[int, bytes]]]:
        """The contacts of customers, by the customer's id."""
        rows: list[msgspec.Raw] = []
        for at in range(0, len(accounts), IN_MAX):
            chosen = ", ".join(codec.quoted(one) for one in accounts[at : at + IN_MAX])
            rows += self.query("Contacts", self.contact_fields(), f"Account_Name in ({chosen})")
        return codec_pages.by_account(rows)

    def ids_with(self, module: Module, key: str) -> tuple[str, ...]:
        """The ids of the records whose key field or natural key is exactly `key`, oldest first.

        The comparison is made again here: a CRM compares without regard to case.
        """
        name = self.api_name(module)
        present = self.present(name)
        fields = [one for one in (self.settings.key_field, *module.natural) if one in present]
        if not key.strip() or not key.isprintable() or not fields:
            return ()
        rows = self.query(name, fields, codec.any_of([f"{one} = {codec.quoted(key)}" for one in fields]))
        return tuple(record_id for record_id, record in _records(rows) if key in {record.get(one) for one in fields})

    def written_before(self, module: Module, keys: Sequence[str]) -> dict[str, str]:
        """Which of our keys stand in records already, and in which."""
        found: dict[str, str] = {}
        field = self.settings.key_field
        for at in range(0, len(keys), IN_MAX):
            chosen = ", ".join(codec.quoted(key) for key in keys[at : at + IN_MAX])
            for record_id, record in _records(self.query(self.api_name(module), (field,), f"{field} in ({chosen})")):
                key = record.get(field)
                if isinstance(key, str):
                    found.setdefault(key, record_id)
        return found

    def query(self, module: str, fields: Sequence[str], where: str) -> list[msgspec.Raw]:
        """All rows of a query, oldest id first."""
        columns = ", ".join(dict.fromkeys(("id", *fields)))
        rows: list[msgspec.Raw] = []
        while True:
            window = f"order by id limit {QUERY_MAX} offset {len(rows)}"
            text = f"select {columns} from {module} where {where} {window}"  # noqa: S608 (values are quoted, names checked)
            page = codec_pages.listed(self.send(codec.coql_call(text)), module, self.system)
            rows += page.rows
            if not page.more or not page.rows:
                return rows


def _records(rows: Iterable[msgspec.Raw]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Rows with their ids, decoded; those without a usable id are left out."""
    for row in rows:
        head = codec_pages.head(row)
        value = loads(bytes(row)) if head is not None else None
        if head is not None and isinstance(value, dict):
            yield head.id, value
