"""Plots as inline SVG: nothing is loaded, and each bar carries its figure as text, so that it can be read without colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 760
_ROW: Final = 26
_LABEL: Final = 190
_FIGURE: Final = 170
PALETTE: Final = ("#2f6fb2", "#d9822b", "#3a9a6e", "#b04a5a", "#7a62b5", "#8a8f98", "#c2a83e", "#4aa3b5", "#9c6b4e")


class Bar(NamedTuple):
    """One bar: its label, its signed size, and the figure that stands at its end."""

    label: str
    size: int
    figure: str


def bars(title: str, listed: Sequence[Bar]) -> str:
    """Horizontal bars from a common zero line; negative ones to the left of it. Empty for no bars."""
    if not listed:
        return ""
    most = max(0, *(bar.size for bar in listed))
    least = min(0, *(bar.size for bar in listed))
    span = (most - least) or 1
    field = WIDTH - _LABEL - _FIGURE
    zero = _LABEL + field * -least // span
    height = _ROW * len(listed) + 8
    parts = [
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" width="100%" style="max-width:{WIDTH}px">',
        f"<title>{escape(title)}</title>",
        f'<line x1="{zero}" y1="0" x2="{zero}" y2="{height}" stroke="#999"/>',
    ]
    for row, bar in enumerate(listed):
        width = max(field * abs(bar.size) // span, 1 if bar.size else 0)
        left = zero if bar.size >= 0 else zero - width
        top = 4 + row * _ROW
        colour = PALETTE[0] if bar.size >= 0 else PALETTE[3]
        label = bar.label if len(bar.label) <= 24 else f"{bar.label[:23]}…"
        parts += [
            f'<text x="{_LABEL - 8}" y="{top + 15}" text-anchor="end" font-size="13">{escape(label)}</text>',
            f'<rect x="{left}" y="{top}" width="{width}" height="{_ROW - 8}" fill="{colour}"/>',
            f'<text x="{WIDTH - 2}" y="{top + 15}" text-anchor="end" font-size="13">{escape(bar.figure)}</text>',
        ]
    return "\n".join([*parts, "</svg>"])


def strip(title: str, listed: Sequence[Bar]) -> str:
    """One bar made of parts, with a legend below it; parts that are not positive only stand in the legend."""
    whole = sum(bar.size for bar in listed if bar.size > 0)
    if not whole:
        return ""
    rows = (len(listed) + 1) // 2
    height = 40 + 22 * rows
    parts = [
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" width="100%" style="max-width:{WIDTH}px">',
        f"<title>{escape(title)}</title>",
    ]
    left = 0
    done = 0
    for number, bar in enumerate(listed):
        colour = PALETTE[number % len(PALETTE)]
        if bar.size > 0:
            done += bar.size
            right = WIDTH * done // whole
            parts.append(f'<rect x="{left}" y="0" width="{max(right - left, 1)}" height="26" fill="{colour}"/>')
            left = right
        at, top = (number % 2) * (WIDTH // 2), 36 + 22 * (number // 2)
        parts += [
            f'<rect x="{at}" y="{top}" width="12" height="12" fill="{colour}"/>',
            f'<text x="{at + 18}" y="{top + 11}" font-size="13">{escape(bar.label)}  {escape(bar.figure)}</text>',
        ]
    return "\n".join([*parts, "</svg>"])
