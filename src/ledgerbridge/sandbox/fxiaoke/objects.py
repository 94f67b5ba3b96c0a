"""Field lists of the preset objects on the customer's and the order's side (fxiaoke.md 7)."""

from __future__ import annotations

from dataclasses import dataclass

from .schema import Field, Options, choice, day, link, money, number, text


@dataclass(frozen=True, slots=True)
class Draft:
    """An object before the switches have added to it."""

    api_name: str
    label: str
    fields: tuple[Field, ...]
    number_prefix: str = ""


# Preset lists are mostly short digits; the values are the tenant's own (fxiaoke.md 6).
ACCOUNT_TYPES: Options = (
    ("1", "经销商"),
    ("2", "终端客户"),
    ("3", "集团客户"),
    ("4", "海外客户"),
    ("5", "个体工商户"),
    ("6", "事业单位"),
    ("other", "其他"),
)
INDUSTRIES: Options = (
    ("1", "批发零售"),
    ("2", "机械制造"),
    ("3", "电子"),
    ("4", "信息技术"),
    ("5", "化工"),
    ("6", "轻工"),
    ("7", "纺织"),
    ("8", "建筑"),
    ("9", "物流"),
    ("10", "食品"),
    ("11", "农业"),
    ("12", "医药"),
    ("13", "汽车"),
    ("14", "能源"),
    ("other", "其他"),
)
LEVELS: Options = (("1", "重要客户"), ("2", "普通客户"), ("3", "一般客户"))
DEAL: Options = (("1", "未成交"), ("2", "已成交"))

ACCOUNT_SIDE: tuple[Draft, ...] = (
    Draft(
        "AccountObj",
        "客户",
        (
            text("name", "客户名称", required=True),
            text("account_no", "客户编号"),
            choice("account_type", "客户类型", ACCOUNT_TYPES),
            choice("account_level", "客户级别", LEVELS),
            choice("account_source", "来源", (("1", "自主开发"), ("2", "转介绍"), ("other", "其他"))),
            choice("industry_level1", "一级行业", INDUSTRIES),
            choice("industry_level2", "二级行业", (("101", "其他行业"),)),
            text("tel", "电话", kind="phone_number"),
            text("fax", "传真", kind="phone_number"),
            text("email", "邮件", kind="email"),
            text("url", "网址", kind="url"),
            text("remark", "备注", kind="long_text"),
            text("address", "详细地址"),
            text("country", "国家", kind="country"),
            text("province", "省", kind="area"),
            text("city", "市", kind="area"),
            text("district", "区", kind="area"),
            text("area_location", "地区定位"),
            Field("biz_reg_name", "是否工商注册", "true_or_false"),
            link("parent_account_id", "上级客户", "AccountObj"),
            link("partner_id", "合作伙伴", "AccountObj"),
            text("high_seas_id", "所属公海"),
            choice("biz_status", "业务状态", (("unallocated", "未分配"), ("allocated", "已分配"))),
            choice("deal_status", "成交状态", DEAL),
            day("claimed_time", "领取时间", kind="date_time"),
            day("returned_time", "退回时间", kind="date_time"),
            day("expire_time", "到期时间", kind="date_time"),
            day("last_followed_time", "最后跟进时间", kind="date_time"),
            day("owner_modified_time", "负责人变更时间", kind="date_time"),
            text("short_name__c", "客户简称"),
            text("class_code__c", "客户分类编码"),
            money("credit_limit__c", "信用额度"),
            number("credit_days__c", "信用天数", 0),
            day("opened_on__c", "开户日期"),
            day("disabled_on__c", "停用日期"),
            text("payer_names__c", "代付方", kind="long_text"),
        ),
    ),
    Draft(
        "AccountFinInfoObj",
        "客户财务信息",
        (
            text("name", "开票抬头", required=True),
            link("account_id", "客户", "AccountObj", required=True),
            text("tax_id", "纳税人识别号"),
            text("account_bank", "开户银行"),
            text("account_bank_no", "银行账号"),
            text("tel", "电话", kind="phone_number"),
            text("nvoice_add", "开票地址"),  # spelled so in one client [1]: take it from describe
        ),
    ),
    Draft(
        "AccountAddrObj",
        "客户地址",
        (
            text("name", "地址名称"),
            link("account_id", "客户", "AccountObj", required=True),
            text("address", "详细地址"),
        ),
        "AD",
    ),
    Draft(
        "ContactObj",
        "联系人",
        (
            text("name", "姓名", required=True),
            link("account_id", "客户", "AccountObj"),
            text("tel1", "电话1", kind="phone_number"),
            text("mobile1", "手机1", kind="phone_number"),
            text("email", "邮件", kind="email"),
            text("company", "公司"),
        ),
    ),
)

