"""Writing a record and reading it back gives the record, for every reversible converter and for mappings made at random."""

from __future__ import annotations

import string
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_desk import CONTEXT, CREDIT_CODE, spec_of

from ledgerbridge.mapping.apply import (
    Mapped,
    MappedOut,
    canonical_bytes,
    compile_inbound,
    compile_outbound,
    from_canonical,
    kind_of,
)
from ledgerbridge.mapping.convert import CONVERTERS
from ledgerbridge.model.currency import EXPONENTS
from ledgerbridge.model.customer import Customer, CustomerStatus
from ledgerbridge.model.invoice import (
    DocumentStatus,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Reference,
    ReferenceKind,
    TaxInvoiceNumber,
)
from ledgerbridge.model.money import MINOR_MAX
from ledgerbridge.model.party import Address, BankAccount, Contact, PartyRef
from ledgerbridge.model.wirejson import dumps, loads

TRIMMED = string.ascii_letters + string.digits + "甲乙（）=HYPERLINK\"'|€😀"
line = st.text(st.sampled_from(TRIMMED + " \u3000"), max_size=30).map(str.strip)
key = st.text(st.sampled_from(TRIMMED), min_size=1, max_size=30)
text = st.text(st.sampled_from(TRIMMED + "\n\t "), max_size=60).map(str.strip)
minor = st.one_of(st.integers(-MINOR_MAX, MINOR_MAX), st.integers(-200, 200))
day = st.dates(date(1900, 3, 1), date(2999, 12, 31))
digits_8, digits_10, digits_20 = (st.text(string.digits, min_size=size, max_size=size) for size in (8, 10, 20))
code = st.text(string.digits, min_size=1, max_size=20)


@st.composite
def exact_decimals(draw: st.DrawFn, *, low: int = -(10**15), high: int = 10**15, places: int = 8) -> Decimal:
    found = Decimal(draw(st.integers(low, high))).scaleb(-draw(st.integers(0, places))).normalize()
    return Decimal(format(found, "f"))


rate = exact_decimals(low=1)
fraction = exact_decimals(low=0, high=10**4, places=4).filter(lambda value: value <= 1)
words = {
    InvoiceKind: [["1", "invoice"], [2, "credit_note"], ["3", "opening_balance"], ["四", "adjustment"]],
    DocumentStatus: [["0", "draft"], ["1", "approved"], ["x", "void"]],
    CustomerStatus: [[True, "active"], [False, "disabled"], [0, "void"]],
}

TEXT_RULES: list[dict[str, Any]] = [{}, {"convert": "line"}, {"convert": "lookup"}, {"convert": "list_of_one"}]
MONEY_RULES: list[dict[str, Any]] = [
    {},
    {"args": {"unit": "fen"}},
    {"args": {"unit": "wan", "loose": True}},
    {"args": {"write_as": "text"}},
    {"args": {"write_as": "number", "round": "half_up"}},
]
DATE_RULES: list[dict[str, Any]] = [
    {"args": {"form": form}} for form in ("iso", "slash", "compact", "stamp", "epoch_ms", "epoch_s", "excel")
]

INVOICE: dict[str, tuple[st.SearchStrategy[Any], list[dict[str, Any]]]] = {
    "kind": (st.sampled_from(InvoiceKind), [{}, {"values": words[InvoiceKind]}]),
    "due_on": (st.none() | day, DATE_RULES),
    "posted_on": (st.none() | day, DATE_RULES),
    "net_minor": (st.none() | minor, MONEY_RULES),
    "open_minor": (st.none() | minor, MONEY_RULES),
    "exchange_rate": (st.none() | rate, [{}, {"args": {"per": 100}}, {"args": {"write_as": "text"}}]),
    "status": (st.sampled_from(DocumentStatus), [{}, {"values": words[DocumentStatus]}]),
    "salesperson": (st.none() | line.filter(bool), TEXT_RULES),
    "department": (st.none() | line, [{}]),
    "remark": (st.none() | text, [{}]),
    "reverses.number": (key, [{}]),
    "customer.external_id": (key, [{}, {"convert": "lookup"}]),
    "customer.credit_code": (st.none() | st.just(CREDIT_CODE), [{}]),
}
CUSTOMER: dict[str, tuple[st.SearchStrategy[Any], list[dict[str, Any]]]] = {
    "code": (st.none() | key, [{}]),
    "short_name": (st.none() | line, [{}]),
    "credit_code": (st.none() | st.just(CREDIT_CODE), [{}]),
    "category": (st.none() | line.filter(bool), [{}, {"convert": "join", "args": {"separator": "|"}}]),
    "currency": (st.none() | st.sampled_from(["CNY", "USD", "JPY", "EUR"]), [{}, {"args": {"write_as": "name"}}]),
    "credit_days": (st.none() | st.integers(0, 3650), [{}, {"args": {"write_as": "text"}}]),
    "phone": (
        st.none() | st.sampled_from(["+8613800138000", "+861062345678", "+85223456789", "+12125550123"]),
        [{}, {"args": {"write_as": "national"}}],
    ),
    "email": (st.none() | st.sampled_from(["a@b.cn", "Li.Si@example.com"]), [{}]),
    "status": (st.sampled_from(CustomerStatus), [{}, {"values": words[CustomerStatus]}]),
    "opened_on": (st.none() | day, DATE_RULES),
    "custom.region": (st.none() | line, [{}]),
    "custom.vip": (
        st.booleans(),
        [{"convert": "boolean", "args": {"write_as": form}} for form in ("number", "letter", "chinese")],
    ),
    "custom.count": (st.integers(), [{}, {"convert": "integer"}]),
    "custom.seen": (st.sampled_from(["2026-03-31T07:00:00Z", "1999-12-31T16:00:00Z"]), [{"convert": "datetime"}]),
}
WIRES = ["{}", "head.{}", "`{}.x`", "deep.er.{}"]


