"""What an object of the tenant consists of: fields with type, label, options and rights, as describe tells them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# describe types by the JSON value they travel as (fxiaoke.md 6)
TEXT_TYPES = frozenset({"text", "long_text", "url", "email", "phone_number", "auto_number", "country", "area"})
DECIMAL_TYPES = frozenset({"number", "currency", "percentile", "count"})
TIME_TYPES = frozenset({"date", "date_time", "time"})
CHOICE_TYPES = frozenset({"select_one", "record_type"})
PEOPLE_TYPES = frozenset({"employee"})
LIST_TYPES = frozenset({"select_many", "employee", "department", "object_reference_many", "embedded_object_list"})
FILE_TYPES = frozenset({"file_attachment", "image"})
REFERENCE_TYPES = frozenset({"object_reference", "master_detail"})
COMPUTED_TYPES = frozenset({"formula", "count", "quote"})

Options = tuple[tuple[str, str], ...]  # (value, label)


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `target` is the api name a reference points at; `read_only` fields are ignored on write."""

    api_name: str
    label: str
    type: str
    required: bool = False
    unique: bool = False
    target: str | None = None
    options: Options = ()
    decimals: int = 2
    system: bool = False
    read_only: bool = False

    @property
    def is_read_only(self) -> bool:
        """Whether a write to it is ignored: computed, numbered by the system, or a system field."""
        return self.read_only or self.type in COMPUTED_TYPES or self.type == "auto_number"

    def described(self) -> dict[str, Any]:
        """The entry of `data.describe.fields` (fxiaoke.md 6)."""
        entry: dict[str, Any] = {
            "api_name": self.api_name,
            "label": self.label,
            "type": self.type,
            "is_required": self.required,
            "is_unique": self.unique,
            "is_active": True,
            "define_type": self._define_type(),
        }
        if self.type in DECIMAL_TYPES:
            entry["decimal_places"] = self.decimals
        if self.options:
            entry["options"] = [{"label": label, "value": value} for value, label in self.options]
        if self.target is not None:
            entry["target_api_name"] = self.target  # name of this key [inferred]
        if self.type in TIME_TYPES:
            entry["date_format"] = {"date": "yyyy-MM-dd", "date_time": "yyyy-MM-dd HH:mm", "time": "HH:mm"}[self.type]
            entry["time_zone"] = "GMT+8"
        return entry

    def _define_type(self) -> str:
        if self.system:
            return "system"
        return "custom" if self.api_name.endswith("__c") else "package"


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """One object. `details` maps a detail object's api name to its field that points at the master."""

    api_name: str
    label: str
    fields: dict[str, Field]
    details: dict[str, str] = field(default_factory=dict)
    master_field: str | None = None
    number_prefix: str = ""

    @property
    def is_custom(self) -> bool:
        """Whether the tenant made it: such objects have paths of their own (fxiaoke.md 3)."""
        return self.api_name.endswith("__c")

    def described(self) -> dict[str, Any]:
        """The value of `data.describe`."""
        return {
            "api_name": self.api_name,
            "label": self.label,
            "display_name": self.label,
            "define_type": "custom" if self.is_custom else "package",
            "is_active": True,
            "fields": {name: one.described() for name, one in self.fields.items()},
        }


LIFE_STATUS: Options = (
    ("ineffective", "未生效"),
    ("under_review", "审核中"),
    ("normal", "正常"),
    ("in_change", "变更中"),
    ("invalid", "作废"),
)
CURRENCIES: Options = (("CNY", "人民币"), ("USD", "美元"), ("EUR", "欧元"), ("HKD", "港元"), ("JPY", "日元"))


def _system(api_name: str, label: str, kind: str, **more: Any) -> Field:
    return Field(api_name, label, kind, system=True, **({"read_only": True} | more))


# on every object (fxiaoke.md 6); `name` differs from object to object
SYSTEM_FIELDS: tuple[Field, ...] = (
    _system("_id", "唯一标识", "text"),
    _system("object_describe_api_name", "对象", "text"),
    _system("record_type", "业务类型", "record_type", options=(("default__c", "预设业务类型"),), read_only=False),
    _system("owner", "负责人", "employee", read_only=False),
    _system("owner_department", "负责人主属部门", "quote"),
    _system("data_own_department", "归属部门", "department", read_only=False),
    _system("created_by", "创建人", "employee"),
    _system("create_time", "创建时间", "date_time"),
    _system("last_modified_by", "最后修改人", "employee"),
    _system("last_modified_time", "最后修改时间", "date_time"),
    _system("life_status", "生命状态", "select_one", options=LIFE_STATUS),
    _system("life_status_before_invalid", "作废前生命状态", "select_one", options=LIFE_STATUS),
    _system("lock_status", "锁定状态", "select_one", options=(("0", "未锁定"), ("1", "锁定"))),
    _system("lock_user", "加锁人", "employee"),
    _system("lock_rule", "锁定规则", "text"),
    _system("lock_time", "锁定时间", "date_time"),
    _system("relevant_team", "相关团队", "embedded_object_list"),
    _system("out_owner", "外部负责人", "employee"),
    _system("out_tenant_id", "外部企业", "text"),
    _system("tenant_id", "企业", "text"),
    _system("is_deleted", "是否删除", "true_or_false"),
    _system("version", "版本", "text"),
    _system("package", "包", "text"),
    _system("order_by", "排序", "number", decimals=0),
    _system("valid_time", "生效时间", "date_time"),
    _system("invalid_time", "作废时间", "date_time"),
    _system("external_id_for_sync", "外部标识", "text"),
    _system("source_object_id", "来源标识", "text"),
    _system("origin_source", "数据来源", "select_one", options=(("0", "数据同步"),)),
)

# only where multi-currency is enabled (fxiaoke.md 6 [1])
CURRENCY_FIELDS: tuple[Field, ...] = (
    Field("mc_currency", "币种", "select_one", options=CURRENCIES, system=True),
    Field("mc_exchange_rate", "汇率", "number", decimals=6, system=True),
    Field("mc_exchange_rate_version", "汇率版本", "text", system=True),
    _system("mc_functional_currency", "本位币", "select_one", options=CURRENCIES),
)


def text(api_name: str, label: str, *, kind: str = "text", required: bool = False, unique: bool = False) -> Field:
    """A field that travels as a string."""
    return Field(api_name, label, kind, required=required, unique=unique)


def money(api_name: str, label: str, *, required: bool = False, kind: str = "currency") -> Field:
    """An amount in the row's currency, two decimals; kind ``count`` is a read-only roll-up."""
    return Field(api_name, label, kind, required=required)


def number(api_name: str, label: str, decimals: int = 2, kind: str = "number") -> Field:
    """A number that travels as a string; ``percentile`` counts percent."""
    return Field(api_name, label, kind, decimals=decimals)


def day(api_name: str, label: str, *, required: bool = False, kind: str = "date") -> Field:
    """Milliseconds of local midnight (GMT+8); kind ``date_time`` is an instant."""
    return Field(api_name, label, kind, required=required)


def choice(api_name: str, label: str, options: Options) -> Field:
    """One value of a list."""
    return Field(api_name, label, "select_one", options=options)


def link(api_name: str, label: str, target: str, *, required: bool = False, master: bool = False) -> Field:
    """The `_id` of a row of `target`."""
    return Field(api_name, label, "master_detail" if master else "object_reference", required=required, target=target)
