"""The usage ledger of the memory store: the readable model of what a ledger does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from server.stores.base import UsageEntry, UsageSum, check_columns

#: How many entries are forgotten at once at most.
FORGOTTEN_AT_ONCE: Final = 500


class MemoryLedger:
    """A `UsageLedger` in a dictionary of at most `max_entries`; beyond them the first to come is the first to go."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: dict[tuple[str, int], UsageEntry] = {}

    async def record_usage(self, entries: Sequence[UsageEntry]) -> None:
        for entry in entries:
            self._entries.setdefault((entry.id, entry.attempt), entry)
        for oldest in list(islice(self._entries, max(0, len(self._entries) - self._max_entries))):
            del self._entries[oldest]

    async def sum_usage(
        self, by: Sequence[str], *, since: float, until: float | None = None, tenant: str | None = None
    ) -> Sequence[UsageSum]:
        check_columns(by)
        groups: dict[tuple[str, ...], list[UsageEntry]] = {} if by else {(): []}
        for entry in self._entries.values():
            is_in_time = since <= entry.started_at and (until is None or entry.started_at < until)
            if entry.attempt == 0 and is_in_time and tenant in (None, entry.tenant):
                group = tuple(_day(entry) if column == "day" else getattr(entry, column) for column in by)
                groups.setdefault(group, []).append(entry)
        attempts = Counter(response_id for response_id, attempt in self._entries if attempt > 0)
        return [_sum(group, groups[group], attempts) for group in sorted(groups)]

    async def forget_usage(self, *, before: float) -> int:
        old = sorted((entry.started_at, key) for key, entry in self._entries.items() if entry.started_at < before)
        for _, key in old[:FORGOTTEN_AT_ONCE]:
            del self._entries[key]
        return len(old[:FORGOTTEN_AT_ONCE])


def _sum(group: tuple[str, ...], responses: Sequence[UsageEntry], attempts: Mapping[str, int]) -> UsageSum:
    return UsageSum(
        group,
        responses=len(responses),
        succeeded=sum(entry.outcome in ("completed", "incomplete") for entry in responses),
        refused=sum(entry.outcome == "refused" for entry in responses),
        attempts=sum(attempts[entry.id] for entry in responses),
        input_tokens=sum(entry.input_tokens for entry in responses),
        output_tokens=sum(entry.output_tokens for entry in responses),
        cached_tokens=sum(entry.cached_tokens for entry in responses),
        cache_write_tokens=sum(entry.cache_write_tokens for entry in responses),
        reasoning_tokens=sum(entry.reasoning_tokens for entry in responses),
        estimated_tokens=sum(entry.input_tokens + entry.output_tokens for entry in responses if entry.estimated),
    )


def _day(entry: UsageEntry) -> str:
    # Whole seconds: a fraction may be rounded up into the next day.
    return datetime.fromtimestamp(int(entry.started_at), UTC).date().isoformat()
