"""How cells of reports look: fonts, amounts in their currency's format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ledgerbridge.model.cells import is_exact_number
from ledgerbridge.model.money import Money, exponent, to_decimal


@dataclass(slots=True)
class Styles:
    """Formats of one workbook, made on demand: a workbook holds each once."""

    workbook: Any
    made: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)

    def of(self, **facts: Any) -> Any:
        """The format with these properties."""
        key = tuple(sorted(facts.items()))
        if key not in self.made:
            self.made[key] = self.workbook.add_format(
                {"font_name": "微软雅黑", "font_size": 10, "valign": "vcenter"} | facts
            )
        return self.made[key]

    def money(self, currency: str, **facts: Any) -> Any:
        """Amounts of a currency: its code, its decimals, negative ones red."""
        places = exponent(currency)
        digits = "#,##0" + ("." + "0" * places if places else "")
        return self.of(num_format=f"[${currency}] {digits};[Red]-[${currency}] {digits}", **facts)


def write_money(sheet: Any, row: int, at: int, money: Money, styles: Styles, facts: dict[str, Any]) -> None:
    """An amount as a number in its currency's format; as text if a cell would lose digits."""
    text = str(to_decimal(money.minor, money.currency))
    if is_exact_number(text):
        sheet.write_number(row, at, float(text), styles.money(money.currency, **facts))
    else:
        sheet.write_string(row, at, text, styles.of(**facts, align="right"))
