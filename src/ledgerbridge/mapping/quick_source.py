"""Writing the quick way's function: straight-line Python, one stretch a rule, in the order of the canonical fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import Any, Final, Protocol

from ledgerbridge.model.currency import EXPONENTS

from .canonical import CUSTOM, MODELS, CanonicalField, Shape, as_json, shape
from .condition import compile_condition
from .convert import CONVERTERS
from .convert_money import CURRENCY_FIELDS, MoneyArgs, Unit
from .convert_number import Direction, RateArgs
from .convert_text import LineArgs
from .converter import Read
from .inbound import compile_customs
from .lists import as_elements, first_filled, item_needs, item_told, says_something
from .path import folded, getter, parse
from .rules import Leaf, Scope, alternatives, compile_rule, converter_of, inside, literal, outcomes, takes_many
from .spec import Absent, ListRule, MappingSpec, Rule, Source

_NOT_ALONE: Final = frozenset({"money", "sum_money", "join", "rate_of_amounts", "currency_of_amounts"})
"""Converters whose result depends on more than the value they are given."""
_LINES: Final = frozenset({"key", "line", "text"})
_PLAIN: Final = re.compile(r"(?!0(?:\.0*)?\Z)(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?").fullmatch
"""Decimals above zero that are in the one canonical spelling once zeros at the end of their decimals are gone."""
_LEVEL: Final = "    "


class Fillers(Protocol):
    """Makes the functions that are called from the written one."""

    @property
    def constants(self) -> Mapping[str, Any]:
        """Names that every written function uses."""
        ...

    def filler(
        self, convert: Read, field: CanonicalField, ends: tuple[Any, Any], *, alone: bool, none_ok: bool
    ) -> tuple[Callable[[Any, Any, Any], Any], dict[Any, Any]]:
        """From any wire value to the plain canonical one, and what it remembers."""
        ...

    def long_reader(self, leaf: Leaf, field: CanonicalField) -> Callable[[Any, Any], Any]:
        """A rule by its function of the long way."""
        ...

    def custom_reader(self, customs: Callable[[Any, dict[str, Any], list[Any]], None]) -> Callable[[Any, Any], Any]:
        """The custom fields."""
        ...


@dataclass(slots=True)
class Written:
    """A function's text, which defines ``made``, and the values that it names."""

    names: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    def name(self, word: str, value: Any) -> str:
        """A name for a value."""
        made = f"{word}_{next(self.numbers)}"
        self.names[made] = value
        return made

    def add(self, level: int, *lines: str) -> None:
        """Add lines at a level of indentation."""
        self.lines.extend(f"{_LEVEL * level}{line}" for line in lines)


def source_of(spec: MappingSpec, scope: Scope, pieces: Fillers) -> Written:
    """The function ``made`` of a mapping whose options are filled in: payload → plain record, or None for the unusual."""
    written = Written({**pieces.constants, "EXPONENTS": EXPONENTS, "PLAIN": _PLAIN})
    return _Writer(spec, scope, pieces, written).write()


