"""Customers of several systems that arrive at any time, against those that are there: which ones join, which ones wait.

An entity is a set of records, at most one of a system. Two systems at a time are matched, the leading system's pairs first.
Within a pair of systems: a credit code, then the ERP's customer code, decide where exactly one record of each system bears
them and nothing contradicts; the others are scored and assigned. A record that is taken (its entity has one of the other
system already) is never taken away, and no elimination makes a code sure that several records bear.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

from .assignment import Pair, Proposal, assign
from .books import Books, Firm
from .candidates import is_found_whole, keys, ranked, rough_and_others
from .evidence import IdentityPolicy, Scored, Verdict
from .profiles import Profile
from .scoring import score, worth_showing

_WAVE: Final = 500
"""How many records are searched for at once."""


class Joined(NamedTuple):
    """A pair that became one, by a key or by its score."""

    left: str
    right: str
    by_key: bool
    scored: Scored


class Matching:
    """Records by their groups, those that are one firm so far: all records, or as many as the new ones can touch."""

    def __init__(
        self,
        books: Books,
        fresh: Collection[str],
        systems: Sequence[str],
        policy: IdentityPolicy,
        *,
        refused: AbstractSet[Pair] = frozenset(),
        undecided: Iterable[str] = (),
    ) -> None:
        """`fresh`: refs of the records that are to be matched; all others are only their rivals.

        `refused`: pairs in either order. `undecided`: refs of records, not fresh, that wait for a person to say which record
        of the leading system they are.
        """
        self._policy = policy
        self._lead = systems[0] if systems else ""
        self.books = books
        self._firms: dict[str, Firm] = {}
        self._apart: defaultdict[str, set[str]] = defaultdict(set)
        for one, other in refused:
            self._apart[one].add(other)
            self._apart[other].add(one)
        self._head: dict[str, str] = {}
        self._members: dict[str, dict[str, str]] = {}  # head → ref → system
        self._joins: defaultdict[str, list[Joined]] = defaultdict(list)
        self._doubts: dict[Pair, Proposal] = {}
        self._undecided: set[str] = set(undecided)
        self.looked_at: defaultdict[frozenset[str], set[str]] = defaultdict(set)
        """The records whose pairs were all looked at, by the two systems."""
        self.learn(books.refs())
        self.learn(fresh)
        self._fresh: defaultdict[str, list[str]] = defaultdict(list)
        for ref in sorted(ref for ref in set(fresh) if ref in self._firms):
            self._fresh[self._firms[ref].system].append(ref)

    def learn(self, refs: Iterable[str]) -> None:
        """Let these records, their groups, and those that people told them apart from, be known."""
        new = self._learn(refs)
        if self._apart:
            self._learn({other for ref in new for other in self._apart.get(ref, ())})

    def _learn(self, refs: Iterable[str]) -> list[str]:
        wanted = [ref for ref in refs if ref not in self._head]
        new: list[str] = []
        for group in self.books.groups(wanted) if wanted else ():
            members = {firm.profile.ref: firm.system for firm in group.firms}
            members.update({ref: system for system, ref in group.held})
            head = next(iter(members))
            self._members[head] = members
            self._head.update(dict.fromkeys(members, head))
            self._firms.update({firm.profile.ref: firm for firm in group.firms})
            new += members
        return new

    def match(self, left: str, right: str) -> None:
        """Join what is surely the same in these two systems, and note what may be."""
        if not (self._fresh[left] or self._fresh[right]) or not self.books.size(left) or not self.books.size(right):
            return
        pair = _PairOfSystems(self, left, right)
        pair.by_keys()
        pair.by_score()
        pair.taken()

    def groups(self) -> Iterable[tuple[Collection[str], Sequence[Joined]]]:
        """The refs of every group that is known, and the pairs that joined it now."""
        for head, members in self._members.items():
            yield members.keys(), self._joins.get(head, ())

    def doubts(self) -> list[Proposal]:
        """The pairs that wait for a person, the likeliest first; of several pairs that ask the same, the leading systems' one."""
        found: dict[frozenset[str], Proposal] = {}
        for one in self._doubts.values():
            left, right = one.pair.left, one.pair.right
            if self.may_join(left, right) or "taken" in one.reasons:
                found.setdefault(frozenset((self._head[left], self._head[right])), one)
        return sorted(found.values(), key=lambda one: (-one.confidence, one.pair.left, one.pair.right))

    def may_join(self, one: str, other: str) -> bool:
        """Would neither a system be doubled nor a person be contradicted?"""
        ours, theirs = self._head[one], self._head[other]
        if ours == theirs:
            return False
        left, right = self._members[ours], self._members[theirs]
        if not set(left.values()).isdisjoint(right.values()):
            return False
        return not self._apart or not any(b in self._apart.get(a, ()) for a, b in product(left, right))

    def is_free(self, ref: str, system: str) -> bool:
        """Has its group no record of `system` yet?"""
        return system not in self._members[self._head[ref]].values()

    def refused_for(self, ref: str, system: str) -> set[str]:
        """The records of `system` that this one cannot be: told apart by a person from anything in its group, or held apart."""
        if not self._apart:
            return set()
        members = self._members[self._head[ref]]
        found: set[str] = set()
        for member in members:
            for other in self._apart.get(member, ()):
                if other in self._head:
                    group = self._members[self._head[other]]
                    found.update(one for one, its in group.items() if its == system)
        return found

    def objection(self, left: str, right: str) -> str:
        """Why the two cannot be joined by the machine, sure as they look; "" if nothing speaks against it.

        What waits for a person, which leading record a record is, is not settled by a detour over a third system.
        """
        for one, other in ((left, right), (right, left)):
            members = self._members[self._head[one]]
            if not self.is_free(other, self._lead) and any(ref in self._undecided for ref in members):
                return "undecided elsewhere"
        codes = [self._codes_of(one) for one in (left, right)]
        return "credit codes differ" if codes[0] and codes[1] and codes[0].isdisjoint(codes[1]) else ""

    def _codes_of(self, ref: str) -> set[str]:
        """The credit codes in a record's group."""
        firms = [self._firms[member] for member in self._members[self._head[ref]] if member in self._firms]
        return {firm.profile.code for firm in firms if firm.profile.code}

    def partner(self, ref: str, system: str) -> str | None:
        """The record of `system` in this one's group."""
        return next((one for one, its in self._members[self._head[ref]].items() if its == system), None)

    def join(self, scored: Scored, *, by_key: bool) -> None:
        """The two are one from now on."""
        ours, theirs = self._head[scored.left], self._head[scored.right]
        for ref in self._members[theirs]:
            self._head[ref] = ours
        self._members[ours].update(self._members.pop(theirs))
        self._joins[ours] += [*self._joins.pop(theirs, ()), Joined(scored.left, scored.right, by_key, scored)]

    def doubt(self, found: Proposal, *, with_lead: bool) -> None:
        """The pair waits for a person."""
        reasons = tuple(dict.fromkeys(found.reasons))
        self._doubts[found.pair.left, found.pair.right] = replace(found, reasons=reasons)
        if with_lead:
            self._undecided.update((found.pair.left, found.pair.right))

    def firm(self, ref: str) -> Firm:
        """A record by its ref."""
        return self._firms[ref]

    def known(self, system: str) -> list[str]:
        """The refs of a system's live records that are known."""
        return [ref for ref, firm in self._firms.items() if firm.system == system]

    def is_known(self, ref: str) -> bool:
        """Is the record known?"""
        return ref in self._head

    def fresh(self, system: str) -> list[str]:
        """The refs of a system's records that are to be matched, sorted."""
        return self._fresh[system]

    @property
    def policy(self) -> IdentityPolicy:
        """Where the lines are drawn."""
        return self._policy

    @property
    def lead(self) -> str:
        """The leading system."""
        return self._lead


