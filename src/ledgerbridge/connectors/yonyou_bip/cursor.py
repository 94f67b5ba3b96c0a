"""Where a walk stands, as text. Pure.

A walk lists what changed first (ids and stamps only), then reads the records, oldest change first. Its cursor is JSON:

`what`: the object that was walked; the cursor of another one starts anew. `since`: the stamp from which the list was
asked for, ``""`` for all. `after`: stamp and id of the last record handed over, absent when no walk is under way.
`top`: the newest stamp seen. `settled`: everything with an older stamp was in the list when it was read; `top` less the
overlap, by the vendor's own stamps.

A walk that is resumed asks again for everything that is not settled or comes behind `after`, and leaves out what is
both settled and handed over. The next walk begins at `settled`. A record may so come twice, never not at all, as long
as a change becomes visible within the overlap. Of many records with one and the same newest stamp (an import) a resumed
walk reads those again that it had.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from .codec_lists import earlier


@dataclass(frozen=True, slots=True)
class State:
    """A cursor, decoded; see the module."""

    what: str
    since: str = ""
    after: tuple[str, str] | None = None
    top: str = ""
    settled: str = ""

    @property
    def begin(self) -> str:
        """The stamp from which the list is to be asked for."""
        return self.since if self.after is None else max(self.since, min(self.after[0], self.settled))

    def done(self, place: tuple[str, str]) -> bool:
        """Whether the record at `place` was handed over by this walk before it was interrupted, and cannot have changed."""
        return self.after is not None and place <= self.after and place[0] < self.settled

    def listed(self, newest: str, overlap_s: float) -> State:
        """After a list was read whose newest stamp is `newest`."""
        top = max(self.top, newest)
        return replace(self, top=top, settled=max(self.settled, earlier(top, overlap_s)))

    def passed(self, place: tuple[str, str]) -> State:
        """After the record at `place` was handed over."""
        return replace(self, after=place)

    def finished(self) -> State:
        """After the last record: where the next walk begins."""
        return State(self.what, max(self.since, self.settled))


def load(text: str | None, what: str) -> State:
    """The state of a cursor's text; a new walk over everything for None and for a cursor of another object."""
    if text is None:
        return State(what)
    held = json.loads(text)
    if held.get("what") != what:
        return State(what)
    after = held.get("after")
    place = (str(after[0]), str(after[1])) if after else None
    return State(what, held.get("since", ""), place, held.get("top", ""), held.get("settled", ""))


def dump(state: State) -> str:
    """The text of :func:`load`."""
    held: dict[str, object] = {"what": state.what, "since": state.since}
    if state.after is not None:
        held |= {"after": list(state.after), "top": state.top, "settled": state.settled}
    return json.dumps(held, sort_keys=True)
