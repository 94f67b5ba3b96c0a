"""The COQL subset of zoho.md 4 and 17: columns, one module, where with and/or, order by, limit, offset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from . import wire
from .conditions import Condition, Joined

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_$][\w$.]*)"
    r"|(?P<mark><=|>=|!=|<>|[=<>(),*]))",
)
_COMPARATORS = ("=", "!=", "<>", ">", "<", ">=", "<=")


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a query and where it starts."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `limit` None where it names none, `where_text` for keeping results."""

    columns: tuple[str, ...]
    module: str
    where: Condition | Joined | None
    where_text: str
    order: tuple[tuple[str, bool], ...]
    limit: int | None
    offset: int
    conditions: int


def syntax_error(source: str, at: int, near: str) -> wire.Refused:
    """400 SYNTAX_ERROR with line, column and what stands there."""
    line = source.count("\n", 0, at) + 1
    column = at - source.rfind("\n", 0, at)
    details = {"line": line, "column": column, "near": near}
    return wire.refused(400, "SYNTAX_ERROR", "error occured while parsing the query", details)


def parse(source: str, *, pairs_required: bool) -> Query:
    """Parse one query; 400 SYNTAX_ERROR if it is none. `pairs_required`: three conditions in a row want brackets."""
    return _Parser(source, pairs_required).query()


class _Parser:
    def __init__(self, source: str, pairs_required: bool) -> None:
        self.source = source
        self.pairs_required = pairs_required
        self.tokens = list(self._split())
        self.place = 0
        self.conditions = 0

    def _split(self) -> Iterator[Token]:
        at = 0
        while self.source[at:].strip():
            found = _TOKEN.match(self.source, at)
            if found is None:
                raise syntax_error(self.source, at, self.source[at:].split()[0])
            kind = str(found.lastgroup)
            yield Token(kind, found[kind], found.start(kind))
            at = found.end()

    def query(self) -> Query:
        self.expect("select")
        columns = [self.name()]
        while self.take(","):
            columns.append(self.name())
        self.expect("from")
        module = self.name()
        where, where_text = None, ""
        if self.take("where"):
            start = self.here()
            where = self.expression()
            where_text = self.source[start : self.here()]
        order = self.order()
        limit, offset = self.limit()
        if self.place < len(self.tokens):
            raise self.wrong()
        return Query(tuple(columns), module, where, where_text, order, limit, offset, self.conditions)

    def order(self) -> tuple[tuple[str, bool], ...]:
        if not self.take("order"):
            return ()
        self.expect("by")
        keys = []
        while True:
            name = self.name()
            descending = self.take("desc")
            if not descending:
                self.take("asc")
            keys.append((name, descending))
            if not self.take(","):
                return tuple(keys)

    def limit(self) -> tuple[int | None, int]:
        if not self.take("limit"):
            return None, 0
        first = self.count()
        if self.take(","):  # limit offset, count
            return self.count(), first
        return first, self.count() if self.take("offset") else 0

    def expression(self) -> Condition | Joined:
        found = self.term()
        joined = 0
        while (word := self.peek()) in ("and", "or"):
            joined += 1
            if joined > 1 and self.pairs_required:
                raise self.wrong()
            self.place += 1
            found = Joined(word, (found, self.term()))
        return found

    def term(self) -> Condition | Joined:
        if self.take("("):
            inside = self.expression()
            self.expect(")")
            return inside
        self.conditions += 1
        name = self.name()
        operator = self.operator()
        if operator.startswith("is "):
            return Condition(name, operator)
        if operator.endswith("between"):
            first = self.value()
            self.expect("and")
            return Condition(name, operator, (first, self.value()))
        if operator in ("in", "not in"):
            self.expect("(")
            values = [self.value()]
            while self.take(","):
                values.append(self.value())
            self.expect(")")
            return Condition(name, operator, tuple(values))
        return Condition(name, "!=" if operator == "<>" else operator, (self.value(),))

    def operator(self) -> str:
        word = self.peek()
        if word in (*_COMPARATORS, "between", "in", "like"):
            self.place += 1
            return str(word)
        if self.take("is"):
            negated = self.take("not")
            self.expect("null")
            return "is not null" if negated else "is null"
        if self.take("not"):
            for word in ("in", "like", "between"):
                if self.take(word):
                    return f"not {word}"
        raise self.wrong()

    def value(self) -> Any:
        token = self.token()
        if token.kind == "text":
            self.place += 1
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if token.kind == "number":
            self.place += 1
            return Decimal(token.text)
        if token.text.lower() in ("true", "false"):
            self.place += 1
            return token.text.lower() == "true"
        raise self.wrong()

    def name(self) -> str:
        token = self.token()
        if token.kind != "word":
            raise self.wrong()
        self.place += 1
        return token.text

    def count(self) -> int:
        token = self.token()
        if token.kind != "number" or not token.text.isdigit():
            raise self.wrong()
        self.place += 1
        return int(token.text)

    def peek(self) -> str:
        """The next word or mark in lower case, "" where there is none or a text or number stands."""
        if self.place >= len(self.tokens) or self.tokens[self.place].kind in ("text", "number"):
            return ""
        return self.tokens[self.place].text.lower()

    def take(self, word: str) -> bool:
        if self.peek() != word:
            return False
        self.place += 1
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise self.wrong()

    def token(self) -> Token:
        if self.place >= len(self.tokens):
            raise self.wrong()
        return self.tokens[self.place]

    def here(self) -> int:
        return self.tokens[self.place].at if self.place < len(self.tokens) else len(self.source)

    def wrong(self) -> wire.Refused:
        near = self.tokens[self.place].text if self.place < len(self.tokens) else ""
        return syntax_error(self.source, self.here(), near)
