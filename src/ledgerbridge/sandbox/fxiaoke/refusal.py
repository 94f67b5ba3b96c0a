"""The one way a call is turned down: an error code and a text, which the gateway puts into the envelope."""

from __future__ import annotations


class Refused(Exception):
    """An answer with `code` other than 0 (fxiaoke.md 5)."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code} {text}")


def illegal(text: str) -> Refused:
    """32000: a missing or illegal parameter or value, or a state that forbids the action (fxiaoke.md 5 [inferred])."""
    return Refused(32000, text)


def unknown_record(api_name: str, row_id: str) -> Refused:
    """32000 数据不存在: no such row, or it was deleted (fxiaoke.md 5 [inferred])."""
    return illegal(f"数据不存在 {api_name} has no record {row_id}")
