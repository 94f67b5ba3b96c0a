"""How well damaged bank rows are read: precision, recall and F1 for each kind of damage, alone and all together.

    python benchmarks/bank_rows.py                                   # quality, each kind and all together
    python benchmarks/bank_rows.py --customers 400 --documents 6000 --rows 2000 --seeds 1 2 3
    python benchmarks/bank_rows.py --speed                           # 200,000 open items, 20,000 rows: rows a second, memory

A row counts as right if it is matched to the true customer and to exactly the true documents; a match of any row, knowable
or not, to anything else is wrong and counts against precision. Recall is over the rows that can be known from what they
say; which these are is decided by ``knowable_rows.Knowable`` without the engine. `kept` is how many rows that cannot be
known were matched all the same (and rightly): luck or better priors, in no figure but this.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from typing import NamedTuple

from damaged_rows import FEE_MAX, KINDS, Books, Truth, make_books
from knowable_rows import Knowable

from ledgerbridge.reconciler.allocation import Tolerance
from ledgerbridge.reconciler.bankrows import RowOutcome, RowPolicy, RowResult, RowsResult, match_rows

POLICY = RowPolicy(tolerances={"CNY": Tolerance(fee_minor=FEE_MAX)})


class Score(NamedTuple):
    """Counts over rows: `right` and `wrong` are matches, `right_knowable` those among `knowable` rows."""

    rows: int
    knowable: int
    right_knowable: int
    right: int
    wrong: int
    customers: int
    seconds: float

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        return self.right_knowable / max(self.knowable, 1)

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


def read(books: Books) -> tuple[RowsResult, float]:
    """The engine's answer, and its CPU seconds, indexes included."""
    start = time.process_time()
    result = match_rows([one.row for one in books.truths], books.parties, books.items, policy=POLICY)
    return result, time.process_time() - start


def is_right(truth: Truth, result: RowResult) -> bool:
    """The true customer and exactly the true documents."""
    best = result.best
    return (
        best is not None
        and best.customer == truth.customer
        and tuple(sorted(one for one, _ in best.items)) == truth.docs
    )


def score(books: Books, result: RowsResult, seconds: float) -> tuple[Score, list[tuple[Truth, RowResult]]]:
    """The counts, and the rows that were matched wrongly."""
    answers = {one.row_id: one for one in result.rows}
    right = right_knowable = customers = 0
    wrong = []
    for truth in books.truths:
        answer = answers[truth.row.id]
        if answer.outcome is RowOutcome.MATCHED:
            if is_right(truth, answer):
                right += 1
                right_knowable += truth.knowable
            else:
                wrong.append((truth, answer))
        elif answer.outcome is RowOutcome.CUSTOMER and answer.best is not None:
            customers += answer.best.customer == truth.customer
    with_docs = [one for one in books.truths if one.docs]
    knowable = sum(one.knowable for one in with_docs)
    return Score(len(books.truths), knowable, right_knowable, right, len(wrong), customers, seconds), wrong


def total(scores: Sequence[Score]) -> Score:
    return Score(*(sum(one[at] for one in scores) for at in range(7)))


def measured(
    seed: int, size: tuple[int, int, int], kinds: tuple[str, ...], most: int
) -> tuple[Score, list[tuple[Truth, RowResult]]]:
    books = make_books(seed, *size, kinds, most=most)
    Knowable(books).mark()
    return score(books, *read(books))


def line(name: str, one: Score) -> str:
    share = 1 - one.knowable / max(one.rows, 1)
    return (
        f"{name:<14} {one.rows:>6} {one.precision:>9.4f} {one.recall:>8.4f} {one.f1:>8.4f} {one.wrong:>6} "
        f"{share:>13.3f} {one.right - one.right_knowable:>5} {one.customers:>9} {one.rows / max(one.seconds, 1e-9):>7.0f}"
    )


def quality(size: tuple[int, int, int], seeds: Sequence[int], *, show: int) -> None:
    print(
        f"{size[0]} customers, {size[1]} open items, {size[2]} rows a kind and seed, seeds {', '.join(map(str, seeds))}"
    )
    print("kind             rows precision   recall       F1  wrong  not decidable  kept customers  rows/s")
    for name, kinds, most in (*((kind, (kind,), 1) for kind in ("none", *KINDS)), ("all together", KINDS, 4)):
        found = [measured(seed, size, kinds, most) for seed in seeds]
        print(line(name, total([one for one, _ in found])), flush=True)
        for truth, answer in [pair for _, wrong in found for pair in wrong][:show]:
            print(
                "   wrong:",
                truth.row,
                truth.customer,
                truth.docs,
                truth.kinds,
                answer.best,
                answer.runner_up,
                sep="\n      ",
            )


def speed(customers: int, documents: int, rows: int) -> None:
    books = make_books(1, customers, documents, rows, KINDS, most=4)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result, seconds = read(books)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found, _ = score(books, result, seconds)
    print(
        f"{documents} open items of {customers} customers, {rows} rows, all kinds: {seconds:.1f} CPU s with indexes, "
        f"{rows / seconds:.0f} rows/s, {result.rounds} rounds; {found.right} right, {found.wrong} wrong; "
        f"peak RSS {before:.0f} MiB before, {after:.0f} MiB after"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=400)
    parser.add_argument("--documents", type=int, default=6_000)
    parser.add_argument("--rows", type=int, default=1_500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--show", type=int, default=0, help="print so many wrong matches of each line")
    parser.add_argument("--speed", action="store_true", help="200,000 open items and 20,000 rows instead")
    options = parser.parse_args()
    if options.speed:
        speed(5_000, 200_000, 20_000)
    else:
        quality((options.customers, options.documents, options.rows), options.seeds, show=options.show)


if __name__ == "__main__":
    main()
