"""The settings of a `sheets` system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledgerbridge.model.base import Kind

WIRE_TYPES: dict[Kind, tuple[str, ...]] = {
    Kind.CUSTOMER: ("customer_list",),
    Kind.INVOICE: ("invoice_list",),
    Kind.PAYMENT: ("payment_list", "bank_statement"),
}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileSettings(_Section):
    """One file, or all files that match a pattern."""

    path: str
    """Relative to the workspace; may hold * and ?."""
    kind: Kind
    """What the rows are: customer, invoice or payment."""
    wire_type: str | None = None
    """customer_list, invoice_list, payment_list or bank_statement; unset: the kind's list."""
    sheet: str | None = None
    """The worksheet's name; unset: the first one that has a header row."""
    header_row: Annotated[int, Field(ge=1)] | None = None
    """The line of the header, counted from 1; unset: found by its words."""
    encoding: Literal["utf-8", "gb18030", "utf-16"] | None = None
    """Of a text file; unset: found by trying (UTF-8 first, then GB18030)."""
    columns: dict[str, str] = {}
    """Header as written in the file = our column name, for headers that we do not know."""
    account: str | None = None
    """The bank account of a statement that does not name it."""
    currency: str | None = None
    """The currency of a file that does not name it."""
    writable: bool = False
    """Whether records may be written into this file (it is then replaced as a whole; one plain path, xlsx or csv)."""

    @model_validator(mode="after")
    def _consistent(self) -> FileSettings:
        known = WIRE_TYPES.get(self.kind, ())
        if self.kind not in WIRE_TYPES:
            raise ValueError(f"sheets hold no {self.kind} records")
        if self.wire_type is not None and self.wire_type not in known:
            raise ValueError(f"wire_type of a {self.kind} file is one of {', '.join(known)}")
        if self.writable and any(mark in self.path for mark in "*?["):
            raise ValueError("a writable file needs one plain path")
        return self

    @property
    def table_type(self) -> str:
        """The wire type in force."""
        return self.wire_type or WIRE_TYPES[self.kind][0]


class SheetsSettings(_Section):
    """Files, and the limits beyond which a file is refused."""

    files: tuple[FileSettings, ...] = ()
    """The files to read."""
    file_bytes_max: Annotated[int, Field(ge=1)] = 20 * 1024 * 1024
    """A larger file is refused."""
    inflated_bytes_max: Annotated[int, Field(ge=1)] = 200 * 1024 * 1024
    """A workbook that unpacks to more is refused."""
    cells_max: Annotated[int, Field(ge=1)] = 5_000_000
    """A sheet whose rows times columns are more is refused."""
    parse_seconds_max: Annotated[int, Field(ge=1)] = 120
    """A workbook that takes longer to parse is refused."""
    parse_bytes_max: Annotated[int, Field(ge=256 * 1024 * 1024)] = 2 * 1024 * 1024 * 1024
    """The memory that parsing a workbook may take."""
