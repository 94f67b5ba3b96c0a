"""Matching what is new with what it can touch decides exactly what matching it with everything would decide."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from linking_books import Record, customer, delete, put

from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.reconciler.identity import IdentityPolicy, Rarity, named
from ledgerbridge.reconciler.identity.books import BooksInMemory
from ledgerbridge.store import Store, bulk, identity, identity_work, link_index, link_work, links
from ledgerbridge.store.observed import State
from ledgerbridge.sync.linking_customers import link_customers
from ledgerbridge.sync.linking_keys import keep_keys, keep_words
from ledgerbridge.sync.linking_people import refuse
from ledgerbridge.sync.linking_stored import BooksInStore

ORDER = ("erp", "crm", "zoho")
PLACES, BRANDS = ["杭州", "宁波", ""], ["江河", "江和", "永昌达"]
TRADES, FORMS = ["泵业", "机电"], ["有限公司", "有限责任公司"]
PHONES = ["+8657188881111", "+8657188882222", None]
CREDIT_CODES = [None, None, "91350211M000100Y46", "91440300MA5DC83Y2Y"]

words = st.tuples(*map(st.sampled_from, (PLACES, BRANDS, TRADES, FORMS)))
said = st.fixed_dictionaries(
    {
        "name": words.map("".join),
        "phone": st.sampled_from(PHONES),
        "credit_code": st.sampled_from(CREDIT_CODES),
        "code": st.sampled_from([None, None, "K1", "K2"]),
    }
)
refs = st.builds(
    Ref,
    system=st.sampled_from(ORDER),
    kind=st.just(Kind.CUSTOMER),
    external_id=st.sampled_from([str(at) for at in range(8)]),
)


@dataclass(frozen=True)
class Come:
    record: Record


@dataclass(frozen=True)
class Go:
    ref: Ref


@dataclass(frozen=True)
class Refuse:
    pair: tuple[Ref, Ref]


def _come(ref: Ref, fields: dict[str, Any]) -> Come:
    return Come(
        customer(ref.system, ref.external_id, fields["name"], **{k: v for k, v in fields.items() if k != "name"})
    )


comes = st.builds(_come, refs, said)
events = st.one_of(comes, comes, comes, st.builds(Go, refs), st.builds(Refuse, st.tuples(refs, refs)))
histories = st.tuples(
    st.lists(comes, min_size=8, max_size=16), *[st.lists(events, min_size=1, max_size=5) for _ in range(3)]
)


def happen(store: Store, some: list[Come | Go | Refuse]) -> None:
    for one in some:
        if isinstance(one, Come):
            put(store, one.record)
        elif isinstance(one, Go):
            if _is_live(store, one.ref):
                delete(store, [one.ref])
        elif one.pair[0] != one.pair[1] and all(_is_live(store, ref) for ref in one.pair):
            refuse(store, *one.pair, who="p", why="w", clock=store.clock)


def _is_live(store: Store, ref: Ref) -> bool:
    with store.reading() as tx:
        sql = "SELECT 1 FROM observed WHERE system = ? AND kind = ? AND external_id = ? AND state = ?"
        return bool(bulk.rows_of(tx, sql, (ref.system, ref.kind.value, ref.external_id, State.LIVE.value)))


def decided(store: Store, *, scores: bool = True) -> tuple[object, ...]:
    with store.reading() as tx:
        waiting = [(d.left, d.right, d.reasons, d.rivals, d.score if scores else None) for d in identity.doubts(tx)]
        return links.digest(tx), sorted(waiting, key=str)


def nothing_is_left(store: Store) -> None:
    with store.reading() as tx:
        assert not link_work.is_there(tx, Kind.CUSTOMER, ORDER)
        for system in ORDER:
            assert links.unlinked(tx, system, Kind.CUSTOMER) == []


def keys_are_those_of_what_is_there(store: Store) -> None:
    """What is held after any history is what holding all anew gives."""
    kept = _held(store)
    with store.writing(lock=links.LOCK) as tx:
        link_index.clear(tx)
        link_work.note_all(tx, Kind.CUSTOMER)
    keep_keys(store, ORDER, keep_words(store, ORDER), IdentityPolicy())
    assert _held(store) == kept
    assert kept[0]


def _held(store: Store) -> list[list[tuple[Any, ...]]]:
    with store.reading() as tx:
        return [
            sorted(bulk.rows_of(tx, f"SELECT {columns} FROM {table}", ()))
            for table, columns in (("link_key", "key, system, copy"), ("link_count", "key, system, seen"))
        ]


QUICK = settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def test_matching_with_what_can_be_touched_decides_what_matching_with_all_does(
    fresh_sqlite: Callable[[], Store], tmp_path: Path
) -> None:
    joined = waited = 0

    @QUICK
    @given(histories, st.sampled_from([IdentityPolicy(), IdentityPolicy(bucket_max=3, candidates_max=2)]))
    def holds(history: tuple[list[Come | Go | Refuse], ...], policy: IdentityPolicy) -> None:
        nonlocal joined, waited
        with fresh_sqlite() as few, fresh_sqlite() as all_of:
            for some in history:
                for store, at_once in ((few, False), (all_of, True)):
                    happen(store, some)
                    joined += link_customers(store, ORDER, store.clock, policy, at_once=at_once).joined
                    nothing_is_left(store)
                assert decided(few) == decided(all_of)
                waited += len(decided(few)[1])  # type: ignore[arg-type]
            keys_are_those_of_what_is_there(few)
        _sweep(tmp_path)

    holds()
    assert joined > 20
    assert waited > 20


def test_who_is_not_looked_at_again_would_not_be_decided_otherwise(
    fresh_sqlite: Callable[[], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the statistics held fast: what waits and shares nothing with what came is what it was."""
    rarity = Rarity(named(str(at), f"{PLACES[at % 3]}{BRANDS[at % 3]}{at}泵业有限公司") for at in range(200))
    for books in (BooksInStore, BooksInMemory):
        monkeypatch.setattr(books, "rarity", lambda *_: rarity)
        monkeypatch.setattr(books, "size", lambda *_: 100)

    @QUICK
    @given(histories)
    def holds(history: tuple[list[Come | Go | Refuse], ...]) -> None:
        with fresh_sqlite() as few, fresh_sqlite() as all_of:
            for some in history:
                for store in (few, all_of):
                    happen(store, some)
                with all_of.writing(lock=links.LOCK) as tx:
                    link_work.note(tx, Kind.CUSTOMER, identity_work.waiting_customers(tx))
                for store in (few, all_of):
                    link_customers(store, ORDER, store.clock, IdentityPolicy(), at_once=store is all_of)
                assert decided(few) == decided(all_of)
        _sweep(tmp_path)

    holds()


