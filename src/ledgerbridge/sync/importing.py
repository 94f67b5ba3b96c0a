"""One-off imports: a file as a stream of its own, and a look at what would be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledgerbridge.errors import Unsupported
from ledgerbridge.model.base import Frozen, Kind

from .decode import Accepted, LeftOut, Rejected
from .pull import Source

SAMPLE_ROWS = 10
PROBLEMS_MAX = 200


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file to import and how to read it; `options` are settings of a file of the `sheets` connector."""

    path: Path
    kind: Kind
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing that is wrong with one row (or with the whole file, without a field)."""

    where: str
    field: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What an import would do. `sample` holds the first rows as canonical fields; `left_out` counts by reason."""

    accepted: int
    rejected: int
    sample: tuple[Mapping[str, object], ...]
    problems: tuple[RowProblem, ...]
    problems_not_shown: int
    left_out: Mapping[str, int]
    fields: tuple[str, ...]

    def order(self, field: str) -> int:
        """Where a field stands in the canonical record."""
        return self.fields.index(field) if field in self.fields else len(self.fields)


def looked_at(source: Source, kind: Kind) -> LookedAt:
    """Read and map everything, store nothing. ConnectorError and SourceFileError as the connector raises them."""
    order = next((order for order in source.streams if order.kind is kind), None)
    if order is None:
        raise Unsupported(f"nothing here is read as {kind}", system=source.system)
    accepted = rejected = hidden = 0
    sample: list[Mapping[str, object]] = []
    problems: list[RowProblem] = []
    left_out: Counter[str] = Counter()
    fields: tuple[str, ...] = ()
    with source.connect() as connector:
        for page in connector.pull(kind, cursor=None, limit=connector.capabilities.page_size_max):
            found = [RowProblem(item.where, "", "", item.why) for item in page.unreadable]
            rejected += len(page.unreadable)
            for raw in page.records:
                decoded = order.decode(raw)
                where = str(raw.payload().get("_where", raw.external_id))
                if isinstance(decoded, Accepted):
                    accepted += 1
                    fields = fields or tuple(type(decoded.record).model_fields)
                    if len(sample) < SAMPLE_ROWS:
                        sample.append(_shown(decoded.record))
                    found += [RowProblem(where, p.field, p.value, f"{p.why} (left out)") for p in decoded.notices]
                elif isinstance(decoded, Rejected):
                    rejected += 1
                    found += [RowProblem(where, p.field, p.value, p.why) for p in decoded.problems]
                elif isinstance(decoded, LeftOut):
                    left_out[decoded.reason] += 1
            hidden += max(0, len(problems) + len(found) - PROBLEMS_MAX)
            problems = [*problems, *found][:PROBLEMS_MAX]
    return LookedAt(accepted, rejected, tuple(sample), tuple(problems), hidden, dict(left_out), fields)


def _shown(record: Frozen) -> Mapping[str, object]:
    return {name: getattr(record, name) for name in type(record).model_fields if name in record.model_fields_set}
