"""Why records belong together, or may: the words of :mod:`ledgerbridge.reconciler.identity` in Chinese and English."""

from __future__ import annotations

from ledgerbridge.model.identity import Evidence

_WORDS: dict[str, tuple[str, str]] = {
    # why the machine does not decide
    "score too low": ("证据不足", "not enough speaks for it"),
    "code held twice": ("同一代码有两条记录", "two records of one system hold the code"),
    "better rival": ("另有更像的记录", "another record fits better"),
    "tie": ("另有同样像的记录", "another record fits as well"),
    "near tie": ("另有差不多像的记录", "another record fits nearly as well"),
    "credit codes differ": ("统一社会信用代码不同", "the credit codes differ"),
    "names contradict": ("名称不符", "the names contradict"),
    "no brand": ("名称中没有字号", "a name has no brand"),
    "brands differ": ("字号不同", "the brands differ"),
    "branch": ("一方是分支机构", "one is a branch"),
    "group": ("一方是集团", "one is a group"),
    "short name only": ("只有简称相符", "only a short name agrees"),
    "a name that many bear": ("常见名称", "a name that many bear"),
    "places differ": ("地区不同", "the places differ"),
    "trades differ": ("行业不同", "the trades differ"),
    "taken": ("对方已有关联, 可能重复建档", "the other one has a partner already; perhaps it was entered twice"),
    "undecided elsewhere": ("与主系统的关系待定", "which record of the leading system it is waits for a decision"),
    "number repeats": ("单号重复", "the number repeats"),
    "document kinds differ": ("单据类型不同", "the kinds of document differ"),
    "customers differ": ("客户不同", "the customers differ"),
    "currencies differ": ("币种不同", "the currencies differ"),
    "amounts differ": ("金额不同", "the amounts differ"),
    "dates differ": ("日期不同", "the dates differ"),
    "void on one side": ("一方已作废", "void on one side"),
    # how a link came about
    "alone": ("首条记录", "first of its entity"),
    "created": ("由本系统创建", "created by us"),
    "accepted": ("人工确认", "accepted by a person"),
    "split": ("人工拆分", "split off by a person"),
    "key": ("代码一致", "a code in common"),
    "name": ("名称等信息相符", "names and other data agree"),
    "number": ("单号一致", "the number agrees"),
    "number and content": ("单号和内容一致", "number and content agree"),
    "part": ("部分", "part"),
    # what is compared
    "credit code": ("信用代码", "credit code"),
    "organisation code": ("组织机构代码", "organisation code"),
    "account": ("银行账号", "account"),
    "phone": ("电话", "phone"),
    "email": ("邮箱", "mail address"),
    "mail domain": ("邮箱域名", "mail domain"),
    "contact": ("联系人", "contact"),
    "address": ("地址", "address"),
    "seat": ("所在地", "seat"),
    "brand": ("字号", "brand"),
    "place": ("地区", "place"),
    "trade": ("行业", "trade"),
    "form": ("组织形式", "legal form"),
    "short name": ("简称", "short name"),
    "text": ("全称", "whole name"),
    "sisters": ("兄弟公司", "sister firms"),
    "prior": ("任意两条记录", "any two records"),
    # what was found
    "same": ("相同", "same"),
    "near": ("相近", "near"),
    "absent": ("缺", "absent"),
    "possible": ("可能", "possible"),
    "different": ("不同", "different"),
    "fails its check": ("校验不通过", "fails its check"),
    "any two records": ("基准", "before anything is compared"),
}

HEADS: dict[str, tuple[str, str]] = {
    "review_title": ("待确认的关联", "Links to decide"),
    "orphans_title": ("失去记录的关联", "Links without their record"),
    "alone_title": ("只在一个系统中的记录", "Records that one system alone has"),
    "entity": ("主体", "Entity"),
    "left": ("记录 A", "Record A"),
    "right": ("记录 B", "Record B"),
    "score": ("得分", "Score"),
    "reasons": ("为何待定", "Why it waits"),
    "evidence": ("依据", "Evidence"),
    "rivals": ("其他可能", "Could also be"),
    "number": ("编号", "Number"),
    "name": ("名称", "Name"),
    "rule": ("规则", "Rule"),
    "decided_by": ("决定者", "Decided by"),
    "others": ("其他记录", "Other records"),
    "machine": ("自动", "machine"),
    "accept": ("同一", "the same"),
    "refuse": ("不同", "not the same"),
    "linked": ("关联完成", "Linked"),
    "new_entities": ("新主体", "New entities"),
    "joined": ("新关联", "Joined"),
    "doubts": ("待确认", "To decide"),
    "too_common": ("无意义单号", "Numbers too common"),
    "missing": ("无副本", "no copy"),
    "how": (
        "用 ledgerbridge links accept A B 或 links refuse A B --why 说明 作出决定",
        "Decide with ledgerbridge links accept A B, or links refuse A B --why TEXT",
    ),
}


def said(text: str, language: str) -> str:
    """A reason, rule or finding in the language; what is not known here is shown as it is."""
    zh, en = _WORDS.get(text, (text, text))
    return en if language == "en" else zh


def head(key: str, language: str) -> str:
    """A heading; KeyError for an unknown one."""
    zh, en = HEADS[key]
    return en if language == "en" else zh


def evidence(found: tuple[Evidence, ...], language: str, most: int = 4) -> str:
    """The strongest evidence in one line: ``phone same +8.0 (0571-…)``; points are bits."""
    told = sorted((one for one in found if one.part != "prior" and one.points), key=lambda one: -abs(one.points))
    shown = []
    for one in told[:most]:
        values = one.left if one.left == one.right else f"{one.left} / {one.right}"
        tail = f" ({values})" if values.strip(" /") else ""
        shown.append(f"{said(one.part, language)} {said(one.finding, language)} {one.points / 100:+.1f}{tail}")
    return "; ".join(shown)
