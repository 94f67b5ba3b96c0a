"""Statements 对账单 as files: PDF, XLSX, HTML, JSON; the same statement and look give the same bytes."""

from __future__ import annotations

from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from ledgerbridge.model.statement import CustomerStatement, dump
from ledgerbridge.model.statement_look import StatementLook

from .words import Language

LAYOUT: Final = 1
"""Grows with every change of what a rendering looks like, so that a copy's bytes are compared with their like alone."""


class Format(StrEnum):
    """What a statement can be made into; the value is also the file's suffix."""

    PDF = "pdf"
    XLSX = "xlsx"
    HTML = "html"
    JSON = "json"


def render(statement: CustomerStatement, form: Format, look: StatementLook, language: Language = Language.ZH) -> bytes:
    """The file. JSON is the canonical form, the same in every language and look.

    ConfigError for PDF if its packages are not installed, and for a logo that is no image.
    """
    match form:
        case Format.JSON:
            return dump(statement)
        case Format.HTML:
            from .html import html

            return html(statement, look, language)
        case Format.XLSX:
            from .xlsx import xlsx

            return xlsx(statement, look, language)
        case Format.PDF:
            from .pdf import pdf

            return pdf(statement, look, language)


def renderer(form: Format) -> str:
    """What makes the bytes of a format: our layout's number and the versions of the packages that take part."""
    packages = {Format.PDF: ("reportlab", "weblate-fonts", "pillow"), Format.XLSX: ("xlsxwriter",)}.get(form, ())
    return " ".join([f"layout-{LAYOUT}", *(f"{name}-{_version(name)}" for name in packages)])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


__all__ = ["LAYOUT", "Format", "Language", "render", "renderer"]
