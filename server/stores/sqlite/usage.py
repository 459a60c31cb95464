"""The statements of the usage ledger, each a job for the worker of a connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

import apsw

from server.stores.base import UsageEntry, UsageSum, check_columns

#: How many entries are forgotten at once at most.
FORGOTTEN_AT_ONCE: Final = 500

_COLUMNS: Final = tuple(field.name for field in fields(UsageEntry))
_values = attrgetter(*_COLUMNS)

_INSERT = f"""
INSERT INTO usage ({", ".join(_COLUMNS)}) VALUES ({", ".join("?" * len(_COLUMNS))})
ON CONFLICT (id, attempt) DO NOTHING
"""  # noqa: S608

# Whole seconds: from a fraction, SQLite would round up into the next day.
_DAY = "date(CAST(started_at AS INTEGER), 'unixepoch')"

# In the order of the fields of `UsageSum` after `group`.
_SUMS = """
  count(*),
  count(*) FILTER (WHERE outcome IN ('completed', 'incomplete')),
  count(*) FILTER (WHERE outcome = 'refused'),
  sum((SELECT count(*) FROM usage AS tried WHERE tried.id = usage.id AND tried.attempt > 0)),
  sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(reasoning_tokens),
  sum(iif(estimated, input_tokens + output_tokens, 0))
"""

_FORGET = """
DELETE FROM usage WHERE (id, attempt) IN (
  SELECT id, attempt FROM usage WHERE started_at < ? ORDER BY started_at, attempt LIMIT ?
)
"""


def record(connection: apsw.Connection, entries: Sequence[UsageEntry]) -> None:
    """Write entries, but for those that are there already."""
    connection.executemany(_INSERT, map(_values, entries))


@dataclass(frozen=True, slots=True)
class Query:
    """A question of sums, ready to be asked."""

    statement: str
    values: Sequence[str | float]
    #: How many columns make a group.
    width: int

    @classmethod
    def of(cls, by: Sequence[str], since: float, until: float | None, tenant: str | None) -> Query:
        """Raises `ValueError` for columns that there are not."""
        check_columns(by)
        conditions = ["attempt = 0", "started_at >= ?"]
        asked: list[str | float] = [since]
        if until is not None:
            conditions.append("started_at < ?")
            asked.append(until)
        if tenant is not None:
            conditions.append("tenant = ?")
            asked.append(tenant)
        groups = [_DAY if column == "day" else column for column in by]
        statement = f"SELECT {', '.join([*groups, _SUMS])} FROM usage WHERE {' AND '.join(conditions)}"  # noqa: S608
        if by:
            numbers = ", ".join(str(number + 1) for number in range(len(by)))
            statement += f" GROUP BY {numbers} ORDER BY {numbers}"
        return cls(statement, asked, len(by))

    def run(self, connection: apsw.Connection) -> list[UsageSum]:
        rows: list[tuple[Any, ...]] = connection.execute(self.statement, self.values).fetchall()
        # A sum over no rows is null.
        return [UsageSum(row[: self.width], *(value or 0 for value in row[self.width :])) for row in rows]


def forget(connection: apsw.Connection, before: float) -> int:
    """Remove some of the entries that began before a time, the oldest first; returns how many."""
    connection.execute(_FORGET, (before, FORGOTTEN_AT_ONCE))
    return connection.changes()
