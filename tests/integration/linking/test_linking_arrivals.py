"""Whatever comes in whatever order, with people in between: one to one, no decision contradicted, ids stable."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from linking_books import customer, delete, invoice, payment, put

from ledgerbridge.errors import LinkError
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.model.identity import LinkVerdict
from ledgerbridge.store import Store, copies, identity, links
from ledgerbridge.store.observed import State
from ledgerbridge.sync.linking import link_all
from ledgerbridge.sync.linking_people import accept, merge, refuse, split

ORDER = ("erp", "crm", "zoho")
NAMES = ["杭州江河泵业有限公司", "江河泵业", "宁波蓝海模具有限公司", "杭州江河机电有限公司"]
CREDIT_CODES = [None, "91350211M000100Y46", "91440300MA5DC83Y2Y"]
systems = st.sampled_from(ORDER)
ids = st.sampled_from(["1", "2", "3"])
kinds = st.sampled_from([Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT])
refs = st.builds(Ref, system=systems, kind=kinds, external_id=ids)


class Arrivals(RuleBasedStateMachine):
    """A few records of three systems that come, change, go, and are decided on."""

    make: Callable[[], Store]

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make()
        self.seen: set[str] = set()
        self.linked = False

    def teardown(self) -> None:
        self.store.close()

    @rule(
        system=systems,
        external_id=ids,
        name=st.sampled_from(NAMES),
        code=st.sampled_from(CREDIT_CODES),
        own=st.sampled_from([None, "K1", "K2"]),
    )
    def a_customer_comes(self, system: str, external_id: str, name: str, code: str | None, own: str | None) -> None:
        put(self.store, customer(system, external_id, name, credit_code=code, code=own))
        self.linked = False

    @rule(system=systems, external_id=ids, number=st.sampled_from(["X1", "X2"]), total=st.sampled_from([1, 2]))
    def an_invoice_comes(self, system: str, external_id: str, number: str, total: int) -> None:
        put(self.store, invoice(system, external_id, number, "1", total_minor=total))
        self.linked = False

    @rule(system=systems, external_id=ids, number=st.sampled_from(["X1", "X2"]))
    def a_payment_comes(self, system: str, external_id: str, number: str) -> None:
        part = {"part": external_id} if system == "zoho" else {}
        put(self.store, payment(system, external_id, number, "1", **part))
        self.linked = False

    @rule(ref=refs)
    def a_record_goes(self, ref: Ref) -> None:
        with self.store.reading() as tx:
            held = copies.get(tx, ref)
        if held is not None and held.state is State.LIVE:
            delete(self.store, [ref])

    @rule()
    def linking(self) -> None:
        link_all(self.store, ORDER, self.store.clock, also=ORDER)
        self.linked = True
        again = link_all(self.store, ORDER, self.store.clock, also=ORDER)
        assert [(one.new_entities, one.joined) for one in again.kinds] == [(0, 0)] * len(again.kinds)

    @rule(one=refs, other=refs, verdict=st.sampled_from(["accept", "refuse"]))
    def a_person_decides(self, one: Ref, other: Ref, verdict: str) -> None:
        if one.kind is not other.kind or one == other or not self._held(one, other):
            return
        decide = accept if verdict == "accept" else refuse
        try:
            decide(self.store, one, other, who="p", why="w", clock=self.store.clock)
        except LinkError:
            return
        with self.store.reading() as tx:
            same = links.entity_of(tx, one) == links.entity_of(tx, other)
        assert same is (verdict == "accept")

    @rule(ref=refs)
    def a_person_splits(self, ref: Ref) -> None:
        if self._held(ref):
            try:
                split(self.store, ref, who="p", why="w", clock=self.store.clock)
            except LinkError:
                return

    @rule(one=refs, other=refs)
    def a_person_merges(self, one: Ref, other: Ref) -> None:
        with self.store.reading() as tx:
            found = [links.entity_of(tx, ref) for ref in (one, other)]
        if found[0] is None or found[1] is None:
            return
        try:
            merge(self.store, found[0], found[1], who="p", why="w", clock=self.store.clock)
        except LinkError:
            return

    def _held(self, *some: Ref) -> bool:
        with self.store.reading() as tx:
            return all(copies.get(tx, ref) is not None for ref in some)

    @invariant()
    def nothing_is_contradicted(self) -> None:
        with self.store.reading() as tx:
            for kind in (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT):
                held = [one for system in ORDER for one in links.every_linked(tx, system, kind)]
                entities = {one.ref: one.entity_id for one in held}
                self.seen.update(entities.values())
                for decision in identity.decisions(tx, kind):
                    both = entities.get(decision.left), entities.get(decision.right)
                    if decision.verdict is LinkVerdict.REFUSE:
                        assert both[0] is None or both[0] != both[1]
                for one, other in combinations(held, 2):
                    if one.entity_id == other.entity_id:
                        assert one.system != other.system or (one.part and other.part and one.part != other.part)
                if self.linked:
                    for system in ORDER:
                        assert links.unlinked(tx, system, kind) == []
            for entity_id, stands in links.resolved(tx, self.seen).items():
                assert links.kind_of(tx, entity_id) is links.kind_of(tx, stands)
                assert links.resolve(tx, stands) == stands

    @invariant()
    def accepted_pairs_that_live_stay_together(self) -> None:
        if not self.linked:
            return
        with self.store.reading() as tx:
            for kind in (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT):
                for decision in identity.decisions(tx, kind):
                    found = [copies.get(tx, ref) for ref in (decision.left, decision.right)]
                    if decision.verdict is LinkVerdict.ACCEPT and all(c and c.state is State.LIVE for c in found):
                        assert links.entity_of(tx, decision.left) == links.entity_of(tx, decision.right)


def test_arrivals_in_any_order(sqlite_template: Path, tmp_path: Path, fresh_sqlite: Callable[[], Store]) -> None:
    class OnFreshStores(Arrivals):
        make = staticmethod(fresh_sqlite)

    run_state_machine_as_test(
        OnFreshStores,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
    for left in tmp_path.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
