"""Parse one workbook in a process of its own, with limits; started by path, so it must import nothing of the package.

Arguments: path, sheet name or "" (every sheet that is not hidden), memory limit in bytes, CPU seconds.
Writes JSON lines: a head per sheet
``{"sheet": NAME}``, then its rows as lists of cells. A cell is null, text, ``["n", DIGITS]`` (a number of at most 15 significant
digits, as Excel keeps it), ``["x", DIGITS]`` (a number that has already lost digits), ``["d", ISO DATE OR TIME]`` or
``["b", BOOLEAN]``. Ends with ``{"end": true}``, without which the output is incomplete.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_EXACT_MAX = 10**15  # Excel keeps 15 significant digits


def _cell(value: Any) -> Any:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ["b", value]
    if isinstance(value, int | float):
        number = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
        if not number.is_finite():
            return str(value)
        lost = abs(number) >= _EXACT_MAX and number == number.to_integral_value()
        return ["x" if lost else "n", f"{number.normalize():f}"]
    if isinstance(value, datetime):
        midnight = value.time() == time(0)
        return ["d", value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")]
    if isinstance(value, date | time):
        return ["d", value.isoformat()]
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def main(path: str, sheet: str, bytes_max: int, seconds_max: int) -> None:
    """Write the rows of `sheet` ("": of every sheet) to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds_max, seconds_max + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    workbook = CalamineWorkbook.from_path(path)
    names = workbook.sheet_names
    hidden = {found.name for found in workbook.sheets_metadata if found.visible != SheetVisibleEnum.Visible}
    if sheet and sheet not in names:
        sys.stderr.write(f"there is no sheet {sheet!r}; there are {', '.join(names)}")
        sys.exit(3)
    for name in [sheet] if sheet else [name for name in names if name not in hidden] or names:
        sys.stdout.write(json.dumps({"sheet": name}) + "\n")
        for row in workbook.get_sheet_by_name(name).to_python(skip_empty_area=False):
            sys.stdout.write(json.dumps([_cell(value) for value in row], ensure_ascii=True) + "\n")
    sys.stdout.write('{"end": true}\n')


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
