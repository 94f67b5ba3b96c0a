"""One intended write, safe to print, store and approve."""

from __future__ import annotations

import hashlib
import json
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
    target: Ref | None = None
    expected: Version | None = None
    fields: tuple[FieldChange, ...] = ()
    needs: tuple[str, ...] = ()
    because: Annotated[str, Field(min_length=1)]
    money_effect: tuple[Money, ...] = ()

    @property
    def key(self) -> str:
        """One create (and one void, one link) per entity and system for ever, whatever its fields; one update per starting
        version and content. 32 hexadecimal characters: the longest key every vendor's idempotency field takes (yonyou.md B4).
        """
        parts: list[JsonValue] = [self.action, self.system, self.kind, self.entity]
        if self.action is Action.UPDATE:
            parts.append({change.path: change.after for change in self.fields})
            parts.append(self.expected.digest if self.expected else None)
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
