"""The words of the summary, Chinese and English; those of exceptions and buckets come from their own reports."""

from __future__ import annotations

from typing import Final

from ledgerbridge.reports.exception_words import WORDS as OF_EXCEPTIONS
from ledgerbridge.reports.exception_words import Language

WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("对账汇总", "Reconciliation summary"),
    "as_of": ("截止日", "As of"),
    "run": ("批次", "Run"),
    "made_at": ("生成时间", "Made at"),
    "leading": ("主账", "Leading system"),
    "customers": ("客户数", "Customers"),
    "partial": ("仅部分客户，合计只含这些客户", "Only some customers; sums are theirs alone"),
    "all_explained": ("每一分差异都有原因", "Every fen of difference has a cause"),
    "some_unexplained": ("有差异未解释", "Some difference is unexplained"),
    "compared": ("账账核对", "Books compared"),
    "systems": ("系统", "Systems"),
    "currency": ("币种", "Currency"),
    "leading_balance": ("主账余额", "Leading balance"),
    "compared_balance": ("对方余额", "Compared balance"),
    "gap": ("差额", "Gap"),
    "causes_total": ("原因合计", "Causes together"),
    "unexplained": ("未解释", "Unexplained"),
    "customers_off": ("有差异客户", "Customers that differ"),
    "causes": ("差额原因", "Causes of the gap"),
    "cause": ("原因", "Cause"),
    "times": ("笔数", "Times"),
    "amount": ("金额", "Amount"),
    "cash": ("收款核销", "Cash application"),
    "payments": ("收款笔数", "Payments"),
    "paid": ("收款金额", "Paid"),
    "applied": ("已核销", "Applied"),
    "ambiguous": ("待人工判断", "Left to a person"),
    "unapplied": ("未核销", "Unapplied"),
    "match_rate": ("自动核销率（笔数）", "Fully applied (payments)"),
    "passes": ("按规则核销", "Applied by pass"),
    "rule": ("规则", "Pass"),
    "matches": ("匹配数", "Matches"),
    "aging": ("应收账龄", "Aging of receivables"),
    "bucket": ("账龄", "Age"),
    "items": ("张数", "Items"),
    "total": ("合计", "Total"),
    "by_due": ("按到期日", "by due date"),
    "by_document": ("按单据日期", "by document date"),
    "collection": ("回款指标", "Collection"),
    "period": ("期间", "Period"),
    "opening": ("期初", "Opening"),
    "sales": ("本期销售", "Sales"),
    "received": ("本期回款", "Received"),
    "closing": ("期末", "Closing"),
    "overdue": ("逾期", "Overdue"),
    "dso": ("周转天数", "DSO (days)"),
    "best_dso": ("最佳周转天数", "Best DSO (days)"),
    "rate": ("回款率", "Collection rate"),
    "cei": ("回款有效性", "Effectiveness (CEI)"),
    "exceptions": ("未处理异常", "Open exceptions"),
    "kind": ("种类", "Kind"),
    "records": ("条数", "Records"),
    "new": ("本次新增", "New"),
    "nothing": ("无", "None"),
    # passes
    "given": ("ERP 已核销", "Given by the ERP"),
    "reversal": ("红蓝对冲", "Credit note against its invoice"),
    "reference": ("附言单号", "Reference in the text"),
    "unique_amount": ("唯一等额", "Unique amount"),
    "sums": ("组合等额", "Sums"),
    "tolerance": ("尾差容差", "Within a tolerance"),
    "named_part": ("部分付款（点名）", "Part payment, named"),
    "refund": ("退款", "Refund"),
    "oldest_first": ("先到期先核销", "Oldest first"),
    "bank_row": ("银行流水认款", "Bank row"),
    # causes that are no exceptions
    "tolerated": ("容差内", "Within a tolerance"),
    "customer_not_linked": ("客户未关联", "Customer not linked"),
    "customer_not_held": ("对方不含该客户", "Customer not held there"),
}


def word(name: str, language: Language) -> str:
    """The word; for a cause with a name of its own (`tolerated:fee`) both; what is not known stands for itself."""
    head, _, tail = name.partition(":")
    pair = WORDS.get(head) or OF_EXCEPTIONS.get(head)
    said = head if pair is None else pair[0 if language == "zh" else 1]
    return f"{said}: {tail}" if tail else said
