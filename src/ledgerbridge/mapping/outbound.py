"""Writing: canonical values → the body of a vendor's create or update."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, cast

from ledgerbridge.model.problem import Problem
from ledgerbridge.model.wirejson import WireValue

from .canonical import CUSTOM, MODELS, Record, custom_field, kind_of, shape
from .convert import CONVERTERS
from .convert_money import CURRENCY_FIELDS
from .inbound import Context, Unmapped, scope_of
from .options import with_options
from .outbound_lists import ListEntry, compile_list_entry
from .path import Path, folded, parse, put
from .reverse import Assignments, Entry, compile_entry, list_prefix
from .rules import Scope, Teller
from .spec import Absent, Clear, MappingSpec, Rule, Write
from .wire import ABSENT, UNSET, BadValue

_NO_RULE = Rule(wire=(".",))
_INDEX = re.compile(r"\[\d*\]")


@dataclass(frozen=True, slots=True)
class MappedOut:
    """What to send. `notices`: what was left out because a rule says so (`on_problem: omit`, `clear_with: omit`).

    `left_out`: canonical paths that were to be written and for which no rule writes.
    """

    body: dict[str, WireValue]
    notices: tuple[Problem, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Work:
    """One body in the making. `written` also holds what rules say that do not write: conditions look at it."""

    creating: bool
    changed: frozenset[str] | None
    body: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    covered: list[str] = field(default_factory=list)

    def wants(self, path: str, write: Write) -> bool:
        """Whether a rule of the field `path` is to write now."""
        if write is Write.NEVER or (write is Write.CREATE and not self.creating):
            return False
        return self.changed is None or any(_related(path, other) for other in self.changed)


def _related(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")


class Outbound:
    """Maps a record, or the changed part of one, to a vendor's body. Made by :func:`compile_outbound`; safe in threads."""

    def __init__(self, spec: MappingSpec, context: Context) -> None:
        spec = with_options(spec, context.options, context.base_currency)
        self._spec = spec
        self._scope = scope_of(spec, context)
        model = shape(MODELS[spec.kind])
        self._lists = [
            compile_list_entry(name, rule, model.lists[name], self._scope) for name, rule in spec.lists.items()
        ]
        entries = []
        for path, rule in spec.fields.items():
            name = path.removeprefix(f"{CUSTOM}.")
            known = custom_field(name) if path != name else model.fields[path]
            entry = compile_entry(rule, known, self._scope)
            if entry is not None:
                entries.append(entry)
        # what others look at comes first: rules that do not write, then plain ones, then those with conditions
        self._entries = sorted(entries, key=lambda entry: (entry.late, entry.write is not Write.NEVER))
        self._paths = _Paths(self._scope)
        self._list_paths = {
            parse(target)
            for entry in self._lists
            if not entry.fixed and entry.write is not Write.NEVER
            for target in entry.targets
        }

    def writable(self, *, creating: bool) -> frozenset[str]:
        """The canonical paths that this mapping writes; ``custom.*`` if it writes custom fields by pattern."""
        wanted = {Write.ALWAYS, Write.CREATE} if creating else {Write.ALWAYS}
        found = {entry.field for entry in self._entries if entry.write in wanted}
        found |= {entry.field for entry in self._lists if entry.write in wanted}
        if self._spec.custom and self._spec.custom.write in wanted:
            found.add(f"{CUSTOM}.*")
        return frozenset(found)

    def __call__(self, record: Record, *, changed: frozenset[str] | None, creating: bool) -> MappedOut | Unmapped:
        """The body for `record`; `changed`: the canonical paths to write (None: all that are set).

        Rules with ``write: never`` do not write, those with ``create`` only if `creating`. References in `record` are those
        of the target system already. A record of another kind raises TypeError.
        """
        if kind_of(record) is not self._spec.kind:
            raise TypeError(f"mapping {self._spec.name} writes {self._spec.kind} records, not {kind_of(record)}")
        work = _Work(creating, None if changed is None else frozenset(_INDEX.sub("", path) for path in changed))
        root = {name: getattr(record, name, None) for name in CURRENCY_FIELDS}
        for path, sent in self._spec.send.items():
            put(work.written, self._paths.folded(path), self._folded_value(sent.value))
        for listed in self._lists:
            self._write_list(listed, record, root, work)
        for entry in self._entries:
            self._write(entry, record, root, work)
        self._write_customs(record, work)
        if work.body or creating:
            for path, sent in self._spec.send.items():
                if sent.write is Write.ALWAYS or (sent.write is Write.CREATE and creating):
                    put(work.body, self._paths.exact(path), cast("WireValue", sent.value))
        if any(problem.fatal for problem in work.problems):
            return Unmapped(tuple(work.problems))
        left_out = sorted(path for path in work.changed or () if not any(_related(path, done) for done in work.covered))
        return MappedOut(work.body, tuple(work.problems), tuple(left_out))

    def _write_list(self, entry: ListEntry, record: Record, root: Mapping[str, Any], work: _Work) -> None:
        value = getattr(record, entry.field) if entry.field in record.model_fields_set else None
        if value is None:
            return  # unset, or not known: neither says that the list is empty
        wanted = work.wants(entry.field, entry.write)
        assignments, problems = entry.assign(value, root, creating=work.creating)
        if wanted:
            work.problems.extend(problems)
            work.covered.append(entry.field)
        if not value and work.creating and self._spec.absent is Absent.EMPTY:
            return
        self._put(assignments, work, wanted=wanted)

    def _write(self, entry: Entry, record: Record, root: Mapping[str, Any], work: _Work) -> None:
        wanted = work.wants(entry.field, entry.write)
        value = value_at(record, entry.field)
        if work.creating and entry.required and entry.write is not Write.NEVER and (value is UNSET or value is None):
            fault = replace(entry.teller, fatal=True)
            work.problems.append(fault.problem(ABSENT, "is needed to create the record, but empty"))
            return
        if value is UNSET or (entry.guard is not None and not entry.guard(work.written)):
            return
        if wanted and not work.creating and self._would_tear_a_list(entry, work):
            return
        if value is None:
            self._clear(entry.teller, entry.targets, entry.clear, work, wanted=wanted)
            if wanted:
                work.covered.append(entry.field)
            return
        try:
            assignments = entry.assign(value, work.written, root)
        except BadValue as bad:
            if wanted:
                work.problems.append(entry.teller.problem(value, str(bad)))
                work.covered.append(entry.field)
            return
        if wanted:
            work.covered.append(entry.field)
        self._put(assignments, work, wanted=wanted)

    def _would_tear_a_list(self, entry: Entry, work: _Work) -> bool:
        """Whether the entry writes into rows of a list that is not being written: that would replace the rows."""
        for target in entry.targets:
            prefix = list_prefix(self._paths.exact(target))
            if prefix is not None and prefix in self._list_paths and prefix[0] not in work.body:
                return True
        return False

    def _clear(self, teller: Teller, targets: Iterable[str], own: Clear | None, work: _Work, *, wanted: bool) -> None:
        clear = own or self._spec.clear_with
        if work.creating and self._spec.absent is Absent.EMPTY:
            return
        if clear is Clear.OMIT:
            if wanted and not work.creating:
                notice = replace(teller, fatal=False)
                work.problems.append(
                    notice.problem(ABSENT, "is empty now, which this system cannot be told; left as it is")
                )
            return
        self._put([(target, None if clear is Clear.NULL else "") for target in targets], work, wanted=wanted)

    def _put(self, assignments: Assignments, work: _Work, *, wanted: bool) -> None:
        for target, value in assignments:
            put(work.written, self._paths.folded(target), self._folded_value(value))
            if wanted:
                put(work.body, self._paths.exact(target), value)

    def _folded_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._folded_value(part) for part in value]
        return folded(value, []) if isinstance(value, dict) and self._scope.ignore_case else value

    def _write_customs(self, record: Record, work: _Work) -> None:
        """Custom fields without a rule of their own, under their own names."""
        custom = self._spec.custom
        if custom is None or custom.write is Write.NEVER:
            return
        writer = CONVERTERS["custom"].writer
        assert writer is not None
        for name, value in record.custom.items():
            path = f"{CUSTOM}.{name}"
            matches = any(fnmatchcase(name, pattern) for pattern in custom.match)
            if not matches or any(fnmatchcase(name, pattern) for pattern in custom.skip) or path in self._spec.fields:
                continue
            if not work.wants(path, custom.write):
                continue
            convert = writer(CONVERTERS["custom"].args(), self._scope.setting(custom_field(name), _NO_RULE))
            if value is None:
                teller = Teller(path, name, f"{self._scope.mapping}:{CUSTOM}", fatal=False)
                self._clear(teller, (f"`{name}`",), None, work, wanted=True)
            else:
                self._put([(f"`{name}`", convert(value, None, {}))], work, wanted=True)
            work.covered.append(path)


def value_at(record: Any, path: str) -> Any:
    """The canonical value at a dotted path; UNSET if the record says nothing about it."""
    if path.startswith(f"{CUSTOM}."):
        return record.custom.get(path.removeprefix(f"{CUSTOM}."), UNSET)
    value = record
    for name in path.split("."):
        if value is None:
            return None
        if name not in value.model_fields_set:
            return UNSET
        value = getattr(value, name)
    return value


class _Paths:
    """Parsed wire paths of one mapping, each parsed once."""

    def __init__(self, scope: Scope) -> None:
        self._ignore_case = scope.ignore_case
        self._exact: dict[str, Path] = {}
        self._folded: dict[str, Path] = {}

    def exact(self, text: str) -> Path:
        """As the mapping spells it."""
        if text not in self._exact:
            self._exact[text] = parse(text)
        return self._exact[text]

    def folded(self, text: str) -> Path:
        """As conditions compare it."""
        if text not in self._folded:
            self._folded[text] = parse(text, ignore_case=self._ignore_case)
        return self._folded[text]


def compile_outbound(spec: MappingSpec, context: Context) -> Outbound:
    """The writing of `spec`; all paths, converters and conditions are made ready once."""
    return Outbound(spec, context)
