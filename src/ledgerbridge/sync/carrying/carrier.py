"""One system's writing side, as the queue asks for it: send once, look, keep the books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, Protocol, Self

from ledgerbridge import log as logging
from ledgerbridge.connectors.base import Capabilities, Connector, Outcome, SafetyClass, Write
from ledgerbridge.errors import ConnectorError, LedgerbridgeError, LinkError, Refused, StoreError, Unsupported
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.operation import (
    Answer,
    Done,
    Moved,
    NotSent,
    Operation,
    Present,
    Rejected,
    Sighting,
    Unknown,
)
from ledgerbridge.queue.port import SEND_SECONDS_MAX, Terms
from ledgerbridge.store import Store, Tx, links

from .answering import answer_of, defect, not_read
from .drafting import CannotDraft, Draft, Drafting, WriteMaps
from .keeping import keep
from .looking import Evidence, Looking
from .pacing import Bounded, Overdue, Pace

MONEY: Final = frozenset({Kind.INVOICE, Kind.PAYMENT, Kind.ALLOCATION})
"""Kinds that are claims or money: never repeated where the far side cannot tell a repeat."""
BATCH_MAX: Final = 100
"""Writes of one sending at most: a sending has a deadline, whatever a far side's batches hold."""
_log = logging.get(__name__)


class Agree(Protocol):
    """Notes what a verified record now says as agreed between the systems of a flow. Idempotent."""

    def __call__(self, tx: Tx, operation: Operation, found: Evidence) -> None:
        """In the transaction that makes the operation verified."""
        ...


