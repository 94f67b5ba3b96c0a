"""Writing: one record a call. The batch saves are not idempotent (B4), so that none is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors._http.limits import pause
from ledgerbridge.connectors._http.runner import Runner
from ledgerbridge.connectors.base import Outcome, Surroundings, Write
from ledgerbridge.errors import ConnectorError, OutcomeUnknown, Refused, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw, Receipt

from . import codec, codec_writes
from .codec_writes import CannotWrite
from .reading import Reader
from .resources import COLLECTION, MERCHANT, OAR, RECEIVABLE, RECEIVEBILL, Resource
from .settings import YonyouBipSettings

PROCESSING_WAIT_S: Final = 5.0
_CREATE: Final[Mapping[str, str]] = {  # the saves that take a resubmitCheckKey (B4)
    MERCHANT.wire_type: "/idempotent/newinsert",
    RECEIVABLE.wire_type: "/save",
    COLLECTION.wire_type: "/save",
    OAR.wire_type: "/single/save",
    RECEIVEBILL.wire_type: "/single/save",
}
_UPDATE: Final[Mapping[str, str]] = {
    MERCHANT.wire_type: "/newupdate",
    RECEIVABLE.wire_type: "/batchupdate",  # save only inserts (B6)
    COLLECTION.wire_type: "/batchupdate",
    OAR.wire_type: "/save",
    RECEIVEBILL.wire_type: "/save",
}
_VOID: Final[Mapping[str, str]] = {
    MERCHANT.wire_type: "/stop",
    RECEIVABLE.wire_type: "/delete",
    COLLECTION.wire_type: "/delete",
    RECEIVEBILL.wire_type: "/delete",
}
VOIDABLE: Final = frozenset(_VOID)
"""What can be taken out of use: customers are stopped, documents deleted."""
_PRIVATE: Final = (codec_writes.DUE, codec_writes.FEE)


class Writer:
    """Writes to one tenant."""

    def __init__(self, settings: YonyouBipSettings, at: Surroundings, runner: Runner, reader: Reader) -> None:
        self._settings = settings
        self._at = at
        self._runner = runner
        self._reader = reader

    def write(self, write: Write) -> Outcome:
        """What became of one write."""
        change = write.change
        try:
            resource = self._reader.resource(change.kind)
            if change.action is Action.CREATE:
                return self._create(resource, write)
            if change.action is Action.UPDATE and change.target is not None:
                return self._update(resource, write, change.target)
            if change.action is Action.VOID and change.target is not None and resource.wire_type in _VOID:
                return self._void(resource, change, change.target)
        except CannotWrite as error:
            return Refused(str(error), system=self._at.system)
        except ConnectorError as error:
            return error
        return Unsupported(f"this API cannot {change.action} a {resource.wire_type}", system=self._at.system)

    def _create(self, resource: Resource, write: Write) -> Outcome:
        """A create under our key: a repeat makes no second record (B4). Documents are created as drafts: people approve them."""
        key = write.change.key
        if resource is MERCHANT:
            data = codec_writes.customer_body(self._settings, write.body, key)
        else:
            data = codec_writes.document_body(self._settings, resource, write.body, key, self._at.base_currency)
        reply = self._keyed(_call(resource, _CREATE, {"data": data}))
        record_id = codec_writes.written_id(reply, self._at.system)
        ref = Ref(system=self._at.system, kind=resource.kind, external_id=record_id)
        return Receipt(ref, None, reply.request_id)

    def _keyed(self, call: Call) -> Reply:
        """Send a write that carries a key; while it is still being processed, ask again with the same key (B3: 202, 5 s).

        Only this answer is asked about again. Whatever else comes then says nothing about the first try.
        """
        try:
            return self._runner.send(call)
        except OutcomeUnknown as error:
            if error.code != codec.PROCESSING:
                raise
            waiting = error
        for _ in range(self._settings.still_processing_tries):
            pause(self._at.clock, PROCESSING_WAIT_S)
            try:
                return self._runner.send(call)
            except ConnectorError as error:
                if error.code != codec.PROCESSING:
                    raise OutcomeUnknown(
                        f"accepted, but asking about it again failed: {error.message}",
                        system=self._at.system,
                        code=error.code,
                        request_id=error.request_id,
                    ) from None
                waiting = OutcomeUnknown(error.message, system=self._at.system, code=error.code)
        raise waiting

    def _update(self, resource: Resource, write: Write, target: Ref) -> Outcome:
        """A change of some fields. The record is read first: an update over a newer version is refused."""
        held = self._current(write.change, target)
        data: dict[str, Any] = {name: value for name, value in write.body.items() if name not in _PRIVATE}
        data["id"] = target.external_id
        if resource is MERCHANT or resource in (RECEIVABLE, COLLECTION):
            data.setdefault("code", _text(held.payload().get("code")))
        if resource is not MERCHANT:
            data |= _stamp(held)
        if resource in (OAR, RECEIVEBILL):
            data = {**codec_writes.carried(self._settings, held.payload()), **data, "_status": "Update"}
        body: dict[str, Any] = {"data": data if resource is MERCHANT else [data]}
        reply = self._runner.send(_call(resource, _UPDATE, body))
        codec_writes.done(reply, self._at.system)
        return Receipt(target, None, reply.request_id)

    def _void(self, resource: Resource, change: Change, target: Ref) -> Outcome:
        """A customer is disabled; a document that nobody has approved is deleted, others the vendor refuses (B8.4)."""
        held = self._current(change, target)
        if resource is MERCHANT or resource is RECEIVABLE:
            body: dict[str, Any] = {"data": {"id": target.external_id}}
        else:
            body = {"data": [{"id": target.external_id, **_stamp(held)}]}
        reply = self._runner.send(_call(resource, _VOID, body))
        codec_writes.done(reply, self._at.system)
        return Receipt(target, None, reply.request_id)

    def _current(self, change: Change, target: Ref) -> Raw:
        held = self._reader.get(target)
        if held is None:
            raise Refused(f"{target} is deleted or not visible", system=self._at.system)
        if change.expected is not None and held.digest.hex() != change.expected.digest:
            raise Refused(
                f"{target} was changed by somebody else since it was read; pull and plan again", system=self._at.system
            )
        return held


def _call(resource: Resource, paths: Mapping[str, str], body: dict[str, Any]) -> Call:
    path = resource.path + paths[resource.wire_type]
    return Call("POST", path, json=body, writes=True, interface=path)


def _stamp(held: Raw) -> dict[str, Any]:
    """The document's change stamp: the vendor refuses a change of another version [inferred]."""
    stamp = held.payload().get("pubts")
    return {"pubts": stamp} if stamp else {}


def _text(value: object) -> str:
    return "" if value is None else str(value)


WRITTEN: Final = frozenset({Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT})
