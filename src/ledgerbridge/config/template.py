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
"""

GITIGNORE = """\
secrets/
*.db
*.db-wal
*.db-shm
"""
