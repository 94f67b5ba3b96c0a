"""What a person must look at: findings, what becomes of them, and what people decided. Never raised; always stored."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, JsonValue

from .base import Frozen, Key, Kind, Line, Ref, Text
from .change import Action
from .money import Minor, Money


class Code(StrEnum):
    """What kind of finding it is; the words of DESIGN.md section 6. A value is never renamed: it is part of fingerprints."""

    MISSING = "missing"  # in one system, not in the other
    AMOUNT_DIFFERS = "amount_differs"
    TAX_DIFFERS = "tax_differs"
    CURRENCY_DIFFERS = "currency_differs"
    CUSTOMER_DIFFERS = "customer_differs"
    DATE_DIFFERS = "date_differs"
    STATUS_DIFFERS = "status_differs"
    FIELD_DIFFERS = "field_differs"  # a field that carries no money
    DUPLICATE = "duplicate"  # more often in one system than in the other
    VOID_ON_ONE_SIDE = "void_on_one_side"
    TIMING = "timing"  # on both sides, but only on one within the period
    BALANCE_UNEXPLAINED = "balance_unexplained"  # a gap that no cause explains
    AMBIGUOUS_LINK = "ambiguous_link"
    AMBIGUOUS_ALLOCATION = "ambiguous_allocation"
    UNAPPLIED_CASH = "unapplied_cash"
    UNKNOWN_PAYER = "unknown_payer"
    ALLOCATION_FAULTY = "allocation_faulty"  # an allocation of the ERP that cannot be right
    CREDIT_EXCEEDED = "credit_exceeded"
    OVERDUE = "overdue"
    BOTH_SIDES_CHANGED = "both_sides_changed"
    REFUSED_BY_SYSTEM = "refused_by_system"
    OUTCOME_UNKNOWN = "outcome_unknown"
    WRITES_FROZEN = "writes_frozen"


class Severity(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class State(StrEnum):
    """Where an exception stands."""

    OPEN = "open"
    TAKEN = "taken"
    SETTLED = "settled"
    WAIVED = "waived"
    GONE = "gone"


TRANSITIONS: Final[frozenset[tuple[State, State]]] = frozenset(
    {
        (State.OPEN, State.TAKEN),
        (State.OPEN, State.SETTLED),
        (State.OPEN, State.WAIVED),
        (State.OPEN, State.GONE),
        (State.TAKEN, State.OPEN),
        (State.TAKEN, State.SETTLED),
        (State.TAKEN, State.WAIVED),
        (State.TAKEN, State.GONE),
        (State.SETTLED, State.GONE),
        (State.SETTLED, State.OPEN),
        (State.WAIVED, State.GONE),
        (State.WAIVED, State.OPEN),
        (State.GONE, State.OPEN),
    }
)
"""What may follow what; the only place that says so. `gone` is reached when the cause is no longer found, and left for
`open` when it is found again."""


class Finding(Frozen):
    """One finding of one run, as the comparison, the allocation or the sync came upon it: pure, without a life of its own.

    `difference` is what the finding explains of a gap: what the compared system holds minus what the leading one (the ERP)
    holds, signed. `refs` are the records involved, the leading system's first; for a record that is missing, `systems`
    still names where it is not. `evidence` is canonical JSON: amounts as strings with their currency, never floats.
    """

    code: Code
    kind: Kind
    systems: tuple[str, ...] = ()
    refs: tuple[Ref, ...] = ()
    entity: str | None = None
    customer: str | None = None
    """The entity of the customer concerned."""
    customer_name: Line | None = None
    number: Line | None = None
    fields: tuple[str, ...] = ()
    difference: Money | None = None
    business_on: date | None = None
    evidence: dict[str, JsonValue] = {}
    action: Annotated[str, Field(pattern=r"^[a-z_]*$")] = ""
    """The suggested action: a word that reports translate, such as `take_erp_amount`."""

    @property
    def fingerprint(self) -> str:
        """The same finding tomorrow has the same fingerprint, whatever its amounts are by then. 32 hexadecimal characters."""
        parts = [
            self.code,
            self.kind,
            *sorted(self.systems),
            *sorted(str(ref) for ref in self.refs),
            *sorted(self.fields),
        ]
        if not self.refs:
            parts += [self.entity or "", self.customer or "", self.number or ""]
        if self.difference is not None:
            parts.append(self.difference.currency)
        return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()

    @property
    def canonical(self) -> str:
        """All that the finding says, as JSON whose text is the same for equal findings."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def digest(self) -> str:
        """Of :attr:`canonical`: equal digests, nothing to look at again. 32 hexadecimal characters."""
        return digest_of(self.canonical)

    @property
    def salesperson(self) -> str | None:
        """Who sells to the customer: the text `salesperson` of the evidence, for rules that assign by it."""
        found = self.evidence.get("salesperson")
        return found if isinstance(found, str) and found else None


class Side(StrEnum):
    """Which of a finding's `systems` a remedy writes to: the leading one (the ERP, named first) or the other (named last)."""

    LEADING = "leading"
    OTHER = "other"


class Remedy(StrEnum):
    """What can be done about a finding. `erp` in a word stands for the leading system, `crm` for the compared one, whatever
    they are called in the workspace. A value is never renamed: it is stored, and stands in files that finance sends back.
    """

    TAKE_ERP_AMOUNT = "take_erp_amount"
    TAKE_ERP_VALUE = "take_erp_value"
    TAKE_CRM_VALUE = "take_crm_value"
    CREATE_IN_CRM = "create_in_crm"
    CREATE_IN_ERP = "create_in_erp"
    VOID_IN_CRM = "void_in_crm"
    VOID_IN_ERP = "void_in_erp"
    LINK = "link"
    SPLIT_DUPLICATE = "split_duplicate"
    ALLOCATE = "allocate"
    CORRECT_IN_ERP = "correct_in_erp"
    ASK_CUSTOMER = "ask_customer"
    ASK_SALES = "ask_sales"
    REMIND = "remind"
    REVIEW_CREDIT = "review_credit"
    READ_BACK = "read_back"
    INVESTIGATE = "investigate"
    WAIT = "wait"


