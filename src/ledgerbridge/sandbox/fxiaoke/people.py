"""The tenant's staff: who may act, what they are called in each sign-in style, and the directory calls.

Persons are rows of PersonnelObj whose `_id` is the employee number; ``$admin`` marks CRM administrators. In the legacy
style a person is an ``FSUID_…`` id, in the header style the employee number (fxiaoke.md 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledgerbridge.sandbox.books import Row

from .shelves import WatchedBooks

PEOPLE = "PersonnelObj"
SYSTEM_ACTOR = "-10000"
WHOLE_COMPANY = "999999"
FINANCE = "1000"
SALES = "1001"
ADMIN = "1000"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, and in which form person ids go in and out. `path` is the call's path, for faults."""

    person: str
    is_admin: bool = True
    uses_fsuid: bool = False
    path: str = ""

    def outward(self, people: Iterable[str]) -> list[str]:
        """Person ids as this caller reads them; the system actor has one form only."""
        if not self.uses_fsuid:
            return list(people)
        return [one if one == SYSTEM_ACTOR else fsuid(one) for one in people]


def fsuid(number: str) -> str:
    """The ``FSUID_…`` form of an employee number."""
    return "FSUID_" + hashlib.blake2b(f"person {number}".encode(), digest_size=8).hexdigest().upper()


def number_of(books: WatchedBooks, caller: Caller, person_id: str) -> str | None:
    """The employee number behind an id in the caller's own form; None if there is no such person."""
    if person_id == SYSTEM_ACTOR:
        return person_id
    if not caller.uses_fsuid:
        return person_id if books.row(PEOPLE, person_id) is not None else None
    return next((number for number, _ in books.peek(PEOPLE) if fsuid(number) == person_id), None)


def person_row(number: str, name: str, mobile: str, department: str, *, admin: bool = False) -> Row:
    """The own fields of a row of PersonnelObj."""
    row: Row = {"name": name, "user_id": number, "main_department": [department], "status": "0", "$admin": admin}
    if mobile:
        row["phone"] = mobile
    return row


def by_mobile(books: WatchedBooks, mobile: str, *, uses_fsuid: bool) -> list[dict[str, Any]]:
    """`empList` of ``user/getByMobile``: at most one person, none for an unknown number (fxiaoke.md 2 [2+])."""
    found = []
    for number, row in books.peek(PEOPLE):
        if mobile and row.get("phone") == mobile:
            found.append(
                {
                    "openUserId": fsuid(number) if uses_fsuid else number,
                    "name": row["name"],
                    "mainDepartmentIds": [int(one) for one in row["main_department"]],
                    "departmentIds": [int(one) for one in row["main_department"]],
                    "status": "NORMAL" if row["status"] == "0" else "STOPPED",  # values [inferred]
                }
            )
    return found


def in_department(
    books: WatchedBooks, department: str, *, uses_fsuid: bool, fetch_child: bool, show_departments: bool
) -> list[dict[str, Any]]:
    """`userList` of ``user/list``; 999999 is the whole company, whose children are all departments (fxiaoke.md 2)."""
    found = []
    for number, row in books.peek(PEOPLE):
        everyone = department == WHOLE_COMPANY and fetch_child
        if not everyone and department not in row["main_department"]:
            continue
        user = {
            "openUserId": fsuid(number) if uses_fsuid else number,
            "name": row["name"],
            "mobile": row.get("phone", ""),
            "isStop": row["status"] != "0",
        }
        if show_departments:
            user["departmentIds"] = [int(one) for one in row["main_department"]]
        found.append(user)
    return found
