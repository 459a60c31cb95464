"""Sums of usage as a table for people, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

from server.stores.base import UsageSum

#: What is counted in a group, by the names of the fields of `UsageSum`.
COUNTS: Final = tuple(field.name for field in fields(UsageSum) if field.name != "group")

#: What a spreadsheet takes for a formula when a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Report:
    """Sums, and what was asked for."""

    by: Sequence[str]
    sums: Sequence[UsageSum]
    #: In seconds since 1970; `until` None when it was left open.
    since: float
    until: float | None = None
    tenant: str | None = None

    @property
    def total(self) -> dict[str, int]:
        """Each count over all groups."""
        return {name: sum(getattr(one, name) for one in self.sums) for name in COUNTS}


def as_table(report: Report) -> str:
    """Aligned lines: names to the left, numbers to the right with separators of thousands, the total last."""
    head = [*report.by, *(name.removesuffix("_tokens") for name in COUNTS)]
    body = [
        [*(_printable(text) or "-" for text in one.group), *(f"{getattr(one, name):,}" for name in COUNTS)]
        for one in report.sums
    ]
    total = [f"{count:,}" for count in report.total.values()]
    # Without columns to sum by there is one group, which is the total.
    rows = [head, *body, ["total", *[""] * (len(report.by) - 1), *total]] if report.by else [head, total]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_caption(report), "", *(_line(row, widths, len(report.by)) for row in rows)]
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """One object: what was asked for, `groups` and their `total`. Times are in UTC."""
    groups = [
        {**dict(zip(report.by, one.group, strict=True)), **{name: getattr(one, name) for name in COUNTS}}
        for one in report.sums
    ]
    document = {
        "since": _time(report.since),
        "until": None if report.until is None else _time(report.until),
        "tenant": report.tenant,
        "by": list(report.by),
        "groups": groups,
        "total": report.total,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_csv(report: Report) -> str:
    """A line of names, then one for each group; no total, which whoever adds the lines up would count twice.

    An apostrophe stands before a name that a spreadsheet would run as a formula.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*report.by, *COUNTS])
    for one in report.sums:
        escaped = map(_printable, one.group)
        names = (f"'{name}" if name.startswith(_FORMULA) else name for name in escaped)
        writer.writerow([*names, *(getattr(one, name) for name in COUNTS)])
    return out.getvalue()


def _caption(report: Report) -> str:
    whose = "" if report.tenant is None else f" of {_printable(report.tenant)}"
    until = "now" if report.until is None else _time(report.until)
    return f"Usage{whose} from {_time(report.since)} until {until}"


def _line(cells: Iterable[str], widths: Sequence[int], names: int) -> str:
    padded = [
        cell.ljust(width) if place < names else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _printable(text: str) -> str:
    """With escapes for what would end a line or move a terminal's cursor: callers choose names of models."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