PLAN_CHANGES: Final[dict[Remedy, tuple[Action, Side]]] = {
    Remedy.TAKE_ERP_AMOUNT: (Action.UPDATE, Side.OTHER),
    Remedy.TAKE_ERP_VALUE: (Action.UPDATE, Side.OTHER),
    Remedy.TAKE_CRM_VALUE: (Action.UPDATE, Side.LEADING),
    Remedy.CREATE_IN_CRM: (Action.CREATE, Side.OTHER),
    Remedy.CREATE_IN_ERP: (Action.CREATE, Side.LEADING),
    Remedy.VOID_IN_CRM: (Action.VOID, Side.OTHER),
    Remedy.VOID_IN_ERP: (Action.VOID, Side.LEADING),
    Remedy.LINK: (Action.LINK, Side.OTHER),
}
"""The remedies that a plan can carry out, and what they are there; the others are work for people."""


class Waiver(Frozen):
    """The wish to let a finding stand as it is, and who agreed. In force while the exception is `waived`; before that it
    waits for a second person. `until` is the last business day on which it holds.
    """

    by: Key
    at: datetime
    text: Text = ""
    until: date | None = None
    needs_second: bool = False
    second: Key | None = None


class Decision(Frozen):
    """What a person decided to do. `by` is who acted in the program, `named` the name typed in a file, if it came in one.

    `seen`: of a finding about one field (or none), by system what the finding said of it when the person decided.
    """

    remedy: Remedy
    fields: tuple[str, ...] = ()
    text: Text = ""
    by: Key
    at: datetime
    named: Line | None = None
    seen: dict[str, JsonValue] = {}


class PlannedDecision(Frozen):
    """A decision that a plan should carry out: do `action` in `system` on the record behind `entity` or `refs`, as `source`,
    the other system of the finding, has it.

    `refs` are the finding's, the leading system's first; for a create, `refs` are where the record is. `fields` are the only
    ones an update may touch (amounts go together all the same); empty: those of the finding. `seen` is the decision's. The plan
    is approved as any other: a decision is no approval.
    """

    exception: str
    remedy: Remedy
    action: Action
    system: str
    source: str
    kind: Kind
    entity: str | None
    refs: tuple[Ref, ...]
    fields: tuple[str, ...]
    by: str
    at: datetime
    text: str
    seen: dict[str, JsonValue] = {}


class Act(StrEnum):
    """What happened to an exception."""

    AMOUNT_CHANGED = "amount_changed"
    GONE = "gone"
    RETURNED = "returned"  # found again after it was gone
    REOPENED = "reopened"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    SETTLED = "settled"
    WAIVER_ASKED = "waiver_asked"
    WAIVER_DROPPED = "waiver_dropped"
    WAIVED = "waived"
    DECIDED = "decided"
    DECISION_DROPPED = "decision_dropped"


class Why(StrEnum):
    """The rule by which something happened without a person."""

    NOT_FOUND = "not_found"
    FOUND_AGAIN = "found_again"
    WORSE = "worse"  # the amount is larger than when a person judged it, or has changed its sign
    STILL_FOUND = "still_found"  # settled, and found again long after
    WAIVER_ENDED = "waiver_ended"
    RULE = "rule"  # of assignment
    LIMIT = "limit"  # a waiver above the limit


class Event(Frozen):
    """One thing that happened to an exception. `actor` is a person, or `ledgerbridge` where a rule acted."""

    at: datetime
    actor: Key
    act: Act
    from_state: State
    to_state: State
    why: Why | None = None
    text: Text = ""
    details: dict[str, JsonValue] = {}


class ExceptionRecord(Frozen):
    """A finding with its life: the same finding tomorrow is the same record.

    `id` is 16 hexadecimal characters over scope, fingerprint and ordinal. `ordinal` tells findings of one fingerprint apart:
    two equal findings of one run are two records. `judged_minor` is the difference when a person last settled, waived or
    decided: what they judged. `version` grows with every stored change.
    """

    id: str
    scope: str
    ordinal: Annotated[int, Field(ge=1)] = 1
    finding: Finding
    state: State
    severity: Severity
    owner: Key | None = None
    first_seen_at: datetime
    last_seen_at: datetime
    moved_at: datetime
    moved_by: Key
    moved_text: Text = ""
    judged_minor: Minor | None = None
    reopened: int = 0
    comments: int = 0
    waiver: Waiver | None = None
    decision: Decision | None = None
    version: int = 1

    @property
    def waits_for_second(self) -> bool:
        """Whether a waiver was asked for and needs another person's yes."""
        return self.waiver is not None and self.state is not State.WAIVED

    @property
    def row_digest(self) -> str:
        """Of all that a person who decides on it was shown; grows stale with any of it. 16 hexadecimal characters."""
        waiver, decision = self.waiver, self.decision
        parts: list[JsonValue] = [self.id, self.finding.digest, self.state, self.owner, self.reopened, self.comments]
        parts.append([waiver.by, waiver.second] if waiver else None)
        parts.append([decision.remedy, *decision.fields] if decision else None)
        text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def digest_of(canonical: str) -> str:
    """The digest of a finding's canonical text. 32 hexadecimal characters."""
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def exception_id(scope: str, fingerprint: str, ordinal: int) -> str:
    """The id of the `ordinal`-th exception of a fingerprint in a scope."""
    text = f"{scope}\x1f{fingerprint}\x1f{ordinal}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
