"""Carries out writes: in calls of up to a hundred, in the order given, one outcome each (zoho.md 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.base import Outcome, Write
from ledgerbridge.errors import ConnectorError, NotAllowed, NotSignedIn, Unavailable, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Receipt
from ledgerbridge.model.wirejson import WireValue

from . import codec_writes
from .catalog import MODULES, Module
from .codec import RecordResults
from .reading import Reader
from .settings import BATCH_MAX, ZohoCrmSettings

_STOPS: Final = (Unavailable, NotSignedIn, NotAllowed)
"""After one of these nothing more is sent: it would end the same way."""


class Push:
    """The writing half of a connector."""

    def __init__(self, settings: ZohoCrmSettings, system: str, reader: Reader) -> None:
        self._settings = settings
        self._system = system
        self._reader = reader

    def carry_out(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        """One outcome per write, in order; an error of a whole call is the outcome of each of its writes."""
        found: list[Outcome] = []
        stop: ConnectorError | None = None
        for batch in batches(writes):
            if stop is not None:
                found += [stop] * len(batch)
                continue
            try:
                done = tuple(self._batch(batch))
            except ConnectorError as error:
                done = (error,) * len(batch)
                stop = error if isinstance(error, _STOPS) else None
            found += done
        return tuple(found)

    def _batch(self, batch: Sequence[Write]) -> Sequence[Outcome]:
        module = MODULES[batch[0].change.kind]
        if batch[0].change.action is Action.CREATE:
            return self._create(module, batch)
        return self._change(module, batch)

    def _create(self, module: Module, batch: Sequence[Write]) -> Sequence[Outcome]:
        """New records; those whose key exists already were made by an earlier push and are left as they are."""
        known = self._reader.written_before(module, [write.change.key for write in batch])
        new = [write for write in batch if write.change.key not in known]
        made = iter(self._sent(codec_writes.upsert_call(module, self._settings, new), module, new)) if new else iter(())
        return [
            self._receipt(module.kind, known[write.change.key]) if write.change.key in known else next(made)
            for write in batch
        ]

    def _change(self, module: Module, batch: Sequence[Write]) -> Sequence[Outcome]:
        """Updates and voids by id. What cannot be sent has its reason as outcome, the rest goes in one call."""
        bodies = [self._body(module, write) for write in batch]
        sent = [
            (write, body) for write, body in zip(batch, bodies, strict=True) if not isinstance(body, ConnectorError)
        ]
        done: Iterator[Outcome] = iter(())
        if sent:
            rows = [(write.change.target.external_id, body) for write, body in sent if write.change.target is not None]
            call = codec_writes.update_call(module, self._settings, rows)
            call = codec_writes.unless_modified(call, sent[0][0])
            done = iter(self._sent(call, module, [write for write, _ in sent]))
        return [body if isinstance(body, ConnectorError) else next(done) for body in bodies]

    def _body(self, module: Module, write: Write) -> dict[str, WireValue] | ConnectorError:
        """What an update or a void sends, or why nothing can be sent."""
        change = write.change
        if change.target is None:
            return Unsupported(f"a change of a {change.kind} needs its target", system=self._system)
        body = {name: value for name, value in write.body.items() if name != self._settings.key_field}
        if change.action is Action.VOID:
            status = self._void_status(module)
            if status is None:
                return Unsupported(f"{module.wire_type} have no status that means void", system=self._system)
            body.setdefault("Status", status)
        elif change.action is not Action.UPDATE:
            return Unsupported(f"Zoho CRM has no {change.action} of a {change.kind}", system=self._system)
        if not body:
            return Unsupported("none of the changed fields is one that Zoho CRM takes", system=self._system)
        return body

    def _void_status(self, module: Module) -> str | None:
        return {
            Kind.INVOICE: self._settings.void_invoice_status,
            Kind.PAYMENT: self._settings.void_payment_status,
        }.get(module.kind)

    def _sent(self, call: Call, module: Module, writes: Sequence[Write]) -> Sequence[Outcome]:
        reply = self._reply(call)
        return codec_writes.outcomes(reply, module, self._settings, writes, self._system)

    def _reply(self, call: Call) -> Reply:
        """The reply with its results of records, whatever its HTTP status says."""
        try:
            return self._reader.send(call)
        except RecordResults as refused:
            return refused.reply

    def _receipt(self, kind: Kind, record_id: str) -> Receipt:
        return Receipt(Ref(system=self._system, kind=kind, external_id=record_id), None, None)


def batches(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Neighbours that may share a call, in order: of one kind and sort of action, up to a hundred, no record twice.

    An update that expects a version goes alone: If-Unmodified-Since serves a whole call (zoho.md 5).
    """
    for _, group in groupby(writes, key=lambda write: (write.change.kind, write.change.action is Action.CREATE)):
        batch: list[Write] = []
        taken: set[str] = set()
        for write in group:
            name = _named(write)
            if batch and (_alone(write) or len(batch) == BATCH_MAX or name in taken or _alone(batch[0])):
                yield batch
                batch, taken = [], set()
            batch.append(write)
            taken.add(name)
        yield batch


def _alone(write: Write) -> bool:
    return write.change.action is not Action.CREATE and write.change.expected is not None


def _named(write: Write) -> str:
    """What a record is told apart by within a call: two changes of one record stay two calls, in order."""
    target = write.change.target
    return write.change.key if target is None else target.external_id
