"""What a person must look at besides the differences between systems: cash, doubts of identity, writes that went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.exception import Code, Finding
from ledgerbridge.model.identity import plain_evidence
from ledgerbridge.model.money import Money
from ledgerbridge.model.operation import DEAD_LETTERS, Operation, OpState
from ledgerbridge.model.plan import ConflictState
from ledgerbridge.store import Tx, conflicts, identity, operations

from .books import Books
from .outcome import Waiting
from .rules import Rules

_NAMED_MAX: Final = 500
_SHOWN_MAX: Final = 8
_CONFLICTS_MAX: Final = 100_000
_UNDECIDED: Final = frozenset({"ambiguous", "contested", "unproven"})
_STUCK: Final = (*sorted(DEAD_LETTERS), OpState.UNCERTAIN)


def of_cash(books: Books, rules: Rules, as_of: date) -> Iterator[Finding]:
    """Payments that fit several documents, money unapplied for too long, and statements of the ERP that cannot be right."""
    oldest = (as_of - timedelta(days=rules.unapplied_days)).isoformat()
    for one in books.cash.waiting:
        if one.outcome in _UNDECIDED:
            yield _waiting(books, rules, one, Code.AMBIGUOUS_ALLOCATION, "allocate")
        elif one.on <= oldest:
            yield _waiting(books, rules, one, Code.UNAPPLIED_CASH, "ask_customer")
    for fault in books.cash.faults:
        kind, slash, external_id = fault.subject.partition("/")
        known = slash and kind in (Kind.INVOICE, Kind.PAYMENT)
        yield Finding(
            code=Code.ALLOCATION_FAULTY,
            kind=Kind(kind) if known else Kind.ALLOCATION,
            systems=(rules.lead,),
            refs=(Ref(system=rules.lead, kind=Kind(kind), external_id=external_id),) if known else (),
            customer=books.entity,
            customer_name=_line(books.account.name),
            number=_line(external_id if known else fault.subject),
            evidence={"fault": fault.code, "message": fault.message},
            action="correct_in_erp",
        )


def _waiting(books: Books, rules: Rules, one: Waiting, code: Code, action: str) -> Finding:
    external_id = one.payment_id.partition("/")[2]
    evidence = {"pass": one.rule, "outcome": one.outcome, "detail": one.detail}
    return Finding(
        code=code,
        kind=Kind.PAYMENT,
        systems=(rules.lead,),
        refs=(Ref(system=rules.lead, kind=Kind.PAYMENT, external_id=external_id),),
        customer=books.entity,
        customer_name=_line(books.account.name),
        number=_line(one.number),
        difference=Money(minor=one.left_minor, currency=one.currency),
        business_on=date.fromisoformat(one.on),
        evidence={
            **{name: text for name, text in evidence.items() if text},
            **({"candidates": [list(ids) for ids in one.candidates[:_SHOWN_MAX]]} if one.candidates else {}),
        },
        action=action,
    )


def of_identity(tx: Tx) -> Iterator[Finding]:
    """Pairs of records that may be the same and wait for a person."""
    for doubt in identity.doubts(tx):
        evidence = plain_evidence(doubt.evidence)
        yield Finding(
            code=Code.AMBIGUOUS_LINK,
            kind=doubt.left.kind,
            systems=tuple(dict.fromkeys((doubt.left.system, doubt.right.system))),
            refs=(doubt.left, doubt.right),
            number=_line(doubt.left.external_id),
            evidence={
                "score": doubt.score,
                "reasons": list(doubt.reasons),
                "evidence": [f"{one['part']}: {one['finding']}" for one in evidence],
                "rivals": [str(rival) for rival in doubt.rivals],
            },
            action="link",
        )


def of_writes(tx: Tx) -> Iterator[Finding]:
    """Writes that were refused or went wrong, and fields that both sides changed."""
    for operation in operations.listing(tx, states=_STUCK):
        yield _stuck(operation)
    open_now = (ConflictState.OPEN,)
    for case in conflicts.cases(tx, states=open_now, limit=_CONFLICTS_MAX):
        met = case.conflict
        yield Finding(
            code=Code.BOTH_SIDES_CHANGED,
            kind=met.kind,
            systems=(met.left.system, met.right.system),
            refs=(met.left, met.right),
            entity=met.entity,
            number=_line(case.title),
            fields=(met.path,),
            evidence={"left": met.left_value, "right": met.right_value, "base": met.base},
            action="investigate",
        )


def _stuck(operation: Operation) -> Finding:
    change = operation.change
    refused = operation.state is OpState.REJECTED
    return Finding(
        code=Code.REFUSED_BY_SYSTEM if refused else Code.OUTCOME_UNKNOWN,
        kind=change.kind,
        systems=(change.system,),
        refs=(change.target,) if change.target is not None else (),
        entity=change.entity,
        number=_line(f"{change.action} {operation.idem_key}"),
        evidence={"state": str(operation.state), "why": operation.why or "", "plan": operation.plan_id},
        action="investigate" if refused else "read_back",
    )


def _line(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())[:_NAMED_MAX]
