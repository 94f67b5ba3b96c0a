"""What a reconciliation goes by, put together from the workspace's settings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from ledgerbridge.errors import ConfigError
from ledgerbridge.sync.reconciling.rules import Rules

from .workspace import Workspace


def rules_of(workspace: Workspace, lead: str | None) -> Rules:
    """What a reconciliation goes by, `lead` being the system that leads; ConfigError if there is none."""
    tree = workspace.tree
    if lead is None:
        raise ConfigError(f"{workspace.file} has no systems yet; the first Yonyou system leads, or identity.lead")
    sheets = (name for name, configured in tree.systems.items() if configured.connector == "sheets")
    said = tree.reconcile
    return Rules(
        lead=lead,
        company=tree.statements.company or tree.workspace.name,
        partial=frozenset(sheets if said.partial is None else said.partial) - {lead},
        apart=frozenset(said.apart),
        tolerances=said.passed(),
        cash=said.cash(),
        bank=said.bank(),
        credit=tree.aging.credit(),
        buckets=tree.aging.buckets(),
        exceptions=tree.exceptions.policy(),
        unapplied_days=said.unapplied_days,
        collection_days=said.collection_days,
        report_credit=tree.aging.alerts,
        base_currency=tree.workspace.base_currency,
        zone=ZoneInfo(tree.workspace.zone),
    )
