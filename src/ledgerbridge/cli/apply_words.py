"""Words of applying, syncing and undoing, in Chinese and English."""

from __future__ import annotations

_WORDS: dict[str, tuple[str, str]] = {
    "plan": ("计划", "Plan"),
    "flow": ("同步流", "Flow"),
    "title": ("记录", "Record"),
    "action": ("操作", "Action"),
    "system": ("系统", "System"),
    "state": ("状态", "State"),
    "why": ("原因", "Why"),
    "changes": ("条", "Changes"),
    "create": ("新增", "create"),
    "update": ("修改", "update"),
    "void": ("作废", "void"),
    "link": ("关联", "link"),
    "planned": ("待审批", "waits for approval"),
    "ready": ("待执行", "to be sent"),
    "leased": ("待执行", "to be sent"),
    "sent": ("已发送", "being sent"),
    "uncertain": ("结果未知, 待查", "unknown, to be looked up"),
    "confirmed": ("已确认, 待回读", "confirmed, to be read back"),
    "verified": ("已完成", "done"),
    "conflict": ("冲突, 需人工", "conflict: a person decides"),
    "review": ("需人工复核", "review: a person decides"),
    "rejected": ("被拒绝, 需人工", "refused: a person decides"),
    "cancelled": ("已取消", "taken back"),
    "proposed": ("已提出", "proposed"),
    "waiting": ("待审批", "waits for approval"),
    "approved": ("已批准", "approved"),
    "done": ("已完成", "done"),
    "ended": ("已结束, 有遗留", "ended, some with people"),
    "discarded": ("已放弃", "discarded"),
    "superseded": ("已被取代", "superseded"),
    "apply_title": ("执行结果", "What was done"),
    "sync_title": ("同步结果", "What the round did"),
    "undo_title": ("撤销计划", "Plan that takes back"),
    "held": ("搁置", "held back"),
    "conflicts": ("待裁决", "conflicts"),
    "result": ("结果", "Result"),
    "nothing_to_do": ("无需写入", "nothing to do"),
    "more": ("只列出前若干条", "only the first ones are listed"),
    "next": ("下次处理时间", "next due"),
    "apply_it": ("执行: ledgerbridge apply", "Carry it out: ledgerbridge apply"),
    "goes_on": ("再次执行即可继续: ledgerbridge apply", "The same again goes on: ledgerbridge apply"),
    "cannot": ("不能撤销", "cannot be taken back"),
    "approved_now": ("已批准, 可执行", "approved; it may be carried out"),
}


def said(key: str, language: str) -> str:
    """The word for `key`; `language` is `zh` or `en`. KeyError for an unknown key."""
    zh, en = _WORDS[key]
    return en if language == "en" else zh
