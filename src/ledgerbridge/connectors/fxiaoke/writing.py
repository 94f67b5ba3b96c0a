"""Carry out one write: create, update, 作废. Each request is sent once; what follows from its answer is decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledgerbridge.connectors._http.call import Reply
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors.base import Outcome, Write
from ledgerbridge.errors import ConnectorError, NotAllowed, OutcomeUnknown, Refused, Unsupported
from ledgerbridge.model.base import Ref, Version
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Raw, Receipt
from ledgerbridge.model.wirejson import WireValue

from .codec import envelope
from .codec_calls import Calls
from .codec_describe import ObjectFacts
from .codec_lines import LinesDoNotFit, completed, is_negative
from .codec_records import Resource

PAYMENTS = "PaymentObj"


class Writer:
    """Writes to one tenant. `current` reads a record, `find` finds those with a key, `describe` tells an object's fields."""

    def __init__(
        self,
        calls: Calls,
        runner: Runner,
        system: str,
        *,
        current: Callable[[Resource, str], Raw | None],
        find: Callable[[Resource, str], tuple[Raw, ...]],
        describe: Callable[[str], ObjectFacts],
    ) -> None:
        self._calls = calls
        self._settings = calls.settings
        self._runner = runner
        self._system = system
        self._current = current
        self._find = find
        self._describe = describe

    def write(self, write: Write, resource: Resource) -> Outcome:
        """The outcome of one write; never raises a ConnectorError."""
        action, target = write.change.action, write.change.target
        try:
            if action is Action.CREATE:
                return self._create(write, resource)
            if target is None or action not in (Action.UPDATE, Action.VOID):
                return Unsupported(f"cannot {action} a {resource.api_name} without a target", system=self._system)
            if action is Action.UPDATE:
                return self._update(write, resource, target)
            return self._void(write, resource, target)
        except ConnectorError as error:
            return error

    def _create(self, write: Write, resource: Resource) -> Outcome:
        key = self._require_key_field(resource, write.change.key)
        fields, details = _split(write.body)
        fields = {**key, **fields}
        if resource.api_name == PAYMENTS:
            try:
                details = self._payment_lines(fields, details)
            except LinesDoNotFit as fault:
                return Refused(f"{fault}; nothing was sent", system=self._system)
        try:
            reply = self._runner.send(self._calls.create(resource.api_name, fields, details))
        except Refused as refused:
            return self._made_before(resource, fields, refused)
        root = envelope(reply)
        if not root.data_id:
            return OutcomeUnknown(
                "said to be created, but without an id; look for it before it is sent again",
                system=self._system,
                request_id=root.trace_id,
            )
        return self._receipt(resource, root.data_id, reply)

    def _made_before(self, resource: Resource, fields: Mapping[str, WireValue], refused: Refused) -> Outcome:
        """A refused create may be a repeat: the record that carries this very key is the one that was to be made.

        The code does not tell duplicates from other refusals (fxiaoke.md 5), the unique field does.
        """
        name = self._settings.source_id_field
        key = fields.get(name) if name is not None else None
        if not isinstance(key, str) or not self._settings.source_id_unique:
            return refused
        found = self._find(resource, key)
        if len(found) != 1:
            return refused
        ref = Ref(system=self._system, kind=resource.kind, external_id=found[0].external_id)
        return Receipt(ref, _version(found[0]), refused.request_id)

    def _require_key_field(self, resource: Resource, key: str) -> dict[str, WireValue]:
        """Our key in the field for it; NotAllowed if the CRM does not hold that field to be what the settings say."""
        name = self._settings.source_id_field
        if name is None:
            return {}
        fault = key_field_fault(self._describe(resource.api_name), name, unique=self._settings.source_id_unique)
        if fault is not None:
            raise NotAllowed(f"{fault}; nothing was sent", system=self._system)
        return {name: key}

    def _payment_lines(
        self, fields: Mapping[str, WireValue], details: dict[str, WireValue] | None
    ) -> dict[str, WireValue] | None:
        how = self._settings.payment_lines
        if how is None:
            return details
        if self._settings.refund_object is not None and is_negative(fields, how.amount_field):
            raise Unsupported(
                f"refunds are kept in {self._settings.refund_object}, which this connector does not write",
                system=self._system,
            )
        return completed(how, fields, details or {})

    def _update(self, write: Write, resource: Resource, target: Ref) -> Outcome:
        row_id = _row_id(target)
        fields, details = _split(write.body)
        owner = fields.pop("owner", None)
        record = None
        if write.change.expected is not None or owner is not None:
            record = self._unchanged(resource, row_id, write.change.expected)
        reply = None
        if fields or details is not None:
            reply = self._runner.send(self._calls.update(resource.api_name, row_id, fields, details))
        if owner is not None and (record is None or record.payload().get("owner") != owner):
            try:
                reply = self._runner.send(self._calls.change_owner(resource.api_name, row_id, owner))
            except ConnectorError as error:
                if reply is None:
                    raise
                raise OutcomeUnknown(
                    f"the fields were changed, but the owner was not: {error.message}",
                    system=self._system,
                    code=error.code,
                    request_id=error.request_id,
                ) from None
        if reply is None:
            if owner is None:
                return Refused("there is nothing to write", system=self._system)
            return Receipt(target, None, None)
        return self._receipt(resource, row_id, reply)

    def _void(self, write: Write, resource: Resource, target: Ref) -> Outcome:
        row_id = _row_id(target)
        if write.change.expected is not None:
            record = self._unchanged(resource, row_id, write.change.expected)
            if record.payload().get("life_status") == "invalid":
                return Receipt(target, _version(record), None)
        try:
            reply = self._runner.send(self._calls.invalidate(resource.api_name, row_id))
        except Refused:
            now = self._current(resource, row_id)
            if now is not None and now.payload().get("life_status") == "invalid":
                return Receipt(target, _version(now), None)
            raise
        return self._receipt(resource, row_id, reply)

    def _unchanged(self, resource: Resource, row_id: str, expected: Version | None) -> Raw:
        """The record as it is now; Refused if it is gone or another than `expected`.

        The API has no compare-and-set: somebody may still change the record between this look and the write (fxiaoke.md 6).
        """
        now = self._current(resource, row_id)
        if now is None:
            raise Refused(f"there is no {resource.api_name} {row_id} any more", system=self._system)
        if expected is not None and _differs(now, expected):
            raise Refused(
                f"{resource.api_name} {row_id} was changed since it was read; pull, then decide again",
                system=self._system,
            )
        return now

    def _receipt(self, resource: Resource, row_id: str, reply: Reply) -> Receipt:
        ref = Ref(system=self._system, kind=resource.kind, external_id=resource.external_id(row_id))
        return Receipt(ref, None, envelope(reply).trace_id or reply.request_id)


