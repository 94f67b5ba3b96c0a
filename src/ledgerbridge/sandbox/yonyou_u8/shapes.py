"""What U8's resources look like: names, keys, fields, filters (yonyou.md A1, A4, A6). Nothing here acts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Match(Enum):
    """How a filter compares; ranges take `<param>_begin` and `<param>_end`, inclusive at both ends (A4)."""

    TEXT_RANGE = "text range"
    DATE_RANGE = "date range"
    STAMP_RANGE = "stamp range"
    NUMBER_RANGE = "number range"
    EQUAL = "equal"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter parameter and the record field it looks at."""

    param: str
    field: str
    match: Match


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record. `table` is its name in the books, in paths and in bodies.

    `numeric` are the fields kept as decimal text in the books; of these `as_numbers` go out as JSON numbers, the rest
    as numeric strings (A3: both occur). `signed` are amounts whose sign follows a red document's convention.
    `damage` is what the fault `malformed_record` does to a record: a field and a value of the wrong type.
    """

    table: str
    list_path: str
    list_name: str
    key: str
    fields: frozenset[str]
    filters: tuple[Filter, ...]
    damage: tuple[str, Any]
    stamp: str
    numeric: frozenset[str] = frozenset()
    as_numbers: frozenset[str] = frozenset()
    entry_fields: frozenset[str] = frozenset()
    signed: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    verifiable: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _numbered(prefix: str, first: int, last: int) -> frozenset[str]:
    return frozenset(f"{prefix}{number}" for number in range(first, last + 1))


def _equal(names: str) -> tuple[Filter, ...]:
    return tuple(Filter(name, name, Match.EQUAL) for name in names.split())


HEADER_DEFINES = _numbered("define", 1, 16)
ENTRY_DEFINES = _numbered("define", 22, 37)

CUSTOMER_EXTENSIONS = _words(
    "tax_reg_code credit_amount credit_rank Credit CreditDate ccuscreditcompany InvoiceCompany super_dept email legal_man"
)
CUSTOMER_CHILDREN = _words("addresses banks invoicecustomers users auths")

CUSTOMER = Resource(
    table="customer",
    list_path="customer",
    list_name="customer",
    key="code",
    fields=_words(
        "code name abbrname sort_code domain_code industry memo fax address contact phone mobile devliver_site "
        "bank_open bank_acc_number ccusexch_name bcusdomestic bcusoverseas bserviceattribute ccusmngtypecode "
        "ccusmngtypename spec_operator spec_operator_name seed_date end_date ModifyDate timestamp"
    )
    | _numbered("self_define", 1, 16)
    | CUSTOMER_EXTENSIONS
    | CUSTOMER_CHILDREN,
    filters=(
        Filter("code", "code", Match.TEXT_RANGE),
        Filter("timestamp", "timestamp", Match.NUMBER_RANGE),
        Filter("ModifyDate", "ModifyDate", Match.STAMP_RANGE),
        Filter("seed_date", "seed_date", Match.STAMP_RANGE),
        Filter("name", "name", Match.KEYWORD),
    ),
    damage=("name", ["damaged"]),
    stamp="timestamp",
    numeric=_words("credit_amount timestamp"),  # `timestamp` is shown as a string here, as a number on classes [1]
    flags=_words("bcusdomestic bcusoverseas bserviceattribute"),
)

CUSTOMER_CLASS = Resource(
    table="customerclass",
    list_path="customerclass",
    list_name="customerclass",
    key="code",
    fields=_words("code name rank end_rank_flag timestamp"),
    filters=(
        Filter("code", "code", Match.TEXT_RANGE),
        Filter("timestamp", "timestamp", Match.NUMBER_RANGE),
        Filter("name", "name", Match.KEYWORD),
    ),
    damage=("rank", {"level": "damaged"}),
    stamp="timestamp",
    numeric=_words("rank end_rank_flag timestamp"),
    as_numbers=_words("rank end_rank_flag timestamp"),
)

_LINE_AMOUNTS = _words("quantity number originalmoney originaltax originalsum originaldiscount money tax sum discount")

SALE_INVOICE = Resource(
    table="saleinvoice",
    list_path="saleinvoicelist",
    list_name="saleinvoicelist",
    key="invoiceno",
    fields=_words(
        "invoiceno vouchertype saletypecode cstname date customercode ccusabbname customername departmentcode cdepname "
        "personcode cpersonname foreigncurrency currencyrate taxrate isnegative payconditioncode cgatheringplan "
        "dcreditstart icreditdays dgatheringdate bcredit ccusbank ccusaccount bankcode cbaccount csocode cdlcode "
        "csource businesstype isfirst maker memory entry"
    )
    | HEADER_DEFINES,
    filters=(
        Filter("invoiceno", "invoiceno", Match.TEXT_RANGE),
        Filter("date", "date", Match.DATE_RANGE),
        Filter("ccusname", "customername", Match.KEYWORD),
        Filter("maker", "maker", Match.KEYWORD),
        *_equal(
            "customercode cstname csocode cdlcode vouchertype saletypecode departmentcode personcode isnegative "
            "businesstype isfirst csource"
        ),
        *_equal(" ".join(f"define{number}" for number in range(1, 17))),
    ),
    damage=("entry", "damaged"),
    stamp="date",
    numeric=_LINE_AMOUNTS
    | _words(
        "currencyrate taxrate icreditdays irowno exchangerate originalprice originaltaxedprice price quotedprice "
        "accountrate1 accountrate2"
    ),
    as_numbers=_words("icreditdays irowno quantity number"),
    entry_fields=_LINE_AMOUNTS
    | _words(
        "irowno warehousecode inventorycode exchangerate unitid originalprice originaltaxedprice price quotedprice "
        "accountrate1 accountrate2 bgift bsaleprice reasoncode"
    )
    | _numbered("free", 1, 10)
    | ENTRY_DEFINES,
    signed=_LINE_AMOUNTS,
    dates=_words("date dcreditstart dgatheringdate define4 define6"),
    flags=_words("isnegative isfirst bcredit bgift bsaleprice"),
)

OUGHT_RECEIVE = Resource(
    table="oughtreceive",
    list_path="oughtreceivelist",
    list_name="oughtreceivelist",
    key="code",
    fields=_words(
        "code date state bdebitcredit cust_vendor_code cusname cusabbname deptcode deptname personcode personname "
        "amount natamount digest entry"
    )
    | HEADER_DEFINES,
    filters=(
        Filter("code", "code", Match.TEXT_RANGE),
        Filter("date", "date", Match.DATE_RANGE),
        Filter("cusname", "cusname", Match.KEYWORD),
        Filter("digest", "digest", Match.KEYWORD),
        *_equal("cust_vendor_code deptcode deptname personcode personname state"),
    ),
    damage=("natamount", "一千元整"),
    stamp="date",
    numeric=_words("amount natamount currency_rate"),
    as_numbers=_words("amount natamount currency_rate"),
    entry_fields=_words(
        "cust_vendor_code cusabbname deptcode personcode digest subjectcode currency_name currency_rate natamount "
        "amount bdebitcredit item_classcode item_code"
    )
    | ENTRY_DEFINES,
    signed=_words("amount natamount"),
    dates=_words("date define4 define6"),
    flags=_words("bdebitcredit"),
    verifiable=True,
)

ACCEPT = Resource(
    table="accept",
    list_path="acceptlist",
    list_name="acceptlist",
    key="vouchcode",
    fields=_words(
        "vouchcode vouchdate vouchtype customercode customername customerabbname departmentcode departmentname "
        "personcode personname amount originalamount digest balancecode balancename balanceitemcode oppositebankname "
        "oppositebankcode bankname bankaccount itemclasscode itemcode itemname entry"
    )
    | HEADER_DEFINES,
    filters=(
        Filter("vouchcode", "vouchcode", Match.TEXT_RANGE),
        Filter("vouchdate", "vouchdate", Match.DATE_RANGE),
        Filter("customername", "customername", Match.KEYWORD),
        Filter("digest", "digest", Match.KEYWORD),
        *_equal("vouchtype customercode departmentcode personcode"),
    ),
    damage=("originalamount", {"value": "damaged"}),
    stamp="vouchdate",
    numeric=_words("amount originalamount iamt_s iramt_s type"),
    as_numbers=_words("amount originalamount iamt_s iramt_s type"),
    entry_fields=_words(
        "type customercode departmentcode personcode digest itemcode projectclass project amount originalamount iamt_s "
        "iramt_s"
    )
    | ENTRY_DEFINES,
    dates=_words("vouchdate define4 define6"),
    verifiable=True,
)

RESOURCES = {resource.table: resource for resource in (CUSTOMER, CUSTOMER_CLASS, SALE_INVOICE, OUGHT_RECEIVE, ACCEPT)}
VOUCHERS = ("saleinvoice", "oughtreceive", "accept")
