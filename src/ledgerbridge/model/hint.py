"""What a far side's webhook tells us: which records to read again, and nothing that is trusted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Frozen, Kind, SystemId


class Hint(Frozen):
    """Records of one stream that may have changed. `event_id` is the same for the same event, so that a replay is known."""

    system: SystemId
    kind: Kind
    external_ids: tuple[Annotated[str, Field(min_length=1, max_length=400)], ...]
    event_id: Annotated[str, Field(min_length=1, max_length=128)]