def key_field_fault(facts: ObjectFacts, name: str, *, unique: bool) -> str | None:
    """What is wrong with the field for our key, and what to do; None if nothing is."""
    field = facts.fields.get(name)
    if field is None:
        return (
            f"{facts.api_name} ({facts.label}) has no field {name}: create it there as a text field,"
            " or name another one in source_id_field"
        )
    if unique and not field.unique:
        return (
            f"{facts.api_name}.{name} ({field.label}) is not unique: declare it unique in the CRM,"
            " or set source_id_unique = false"
        )
    return None


def _split(body: Mapping[str, WireValue]) -> tuple[dict[str, WireValue], dict[str, WireValue] | None]:
    """The row's own fields, and its detail rows if the mapping writes any."""
    fields = dict(body)
    details = fields.pop("details", None)
    return fields, details if isinstance(details, dict) else None


def _row_id(ref: Ref) -> str:
    return ref.external_id.rpartition(":")[2]


def _version(raw: Raw) -> Version:
    return Version(digest=raw.digest.hex(), order=raw.order, modified_at=raw.modified_at)


def _differs(now: Raw, expected: Version) -> bool:
    """By the row's version: rolled-up amounts change the text without anybody having edited the record."""
    if expected.order is not None and now.order is not None:
        return now.order != expected.order
    return now.digest.hex() != expected.digest
