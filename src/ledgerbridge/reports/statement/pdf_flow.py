"""Pages: tables that run over them with repeated heads and carried balances, blocks that stay together, page x of y.

Everything is laid out first and drawn afterwards, so that the number of pages is known; time grows with the lines alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .pdf_fonts import Writer

WIDTH: Final = 595.28
HEIGHT: Final = 841.89
LEFT: Final = 34.0
RIGHT: Final = WIDTH - 34.0
TOP: Final = HEIGHT - 34.0
BOTTOM: Final = 46.0
SIZE: Final = 8.0
LEADING: Final = 10.6
PAD: Final = 3.0
_GREY: Final = 0.72
_HEAD_FILL: Final = 0.93


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; amounts are right-aligned and made smaller where they would not fit."""

    title: str
    width: float
    amount: bool = False
    lines_max: int = 4


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text on a page; `x` is its left end."""

    x: float
    y: float
    text: str
    size: float = SIZE
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    grey: float = _GREY
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """A filled box."""

    x: float
    y: float
    width: float
    height: float
    grey: float = _HEAD_FILL


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the given size; `image` is reportlab's reader."""

    x: float
    y: float
    width: float
    height: float
    image: Any


Op = Text | Rule | Fill | Picture


@dataclass
class Flow:
    """The pages made so far, and where the next thing goes. `head` is drawn on every page but the first."""

    writer: Writer
    head: Callable[[Flow], None]
    pages: list[list[Op]] = field(default_factory=lambda: [[]])
    y: float = TOP

    def put(self, op: Op) -> None:
        """Onto the page in hand."""
        self.pages[-1].append(op)

    def turn(self) -> None:
        """To a new page."""
        self.pages.append([])
        self.y = TOP
        self.head(self)

    def need(self, height: float) -> None:
        """To a new page unless `height` is left on this one."""
        if self.y - height < BOTTOM:
            self.turn()

    def text(
        self, text: str, *, size: float = SIZE, bold: bool = False, indent: float = 0.0, keep: float = 0.0
    ) -> None:
        """A paragraph over the whole width; `keep` is the height that must follow on the same page."""
        for line in self.writer.wrapped(text, size, RIGHT - LEFT - indent, bold=bold):
            self.need(size * 1.4 + keep)
            self.y -= size * 1.4
            self.put(Text(LEFT + indent, self.y + size * 0.3, line, size, bold))

    def space(self, height: float) -> None:
        """A gap."""
        self.y -= height

    def right(self, x: float, y: float, text: str, size: float, *, bold: bool = False, width: float = 0.0) -> None:
        """A text that ends at `x`, made smaller if it is wider than `width`."""
        text = self.writer.clean(text)
        wide = self.writer.of(bold=bold).width(text, size)
        if width and wide > width:
            size, wide = size * width / wide, width
        self.put(Text(x - wide, y, text, size, bold))

    def centred(self, x: float, y: float, text: str, size: float, *, bold: bool = False) -> None:
        """A text around `x`."""
        text = self.writer.clean(text)
        self.put(Text(x - self.writer.of(bold=bold).width(text, size) / 2, y, text, size, bold))


class Table:
    """A table in a flow. `carry` gives the row that ends a page and the one that begins the next, for the balance so far."""

    def __init__(
        self,
        flow: Flow,
        columns: Sequence[Column],
        carry: Callable[[], tuple[Sequence[str], Sequence[str]] | None] | None = None,
    ) -> None:
        self._flow = flow
        self._columns = columns
        self._carry = carry or (lambda: None)
        self._edges = [LEFT]
        for column in columns:
            self._edges.append(self._edges[-1] + column.width)
        flow.need(LEADING * 6)
        self._head()

    def row(self, cells: Sequence[str], *, bold: bool = False, fill: bool = False) -> None:
        """A row, on a new page if this one has no room for it and for the row that carries the balance over."""
        flow = self._flow
        lines = self._lines(cells, bold)
        height = max(map(len, lines)) * LEADING + 2 * PAD
        carried = self._carry()
        reserve = LEADING + 2 * PAD if carried else 0.0
        if flow.y - height - reserve < BOTTOM:
            if carried:
                self._draw(self._lines(carried[0], bold=True), bold=True, fill=False)
            flow.turn()
            self._head()
            if carried:
                self._draw(self._lines(carried[1], bold=True), bold=True, fill=False)
        self._draw(lines, bold=bold, fill=fill)

    def _head(self) -> None:
        wrapped = self._flow.writer.wrapped
        lines = [wrapped(col.title, SIZE, col.width - 2 * PAD, bold=True, lines_max=3) for col in self._columns]
        self._draw(lines, bold=True, fill=True, head=True)

    def _lines(self, cells: Sequence[str], bold: bool) -> list[list[str]]:
        clean, wrapped = self._flow.writer.clean, self._flow.writer.wrapped
        return [
            [clean(cell)]
            if col.amount
            else wrapped(cell, SIZE, col.width - 2 * PAD, bold=bold, lines_max=col.lines_max)
            for cell, col in zip(cells, self._columns, strict=True)
        ]

    def _draw(self, lines: list[list[str]], *, bold: bool, fill: bool, head: bool = False) -> None:
        flow = self._flow
        height = max(map(len, lines)) * LEADING + 2 * PAD
        top, flow.y = flow.y, flow.y - height
        if fill:
            flow.put(Fill(LEFT, flow.y, self._edges[-1] - LEFT, height))
        for at, (cell, col) in enumerate(zip(lines, self._columns, strict=True)):
            y = top - PAD - SIZE
            for line in cell:
                if col.amount:
                    flow.right(self._edges[at + 1] - PAD, y, line, SIZE, bold=bold, width=col.width - 2 * PAD)
                elif line:
                    flow.put(Text(self._edges[at] + PAD, y, line, SIZE, bold))
                y -= LEADING
        flow.put(Rule(LEFT, flow.y, self._edges[-1], flow.y))
        if head:
            flow.put(Rule(LEFT, top, self._edges[-1], top))
        for edge in self._edges:
            flow.put(Rule(edge, top, edge, flow.y))
