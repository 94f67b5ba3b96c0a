"""Carries out writes: in calls of up to a hundred, in the order given, one outcome each (zoho.md 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final, TypeAlias

from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.base import Outcome, Write
from ledgerbridge.errors import ConnectorError, NotAllowed, NotSignedIn, Unavailable, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action
from ledgerbridge.model.raw import Receipt

from . import codec_writes
from .catalog import MODULES, Module
from .codec import RecordResults
from .reading import Reader
from .settings import BATCH_MAX, ZohoCrmSettings

_STOPS: Final = (Unavailable, NotSignedIn, NotAllowed)
"""After one of these nothing more is sent: it would end the same way."""


_Done: TypeAlias = tuple[list[Outcome], ConnectorError | None]
"""What became of each write of a batch, and the error after which nothing more is sent."""
_Build: TypeAlias = Callable[[Module, ZohoCrmSettings, Sequence[Write]], Call]


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
            module = MODULES[batch[0].change.kind]
            step = self._create if batch[0].change.action is Action.CREATE else self._change
            outcomes, stop = step(module, batch)
            found += outcomes
        return tuple(found)

    def _create(self, module: Module, batch: Sequence[Write]) -> _Done:
        """New records; those whose key exists already were made by an earlier push and are left as they are."""
        try:
            known = self._reader.written_before(module, [write.change.key for write in batch])
        except ConnectorError as error:
            return [error] * len(batch), error if isinstance(error, _STOPS) else None
        new = [write for write in batch if write.change.key not in known]
        outcomes, stop = self._sent(codec_writes.upsert_call, module, new)
        made = iter(outcomes)
        return [
            self._receipt(module.kind, known[write.change.key]) if write.change.key in known else next(made)
            for write in batch
        ], stop

    def _change(self, module: Module, batch: Sequence[Write]) -> _Done:
        """Updates and voids by id. What cannot be sent has its reason as outcome, the rest goes in one call."""
        faults = [self._unsendable(module, write) for write in batch]
        sent = [write for write, fault in zip(batch, faults, strict=True) if fault is None]
        outcomes, stop = self._sent(codec_writes.update_call, module, sent)
        done = iter(outcomes)
        return [next(done) if fault is None else fault for fault in faults], stop

    def _unsendable(self, module: Module, write: Write) -> ConnectorError | None:
        """Why an update or a void cannot be sent; None if it can."""
        change = write.change
        if change.target is None:
            why = f"a change of a {change.kind} needs its target"
        elif change.action is Action.VOID and codec_writes.void_status(module, self._settings) is None:
            why = f"{module.wire_type} have no status that means void"
        elif change.action not in (Action.VOID, Action.UPDATE):
            why = f"Zoho CRM has no {change.action} of a {change.kind}"
        elif not codec_writes.changed_fields(module, self._settings, write):
            why = "none of the changed fields is one that Zoho CRM takes"
        elif change.expected is not None and codec_writes.read_at(write) is None:
            why = "the expected version has no Modified_Time to go by; pull the record again and plan anew"
        else:
            return None
        return Unsupported(why, system=self._system)

    def _sent(self, build: _Build, module: Module, writes: Sequence[Write]) -> _Done:
        """Send one call, if there is anything to send; an error of the call is the outcome of each of its writes."""
        if not writes:
            return [], None
        try:
            reply = self._reply(build(module, self._settings, writes))
        except ConnectorError as error:
            return [error] * len(writes), error if isinstance(error, _STOPS) else None
        return list(codec_writes.outcomes(reply, module, self._settings, writes, self._system)), None

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
