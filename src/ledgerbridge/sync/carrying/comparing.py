"""Whether a record at a far side says what was planned. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from ledgerbridge.mapping.canonical import Record
from ledgerbridge.mapping.outbound import value_at
from ledgerbridge.mapping.wire import UNSET
from ledgerbridge.model.base import Kind
from ledgerbridge.model.customer import Customer, CustomerStatus
from ledgerbridge.model.invoice import DocumentStatus

MUST_AGREE: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.CUSTOMER: ("code", "name", "credit_code", "currency", "status"),
    Kind.INVOICE: ("number", "kind", "customer", "issued_on", "currency", "total_minor", "status"),
    Kind.PAYMENT: ("number", "kind", "customer", "received_on", "currency", "amount_minor", "status"),
    Kind.ALLOCATION: (),
}
"""What of a created record must be as planned (RELIABILITY.md 6.2): money, currency, party, date, number, status."""
_PARTIES: Final = ("customer", "parent")
_NAMES: Final = ("external_id", "code", "number", "credit_code", "name")
"""How records name others, the surest first."""


def differing(planned: Record, found: Record, paths: Iterable[str], *, also: Record | None = None) -> list[str]:
    """Those of `paths` at which `found` says neither what was planned nor what `also` says, in order.

    `also` is the planned record as the target's own mapping reads it back: what a system cannot express is no difference.
    """
    return [
        path for path in paths if not same_at(planned, found, path) and (also is None or not same_at(also, found, path))
    ]


def same_at(one: Record, other: Record, path: str) -> bool:
    """Whether two records say the same at a canonical path; unset, None and empty are all "nothing"."""
    return _same(value_at(one, path), value_at(other, path))


def related(path: str, others: Iterable[str]) -> bool:
    """Whether a path is one of `others`, within one, or holds one; ``custom.*`` is every custom field."""
    return any(
        path == other
        or path.startswith(f"{other}.")
        or other.startswith(f"{path}.")
        or (other.endswith(".*") and path.startswith(other[:-1]))
        for other in others
    )


def is_void(record: Record) -> bool:
    """Whether a record no longer counts; a disabled customer is as void as a customer can be."""
    if isinstance(record, Customer):
        return record.status in (CustomerStatus.VOID, CustomerStatus.DISABLED)
    return record.status is DocumentStatus.VOID


def _same(one: Any, other: Any) -> bool:
    if _nothing(one) or _nothing(other):
        return _nothing(one) and _nothing(other)
    if isinstance(one, BaseModel) and isinstance(other, BaseModel):
        return _same_object(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _same_object(one: BaseModel, other: BaseModel) -> bool:
    """References by the surest name that both have; other objects field by field."""
    if "external_id" in type(one).model_fields:
        for name in _NAMES:
            mine, theirs = getattr(one, name, None), getattr(other, name, None)
            if mine and theirs:
                return bool(mine == theirs)
        return False
    return all(_same(getattr(one, name), getattr(other, name)) for name in type(one).model_fields)


def _nothing(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return all(_nothing(getattr(value, name)) for name in type(value).model_fields)
    return value is UNSET or value is None or value in ("", ())


def compared_paths(kind: Kind, planned: Sequence[str], writable: Iterable[str]) -> tuple[str, ...]:
    """The paths of a create that must agree: of those in :data:`MUST_AGREE` the planned ones that the mapping writes."""
    written = tuple(writable)
    return tuple(path for path in MUST_AGREE[kind] if related(path, planned) and related(path, written))
