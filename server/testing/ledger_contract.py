"""What every `UsageLedger` must do, as tests to subclass, beside those of the store that it is part of.

class TestMyStore(StoreContract, LedgerContract):
    @pytest.fixture
    async def store(self, clock): ...
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.stores.base import USAGE_COLUMNS, UsageEntry, UsageLedger, UsageSum
from server.testing.store_contract import ODD_IDS, Capability

#: The first moment of 2026-11-21, in UTC.
MIDNIGHT: Final = 1_795_219_200.0

_numbers = itertools.count(1)

#: The settings of a property that is checked with one ledger, in each of the classes that inherit it.
_SHARED = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def an_entry(entry_id: str | None = None, *, attempt: int = 0, **values: Any) -> UsageEntry:
    """An entry of a response that went well, unless told otherwise."""
    entry = UsageEntry(
        id=entry_id or f"resp_unnamed_{next(_numbers)}",
        attempt=attempt,
        request_id="req_1",
        tenant="acme",
        key="dev",
        model="fast",
        target="fast",
        provider="mock",
        upstream_model="gpt-small",
        outcome="completed",
        error="",
        incremental=True,
        started_at=MIDNIGHT,
        first_event=0.25,
        duration=1.5,
        input_tokens=100,
        output_tokens=20,
        cached_tokens=10,
        cache_write_tokens=3,
        reasoning_tokens=5,
        estimated=False,
    )
    return replace(entry, **values)


def a_use(entry_id: str | None = None, *, attempts: int = 1, **values: Any) -> list[UsageEntry]:
    """The entries of one response, its attempts included."""
    response = an_entry(entry_id, **values)
    return [response, *(replace(response, attempt=number + 1) for number in range(attempts))]


def summed(
    entries: Sequence[UsageEntry], by: Sequence[str], *, since: float = 0, until: float | None = None
) -> list[UsageSum]:
    """What a ledger must answer, by the plainest reckoning."""
    chosen = [
        e for e in entries if e.attempt == 0 and e.started_at >= since and (until is None or e.started_at < until)
    ]
    groups = sorted({_group(entry, by) for entry in chosen}) if by else [()]
    return [_sum_of(group, [e for e in chosen if _group(e, by) == group], entries) for group in groups]


def _group(entry: UsageEntry, by: Sequence[str]) -> tuple[str, ...]:
    day = datetime.fromtimestamp(int(entry.started_at), UTC).strftime("%Y-%m-%d")
    return tuple(day if column == "day" else getattr(entry, column) for column in by)


def _sum_of(group: tuple[str, ...], responses: Sequence[UsageEntry], entries: Sequence[UsageEntry]) -> UsageSum:
    ids = {entry.id for entry in responses}
    return UsageSum(
        group=group,
        responses=len(responses),
        succeeded=len([e for e in responses if e.outcome in {"completed", "incomplete"}]),
        refused=len([e for e in responses if e.outcome == "refused"]),
        attempts=len([e for e in entries if e.id in ids and e.attempt > 0]),
        input_tokens=sum(e.input_tokens for e in responses),
        output_tokens=sum(e.output_tokens for e in responses),
        cached_tokens=sum(e.cached_tokens for e in responses),
        cache_write_tokens=sum(e.cache_write_tokens for e in responses),
        reasoning_tokens=sum(e.reasoning_tokens for e in responses),
        estimated_tokens=sum(e.input_tokens + e.output_tokens for e in responses if e.estimated),
    )


@st.composite
def _uses(draw: st.DrawFn) -> list[UsageEntry]:
    """The entries of some responses: few values for each column, so that groups come about."""
    word = st.sampled_from(["a", "B", "b", "ü", "", "a b"])
    counts = st.integers(0, 10**9)
    return [
        entry
        for _ in range(draw(st.integers(0, 12)))
        for entry in a_use(
            attempts=draw(st.integers(0, 3)),
            key=draw(word),
            model=draw(word),
            target=draw(word),
            provider=draw(word),
            upstream_model=draw(word),
            outcome=draw(st.sampled_from(["completed", "incomplete", "failed", "refused", "cancelled", "deadline"])),
            started_at=MIDNIGHT + draw(st.sampled_from([-86400, -0.001, 0, 0.5, 3600, 86399.9999, 86400])),
            input_tokens=draw(counts),
            output_tokens=draw(counts),
            cached_tokens=draw(counts),
            cache_write_tokens=draw(counts),
            reasoning_tokens=draw(counts),
            estimated=draw(st.booleans()),
        )
    ]


class LedgerContract:
    """What every UsageLedger must do. Subclass it together with `StoreContract`, whose `store` and `peer` it uses."""

    lacks: ClassVar[Mapping[Capability, str]] = {}

    @pytest.fixture
    def ledger(self, store: UsageLedger) -> UsageLedger:
        """The empty store."""
        if Capability.USAGE in self.lacks:
            pytest.skip(f"no {Capability.USAGE.value}: {self.lacks[Capability.USAGE]}")
        return store

    @pytest.fixture
    def other_ledger(self, peer: UsageLedger) -> UsageLedger:
        """The same, opened a second time, as another process has it."""
        return peer

    async def test_it_says_that_it_is_one(self, ledger: UsageLedger) -> None:
        assert isinstance(ledger, UsageLedger)

    async def test_an_empty_ledger(self, ledger: UsageLedger) -> None:
        assert await ledger.sum_usage(["tenant"], since=0) == []
        assert await ledger.sum_usage([], since=0) == [UsageSum((), *[0] * 10)]
        assert await ledger.forget_usage(before=MIDNIGHT) == 0
        await ledger.record_usage([])

    async def test_sums_are_of_responses_and_attempts_are_counted(self, ledger: UsageLedger) -> None:
        first = a_use("resp_1", attempts=3, input_tokens=1_000, estimated=True)
        first[1] = replace(first[1], target="slow", outcome="failed", started_at=MIDNIGHT + 5)
        await ledger.record_usage(first)
        await ledger.record_usage(a_use("resp_2", attempts=0, outcome="refused", target="", input_tokens=0))
        assert await ledger.sum_usage(["tenant"], since=0) == [
            UsageSum(
                group=("acme",),
                responses=2,
                succeeded=1,
                refused=1,
                attempts=3,
                input_tokens=1_000,
                output_tokens=40,
                cached_tokens=20,
                cache_write_tokens=6,
                reasoning_tokens=10,
                estimated_tokens=1_020,
            )
        ]
        by_target = await ledger.sum_usage(["target"], since=0)
        assert [(one.group, one.responses, one.attempts) for one in by_target] == [(("",), 1, 0), (("fast",), 1, 3)]

    async def test_a_batch_written_twice_counts_once(self, ledger: UsageLedger) -> None:
        batch = [entry for number in range(20) for entry in a_use(f"resp_{number}", attempts=2)]
        await ledger.record_usage(batch)
        await ledger.record_usage(batch)
        await ledger.record_usage([replace(batch[0], input_tokens=999), *a_use("resp_new", attempts=1)])
        assert await ledger.sum_usage([], since=0) == summed([*batch, *a_use("resp_new", attempts=1)], [])

    async def test_an_entry_twice_in_one_batch_counts_once(self, ledger: UsageLedger) -> None:
        use = a_use("resp_1")
        await ledger.record_usage([*use, *use])
        assert await ledger.sum_usage([], since=0) == summed(use, [])

    async def test_sums_by_every_column_and_by_all(self, ledger: UsageLedger) -> None:
        uses = a_use(attempts=2)
        for column in (name for name in USAGE_COLUMNS if name != "day"):
            other: dict[str, Any] = {column: "failed" if column == "outcome" else "another"}
            uses += a_use(**other)
        uses += a_use(started_at=MIDNIGHT - 1)
        await ledger.record_usage(uses)
        for column in USAGE_COLUMNS:
            found = await ledger.sum_usage([column], since=0)
            assert found == summed(uses, [column])
            assert len(found) == 2
        for pair in itertools.permutations(USAGE_COLUMNS, 2):
            found = await ledger.sum_usage(pair, since=0)
            assert found == summed(uses, pair)
            assert len(found) == 3
        for by in (USAGE_COLUMNS, USAGE_COLUMNS[::-1]):
            found = await ledger.sum_usage(by, since=0)
            assert found == summed(uses, by)
            assert len(found) == 9

    @pytest.mark.parametrize("column", ["", "id", "Tenant", "tenant, key", "attempt", "1", "'x'"])
    async def test_other_columns_are_refused(self, ledger: UsageLedger, column: str) -> None:
        with pytest.raises(ValueError, match="upstream_model"):
            await ledger.sum_usage(["tenant", column], since=0)

    async def test_a_range_holds_its_beginning_and_not_its_end(self, ledger: UsageLedger) -> None:
        uses = [entry for second in range(5) for entry in a_use(started_at=MIDNIGHT + second)]
        await ledger.record_usage(uses)
        for since, until, count in ((1, 3, 2), (1, 1, 0), (0, None, 5), (4, None, 1), (4.5, None, 0), (0, 0.5, 1)):
            end = None if until is None else MIDNIGHT + until
            [one] = await ledger.sum_usage([], since=MIDNIGHT + since, until=end)
            assert one.responses == one.attempts == count

    async def test_attempts_count_with_their_response(self, ledger: UsageLedger) -> None:
        response, attempt = a_use(started_at=MIDNIGHT - 1)
        await ledger.record_usage([response, replace(attempt, started_at=MIDNIGHT + 1)])
        [before] = await ledger.sum_usage(["day"], since=0, until=MIDNIGHT)
        assert (before.group, before.attempts) == (("2026-11-20",), 1)
        assert await ledger.sum_usage(["day"], since=MIDNIGHT) == []

    async def test_days_begin_at_midnight_in_utc(self, ledger: UsageLedger) -> None:
        moments = {
            MIDNIGHT - 0.0001: "2026-11-20",
            MIDNIGHT: "2026-11-21",
            MIDNIGHT + 43_200: "2026-11-21",
            MIDNIGHT + 86_399.9999: "2026-11-21",
            MIDNIGHT + 86_400: "2026-11-22",
            1_835_395_199.5: "2028-02-28",
            1_835_395_200.0: "2028-02-29",
            0.0: "1970-01-01",
        }
        for moment, day in moments.items():
            await ledger.record_usage([an_entry(started_at=moment, key=str(moment))])
            [one] = await ledger.sum_usage(["key", "day"], since=moment, until=moment + 0.00005)
            assert one.group == (str(moment), day)
        days = [one.group[0] for one in await ledger.sum_usage(["day"], since=0)]
        assert days == sorted(set(moments.values()))

    async def test_one_tenant_alone(self, ledger: UsageLedger) -> None:
        uses = {name: a_use(tenant=name, attempts=2) for name in ("acme", "ACME", "acm_", "%", "")}
        await ledger.record_usage([entry for entries in uses.values() for entry in entries])
        for name, entries in uses.items():
            assert await ledger.sum_usage(["tenant"], since=0, tenant=name) == summed(entries, ["tenant"])
        assert await ledger.sum_usage(["tenant"], since=0, tenant="acm") == []

    @pytest.mark.parametrize("odd", ODD_IDS)
    async def test_names_are_any_text(self, ledger: UsageLedger, odd: str) -> None:
        use = a_use(odd, tenant=odd, key=odd, model=odd, target=odd, provider=odd, upstream_model=odd, request_id=odd)
        await ledger.record_usage(use)
        by = [column for column in USAGE_COLUMNS if column not in ("outcome", "day")]
        assert await ledger.sum_usage(by, since=0, tenant=odd) == summed(use, by)

    async def test_sums_beyond_32_bits_are_exact(self, ledger: UsageLedger) -> None:
        uses = [an_entry(input_tokens=10**9 - number, output_tokens=10**9) for number in range(50)]
        await ledger.record_usage(uses)
        assert await ledger.sum_usage([], since=0) == summed(uses, [])

    async def test_the_oldest_are_forgotten_and_no_others(self, ledger: UsageLedger) -> None:
        old = [entry for number in range(700) for entry in a_use(started_at=MIDNIGHT - 1 - number)]
        new = [entry for number in range(3) for entry in a_use(started_at=MIDNIGHT + number)]
        await ledger.record_usage([*old, *new])
        left = len(old)
        while forgotten := await ledger.forget_usage(before=MIDNIGHT):
            left -= forgotten
            sums = await ledger.sum_usage([], since=0, until=MIDNIGHT)
            # A response begins no later than its attempts, and goes no later.
            assert sums[0].responses <= (left + 1) // 2
        assert left == 0
        assert await ledger.sum_usage([], since=0) == summed(new, [])

    async def test_forgetting_is_bounded_and_begins_with_the_oldest(self, ledger: UsageLedger) -> None:
        entries = [an_entry(started_at=MIDNIGHT - number) for number in range(1, 5_001)]
        await ledger.record_usage(entries)
        forgotten = await ledger.forget_usage(before=MIDNIGHT)
        assert 0 < forgotten < 5_000
        [kept] = await ledger.sum_usage([], since=MIDNIGHT - 5_000 + forgotten)
        assert kept.responses == 5_000 - forgotten

    async def test_many_batches_at_once(self, ledger: UsageLedger) -> None:
        batches = [a_use(tenant=f"tenant_{number % 3}", attempts=2) for number in range(60)]
        await asyncio.gather(*(ledger.record_usage(batch) for batch in batches))
        entries = [entry for batch in batches for entry in batch]
        assert await ledger.sum_usage(["tenant"], since=0) == summed(entries, ["tenant"])

    async def test_a_batch_is_seen_whole(self, ledger: UsageLedger) -> None:
        writing = [
            asyncio.ensure_future(ledger.record_usage([an_entry() for _ in range(300)])),
            asyncio.ensure_future(ledger.record_usage([an_entry() for _ in range(300)])),
        ]
        done = False
        while not done:
            await asyncio.sleep(0)
            done = all(write.done() for write in writing)
            [one] = await ledger.sum_usage([], since=0)
            assert one.responses in (0, 300, 600)
        await asyncio.gather(*writing)
        assert one.responses == 600

    async def test_two_openings_keep_one_ledger(self, ledger: UsageLedger, other_ledger: UsageLedger) -> None:
        batches = [a_use(attempts=2) for _ in range(40)]
        writes = [(ledger if number % 2 else other_ledger).record_usage(batch) for number, batch in enumerate(batches)]
        # Each wrote a half, and one batch both.
        await asyncio.gather(*writes, ledger.record_usage(batches[0]), other_ledger.record_usage(batches[0]))
        expected = summed([entry for batch in batches for entry in batch], ["model"])
        assert await ledger.sum_usage(["model"], since=0) == expected
        assert await other_ledger.sum_usage(["model"], since=0) == expected
        assert await other_ledger.forget_usage(before=MIDNIGHT + 1) > 0
        while await other_ledger.forget_usage(before=MIDNIGHT + 1):
            pass
        assert await ledger.sum_usage(["model"], since=0) == []

    @_SHARED
    @given(
        uses=_uses(),
        by=st.lists(st.sampled_from(USAGE_COLUMNS), unique=True),
        since=st.sampled_from([0, MIDNIGHT, MIDNIGHT + 1]),
        until=st.sampled_from([None, MIDNIGHT + 3600, MIDNIGHT + 90_000]),
    )
    async def test_sums_are_those_of_the_entries(
        self, ledger: UsageLedger, uses: list[UsageEntry], by: list[str], since: float, until: float | None
    ) -> None:
        tenant = f"tenant_{next(_numbers)}"  # what examples before have left is another tenant's
        mine = [replace(entry, tenant=tenant) for entry in uses]
        await ledger.record_usage(mine)
        found = await ledger.sum_usage(by, since=since, until=until, tenant=tenant)
        assert found == summed(mine, by, since=since, until=until)
