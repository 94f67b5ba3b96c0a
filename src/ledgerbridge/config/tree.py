"""What may stand in ``ledgerbridge.toml``. Every field says in its docstring what it does; ``config explain`` shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ledgerbridge.model.base import Kind, SystemId
from ledgerbridge.model.money import Currency


class Section(BaseModel):
    """A part of the tree: nothing undeclared, frozen; TOML's own types need no coercion beyond int to float."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone of the IANA database, such as Asia/Shanghai") from None
    return name


class WorkspaceSettings(Section):
    """The company."""

    name: str = "我的公司"
    """The company's name, as it stands on statements."""
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    """The zone in which business dates are dates."""
    base_currency: Currency = "CNY"
    """The currency of the books (本位币)."""
    language: Literal["zh", "en"] = "zh"
    """The language of finance-facing output."""


class DatabaseSettings(Section):
    """Where observed copies, runs and quarantine are kept."""

    url: str = "sqlite:///ledgerbridge.db"
    """`sqlite:///FILE` (relative to the workspace) or `postgresql+psycopg://USER@HOST/DATABASE`."""


class LogSettings(Section):
    """Structured logs, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is written."""
    json_lines: bool | None = None
    """true: one JSON object a line; false: for people; unset: for people when standard error is a terminal."""


class PullSettings(Section):
    """How records are read."""

    page_size: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Records a page; unset: the most that each far side allows."""
    sweep_loss_max_percent: Annotated[int, Field(ge=0, le=100)] = 10
    """A key sweep that would mark more than this share of the records as deleted marks none and is reported."""
    stale_hours: Annotated[int, Field(ge=1)] = 36
    """`status` reports a stream that has not been read to its end for longer as a finding."""
    history_days: Annotated[int, Field(ge=0)] = 400
    """How long earlier versions of changed records are kept."""


class SystemSettings(Section):
    """One far side. `settings` is checked by the connector that `connector` names."""

    connector: str
    """The connector's name: yonyou_u8, yonyou_bip, fxiaoke, zoho_crm, sheets, or one that another package adds."""
    pull: tuple[Kind, ...] | None = None
    """Which kinds to read; unset: all that the connector reads."""
    options: dict[str, Any] = {}
    """Named values that mappings may use."""
    settings: dict[str, Any] = {}
    """The connector's own settings."""


class Tree(Section):
    """The whole file."""

    workspace: WorkspaceSettings = WorkspaceSettings()
    database: DatabaseSettings = DatabaseSettings()
    log: LogSettings = LogSettings()
    pull: PullSettings = PullSettings()
    systems: dict[SystemId, SystemSettings] = {}
