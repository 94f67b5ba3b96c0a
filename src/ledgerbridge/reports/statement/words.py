"""What stands on a statement, in both languages; one table, so that no format says a thing differently."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ledgerbridge.model.payment import DifferenceKind
from ledgerbridge.model.statement import AgeBase, AgeBucket, EntryKind
from ledgerbridge.model.two_sided import SideRule


class Language(StrEnum):
    """The language of the layout; names and remarks stay as they are."""

    ZH = "zh"
    EN = "en"


_ZH: Final = {
    "title": "客户对账单",
    "number": "对账单号",
    "customer": "客户名称",
    "code": "客户编码",
    "currency": "币种",
    "period": "对账期间",
    "as_of": "账龄截止日",
    "made_on": "制表日期",
    "lines": "往来明细",
    "row": "序号",
    "on": "日期",
    "kind": "类型",
    "document": "单据号",
    "reference": "发票号 / 参考号",
    "due_on": "到期日",
    "debit": "应收",
    "credit": "已收",
    "balance": "余额",
    "details": "摘要",
    "remark": "备注",
    "applied": "核销",
    "applied_on": "核销日期",
    "applied_amount": "核销金额",
    "against": "对方单据",
    "base": "本位币金额",
    "opening": "期初余额",
    "movement": "本期合计",
    "closing": "期末余额",
    "carried": "转下页",
    "brought": "承上页",
    "no_lines": "本期无往来",
    "in_words": "期末余额（大写）",
    "aging": "账龄分析",
    "aging_due": "按到期日",
    "aging_document": "按单据日期",
    "unapplied": "未核销收款",
    "total": "合计",
    "open_items": "未核销明细",
    "amount": "金额",
    "open": "未核销金额",
    "overdue": "逾期天数",
    "age": "账龄天数",
    "fee": "含手续费",
    "accounts": "收款账户",
    "holder": "户名",
    "bank": "开户行",
    "account": "账号",
    "contact": "联系人",
    "page": "第 {page} 页，共 {pages} 页",
    "footer": "如有不符，请在收到后及时与我方联系。",
    "slip": "对账回执",
    "slip_to": "致：{company}",
    "slip_text": "贵公司截至 {last_day} 的对账单（{number}）列示我公司应付余额为 {currency} {closing}。经核对：",
    "slip_text_credit": "贵公司截至 {last_day} 的对账单（{number}）列示我公司预付余额为 {currency} {closing}。经核对：",
    "agree": "□ 核对无误，余额相符。",
    "disagree": "□ 余额不符。我公司账面余额为：",
    "why": "不符原因及明细：",
    "seal": "单位（盖章）：",
    "signed": "经办人签字：",
    "date": "日期：　　　年　　月　　日",
    "reply_to": "回执请寄：{reply_to}",
    "reply_by": "请于 {day} 前回复",
    "cut": "沿此线剪下",
    "missing_glyphs": "〓：字库未收录的字符（{codes}），原文见电子表格或网页版。",
    "more": "等 {count} 笔",
    "credit_balance": "贵公司预付（多付）",
    "ours": "我方",
    "theirs": "对方",
    "two_title": "双方往来核对表",
    "difference": "差额",
    "cause": "差异原因",
    "opening_difference": "期初差异",
    "only_ours": "我方有、对方无",
    "only_theirs": "对方有、我方无",
    "amounts_differ": "金额不一致",
    "explained": "差异合计",
    "matched": "已核对一致",
    "rule": "匹配依据",
    "summary": "核对汇总",
    "count": "笔数",
    "none": "无",
    "generated": "附：核销明细",
}
_EN: Final = {
    "title": "Statement of Account",
    "number": "Statement no.",
    "customer": "Customer",
    "code": "Customer code",
    "currency": "Currency",
    "period": "Period",
    "as_of": "As of",
    "made_on": "Date",
    "lines": "Transactions",
    "row": "No.",
    "on": "Date",
    "kind": "Type",
    "document": "Document",
    "reference": "Tax invoice / reference",
    "due_on": "Due",
    "debit": "Debit",
    "credit": "Credit",
    "balance": "Balance",
    "details": "Details",
    "remark": "Remark",
    "applied": "Applied",
    "applied_on": "Applied on",
    "applied_amount": "Amount applied",
    "against": "Against",
    "base": "Base amount",
    "opening": "Opening balance",
    "movement": "Total of the period",
    "closing": "Closing balance",
    "carried": "Carried forward",
    "brought": "Brought forward",
    "no_lines": "No transactions in this period",
    "in_words": "In words",
    "aging": "Aging",
    "aging_due": "by due date",
    "aging_document": "by document date",
    "unapplied": "Unapplied cash",
    "total": "Total",
    "open_items": "Open items",
    "amount": "Amount",
    "open": "Open",
    "overdue": "Days overdue",
    "age": "Age in days",
    "fee": "bank fee",
    "accounts": "Remittance accounts",
    "holder": "Account name",
    "bank": "Bank",
    "account": "Account no.",
    "contact": "Contact",
    "page": "Page {page} of {pages}",
    "footer": "Please tell us without delay if anything does not agree with your books.",
    "slip": "Reply slip",
    "slip_to": "To: {company}",
    "slip_text": "Your statement {number} as of {last_day} shows {currency} {closing} owed by us. We have checked it:",
    "slip_text_credit": "Your statement {number} as of {last_day} shows {currency} {closing} in our favour. We have checked it:",
    "agree": "□ The balance agrees with our books.",
    "disagree": "□ The balance does not agree. Our books show:",
    "why": "Differences and reasons:",
    "seal": "Company (seal):",
    "signed": "Signed by:",
    "date": "Date:",
    "reply_to": "Please return to: {reply_to}",
    "reply_by": "Please reply by {day}",
    "cut": "cut here",
    "missing_glyphs": "〓: characters that the font lacks ({codes}); see the spreadsheet or the web page for the original.",
    "more": "and {count} more",
    "credit_balance": "in your favour",
    "ours": "Ours",
    "theirs": "Theirs",
    "two_title": "Reconciliation of both books",
    "difference": "Difference",
    "cause": "Cause",
    "opening_difference": "Difference of the opening balances",
    "only_ours": "Only in our books",
    "only_theirs": "Only in their books",
    "amounts_differ": "Amounts differ",
    "explained": "Sum of all causes",
    "matched": "Agreed",
    "rule": "Matched by",
    "summary": "Summary",
    "count": "Lines",
    "none": "none",
    "generated": "Allocations",
}

WORDS: Final[Mapping[Language, Mapping[str, str]]] = {Language.ZH: _ZH, Language.EN: _EN}

_KINDS: Final[Mapping[EntryKind, tuple[str, str]]] = {
    EntryKind.INVOICE: ("发票", "Invoice"),
    EntryKind.CREDIT_NOTE: ("红字发票", "Credit note"),
    EntryKind.OPENING_BALANCE: ("期初应收", "Opening item"),
    EntryKind.ADJUSTMENT: ("其他应收", "Adjustment"),
    EntryKind.RECEIPT: ("收款", "Receipt"),
    EntryKind.REFUND: ("退款", "Refund"),
    EntryKind.PREPAYMENT: ("预收款", "Prepayment"),
    EntryKind.ACCEPTANCE_BILL: ("承兑汇票", "Acceptance bill"),
    EntryKind.WRITE_OFF: ("差额核销", "Write-off"),
}
_DIFFERENCES: Final[Mapping[DifferenceKind, tuple[str, str]]] = {
    DifferenceKind.EXACT: ("", ""),
    DifferenceKind.PARTIAL: ("", ""),
    DifferenceKind.FEE: ("手续费", "bank fee"),
    DifferenceKind.DISCOUNT: ("折扣", "discount"),
    DifferenceKind.ROUNDING: ("尾差", "rounding"),
    DifferenceKind.FX: ("汇兑差额", "exchange difference"),
}
_RULES: Final[Mapping[SideRule, tuple[str, str]]] = {
    SideRule.NUMBER: ("单据号相同", "same number"),
    SideRule.DAMAGED_NUMBER: ("单据号相近且金额相同", "similar number, same amount"),
    SideRule.DATE_AND_AMOUNT: ("日期与金额相同且唯一", "same day and amount, the only ones"),
    SideRule.NEAR_DATE_AND_AMOUNT: ("日期相近、金额相同且唯一", "near day and same amount, the only ones"),
}


def kind_word(kind: EntryKind, language: Language) -> str:
    """What a line is."""
    return _KINDS[kind][language is Language.EN]


def difference_word(difference: DifferenceKind | None, language: Language) -> str:
    """Why something was written off; empty where there is nothing to say."""
    return "" if difference is None else _DIFFERENCES[difference][language is Language.EN]


def rule_word(rule: SideRule, language: Language) -> str:
    """Why two lines are held to be the same."""
    return _RULES[rule][language is Language.EN]


def bucket_word(bucket: AgeBucket, base: AgeBase, language: Language) -> str:
    """A heading of the aging strip."""
    if language is Language.EN:
        if bucket.undated:
            return "No due date"
        if bucket.first is None and base is AgeBase.DUE:
            return "Not due"
        span = f"over {(bucket.first or 1) - 1}" if bucket.last is None else f"{bucket.first or 0}–{bucket.last}"
        return f"{span} days"
    if bucket.undated:
        return "无到期日"
    if bucket.first is None and base is AgeBase.DUE:
        return "未到期"
    return f"{(bucket.first or 1) - 1} 天以上" if bucket.last is None else f"{bucket.first or 0}–{bucket.last} 天"
