"""How well and how fast customers are linked by name alone: precision, recall, F1 and time, ours and peers', in one run.

Two lists of companies with noise: brackets full or half width, legal form swapped or dropped, city missing or with 市, a
wrong character in 15 % of the brands, blanks; 15 % of the firms are sisters of another (same brand, other city or trade).
Names are made from the sandbox's own word lists (``ledgerbridge.sandbox.world``), never from the parser's::

    python benchmarks/link_names.py --size 20000 --peers /tmp/peers/bin/python

Each run is repeated with a parser that lacks half of the words the generator draws from. For all methods alike: pairs are
taken one to one, best first; the threshold is the one of the best F1; R@P99.5 is the largest recall at a threshold whose
precision is at least 0.995. Times are whole processes', imports included, taking turns; peers are given names that our
parser took apart, and its time is added to theirs. ``--peers`` names the interpreter of a virtual environment with splink,
recordlinkage and rapidfuzz (never dependencies of this project); without it ours alone is measured. "Linked by itself" is
what the default policy links without a person.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ledgerbridge.reconciler.identity import KNOWN, IdentityPolicy, Vocabulary, link, named, parts, vocabulary_of
from ledgerbridge.sandbox.world.places import mainland, short_city
from ledgerbridge.sandbox.world.words import BRAND_CHARS, FORMS, TRADES

CHARACTERS = [character for character, _ in BRAND_CHARS]
TRADE_WORDS = [trade for trade, _ in TRADES]
Found = list[tuple[float, int, int]]


@dataclass(frozen=True)
class Firm:
    city: str
    brand: str
    trade: str
    form: str


class Generator:
    """`size` names on each side, four in five of them on both; the same seed gives the same names."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        places, weights = mainland()
        cities = {}
        for place, weight in zip(places, weights, strict=True):
            cities[short_city(place.city)] = weight
        self.cities, self.weights = list(cities), list(cities.values())

    def firm(self) -> Firm:
        rng = self.rng
        brand = "".join(rng.choices(CHARACTERS, k=2 if rng.random() < 0.8 else 3))
        form = rng.choices([form for form, _ in FORMS], [weight for _, weight in FORMS])[0]
        return Firm(rng.choices(self.cities, self.weights)[0], brand, rng.choice(TRADE_WORDS), form)

    def firms(self, count: int) -> list[Firm]:
        found: list[Firm] = []
        seen: set[tuple[str, str, str]] = set()
        while len(found) < count:
            firm = self.firm()
            if found and self.rng.random() < 0.15:
                other = self.rng.choice(found)
                firm = replace(other, city=firm.city) if self.rng.random() < 0.5 else replace(other, trade=firm.trade)
            if (firm.city, firm.brand, firm.trade) not in seen:
                seen.add((firm.city, firm.brand, firm.trade))
                found.append(firm)
        return found

    def clean(self, firm: Firm) -> str:
        return self.spelled(firm, firm.city)

    def spelled(self, firm: Firm, city: str) -> str:
        draw = self.rng.random()
        if city and draw < 0.12:
            return f"{firm.brand}（{city}）{firm.trade}{firm.form}"
        if city and draw < 0.2:
            return f"{firm.brand}{firm.trade}（{city}）{firm.form}"
        return f"{city}{firm.brand}{firm.trade}{firm.form}"

    def noisy(self, firm: Firm) -> str:
        rng = self.rng
        if rng.random() < 0.15:
            firm = replace(firm, brand=self.typo(firm.brand))
        if rng.random() < 0.3:
            forms = [form for form, _ in FORMS if form != firm.form]
            firm = replace(firm, form="" if rng.random() < 0.5 else rng.choice(forms))
        draw = rng.random()
        name = self.spelled(firm, "" if draw < 0.13 else firm.city + "市" if draw < 0.28 else firm.city)
        if rng.random() < 0.5:
            name = name.replace("（", "(").replace("）", ")")
        if rng.random() < 0.1:
            at = rng.randrange(1, len(name))
            name = f"{name[:at]} {name[at:]}"
        return name

    def typo(self, brand: str) -> str:
        at = self.rng.randrange(len(brand))
        draw = self.rng.random()
        if draw < 0.15 and len(brand) > 2:
            return brand[:at] + brand[at + 1 :]
        if draw < 0.25:
            return brand[:at] + self.rng.choice(CHARACTERS) + brand[at:]
        return brand[:at] + self.rng.choice([one for one in CHARACTERS if one != brand[at]]) + brand[at + 1 :]

    def lists(self, size: int) -> tuple[list[str], list[str], set[tuple[int, int]]]:
        shared = size * 4 // 5
        firms = self.firms(size + size - shared)
        lefts = [(at, self.clean(firm)) for at, firm in enumerate(firms[:size])]
        chosen = [*range(shared), *range(size, len(firms))]
        rights = [(at, self.noisy(firms[at])) for at in chosen]
        self.rng.shuffle(lefts)
        self.rng.shuffle(rights)
        where = {firm: at for at, (firm, _) in enumerate(lefts)}
        truth = {(where[firm], at) for at, (firm, _) in enumerate(rights) if firm in where}
        return [name for _, name in lefts], [name for _, name in rights], truth


