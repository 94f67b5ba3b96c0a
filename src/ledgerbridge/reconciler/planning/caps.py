"""Whether a plan is too large to be approved by a machine."""

from __future__ import annotations

from ledgerbridge.model.change import Action
from ledgerbridge.model.flow import Flow
from ledgerbridge.model.plan import PlanState, Summary

FIRST = "first plan of the flow"


def state_of(flow: Flow, summary: Summary, *, first: bool) -> tuple[PlanState, tuple[str, ...]]:
    """The state in which a plan begins, and why no machine may approve it (empty: one may, if the flow is unattended).

    A plan without changes is done. The first one of a flow is only proposed, and waits for a person as those over a cap do.
    """
    if not summary.changes:
        return PlanState.DONE, ()
    over = over_caps(flow, summary)
    reasons = (*((FIRST,) if first else ()), *over, *(("the flow wants approval",) if flow.approve else ()))
    return (PlanState.WAITING if over or (flow.approve and not first) else PlanState.PROPOSED), reasons


def over_caps(flow: Flow, summary: Summary) -> tuple[str, ...]:
    """Each cap that the plan exceeds, in words."""
    caps = flow.caps
    limits = ((Action.CREATE, caps.creates_max), (Action.UPDATE, caps.updates_max), (Action.VOID, caps.voids_max))
    found = [
        f"{summary.count(action)} {action}s, the cap is {limit}"
        for action, limit in limits
        if limit is not None and summary.count(action) > limit
    ]
    moved = summary.count(Action.UPDATE) + summary.count(Action.VOID)
    if caps.percent_max is not None and moved > caps.percent_from and moved * 100 > caps.percent_max * summary.linked:
        found.append(f"{moved} of {summary.linked} linked records would change, the cap is {caps.percent_max} %")
    return tuple(found)
