"""`mapping check`, `mapping show` and `mapping try`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledgerbridge.errors import ConfigError, MappingError
from ledgerbridge.model.base import Kind

from .main import Json, Session, WorkspaceOption, session
from .output import Exit, plain, table

if TYPE_CHECKING:
    from rich.console import Console

    from ledgerbridge.mapping.spec import MappingSpec
    from ledgerbridge.model.problem import Problem


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    mapping = typer.Typer(help="Which wire field is which canonical one.", no_args_is_help=True)
    mapping.command("check")(check)
    mapping.command("show")(show_mapping)
    mapping.command("try")(try_mapping)
    app.add_typer(mapping, name="mapping")


def check(workspace: WorkspaceOption = None, as_json: Json = False) -> None:
    """Check every mapping that the workspace's systems use; every fault is listed with its file and line."""
    with session(workspace, as_json) as now:
        results = []
        for system, kind, wire_type in _streams(now):
            fault = ""
            try:
                now.app.mapping(system, kind, wire_type)
            except MappingError as error:
                fault = str(error)
            results.append({"system": system, "kind": kind, "wire_type": wire_type, "fault": fault})
        results += _strangers(now)

        def show(console: Console) -> None:
            rows = [(r["system"], r["kind"], r["wire_type"], r["fault"] or "ok") for r in results]
            table(console, "", ("system", "kind", "object", "result"), rows)

        now.out.result(results, show)
        if any(result["fault"] for result in results):
            raise typer.Exit(Exit.USAGE)


