"""The fonts that PDF files carry within them: one Chinese family from a package, never one of the machine.

Parsed once per process. Each file embeds only the characters that it uses.
"""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import as_file, files
from typing import Final

from ledgerbridge.errors import ConfigError

REGULAR: Final = "LedgerbridgeSans"
BOLD: Final = "LedgerbridgeSans-Bold"
MISSING: Final = "〓"
"""What stands for a character that the font lacks (下駄, the printers' sign for a missing type)."""
_FILES: Final = {REGULAR: "KurintoSansSC-Rg.ttf", BOLD: "KurintoSansSC-Bd.ttf"}
_NOT_FIRST: Final = frozenset("，。、；：？！）》」』】〉…—％,.;:?!)]}%")
"""What must not begin a line (避头点)."""
_LOCK = threading.Lock()


@dataclass(slots=True)
class Font:
    """The widths of one font, in thousandths of its size."""

    name: str
    widths: dict[int, float]

    def width(self, text: str, size: float) -> float:
        """Of a text in points; every character must be known to the font."""
        widths = self.widths
        return sum(widths[ord(char)] for char in text) * size / 1000


@cache
def _load(name: str) -> Font:
    try:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont

        folder = files("weblate_fonts") / "static" / "weblate_fonts" / "kurinto" / "ttf"
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"PDF files need the package {error.name}: install ledgerbridge[pdf]; the other formats work without it"
        ) from None
    with as_file(folder / _FILES[name]) as path:
        font = TTFont(name, str(path))
    pdfmetrics.registerFont(font)
    return Font(name, font.face.charWidths)


def font(name: str) -> Font:
    """A font by name, loaded at its first use; ConfigError if the packages for PDF are not installed."""
    with _LOCK:
        return _load(name)


@dataclass(slots=True)
class Writer:
    """Fits text into widths. `missing` collects the characters that the font lacks."""

    regular: Font = field(default_factory=lambda: font(REGULAR))
    bold: Font = field(default_factory=lambda: font(BOLD))
    missing: dict[str, None] = field(default_factory=dict)

    def of(self, *, bold: bool) -> Font:
        """The regular or the bold font."""
        return self.bold if bold else self.regular

    def clean(self, text: str) -> str:
        """The text in characters of the font; invisible marks are left out, lacking characters shown as such."""
        known = self.regular.widths
        if text.isascii() and text.isprintable():
            return text
        shown = []
        for char in text:
            if char.isspace():
                shown.append("　" if char == "　" else " ")
            elif unicodedata.category(char) in ("Cf", "Cc") or 0xFE00 <= ord(char) <= 0xFE0F:
                continue
            elif ord(char) in known:
                shown.append(char)
            else:
                self.missing[char] = None
                shown.append(MISSING)
        return "".join(shown)

    def wrapped(self, text: str, size: float, width: float, *, bold: bool = False, lines_max: int = 99) -> list[str]:
        """Lines no wider than `width`; a text that needs more than `lines_max` ends in an ellipsis."""
        used = self.of(bold=bold)
        text = self.clean(text)
        if used.width(text, size) <= width:
            return [text]
        lines = []
        while text:
            at = self._break(used, text, size, width)
            lines.append(text[:at].rstrip())
            text = text[at:].lstrip()
            if len(lines) == lines_max and text:
                lines[-1] = self._shortened(used, lines[-1], size, width)
                break
        return lines

    def _break(self, used: Font, text: str, size: float, width: float) -> int:
        room, at = width * 1000 / size, 0
        while at < len(text) and room >= (wide := used.widths[ord(text[at])]):
            room -= wide
            at += 1
        if at >= len(text):
            return at
        back = at
        while back > at // 2 and back > 1 and (text[back] in _NOT_FIRST or _in_word(text, back)):
            back -= 1
        return max(back if back > at // 2 else at, 1)

    def _shortened(self, used: Font, text: str, size: float, width: float) -> str:
        while text and used.width(text + "…", size) > width:
            text = text[:-1]
        return text + "…"


def _in_word(text: str, at: int) -> bool:
    """Whether a break before `at` would tear a word of Latin letters, a number or a document's number."""
    before, after = text[at - 1], text[at]
    return before.isascii() and after.isascii() and not before.isspace() and not after.isspace()
