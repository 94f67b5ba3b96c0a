"""One intended write, safe to print, store and approve."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue

from .base import Frozen, Kind, Ref, SystemId, Version
from .money import Money


class Action(StrEnum):
    """What a change does. Records are never deleted: they are voided."""

    CREATE = "create"
    UPDATE = "update"
    VOID = "void"
    LINK = "link"


class FieldChange(Frozen):
    """One field, before and after, in canonical JSON form: amounts are strings or integers, never floats.

    `apply` writes `after`, not a value computed later. `decided_by` names the ownership rule.
    """

    path: str
    before: JsonValue = None
    after: JsonValue = None
    decided_by: str


class Change(Frozen):
    """One intended write to one record of one system."""

    action: Action
    system: SystemId
    kind: Kind
    entity: Annotated[str, Field(min_length=1)]
    part: str = ""
    """Of a system that keeps one record per part of an entity: which part. Empty: the entity as a whole."""
    target: Ref | None = None
    expected: Version | None = None
    fields: tuple[FieldChange, ...] = ()
    needs: tuple[str, ...] = ()
    because: Annotated[str, Field(min_length=1)]
    money_effect: tuple[Money, ...] = ()
    takes_back: str = ""
    """Of an undo: the key of the write that it takes back."""

    @property
    def key(self) -> str:
        """One create (and one void, one link) per entity, part and system for ever, whatever its fields; one update per
        starting version and content, an undo besides per write that it takes back. 32 hexadecimal characters: the longest
        key every vendor's idempotency field takes (yonyou.md B4).
        """
        if self.action is not Action.UPDATE:
            return key_of(self.action, self.system, self.kind, self.entity, self.part)
        content: list[JsonValue] = [
            {change.path: change.after for change in self.fields},
            self.expected.digest if self.expected else None,
        ]
        if self.expected and self.expected.seen_at:
            content.append(self.expected.seen_at.isoformat())
        if self.takes_back:
            content.append(self.takes_back)
        return key_of(self.action, self.system, self.kind, self.entity, self.part, content)


def key_of(
    action: Action, system: str, kind: Kind, entity: str, part: str = "", content: Sequence[JsonValue] = ()
) -> str:
    """The key of a change; of a create, it can be told before the change is made."""
    parts: list[JsonValue] = [action, system, kind, entity]
    if part:
        parts.append({"part": part})
    parts.extend(content)
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