ORDER_SIDE: tuple[Draft, ...] = (
    Draft(
        "SalesOrderObj",
        "销售订单",
        (
            text("name", "销售订单编号"),
            link("account_id", "客户", "AccountObj", required=True),
            day("order_time", "下单日期"),
            money("order_amount", "销售订单金额"),
            number("discount", "整单折扣", 2, "percentile"),
            day("delivery_date", "交货日期"),
            link("ship_to_id", "收货人", "ContactObj"),
            text("ship_to_add", "收货地址"),
            text("ship_to_tel", "收货电话", kind="phone_number"),
            text("remark", "备注", kind="long_text"),
            money("product_amount", "产品合计", kind="count"),
            money("payment_amount", "已回款金额", kind="count"),
            money("receivable_amount", "待回款金额", kind="count"),
            money("plan_payment_amount", "计划回款金额", kind="count"),
            money("refund_amount", "已退款金额", kind="count"),
            money("returned_goods_amount", "退货单金额", kind="count"),
            money("invoice_amount", "已开票金额", kind="count"),
            money("no_invoice_amount", "待开票金额", kind="count"),
            choice("order_status", "状态", (("6", "确认中"), ("7", "已确认"), ("8", "已驳回"))),
            choice("invoice_status", "开票状态", (("1", "未开票"), ("2", "部分开票"), ("3", "已开票"))),
            link("partner_id", "合作伙伴", "AccountObj"),
            Field("is_user_define_work_flow", "自定义流程", "true_or_false"),
            text("contract_no__c", "合同编号"),
        ),
        "SO",
    ),
    Draft(
        "SalesOrderProductObj",
        "订单产品",
        (
            text("name", "订单产品编号", kind="auto_number"),
            link("order_id", "销售订单", "SalesOrderObj", required=True, master=True),
            link("product_id", "产品", "ProductObj"),
            number("quantity", "数量", 6),
            number("product_price", "价格", 6, "currency"),
            number("sales_price", "销售单价", 6, "currency"),
            number("discount", "折扣", 2, "percentile"),
            money("subtotal", "小计"),
            money("order_product_amount", "订单产品小计"),
            text("unit", "单位"),
            text("remark", "备注", kind="long_text"),
        ),
        "OP",
    ),
    Draft(
        "ProductObj",
        "产品",
        (
            text("name", "产品名称", required=True),
            text("product_code", "产品编码"),
            text("unit", "单位"),
            number("price", "标准价格", 6, "currency"),
        ),
    ),
)

# Directory and other objects the vendor lists; served plainly.
SPARE: tuple[Draft, ...] = (
    Draft(
        "SaleContractObj",
        "销售合同",
        (text("name", "合同编号"), link("account_id", "客户", "AccountObj"), money("amount", "合同金额")),
        "SC",
    ),
    Draft(
        "PersonnelObj",
        "人员",
        (
            text("name", "姓名", required=True),
            text("user_id", "员工编号"),
            text("phone", "手机", kind="phone_number"),
            Field("main_department", "主属部门", "department"),
            choice("status", "状态", (("0", "启用"), ("1", "停用"))),
        ),
    ),
    Draft(
        "DepartmentObj",
        "部门",
        (text("name", "部门名称", required=True), Field("parent_id", "上级部门", "department")),
    ),
)
