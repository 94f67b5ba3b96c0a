"""Fxiaoke's walks over made-up answers: what the emulator would never send. No sockets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ledgerbridge.connectors.base import Page, Surroundings
from ledgerbridge.connectors.fxiaoke import Fxiaoke
from ledgerbridge.connectors.fxiaoke.settings import FxiaokeSettings
from ledgerbridge.errors import BadReply, Refused
from ledgerbridge.model.base import Kind, Ref
from ledgerbridge.testing.fakes import FakeClock

Answer = dict[str, Any]
Handler = Callable[[str, Answer], Answer]


class Gateway(httpx.BaseTransport):
    """Answers as `handler` says to (verb, body); signs anybody in."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.asked: list[Answer] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path == "/oauth2.0/token":
            return httpx.Response(200, json={"errorCode": 0, "accessToken": "T" * 20, "ea": "acme", "expiresIn": 7200})
        self.asked.append(body)
        answer = self.handler(request.url.path.rpartition("/")[2], body)
        return httpx.Response(200, json={"errorCode": 0, "traceId": "E-O.1", **answer})


def connector(handler: Handler, **changes: Any) -> tuple[Fxiaoke, Gateway]:
    gateway = Gateway(handler)
    plain = {"app_id": "FSAID_1", "app_secret": "s", "permanent_code": "p", "acting_user": "1000"}
    chosen = FxiaokeSettings.model_validate({**plain, **changes})
    return Fxiaoke(chosen, Surroundings("crm", FakeClock()), transport=gateway), gateway


def listed(*rows: Any) -> Answer:
    return {"data": {"dataList": list(rows)}}


def after_of(body: Answer) -> str:
    filters = body["data"]["search_query_info"]["filters"]
    return next((one["field_values"][0] for one in filters if one["field_name"] == "_id"), "")


def pages(made: Fxiaoke, kind: Kind, limit: int = 100, cursor: str | None = None) -> list[Page]:
    return list(made.pull(kind, cursor=cursor, limit=limit))


def test_what_is_no_record_is_handed_over_and_the_walk_goes_on() -> None:
    rows = [{"_id": "1", "name": "a"}, {"name": "no id"}, ["a list"], {"_id": "4"}]

    def answer(_: str, body: Answer) -> Answer:
        return listed(*rows) if not after_of(body) else listed()

    made, _ = connector(answer)
    with made:
        [first, last] = pages(made, Kind.INVOICE)
    assert [raw.external_id for raw in first.records] == ["1", "4"]
    assert [(one.body, one.where) for one in first.unreadable] == [
        (b'{"name":"no id"}', "ar_bill__c row 2 of a page"),
        (b'["a list"]', "ar_bill__c row 3 of a page"),
    ]
    assert (last.last, last.records, first.last) == (True, (), False)


def test_an_unreadable_last_row_does_not_stop_the_walk_short() -> None:
    def answer(_: str, body: Answer) -> Answer:
        return {"": listed({"_id": "1"}, {"name": "no id"}), "1": listed({"_id": "2"})}.get(after_of(body), listed())

    made, _ = connector(answer)
    with made:
        found = pages(made, Kind.INVOICE, limit=2)
    assert [raw.external_id for page in found for raw in page.records] == ["1", "2"]


@pytest.mark.parametrize("rows", [[{"name": "x"}], [7], [{"_id": ""}]], ids=["no id", "no object", "empty id"])
def test_a_page_without_any_id_ends_in_an_error_and_not_in_a_circle(rows: list[Any]) -> None:
    made, gateway = connector(lambda *_: listed(*rows))
    with made, pytest.raises(BadReply, match="cannot go on"):
        pages(made, Kind.INVOICE)
    assert len(gateway.asked) == 1


def test_a_gateway_that_ignores_the_keyset_ends_in_an_error() -> None:
    made, gateway = connector(lambda *_: listed({"_id": "1"}, {"_id": "2"}))
    with made, pytest.raises(BadReply, match="the same rows again"):
        pages(made, Kind.INVOICE, limit=2)
    assert len(gateway.asked) == 2


def test_an_end_is_believed_after_a_short_page_and_an_empty_one() -> None:
    def run(sizes: list[int]) -> tuple[int, int]:
        """How many rows are read of pages of these sizes, two being full, and how many calls that takes."""
        serial = iter(range(1, 100))
        left = iter(sizes)
        made, gateway = connector(lambda *_: listed(*({"_id": f"{next(serial):03}"} for _ in range(next(left, 0)))))
        with made:
            found = pages(made, Kind.INVOICE, limit=2)
        return sum(len(page.records) for page in found), len(gateway.asked)

    assert run([]) == (0, 2)
    assert run([1]) == (1, 2)
    assert run([2]) == (2, 3)
    assert run([2, 0, 2, 1]) == (5, 5)
    assert run([1, 1, 1]) == (3, 4)


