"""Two documents that are one: what differs, and what each difference does to balances.

The way from the leading document to the compared one is walked in steps, one thing changed at each: status, amount, day,
currency, customer. A step's effect is what it does to the balances, so that the steps together are exactly the gap that the two
documents leave, whatever differs at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pydantic import JsonValue

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.exception import Code, Finding
from ledgerbridge.model.invoice import DocumentStatus
from ledgerbridge.model.ledger import LedgerDocument
from ledgerbridge.model.money import Money, to_decimal

from .scope import Aspect, Scope
from .values import NOT_HELD, NOT_LINKED, TOLERATED, Difference, Effect, effects_of

_AMOUNT_FIELD: Final = {Kind.INVOICE: "total_minor", Kind.PAYMENT: "amount_minor"}
_DAY_FIELD: Final = {Kind.INVOICE: "issued_on", Kind.PAYMENT: "received_on"}


def moved(document: LedgerDocument, scope: Scope) -> int:
    """What a document does to its customer's balance: an invoice adds, a payment takes away; 0 if it does not count."""
    if not scope.counts(document):
        return 0
    return document.settled_minor if document.kind is Kind.INVOICE else -document.settled_minor


def compared(leading: LedgerDocument, other: LedgerDocument, scope: Scope) -> Iterator[Difference]:
    """All differences between two documents that are one. Nothing of documents that count on neither side for good.

    Two voids or two drafts are not looked into, nor are two documents that are both dated after the day.
    """
    if scope.later(leading.business_on) and scope.later(other.business_on):
        return
    at = leading
    if leading.status is not other.status:
        void = DocumentStatus.VOID in {leading.status, other.status}
        code = Code.VOID_ON_ONE_SIDE if void else Code.STATUS_DIFFERS
        to = replace(at, status=other.status)
        said = str(leading.status), str(other.status)
        yield _difference(code, ("status",), _step(at, to, scope), leading, other, scope, said)
        at = to
        if DocumentStatus.APPROVED not in {leading.status, other.status}:
            return
    elif leading.status is not DocumentStatus.APPROVED:
        return
    yield from _money(leading, other, scope, at)
    yield from _quiet(leading, other, scope)


def _money(leading: LedgerDocument, other: LedgerDocument, scope: Scope, at: LedgerDocument) -> Iterator[Difference]:
    """What moves a balance, apart from the status. Amount and day first: their effects then are on the balance that the leading
    document names, even where it is under another customer on the other side.
    """
    if leading.settled_minor != other.settled_minor:
        to = replace(at, settled_minor=other.settled_minor)
        effects = _step(at, to, scope)
        name = scope.tolerated(leading.currency, other.settled_minor - leading.settled_minor)
        if name is not None and leading.currency == other.currency:
            yield Difference(f"{TOLERATED}:{name}", effects)
        else:
            fields = (_AMOUNT_FIELD[leading.kind],)
            said = shown(leading.settled_minor, leading.currency), shown(other.settled_minor, other.currency)
            yield _difference(Code.AMOUNT_DIFFERS, fields, effects, leading, other, scope, said)
        at = to
    if leading.business_on != other.business_on:
        to = replace(at, business_on=other.business_on)
        timing = scope.later(leading.business_on) is not scope.later(other.business_on)
        code = Code.TIMING if timing else Code.DATE_DIFFERS
        said = leading.business_on.isoformat(), other.business_on.isoformat()
        fields = (_DAY_FIELD[leading.kind],)
        yield _difference(code, fields, _step(at, to, scope), leading, other, scope, said)
        at = to
    if leading.currency != other.currency:
        to = replace(at, currency=other.currency)
        said = leading.currency, other.currency
        yield _difference(Code.CURRENCY_DIFFERS, ("currency",), _step(at, to, scope), leading, other, scope, said)
        at = to
    if leading.account.key != other.account.key:
        to = replace(at, account=other.account)
        effects = _step(at, to, scope)
        pair = leading.account.key, other.account.key
        if leading.account.entity is None or other.account.entity is None or pair in scope.doubted:
            yield Difference(NOT_LINKED, effects)
        else:
            said = leading.account.name or leading.account.key, other.account.name or other.account.key
            yield _difference(Code.CUSTOMER_DIFFERS, ("customer",), effects, leading, other, scope, said)


def _quiet(leading: LedgerDocument, other: LedgerDocument, scope: Scope) -> Iterator[Difference]:
    """What moves no balance. What one side does not say is no difference, nor is the tax or fee of another amount."""
    tax, theirs = leading.tax_minor, other.tax_minor
    same_money = (leading.settled_minor, leading.currency) == (other.settled_minor, other.currency)
    if Aspect.TAX in scope.aspects and tax is not None and theirs is not None and same_money:
        name = scope.tolerated(leading.currency, theirs - tax)
        if tax != theirs and name is not None:
            yield Difference(f"{TOLERATED}:{name}", ())
        elif tax != theirs:
            said = shown(tax, leading.currency), shown(theirs, other.currency)
            yield _difference(Code.TAX_DIFFERS, ("tax_minor",), (), leading, other, scope, said)
    for aspect, name in ((Aspect.FEE, "fee_minor"), (Aspect.DUE_DATE, "due_on"), (Aspect.DOCUMENT_KIND, "doc_kind")):
        ours, other_one = getattr(leading, name), getattr(other, name)
        if aspect in scope.aspects and ours is not None and other_one is not None and ours != other_one:
            said = str(ours), str(other_one)
            if aspect is Aspect.FEE:
                if not same_money:
                    continue
                said = shown(ours, leading.currency), shown(other_one, other.currency)
            field = "kind" if name == "doc_kind" else name
            yield _difference(Code.FIELD_DIFFERS, (field,), (), leading, other, scope, said)


