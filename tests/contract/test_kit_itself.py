"""The kit passes a sound connector, and each check fails the sabotage it is meant for."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import pytest
from toy_vendor import KINDS, SECRET, Row, Toy, ToyFar, judge

from ledgerbridge import log
from ledgerbridge.clock import Clock
from ledgerbridge.connectors._http.call import Call, Reply
from ledgerbridge.connectors.base import Outcome, Page, Write
from ledgerbridge.errors import BadReply, ConnectorError, OutcomeUnknown, QuotaUsedUp, RateLimited
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Raw, Receipt
from ledgerbridge.testing.connector_suite import ConnectorSuite, KindFacts
from ledgerbridge.testing.fakes import FakeClock

_serial = itertools.count(1)


class TestToy(ConnectorSuite):
    system = "toy"
    amount = "12345678901234567.89"
    facts: ClassVar = {
        kind: KindFacts(text_field="name", amount_field="total", number_field="rank", new_field="vat_note")
        for kind in KINDS
    }

    @pytest.fixture
    def far(self) -> ToyFar:
        return ToyFar()

    @pytest.fixture
    def connector(self, far: ToyFar, clock: FakeClock) -> Iterator[Toy]:
        with Toy(far, clock) as toy:
            yield toy

    def secrets(self, far: Any) -> list[str]:
        return [SECRET, *far.tokens]

    def a_write(self, kind: Kind, far: Any) -> Write:
        entity = f"entity-{next(_serial)}"
        change = Change(action=Action.CREATE, system="toy", kind=kind, entity=entity, because="the kit asks")
        return Write(change, {"name": entity})

    def an_update(self, kind: Kind, far: Any, record: Raw) -> Write:
        change = Change(
            action=Action.UPDATE,
            system="toy",
            kind=kind,
            entity="entity",
            target=self.ref(kind, record.external_id),
            expected=Version(digest=record.digest.hex(), order=record.order),
            because="the kit asks",
        )
        return Write(change, {"name": "written by us"})

    def spelled_amount(self, amount: str) -> Any:
        from decimal import Decimal

        return Decimal(amount)


class StopsAtAnEmptyPage(Toy):
    def goes_on(self, answer: Any) -> bool:
        return bool(answer["rows"]) and super().goes_on(answer)


class LosesTheLastPage(Toy):
    def walk(self, kind: Kind, position: tuple[int, str], limit: int) -> Iterator[Page]:
        pages = list(super().walk(kind, position, limit))
        yield from [*pages[:-2], Page(pages[-2].records, pages[-2].cursor, last=True)] if len(pages) > 1 else pages


class NeverSaysLast(Toy):
    def walk(self, kind: Kind, position: tuple[int, str], limit: int) -> Iterator[Page]:
        for page in super().walk(kind, position, limit):
            yield Page(page.records, page.cursor, last=False)


class DropsTheTied(Toy):
    def first_position(self, cursor: str | None) -> tuple[int, str]:
        return (0, "") if cursor is None else (int(cursor) + 1, "")


class CursorBehindUnreadPages(Toy):
    def cursor(self, position: tuple[int, str]) -> str:
        return str(self.far.now_ms() + 10 * 300_000)


class CursorThatStays(Toy):
    def cursor(self, position: tuple[int, str]) -> str:
        return "0"


class IgnoresTheLimit(Toy):
    def page_size(self, limit: int) -> int:
        return 100


class FloatAmounts(Toy):
    def body(self, row: Row) -> bytes:
        return json.dumps(json.loads(super().body(row)), ensure_ascii=False).encode()


class NullsBecomeEmpty(Toy):
    def body(self, row: Row) -> bytes:
        return super().body({name: "" if value is None else value for name, value in row.items()})


class DropsEmpties(Toy):
    def body(self, row: Row) -> bytes:
        return super().body({name: value for name, value in row.items() if value not in ("", None, 0)})


class TidiesText(Toy):
    def body(self, row: Row) -> bytes:
        tidy = {name: " ".join(value.lstrip("0").split()) for name, value in row.items() if isinstance(value, str)}
        return super().body({**row, **tidy, "id": row["id"]})


class KeepsKnownFieldsOnly(Toy):
    def body(self, row: Row) -> bytes:
        return super().body({name: row.get(name) for name in ("id", "name", "total", "rank", "stamp")})


class VolatileDigest(Toy):
    def body(self, row: Row) -> bytes:
        return super().body({**row, "read_no": next(_serial)})


class GetNeverForgets(Toy):
    kept: Raw | None = None

    def get(self, ref: Ref) -> Raw | None:
        self.kept = super().get(ref) or self.kept
        return self.kept


class DeletionsUnnoticed(Toy):
    def raw(self, kind: Kind, row: Row) -> Raw:
        return super().raw(kind, {**row, "deleted": False})


class AsksBeforeRefusing(Toy):
    def allowed(self, kind: Kind) -> None:
        self.check()
        super().allowed(kind)


class SwallowsErrors(Toy):
    def judge(self, call: Call, reply: Reply) -> ConnectorError | None:
        error = judge(call, reply)
        return None if error is not None and error.code == "1001" else error

    def goes_on(self, answer: Any) -> bool:
        answer.setdefault("rows", [])
        return bool(answer.get("more"))

    def send_write(self, call: Call) -> Any:
        answer = super().send_write(call)
        return answer if "results" in answer else {"results": [{"code": 0, "id": "1"}]}


class RetriesTheUnknown(Toy):
    def judge(self, call: Call, reply: Reply) -> ConnectorError | None:
        error = judge(call, reply)
        return RateLimited("?", system="toy") if isinstance(error, BadReply) else error


class WaitsForTheQuota(Toy):
    def judge(self, call: Call, reply: Reply) -> ConnectorError | None:
        error = judge(call, reply)
        return RateLimited("?", system="toy") if isinstance(error, QuotaUsedUp) else error


class WaitsForEver(Toy):
    def check(self) -> None:
        self.clock.sleep(0)
        super().check()

    def walk(self, kind: Kind, position: tuple[int, str], limit: int) -> Iterator[Page]:
        try:
            yield from super().walk(kind, position, limit)
        except RateLimited:
            self.clock.sleep(3600)
            yield from super().walk(kind, position, limit)


class DoublesACreate(Toy):
    def create_call(self, writes: Sequence[Write]) -> Call:
        call = super().create_call(writes)
        rows: Any = call.json["rows"]  # type: ignore[call-overload,index]
        return Call("POST", call.path, json={"rows": [{**row, "key": f"{next(_serial)}"} for row in rows]}, writes=True)


class SendsAgainWhenUnsure(DoublesACreate):
    def send_write(self, call: Call) -> Any:
        try:
            return super().send_write(call)
        except OutcomeUnknown:
            rows: Any = call.json["rows"]  # type: ignore[call-overload,index]
            again = {"rows": [{**row, "key": f"again {next(_serial)}"} for row in rows]}
            return super().send_write(Call("POST", call.path, json=again, writes=True))


class CallsTheUnknownRefused(Toy):
    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        return tuple(
            BadReply("no", system="toy") if isinstance(outcome, OutcomeUnknown) else outcome
            for outcome in super().push(writes)
        )


class ShufflesOutcomes(Toy):
    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        return tuple(reversed(super().push(writes)))


class OneFailsAllFail(Toy):
    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        outcomes = super().push(writes)
        errors = [outcome for outcome in outcomes if isinstance(outcome, ConnectorError)]
        return tuple(errors[0] for _ in outcomes) if errors else outcomes


class UpdatesBlindly(Toy):
    def update_call(self, write: Write) -> Call:
        call = super().update_call(write)
        body: Any = call.json
        return Call("PUT", call.path, json={**body, "if_stamp": None}, writes=True)


class VoidsNothing(Toy):
    """An empty update in its place would not do: it may move a stamp in the record."""

    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        if all(write.change.action is Action.VOID and write.change.target for write in writes):
            return tuple(Receipt(write.change.target, None, None) for write in writes if write.change.target)
        return super().push(writes)


class TakesAVoidForDone(Toy):
    def push(self, writes: Sequence[Write]) -> tuple[Outcome, ...]:
        return tuple(
            Receipt(write.change.target, None, None)
            if write.change.action is Action.VOID and write.change.target and isinstance(outcome, OutcomeUnknown)
            else outcome
            for write, outcome in zip(writes, super().push(writes), strict=True)
        )


class SignsInPerCall(Toy):
    def get(self, ref: Ref) -> Raw | None:
        with self.make_runner() as self.runner:
            return super().get(ref)


class PutsTheTokenIntoMessages(Toy):
    def rows(self, *args: Any) -> Any:
        try:
            return super().rows(*args)
        except ConnectorError as error:
            signed = self.runner.signed
            raise BadReply(f"failed with {signed.query if signed else None}", system="toy") from error


class LogsBodies(Toy):
    def raw(self, kind: Kind, row: Row) -> Raw:
        log.get("toy").info("record read", record=row["id"], why=str(row.get("name")))
        return super().raw(kind, row)


class LeavesASocket(Toy):
    def __init__(self, far: ToyFar, clock: Clock) -> None:
        super().__init__(far, clock)
        self.pair: list[socket.socket] = []

    def walk(self, kind: Kind, position: tuple[int, str], limit: int) -> Iterator[Page]:
        self.pair = [*socket.socketpair()]
        return super().walk(kind, position, limit)


class ReadsOn(Toy):
    def __init__(self, far: ToyFar, clock: Clock) -> None:
        super().__init__(far, clock)
        self.stop = threading.Event()

    def walk(self, kind: Kind, position: tuple[int, str], limit: int) -> Iterator[Page]:
        threading.Thread(target=self.stop.wait, args=(5,), name="toy-reader").start()
        yield from super().walk(kind, position, limit)

    def __exit__(self, *exc: object) -> None:
        self.stop.set()
        super().__exit__(*exc)


Check = Callable[..., None]
suite = TestToy
SABOTAGES: list[tuple[type[Toy], Check, dict[str, Any]]] = [
    (StopsAtAnEmptyPage, suite.test_an_empty_page_in_the_middle_ends_no_walk, {}),
    (LosesTheLastPage, suite.test_a_walk_ends_and_misses_nothing, {"limit": 5}),
    (NeverSaysLast, suite.test_a_walk_ends_and_misses_nothing, {"limit": 5}),
    (DropsTheTied, suite.test_a_record_changed_at_the_cursors_own_second_is_seen_again, {}),
    (DropsTheTied, suite.test_no_fault_of_the_vendor_loses_a_record, {"fault": "late_stamp"}),
    (CursorBehindUnreadPages, suite.test_a_cursor_resumes_where_it_stopped, {}),
    (CursorThatStays, suite.test_a_cursor_moves_with_the_walk, {}),
    (CursorThatStays, suite.test_a_finished_walk_goes_on_with_what_is_new, {}),
    (IgnoresTheLimit, suite.test_limit_and_page_size_max_are_kept, {"limit": 2}),
    (FloatAmounts, suite.test_amounts_keep_every_digit, {}),
    (NullsBecomeEmpty, suite.test_absent_null_empty_and_zero_stay_four_things, {}),
    (DropsEmpties, suite.test_absent_null_empty_and_zero_stay_four_things, {}),
    (TidiesText, suite.test_chinese_full_width_emoji_and_leading_zeros_survive, {}),
    (KeepsKnownFieldsOnly, suite.test_unknown_fields_are_kept, {}),
    (VolatileDigest, suite.test_an_unchanged_record_has_the_same_digest_each_time, {}),
    (GetNeverForgets, suite.test_get_is_none_for_unknown_and_deleted, {}),
    (DeletionsUnnoticed, suite.test_a_deletion_becomes_known_as_declared, {}),
    (AsksBeforeRefusing, suite.test_a_kind_outside_the_capabilities_fails_before_any_request, {"kind": Kind.PAYMENT}),
    (SwallowsErrors, suite.test_an_error_inside_http_200_is_an_error, {}),
    (SwallowsErrors, suite.test_an_error_inside_http_200_is_no_receipt, {}),
    (RetriesTheUnknown, suite.test_what_the_vendors_contract_does_not_know_stops, {"fault": "unknown_code"}),
    (RetriesTheUnknown, suite.test_an_unknown_code_leaves_the_outcome_unknown, {}),
    (WaitsForTheQuota, suite.test_a_used_up_quota_is_not_waited_for, {}),
    (WaitsForEver, suite.test_a_rate_limit_that_stays_is_raised_with_its_wait, {}),
    (DoublesACreate, suite.test_one_key_one_record_however_often_pushed, {}),
    (DoublesACreate, suite.test_a_create_makes_one_record_that_can_be_read_and_found, {}),
    (SendsAgainWhenUnsure, suite.test_a_create_whose_reply_is_lost_can_be_found_again, {"fault": "half_body"}),
    (
        SendsAgainWhenUnsure,
        suite.test_no_fault_of_the_wire_makes_a_second_record_or_a_false_receipt,
        {"fault": "reply_lost_after_write"},
    ),
    (CallsTheUnknownRefused, suite.test_a_create_whose_reply_is_lost_can_be_found_again, {"fault": "half_body"}),
    (ShufflesOutcomes, suite.test_outcomes_come_in_the_order_of_the_writes, {}),
    (OneFailsAllFail, suite.test_a_batch_that_fails_by_half_says_which_half, {}),
    (UpdatesBlindly, suite.test_an_update_over_a_newer_version_is_refused, {}),
    (VoidsNothing, suite.test_no_fault_makes_a_void_lie, {}),
    (TakesAVoidForDone, suite.test_no_fault_makes_a_void_lie, {}),
    (CallsTheUnknownRefused, suite.test_no_fault_makes_a_void_lie, {}),
    (SignsInPerCall, suite.test_an_expired_token_costs_one_sign_in_also_with_eight_threads, {}),
    (PutsTheTokenIntoMessages, suite.test_no_secret_or_body_appears_in_logs_or_messages_over_all_faults, {}),
    (LogsBodies, suite.test_no_secret_or_body_appears_in_logs_or_messages_over_all_faults, {}),
    (LeavesASocket, suite.test_leaving_the_context_closes_every_socket, {}),
    (ReadsOn, suite.test_closing_a_walk_early_stops_reading_ahead, {}),
]


@pytest.mark.parametrize(
    ("sabotage", "check", "arguments"),
    [pytest.param(*case, id=f"{case[0].__name__}-{case[1].__name__.removeprefix('test_')[:40]}") for case in SABOTAGES],
)
def test_the_check_meant_for_a_sabotage_fails_it(sabotage: type[Toy], check: Check, arguments: dict[str, Any]) -> None:
    far, clock = ToyFar(), FakeClock()
    wanted = check.__code__.co_varnames[: check.__code__.co_argcount]
    offered = {"far": far, "clock": clock, "kind": Kind.INVOICE, **arguments}
    with sabotage(far, clock) as connector:
        offered["connector"] = connector
        try:
            with pytest.raises((AssertionError, pytest.fail.Exception, ConnectorError)):
                check(TestToy(), **{name: offered[name] for name in wanted if name != "self"})
        finally:
            for end in getattr(connector, "pair", ()):
                end.close()


def test_every_fault_must_happen_or_be_declared_absent() -> None:
    far, clock = ToyFar(), FakeClock()
    far.faults.take_wire = lambda *_args, **_more: None  # type: ignore[method-assign]
    with Toy(far, clock) as toy, pytest.raises(pytest.fail.Exception, match="never happened"):
        TestToy().test_a_passing_trouble_is_survived(toy, far, "slow")