class _PairOfSystems:
    """One left and one right system; only pairs with the leading system are matched by the ERP's customer code."""

    def __init__(self, all_of: Matching, left: str, right: str) -> None:
        self._all = all_of
        self._books = all_of.books
        self._systems = (left, right)
        self._keyed = all_of.lead in (left, right)
        self._profiles: dict[str, Profile] = {}
        self._fresh = (all_of.fresh(left), all_of.fresh(right))
        self._holders: tuple[dict[str, Sequence[str]], ...] = ({}, {})
        self._taken: tuple[set[str], set[str]] = (set(), set())
        self._asked: tuple[set[str], set[str]] = (set(), set())
        self._rarity = self._books.rarity(left, right)

    def by_keys(self) -> None:
        """Join what a code or key decides that one record of each system bears."""
        fresh = {ref for side in self._fresh for ref in side}
        self._hold(self._profile(ref) for ref in fresh)
        codes = {code for ref in fresh for code in _codes(self._profile(ref))}
        holders = [(code, self._bearers(0, code), self._bearers(1, code)) for code in codes]
        alone = sorted((code[0], one[0], code, other[0]) for code, one, other in holders if len(one) == len(other) == 1)
        self._learn(ref for _, left, _, right in alone for ref in (left, right))
        found: dict[Pair, Scored] = {}
        for _, left, _, right in alone:
            if (left, right) not in found:
                found[left, right] = self._score(self._profile(left), self._profile(right))
        ours = Counter(ref for pair in found for ref in pair)
        for pair, scored in found.items():
            single = ours[pair[0]] == ours[pair[1]] == 1
            if single and not scored.held_back and self._all.may_join(*pair) and not self._all.objection(*pair):
                self._all.join(scored, by_key=True)

    def by_score(self) -> None:
        """Score the records that are still free with their candidates, and assign."""
        free = self._free()
        if not free[0] and not free[1]:
            return
        found = assign(self._pairs(free), self._all.policy)
        for link in found.links:
            if self._all.may_join(link.pair.left, link.pair.right):
                objection = self._all.objection(link.pair.left, link.pair.right)
                if objection:
                    self._doubt(replace(link, reasons=(objection,)))
                else:
                    self._all.join(link.pair, by_key=link.pair.by_code)
        for doubt in found.doubtful:
            self._doubt(doubt)

    def _free(self) -> tuple[list[str], list[str]]:
        """The fresh records whose group has none of the other system yet."""
        left, right = self._systems
        return (
            [ref for ref in self._fresh[0] if self._all.is_free(ref, right)],
            [ref for ref in self._fresh[1] if self._all.is_free(ref, left)],
        )

    def _pairs(self, free: tuple[list[str], list[str]]) -> list[Scored]:
        """The pairs of fresh records, the pairs of the records in them, and so on: whoever rivals whom is there."""
        self._note_taken()
        waiting = [(at, ref) for at in (0, 1) for ref in free[at]]
        done, pairs = {ref for _, ref in waiting}, dict[Pair, Scored | None]()
        while waiting:
            some, waiting = waiting[:_WAVE], waiting[_WAVE:]
            candidates = self._candidates(some)
            self._learn(other for _, _, others in candidates for other in others)
            self._hold(self._profile(ref) for _, ref, others in candidates for ref in others)
            for at, ref, others in candidates:
                for other in others:
                    pair = (ref, other) if at == 0 else (other, ref)
                    if pair not in pairs:
                        pairs[pair] = self._worth(self._profile(pair[0]), self._profile(pair[1]))
                    if pairs[pair] is not None and other not in done:
                        done.add(other)
                        waiting.append((1 - at, other))
        self._all.looked_at[frozenset(self._systems)] |= done
        return [one for one in pairs.values() if one is not None and self._all.may_join(one.left, one.right)]

    def _candidates(self, some: Sequence[tuple[int, str]]) -> list[tuple[int, str, list[str]]]:
        """The records of the other system that each of these is to be compared with."""
        found = []
        for at, far in enumerate(reversed(self._systems)):
            mine = {ref: keys(self._profile(ref)) for side, ref in some if side == at}
            if not mine:
                continue
            out = {ref: self._all.refused_for(ref, far) for ref in mine}
            split = {ref: rough_and_others(wanted) for ref, wanted in mine.items()}
            buckets = self._buckets(1 - at, {key for _, others in split.values() for key in others})
            rough = {
                key
                for ref, (misspelt, others) in split.items()
                for key in misspelt
                if not is_found_whole(others, buckets, self._out(1 - at, out[ref]), self._all.policy)
            }
            if rough and not self._books.whole:
                buckets = {**buckets, **self._buckets(1 - at, rough)}
            total = self._books.size(far)
            for ref, wanted in mine.items():
                others = ranked(wanted, buckets, total, self._out(1 - at, out[ref]), self._all.policy)
                found.append((at, ref, others))
        return found

    def _buckets(self, at: int, wanted: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Who of a side bears these keys; whether they are free is known afterwards."""
        found = self._books.bearers(self._systems[at], wanted)
        if not self._books.whole:
            new = {ref for bucket in found.values() for ref in bucket} - self._asked[at]
            self._asked[at].update(new)
            strangers = {ref for ref in new if not self._all.is_known(ref)}
            self._taken[at].update(self._books.taken(strangers, self._systems[1 - at]))
            self._taken[at].update(ref for ref in new - strangers if not self._all.is_free(ref, self._systems[1 - at]))
        return found

    def _note_taken(self) -> None:
        """Who is not free; all are known where all records are."""
        if self._books.whole:
            for at, system in enumerate(self._systems):
                far = self._systems[1 - at]
                self._taken[at].update(ref for ref in self._all.known(system) if not self._all.is_free(ref, far))

    def _out(self, at: int, apart: AbstractSet[str]) -> AbstractSet[str]:
        return self._taken[at] | apart if apart else self._taken[at]

    def _worth(self, left: Profile, right: Profile) -> Scored | None:
        found = worth_showing(left, right, self._rarity, self._all.policy)
        if found is not None and found.by_code and not self._unique(left, right):
            return replace(found, verdict=Verdict.DOUBTFUL, held_back=(*found.held_back, "code held twice"))
        return found

    def _unique(self, left: Profile, right: Profile) -> bool:
        shared = _codes(left) & _codes(right)
        return any(len(self._bearers(0, code)) == len(self._bearers(1, code)) == 1 for code in shared)

    def _score(self, left: Profile, right: Profile) -> Scored:
        return score(left, right, self._rarity, self._all.policy)

    def _learn(self, refs: Iterable[str]) -> None:
        """Let these records be known, and how rare what they say is."""
        self._all.learn(refs)
        self._rarity = self._books.rarity(*self._systems)

    def _hold(self, profiles: Iterable[Profile]) -> None:
        """Find out who in both systems bears the codes of these records."""
        codes = {code for one in profiles for code in _codes(one)}
        for at, system in enumerate(self._systems):
            wanted = codes - self._holders[at].keys()
            if wanted:
                found = self._books.bearers(system, wanted)
                self._holders[at].update({code: found.get(code, ()) for code in wanted})

    def _bearers(self, at: int, code: str) -> Sequence[str]:
        return self._holders[at][code]

    def _profile(self, ref: str) -> Profile:
        found = self._profiles.get(ref)
        if found is None:
            said = self._all.firm(ref).profile
            found = said if self._keyed or not said.keys else replace(said, keys=frozenset())
            self._profiles[ref] = found
        return found

    def taken(self) -> None:
        """Let a record wait for a person whose code says that it is one that has another partner: perhaps it is there twice."""
        for at, free in enumerate(self._free()):
            own, far = self._systems[at], self._systems[1 - at]
            coded = [(ref, codes) for ref in free if (codes := _codes(self._profile(ref)))]
            self._learn(other for _, codes in coded for code in codes for other in self._bearers(1 - at, code))
            for ref, codes in coded:
                apart = self._all.refused_for(ref, far)
                for other in sorted({other for code in codes for other in self._bearers(1 - at, code)}):
                    rival = self._all.partner(other, own)
                    if rival is not None and other not in apart:
                        left, right = (ref, other) if at == 0 else (other, ref)
                        scored = self._score(self._profile(left), self._profile(right))
                        self._doubt(Proposal(scored, 0.0, scored.score, ("taken", *scored.held_back), (rival,)))

    def _doubt(self, found: Proposal) -> None:
        self._all.doubt(found, with_lead=self._keyed)


def _codes(one: Profile) -> set[str]:
    """What decides, spelled as in :func:`.candidates.keys`."""
    found = {f"k{key}" for key in one.keys}
    if one.code:
        found.add(f"c{one.code}")
    return found
