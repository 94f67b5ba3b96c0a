"""Bank rows without a customer: payer and documents are found together, from all that a row says at once.

Candidates come from indexes (numbers, accounts, names, amounts), so the work grows with the rows, not with rows times
documents. Each candidate's readings are weighed in bits; the best is followed only if it exceeds all others together,
"none of these" among them, by the policy's margin, and if something besides the amount speaks for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2
from typing import Final

from ledgerbridge.model.payment import DifferenceKind

from .fitting import Hits, Target, fits, hits_of
from .ledger import Ledger
from .payers import Payers, account_key
from .policy import RowPolicy
from .tokens import Token, tokens
from .values import (
    BankRow,
    Confirmed,
    LearnedPayer,
    Party,
    PartyItem,
    Reading,
    RowOutcome,
    RowResult,
    RowsResult,
    Said,
)
from .weighing import NOTHING, Weight, bounds, on_account, weigh

_STANDARD: Final = RowPolicy()
_IN_ADVANCE: Final = re.compile(r"预付|预收|订金|定金|押金|保证金|预存|deposit|advance|prepay", re.IGNORECASE)
_GIVEN: Final = 6.0
_PAYER_MIN: Final = 3.0
_TEXT_MIN: Final = 4.0
_SEARCHED_MIN: Final = 3.0
_STRONG: Final = 10.0
_TEXTS_MAX: Final = 20_000
_PART_PAYER: Final = 6.0
_PART_TEXT: Final = 11.0
_SETTLED: Final = "it names a document that is settled: paid twice?"
_ALONE: Final = "only the amount speaks for it"
_UNNAMED_PART: Final = "a part of a document that it hardly names"
_REST: Final = "more money than the documents that it names"
_SAYS_MORE: Final = "a part of a document, while the text speaks of others too"
_UNSETTLED: Final = "the rounds ended before its turn; read it again"
_CONTESTED: Final = "another row claims the same document"


def match_rows(
    rows: Iterable[BankRow],
    parties: Sequence[Party],
    items: Iterable[PartyItem],
    learned: Iterable[LearnedPayer] = (),
    policy: RowPolicy = _STANDARD,
) -> RowsResult:
    """Find the customer and documents of bank rows, learning payers from sure ones for the rest.

    The order of the inputs does not matter. Give receipts only (amounts above 0), each id once: ValueError otherwise.
    Documents are never settled beyond what is open; two rows that are sure of the same document are both left to a
    person. Money is never applied by its amount alone.
    """
    return RowMatcher(parties, items, learned, policy).match(rows)


class RowMatcher:
    """The indexes over customers and open items, to be asked about any number of rows."""

    def __init__(
        self,
        parties: Sequence[Party],
        items: Iterable[PartyItem],
        learned: Iterable[LearnedPayer] = (),
        policy: RowPolicy = _STANDARD,
    ) -> None:
        self.policy = policy
        self._parties = sorted(parties, key=lambda party: party.id)
        if len({party.id for party in self._parties}) != len(self._parties):
            raise ValueError("two customers have one id; ids must be unique")
        self._places = {party.id: at for at, party in enumerate(self._parties)}
        self._ledger = Ledger(self._parties, items)
        self._at = {item.id: at for at, item in enumerate(self._ledger.items)}
        if len(self._at) != len(self._ledger.items):
            raise ValueError("two documents have one id; ids must be unique over all customers")
        self._payers = Payers(self._parties, learned, policy)
        self._contested: set[int] = set()
        self._read_texts: dict[str, tuple[Token, ...]] = {}

    def match(self, rows: Iterable[BankRow]) -> RowsResult:
        """See :func:`match_rows`. What is settled and learned here counts for the next call too."""
        pending = sorted(rows, key=lambda row: row.id)
        if len({row.id for row in pending}) != len(pending):
            raise ValueError("two rows have one id; ids must be unique")
        if any(row.amount_minor <= 0 for row in pending):
            raise ValueError("a row's amount must be above 0: give receipts only")
        results: dict[str, RowResult] = {}
        learned: Counter[tuple[str, str, str]] = Counter()
        rounds = 0
        while pending and rounds < self.policy.rounds_max:
            rounds += 1
            sure: list[tuple[BankRow, Reading]] = []
            for row in pending:
                result = results[row.id] = self.read(row)
                if result.outcome is RowOutcome.MATCHED and result.best is not None:
                    sure.append((row, result.best))
            whole = [pair for pair in sure if pair[1].difference is not DifferenceKind.PARTIAL]
            accepted = self._accept(whole, results) or self._accept(sure, results)  # parts wait for what adds up
            if not accepted:
                break
            self._settle(accepted)
            self._learn(accepted, learned)
            done = {row.id for row, _ in accepted}
            pending = [row for row in pending if row.id not in done]
        for row in pending:
            last = results[row.id]
            if last.outcome is RowOutcome.MATCHED:  # the rounds ended before it was its turn
                results[row.id] = _left(last, _UNSETTLED)
        found = [
            LearnedPayer(customer=customer, account=account, name=name, confirmed=Confirmed.MATCH, times=times)
            for (customer, account, name), times in sorted(learned.items())
        ]
        return RowsResult(tuple([results[key] for key in sorted(results)]), tuple(found), rounds)

    def read(self, row: BankRow) -> RowResult:
        """What one row says against what is open now; nothing is settled or learned."""
        found = self._read_texts.get(row.text)
        if found is None:
            found = self._read_texts[row.text] = tokens(row.text, self._ledger.numbers, self.policy)
            if len(self._read_texts) > _TEXTS_MAX:
                self._read_texts.clear()
        weights = []
        for customer, payer, searched in self._candidates(row, found):
            weights += self._weights(row, customer, payer, found, searched=searched)
        return self._judge(row, weights)

    def _candidates(self, row: BankRow, found: Sequence[Token]) -> list[tuple[int, list[Said], bool]]:
        """Customers, what is said for each by the payer, and whether more than the amount leads to it; ascending."""
        if row.customer is not None:
            at = self._places.get(row.customer)
            given = Said("customer", "given", log2(max(len(self._parties), 2)) + _GIVEN)
            return [] if at is None else [(at, [given], True)]
        spoken, others = self._payers.speaks(row.payer_name, row.payer_account, row.text)
        owner, policy = self._ledger.owner, self.policy
        led = dict.fromkeys(spoken, True)
        for token in found:
            for way in token.ways:
                if len(way.docs) <= policy.common_max:
                    led.update(dict.fromkeys((owner[at] for at in way.docs), True))
        target = row.amount_minor + row.fee_minor
        low, high = bounds(policy.tolerance(row.currency), target)
        near = self._ledger.near(row.currency, low, high, policy.common_max)
        near = near or self._ledger.near(row.currency, target, target, policy.common_max)
        for at in near:
            led.setdefault(owner[at], False)
        return [(at, spoken.get(at, others), led[at]) for at in sorted(led)]

    def _weights(
        self, row: BankRow, customer: int, payer: list[Said], found: Sequence[Token], *, searched: bool
    ) -> list[Weight]:
        ledger, policy = self._ledger, self.policy
        target = row.amount_minor + row.fee_minor
        low, high = bounds(policy.tolerance(row.currency), target)
        last_day = row.received_on.toordinal() + policy.early_days
        view = ledger.view(customer, row.currency)
        told = sum(one.bits for one in payer)
        fitting = view.near(low, high, last_day)
        count = view.count(last_day)
        docs = view.until(last_day) if searched else []
        close = docs if searched and count <= policy.close_max else fitting
        hits: list[Hits] = hits_of(customer, found, ledger, close)
        hits = [_in_currency(one, row.currency, ledger) for one in hits]
        if searched:
            strong = max((bits for one in hits for _, bits in one.docs.values()), default=0.0)
            sums = told >= _SEARCHED_MIN or strong >= _STRONG
            wanted = Target(target, low, high, last_day)
            sets = fits(wanted, hits, view, docs, ledger, policy, sums=sums)
        else:
            sets = {(at,): float(count) for at in fitting}
        name, customers = self._parties[customer].id, max(len(self._parties), 2)
        weights = [
            weight
            for some, ways in sets.items()
            if (weight := weigh(row, name, customers, some, ways, hits, payer, ledger, policy)) is not None
        ]
        if told > 0:
            in_advance = _IN_ADVANCE.search(row.text) is not None
            weights.append(on_account(row, name, customers, payer, in_advance=in_advance))
        return weights

    def _judge(self, row: BankRow, weights: list[Weight]) -> RowResult:
        if not weights:
            return RowResult(row.id, RowOutcome.NOTHING, None, None, 0.0)
        ranked = sorted(weights, key=lambda one: (-one.reading.score, one.reading.customer, one.reading.items))
        best = ranked[0]
        shown = tuple([one.reading for one in ranked[: self.policy.shown_max]])
        runner_up = ranked[1].reading if len(ranked) > 1 else None
        margin = _margin([best], ranked[1:])
        held_back = self._held_back(best)
        named = best.text_bits >= _TEXT_MIN
        enough = self.policy.margin_bits if named else self.policy.unnamed_margin_bits
        if margin >= enough and best.reading.items and not held_back:
            return RowResult(row.id, RowOutcome.MATCHED, best.reading, runner_up, margin, shown[:2])
        same = [one for one in ranked if one.reading.customer == best.reading.customer]
        others = [one for one in ranked if one.reading.customer != best.reading.customer]
        of_customer = _margin(same, others)
        payer = best.payer_bits >= _PAYER_MIN or max(one.text_bits for one in same) >= _TEXT_MIN
        if of_customer >= self.policy.unnamed_margin_bits and payer:
            runner_up = others[0].reading if others else None
            return RowResult(row.id, RowOutcome.CUSTOMER, best.reading, runner_up, of_customer, shown, held_back)
        if best.reading.score < NOTHING:
            return RowResult(row.id, RowOutcome.NOTHING, None, None, margin, shown, held_back)
        return RowResult(row.id, RowOutcome.DOUBTFUL, best.reading, runner_up, margin, shown, held_back)

    def _held_back(self, best: Weight) -> str:
        if best.settled:
            return _SETTLED
        if best.payer_bits < _PAYER_MIN and best.text_bits < _TEXT_MIN:
            return _ALONE
        part = best.reading.difference is DifferenceKind.PARTIAL
        if part and not best.named_all and not (best.payer_bits >= _PART_PAYER and best.text_bits >= _PART_TEXT):
            return _UNNAMED_PART
        if part and best.says_more:
            return _SAYS_MORE
        if part and best.reading.difference_minor < 0:
            return _REST
        if any(self._at[one] in self._contested for one, _ in best.reading.items):
            return _CONTESTED
        return ""

    def _accept(
        self, sure: list[tuple[BankRow, Reading]], results: dict[str, RowResult]
    ) -> list[tuple[BankRow, Reading]]:
        """Those whose documents no other sure row wants beyond what is open; the others are left to a person."""
        wanted: Counter[str] = Counter()
        for _, reading in sure:
            wanted.update(dict(reading.items))
        accepted = []
        for row, reading in sure:
            if all(wanted[one] <= self._ledger.open[self._at[one]] for one, _ in reading.items):
                accepted.append((row, reading))
                continue
            self._contested.update(self._at[one] for one, _ in reading.items)
            results[row.id] = _left(results[row.id], _CONTESTED)
        return accepted

    def _settle(self, accepted: list[tuple[BankRow, Reading]]) -> None:
        for _, reading in accepted:
            for one, amount in reading.items:
                at = self._at[one]
                whole = reading.difference is not DifferenceKind.PARTIAL
                self._ledger.open[at] -= self._ledger.open[at] if whole else amount
        self._ledger.index_amounts()

    def _learn(self, accepted: list[tuple[BankRow, Reading]], learned: Counter[tuple[str, str, str]]) -> None:
        for row, reading in accepted:
            account = account_key(row.payer_account)
            for key in ((reading.customer, account, ""), (reading.customer, "", row.payer_name.strip())):
                if key[1] or key[2]:
                    learned[key] += 1
                    self._payers.learn(
                        LearnedPayer(customer=key[0], account=key[1], name=key[2], confirmed=Confirmed.MATCH)
                    )


def _left(result: RowResult, why: str) -> RowResult:
    """A clear reading that is left to a person all the same."""
    return RowResult(
        result.row_id, RowOutcome.CUSTOMER, result.best, result.runner_up, result.margin, result.candidates, why
    )


def _in_currency(one: Hits, currency: str, ledger: Ledger) -> Hits:
    return Hits(one.token, {at: hit for at, hit in one.docs.items() if ledger.items[at].currency == currency})


def _margin(these: Sequence[Weight], others: Sequence[Weight]) -> float:
    """By how many bits some readings together exceed all others together, "none of these" among them."""
    return round(_together(these, None) - _together(others, NOTHING), 2)


def _together(weights: Sequence[Weight], besides: float | None) -> float:
    scores = [one.reading.score for one in weights]
    if besides is not None:
        scores.append(besides)
    top = max(scores)
    return top + log2(sum(2.0 ** (score - top) for score in scores))
