"""`links review|accept|refuse|split|merge|show|orphans|refresh`: who is who between the systems."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.model.base import Kind

from .acting import As, acting
from .link_words import evidence, head, said
from .main import Json, Session, WorkspaceOption, session
from .output import Exit, table
from .words import word

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.model.base import Ref
    from ledgerbridge.model.identity import LinkDoubt
    from ledgerbridge.store import Tx
    from ledgerbridge.sync.linking import LinkResult
    from ledgerbridge.sync.linking_view import EntityView, Seen

_ENTITY = re.compile(r"[0-9a-f]{32}")
_RECORD = "system/kind/id, such as erp/customer/010002, or system/number."
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept with the decision.")]
Record = Annotated[str, typer.Argument(help=_RECORD)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    links = typer.Typer(
        help="Who is who: which records of the systems are one customer or document.", no_args_is_help=True
    )
    links.command("review")(review)
    links.command("accept")(accept_pair)
    links.command("refuse")(refuse_pair)
    links.command("split")(split_record)
    links.command("merge")(merge_entities)
    links.command("show")(show)
    links.command("orphans")(list_orphans)
    links.command("refresh")(refresh)
    app.add_typer(links, name="links")


def review(
    kind: Annotated[Kind | None, typer.Option("--kind", "-k")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """The pairs that wait for a person, the likeliest first: why they may be the same, and why the machine did not decide."""
    from ledgerbridge.store import identity
    from ledgerbridge.sync.linking_view import seen_all

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            found = identity.doubts(tx, kind, limit=limit + 1)
            more, found = len(found) > limit, found[:limit]
            records = seen_all(tx, [ref for one in found for ref in (one.left, one.right, *one.rivals)])
        order = {system: at for at, system in enumerate(now.app.identity_order)}
        pairs = [_in_order(one, order) for one in found]

        def show_pairs(console: Console) -> None:
            lang = now.out.language
            heads = [head(key, lang) for key in ("left", "right", "score", "reasons", "evidence", "rivals")]
            heads[2] = ">" + heads[2]
            rows = [
                (
                    _record(records[left]),
                    _record(records[right]),
                    _bits(one.score),
                    "; ".join(said(reason, lang) for reason in one.reasons),
                    evidence(one.evidence, lang),
                    "; ".join(_record(records[rival]) for rival in one.rivals[:3]),
                )
                for left, right, one in pairs
            ]
            table(console, head("review_title", lang), heads, rows)
            if rows:
                console.print(head("how", lang), markup=False)
            if more:
                console.print(word("more_rows", lang), markup=False)

        now.out.result([_doubt(left, right, one, records, now.out.language) for left, right, one in pairs], show_pairs)
        if found:
            raise typer.Exit(Exit.FINDINGS)


def accept_pair(
    one: Record,
    other: Record,
    why: Why = "",
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """These two are the same; links that the machine made and that stand in the way give way."""
    from ledgerbridge.sync.linking_people import accept

    with session(workspace, as_json) as now:
        left, right = _refs(now, one, other)
        entity_id = accept(now.app.store, left, right, who=acting(now, as_name), why=why, clock=now.app.clock)
        _done(now, {"accepted": [str(left), str(right)], "entity": entity_id})


def refuse_pair(
    one: Record,
    other: Record,
    why: Why,
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """These two are not the same: they are parted if they were linked, and never proposed again."""
    from ledgerbridge.sync.linking_people import refuse

    with session(workspace, as_json) as now:
        left, right = _refs(now, one, other)
        refuse(now.app.store, left, right, who=acting(now, as_name), why=why, clock=now.app.clock)
        _done(now, {"refused": [str(left), str(right)]})


def split_record(
    record: Record,
    why: Why = "",
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Take a record out of its entity into one of its own; it is never linked with the others again."""
    from ledgerbridge.sync.linking_people import split

    with session(workspace, as_json) as now:
        (ref,) = _refs(now, record)
        entity_id = split(now.app.store, ref, who=acting(now, as_name), why=why, clock=now.app.clock)
        _done(now, {"split": str(ref), "entity": entity_id})


