"""What headers mean: our column names and the words that exports and people use for them (finance-formats.md 5.4, 8.5).

A header is compared after NFKC, without blanks, case, asterisks and units in brackets such as (元) or（￥）.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

_CUSTOMER = {
    "customer_code": "客户编码 客户代码 客户编号 客户号 往来单位编码 customercode customerno customerid code",
    "customer_name": "客户名称 客户 单位名称 往来单位 公司名称 购方名称 购买方名称 customername customer company name",
}
_MONEY = {
    "currency": "币种 币别 货币 货币种类 currency ccy",
    "remark": "备注 说明 附注 remark remarks memo note comment",
    "salesperson": "业务员 销售员 客户经理 负责人 salesperson salesrep owner",
    "department": "部门 销售部门 department",
}

COLUMNS: dict[str, dict[str, str]] = {
    "customer_list": {
        **_CUSTOMER,
        "short_name": "简称 客户简称 shortname abbreviation",
        "credit_code": "统一社会信用代码 信用代码 社会信用代码 unifiedsocialcreditcode uscc creditcode",
        "tax_number": "税号 纳税人识别号 税务登记号 taxno taxid taxnumber vatno",
        "category": "客户分类 客户类别 客户类型 category class type",
        "industry": "行业 所属行业 industry",
        "contact": "联系人 联系人姓名 contact contactperson contactname",
        "phone": "电话 联系电话 固定电话 座机 phone telephone tel",
        "mobile": "手机 手机号 手机号码 移动电话 mobile cellphone",
        "email": "邮箱 电子邮箱 电子邮件 email mail",
        "province": "省 省份 province",
        "city": "市 城市 city",
        "district": "区 区县 district",
        "address": "地址 详细地址 注册地址 单位地址 address street",
        "bank": "开户行 开户银行 bank bankname",
        "bank_account": "银行账号 银行帐号 账号 bankaccount accountno",
        "credit_limit": "信用额度 额度 creditlimit",
        "credit_days": "账期 账期(天) 账期天数 信用期 信用天数 creditdays paymentdays",
        "status": "状态 客户状态 status",
        "opened_on": "建档日期 开户日期 创建日期 opened created",
        **{key: _MONEY[key] for key in ("currency", "remark", "salesperson")},
    },
    "invoice_list": {
        **_CUSTOMER,
        "number": "单据号 单据编号 应收单号 发票单号 编号 单号 invoiceno invoicenumber documentno number",
        "tax_invoice_code": "发票代码 invoicecode",
        "tax_invoice_number": "发票号码 发票号 税务发票号 数电票号码 全电发票号码 taxinvoicenumber taxinvoiceno",
        "kind": "单据类型 类型 发票类型 doctype documenttype",
        "issued_on": "开票日期 单据日期 日期 发票日期 invoicedate date issuedate",
        "due_on": "到期日 到期日期 应收日期 付款到期日 duedate due",
        "total": "价税合计 应收金额 含税金额 金额 发票金额 total amount grossamount",
        "net": "不含税金额 未税金额 net netamount",
        "tax": "税额 tax taxamount vat",
        "open": "未收金额 未收款 未核销金额 余额 欠款 openamount balance outstanding",
        "exchange_rate": "汇率 exchangerate rate",
        "order": "订单号 销售订单 销售订单号 orderno order",
        "contract": "合同号 合同编号 contractno contract",
        "status": "状态 单据状态 status",
        **_MONEY,
    },
    "payment_list": {
        **_CUSTOMER,
        "number": "收款单号 单据号 单据编号 编号 流水号 receiptno paymentno number",
        "kind": "收款类型 单据类型 类型 type",
        "received_on": "收款日期 到账日期 日期 date receiptdate paymentdate",
        "amount": "收款金额 到账金额 金额 amount",
        "fee": "手续费 fee bankcharge",
        "payer_name": "付款人 付款方 付款单位 payer payername",
        "payer_account": "付款账号 付款人账号 payeraccount",
        "invoice": "核销单号 发票号 应收单号 invoice invoiceno",
        "method": "收款方式 结算方式 method",
        "exchange_rate": "汇率 exchangerate rate",
        **_MONEY,
    },
    "bank_statement": {
        # dates before times: beside a date column, 交易时间 holds the time of day alone
        "booked_at": "交易日 交易日期 记账日期 记账日 入账日期 bookingdate transactiondate date 交易时间 记账时间",
        "booked_time": "交易时间点 时刻 transactiontime time",
        "value_date": "起息日 valuedate",
        "serial": "流水号 交易流水号 银行流水号 账户明细编号-交易流水号 日志号 交易序号 serialno transactionid",
        "bank_reference": "业务参考号 企业流水号 参考号 reference bankreference",
        "amount_in": "贷方发生额 贷方金额 贷方 收入 收入金额 存入金额 贷方(入账) 贷方发生额/元(收入) 贷 credit creditamount",
        "amount_out": "借方发生额 借方金额 借方 支出 支出金额 取出金额 借方(出账) 借方发生额/元(支取) 借 debit debitamount",
        "amount": "交易金额 金额 发生额 amount",
        "direction": "借贷标志 借贷 收支 收/支 借贷方向 direction",
        "balance": "余额 账户余额 联机余额 本次余额 balance",
        "counterparty_name": "对方户名 对方单位 对方单位名称 对方账户名称 对方账户名 收(付)方名称 交易对手名称 对手信息 "
        "counterparty counterpartyname",
        "counterparty_account": "对方账号 对方帐号 对方账户 对方卡号/账号 收(付)方账号 交易对手账号 counterpartyaccount",
        "counterparty_bank": "对方开户行 对方开户机构 对方行名 收(付)方开户行名 对方行号 counterpartybank",
        "purpose": "用途 附言 交易附言 个性化信息 purpose",
        "summary": "摘要 业务摘要 交易摘要 交易名称 summary description",
        "extra_summary": "其它摘要 其他摘要 扩展摘要 备注 remark memo",
        "account": "账号 本方账号 account",
        "currency": _MONEY["currency"],
    },
}

REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "customer_list": (("customer_name",),),
    "invoice_list": (("number", "tax_invoice_number"), ("total",)),
    "payment_list": (("received_on",), ("amount",)),
    "bank_statement": (("booked_at",), ("amount", "amount_in", "amount_out")),
}
"""Of each group at least one column must be in a header row."""

_UNIT = re.compile(r"\((元|人民币元|rmb|cny|¥|￥|\+元|-元|%)\)$")


def folded(header: str) -> str:
    """A header as it is compared."""
    text = unicodedata.normalize("NFKC", header).casefold()
    text = re.sub(r"[\s*_:：]+", "", text)
    return _UNIT.sub("", text)


_SECOND: dict[str, dict[str, str]] = {
    "invoice_list": {"net": "金额 amount"},
    "bank_statement": {"booked_time": "交易时间 记账时间"},
}
"""What a word means where its first meaning is taken: 金额 beside 价税合计, 交易时间 beside 交易日."""

_BY_WORD: dict[str, dict[str, list[tuple[int, str]]]] = {}
"""By table type and folded word: the columns that the word may head, each with its rank (0: its best word)."""
for _type, _columns in COLUMNS.items():
    _words = _BY_WORD.setdefault(_type, {})
    for _column, _text in _columns.items():
        for _rank, _word in enumerate([*_text.split(), _column]):
            _words.setdefault(folded(_word), []).append((_rank, _column))
    for _column, _text in _SECOND.get(_type, {}).items():
        for _word in _text.split():
            _words.setdefault(folded(_word), []).append((1000, _column))


def columns_of(headers: Sequence[str], table_type: str, own: Mapping[str, str]) -> dict[int, str]:
    """Which header (by index) heads which of our columns. `own` (the file's settings) goes first, then the best words.

    So 价税合计 is the total and 金额 beside it is not, wherever the two stand; of equal words the first one counts.
    """
    mine = {folded(written): column for written, column in own.items()}
    choices: list[tuple[int, int, str]] = []
    for at, header in enumerate(headers):
        key = folded(header)
        if key in mine:
            choices.append((-1, at, mine[key]))
        elif key:
            choices += [(rank, at, column) for rank, column in _BY_WORD[table_type].get(key, ())]
    found: dict[int, str] = {}
    for _, at, column in sorted(choices, key=lambda choice: choice[:2]):
        if at not in found and column not in found.values():
            found[at] = column
    return dict(sorted(_net_beside_tax(headers, found, own).items()))


def _net_beside_tax(headers: Sequence[str], found: dict[int, str], own: Mapping[str, str]) -> dict[int, str]:
    """金额 beside 税额 without 价税合计 is the amount before tax, as on every tax invoice: it must not pass for the total."""
    doubtful = {folded(word) for word in ("金额", "amount")} - {folded(word) for word in own}
    if "tax" in found.values() and "net" not in found.values():
        return {
            at: "net" if column == "total" and folded(headers[at]) in doubtful else column
            for at, column in found.items()
        }
    return found


def missing(columns: set[str], table_type: str) -> list[str]:
    """What a header row lacks, in words: one entry per group of which no column is there."""
    groups = REQUIRED[table_type]
    return [
        " or ".join(f"{name} ({COLUMNS[table_type][name].split()[0]})" for name in group)
        for group in groups
        if not columns & set(group)
    ]
