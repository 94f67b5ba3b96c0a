"""Field lists of invoices, payments, refunds and the tenant's receivable object (fxiaoke.md 7)."""

from __future__ import annotations

from .objects import Draft
from .schema import Field, Options, choice, day, link, money, number, text

# The vendor's codes are unknown: "codes unknown -> describe" (fxiaoke.md 7). These are the sandbox tenant's.
PAYMENT_TERMS: Options = (
    ("1", "支票"),
    ("2", "现金"),
    ("3", "银行承兑汇票"),
    ("4", "电汇"),
    ("5", "网上银行"),
    ("6", "支付宝"),
    ("7", "微信"),
    ("other", "其他"),
)
BILL_KINDS: Options = (
    ("option1", "销售发票"),
    ("option2", "红字发票"),
    ("option3", "期初应收"),
    ("option4", "其他应收"),
)
RECEIPT_KINDS: Options = (("option1", "收款"), ("option2", "预收款"), ("option3", "退款"), ("option4", "承兑汇票"))
LINE_KINDS: Options = (("option1", "核销"), ("option2", "未核销"), ("option3", "手续费"))
INVOICE_TYPES: Options = (("1", "增值税专用发票"), ("2", "增值税普通发票"))
TITLE_TYPES: Options = (("1", "个人"), ("2", "单位"))


def money_side(receivable: str) -> tuple[Draft, ...]:
    """The objects about invoices and money; `receivable` is the api name of the tenant's receivable object."""
    return (
        _receivable(receivable),
        *_applications(receivable),
        *_payments(receivable),
        *_refunds(receivable),
    )


def _receivable(api_name: str) -> Draft:
    return Draft(
        api_name,
        "应收单",
        (
            text("name", "单据编号", required=True),
            link("account__c", "客户", "AccountObj", required=True),
            choice("bill_kind__c", "单据类型", BILL_KINDS),
            text("tax_invoice_code__c", "发票代码"),
            text("tax_invoice_no__c", "发票号码"),
            day("bill_date__c", "单据日期"),
            day("due_date__c", "到期日"),
            money("amount__c", "价税合计", required=True),
            money("net_amount__c", "不含税金额"),
            money("tax_amount__c", "税额"),
            money("base_amount__c", "本位币金额"),
            money("open_amount__c", "未收金额"),
            link("sales_order__c", "销售订单", "SalesOrderObj"),
            text("order_no__c", "订单号"),
            text("contract_no__c", "合同号"),
            link("reverses__c", "红冲单据", api_name),
            text("salesperson_code__c", "业务员编码"),
            text("department_code__c", "部门编码"),
            text("remark__c", "备注", kind="long_text"),
        ),
    )


def _applications(receivable: str) -> tuple[Draft, ...]:
    return (
        Draft(
            "InvoiceApplicationObj",
            "开票申请",
            (
                text("name", "开票申请编号", kind="auto_number"),
                link("account_id", "客户", "AccountObj", required=True),
                link("order_id", "销售订单", "SalesOrderObj"),
                money("invoice_applied_amount", "开票申请金额"),
                choice("invoice_type", "发票类型", INVOICE_TYPES),
                day("invoice_date", "开票日期"),
                text("invoice_no", "发票号码"),
                text("invoice_title", "开票抬头"),
                choice("title_type", "抬头类型", TITLE_TYPES),
                text("tax_id", "纳税人识别号"),
                text("account_bank", "开户银行"),
                text("account_bank_no", "银行账号"),
                text("invoice_add", "开票地址"),
                text("invoice_tel", "电话", kind="phone_number"),
                text("recipient", "收件人"),
                text("contact_tel", "收件电话", kind="phone_number"),
                text("contact_add", "收件地址"),
                day("submit_time", "提交时间", kind="date_time"),
                Field("finance_employee_id", "财务", "employee"),
                text("remark", "备注", kind="long_text"),
                link("receivable__c", "应收单", receivable),
            ),
            "IA",
        ),
        Draft(
            "InvoiceApplicationLinesObj",
            "开票申请明细",
            (
                text("name", "明细编号", kind="auto_number"),
                link("invoice_id", "开票申请", "InvoiceApplicationObj", required=True, master=True),
                link("order_id", "销售订单", "SalesOrderObj"),
                money("invoiced_amount", "开票金额", required=True),
                number("tax_rate", "税率", 2, "percentile"),
                money("tax_amount", "税额"),
                money("no_invoice_amount", "待开票金额"),
                day("invoice_date", "开票日期"),
            ),
            "IL",
        ),
    )