def merge_entities(
    into: Annotated[str, typer.Argument(help="The entity that stays: its id, or any record of it.")],
    entity: Annotated[str, typer.Argument(help="The entity whose records come to it: its id, or any record of it.")],
    why: Why = "",
    as_name: As = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Make two entities one, if no system has a record in both."""
    from ledgerbridge.sync.linking_people import merge

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            ids = [_entity_id(tx, text) for text in (into, entity)]
        merged = merge(now.app.store, *ids, who=acting(now, as_name), why=why, clock=now.app.clock)
        _done(now, {"merged": ids[1], "entity": merged})


def show(record: Record, workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """The entity of a record: all records of it, why each belongs there, what people decided, and what waits."""
    from ledgerbridge.sync.linking_view import entity_view, ref_of

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            view = entity_view(tx, ref_of(tx, record))
        now.out.result(_entity(view), lambda console: _show_entity(console, view, now.out.language))


def list_orphans(
    kind: Annotated[Kind | None, typer.Option("--kind", "-k")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Links whose record is gone, and how many records only one system has."""
    from itertools import islice

    from ledgerbridge.store import identity

    with session(workspace, as_json) as now:
        with now.app.store.reading() as tx:
            found = list(islice(identity.orphans(tx, kind), limit + 1))
            alone = {key: count for key, count in identity.alone_counts(tx).items() if kind in (None, key[0])}
        more, found = len(found) > limit, found[:limit]

        def show_orphans(console: Console) -> None:
            lang = now.out.language
            heads = [word("record", lang), word("state", lang), head("entity", lang), ">" + head("others", lang)]
            rows = [(o.ref, _state(o.state, lang), o.entity_id, o.others) for o in found]
            table(console, head("orphans_title", lang), heads, rows)
            if more:
                console.print(word("more_rows", lang), markup=False)
            heads = [word("kind", lang), word("system", lang), ">" + word("records", lang)]
            counts = [(word(str(key[0]), lang), key[1], count) for key, count in alone.items()]
            table(console, head("alone_title", lang), heads, counts)

        told = [{"record": str(o.ref), "state": o.state, "entity": o.entity_id, "others": o.others} for o in found]
        counts = [{"kind": key[0], "system": key[1], "records": count} for key, count in alone.items()]
        now.out.result({"orphans": told, "alone": counts}, show_orphans)
        if found:
            raise typer.Exit(Exit.FINDINGS)


def refresh(workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """Link what is new or has changed since the last time; a plan does this by itself."""
    with session(workspace, as_json) as now:
        result = now.app.link()
        now.out.result(_result(result), lambda console: _show_result(console, result, now.out.language))
        if result.doubts:
            raise typer.Exit(Exit.FINDINGS)


def _refs(now: Session, *texts: str) -> list[Ref]:
    from ledgerbridge.sync.linking_view import ref_of

    with now.app.store.reading() as tx:
        return [ref_of(tx, text) for text in texts]


def _entity_id(tx: Tx, text: str) -> str:
    from ledgerbridge.sync.linking_view import entity_view, ref_of

    return text if _ENTITY.fullmatch(text) else entity_view(tx, ref_of(tx, text)).entity_id


def _done(now: Session, what: dict[str, Any]) -> None:
    def show_what(console: Console) -> None:
        for key, value in what.items():
            console.print(f"{key}: {' · '.join(value) if isinstance(value, list) else value}", markup=False)

    now.out.result(what, show_what)


def _in_order(one: LinkDoubt, order: dict[str, int]) -> tuple[Ref, Ref, LinkDoubt]:
    """The leading system's record first."""
    left, right = sorted((one.left, one.right), key=lambda ref: order.get(ref.system, len(order)))
    return left, right, one


def _bits(score: int | None) -> str:
    return "" if score is None else f"{score / 100:+.1f}"


def _record(one: Seen) -> str:
    names = " ".join(text for text in (one.number, one.name) if text)
    return f"{one.ref} {names}".rstrip()


def _state(state: str, language: str) -> str:
    return head("missing", language) if state == "missing" else word(state, language)


def _doubt(left: Ref, right: Ref, one: LinkDoubt, records: dict[Ref, Seen], language: str) -> dict[str, Any]:
    def told(ref: Ref) -> dict[str, Any]:
        return {"record": str(ref), "number": records[ref].number, "name": records[ref].name}

    return {
        "kind": left.kind,
        "left": told(left),
        "right": told(right),
        "score_hundredths": one.score,
        "reasons": one.reasons,
        "evidence": one.evidence,
        "in_words": "; ".join(said(reason, language) for reason in one.reasons),
        "rivals": [told(rival) for rival in one.rivals],
        "first_seen_at": one.first_seen_at,
        "last_seen_at": one.last_seen_at,
    }


def _entity(view: EntityView) -> dict[str, Any]:
    return {
        "entity": view.entity_id,
        "kind": view.kind,
        "records": [
            {"record": str(link.ref), "number": one.number, "name": one.name, "state": one.state}
            | link.model_dump(include={"part", "rule", "score", "evidence", "decided_by", "at"})
            for link, one in view.records
        ],
        "decisions": [
            {"left": str(d.left), "right": str(d.right)} | d.model_dump(include={"verdict", "who", "why", "at"})
            for d in view.decisions
        ],
        "doubts": [{"left": str(d.left), "right": str(d.right), "reasons": d.reasons} for d in view.doubts],
    }


def _show_entity(console: Console, view: EntityView, lang: str) -> None:
    console.print(f"{head('entity', lang)} {view.entity_id} · {word(str(view.kind), lang)}", markup=False)
    heads = [
        word("record", lang),
        word("state", lang),
        *(head(key, lang) for key in ("rule", "decided_by", "evidence")),
    ]
    rows = [
        (
            _record(one),
            _state(one.state or "missing", lang),
            said(link.rule, lang),
            head("machine", lang) if link.decided_by == "machine" else link.decided_by,
            evidence(link.evidence, lang),
        )
        for link, one in view.records
    ]
    table(console, "", heads, rows)
    for decision in view.decisions:
        verdict = head(decision.verdict.value, lang)
        console.print(f"{decision.who}: {decision.left} · {decision.right} {verdict} {decision.why}", markup=False)
    for doubt in view.doubts:
        reasons = "; ".join(said(reason, lang) for reason in doubt.reasons)
        console.print(f"? {doubt.left} · {doubt.right}: {reasons}", markup=False)


def _result(result: LinkResult) -> dict[str, Any]:
    return {"systems": result.systems, "doubts": result.doubts, "kinds": result.kinds}


def _show_result(console: Console, result: LinkResult, lang: str) -> None:
    heads = [word("kind", lang), *(">" + head(key, lang) for key in ("new_entities", "joined", "doubts", "too_common"))]
    rows = [
        (word(str(one.kind), lang), one.new_entities, one.joined, one.doubts, one.too_common or None)
        for one in result.kinds
    ]
    table(console, f"{head('linked', lang)}: {', '.join(result.systems)}", heads, rows)
