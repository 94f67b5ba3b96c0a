"""What stands on statements beside the figures, from the workspace's settings and its logo file."""

from __future__ import annotations

import base64
from typing import Final

from ledgerbridge.errors import ConfigError
from ledgerbridge.model.statement_look import RemittanceAccount, StatementLook

from .workspace import Workspace

LOGO_BYTES_MAX: Final = 1024 * 1024
_IMAGES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def look_of(workspace: Workspace) -> StatementLook:
    """The look of all statements; ConfigError for a logo that is missing, too large, or neither PNG nor JPEG."""
    settings = workspace.tree.statements
    return StatementLook(
        logo=_logo(workspace, settings.logo) if settings.logo else None,
        accounts=tuple(
            RemittanceAccount(
                holder=one.holder or company(workspace), bank=one.bank, account=one.account, currency=one.currency or ""
            )
            for one in settings.accounts
        ),
        contact=settings.contact,
        reply_to=settings.reply_to,
        reply_days=settings.reply_days,
        footer=settings.footer,
        reply_slip=settings.reply_slip,
    )


def company(workspace: Workspace) -> str:
    """The company's name as statements bear it."""
    return workspace.tree.statements.company or workspace.tree.workspace.name


def language(workspace: Workspace) -> str:
    """`zh` or `en`: of statements, or of all finance-facing output."""
    return workspace.tree.statements.language or workspace.tree.workspace.language


def _logo(workspace: Workspace, name: str) -> bytes:
    path = workspace.folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"statements.logo: {path} cannot be read: {error.strerror}") from None
    if len(content) > LOGO_BYTES_MAX:
        raise ConfigError(f"statements.logo: {path} has more than 1 MiB; make the image smaller, every copy holds it")
    if not content.startswith(_IMAGES):
        raise ConfigError(f"statements.logo: {path} is neither a PNG nor a JPEG image")
    return base64.b64encode(content)
