"""What goes into an allocation and what comes out: frozen values, amounts in integer minor units of one currency.

msgspec structs rather than pydantic models: a run makes some hundred thousand of them, and they are checked by
:func:`~ledgerbridge.reconciler.allocation.engine.allocate`, which reports a bad one instead of refusing the customer.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from ledgerbridge.model.invoice import InvoiceKind
from ledgerbridge.model.payment import DifferenceKind, PaymentKind

Share = tuple[str, int]
"""Id of a payment or item, and how much of it a match uses: minor units, with the sign of the document."""


class Rule(StrEnum):
    """Why money went where it went; also the name of a pass (DESIGN section 6)."""

    GIVEN = "given"  # the ERP says so
    REVERSAL = "reversal"  # 红冲: a credit note takes back exactly the document that it names
    REFERENCE = "reference"  # the remittance text names it
    UNIQUE_AMOUNT = "unique_amount"  # the only document and the only payment of this amount
    SUMS = "sums"  # several documents or several payments add up, in one way only
    TOLERANCE = "tolerance"  # equal but for a difference within a named limit
    NAMED_PART = "named_part"  # part payment of the document that the text names
    REFUND = "refund"  # money back: a credit note, or what was paid too much
    OLDEST_FIRST = "oldest_first"  # by policy alone


class Confidence(StrEnum):
    """How much a match rests on."""

    CERTAIN = "certain"  # somebody's explicit word
    HIGH = "high"  # named in full
    MEDIUM = "medium"  # a damaged name and the amount, or the amount and uniqueness
    LOW = "low"  # policy alone


class OpenItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A receivable document of one customer. A credit note has negative amounts.

    `open_minor` is what was unpaid before this run, given allocations not yet counted; 0 is welcome: a payment that names
    a settled document is then told apart from one that names nothing. `numbers` are the document's own (document
    number, tax invoice number, tax invoice code and number together), `references` those of orders, contracts and
    deliveries, which several documents may share. `reverses` is the id or a number of the document taken back.
    """

    id: str
    numbers: tuple[str, ...]
    kind: InvoiceKind
    amount_minor: int
    open_minor: int
    currency: str
    issued_on: date
    due_on: date | None = None
    references: tuple[str, ...] = ()
    reverses: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A money movement of one customer; a refund has a negative amount.

    What it can settle is `amount_minor + fee_minor`, of which `open_minor` is not applied yet before this run, given
    allocations not counted (None: all of it). `text` is what the payer wrote.
    """

    id: str
    amount_minor: int
    currency: str
    received_on: date
    kind: PaymentKind = PaymentKind.RECEIPT
    fee_minor: int = 0
    open_minor: int | None = None
    text: str = ""

    @property
    def to_apply_minor(self) -> int:
        """What of it can still settle something, before this run."""
        return self.amount_minor + self.fee_minor if self.open_minor is None else self.open_minor


class GivenAllocation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An allocation that the ERP states. Either `payment_id`, or `credit_id` for a credit note applied to `item_id`.

    `amount_minor` has the sign of the item; of a credit note the same amount is used up with the other sign.
    """

    id: str
    item_id: str
    amount_minor: int
    currency: str
    allocated_on: date
    payment_id: str | None = None
    credit_id: str | None = None


class Match(msgspec.Struct, frozen=True, gc=False):
    """Money (or a credit note) applied to documents.

    `payments` and `items` say how much of each is used up; both sides carry their signs. `difference_minor` is
    Σ items - Σ payments: written off on the documents when positive, kept as a gain when negative; its reason is
    `difference`, and `limit` names the setting that allowed it. `difference` EXACT: all that took part is used up;
    PARTIAL: something is left on a document or a payment.
    """

    rule: Rule
    currency: str
    payments: tuple[Share, ...]
    items: tuple[Share, ...]
    difference: DifferenceKind
    difference_minor: int
    evidence: tuple[str, ...]
    confidence: Confidence
    limit: str | None = None

    @property
    def amount_minor(self) -> int:
        """Σ payments: what money did in it; 0 when documents are netted."""
        return sum(amount for _, amount in self.payments)


class Outcome(StrEnum):
    """Why a pass that looked at a payment did not settle it."""

    AMBIGUOUS = "ambiguous"  # several readings fit
    CONTESTED = "contested"  # one reading fits, and its documents fit another payment as well
    UNPROVEN = "unproven"  # the step budget ended before it was known to be the only reading
    NAMES_SETTLED = "names_settled"  # the text names only documents that are settled: paid twice?
    OTHER_CURRENCY = "other_currency"  # the text names a document of another currency
    NOT_ADDING_UP = "not_adding_up"  # what the text names does not add up to the payment
    TOO_MANY = "too_many"  # more candidates than the policy lets a sum be searched in
    BY_CHANCE = "by_chance"  # so many sums are possible that one of them fits by chance
    PREPAYMENT = "prepayment"  # money in advance is not linked by its amount

    @property
    def holds(self) -> bool:
        """Whether no later pass may settle the payment either (invariant 6)."""
        return self in HOLDING


HOLDING: Final = frozenset(
    {Outcome.AMBIGUOUS, Outcome.CONTESTED, Outcome.UNPROVEN, Outcome.NAMES_SETTLED, Outcome.OTHER_CURRENCY}
)
"""The outcomes that hold."""


class Note(msgspec.Struct, frozen=True, gc=False):
    """What one pass, at the end of the run, had to say about a payment that it did not settle.

    `candidates` are the sets of ids that fit: documents, or for a refund also payments.
    """

    rule: Rule
    outcome: Outcome
    candidates: tuple[tuple[str, ...], ...] = ()
    detail: str = ""


class Ambiguous(msgspec.Struct, frozen=True, gc=False):
    """A payment that a person must decide: what is left of it, and the sets of ids that fit."""

    payment_id: str
    currency: str
    left_minor: int
    rule: Rule
    outcome: Outcome
    candidates: tuple[tuple[str, ...], ...]
    detail: str = ""


class Leftover(msgspec.Struct, frozen=True, gc=False):
    """What is left of a payment (unapplied cash, minor units with its sign) or of a document (open item)."""

    id: str
    currency: str
    left_minor: int


class FindingCode(StrEnum):
    """What is wrong with the input."""

    DUPLICATE_ID = "duplicate_id"
    WRONG_SIGN = "wrong_sign"
    OPEN_BEYOND_TOTAL = "open_beyond_total"
    UNKNOWN_CURRENCY = "unknown_currency"
    UNKNOWN_PAYMENT = "unknown_payment"
    UNKNOWN_ITEM = "unknown_item"
    CURRENCY_MISMATCH = "currency_mismatch"
    OVER_ALLOCATED = "over_allocated"
    NAMES_OTHER_CURRENCY = "names_other_currency"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """Something that a person must look at; the record named by `subject` took no part, or not in that way."""

    code: FindingCode
    subject: str
    message: str


class Result(msgspec.Struct, frozen=True, gc=False):
    """All that was decided about one customer. Order of every tuple: by currency, then as decided or by date and id.

    `payments_left` and `items_left` hold every record that took part and is not used up; `notes` has, for a payment
    that is not used up, what the passes of the last round said about it. `rules` are the passes in force.
    """

    matches: tuple[Match, ...]
    ambiguous: tuple[Ambiguous, ...]
    payments_left: tuple[Leftover, ...]
    items_left: tuple[Leftover, ...]
    findings: tuple[Finding, ...]
    notes: dict[str, tuple[Note, ...]]
    rules: tuple[Rule, ...]
    steps: int
    """How many steps the search for sums took in all."""
