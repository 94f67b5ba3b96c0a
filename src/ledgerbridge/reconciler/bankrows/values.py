"""What goes into the reading of bank rows and what comes out: frozen values, amounts in integer minor units."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

import msgspec

from ledgerbridge.model.payment import DifferenceKind
from ledgerbridge.reconciler.allocation import OpenItem

Share = tuple[str, int]
"""Id of a document, and how much of it a row settles: minor units."""


class BankRow(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in, as the bank tells it. `amount_minor` is positive; `fee_minor` is what the bank says that it kept.

    Empty texts are "not told". `customer` is the customer's id where a person or the ERP knows it already.
    """

    id: str
    amount_minor: int
    currency: str
    received_on: date
    payer_name: str = ""
    payer_account: str = ""
    text: str = ""
    fee_minor: int = 0
    customer: str | None = None


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as a payer is compared with it. `names` are the registered name first, then every other one: short,
    former, English. `codes` are credit codes and the customer's numbers, which a text may quote.
    """

    id: str
    names: tuple[str, ...]
    codes: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


class PartyItem(NamedTuple):
    """An open item and whose it is. Settled ones (open 0) are welcome: a row that names one is told apart."""

    customer: str
    item: OpenItem


class Confirmed(StrEnum):
    """Who says that a payer pays for a customer."""

    PERSON = "person"
    ERP = "erp"  # the ERP has booked such a payment to the customer
    MATCH = "match"  # a sure match of ours


class LearnedPayer(msgspec.Struct, frozen=True, kw_only=True):
    """A payer that has paid for a customer: its account or its name (one is empty), and how that is known.

    One payer may stand for several customers (an agent, 代付): then it tells less about each. `times` counts payments.
    """

    customer: str
    account: str = ""
    name: str = ""
    confirmed: Confirmed
    times: int = 1


class Said(NamedTuple):
    """One thing that speaks for a reading (bits above 0) or against it: 1 bit doubles the odds."""

    part: str
    finding: str
    bits: float


class Reading(msgspec.Struct, frozen=True):
    """One way to understand a row: this customer, these documents.

    `items` empty: money of the customer for nothing that can be told. `total_minor` is Σ items as far as they are open,
    `difference_minor` that sum less the row's amount and fee: written off as `difference` when that is a fee, a
    discount or a rounding; PARTIAL: something stays open on the document (difference above 0) or on the payment
    (below 0). `score` is the sum of the evidence's bits.
    """

    customer: str
    items: tuple[Share, ...]
    total_minor: int
    difference: DifferenceKind
    difference_minor: int
    limit: str | None
    score: float
    evidence: tuple[Said, ...]


class RowOutcome(StrEnum):
    """What may be done with a row."""

    MATCHED = "matched"  # customer and documents are sure
    CUSTOMER = "customer"  # the customer is sure, the documents are not: apply the cash within the customer
    DOUBTFUL = "doubtful"  # a person decides between the candidates
    NOTHING = "nothing"  # nothing speaks for anybody


class RowResult(msgspec.Struct, frozen=True):
    """What was understood of one row. `margin` is by how many bits the answer exceeds all others together.

    MATCHED: `best` holds. CUSTOMER: its customer does. `runner_up` is the best reading of another meaning. `candidates` are
    the best readings, the best first; `held_back` says why a clear best one is not followed.
    """

    row_id: str
    outcome: RowOutcome
    best: Reading | None
    runner_up: Reading | None
    margin: float
    candidates: tuple[Reading, ...] = ()
    held_back: str = ""


class RowsResult(msgspec.Struct, frozen=True):
    """All rows in the order of their ids, and the payers learned from sure matches (to be stored by the caller)."""

    rows: tuple[RowResult, ...]
    learned: tuple[LearnedPayer, ...]
    rounds: int
