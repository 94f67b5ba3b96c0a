"""Finance-facing words in Chinese and English. One place, so that one concept has one name everywhere."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "system": ("系统", "System"),
    "kind": ("类型", "Kind"),
    "customer": ("客户", "customer"),
    "invoice": ("应收单据", "invoice"),
    "payment": ("收款", "payment"),
    "allocation": ("核销", "allocation"),
    "read": ("读取", "Read"),
    "new": ("新增", "New"),
    "changed": ("变更", "Changed"),
    "same": ("未变", "Same"),
    "filtered": ("过滤", "Filtered"),
    "quarantined": ("隔离", "Quarantined"),
    "deleted": ("删除", "Deleted"),
    "totals": ("在册金额", "On record"),
    "certificate": ("完整性证书", "Certificate"),
    "ties": ("平", "ties"),
    "does_not_tie": ("不平", "does not tie"),
    "incomplete": ("未读完", "incomplete"),
    "status": ("状态", "Status"),
    "ok": ("正常", "ok"),
    "partial": ("部分完成", "partial"),
    "failed": ("失败", "failed"),
    "running": ("进行中", "running"),
    "interrupted": ("已中断", "interrupted"),
    "run": ("批次", "Run"),
    "started": ("开始时间", "Started"),
    "finished": ("结束时间", "Finished"),
    "action": ("操作", "Action"),
    "field": ("字段", "Field"),
    "value": ("值", "Value"),
    "problem": ("问题", "Problem"),
    "record": ("记录", "Record"),
    "number": ("编号", "Number"),
    "name": ("名称", "Name"),
    "currency": ("币种", "Currency"),
    "amount": ("金额", "Amount"),
    "records": ("记录数", "Records"),
    "last_pull": ("最近读取", "Last pull"),
    "where": ("来源", "Source"),
    "pull_title": ("读取结果", "What was read"),
    "quarantine_title": ("隔离区", "Quarantine"),
    "runs_title": ("运行记录", "Runs"),
    "status_title": ("工作区状态", "Workspace"),
    "import_title": ("导入预览", "Import preview"),
    "nothing": ("没有记录", "nothing"),
    "next": ("下一步", "Where to look next"),
    "first_seen": ("首次出现", "First seen"),
    "error": ("错误", "Error"),
    "differs": ("各系统不一致", "the systems differ"),
}


def word(key: str, language: str) -> str:
    """The word for `key`; `language` is `zh` or `en`. KeyError for an unknown key: there are no untranslated words."""
    zh, en = WORDS[key]
    return en if language == "en" else zh