def _payments(receivable: str) -> tuple[Draft, ...]:
    return (
        Draft(
            "PaymentObj",
            "回款",
            (
                text("name", "回款编号"),
                link("account_id", "客户", "AccountObj", required=True),
                day("payment_time", "回款日期", required=True),
                choice("payment_term", "回款方式", PAYMENT_TERMS),
                money("payment_amount", "本次回款总金额"),
                text("remark", "备注", kind="long_text"),
                day("notification_time", "提醒时间", kind="date_time"),
                link("order_id", "销售订单", "SalesOrderObj"),
                link("partner_id", "合作伙伴", "AccountObj"),
                Field("attachment", "附件", "file_attachment"),
                Field("finance_employee_id", "财务", "employee"),
                day("finance_confirm_time", "财务确认时间", kind="date_time"),
                day("submit_time", "提交时间", kind="date_time"),
                choice("receipt_kind__c", "收款类型", RECEIPT_KINDS),
                money("bank_fee__c", "银行手续费"),
                money("base_amount__c", "本位币金额"),
                text("bank_reference__c", "银行流水号"),
                text("payer_name__c", "付款方名称"),
                text("payer_account__c", "付款方账号"),
                text("payer_bank__c", "付款方开户行"),
                text("own_account__c", "收款账号"),
                text("remittance__c", "附言", kind="long_text"),
            ),
            "PM",
        ),
        Draft(
            "OrderPaymentObj",
            "回款明细",
            (
                text("name", "回款明细编号", kind="auto_number"),
                link("payment_id", "回款", "PaymentObj", required=True, master=True),
                link("order_id", "销售订单", "SalesOrderObj"),
                money("payment_amount", "本次回款金额", required=True),
                text("remark", "备注", kind="long_text"),
                link("account_id", "客户", "AccountObj"),
                day("payment_time", "回款日期"),
                choice("payment_term", "回款方式", PAYMENT_TERMS),
                link("payment_plan_id", "回款计划", "PaymentPlanObj"),
                Field("finance_employee_id", "财务", "employee"),
                day("finance_confirm_time", "财务确认时间", kind="date_time"),
                day("notification_time", "提醒时间", kind="date_time"),
                link("receivable__c", "应收单", receivable),
                choice("line_kind__c", "明细类型", LINE_KINDS),
                day("applied_on__c", "核销日期"),
            ),
            "PD",
        ),
        Draft(
            "PaymentPlanObj",
            "回款计划",
            (
                text("name", "回款计划编号", kind="auto_number"),
                link("account_id", "客户", "AccountObj"),
                link("order_id", "销售订单", "SalesOrderObj"),
                money("plan_payment_amount", "计划回款金额"),
                day("plan_payment_time", "计划回款日期"),
            ),
            "PP",
        ),
    )


def _refunds(receivable: str) -> tuple[Draft, ...]:
    return (
        Draft(
            "RefundObj",
            "退款",
            (
                text("name", "退款编号"),
                link("account_id", "客户", "AccountObj", required=True),
                link("order_id", "销售订单", "SalesOrderObj"),
                money("refunded_amount", "退款金额", required=True),
                day("refunded_time", "退款日期"),  # name [inferred]
                choice("refunded_method", "退款方式", PAYMENT_TERMS),  # name [inferred]
                text("remark", "备注", kind="long_text"),
                money("bank_fee__c", "银行手续费"),
                money("base_amount__c", "本位币金额"),
                text("bank_reference__c", "银行流水号"),
                text("payer_name__c", "对方名称"),
                text("payer_account__c", "对方账号"),
                text("payer_bank__c", "对方开户行"),
                text("own_account__c", "本方账号"),
                text("remittance__c", "附言", kind="long_text"),
            ),
            "RF",
        ),
        Draft(
            "refund_line__c",
            "退款核销明细",
            (
                text("name", "明细编号", kind="auto_number"),
                link("refund__c", "退款", "RefundObj", required=True, master=True),
                link("receivable__c", "应收单", receivable),
                link("sales_order__c", "销售订单", "SalesOrderObj"),
                money("amount__c", "核销金额", required=True),
                day("applied_on__c", "核销日期"),
            ),
            "RL",
        ),
        Draft(
            "ReturnedGoodsInvoiceObj",
            "退货单",
            (
                text("name", "退货单编号", kind="auto_number"),
                link("account_id", "客户", "AccountObj"),
                link("order_id", "销售订单", "SalesOrderObj"),
                money("returned_goods_inv_amount", "退货单总金额"),
                day("returned_goods_time", "退货日期"),
            ),
            "RG",
        ),
    )