def test_one_customer_among_many_is_matched_without_reading_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        f"{place}{brand}{at}泵业有限公司"
        for at in range(40)
        for place in ("杭州", "宁波")
        for brand in ("江河", "永昌")
    ]
    put(store, *(customer("erp", f"{at:03}", name) for at, name in enumerate(names)))
    put(store, *(customer("crm", f"{at:03}", f"苏州第{at}电子厂") for at in range(40)))
    link_customers(store, ORDER, store.clock, IdentityPolicy())
    read: list[str] = []
    whole = identity_work.customers

    def counted(tx: Any, system: str, *, ids: Any = None) -> Any:
        for row in whole(tx, system, ids=ids):
            read.append(row.external_id)
            yield row

    monkeypatch.setattr(identity_work, "customers", counted)
    put(store, customer("crm", "new", names[7]))
    assert link_customers(store, ORDER, store.clock, IdentityPolicy()).joined == 1
    with store.reading() as tx:
        ours = [
            links.entities_of(tx, *one) for one in (("erp", Kind.CUSTOMER, ["007"]), ("crm", Kind.CUSTOMER, ["new"]))
        ]
    assert ours[0]["007"] == ours[1]["new"]
    assert len(read) < 20


def test_a_customer_that_changes_while_it_is_linked_is_looked_at_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, customer("erp", "1", "杭州江河泵业有限公司"), customer("crm", "a", "苏州永昌电子有限公司"))
    done = link_work.done

    def late(tx: Any, work: Any) -> None:
        sql = "UPDATE link_work SET stamp = 1 WHERE copy = (SELECT max(copy) FROM link_work)"
        bulk.run(tx, sql, ())  # as a pull does that commits just before
        done(tx, work)

    monkeypatch.setattr(link_work, "done", late)
    link_customers(store, ORDER, store.clock, IdentityPolicy())
    with store.reading() as tx:
        assert len(list(link_work.every(tx, Kind.CUSTOMER, ORDER))) == 1
    monkeypatch.undo()
    link_customers(store, ORDER, store.clock, IdentityPolicy())
    nothing_is_left(store)


def _sweep(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