def _step(before: LedgerDocument, after: LedgerDocument, scope: Scope) -> tuple[Effect, ...]:
    return effects_of(
        [
            ((before.account.key, before.currency), -moved(before, scope)),
            ((after.account.key, after.currency), moved(after, scope)),
        ]
    )


_ACTIONS: Final = {
    Code.AMOUNT_DIFFERS: "take_erp_amount",
    Code.DUPLICATE: "investigate",
    Code.TIMING: "wait",
    Code.VOID_ON_ONE_SIDE: "investigate",
    Code.STATUS_DIFFERS: "investigate",
}


def _difference(
    code: Code,
    fields: tuple[str, ...],
    effects: tuple[Effect, ...],
    leading: LedgerDocument,
    other: LedgerDocument,
    scope: Scope,
    said: tuple[str, str],
) -> Difference:
    evidence: dict[str, JsonValue] = {scope.leading: said[0], scope.compared: said[1]}
    refs = refs_of(leading, scope.leading) + refs_of(other, scope.compared)
    action = _ACTIONS.get(code, "take_erp_value")
    return Difference(code.value, effects, finding_of(code, leading, effects, scope, fields, refs, evidence, action))


def alone(
    document: LedgerDocument, scope: Scope, *, in_leading: bool, twins: tuple[LedgerDocument, ...]
) -> Difference | None:
    """A document without its like in the other system; None if it counts nowhere, and so need not be there.

    `twins` are documents of its number beside it: with one that is like it, it is a duplicate, else missing on the other side.
    """
    minor = moved(document, scope)
    if not scope.counts(document):
        return None
    account, currency = document.account, document.currency
    effects = effects_of([((account.key, currency), -minor if in_leading else minor)])
    if in_leading and scope.held is not None and account.entity not in scope.held:
        return Difference(NOT_HELD, effects)
    holder, lacking = (scope.leading, scope.compared) if in_leading else (scope.compared, scope.leading)
    refs = refs_of(document, holder)
    amount = shown(document.settled_minor, currency)
    if any(_alike(document, twin) for twin in twins):
        numbers: list[JsonValue] = [key for twin in twins for key in twin.external_ids]
        evidence: dict[str, JsonValue] = {"more_often_in": holder, "amount": amount, "beside": numbers}
        finding = finding_of(Code.DUPLICATE, document, effects, scope, (), refs, evidence, _ACTIONS[Code.DUPLICATE])
        return Difference(Code.DUPLICATE.value, effects, finding)
    evidence = {holder: amount, lacking: None, "on": document.business_on.isoformat()}
    action = "create_in_crm" if in_leading else "investigate"
    finding = finding_of(Code.MISSING, document, effects, scope, (), refs, evidence, action)
    return Difference(Code.MISSING.value, effects, finding)


def _alike(one: LedgerDocument, other: LedgerDocument) -> bool:
    return one.account.key == other.account.key or (one.currency, one.settled_minor) == (
        other.currency,
        other.settled_minor,
    )


def finding_of(
    code: Code,
    document: LedgerDocument,
    effects: tuple[Effect, ...],
    scope: Scope,
    fields: tuple[str, ...],
    refs: tuple[Ref, ...],
    evidence: dict[str, JsonValue],
    action: str,
) -> Finding:
    """A finding about a document; its `difference` is what it does to the balance that the document itself names."""
    own = document.account.key, document.currency
    minor = sum(effect.minor for effect in effects if (effect.account, effect.currency) == own)
    if len(effects) > 1:
        evidence = {**evidence, "effects": [[one.account, shown(one.minor, one.currency)] for one in effects]}
    return Finding(
        code=code,
        kind=document.kind,
        systems=(scope.leading, scope.compared),
        refs=refs,
        entity=document.entity,
        customer=document.account.entity,
        customer_name=document.account.name,
        number=document.number,
        fields=fields,
        difference=Money(minor=minor, currency=document.currency),
        business_on=document.business_on,
        evidence=evidence,
        action=action,
    )


def refs_of(document: LedgerDocument, system: str) -> tuple[Ref, ...]:
    """Where the records of a document are."""
    return tuple(Ref(system=system, kind=document.kind, external_id=key) for key in document.external_ids)


def shown(minor: int, currency: str) -> str:
    """An amount as evidence: exact, with its currency."""
    return f"{to_decimal(minor, currency)} {currency}"
