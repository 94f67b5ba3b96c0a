"""The `sheets` connector."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

from ledgerbridge.connectors.base import Capabilities, DeleteStrategy, Outcome, Page, SafetyClass, Surroundings, Write
from ledgerbridge.errors import ConnectorError, Refused, SourceFileError, Unsupported
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Raw, Receipt, Unreadable, digest_of
from ledgerbridge.model.wirejson import WireValue, dumps

from .reading import KEYS, SKIP, FileRecords, each, fingerprint, is_plain, matching, read_file
from .settings import WIRE_TYPES, FileSettings, SheetsSettings
from .writing import write_table

_LOOKED_UP = ("number", "customer_code", "credit_code", "customer_name", "serial", "tax_invoice_number")


PAGE_SIZE_MAX = 10_000


class Sheets:
    """Files of a workspace as one system. A changed file is read as a whole; an unchanged one is not opened again."""

    kind_name: ClassVar[str] = "sheets"
    settings: ClassVar[type[SheetsSettings]] = SheetsSettings

    def __init__(self, settings: SheetsSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._at = surroundings
        self._write_lock = threading.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """Reads whatever kinds its files hold; writes the kinds that have a writable file."""
        reads = frozenset(file.kind for file in self._settings.files)
        writable = {file.kind: file.table_type for file in self._settings.files if file.writable}
        return Capabilities(
            reads=reads,
            writes=frozenset(writable),
            wire_types={kind: WIRE_TYPES[kind] for kind in reads},
            write_types=writable,
            incremental=frozenset(),
            # Statements are exports of a period: a row that is not in the newest file is not gone.
            deletes=dict.fromkeys(reads, DeleteStrategy.NONE),
            safe_create=frozenset(writable),
            safety=dict.fromkeys(writable, SafetyClass.KEY),
            page_size_max=PAGE_SIZE_MAX,
            batch_size_max=10_000,
        )

    def check(self) -> None:
        """Raise Refused if a setting matches no file, or a file is refused."""
        for file in self._settings.files:
            paths = matching(self._at.folder, file)
            if not paths and not file.writable:
                raise self._refused(f"no file matches {file.path}")
            for path in paths:
                try:
                    path.open("rb").close()
                except OSError as error:
                    raise self._refused(f"{file.path}: {error.strerror}") from None

    def pull(self, kind: Kind, *, cursor: str | None, limit: int) -> Iterator[Page]:
        """All rows of the files that changed since `cursor`.

        The cursor holds a hash per file; of a file that is read half, also how many of its rows are behind it (``HASH@ROWS``).
        """
        self._require(kind, self.capabilities.reads)
        seen: dict[str, str] = json.loads(cursor) if cursor else {}
        todo = list(self._changed(kind, seen))
        absent = tuple(self._absent(kind))
        if not todo:
            yield Page((), json.dumps(seen, sort_keys=True), last=True, unreadable=absent)
        for place, (path, slot, mark, file) in enumerate(todo):
            found = self._read(path, self._name(path), file)
            half, _, rows = seen.get(slot, "").partition("@")
            start = int(rows) if half == mark and rows else 0
            stretches = list(each(found.records[start:], min(limit, PAGE_SIZE_MAX))) or [()]
            for index, records in enumerate(stretches):
                start += len(records)
                final = index == len(stretches) - 1
                seen[slot] = mark if final else f"{mark}@{start}"
                last = final and place == len(todo) - 1
                unreadable = found.unreadable if final else ()
                unreadable = (*unreadable, *absent) if last else unreadable
                total = len(found.records) if len(todo) == 1 else None
                yield Page(records, json.dumps(seen, sort_keys=True), last=last, unreadable=unreadable, total=total)

    def get(self, ref: Ref) -> Raw | None:
        """The row with this id, from the last configured file that has it."""
        self._require(ref.kind, self.capabilities.reads)
        found = [raw for raw in self._all(ref.kind) if raw.external_id == ref.external_id]
        return found[-1] if found else None

    def find(self, kind: Kind, key: str) -> tuple[Raw, ...]:
        """All rows whose id, number, code or name is `key`."""
        self._require(kind, self.capabilities.reads)
        return tuple(
            raw
            for raw in self._all(kind)
            if raw.external_id == key or key in (raw.payload().get(name) for name in _LOOKED_UP)
        )

    def keys(self, kind: Kind) -> Iterator[tuple[str, ...]]:  # noqa: ARG002 (the contract's signature)
        """Unsupported: a row that is not in the newest export is not gone."""
        raise Unsupported("files do not tell what has vanished", system=self._at.system)

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """Write records into the kind's writable file: one replacement of the file for all writes of a kind."""
        outcomes: list[Outcome] = []
        with self._write_lock:
            for write in writes:
                self._require(write.change.kind, self.capabilities.writes)
            for kind in dict.fromkeys(write.change.kind for write in writes):
                outcomes_of_kind = self._push_kind(kind, [write for write in writes if write.change.kind is kind])
                outcomes += outcomes_of_kind
        order = [
            write
            for kind in dict.fromkeys(w.change.kind for w in writes)
            for write in writes
            if write.change.kind is kind
        ]
        by_write = {id(write): outcome for write, outcome in zip(order, outcomes, strict=True)}
        return tuple(by_write[id(write)] for write in writes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing stays open between calls."""

    def _push_kind(self, kind: Kind, writes: Sequence[Write]) -> list[Outcome]:
        file = next(file for file in self._settings.files if file.kind is kind and file.writable)
        path = self._at.folder / file.path
        try:
            columns, body = self._current(path, file)
        except SourceFileError as error:
            return [Refused(str(error), system=self._at.system) for _ in writes]
        outcomes: list[Outcome] = []
        for write in writes:
            outcomes.append(self._apply(write, file, columns, body))
        if any(isinstance(outcome, Receipt) for outcome in outcomes):
            try:
                write_table(path, file.table_type, columns, list(body.values()))
            except OSError as error:
                failed = self._refused(f"{file.path} cannot be written: {error.strerror}")
                return [failed if isinstance(outcome, Receipt) else outcome for outcome in outcomes]
        return outcomes

    def _apply(
        self, write: Write, file: FileSettings, columns: list[str], body: dict[str, dict[str, str | None]]
    ) -> Outcome:
        change = write.change
        values = {name: None if value is None else str(value) for name, value in write.body.items()}
        if any(isinstance(value, list | dict) for value in write.body.values()):
            return self._refused(f"{change.entity}: a cell holds one value, not a list or an object")
        if change.action is Action.CREATE:
            key = _key_of(values, file.table_type)
            if key is None:
                return self._refused(f"{change.entity}: no number, code or name to know the row by")
        elif change.target is None or change.target.external_id not in body:
            return self._refused(f"{change.entity}: the row to update is not in the file")
        else:
            key = change.target.external_id
        expected = change.expected if change.action is Action.UPDATE else None
        if expected is not None and _version(body[key]).digest != expected.digest:
            return self._refused(f"{key}: the row was changed since it was read")
        body.setdefault(key, {}).update(values)
        columns += [name for name in values if name not in columns]
        return Receipt(Ref(system=self._at.system, kind=change.kind, external_id=key), _version(body[key]), None)

    def _current(self, path: Path, file: FileSettings) -> tuple[list[str], dict[str, dict[str, str | None]]]:
        if not path.exists():
            return [], {}
        found = self._read(path, file.path, file)
        if found.unreadable:
            raise SourceFileError(f"{found.unreadable[0].where}: {found.unreadable[0].why}; nothing was written")
        columns: list[str] = []
        body: dict[str, dict[str, str | None]] = {}
        for raw in found.records:
            values = {
                name: None if value is None else str(value)
                for name, value in raw.payload().items()
                if not name.startswith("_")
            }
            if SKIP in raw.payload():
                continue
            columns += [name for name in values if name not in columns]
            body[raw.external_id] = values
        return columns, body

    def _changed(self, kind: Kind, seen: dict[str, str]) -> Iterator[tuple[Path, str, str, FileSettings]]:
        """The files to read: path, the cursor's name for it (one per sheet and table of a file), its mark, how to read it."""
        for file in self._settings.files:
            if file.kind is not kind:
                continue
            for path in matching(self._at.folder, file):
                slot = f"{self._name(path)}|{file.table_type}|{file.sheet or ''}"
                try:
                    mark = fingerprint(path, file, self._settings)
                except SourceFileError:
                    mark = "unreadable"  # reading it says why; it is tried again at the next pull
                    yield path, slot, mark, file
                    continue
                if seen.get(slot) != mark:
                    yield path, slot, mark, file

    def _absent(self, kind: Kind) -> Iterator[Unreadable]:
        """One file that a setting names and that is not there: nothing was read of it, which must not look like success."""
        for file in self._settings.files:
            if file.kind is kind and not file.writable and is_plain(file) and not matching(self._at.folder, file):
                why = (
                    f"there is no file {file.path}; put it there, or correct path in the settings of {self._at.system}"
                )
                yield Unreadable(kind, file.table_type, file.path, b"", why)

    def _all(self, kind: Kind) -> Iterator[Raw]:
        for file in self._settings.files:
            if file.kind is kind:
                for path in matching(self._at.folder, file):
                    for raw in self._read(path, self._name(path), file).records:
                        if not raw.external_id.startswith(f"{SKIP}:"):
                            yield raw

    def _read(self, path: Path, name: str, file: FileSettings) -> FileRecords:
        return read_file(path, name, file, self._settings, self._at.clock.now())

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._at.folder)) if path.is_relative_to(self._at.folder) else str(path)

    def _require(self, kind: Kind, allowed: frozenset[Kind]) -> None:
        if kind not in allowed:
            raise Unsupported(f"no configured file holds {kind} records", system=self._at.system)

    def _refused(self, message: str) -> ConnectorError:
        return Refused(message, system=self._at.system)


def _key_of(values: dict[str, str | None], table_type: str) -> str | None:
    return next((values[name] for name in KEYS[table_type] if values.get(name)), None)


def _version(row: dict[str, str | None]) -> Version:
    content: dict[str, WireValue] = dict(row)
    return Version(digest=digest_of(dumps(content).encode()).hex())
