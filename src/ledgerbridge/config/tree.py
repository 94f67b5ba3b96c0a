"""What may stand in ``ledgerbridge.toml``. Every field says in its docstring what it does; ``config explain`` shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ledgerbridge.model.base import Key, Kind, SystemId
from ledgerbridge.model.flow import Flow, FlowName
from ledgerbridge.model.money import Currency

from .addresses import Address
from .exceptions import ExceptionSettings
from .queue import QueueSettings
from .reconcile import AgingSettings, ReconcileSettings


class Section(BaseModel):
    """A part of the tree: nothing undeclared, frozen; TOML's own types need no coercion beyond int to float."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    actor: Key | None = None
    """Who acts on this machine: the name that decisions are kept under; unset: the user of the operating system."""


class DatabaseSettings(Section):
    """Where observed copies, runs and quarantine are kept."""

    url: Address = "sqlite:///ledgerbridge.db"
    """`sqlite:///FILE` (relative to the workspace) or `postgresql+psycopg://USER@HOST/DATABASE`; with a password only by
    reference, e.g. `{ env = "LEDGERBRIDGE_DATABASE" }`."""


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


class ServeSettings(Section):
    """What `serve`, `scheduler` and `worker` do. Flows carry their own schedules."""

    address: str = "127.0.0.1"
    """Where health, metrics and webhooks are answered. Nothing here speaks TLS: put a reverse proxy before it and let only
    `/hooks/` through."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8632
    """The port; 0: none is opened."""
    public_url: str | None = None
    """Where far sides reach this port from outside, e.g. `https://bridge.example.com`: `serve` asks those that must be asked
    (Zoho) to call `PUBLIC_URL/hooks/SYSTEM`, and renews it."""
    pull: str | None = None
    """When every system is read that no flow with a schedule reads: a cron expression in the workspace's zone; unset: only
    by hand."""
    reconcile: str | None = None
    """When accounts are reconciled, e.g. `0 6 * * mon-fri`; unset: only by hand."""
    jobs_at_once: Annotated[int, Field(ge=1, le=32)] = 2
    """How many scheduled jobs run side by side in one process."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    """How many writes one process carries out side by side."""


class ApplySettings(Section):
    """How approved plans are carried out (docs/applying.md)."""

    second_person: bool = False
    """true: whoever made a plan cannot approve it."""
    settle_s: Annotated[float, Field(ge=0, le=3600)] = 150.0
    """How long a write whose answer was lost may still appear at a far side. Only after that is it looked for and, where that
    is safe, sent again."""
    wait_s: Annotated[float, Field(ge=0, le=86_400)] = 240.0
    """How long `apply` and `sync` wait for writes that come due later; with less than `settle_s` a lost answer is settled by the
    next run."""


class IdentitySettings(Section):
    """Who is who between the systems (docs/linking.md)."""

    lead: SystemId | None = None
    """The system that leads: the others are linked with it first. Unset: the first Yonyou system, else the first system."""
    also: tuple[SystemId, ...] = ()
    """Systems without customers whose documents are linked all the same; others of the kind (a bank's) are only observed."""
    sure_bits: Annotated[float, Field(ge=0, le=40)] = 4.0
    """A pair of customers with at least this score (bits: 1 doubles the odds) is linked without a person."""
    doubtful_bits: Annotated[float, Field(ge=-40, le=40)] = -4.0
    """A pair with less is not shown to anybody. Must be below `sure_bits`."""
    margin_bits: Annotated[float, Field(gt=0, le=40)] = 4.0
    """By how much a sure pair must be better than the next best for either record; with less a person decides."""

    @model_validator(mode="after")
    def _lines_in_order(self) -> IdentitySettings:
        if self.doubtful_bits >= self.sure_bits:
            raise ValueError(f"doubtful_bits ({self.doubtful_bits}) must be below sure_bits ({self.sure_bits})")
        return self


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


class StatementAccountSettings(Section):
    """A bank account that customers pay to."""

    account: str
    """The account number, as it is to be shown."""
    bank: str = ""
    """Bank and branch."""
    holder: str = ""
    """The account's name; unset: the company."""
    currency: Currency | None = None
    """Show it on statements of this currency only; unset: on all."""


class StatementSettings(Section):
    """What stands on customer statements (对账单) beside the figures."""

    company: str = ""
    """The company's name on statements; unset: `workspace.name`."""
    logo: str = ""
    """A PNG or JPEG file, relative to the workspace."""
    accounts: tuple[StatementAccountSettings, ...] = ()
    """The accounts to pay to, as [[statements.accounts]] tables."""
    contact: str = ""
    """Whom customers ask: a name, a telephone number."""
    reply_to: str = ""
    """Where the signed reply slip goes."""
    reply_days: Annotated[int, Field(ge=0, le=365)] | None = None
    """Ask for the reply within so many days of the statement's date; unset: no date is named."""
    footer: Annotated[str, Field(max_length=2000)] = ""
    """Text under the figures; unset: a request to tell of differences."""
    reply_slip: bool = True
    """Whether the reply slip (回执) is printed."""
    language: Literal["zh", "en"] | None = None
    """The language of statements; unset: `workspace.language`."""


class Tree(Section):
    """The whole file."""

    workspace: WorkspaceSettings = WorkspaceSettings()
    database: DatabaseSettings = DatabaseSettings()
    log: LogSettings = LogSettings()
    pull: PullSettings = PullSettings()
    serve: ServeSettings = ServeSettings()
    queue: QueueSettings = QueueSettings()
    apply: ApplySettings = ApplySettings()
    exceptions: ExceptionSettings = ExceptionSettings()
    identity: IdentitySettings = IdentitySettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    aging: AgingSettings = AgingSettings()
    statements: StatementSettings = StatementSettings()
    systems: dict[SystemId, SystemSettings] = {}
    flows: dict[FlowName, Flow] = {}

    @model_validator(mode="after")
    def _leader_is_known(self) -> Tree:
        lead = self.identity.lead
        if lead is not None and lead not in self.systems:
            raise ValueError(
                f"identity.lead names the system {lead!r}, which is not configured; there are {', '.join(self.systems) or 'none'}"
            )
        return self

    @model_validator(mode="after")
    def _flows_between_known_systems(self) -> Tree:
        for name, flow in self.flows.items():
            for system in (flow.left, flow.right):
                if system not in self.systems:
                    known = ", ".join(self.systems) or "none"
                    raise ValueError(
                        f"flows.{name} names the system {system!r}, which is not configured; there are {known}"
                    )
        return self
