"""Statements written as files, frozen ones so that they come out as they did before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .acting import acting

if TYPE_CHECKING:
    from ledgerbridge.model.statement import CustomerStatement
    from ledgerbridge.model.statement_look import StatementLook
    from ledgerbridge.reports.statement import Format

    from .main import Session

_NAME_BYTES_MAX: Final = 120


class Form(StrEnum):
    """What statements are written as."""

    XLSX = "xlsx"
    PDF = "pdf"
    HTML = "html"
    JSON = "json"
    ALL = "all"


def write_all(
    now: Session, found: Iterable[CustomerStatement], form: Form, folder: Path, *, freeze: bool, as_name: str | None
) -> list[tuple[CustomerStatement, list[Path], str | None]]:
    """Write every statement's files as it comes; freeze first, so that no file is sent that is not kept."""
    from ledgerbridge.config.statements import look_of

    look = look_of(now.app.workspace)
    done = []
    for made in found:
        one, kept = _frozen(now, made, look, as_name) if freeze else (made, None)
        files = [write_file(now, one, look, shape, folder, kept) for shape in formats(form)]
        done.append((one.model_copy(update={"entries": (), "open_items": (), "unapplied": ()}), files, kept))
    return done


def _frozen(
    now: Session, one: CustomerStatement, look: StatementLook, as_name: str | None
) -> tuple[CustomerStatement, str]:
    """The statement as it is kept, and the copy's id. One that says what the last copy of its period says is that copy."""
    from ledgerbridge.reconciler.statement import delta
    from ledgerbridge.store import audit, statements

    at, by = now.app.clock.now(), acting(now, as_name)
    with now.app.store.writing() as tx:
        before = statements.latest(
            tx,
            entity_id=one.customer.entity,
            currency=one.currency,
            first_day=one.first_day,
            last_day=one.last_day,
        )
        kept = None if before is None else statements.opened(tx, before.id)
        if kept is not None and kept.look == look and delta(kept.statement, one).is_empty:
            return kept.statement, kept.copy.id
        copy = statements.freeze(tx, one, look, at=at, by=by)
        closing = f"{one.shown(one.closing_minor)} {one.currency}"
        audit.append(
            tx,
            actor=by,
            action="statement frozen",
            subject=f"statement/{copy.id}",
            details={"statement": one.number, "closing": closing},
            at=at,
        )
    return one, copy.id


def write_file(
    now: Session, one: CustomerStatement, look: StatementLook, shape: Format, folder: Path, copy_id: str | None
) -> Path:
    """One file; of a frozen copy it must come out as it did before."""
    from ledgerbridge.config.statements import language as language_of
    from ledgerbridge.reports.statement import Language, render, renderer
    from ledgerbridge.store import statements

    language = Language(language_of(now.app.workspace))
    content = render(one, shape, look, language)
    if copy_id is not None:
        with now.app.store.writing() as tx:
            statements.note_file(
                tx,
                copy_id,
                form=shape.value,
                language=language.value,
                renderer=renderer(shape),
                content=content,
                at=now.app.clock.now(),
            )
    return put(folder, f"{safe_name(one.number)}.{shape.value}", content)


def put(folder: Path, name: str, content: bytes) -> Path:
    """One file, as a whole or not at all; ConfigError where it cannot be written."""
    from ledgerbridge.sync.exporting import replaced

    target = folder / name
    replaced(target, lambda path: path.write_bytes(content))
    return target


def formats(form: Form) -> list[Format]:
    """The formats that are asked for."""
    from ledgerbridge.reports.statement import Format

    return list(Format) if form is Form.ALL else [Format(form.value)]


def safe_name(number: str) -> str:
    """A statement's number as a file's name: in one folder, not hidden, at most 140 bytes; no two numbers share one.

    A customer's code comes from other systems and may hold anything. Where something had to be changed a digest of the whole
    number is added, so that ``A/1`` and ``A_1`` do not overwrite one another.
    """
    plain = re.sub(r"[^\w.-]+", "_", number).lstrip(".-")
    if plain == number and len(plain.encode()) <= _NAME_BYTES_MAX:
        return plain
    cut = plain.encode()[:_NAME_BYTES_MAX].decode(errors="ignore")
    return f"{cut}-{sha256(number.encode()).hexdigest()[:10]}"
