"""The limiter in memory: what the contract does not say."""

from __future__ import annotations

import gc

import pytest

from server.limits import memory
from server.limits.base import Refusal
from server.limits.memory import MemoryLimiter
from server.testing.limiter_contract import ManualTime, concurrency, left, refused, requests, reserved, tokens


@pytest.fixture
def clock() -> ManualTime:
    return ManualTime()


@pytest.fixture
def limiter(clock: ManualTime) -> MemoryLimiter:
    return MemoryLimiter(clock=clock)


def counted() -> int:
    """How many subjects any limiter keeps."""
    gc.collect()
    return sum(type(thing) in (memory._Window, memory._Running) for thing in gc.get_objects())


async def test_idle_subjects_are_forgotten(limiter: MemoryLimiter, clock: ManualTime) -> None:
    before = counted()
    most = 0
    for turn in range(20):
        for number in range(100):
            subject = f"key:{turn}-{number}"
            limits = [make(5, subject=subject, window=60) for make in (requests, tokens)]
            (await reserved(limiter, [*limits, concurrency(5, subject=subject)], 3)).settle(1)
        await clock.advance(31)
        most = max(most, counted() - before)
    # Two turns of 31 seconds are in the window, and the turn that is being made while the oldest is forgotten.
    assert most <= 4 * 2 * 100
    one = requests(5)
    await clock.advance(61)
    for _ in range(200):
        await limiter.reserve([one], 1)
    assert counted() - before <= 2


async def test_refusals_leave_nothing_behind(limiter: MemoryLimiter) -> None:
    before = counted()
    for number in range(1000):
        answer = await limiter.reserve([concurrency(0), requests(0), tokens(0)], number)
        assert isinstance(answer, Refusal)
    assert counted() - before < 100


async def test_an_overrun_counts_though_the_subject_was_forgotten(limiter: MemoryLimiter, clock: ManualTime) -> None:
    limit = tokens(10)
    reservation = await reserved(limiter, [limit], 5)
    await clock.advance(200)
    for _ in range(20):
        await reserved(limiter, [requests(10)])
    assert limit.subject not in limiter._tokens[60]
    reservation.settle(8)
    assert await left(limiter, limit) == [7]


@pytest.mark.parametrize(("wanted", "slot"), [(1, 0), (2, 0), (3, 7), (5, 14), (9, 29), (10, 29)])
async def test_retry_after_is_exact(limiter: MemoryLimiter, clock: ManualTime, wanted: int, slot: int) -> None:
    limit = tokens(10)
    start = await clock.now()
    for _ in range(5):
        await reserved(limiter, [limit], 2)
        await clock.advance(7.3)
    refusal = await refused(limiter, [limit], wanted)
    assert refusal.retry_after is not None
    # What was taken in a slot has left when the window, and the rest of the slot, have passed.
    assert abs(await clock.now() + refusal.retry_after - (start + slot + 61)) < 1e-5
    await clock.advance(refusal.retry_after - 0.001)
    assert abs((await refused(limiter, [limit], wanted)).retry_after or 0) < 0.0011
    await clock.advance(0.001)
    await reserved(limiter, [limit], wanted)