@st.composite
def mapped_records(
    draw: st.DrawFn, table: dict[str, tuple[st.SearchStrategy[Any], list[dict[str, Any]]]]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Rules, canonical values by path, and head keys."""
    paths = draw(st.lists(st.sampled_from(sorted(table)), unique=True))
    rules, values = {}, {}
    for number, path in enumerate(paths):
        strategy, variants = table[path]
        wire = draw(st.sampled_from(WIRES)).format(f"W{number}")
        rules[path] = {"wire": wire, **draw(st.sampled_from(variants))}
        if draw(st.booleans()) or draw(st.booleans()):
            values[path] = draw(strategy)
    head = {
        "keys": draw(st.sampled_from(["exact", "ignore_case"])),
        "numbers": draw(st.sampled_from(["number", "text"])),
        "absent": "unknown",
    }
    return rules, values, head


def nested(values: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for path, value in values.items():
        name, _, below = path.partition(".")
        if below:
            result.setdefault(name, {})[below] = value
        else:
            result[name] = value
    return result


def there_and_back(kind: str, rules: dict[str, Any], record: Any, head: dict[str, Any]) -> Any:
    """The record after it was written, sent as JSON, and read; its mapping also carries what `kind` needs."""
    spec = spec_of(kind, rules, **head)
    out = compile_outbound(spec, CONTEXT)(record, changed=None, creating=True)
    assert isinstance(out, MappedOut), out
    payload = loads(dumps(out.body).encode())
    assert isinstance(payload, dict)
    back = compile_inbound(spec, CONTEXT)(payload)
    assert isinstance(back, Mapped), back
    assert back.notices == ()
    return back.value


@given(mapped_records(INVOICE), st.sampled_from(["CNY", "JPY", "KWD"]), minor)
@settings(max_examples=150, deadline=None)
def test_invoices_come_back_as_they_went(made: tuple[dict[str, Any], ...], currency: str, total: int) -> None:
    rules, values, head = made
    data = nested({"customer.code": "C1", **values})
    needed = {"number": "S1", "issued_on": date(2026, 3, 31), "currency": currency, "total_minor": total}
    record = Invoice(**needed, **data)

    back = there_and_back("invoice", rules, record, head)

    assert back == record
    assert canonical_bytes(back) == canonical_bytes(record)


@given(mapped_records(CUSTOMER), key)
@settings(max_examples=150, deadline=None)
def test_customers_come_back_as_they_went(made: tuple[dict[str, Any], ...], name: str) -> None:
    rules, values, head = made
    record = Customer(name=name, **nested(values))

    back = there_and_back("customer", rules, record, head)

    assert back == record
    assert canonical_bytes(back) == canonical_bytes(record)


LINES = st.lists(
    st.fixed_dictionaries(
        {"net_minor": minor, "item_code": line.filter(bool)},
        optional={"quantity": exact_decimals(), "tax_rate": fraction, "remark": line, "unit_price": exact_decimals()},
    ),
    max_size=4,
)


@given(LINES, st.lists(code, max_size=3, unique=True), st.booleans())
@settings(max_examples=100, deadline=None)
def test_lists_come_back_as_they_went(lines: list[dict[str, Any]], orders: list[str], as_text: bool) -> None:
    fields = {
        "lines[]": {
            "wire": "rows",
            "fields": {
                "net_minor": "net",
                "item_code": {"wire": "item", "convert": "lookup"},
                "quantity": "q.n",
                "tax_rate": {"wire": "r", "convert": "percent"},
                "unit_price": "p",
                "remark": "m",
            },
        },
        "references[]": {
            "wire": "so",
            "fields": {"kind": {"const": "order"}, "number": "."},
            **({"split": ",;"} if as_text else {}),
        },
    }
    record = Invoice(
        number="S1",
        customer=PartyRef(code="C"),
        issued_on=date(2026, 3, 31),
        currency="CNY",
        total_minor=1,
        lines=tuple(InvoiceLine(**one) for one in lines),
        references=tuple(Reference(kind=ReferenceKind.ORDER, number=number) for number in orders),
    )

    assert there_and_back("invoice", fields, record, {}) == record


@given(st.lists(st.booleans(), min_size=3, max_size=3), key, code)
@settings(max_examples=50, deadline=None)
def test_items_in_header_fields_come_back_as_they_went(which: list[bool], name: str, account: str) -> None:
    fields = {
        "contacts[]": [{"name": "who", "mobile": "tel", "primary": {"const": True}}],
        "addresses[]": [
            {"purpose": {"const": "main"}, "street": "main"},
            {"purpose": {"const": "shipping"}, "street": "ship"},
        ],
        "bank_accounts[]": [{"bank": "bank", "account": "no"}],
    }
    record = Customer(
        name="x",
        contacts=(Contact(name=name, mobile="+8613800138000", primary=True),) if which[0] else (),
        addresses=(Address(purpose="shipping", street=name),) if which[1] else (),
        bank_accounts=(BankAccount(bank=name, account=account),) if which[2] else (),
    )
    spec = spec_of("customer", fields, absent="empty")
    out = compile_outbound(spec, CONTEXT)(record, changed=None, creating=True)
    assert isinstance(out, MappedOut)
    back = compile_inbound(spec, CONTEXT)(out.body)

    assert isinstance(back, Mapped)
    assert back.value == record


@given(st.integers(1, 10**13).map(lambda digits: Decimal(digits).scaleb(-9)))  # 13 digits, up to 10,000
def test_inverse_rates_go_out_as_they_came(wire: Decimal) -> None:
    spec = spec_of("invoice", {"exchange_rate": {"wire": "r", "args": {"direction": "inverse"}}})
    payload = {"no": "1", "cust": "C", "day": "2026-03-31", "total": "1", "r": wire}
    read = compile_inbound(spec, CONTEXT)(payload)
    assert isinstance(read, Mapped)
    out = compile_outbound(spec, CONTEXT)(read.value, changed=frozenset({"exchange_rate"}), creating=False)

    assert isinstance(out, MappedOut)
    assert out.body == {"r": wire}


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(-MINOR_MAX, MINOR_MAX), st.sampled_from(["number", "text"]))
def test_amounts_of_every_currency_keep_every_digit(currency: str, amount: int, numbers: str) -> None:
    record = Invoice(
        number="1", customer=PartyRef(code="C"), issued_on=date(2026, 3, 31), currency=currency, total_minor=amount
    )

    assert there_and_back("invoice", {}, record, {"numbers": numbers}) == record


def test_every_reversible_converter_is_among_those_tried() -> None:
    tried = {
        variant["convert"]
        for _, variants in [*INVOICE.values(), *CUSTOMER.values()]
        for variant in variants
        if "convert" in variant
    }
    tried |= {
        "key",
        "text",
        "enum",
        "money",
        "currency",
        "date",
        "phone",
        "email",
        "credit_code",
        "rate",
    }  # by their fields
    tried |= {"decimal", "percent", "account", "custom"}  # in lists, and custom.region
    reversible = {name for name, converter in CONVERTERS.items() if converter.writer is not None}

    assert reversible - tried == {"tax_invoice_number", "tax_invoice_code"}


@given(
    digits_20 | digits_8,
    st.none() | digits_10,
)
@settings(max_examples=30, deadline=None)
def test_tax_invoices_come_back_as_they_went(number: str, series: str | None) -> None:
    record = Invoice(
        number="1",
        customer=PartyRef(code="C"),
        issued_on=date(2026, 3, 31),
        currency="CNY",
        total_minor=1,
        tax_invoices=(TaxInvoiceNumber(code=series, number=number),),
    )
    fields = {"tax_invoices[]": [{"code": "c", "number": "n"}]}
    spec = spec_of("invoice", fields, absent="empty")
    out = compile_outbound(spec, CONTEXT)(record, changed=None, creating=True)
    assert isinstance(out, MappedOut)
    back = compile_inbound(spec, CONTEXT)(out.body)

    assert isinstance(back, Mapped)
    assert back.value == record


@given(mapped_records(CUSTOMER))
@settings(max_examples=60, deadline=None)
def test_canonical_bytes_are_stable_and_say_only_what_is_set(made: tuple[dict[str, Any], ...]) -> None:
    record = Customer(name="x", **nested(made[1]))
    data = canonical_bytes(record)
    again = from_canonical(kind_of(record), data)

    assert again == record
    assert again.model_fields_set == record.model_fields_set
    assert canonical_bytes(again) == data
    turned = record.model_copy(update={"custom": dict(reversed(record.custom.items()))}) if record.custom else record
    assert canonical_bytes(turned) == data
