"""The summary of a reconciliation for people: one HTML file with plots, and JSON for machines."""

from __future__ import annotations

from .html import summary_html

__all__ = ["summary_html"]
