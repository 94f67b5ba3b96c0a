"""YAML as mappings use it: text → plain values, each with its line. Small on purpose: no anchors, no tags, no surprises.

Only ``true``, ``false``, ``null``, ``~`` and whole numbers are anything but text, so that ``yes``, ``010``, ``0.13`` and
``2026-03-31`` stay what they look like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

Place: TypeAlias = "tuple[str | int, ...]"

SIZE_MAX: Final = 1_000_000
DEPTH_MAX: Final = 30

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Document:
    """A mapping file: its values, the line of each, and every fault found so far as (line, message)."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_yaml(text: str) -> Document:
    """The values of `text`; faults are collected in the document, never raised."""
    document = Document()
    if len(text) > SIZE_MAX:
        document.faults.append((1, f"is larger than {SIZE_MAX} characters, which no mapping is"))
        return document
    try:
        if not _plain_enough(text, document):
            return document
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        document.faults.append(_told(error))
        return document
    if not isinstance(node, yaml.MappingNode):
        document.faults.append((1, "is no mapping file: it has to be keys and values"))
        return document
    document.data = _value(node, (), document)
    return document


def _told(error: yaml.YAMLError) -> tuple[int, str]:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    return (mark.line + 1 if mark else 1), f"is no YAML: {problem}"


def _plain_enough(text: str, document: Document) -> bool:
    """Whether there are no aliases (small files that mean huge ones), no tags, and no abyss."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            document.faults.append(
                (line, "anchors and aliases (& and *) are not supported; a text that starts so needs quotes")
            )
        if getattr(event, "tag", None):
            document.faults.append((line, "tags (!) are not supported; a text that starts so needs quotes"))
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            document.faults.append((line, "is nested too deeply"))
            return False
    return not document.faults


def _value(node: yaml.Node, place: Place, document: Document) -> Any:
    document.lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*place, index), document) for index, child in enumerate(node.value)]
    as_pairs = place[:1] == ("fields",) and place[-1] == "values"  # 1 and "1" are two keys there
    pairs: list[tuple[Any, Any]] = []
    seen: set[str] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.faults.append((line, "a key has to be a plain text"))
            continue
        if key_node.value in seen:
            document.faults.append((line, f"the key {key_node.value!r} is there twice"))
            continue
        seen.add(key_node.value)
        key = _scalar(key_node) if as_pairs else key_node.value
        child = (*place, str(key_node.value))
        value = _value(value_node, child, document)
        document.lines[child] = line
        pairs.append((key, value))
    return [list(pair) for pair in pairs] if as_pairs else dict(pairs)


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text