def test_a_parent_left_out_of_a_page_is_asked_for_once_more() -> None:
    """The linked row says that its payment exists; a page without it is not believed at once."""
    made, gateway = connector(_forgetful())
    with made:
        first = pages(made, Kind.PAYMENT)[-1].cursor
        again = pages(made, Kind.PAYMENT, cursor=first)
    assert [raw.external_id for page in again for raw in page.records] == ["p1"]
    parents = [body for body in gateway.asked if _ids_asked(body) == ["p1", "p2"]]
    assert len(parents) == 1
    assert len([body for body in gateway.asked if _ids_asked(body) == ["p2"]]) == 1


def _ids_asked(body: Answer) -> list[str]:
    filters = body["data"]["search_query_info"]["filters"]
    return next((one["field_values"] for one in filters if (one["field_name"], one["operator"]) == ("_id", "IN")), [])


def _forgetful() -> Handler:
    """Two payments whose lines changed; the one of them is deleted, the first answer about both has neither."""
    answers = iter([listed(), listed()])

    def answer(_: str, body: Answer) -> Answer:
        name = body["data"]["dataObjectApiName"]
        filters = [one["field_name"] for one in body["data"]["search_query_info"]["filters"]]
        if name == "OrderPaymentObj" and filters == ["last_modified_time"]:
            return listed({"_id": "l1", "payment_id": "p1"}, {"_id": "l2", "payment_id": "p2"})
        if name == "PaymentObj" and _ids_asked(body) == ["p1", "p2"]:
            return listed({"_id": "p1", "last_modified_time": 5})
        return next(answers, listed())

    return answer


def test_linked_rows_that_cannot_be_told_apart_are_handed_over() -> None:
    def answer(_: str, body: Answer) -> Answer:
        name = body["data"]["dataObjectApiName"]
        if name == "PaymentObj" and not after_of(body):
            return listed({"_id": "p1"})
        if name == "OrderPaymentObj":
            return listed({"_id": "l1", "payment_id": "p1"}, {"payment_id": "p1"}, {"_id": "l3", "payment_id": 7})
        return listed()

    made, _ = connector(answer, refund_object=None)
    with made:
        first = pages(made, Kind.PAYMENT)[0]
    assert first.records[0].body == b'{"_id":"p1","details":{"OrderPaymentObj":[{"_id":"l1","payment_id":"p1"}]}}'
    assert [one.why for one in first.unreadable] == [
        "the row has no usable _id",
        "the row does not say which record it belongs to",
    ]


def ref(row_id: str = "1") -> Ref:
    return Ref(system="crm", kind=Kind.INVOICE, external_id=row_id)


def test_an_unknown_id_is_known_by_a_query_whatever_the_code_was() -> None:
    for code in (32000, 11001, 305030005):

        def answer(verb: str, _: Answer, code: int = code) -> Answer:
            return {"errorCode": code} if verb == "get" else listed()

        made, gateway = connector(answer)
        with made:
            assert made.get(ref()) is None
        assert len(gateway.asked) == 2


def test_a_refused_get_of_a_row_that_a_query_shows_is_answered_by_the_query() -> None:
    made, _ = connector(lambda verb, _: {"errorCode": 32000} if verb == "get" else listed({"_id": "1", "name": "x"}))
    with made:
        raw = made.get(ref())
    assert raw is not None
    assert raw.body == b'{"_id":"1","name":"x"}'


@pytest.mark.parametrize("code", [20014, 15003])
def test_a_missing_right_is_never_taken_for_absence(code: int) -> None:
    made, gateway = connector(lambda verb, _: {"errorCode": code} if verb == "get" else listed())
    with made, pytest.raises(Refused):
        made.get(ref())
    assert len(gateway.asked) == 1


@pytest.mark.parametrize(
    "data", [{}, {"data": None}, {"data": []}, {"data": {}}, {"data": {"_id": "2"}}], ids=json.dumps
)
def test_a_get_that_says_success_without_the_row_is_outside_the_contract(data: Answer) -> None:
    made, _ = connector(lambda *_: data)
    with made, pytest.raises(BadReply):
        made.get(ref())


def test_a_sweep_asks_for_ids_only() -> None:
    def answer(_: str, body: Answer) -> Answer:
        return {"": listed({"_id": "1"}, {"_id": "2"})}.get(after_of(body), listed())

    made, gateway = connector(answer)
    with made:
        assert list(made.keys(Kind.INVOICE)) == [("1", "2")]
    assert all(body["data"]["search_query_info"]["fieldProjection"] == ["_id"] for body in gateway.asked)
