"""How the far side says no (yonyou.md B3): a code and a text, mostly inside HTTP 200."""

from __future__ import annotations

from ledgerbridge.sandbox.books import Row


class Refusal(Exception):
    """Ends a call (or one item of a batch) with a vendor code; `data` is added where the vendor sends some."""

    def __init__(self, code: str | int, message: str, *, status: int = 200, data: Row | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data


def bad_json(reason: str) -> Refusal:
    """310002: the body is no JSON."""
    return Refusal("310002", f"request body is not valid JSON: {reason}")


def missing(field: str) -> Refusal:
    """310008: a required parameter is missing."""
    return Refusal("310008", f"required parameter missing: {field}")


def wrong_type(field: str, wanted: str) -> Refusal:
    """310023: a parameter has the wrong type."""
    return Refusal("310023", f"parameter type mismatch: {field} must be {wanted}")


def wrong_format(field: str, wanted: str) -> Refusal:
    """310015: a parameter does not match its pattern."""
    return Refusal("310015", f"parameter does not match its pattern: {field}, expected {wanted}")


def generic(message: str) -> Refusal:
    """999: the business side refused."""
    return Refusal("999", message)


def check_failed(message: str) -> Refusal:
    """1001: a business check failed."""
    return Refusal("1001", message)


def no_data(message: str) -> Refusal:
    """1002: something named in the request does not exist."""
    return Refusal("1002", message)