def halved(seed: int) -> Vocabulary:
    """The parser's words without half of the generator's cities and trades, whole or in parts."""
    rng = random.Random(seed)
    cities = sorted({short_city(place.city) for place in mainland()[0]})
    gone_places = set(rng.sample(cities, len(cities) // 2))
    gone_trades = set(rng.sample(TRADE_WORDS, len(TRADE_WORDS) // 2))
    gone_words = {word for trade in gone_trades for word in parts("恒泰" + trade + "有限公司").trade} | gone_trades
    return replace(
        KNOWN,
        places={word: place for word, place in KNOWN.places.items() if word not in gone_places},
        trades={word: trade for word, trade in KNOWN.trades.items() if word not in gone_words},
    )


def one_to_one(found: Iterable[tuple[float, int, int]]) -> Found:
    lefts: set[int] = set()
    rights: set[int] = set()
    kept: Found = []
    for score, left, right in sorted(found, key=lambda one: (-one[0], one[1], one[2])):
        if left not in lefts and right not in rights:
            lefts.add(left)
            rights.add(right)
            kept.append((score, left, right))
    return kept


def quality(found: Found, truth: set[tuple[int, int]]) -> dict[str, float]:
    """At each distinct score, best first; pairs of one score are taken together."""
    best = {"P": 0.0, "R": 0.0, "F1": 0.0, "R@P99.5": 0.0}
    right = 0
    for at, (score, one, other) in enumerate(found):
        right += (one, other) in truth
        if at + 1 < len(found) and found[at + 1][0] == score:
            continue
        precision, recall = right / (at + 1), right / len(truth)
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        if f1 > best["F1"]:
            best |= {"P": precision, "R": recall, "F1": f1}
        if precision >= 0.995:
            best["R@P99.5"] = max(best["R@P99.5"], recall)
    return best


def ours(lefts: list[str], rights: list[str], known: Vocabulary) -> tuple[Found, Found, float]:
    """Sure pairs, all pairs, seconds that parsing took."""
    start = time.perf_counter()
    words = vocabulary_of([*lefts, *rights], known)
    profiles = [[named(str(at), name, vocabulary=words) for at, name in enumerate(names)] for names in (lefts, rights)]
    parsing_s = time.perf_counter() - start
    result = link(profiles[0], profiles[1], IdentityPolicy())
    sure = [(one.confidence, int(one.pair.left), int(one.pair.right)) for one in result.links]
    doubtful = [(one.confidence, int(one.pair.left), int(one.pair.right)) for one in result.doubtful]
    return sure, [*sure, *doubtful], parsing_s


def work(source: Path, target: Path) -> None:
    """One run of ours in this process, on names from a file; garbage is looked for as seldom as by the command line."""
    gc.set_threshold(20_000, *gc.get_threshold()[1:])
    task = json.loads(source.read_text("utf-8"))
    sure, pairs, parsing_s = ours(task["lefts"], task["rights"], halved(task["seed"]) if task["halved"] else KNOWN)
    target.write_text(json.dumps({"sure": sure, "pairs": pairs, "parsing_s": parsing_s}), "utf-8")


def parsed(names: list[str], known: Vocabulary) -> list[dict[str, str]]:
    """Names as peers are given them."""
    rows = [parts(name, known) for name in names]
    return [
        {"brand": row.brand, "place": "".join("".join(place) for place in row.places), "trade": "".join(row.trade)}
        for row in rows
    ]


def measure(truth: set[tuple[int, int]], task: dict[str, Any], known: Vocabulary, peers: str, rounds: int) -> None:
    """All methods in turn, `rounds` times, each in a process of its own; prints the median of their times."""
    here = Path(__file__)
    peer_script = str(here.with_name("link_names_peers.py"))
    with tempfile.TemporaryDirectory() as folder:
        source, tables, target = (Path(folder, name) for name in ("task.json", "tables.json", "answer.json"))
        source.write_text(json.dumps(task), "utf-8")
        tables.write_text(json.dumps([parsed(task[side], known) for side in ("lefts", "rights")]), "utf-8")
        commands = {"ours": [sys.executable, str(here), "--work", str(source), str(target)]}
        if peers:
            for method in ("splink", "recordlinkage", "rapidfuzz"):
                commands[method] = [peers, peer_script, method, str(tables), str(target)]
        times: dict[str, list[float]] = {label: [] for label in commands}
        answers: dict[str, dict[str, Any]] = {}
        parsing: list[float] = []
        for _ in range(rounds):
            for label, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, check=True)
                times[label].append(time.perf_counter() - start)
                answers[label] = json.loads(target.read_text("utf-8"))
            parsing.append(answers["ours"]["parsing_s"])
    for label, answer in answers.items():
        found = one_to_one((score, left, right) for score, left, right in answer["pairs"])
        wall = statistics.median(times[label]) + (0.0 if label == "ours" else statistics.median(parsing))
        values = "  ".join(f"{name} {value:.3f}" for name, value in quality(found, truth).items())
        print(f"{label:13} {wall:5.1f} s  {values}", flush=True)
        if label == "ours":
            right = sum((one, other) in truth for _, one, other in answer["sure"])
            total = max(len(answer["sure"]), 1)
            print(f"{'':13} linked by itself: precision {right / total:.4f}, recall {right / len(truth):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--peers", default="", help="Python of a virtual environment that has them")
    parser.add_argument("--work", type=Path, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(*args.work)
        return
    lefts, rights, truth = Generator(args.seed).lists(args.size)
    print(f"{args.size} x {args.size} names, {len(truth)} true pairs, seed {args.seed}, {args.rounds} rounds")
    for half in (False, True):
        print("-- half of the generator's words unknown to the parser" if half else "-- all of the parser's words")
        task = {"lefts": lefts, "rights": rights, "halved": half, "seed": args.seed}
        measure(truth, task, halved(args.seed) if half else KNOWN, args.peers, args.rounds)


if __name__ == "__main__":
    main()
