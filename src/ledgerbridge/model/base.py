"""What every model value is built on: frozen, strict, nothing extra; and how records are pointed at."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Frozen(BaseModel):
    """A value that cannot change, holds nothing undeclared, and coerces nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Kind(StrEnum):
    """The kinds of record that flow."""

    CUSTOMER = "customer"
    INVOICE = "invoice"
    PAYMENT = "payment"
    ALLOCATION = "allocation"


SystemId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""One configured far side of a workspace, e.g. `erp`, `crm`."""

Key = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A code or number that people and systems use to name a record: one line, never empty."""

Line = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$")]
"""One line of text, possibly empty."""

Text = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
"""Several lines of text, possibly empty."""


class Ref(Frozen):
    """Where a record lives in one configured system."""

    system: SystemId
    kind: Kind
    external_id: Annotated[str, Field(min_length=1, max_length=400)]

    def __str__(self) -> str:
        return f"{self.system}/{self.kind}/{self.external_id}"


class Version(Frozen):
    """What we last saw of a record; `digest` always, the rest if the system has it.

    `order` grows with every change of one record in one system (a row version, epoch milliseconds); the store never lets
    a smaller one overwrite a larger one. `seen_at` is when the record was first seen to be so: a record that is edited back to
    what it was is another version, also where nothing in it tells.
    """

    digest: str
    token: str | None = None
    order: int | None = None
    modified_at: datetime | None = None
    seen_at: datetime | None = None