class SystemCarrier:
    """The queue's Carrier over one configured system. `connect` opens its connector, which is kept until :meth:`close`.

    `settle_s` is how long a lost write may still appear. `agree` keeps the flow's agreed values.
    """

    def __init__(
        self,
        system: str,
        connect: Callable[[], Connector],
        store: Store,
        maps: WriteMaps,
        capabilities: Capabilities,
        *,
        settle_s: float = 150.0,
        agree: Agree | None = None,
    ) -> None:
        self.system = system
        self._connect = connect
        self._store = store
        self._maps = maps
        self._capabilities = capabilities
        self._settle_s = settle_s
        self._agree = agree
        self._open = ExitStack()
        self._connector: Connector | None = None
        self._drafting = Drafting(store, system, capabilities, maps)
        self._looking = Looking(store, system, self._drafting)
        self._pace = Pace(capabilities.requests_per_minute_max, store.clock)

    def terms(self, kind: Kind, action: Action) -> Terms:
        """By the safety class (RELIABILITY.md 6.4): a person's approval for money that the far side cannot tell apart.

        Updates and voids say what the record is to be, so that they may be sent again once it was seen that they did not
        happen.
        """
        facts = self._capabilities
        if action is not Action.CREATE:
            return Terms(resend=True, settle_s=self._settle_s)
        keyed, money = is_keyed(facts, kind), kind in MONEY
        lookup = facts.safety.get(kind) is SafetyClass.LOOKUP
        return Terms(
            resend=keyed or (lookup and not money),
            batch_max=max(1, min(facts.batch_size_max, BATCH_MAX)),
            settle_s=self._settle_s,
            unattended=not may_double(facts, kind),
            resends_max=1 if lookup else 5,
        )

    def check(self) -> str | None:
        """None if the far side answers its cheapest signed-in call, else why not."""
        try:
            self._far().check()
        except LedgerbridgeError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 (a breaker's probe must not end the worker)
            return f"{self.system}: the check {defect(error)}"
        return None

    def send(self, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        """One answer each. What cannot be mapped, has moved or says it already is not sent; the rest goes in one push."""
        answers: dict[int, Answer] = {}
        drafts: dict[int, Draft] = {}
        for place, operation in enumerate(operations):
            found = self._prepared(operation.change)
            if isinstance(found, Draft):
                drafts[place] = found
            else:
                answers[place] = found
        wait_s = self._pace.wait_s(len(drafts)) if drafts else 0.0
        if wait_s:
            why = f"{self.system}: the limit of its calls is reached"
            answers |= dict.fromkeys(drafts, NotSent(why, wait_s, paused=True))
        elif drafts:
            sent = self._pushed([draft.write for draft in drafts.values()])
            for (place, draft), answer in zip(drafts.items(), sent, strict=True):
                answers[place] = answer if isinstance(answer, Done) else self._settled(draft.write.change, answer)
        return tuple(answers[place] for place in range(len(operations)))

    def look(self, operation: Operation) -> Sighting:
        """What is there now; NotSent if it could not be looked."""
        try:
            return self._looking.look(operation, self._far())
        except ConnectorError as error:
            return not_read(error)
        except StoreError:
            raise
        except LedgerbridgeError as error:
            return NotSent(str(error))
        except Exception as error:  # noqa: BLE001 (whatever a connector does, nothing was written by looking)
            _log.exception("look broke", system=self.system, op_id=operation.id)
            return NotSent(f"{self.system}: looking {defect(error)}")

    def confirmed(self, tx: Tx, operation: Operation, seen: Present | None) -> None:
        """Link the new record to its entity. A system with several records per entity names the part when it is read back."""
        change = operation.change
        if change.action is not Action.CREATE:
            return
        if seen is not None:
            self._bind(tx, change, seen.ref, _evidence(seen))
        elif operation.foreign is not None and not self._has_parts(change.kind):
            self._bind(tx, change, operation.foreign, None)

    def verified(self, tx: Tx, operation: Operation, seen: Present) -> None:
        """Store what was read back as a pull would, link it, and note the agreed values."""
        change, found = operation.change, _evidence(seen)
        decode = self._maps.decodes.get(change.kind)
        if found is not None and decode is not None:
            at = self._store.clock.now()
            keep(tx, self.system, found.raw, decode, plan_id=operation.plan_id, at=at)
        if change.action is Action.CREATE:
            self._bind(tx, change, seen.ref, found)
        if self._agree is not None and found is not None:
            self._agree(tx, operation, found)

    def close(self) -> None:
        """Close the connector if it was opened."""
        self._connector = None
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # -- sending

    def _prepared(self, change: Change) -> Draft | Answer:
        """The draft to send, or the answer that makes sending needless or impossible; nothing is written here."""
        try:
            draft = self._drafting.draft(change)
            if change.action is Action.CREATE or change.kind in self._capabilities.conditional_update:
                return draft
            return self._met(change, draft) or draft
        except CannotDraft as fault:
            return Rejected(f"{self.system}: {fault}")
        except ConnectorError as error:
            return not_read(error)
        except StoreError as error:
            return NotSent(str(error))
        except Exception as error:  # noqa: BLE001 (one operation stops nothing but itself)
            _log.exception("draft broke", system=self.system, entity=change.entity)
            return Rejected(f"{self.system}: making the body {defect(error)}; nothing was sent")

    def _met(self, change: Change, draft: Draft | None) -> Answer | None:
        """What the target itself says before an update or a void: done already, moved, or (None) as it was planned with."""
        assert change.target is not None  # a draft was made of it
        now = self._far().get(change.target)
        return self._looking.before_writing(change, draft, now)

    def _pushed(self, writes: Sequence[Write]) -> tuple[Answer, ...]:
        """Push once, within the deadline. An error of the whole push is the answer to each of its writes."""
        push = Bounded(lambda: self._far().push(writes), f"send-{self.system}")
        try:
            outcomes: tuple[Outcome, ...] = push(SEND_SECONDS_MAX)
        except Overdue:
            why = f"{self.system}: no end after {SEND_SECONDS_MAX:g} s; it may have happened"
            return (Unknown(why),) * len(writes)
        except Unsupported as error:
            return (Rejected(str(error), error.code),) * len(writes)
        except ConnectorError as error:
            return (Unknown(str(error)),) * len(writes)
        except Exception as error:  # noqa: BLE001 (whatever a connector does, it may have happened)
            _log.exception("sending broke", system=self.system, records=len(writes))
            return (Unknown(f"{self.system}: sending {defect(error)}"),) * len(writes)
        if len(outcomes) != len(writes):
            why = f"{self.system}: {len(outcomes)} outcomes of {len(writes)} writes; this is a defect to report"
            return (Unknown(why),) * len(writes)
        return tuple(self._answer(write.change, outcome) for write, outcome in zip(writes, outcomes, strict=True))

    def _answer(self, change: Change, outcome: Outcome) -> Answer:
        if isinstance(outcome, Refused) and change.action is not Action.CREATE:
            return Moved(str(outcome)) if outcome.code in _MOVED_CODES else Rejected(str(outcome), outcome.code)
        return answer_of(outcome)

    def _settled(self, change: Change, answer: Answer) -> Answer:
        """A refused update or void may be one whose target moved, or says it already: look, once, at what is there."""
        if not isinstance(answer, Rejected | Moved) or change.action is Action.CREATE or change.target is None:
            return answer
        if change.kind not in self._capabilities.conditional_update:
            return answer
        try:
            return self._met(change, None) or answer
        except ConnectorError:
            return answer  # the refusal stands whether it can be explained or not

    # -- books

    def _bind(self, tx: Tx, change: Change, ref: Ref, found: Evidence | None) -> None:
        """LinkError leaves the record unlinked: verifying looks at the links and finds the contradiction."""
        tx.take_turn(links.LOCK)
        part = found.part if found is not None else ""
        try:
            links.bind(tx, ref, change.entity, at=self._store.clock.now(), part=part)
        except LinkError as error:
            _log.warning("link refused", system=self.system, entity=change.entity, ref=str(ref), error=str(error))

    def _has_parts(self, kind: Kind) -> bool:
        spec = self._maps.specs.get(kind)
        return spec is not None and "part" in spec.fields

    def _far(self) -> Connector:
        if self._connector is None:
            self._connector = self._open.enter_context(self._connect())
        return self._connector


_MOVED_CODES: Final = frozenset({"ALREADY_MODIFIED", "version"})
"""Codes by which far sides say that the version is not the one expected."""


def is_keyed(capabilities: Capabilities, kind: Kind) -> bool:
    """Whether a repeated create of a kind makes no second record: classes K and D."""
    return kind in capabilities.safe_create or capabilities.safety.get(kind) in (SafetyClass.KEY, SafetyClass.DRAFT)


def may_double(capabilities: Capabilities, kind: Kind) -> bool:
    """Whether a create is money that the far side could not tell from a repeat of it: a person approves each such plan."""
    return kind in MONEY and not is_keyed(capabilities, kind)


def _evidence(seen: Present) -> Evidence | None:
    return seen.evidence if isinstance(seen.evidence, Evidence) else None
