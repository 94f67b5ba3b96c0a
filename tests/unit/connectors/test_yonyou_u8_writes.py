"""What U8 is sent, and what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from u8_relay import Relay, customers

from ledgerbridge.connectors.base import Write
from ledgerbridge.connectors.yonyou_u8 import YonyouU8, codec_write
from ledgerbridge.connectors.yonyou_u8.codec import RESOURCES
from ledgerbridge.errors import OutcomeUnknown, RateLimited, Refused, Unsupported
from ledgerbridge.model.base import Kind, Ref, Version
from ledgerbridge.model.change import Action, Change
from ledgerbridge.model.raw import Receipt

URL = "https://api.yonyouup.com/result?requestid=1"
ACCEPTED = {"errcode": "0", "errmsg": "", "url": URL, "ping_after": "2"}
DONE = {"errcode": "0", "errmsg": "", "id": "C1", "tradeid": "T1"}


def write(kind: Kind = Kind.CUSTOMER, action: Action = Action.CREATE, order: int | None = None, **body: Any) -> Write:
    target = Ref(system="erp", kind=kind, external_id="C1") if action is not Action.CREATE else None
    expected = Version(digest="d", order=order) if order is not None else None
    change = Change(
        action=action, system="erp", kind=kind, entity="e1", target=target, expected=expected, because="test"
    )
    return Write(change, body)


def pushed(relay: Relay, *writes: Write, **settings: Any) -> Any:
    with relay.connector(**settings) as u8:
        outcomes = u8.push(writes)
    assert len(outcomes) == len(writes)
    return outcomes[0] if len(writes) == 1 else outcomes


def test_a_create_goes_under_our_own_key_and_holds_it() -> None:
    relay = Relay()
    relay.answers = [DONE]
    one = write(code="C1", name="甲")
    receipt = pushed(relay, one, ds_sequence=2)
    assert receipt == Receipt(Ref(system="erp", kind=Kind.CUSTOMER, external_id="C1"), None, "T1")
    [(path, query)] = relay.calls
    assert path == "/api/customer/add"
    assert (query["biz_id"], query["sync"], query["ds_sequence"]) == (one.change.key, "1", "2")
    assert "tradeid" not in query
    assert relay.bodies == [{"customer": {"code": "C1", "name": "甲", "self_define10": one.change.key}}]


def test_without_a_key_field_the_body_is_as_the_mapping_made_it() -> None:
    relay = Relay()
    relay.answers = [DONE]
    pushed(relay, write(code="C1"), customer_key_field=None)
    assert relay.bodies == [{"customer": {"code": "C1"}}]


def test_an_accepted_create_is_asked_about_until_it_is_done() -> None:
    relay = Relay()
    relay.answers = [
        ACCEPTED,
        ACCEPTED,
        {"errcode": "30025", "errmsg": "操作正在执行"},
        {**ACCEPTED, "errcode": "30025"},
        DONE,
    ]
    assert isinstance(pushed(relay, write(), asynchronous=True), Receipt)
    assert [path for path, _ in relay.calls] == ["/api/customer/add", *["/result"] * 4]
    assert relay.calls[0][1]["sync"] == "0"
    assert relay.clock.slept == [2.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param([ACCEPTED] * 4, "still not done", id="never done"),
        pytest.param(
            [ACCEPTED, {"errcode": "10001"}, {"errcode": "10001"}, {"errcode": "10001"}], "asking", id="asking fails"
        ),
        pytest.param(
            [ACCEPTED, {"errcode": "20001", "errmsg": "requestid 无效"}], "asking about it failed", id="not known"
        ),
        pytest.param([ACCEPTED, {"errcode": "98765"}], "asking about it failed", id="undocumented"),
        pytest.param([ACCEPTED, {"errcode": "0", "errmsg": ""}], "without the record's number", id="no number"),
        pytest.param([{"errcode": "0", "errmsg": "", "id": ""}], "without the record's number", id="empty number"),
        pytest.param([{"errcode": "30025", "errmsg": "…"}], "not known", id="the same key is still running"),
        pytest.param([{"errcode": "10001", "errmsg": "…"}], "not known", id="the platform failed"),
        pytest.param(
            [{**ACCEPTED, "url": "https://elsewhere.example/result"}], "not among the hosts", id="another host"
        ),
        pytest.param([{**ACCEPTED, "url": "http://api.yonyouup.com/result"}], "not https", id="plain http"),
    ],
)
def test_what_is_not_proven_leaves_the_outcome_unknown(answers: list[Any], words: str) -> None:
    relay = Relay()
    relay.answers = answers
    outcome = pushed(relay, write(), asynchronous=True, polls_max=3)
    assert isinstance(outcome, OutcomeUnknown), outcome
    assert words in str(outcome)


@pytest.mark.parametrize(
    "answers", [[{"errcode": "20005", "errmsg": "编码重复"}], [ACCEPTED, {"errcode": "20005", "errmsg": "编码重复"}]]
)
def test_u8s_own_refusal_is_final_whenever_it_comes(answers: list[Any]) -> None:
    relay = Relay()
    relay.answers = answers
    outcome = pushed(relay, write(), asynchronous=True)
    assert isinstance(outcome, Refused)
    assert "编码重复" in str(outcome)


def test_each_write_has_its_own_outcome_in_order() -> None:
    relay = Relay()
    relay.answers = [
        DONE,
        {"errcode": "20005", "errmsg": "…"},
        {"errcode": "10029", "errmsg": "…"},
        {**DONE, "id": "C4"},
    ]
    outcomes = pushed(relay, *(write(code=f"C{number}") for number in range(4)))
    assert [type(outcome) for outcome in outcomes] == [Receipt, Refused, RateLimited, Receipt]


@pytest.mark.parametrize(
    "one",
    [
        write(action=Action.VOID),
        write(action=Action.LINK),
        write(Kind.INVOICE, Action.UPDATE),
        write(Kind.PAYMENT, Action.VOID),
        write(Kind.ALLOCATION),
    ],
    ids=lambda one: f"{one.change.action} {one.change.kind}",
)
def test_what_u8_cannot_do_is_said_without_a_request(one: Write) -> None:
    relay = Relay()
    assert isinstance(pushed(relay, one), Unsupported)
    assert relay.calls == []


def test_a_customer_is_edited_by_its_code() -> None:
    relay = Relay()
    relay.answers = [{"errcode": "0", "errmsg": "", "id": "C1"}]
    outcome = pushed(relay, write(action=Action.UPDATE, memo="", phone="1"))
    assert outcome.ref.external_id == "C1"
    assert [path for path, _ in relay.calls] == ["/api/customer/edit"]
    assert relay.bodies == [{"customer": {"memo": "", "phone": "1", "code": "C1"}}]
    assert not {"biz_id", "tradeid", "sync"} & set(relay.calls[0][1])


@pytest.mark.parametrize(
    ("held", "refused"),
    [(customers("C1", version=7), False), (customers("C1", version=8), True), ([], True), ([{"code": "C1"}], False)],
    ids=["the expected version", "a newer one", "gone", "no versions"],
)
def test_an_edit_over_somebody_elses_is_refused(held: list[Any], refused: bool) -> None:
    relay = Relay()
    relay.rows["customer"] = held
    relay.answers = [{"errcode": "0", "errmsg": "", "id": "C1"}]
    outcome = pushed(relay, write(action=Action.UPDATE, order=7, memo="x"))
    assert isinstance(outcome, Refused if refused else Receipt)
    assert relay.bodies == ([] if refused else [{"customer": {"memo": "x", "code": "C1"}}])


def completed(name: str, **body: Any) -> Any:
    return codec_write.completed(RESOURCES[name], body, "人民币")


def test_a_receivable_voucher_gets_an_entry_that_repeats_its_head() -> None:
    entry = {"currency_name": "人民币"}
    whole = completed("oughtreceive", cust_vendor_code="C1", amount=12, digest="运费", entry=[entry])
    assert whole == {
        "cust_vendor_code": "C1", "amount": 12, "natamount": 12, "digest": "运费",
        "entry": [{"currency_name": "人民币", "cust_vendor_code": "C1", "amount": 12, "natamount": 12, "digest": "运费"}],
    }  # fmt: skip
    assert entry == {"currency_name": "人民币"}, "the mapping's body was changed"


def test_a_foreign_amount_is_never_taken_for_the_base_amount() -> None:
    voucher = completed("oughtreceive", cust_vendor_code="C1", amount=12, entry=[{"currency_name": "美元"}])
    receipt = completed("accept", vouchtype="48", originalamount=12, currency_name="美元")
    assert "natamount" not in voucher
    assert "natamount" not in voucher["entry"][0]
    assert "amount" not in receipt
    assert receipt["currency_name"] == "美元"


def test_a_receipt_in_base_currency_is_a_standard_record() -> None:
    whole = completed(
        "accept", vouchtype="49", customercode="C1", originalamount=12, currency_name="人民币", entry=[{"type": "1"}]
    )
    assert whole == {
        "vouchtype": "49", "customercode": "C1", "originalamount": 12, "amount": 12, "digest": "退款",
        "entry": [{"type": "1", "customercode": "C1", "amount": 12, "originalamount": 12, "digest": "退款"}],
    }  # fmt: skip


def test_a_sales_invoice_is_sent_as_the_mapping_made_it() -> None:
    body = {"invoiceno": "X", "entry": [{"inventorycode": "I"}, {"inventorycode": "J"}]}
    assert completed("saleinvoice", **body) == body


def capabilities(**settings: Any) -> Any:
    connector: YonyouU8 = Relay().connector(**settings)
    return connector.capabilities


def test_what_is_created_can_be_read_again() -> None:
    plain = capabilities()
    assert plain.write_types == {Kind.CUSTOMER: "customer", Kind.INVOICE: "oughtreceive", Kind.PAYMENT: "accept"}
    assert capabilities(create_invoices_as="saleinvoice").write_types[Kind.INVOICE] == "saleinvoice"
    narrow = capabilities(invoices=["saleinvoice"])
    assert narrow.writes == {Kind.CUSTOMER, Kind.PAYMENT}
    assert Kind.INVOICE not in narrow.safe_create
    relay = Relay()
    assert isinstance(pushed(relay, write(Kind.INVOICE), invoices=["saleinvoice"]), Unsupported)
    assert relay.calls == []


# -- finding


def found(relay: Relay, kind: Kind, key: str, **settings: Any) -> list[str]:
    with relay.connector(**settings) as u8:
        return [record.external_id for record in u8.find(kind, key)]


def test_a_record_is_found_by_its_number_in_every_object_and_by_our_key() -> None:
    relay = Relay()
    key = "0123456789abcdef" * 2
    relay.rows["saleinvoice"] = [{"invoiceno": "X1"}, {"invoiceno": "X2", "digest": key}]
    relay.rows["oughtreceive"] = [{"code": "X1"}, {"code": "Y1", "define14": key}, {"code": "Y2", "define13": key}]
    assert found(relay, Kind.INVOICE, "X1") == ["saleinvoice:X1", "oughtreceive:X1"]
    relay.calls.clear()
    assert found(relay, Kind.INVOICE, key) == ["oughtreceive:Y1"]
    assert set(relay.asked("get")) == {key, "Y1"}, "only what holds the key is fetched"
    assert found(relay, Kind.INVOICE, key, voucher_key_field="define13") == ["oughtreceive:Y2"]
    assert found(relay, Kind.INVOICE, key, voucher_key_field=None) == []


def test_our_key_is_found_on_any_page_and_twice_if_it_is_there_twice() -> None:
    relay = Relay()
    relay.rows["customer"] = [{"code": f"C{number}"} for number in range(1200)]
    relay.rows["customer"][700]["self_define10"] = relay.rows["customer"][1199]["self_define10"] = "k" * 32
    assert found(relay, Kind.CUSTOMER, "k" * 32) == ["C700", "C1199"]