class _Writer:
    def __init__(self, spec: MappingSpec, scope: Scope, pieces: Fillers, written: Written) -> None:
        self._spec, self._scope, self._pieces, self._out = spec, scope, pieces, written
        self._taken: dict[str, dict[str, str]] = {}

    def write(self) -> Written:
        spec, out = self._spec, self._out
        model = MODELS[spec.kind]
        top = shape(model)
        out.add(0, "def made(p):")
        self._beginning()
        taking = self._taking("p")
        grouped = _grouped(spec.fields)
        self._currencies(grouped, top)
        out.add(1, "out = {}")
        for name, info in model.model_fields.items():
            if name in CURRENCY_FIELDS and name in grouped:
                out.add(1, f"r = v_{name}")
                self._store(1, "out", name)
            elif name in spec.lists:
                self._list(name, spec.lists[name], top.lists[name])
            elif name == CUSTOM:
                self._custom()
            elif name in grouped:
                self._member(1, "p", "out", name, grouped[name], top, self._scope)
            if info.is_required():
                out.add(1, f"if {name!r} not in out:", f"{_LEVEL}return None")
        out.add(1, "return out")
        self._take(1, "p", taking)
        return out

    def _beginning(self) -> None:
        out, fold = self._out, self._scope.ignore_case
        if fold:
            out.names["folded"] = folded
            out.add(1, "clashes = []", "p = folded(p, clashes)", "if clashes:", f"{_LEVEL}return None")
        for skip in self._spec.skip:
            holds = out.name("skip", compile_condition(skip.when, ignore_case=fold))
            out.add(1, f"if {holds}(p):", f"{_LEVEL}return None")

    def _taking(self, item: str) -> int:
        """From here on values of `item` (p, or e for an element) are named; where the lines belong that take them out."""
        self._taken[item] = {}
        return len(self._out.lines)

    def _take(self, level: int, item: str, at: int) -> None:
        """Put in the lines that take out what was named since: all at once, which costs half of asking for each."""
        names = self._taken.pop(item)
        if not names:
            return
        lines = [f"{name} = {item}.get({key!r}, ABSENT)" for key, name in names.items()]
        if len(names) > 1:
            take = self._out.name("take", itemgetter(*names))
            all_at_once = f"{_LEVEL}{', '.join(names.values())} = {take}({item})"
            lines = ["try:", all_at_once, "except KeyError:", *(f"{_LEVEL}{line}" for line in lines)]
        self._out.lines[at:at] = [f"{_LEVEL * level}{line}" for line in lines]

    def _key(self, item: str, key: str) -> str:
        """The name of a value by its key, ABSENT if there is none."""
        names = self._taken[item]
        return names.setdefault(key, f"{item}_{len(names)}")

    def _currencies(self, grouped: Mapping[str, Mapping[str, Rule]], top: Shape) -> None:
        """First, because amounts look up their currency."""
        out = self._out
        out.add(1, "root = {}")
        for name in CURRENCY_FIELDS:
            if name not in grouped:
                out.add(1, f"two_{name} = False")
                continue
            self._value(1, "p", grouped[name][""], top.fields[name], self._scope, None)
            out.add(1, f"v_{name} = r", "if r is not UNSET:", f"{_LEVEL}root[{name!r}] = r")
            out.add(1, f"two_{name} = EXPONENTS.get(r) == 2")

    def _store(self, level: int, into: str, name: str) -> None:
        self._out.add(level, "if r is not UNSET:", f"{_LEVEL}{into}[{name!r}] = r")

    def _member(
        self, level: int, item: str, into: str, name: str, rules: Mapping[str, Rule], model: Shape, scope: Scope
    ) -> None:
        """A field, or an object with its parts; leaves it in `r` as well."""
        out = self._out
        if "" in rules:
            self._value(level, item, rules[""], model.fields[name], scope, (into, name))
            return
        below = [path.partition(".")[2] for path in model.fields if path.startswith(f"{name}.")]
        out.add(level, "o = {}")
        for part in below:
            if part in rules:
                self._value(level, item, rules[part], model.fields[f"{name}.{part}"], scope, ("o", part))
        needed = [part for part in below if not model.fields[f"{name}.{part}"].has_default]
        if needed:
            missing = " or ".join(f"{part!r} not in o" for part in needed)
            out.add(level, f"if o and ({missing}):", f"{_LEVEL}return None")
        out.add(level, "r = o if o else UNSET")
        if model.objects[name]:
            out.add(level, "for r in o.values():", f"{_LEVEL}if r is not None:", f"{_LEVEL * 2}r = o")
            out.add(level, f"{_LEVEL * 2}break")
            out.add(level, "else:", f"{_LEVEL}r = None if o else UNSET")
        self._store(level, into, name)

    def _value(
        self, level: int, item: str, rule: Rule, field: CanonicalField, scope: Scope, into: tuple[str, str] | None
    ) -> None:
        """Lines that set `r` to the plain value or UNSET, and the value's place (object, key) if there is a value."""
        out = self._out
        stored = (f"{into[0]}[{into[1]!r}] = r",) if into else ()
        checked = ("if r is not UNSET:", f"{_LEVEL}{stored[0]}") if stored else ()
        if rule.is_const and rule.when is None and rule.const is not None:
            out.add(level, f"r = {out.name('const', as_json(literal(field, rule.const)))}", *stored)
            return
        if rule.is_const or rule.cases or rule.first_of or not rule.wire or takes_many(rule, field, scope):
            read = self._pieces.long_reader(compile_rule(rule, field, scope), field)
            out.add(level, f"r = {out.name('rule', read)}({item}, root)", *checked)
            return
        self._get(level, item, rule, scope)
        convert, _ = converter_of(rule, field, scope)
        name = "" if rule.values is not None else rule.convert or field.converter or ""
        alone = name not in _NOT_ALONE
        none_ok = field.nullable or (scope.lenient and not field.has_default and "." not in field.path)
        ends = outcomes(rule, field, scope)
        fill, remembered = self._pieces.filler(convert, field, ends, alone=alone, none_ok=none_ok)
        called = out.name("fill", fill)
        usual = self._usual(rule, name, field)
        if usual:
            holds, *then = usual
            out.add(level, holds, *(f"{_LEVEL}{line}" for line in (*then, *(stored or ("pass",)))), "else:")
            level += 1
        if alone:
            memory = out.name("known", remembered)
            out.add(level, f"r = {memory}.get(v, MISSING) if v.__class__ in EASY else MISSING")
            out.add(level, "if r is MISSING:", f"{_LEVEL}r = {called}(v, {item}, root)", *checked)
        else:
            out.add(level, f"r = {called}(v, {item}, root)", *checked)

    def _get(self, level: int, item: str, rule: Rule, scope: Scope) -> None:
        """Lines that set `v` to the wire value that counts."""
        out = self._out
        paths = [parse(path, ignore_case=scope.ignore_case) for path in rule.wire]
        path = paths[0] if len(paths) == 1 and not rule.empty else (0,)
        if path == ():
            told = f"v = {item}"
        elif len(path) == 1 and isinstance(path[0], str):
            told = f"v = {self._key(item, path[0])}"
        elif len(path) == 2 and isinstance(path[0], str) and isinstance(path[1], str):
            of = self._key(item, path[0])
            told = f"v = {of}.get({path[1]!r}, ABSENT) if {of}.__class__ is dict else ABSENT"
        else:
            told = f"v = {out.name('get', alternatives(rule, scope))}({item})"
        if rule.when is not None:
            holds = out.name("when", compile_condition(rule.when, ignore_case=scope.ignore_case))
            out.add(level, f"if {holds}({item}):", f"{_LEVEL}{told}", "else:", f"{_LEVEL}v = ABSENT")
        else:
            out.add(level, told)

    def _usual(self, rule: Rule, name: str, field: CanonicalField) -> Sequence[str]:
        """An `if` with what follows it, for values of the commonest form, of which it is known that the model takes them."""
        if rule.values is not None or not name:
            return ()
        args = CONVERTERS[name].args.model_validate(rule.args)
        if name in _LINES and field.length_max is not None and not (isinstance(args, LineArgs) and args.fold):
            # of printable texts none but the plain space is blank
            limit = f"len(r) <= {field.length_max}"
            return (f"if v.__class__ is str and v.isprintable() and (r := v.strip()) and {limit}:",)
        if isinstance(args, MoneyArgs) and name == field.converter == "money":
            if args.negate_if or args.negative_if or args.absolute or args.unit is not Unit.YUAN:
                return ()
            two = f"two_{args.currency_of(field.path)}"
            usual = 'v[-3:-2] == "." and len(v) < 15 and v.isascii() and (r := v.replace(".", "", 1)).isdigit()'
            return (f"if v.__class__ is str and {two} and {usual}:", "r = int(r)")
        direct = not isinstance(args, RateArgs) or (args.direction is Direction.DIRECT and args.per == 1)
        if name in ("decimal", "rate") and name == field.converter and direct:
            return (
                "if v.__class__ is str and PLAIN(v):",
                'r = v.rstrip("0").rstrip(".") if v[-1] == "0" and "." in v else v',
            )
        return ()

    def _list(self, name: str, rule: ListRule, item: Shape) -> None:
        out = self._out
        out.add(1, "items = []", "said = False")
        for source in rule.items:
            if source.wire:
                self._elements(name, source, item)
            else:
                self._fixed_item(name, source, item)
        if rule.distinct:
            out.add(1, "items = [e for at, e in enumerate(items) if e not in items[:at]]")
        if rule.required:
            out.add(1, "if not items:", f"{_LEVEL}return None")
        empty = "[]" if (rule.absent or self._scope.absent) is Absent.EMPTY else "UNSET"
        out.add(1, f"r = items if said else {empty}")
        self._store(1, "out", name)

    def _elements(self, name: str, source: Source, item: Shape) -> None:
        """One item per element of a wire list."""
        out, fold = self._out, self._scope.ignore_case
        scope = inside(self._scope, f"{name}[].", wire_prefix=f"{source.wire[0]}[*].")
        getters = [getter(parse(path, ignore_case=fold)) for path in source.wire]
        apart = re.compile(f"[{re.escape(source.split)}]") if source.split else None
        bare = all(rule.wire in ((), (".",)) for rule in source.fields.values())
        get = out.name("found", getters[0] if len(getters) == 1 else lambda payload: first_filled(getters, payload))
        split = out.name("elements", lambda found: as_elements(found, apart, bare=bare))
        out.add(1, f"found = {get}(p)", "if found is not ABSENT:")
        out.add(2, "said = True")
        if bare or apart:
            out.add(2, f"found = {split}(found)")
        else:
            out.add(2, "if not (found.__class__ is list and found and found[0].__class__ is dict):")
            out.add(3, f"found = {split}(found)")
        out.add(2, "if found is None:", f"{_LEVEL}return None", "for e in found:")
        if not bare:
            out.add(3, "if e.__class__ is not dict:", f"{_LEVEL}return None")
        if source.where:
            holds = out.name("where", compile_condition(source.where, ignore_case=fold))
            out.add(3, f"if not {holds}(e):", f"{_LEVEL}continue")
        out.add(3, "i = {}")
        taking = self._taking("e")
        grouped = _grouped(source.fields)
        for member in _names(item):
            if member in grouped:
                self._member(3, "e", "i", member, grouped[member], item, scope)
        self._take(3, "e", taking)
        self._item_complete(3, item)
        out.add(3, "items.append(i)")

    def _fixed_item(self, name: str, source: Source, item: Shape) -> None:
        """One item made of header fields, unless none of them is filled."""
        out = self._out
        out.names["filled"] = says_something
        scope = inside(self._scope, f"{name}[].", lenient=True)
        told, needs = item_told(source), item_needs(item)
        out.add(1, "i = {}", "full = False")
        grouped = _grouped(source.fields)
        for member in _names(item):
            if member not in grouped:
                continue
            self._member(1, "p", "i", member, grouped[member], item, scope)
            if member in told:
                out.add(1, "if r is not UNSET:")
                out.add(2, "said = True", "full = full or filled(r)")
            if member in needs:
                out.add(1, "if r is None:")
                out.add(2, f"del i[{member!r}]")
        out.add(1, "if full:")
        self._item_complete(2, item)
        out.add(2, "items.append(i)")

    def _item_complete(self, level: int, item: Shape) -> None:
        if item.required:
            missing = " or ".join(f"{name!r} not in i" for name in sorted(item.required))
            self._out.add(level, f"if {missing}:", f"{_LEVEL}return None")

    def _custom(self) -> None:
        customs = compile_customs(self._spec, self._scope)
        if customs is not None:
            read = self._out.name("custom", self._pieces.custom_reader(customs))
            self._out.add(1, f"r = {read}(p, root)")
            self._store(1, "out", CUSTOM)


def _grouped(rules: Mapping[str, Rule]) -> dict[str, dict[str, Rule]]:
    """Rules by the name of their field, then by the path below it ("" for the field itself); custom ones left out."""
    found: dict[str, dict[str, Rule]] = {}
    for path, rule in rules.items():
        name, _, below = path.partition(".")
        if name != CUSTOM:
            found.setdefault(name, {})[below] = rule
    return found


def _names(model: Shape) -> tuple[str, ...]:
    """The names of a model's fields and objects, in its order."""
    return tuple(dict.fromkeys(path.partition(".")[0] for path in model.fields))
