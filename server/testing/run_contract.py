"""What every `RunStore` must do, as tests to subclass together with those of its responses."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.responses import v1
from server.stores.base import Claim, RunStore, StoredResponse, UnknownResponse, UnknownRun
from server.testing.store_contract import MIB, UNKNOWN_FIELD, Capability, ManualClock, a_message, a_response

_SHARED: Final = settings(
    deadline=None,
    max_examples=40,
    # One store for all examples: each has a run of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)

US: Final = "owner_us"
OTHERS: Final = "owner_others"
BEYOND: Final = (1 << 63) - 1

_ids = itertools.count(1)


def a_run(**about: Any) -> StoredResponse:
    """A response that has just begun: nothing is known of its answer."""
    stored = a_response(f"resp_run_{next(_ids)}", output=[], **about)
    stored.response.status = v1.Response.STATUS_QUEUED
    return stored


def ended(stored: StoredResponse, text: str = "Hello.") -> StoredResponse:
    """The same, once it has ended."""
    response = v1.Response()
    response.CopyFrom(stored.response)
    response.status = v1.Response.STATUS_COMPLETED
    response.output.append(a_message(f"msg_{response.id}", text, role="assistant"))
    return replace(stored, response=response)


def deltas(first: int, count: int, text: str = "x") -> list[v1.ResponseStreamEvent]:
    """Events with these numbers."""
    told = [
        v1.ResponseStreamEvent(sequence_number=number, output_text_delta=v1.ResponseTextDeltaEvent(delta=text))
        for number in range(first, first + count)
    ]
    for event in told:
        event.MergeFromString(UNKNOWN_FIELD)
    return told


def numbers(events: Sequence[v1.ResponseStreamEvent]) -> list[int]:
    return [event.sequence_number for event in events]


class RunContract:
    """What every RunStore must do. Subclass it together with `StoreContract`, whose `store` and `peer` it uses."""

    lacks: ClassVar[Mapping[Capability, str]] = {}

    @pytest.fixture
    def runs(self, store: Any) -> Any:
        """The empty store: a `RunStore`, and the `ResponseStore` that it belongs to."""
        if Capability.RUNS in self.lacks:
            pytest.skip(f"no {Capability.RUNS.value}: {self.lacks[Capability.RUNS]}")
        return store

    @pytest.fixture
    def others(self, peer: Any) -> Any:
        """The same, opened a second time, as another process has it."""
        return peer

    async def begin(self, runs: Any, clock: ManualClock, **about: Any) -> StoredResponse:
        stored = a_run(**about)
        await runs.begin_run(stored, deltas(0, 2), owner=US, lease=clock() + 15)
        return stored

    async def test_it_says_that_it_is_one(self, runs: RunStore) -> None:
        assert isinstance(runs, RunStore)

    async def test_a_run_is_known_from_its_beginning_and_becomes_what_it_ends_as(
        self, runs: Any, clock: ManualClock
    ) -> None:
        stored = await self.begin(runs, clock, parent="resp_before")
        assert (await runs.get("acme", stored.response.id)).response == stored.response
        stored.response.status = v1.Response.STATUS_IN_PROGRESS
        await runs.log_events("acme", stored.response.id, deltas(2, 1), owner=US, response=stored.response)
        assert (await runs.get("acme", stored.response.id)).response == stored.response
        final = ended(stored)
        await runs.end_run(final, deltas(3, 2), owner=US)
        found = await runs.get("acme", stored.response.id)
        assert found.response == final.response
        assert list(found.input_items) == list(stored.input_items)
        told = await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        assert list(told.events) == deltas(0, 5)
        assert not told.is_going_on

    async def test_what_a_run_makes_is_found_by_its_id_once_it_has_ended(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        final = ended(stored)
        made, asked = final.response.output[0], stored.input_items[0]
        assert await runs.items("acme", [asked.id, made.id], max_bytes=MIB) == {asked.id: asked}
        await runs.end_run(final, [], owner=US)
        assert await runs.items("acme", [asked.id, made.id], max_bytes=MIB) == {asked.id: asked, made.id: made}
        (link,) = await runs.chain("acme", stored.response.id, max_depth=5, max_bytes=MIB)
        assert link.response == final.response

    async def test_a_run_without_events_has_none(self, runs: Any, clock: ManualClock) -> None:
        stored = a_run()
        await runs.begin_run(stored, [], owner=US, lease=clock() + 15)
        told = await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        assert (list(told.events), told.is_going_on) == ([], True)
        await runs.end_run(ended(stored), [], owner=US)
        told = await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        assert (list(told.events), told.is_going_on) == ([], False)

    async def test_responses_that_were_put_have_no_events(self, runs: Any) -> None:
        stored = a_response()
        await runs.put(stored)
        told = await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        assert (list(told.events), told.is_going_on) == ([], False)

    @pytest.mark.parametrize("after", [-1, 0, 1, 2, 5, 8, 9, 100, BEYOND])
    async def test_events_are_read_from_any_on(self, runs: Any, clock: ManualClock, after: int) -> None:
        stored = await self.begin(runs, clock)
        for first in (2, 5, 8):
            await runs.log_events("acme", stored.response.id, deltas(first, 3 if first < 8 else 1), owner=US)
        told = await runs.told("acme", stored.response.id, after=after, max_bytes=MIB)
        assert numbers(told.events) == list(range(min(after, 8) + 1, 9))
        assert told.is_going_on

    async def test_many_events_are_read_in_several_turns(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        for first in range(2, 42, 4):
            await runs.log_events("acme", stored.response.id, deltas(first, 4, "x" * 1000), owner=US)
        await runs.end_run(ended(stored), [], owner=US)
        seen: list[int] = []
        turns = 0
        while True:
            told = await runs.told("acme", stored.response.id, after=seen[-1] if seen else -1, max_bytes=6_000)
            seen += numbers(told.events)
            turns += 1
            assert sum(event.ByteSize() for event in told.events) < 12_000
            if not told.is_going_on:
                break
            assert told.events
        assert seen == list(range(42))
        assert turns > 4

    async def test_only_its_owner_makes_a_response(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        for owner, tenant in ((OTHERS, "acme"), (US, "umbrella")):
            with pytest.raises(UnknownRun):
                await runs.log_events(tenant, stored.response.id, deltas(2, 1), owner=owner)
            with pytest.raises(UnknownRun):
                await runs.end_run(replace(ended(stored), tenant=tenant), deltas(2, 1), owner=owner)
            await runs.drop_run(tenant, stored.response.id, owner=owner)
        assert (await runs.get("acme", stored.response.id)).response == stored.response
        told = await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        assert numbers(told.events) == [0, 1]
        with pytest.raises(UnknownResponse):
            await runs.told("umbrella", stored.response.id, after=-1, max_bytes=MIB)

    async def test_what_has_ended_is_not_made_any_more(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        final = ended(stored)
        await runs.end_run(final, [], owner=US)
        with pytest.raises(UnknownRun):
            await runs.log_events("acme", stored.response.id, deltas(2, 1), owner=US)
        with pytest.raises(UnknownRun):
            await runs.end_run(ended(stored, "Twice."), deltas(2, 1), owner=US)
        assert not await runs.ask_to_cancel("acme", stored.response.id)
        await runs.drop_run("acme", stored.response.id, owner=US)
        assert (await runs.get("acme", stored.response.id)).response == final.response

    async def test_what_is_deleted_is_not_made_any_more(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        await runs.delete("acme", stored.response.id)
        with pytest.raises(UnknownRun):
            await runs.log_events("acme", stored.response.id, deltas(2, 1), owner=US)
        with pytest.raises(UnknownRun):
            await runs.end_run(ended(stored), [], owner=US)
        with pytest.raises(UnknownResponse):
            await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        assert await runs.adopt_runs(OTHERS, lease=clock() + 1000, most=10) == []

    async def test_what_is_dropped_was_never_there(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        await runs.drop_run("acme", stored.response.id, owner=US)
        with pytest.raises(UnknownResponse):
            await runs.get("acme", stored.response.id)
        assert await runs.items("acme", [stored.input_items[0].id], max_bytes=MIB) == {}
        await runs.drop_run("acme", stored.response.id, owner=US)

    async def test_events_expire_with_their_response(self, runs: Any, clock: ManualClock) -> None:
        if Capability.EXPIRY in self.lacks:
            pytest.skip(self.lacks[Capability.EXPIRY])
        stored = await self.begin(runs, clock, expires_at=int(clock()) + 60)
        await runs.end_run(ended(stored), deltas(2, 1), owner=US)
        clock.advance(61)
        with pytest.raises(UnknownResponse):
            await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        # What has expired is as if it had never been: its id may be used again, its events are gone.
        again = replace(stored, expires_at=None)
        await runs.begin_run(again, deltas(0, 1), owner=US, lease=clock() + 15)
        told = await runs.told("acme", stored.response.id, after=-1, max_bytes=MIB)
        assert (numbers(told.events), told.is_going_on) == ([0], True)

    # Leases

    async def test_runs_are_adopted_once_their_lease_is_over(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        kept = await self.begin(runs, clock)
        assert await runs.adopt_runs(OTHERS, lease=clock() + 15, most=10) == []
        clock.advance(14)
        await runs.renew_runs(US, [("acme", kept.response.id), ("acme", "resp_unknown")], lease=clock() + 15)
        await runs.renew_runs(OTHERS, [("acme", stored.response.id)], lease=clock() + 99)
        clock.advance(2)
        (adopted,) = await runs.adopt_runs(OTHERS, lease=clock() + 15, most=10)
        assert (adopted.tenant, adopted.response) == ("acme", stored.response)
        assert list(adopted.input_items) == list(stored.input_items)
        assert await runs.adopt_runs(OTHERS, lease=clock() + 15, most=10) == []
        with pytest.raises(UnknownRun):
            await runs.log_events("acme", stored.response.id, deltas(2, 1), owner=US)
        await runs.end_run(ended(adopted), deltas(2, 2), owner=OTHERS)
        await runs.log_events("acme", kept.response.id, deltas(2, 1), owner=US)

    async def test_as_many_are_adopted_as_asked_for(self, runs: Any, clock: ManualClock) -> None:
        begun = [await self.begin(runs, clock) for _ in range(5)]
        clock.advance(100)
        first = await runs.adopt_runs(OTHERS, lease=clock() + 15, most=3)
        rest = await runs.adopt_runs(OTHERS, lease=clock() + 15, most=3)
        assert (len(first), len(rest)) == (3, 2)
        assert {one.response.id for one in (*first, *rest)} == {one.response.id for one in begun}

    async def test_of_many_that_adopt_one_gets_each(self, runs: Any, others: Any, clock: ManualClock) -> None:
        begun = {(await self.begin(runs, clock)).response.id for _ in range(20)}
        clock.advance(100)
        adopting = [
            (runs if number % 2 else others).adopt_runs(f"owner_{number}", lease=clock() + 15, most=4)
            for number in range(10)
        ]
        got = [one.response.id for each in await asyncio.gather(*adopting) for one in each]
        assert sorted(got) == sorted(begun)

    # Cancelling

    async def test_who_makes_a_response_hears_that_it_is_to_be_cancelled(
        self, runs: Any, others: Any, clock: ManualClock
    ) -> None:
        stored = await self.begin(runs, clock)
        await self.begin(runs, clock)
        assert await runs.asked_to_cancel(US) == []
        assert await others.ask_to_cancel("acme", stored.response.id)
        assert await others.ask_to_cancel("acme", stored.response.id)
        assert list(await runs.asked_to_cancel(US)) == [("acme", stored.response.id)]
        assert await runs.asked_to_cancel(OTHERS) == []
        await runs.end_run(ended(stored), [], owner=US)
        assert await runs.asked_to_cancel(US) == []

    async def test_nothing_but_what_is_made_can_be_cancelled(self, runs: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        whole = a_response()
        await runs.put(whole)
        for tenant, response_id in (
            ("umbrella", stored.response.id),
            ("acme", "resp_unknown"),
            ("acme", whole.response.id),
        ):
            assert not await runs.ask_to_cancel(tenant, response_id)
        assert await runs.asked_to_cancel(US) == []

    async def test_another_process_reads_what_is_told_at_once(self, runs: Any, others: Any, clock: ManualClock) -> None:
        stored = await self.begin(runs, clock)
        for last in range(2, 12):
            await runs.log_events("acme", stored.response.id, deltas(last, 1), owner=US)
            told = await others.told("acme", stored.response.id, after=last - 1, max_bytes=MIB)
            assert numbers(told.events) == [last]

    # Claims

    async def test_a_key_stands_for_what_claimed_it_first(self, runs: Any, others: Any, clock: ManualClock) -> None:
        first, second = Claim("resp_1", b"\x00one"), Claim("resp_2", b"two")
        assert await runs.claim("acme", "key", first, expires_at=clock() + 60) == first
        assert await others.claim("acme", "key", second, expires_at=clock() + 60) == first
        assert await runs.claim("acme", "other key", second, expires_at=clock() + 60) == second
        assert await runs.claim("umbrella", "key", second, expires_at=clock() + 60) == second
        await runs.unclaim("acme", "key", "resp_2")
        assert await runs.claim("acme", "key", second, expires_at=clock() + 60) == first
        await others.unclaim("acme", "key", "resp_1")
        assert await runs.claim("acme", "key", second, expires_at=clock() + 60) == second

    async def test_claims_expire(self, runs: Any, clock: ManualClock) -> None:
        first, second = Claim("resp_1", b"one"), Claim("resp_2", b"two")
        await runs.claim("acme", "key", first, expires_at=clock() + 60)
        clock.advance(59)
        assert await runs.claim("acme", "key", second, expires_at=clock() + 60) == first
        clock.advance(2)
        assert await runs.claim("acme", "key", second, expires_at=clock() + 60) == second

    async def test_a_claim_is_forgotten_with_its_response(self, runs: Any, others: Any, clock: ManualClock) -> None:
        stored, other = await self.begin(runs, clock), await self.begin(runs, clock)
        first, second = Claim(stored.response.id, b"one"), Claim("resp_next", b"two")
        for key, claim in (("key", first), ("same", first), ("kept", Claim(other.response.id, b"three"))):
            assert await runs.claim("acme", key, claim, expires_at=clock() + 60) == claim
        assert await runs.claim("umbrella", "key", first, expires_at=clock() + 60) == first
        await others.delete("acme", stored.response.id)
        assert await runs.claim("acme", "key", second, expires_at=clock() + 60) == second
        assert await others.claim("acme", "same", second, expires_at=clock() + 60) == second
        assert (await runs.claim("acme", "kept", second, expires_at=clock() + 60)).response_id == other.response.id
        assert await runs.claim("umbrella", "key", second, expires_at=clock() + 60) == first

    async def test_claims_expire_in_whatever_order(self, runs: Any, clock: ManualClock) -> None:
        for key, seconds in (("late", 90), ("soon", 30), ("next", 60)):
            await runs.claim("acme", key, Claim(f"resp_{key}", b"one"), expires_at=clock() + seconds)
        held = []
        for _ in range(3):
            clock.advance(31)
            for key in ("soon", "late", "next"):
                claim = await runs.claim("acme", key, Claim("resp_new", b"two"), expires_at=clock() + 1)
                held.append(claim.response_id.removeprefix("resp_"))
        assert held == ["new", "late", "next", "new", "late", "new", "new", "new", "new"]

    async def test_of_many_that_claim_a_key_one_gets_it(self, runs: Any, others: Any, clock: ManualClock) -> None:
        claims = [Claim(f"resp_{number}", b"same") for number in range(20)]
        claiming = [
            (runs if number % 2 else others).claim("acme", "key", claim, expires_at=clock() + 60)
            for number, claim in enumerate(claims)
        ]
        assert len({claim.response_id for claim in await asyncio.gather(*claiming)}) == 1

    @_SHARED
    @given(sizes=st.lists(st.integers(1, 6), max_size=12), after=st.integers(-1, 40), max_bytes=st.integers(1, 400))
    async def test_however_events_are_kept_and_read_they_are_the_same(
        self, runs: Any, sizes: list[int], after: int, max_bytes: int
    ) -> None:
        stored = a_run()
        await runs.begin_run(stored, [], owner=US, lease=2e9)
        first = 0
        for size in sizes:
            await runs.log_events("acme", stored.response.id, deltas(first, size), owner=US)
            first += size
        await runs.end_run(ended(stored), [], owner=US)
        seen: list[v1.ResponseStreamEvent] = []
        while True:
            last = seen[-1].sequence_number if seen else after
            told = await runs.told("acme", stored.response.id, after=last, max_bytes=max_bytes)
            seen += told.events
            if not told.is_going_on:
                break
        assert seen == deltas(after + 1, max(0, first - after - 1))
