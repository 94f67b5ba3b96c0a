"""One tenant's data and what every call needs of it: objects, ids, stamps, and how a row is put on record."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.clock import SandboxClock
from ledgerbridge.sandbox.faults import Fault, FaultPlan

from .catalog import Catalog, catalog
from .people import PEOPLE, Caller
from .refusal import Refused, illegal, unknown_record
from .schema import ObjectSpec
from .shelves import Shelf, Shelves, WatchedBooks

TENANT_ID = "712345"
DAY_MS = 86_400_000
_LOCAL_MS = 8 * 3_600_000


def millis(at: datetime) -> int:
    """An aware instant as whole milliseconds since 1970."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def local_midnight(ms: int) -> int:
    """The local midnight (GMT+8) at or before an instant: how `date` fields are kept (fxiaoke.md 6)."""
    return (ms + _LOCAL_MS) // DAY_MS * DAY_MS - _LOCAL_MS


def next_version(version: str) -> str:
    """The counter after `version`."""
    return str(int(version) + 1)


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the modules of this emulator share. Everything that touches rows runs under ``books.lock``."""

    books: WatchedBooks
    shelves: Shelves
    faults: FaultPlan
    clock: SandboxClock
    switches: dict[str, Any]

    @property
    def catalog(self) -> Catalog:
        """The objects as the switches have them now."""
        return catalog(self.switches)

    def spec(self, api_name: object) -> ObjectSpec:
        """One object; Refused 32000 for a name that is none."""
        found = self.catalog.get(api_name) if isinstance(api_name, str) else None
        if found is None:
            raise illegal(f"对象不存在 dataObjectApiName {api_name!r} is no object of this tenant")
        return found

    def shelf(self, api_name: str) -> Shelf:
        """The sorted ids and indexes of one object's rows."""
        return self.shelves.of(api_name)

    def now_ms(self) -> int:
        """The sandbox's time in milliseconds."""
        return millis(self.clock.now())

    def must_get(self, spec: ObjectSpec, row_id: object, caller: Caller) -> Row:
        """A copy of one row; Refused 32000 for an unknown or deleted id, 20014 without the right to the row."""
        row = self.books.get(spec.api_name, row_id) if isinstance(row_id, str) else None
        if row is None:
            raise unknown_record(spec.api_name, str(row_id))
        if not self.may_see(spec, row, caller):
            raise Refused(20014, f"无此操作的数据权限 {spec.api_name} {row_id}")
        return row

    def may_see(self, spec: ObjectSpec, row: Row, caller: Caller) -> bool:
        """The acting person decides which rows exist for a call; administrators see all but PersonnelObj [2+]."""
        if spec.api_name == PEOPLE and self.switches["personnelVisible"] != "all":
            own = self.books.row(PEOPLE, caller.person) or {}
            return bool(set(own.get("main_department", ())) & set(row.get("main_department", ())))
        return caller.is_admin or not row.get("owner") or caller.person in row["owner"]

    def new_id(self, spec: ObjectSpec, created_ms: int, *, is_old: bool = False) -> str:
        """A fresh `_id`: 24 hex digits, or 32 on some old preset rows (fxiaoke.md 4 [1]); switch ``idStyle``."""
        serial = self.books.next_serial("$id")
        style = str(self.switches["idStyle"])
        if style == "32" or (style == "mixed" and is_old and not spec.is_custom and serial % 3 == 0):
            return hashlib.blake2b(f"{spec.api_name} {serial}".encode(), digest_size=16).hexdigest()
        return f"{created_ms // 1000 & 0xFFFFFFFF:08x}784bf000{serial & 0xFFFFFFFF:08x}"

    def fresh_row(self, spec: ObjectSpec, fields: Row, *, owner: str, at_ms: int, is_old: bool = False) -> Row:
        """A complete new row with its system fields (fxiaoke.md 6); `fields` win over the defaults."""
        department = (self.books.row(PEOPLE, owner) or {}).get("main_department", ["999999"])
        row: Row = {
            "_id": self.new_id(spec, at_ms, is_old=is_old),
            "object_describe_api_name": spec.api_name,
            "record_type": "default__c",
            "tenant_id": TENANT_ID,
            "package": "CRM",
            "owner": [owner],
            "data_own_department": list(department),
            "created_by": [owner],
            "create_time": at_ms,
            "last_modified_by": [owner],
            "last_modified_time": at_ms,
            "life_status": "normal",
            "lock_status": "0",
            "lock_rule": "default_lock_rule",
            "is_deleted": False,
            "version": "1",
            **{name: value for name, value in fields.items() if value is not None},
        }
        naming = spec.fields["name"]
        if naming.type == "auto_number" or not (row.get("name") or naming.required):
            row["name"] = self._number(spec, at_ms)
        if "mc_currency" in spec.fields:
            row.setdefault("mc_currency", "CNY")
            row.setdefault("mc_exchange_rate", "1.000000")
            row.setdefault("mc_exchange_rate_version", str(local_midnight(at_ms)))
            row["mc_functional_currency"] = "CNY"
        return row

    def save(self, spec: ObjectSpec, row: Row, caller: Caller) -> None:
        """Put a new or changed row on record; queries may see it later than its stamp (lag, fault late_stamp)."""
        lag_ms = int(self.switches["lastModifiedLagMs"])
        if self.faults.take(Fault.LATE_STAMP, caller.path, is_write=True):
            lag_ms = max(lag_ms, int(self.switches["lateStampMs"]))
        known = self.books.row(spec.api_name, row["_id"])
        before = None if known is None else self.seen_by_queries(known, self.now_ms())
        row.pop("$visible_at", None)
        row.pop("$before", None)
        if lag_ms > 0:
            row["$visible_at"] = self.now_ms() + lag_ms
            row["$before"] = None if before is None else {k: v for k, v in before.items() if k != "$before"}
        self.books.put(spec.api_name, row["_id"], row)

    def seen_by_queries(self, row: Row, now_ms: int) -> Row | None:
        """The row as queries see it now: itself, its image before a change not yet visible, or nothing."""
        if row.get("$visible_at", 0) <= now_ms:
            return row
        before: Row | None = row.get("$before")
        return before

    def stamp(self, row: Row, caller: Caller) -> None:
        """Mark `row` (a copy) as modified now by the caller: every write counts one version (fxiaoke.md 6)."""
        row["version"] = next_version(row["version"])
        row["last_modified_time"] = self.now_ms()
        row["last_modified_by"] = [caller.person]

    def details_of(self, spec: ObjectSpec, master_id: str) -> list[tuple[ObjectSpec, Row]]:
        """Copies of all detail rows of one master."""
        found = []
        for api_name, master_field in spec.details.items():
            detail = self.spec(api_name)
            for row_id in sorted(self.shelf(api_name).with_value(master_field, master_id)):
                row = self.books.row(api_name, row_id)
                if row is not None:
                    found.append((detail, copy.deepcopy(row)))
        return found

    def _number(self, spec: ObjectSpec, at_ms: int) -> str:
        serial = self.books.next_serial(f"$number {spec.api_name}")
        day = datetime.fromtimestamp((at_ms + _LOCAL_MS) // 1000, tz=self.clock.now().tzinfo)
        return f"{spec.number_prefix or spec.api_name[:2].upper()}{day:%Y%m%d}-{serial:06d}"
