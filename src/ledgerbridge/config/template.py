"""The commented workspace file that ``ledgerbridge init`` writes."""

from __future__ import annotations

TEMPLATE = """\
# A Ledgerbridge workspace. `ledgerbridge config explain` lists every setting, what it does and what it is now.
# Secrets never stand here: write { env = "NAME" } or { file = "secrets/NAME" }.

[workspace]
name = "我的公司"              # as it stands on statements
zone = "Asia/Shanghai"        # business dates are dates here
base_currency = "CNY"         # 本位币
language = "zh"               # finance-facing output: zh or en

[database]
url = "sqlite:///ledgerbridge.db"
# url = "postgresql+psycopg://ledgerbridge@db.example.internal/ledgerbridge"

[log]
level = "info"
# json_lines = true           # default: JSON when standard error is no terminal

# [statements]                # what stands on customer statements (对账单) beside the figures
# logo = "logo.png"
# contact = "财务部 李会计 021-5555 0000"
# reply_to = "邮编、地址或邮箱"
# [[statements.accounts]]
# bank = "开户行"
# account = "账号"

# ---- far sides: uncomment what you have; docs/connectors/*.md say where each credential comes from ----

# [systems.erp]
# connector = "yonyou_u8"
# [systems.erp.settings]
# from_account = "your developer account"
# to_account = "the enterprise account that owns the data"
# app_key = "…"
# app_secret = { env = "LB_U8_APP_SECRET" }

# [systems.erp]
# connector = "yonyou_bip"
# [systems.erp.settings]
# tenant_id = "…"
# app_key = "…"
# app_secret = { env = "LB_BIP_APP_SECRET" }

# [systems.crm]
# connector = "fxiaoke"
# [systems.crm.settings]
# app_id = "FSAID_…"
# app_secret = { env = "LB_FXIAOKE_APP_SECRET" }
# permanent_code = { env = "LB_FXIAOKE_PERMANENT_CODE" }
# acting_user = "FSUID_…"

# [systems.zoho]
# connector = "zoho_crm"
# [systems.zoho.settings]
# data_center = "cn"
# client_id = "…"
# client_secret = { env = "LB_ZOHO_CLIENT_SECRET" }
# refresh_token = { env = "LB_ZOHO_REFRESH_TOKEN" }

# [systems.bank]
# connector = "sheets"
# [[systems.bank.settings.files]]
# path = "bank/*.xlsx"
# kind = "payment"
# wire_type = "bank_statement"

# ---- flows: what goes from where to where; docs/flows.md says who decides a field unless you say so here.
# The first plan of a flow is only shown. The bank's statements need no flow: they are read and reconciled.

# [flows.customers]
# kind = "customer"
# left = "erp"                # leads: money, tax, credit, numbers and the legal name are its own
# right = "crm"               # prevails in contacts, telephones, addresses, remarks
# direction = "two_way"
# # owners = { category = ["crm"], remark = ["manual"] }
# # filter = { status = ["active"] }
# # caps = { creates_max = 100, updates_max = 200, voids_max = 5, percent_max = 10 }

# [flows.invoices]
# kind = "invoice"
# left = "erp"
# right = "crm"
# # void = "void"             # void there what is void here; default: a person decides

# [flows.payments]
# kind = "payment"
# left = "erp"
# right = "crm"
# # unattended = true         # `sync` and schedules apply what is within the caps
# # schedule = "*/15 8-20 * * mon-fri"
"""

GITIGNORE = """\
secrets/
*.db
*.db-wal
*.db-shm
"""