def show_mapping(
    system: str,
    kind: Kind,
    wire_type: Annotated[
        str | None, typer.Option("--object", help="The vendor's object; default: all of the kind.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Show the mapping in force: the connector's own with the workspace's file laid over it."""
    with session(workspace, as_json) as now:
        specs = [now.app.resolved_mapping(system, kind, name) for name in _wire_types(now, system, kind, wire_type)]

        def show(console: Console) -> None:
            for spec in specs:
                table(console, f"{spec.name} (revision {spec.revision})", ("field", "wire", "how"), _rules(spec))

        now.out.result([spec.model_dump(mode="json", exclude_defaults=True, by_alias=True) for spec in specs], show)


def try_mapping(
    system: str,
    kind: Kind,
    sample: Annotated[Path, typer.Option("--sample", help="A JSON file: one record, or a list of records, as sent.")],
    wire_type: Annotated[
        str | None, typer.Option("--object", help="The vendor's object; default: the kind's first.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: Json = False,
) -> None:
    """Map a sample: shows the canonical result, every problem with the mapping's line, and the paths that no rule reads."""
    from ledgerbridge.bootstrap import mapping_texts
    from ledgerbridge.mapping.apply import Filtered, Mapped, Unmapped, compile_inbound, untouched

    with session(workspace, as_json) as now:
        name = _wire_types(now, system, kind, wire_type)[0]
        spec = now.app.mapping(system, kind, name)
        inbound = compile_inbound(spec, now.app.context(system))
        texts = mapping_texts(now.app, system, kind, name)
        tried: list[dict[str, Any]] = []
        for payload in _samples(sample):
            result = inbound(payload)
            told: dict[str, Any] = {"untouched": untouched(spec, payload)}
            if isinstance(result, Mapped):
                told |= {
                    "canonical": plain(result.value.model_dump(exclude_unset=True)),
                    "notices": _with_lines(texts, result.notices),
                }
            elif isinstance(result, Unmapped):
                told |= {"problems": _with_lines(texts, result.problems)}
            elif isinstance(result, Filtered):
                told |= {"filtered": result.reason}
            tried.append(told)

        def show(console: Console) -> None:
            for told in tried:
                _show_tried(console, told)

        now.out.result(tried, show)
        if any("problems" in told for told in tried):
            raise typer.Exit(Exit.FINDINGS)


def _show_tried(console: Console, told: dict[str, Any]) -> None:
    if "canonical" in told:
        table(console, "canonical", ("field", "value"), told["canonical"].items())
    if "filtered" in told:
        console.print(f"filtered: {told['filtered']}", markup=False)
    for title in ("problems", "notices"):
        if told.get(title):
            rows = [[p[name] for name in ("field", "wire", "value", "why", "line")] for p in told[title]]
            table(console, title, ("field", "wire", "value", "why", "mapping line"), rows)
    if told["untouched"]:
        console.print("read by no rule: " + ", ".join(told["untouched"]), markup=False)


def _with_lines(texts: list[tuple[str, str]], problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    return [{**plain(problem), "line": _line_of(texts, problem.field)} for problem in problems]


def _line_of(texts: list[tuple[str, str]], field: str) -> str:
    """Where the rule of a canonical field stands: ``FILE:LINE`` of the first file that has it, or of the field around it."""
    field = re.sub(r"\[\d*\]", "[]", field)
    while field:
        keys = {field, f"{field.removesuffix('[]')}[]"}
        for name, text in texts:
            for number, line in enumerate(text.splitlines(), start=1):
                if line.startswith(" ") and line.strip().partition(":")[0].strip("'\"") in keys:
                    return f"{name}:{number}"
        field = field.rpartition(".")[0]
    return texts[0][0] if texts else ""


def _samples(path: Path) -> list[dict[str, Any]]:
    from ledgerbridge.model.wirejson import WireError, loads

    try:
        value = loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except WireError as error:
        raise ConfigError(f"{path} is no JSON: {error}") from None
    records = value if isinstance(value, list) else [value]
    if not all(isinstance(record, dict) for record in records):
        raise ConfigError(f"{path}: a record is a JSON object")
    return [record for record in records if isinstance(record, dict)]


def _streams(now: Session) -> list[tuple[str, Kind, str]]:
    found = []
    for system in now.app.workspace.tree.systems:
        capabilities = now.app.capabilities(system)
        for kind in sorted(capabilities.reads):
            found += [(system, kind, wire_type) for wire_type in capabilities.wire_types.get(kind, ())]
    return found + now.app.import_streams()


def _strangers(now: Session) -> list[dict[str, Any]]:
    """Files under mappings/ that belong to no stream: a misspelt name would otherwise be ignored without a word."""
    known = {f"{system}/{kind}.{wire_type}.yaml" for system, kind, wire_type in _streams(now)}
    folder = now.app.workspace.folder / "mappings"
    found = []
    for path in sorted(folder.rglob("*.y*ml")):
        name = path.relative_to(folder).as_posix()
        if name not in known:
            fault = f"{path}: no stream reads this file; expected one of {', '.join(sorted(known)) or 'none'}"
            found.append({"system": name, "kind": "", "wire_type": "", "fault": fault})
    return found


def _wire_types(now: Session, system: str, kind: Kind, wanted: str | None) -> tuple[str, ...]:
    known = now.app.capabilities(system).wire_types.get(kind, ())
    if not known:
        raise ConfigError(f"{system} reads no {kind}")
    if wanted is None:
        return tuple(known)
    if wanted not in known:
        raise ConfigError(f"{system} reads {kind} from {', '.join(known)}, not from {wanted}")
    return (wanted,)


def _rules(spec: MappingSpec) -> list[tuple[str, str, str]]:
    from ledgerbridge.mapping.reads import sources

    told = sources(spec, whole_paths=True)
    flags = {field: _flags(rule) for field, rule in (*spec.fields.items(), *spec.lists.items())}
    return [(field, source, flags.get(field, "")) for field, source in told.items()]


def _flags(rule: Any) -> str:
    marks = ["required"] if rule.required else []
    marks += [f"write: {rule.write}"] if rule.write else []
    marks += ["omit on problem"] if rule.on_problem == "omit" else []
    return ", ".join([*marks, getattr(rule, "convert", None) or ""]).rstrip(", ")
