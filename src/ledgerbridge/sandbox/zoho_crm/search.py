"""GET /{module}/search and the criteria of counts: zoho.md 4. The index lags; ``equals`` on text means "contains"."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ledgerbridge.sandbox.books import Row
from ledgerbridge.sandbox.web import Response

from . import wire
from .conditions import BadPath, Condition, Joined, Test, compiled
from .fields import Module
from .lists import FIELDS_MAX, PER_PAGE_MAX
from .org import Call, Org
from .show import list_fields, renderer, spoilt

OPERATORS = {
    "equals": "=",
    "not_equal": "!=",
    "starts_with": "starts_with",
    "in": "in",
    "between": "between",
    "greater_than": ">",
    "greater_equal": ">=",
    "less_than": "<",
    "less_equal": "<=",
}
_TEXT_KINDS = ("text", "textarea", "email", "phone", "website", "autonumber")
_MODES = ("criteria", "email", "phone", "word")


def search(call: Call, module: Module) -> Response:
    """One page of matches, newest id first; 204 when none."""
    org, given = call.org, call.request.query
    test = _test(call, module)
    if test is None:
        details = {"expected_params": [{"param_name": name} for name in _MODES]}
        raise wire.refused(400, "EXPECTED_PARAM_MISSING", "one of the expected params is missing", details)
    page, per_page = call.number("page", 1), call.number("per_page", PER_PAGE_MAX, highest=PER_PAGE_MAX)
    if page * per_page > org.switches["search_rows_max"]:
        limit = org.switches["search_rows_max"]
        raise wire.refused(400, "LIMIT_REACHED", f"you can get only the first {limit} records", {"limit": limit})
    with org.books.lock:
        indexed_until = wire.later(org.now(), -org.switches["search_lag_s"])
        start, found = (page - 1) * per_page, []
        for _, row_id in reversed(org.books.ordering(module.table, "id")):
            row = org.books.look(module.table, str(row_id))
            if row is not None and row["Modified_Time"] <= indexed_until and test(row):
                found.append(row)
                if len(found) > start + per_page:
                    break
        rows = found[start : start + per_page]
        if not rows:
            return wire.nothing()
        names = [name.strip() for name in given.get("fields", "").split(",") if name.strip()][:FIELDS_MAX]
        show = renderer(org, module, list_fields(module, names or list(module.fields)))
        records = spoilt(call, module, [show(row) for row in rows])
    more = len(found) > start + per_page
    info: dict[str, Any] = {"per_page": per_page, "count": len(records), "page": page, "more_records": more}
    info |= {"sort_by": "id", "sort_order": "desc"}
    return wire.reply({"data": records, "info": info})


def criteria_test(call: Call, module: Module) -> Test | None:
    """The test that the query's parameters mean, None where they name none (for counts)."""
    return _test(call, module)


def _test(call: Call, module: Module) -> Test | None:
    given = call.request.query
    mode = next((name for name in _MODES if given.get(name)), None)
    if mode is None:
        return None
    if mode == "criteria":
        return _criteria_test(call.org, module, given["criteria"])
    return _word_test(module, mode, given[mode])


def _word_test(module: Module, mode: str, wanted: str) -> Test:
    kinds = _TEXT_KINDS if mode == "word" else (mode,)
    names = [field.api_name for field in module.fields.values() if field.data_type in kinds]
    folded = wanted.casefold()

    def matches(row: Row) -> bool:
        texts = (str(row[name]).casefold() for name in names if row.get(name) is not None)
        return any(folded == text if mode == "email" else folded in text for text in texts)

    return matches


def _invalid(reason: str) -> wire.Refused:
    return wire.refused(400, "INVALID_QUERY", "invalid query formed", {"reason": reason})


def _criteria_test(org: Org, module: Module, text: str) -> Test:
    tree, after = _expression(text.strip(), 0)
    if after != len(text.strip()):
        raise _invalid("criteria")
    leaves = _count(tree)
    if leaves > org.switches["search_criteria_max"]:
        raise _invalid("too many criteria")
    try:
        return compiled(org, module, _spelled(module, tree))
    except BadPath as bad:
        raise _invalid(bad.path) from bad


def _count(tree: Condition | Joined) -> int:
    return sum(_count(part) for part in tree.parts) if isinstance(tree, Joined) else 1


def _spelled(module: Module, tree: Condition | Joined) -> Condition | Joined:
    """Operators as conditions know them; ``equals`` on text is "contains" (zoho.md 4)."""
    if isinstance(tree, Joined):
        return Joined(tree.word, tuple(_spelled(module, part) for part in tree.parts))
    operator = OPERATORS.get(tree.operator)
    field = module.fields.get(tree.path.partition(".")[0])
    if operator is None or field is None:
        raise _invalid(tree.path)
    if tree.operator == "equals":
        if tree.values == ("${EMPTY}",):
            return Condition(tree.path, "is null")
        if field.data_type in _TEXT_KINDS:
            operator = "contains"
    return Condition(tree.path, operator, tree.values)


def _expression(text: str, at: int) -> tuple[Condition | Joined, int]:
    """``(a)and(b)`` or ``((a)or(b))``: a chain of terms, from left to right."""
    found, at = _term(text, at)
    while at < len(text) and text[at] != ")":
        rest = text[at:].lower()
        word = "and" if rest.lstrip().startswith("and") else "or" if rest.lstrip().startswith("or") else ""
        if not word:
            raise _invalid("criteria")
        at += len(rest) - len(rest.lstrip()) + len(word)
        while at < len(text) and text[at] == " ":
            at += 1
        part, at = _term(text, at)
        found = Joined(word, (found, part))
    return found, at


def _term(text: str, at: int) -> tuple[Condition | Joined, int]:
    if at >= len(text) or text[at] != "(":
        raise _invalid("criteria")
    if text[at + 1 : at + 2] == "(":
        found, end = _expression(text, at + 1)
        if text[end : end + 1] != ")":
            raise _invalid("criteria")
        return found, end + 1
    parts, end = _leaf(text, at + 1)
    if len(parts) < 3:
        raise _invalid("criteria")
    name, operator = parts[0][0].strip(), parts[1][0].strip()
    values = [*parts[2]]
    for more in parts[3:]:  # a time has colons of its own
        values[-1] += ":" + more[0]
        values += more[1:]
    return Condition(name, operator, tuple(_literal(value) for value in values)), end


def _leaf(text: str, at: int) -> tuple[list[list[str]], int]:
    """The parts between colons, each split at bare commas; a backslash takes the meaning from what follows it."""
    parts: list[list[str]] = [[""]]
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            at += 1
            parts[-1][-1] += text[at]
        elif character == ":":
            parts.append([""])
        elif character == ",":
            parts[-1].append("")
        elif character == ")":
            return parts, at + 1
        elif character == "(":
            raise _invalid("criteria")
        else:
            parts[-1][-1] += character
        at += 1
    raise _invalid("criteria")


def _literal(text: str) -> Any:
    stripped = text.strip()
    if stripped.lstrip("-").replace(".", "", 1).isdecimal() and stripped.isascii():
        return Decimal(stripped) if "." in stripped else int(stripped) if not stripped.startswith("0") else stripped
    return stripped
