"""The error tree: drawn as it is, and every error says what may be done next."""

from __future__ import annotations

import inspect
import re

from ledgerbridge import errors
from ledgerbridge.errors import ConnectorError, LedgerbridgeError, Recovery


def all_errors() -> list[type[LedgerbridgeError]]:
    return [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, LedgerbridgeError)]


def drawn() -> dict[str, tuple[int, str]]:
    found = {}
    for line in (errors.__doc__ or "").splitlines():
        hit = re.match(r"^    ([ │├└─]*)(\w+)\s{2,}(\w+)", line)
        if hit:
            found[hit.group(2)] = (len(hit.group(1)) // 4, hit.group(3))
    return found


def test_the_drawing_has_every_error_with_its_recovery_and_its_depth() -> None:
    real = {error.__name__: (_depth(error), str(error.recovery)) for error in all_errors()}
    assert drawn() == real


def _depth(error: type[LedgerbridgeError]) -> int:
    return len([base for base in error.__mro__ if base is not error and issubclass(base, LedgerbridgeError)])


def test_every_recovery_is_used_by_some_error() -> None:
    assert {error.recovery for error in all_errors()} == set(Recovery)


def test_a_connector_error_says_system_code_and_request_and_nothing_else() -> None:
    error = ConnectorError("refused", system="erp", code="20005", request_id="r1", retry_after_s=3.0)
    assert str(error) == "erp: refused (code 20005, request r1)"
