"""What every `Limiter` must do, as tests to subclass.

class TestMyLimiter(LimiterContract):
    lacks = {Capability.CLOCK: "its clock is the server's"}

    @pytest.fixture
    async def limiter(self, clock): ...
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.limits.base import Kind, Level, Limit, Limiter, Refusal, Reservation

#: Subjects that are text like any other, however they look to a backend.
ODD_SUBJECTS: Final = ("", "key:*", "key:{x}", "key:a b\r\nc", "key:ünï_😀", "key:\0", "k" * 2000)

#: Seconds that something may take that happens by itself.
_PATIENCE: Final = 20.0

_numbers = itertools.count(1)


class Capability(Enum):
    """What a limiter may lack, if it says why."""

    #: Time is what the tests say it is.
    CLOCK = "clock"
    #: Two openings of one limiter count together.
    SHARED = "shared"


class Clock(Protocol):
    """The time by which a limiter counts, in seconds."""

    async def now(self) -> float: ...

    async def advance(self, seconds: float) -> None:
        """Return when at least so much time has passed."""
        ...


class ManualTime:
    """A `Clock` that moves when told to."""

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    async def now(self) -> float:
        return self._now

    async def advance(self, seconds: float) -> None:
        self._now += seconds


def a_subject() -> str:
    """One that nothing has counted for."""
    return f"key:{next(_numbers)}"


def requests(amount: int, *, subject: str | None = None, window: float = 60) -> Limit:
    return Limit(subject or a_subject(), Kind.REQUESTS, amount, window)


def tokens(amount: int, *, subject: str | None = None, window: float = 60) -> Limit:
    return Limit(subject or a_subject(), Kind.TOKENS, amount, window)


def concurrency(amount: int, *, subject: str | None = None) -> Limit:
    return Limit(subject or a_subject(), Kind.CONCURRENCY, amount, 0)


async def reserved(limiter: Limiter, limits: Sequence[Limit], count: int = 1) -> Reservation:
    """Reserve what must be free."""
    answer = await limiter.reserve(limits, count)
    assert not isinstance(answer, Refusal), answer
    return answer


async def refused(limiter: Limiter, limits: Sequence[Limit], count: int = 1) -> Refusal:
    """Try to reserve what must not be free."""
    answer = await limiter.reserve(limits, count)
    assert isinstance(answer, Refusal)
    return answer


async def levels(limiter: Limiter, *limits: Limit) -> Sequence[Level]:
    """How much is left, without taking any: one more limit is asked for that nothing fits in."""
    refusal = await refused(limiter, [*limits, tokens(0)])
    return refusal.levels[:-1]


async def left(limiter: Limiter, *limits: Limit) -> list[int]:
    return [level.remaining for level in await levels(limiter, *limits)]


async def until_left(limiter: Limiter, limit: Limit, remaining: int) -> None:
    """Wait until so much is left: what is settled may be counted a little later."""
    async with asyncio.timeout(_PATIENCE):
        while await left(limiter, limit) != [remaining]:  # noqa: ASYNC110 - what happens elsewhere sets no event
            await asyncio.sleep(0.005)


@dataclass
class Model:
    """A window counted exactly: every charge with its time."""

    window: float
    charges: list[list[float]] = field(default_factory=list)

    def used(self, now: float, length: float) -> float:
        """What was charged in the last so many seconds, both ends included."""
        return sum(amount for at, amount in self.charges if now - at <= length)


class LimiterContract:
    """What every Limiter must do. Subclass it and override `limiter`, `clock` unless it is a `ManualTime`, and `peer`
    unless SHARED is lacking."""

    lacks: ClassVar[Mapping[Capability, str]] = {}

    @pytest.fixture
    def clock(self) -> Clock:
        """The time as the limiter must see it."""
        return ManualTime()

    @pytest.fixture
    def limiter(self) -> Limiter:
        """A limiter that has counted nothing."""
        raise NotImplementedError

    @pytest.fixture
    def peer(self) -> Limiter:
        """The same limiter, opened a second time, as another process has it."""
        self.needs(Capability.SHARED)
        raise NotImplementedError

    def needs(self, capability: Capability) -> None:
        """Skip the test, with the reason, when the limiter lacks what it is about."""
        if capability in self.lacks:
            pytest.skip(f"no {capability.value}: {self.lacks[capability]}")

    async def test_nothing_asked_for(self, limiter: Limiter) -> None:
        reservation = await reserved(limiter, [], 10)
        assert list(reservation.levels) == []
        reservation.settle(20)

    async def test_requests_are_counted(self, limiter: Limiter) -> None:
        limit = requests(3)
        for remaining in (2, 1, 0):
            [level] = (await reserved(limiter, [limit], 10**6)).levels
            assert (level.limit, level.remaining) == (limit, remaining)
        refusal = await refused(limiter, [limit], 0)
        assert refusal.limit == limit
        assert refusal.retry_after is not None
        assert 0 < refusal.retry_after <= 61 + 1e-3

    async def test_tokens_are_counted(self, limiter: Limiter) -> None:
        limit = tokens(100)
        assert (await reserved(limiter, [limit], 60)).levels[0].remaining == 40
        refusal = await refused(limiter, [limit], 41)
        assert [level.remaining for level in refusal.levels] == [40]
        assert (await reserved(limiter, [limit], 40)).levels[0].remaining == 0
        await refused(limiter, [limit], 1)

    async def test_no_tokens_need_no_room(self, limiter: Limiter) -> None:
        limit = tokens(10)
        await reserved(limiter, [limit], 10)
        await reserved(limiter, [limit], 0)
        reservation = await reserved(limiter, [limit], -5)
        assert reservation.levels[0].remaining == 0

    async def test_concurrency_is_counted(self, limiter: Limiter) -> None:
        limit = concurrency(2)
        first = await reserved(limiter, [limit])
        assert [(level.remaining, level.reset) for level in first.levels] == [(1, 0)]
        second = await reserved(limiter, [limit])
        refusal = await refused(limiter, [limit])
        assert refusal.limit == limit
        assert refusal.retry_after is not None
        assert refusal.retry_after > 0
        assert [(level.remaining, level.reset) for level in refusal.levels] == [(0, 0)]
        second.settle(0)
        await until_left(limiter, limit, 1)
        await reserved(limiter, [limit])
        await refused(limiter, [limit])
        first.settle(0)
        await until_left(limiter, limit, 1)

    @pytest.mark.parametrize("odd", ODD_SUBJECTS)
    async def test_subjects_are_any_text_and_apart(self, limiter: Limiter, odd: str) -> None:
        plain, mine = a_subject(), odd + a_subject()
        for subject in (mine, plain):
            limits = [requests(1, subject=subject), tokens(1, subject=subject), concurrency(1, subject=subject)]
            await reserved(limiter, limits)
            await refused(limiter, limits)

    async def test_kinds_and_windows_are_apart(self, limiter: Limiter) -> None:
        subject = a_subject()
        limits = [make(5, subject=subject, window=window) for make in (requests, tokens) for window in (1, 60, 86400)]
        limits.append(concurrency(5, subject=subject))
        for limit in limits[1:]:
            await reserved(limiter, [limit], 2)
        used = {Kind.REQUESTS: 1, Kind.TOKENS: 2, Kind.CONCURRENCY: 1}
        expected = [5] + [5 - used[limit.kind] for limit in limits[1:]]
        # What is counted by the second may have left meanwhile.
        found = await left(limiter, *limits)
        assert [n for n, limit in zip(found, limits, strict=True) if limit.window != 1] == [
            n for n, limit in zip(expected, limits, strict=True) if limit.window != 1
        ]

    async def test_exactly_as_many_as_fit_pass_at_once(self, limiter: Limiter) -> None:
        limits = [requests(1000), tokens(663, window=86400), concurrency(1000)]
        answers = await asyncio.gather(*(limiter.reserve(limits, 100) for _ in range(50)))
        passed = [answer for answer in answers if not isinstance(answer, Refusal)]
        assert len(passed) == 6
        assert await left(limiter, *limits) == [994, 63, 994]

    async def test_two_openings_count_together(self, limiter: Limiter, peer: Limiter) -> None:
        self.needs(Capability.SHARED)
        limits = [tokens(663), concurrency(1000)]
        answers = await asyncio.gather(*((limiter, peer)[n % 2].reserve(limits, 100) for n in range(50)))
        passed = [answer for answer in answers if not isinstance(answer, Refusal)]
        assert len(passed) == 6
        passed[0].settle(0)
        passed[1].settle(0)
        for one in (limiter, peer):
            await until_left(one, limits[0], 263)
            await until_left(one, limits[1], 996)

    async def test_a_refusal_costs_nothing(self, limiter: Limiter) -> None:
        limits = [requests(10), tokens(100), concurrency(10), requests(1)]
        await reserved(limiter, limits, 10)
        for _ in range(5):
            refusal = await refused(limiter, limits, 10)
            assert refusal.limit == limits[3]
            assert [level.limit for level in refusal.levels] == limits
            assert [level.remaining for level in refusal.levels] == [9, 90, 9, 0]
        await reserved(limiter, limits[:3], 90)

    @pytest.mark.parametrize("make", [requests, tokens, concurrency])
    async def test_what_can_never_fit_is_said_to(self, limiter: Limiter, make: Callable[[int], Limit]) -> None:
        never, full = make(0), requests(1)
        await reserved(limiter, [full])
        for limits in ([never], [full, never], [never, full]):
            refusal = await refused(limiter, limits, 1)
            assert (refusal.limit, refusal.retry_after) == (never, None)

    async def test_more_than_all_can_never_fit(self, limiter: Limiter) -> None:
        limit = tokens(10)
        assert (await refused(limiter, [limit], 11)).retry_after is None
        assert (await refused(limiter, [limit], 10**30)).retry_after is None
        [level] = (await reserved(limiter, [limit], 10)).levels
        assert level.remaining == 0
        assert (await refused(limiter, [limit], 10)).retry_after is not None

    async def test_the_longest_wait_is_named(self, limiter: Limiter) -> None:
        limits = [requests(1, window=60), requests(1, window=86400), concurrency(1)]
        await reserved(limiter, limits)
        for asked in (limits, limits[::-1]):
            refusal = await refused(limiter, asked)
            assert refusal.limit == limits[1]
            assert refusal.retry_after is not None
            assert refusal.retry_after > 86400 - 1440

    async def test_one_count_may_have_several_amounts(self, limiter: Limiter) -> None:
        subject = a_subject()
        loose, tight = tokens(10, subject=subject), tokens(6, subject=subject)
        reservation = await reserved(limiter, [loose, tight, loose], 4)
        assert [level.remaining for level in reservation.levels] == [6, 2, 6]
        refusal = await refused(limiter, [loose, tight], 4)
        assert refusal.limit == tight
        assert [level.remaining for level in refusal.levels] == [6, 2]
        one = concurrency(1)
        (await reserved(limiter, [one, one])).settle(0)
        await until_left(limiter, one, 1)

    async def test_a_changed_amount_applies_at_once(self, limiter: Limiter) -> None:
        subject = a_subject()
        for make in (requests, tokens, concurrency):
            for _ in range(6):
                await reserved(limiter, [make(10, subject=subject)], 1)
            refusal = await refused(limiter, [make(5, subject=subject)], 1)
            assert refusal.retry_after is not None
            assert refusal.levels[0].remaining == 0
            assert (await reserved(limiter, [make(20, subject=subject)], 1)).levels[0].remaining == 13

    async def test_unused_tokens_are_given_back(self, limiter: Limiter) -> None:
        limits = [tokens(100), tokens(1000), requests(10)]
        reservation = await reserved(limiter, limits, 90)
        reservation.settle(30)
        await until_left(limiter, limits[0], 70)
        assert await left(limiter, *limits) == [70, 970, 9]

    async def test_all_may_be_given_back(self, limiter: Limiter) -> None:
        limit = tokens(100)
        first, second = [await reserved(limiter, [limit], 50) for _ in range(2)]
        first.settle(0)
        await until_left(limiter, limit, 50)
        second.settle(-10)
        await until_left(limiter, limit, 100)
        assert [level.reset for level in await levels(limiter, limit)] == [0]

    async def test_more_than_was_reserved_is_taken_whatever_the_limit(self, limiter: Limiter) -> None:
        limits = [tokens(100), tokens(1000), requests(10)]
        reservation = await reserved(limiter, limits, 10)
        reservation.settle(130)
        await until_left(limiter, limits[1], 870)
        assert await left(limiter, *limits) == [0, 870, 9]
        refusal = await refused(limiter, limits, 1)
        assert refusal.limit == limits[0]
        assert refusal.retry_after is not None

    async def test_what_came_to_nothing_is_given_back_whole(self, limiter: Limiter) -> None:
        limits = [requests(10), requests(10, window=86400), tokens(100), concurrency(5)]
        first, second = [await reserved(limiter, limits, 40) for _ in range(2)]
        first.give_back()
        await until_left(limiter, limits[2], 60)
        assert await left(limiter, *limits) == [9, 9, 60, 4]
        first.give_back()
        first.settle(90)
        second.settle(40)
        second.give_back()
        await until_left(limiter, limits[3], 5)
        assert await left(limiter, *limits) == [9, 9, 60, 5]

    async def test_only_the_first_settlement_counts(self, limiter: Limiter) -> None:
        limits = [tokens(100), concurrency(5)]
        first, second = [await reserved(limiter, limits, 40) for _ in range(2)]
        first.settle(10)
        first.settle(10)
        first.settle(90)
        second.settle(39)
        await until_left(limiter, limits[0], 51)
        assert await left(limiter, *limits) == [51, 5]
        await reserved(limiter, limits, 51)
        assert await left(limiter, *limits) == [0, 4]

    async def test_settling_never_raises(self, limiter: Limiter) -> None:
        limits = [tokens(100), concurrency(5)]
        (await reserved(limiter, limits, 1)).settle(10**30)
        await until_left(limiter, limits[0], 0)
        await until_left(limiter, limits[1], 5)
        other = tokens(10)
        (await reserved(limiter, [other], 5)).settle(1)
        await until_left(limiter, other, 9)

    async def test_tokens_go_back_to_the_slot_they_came_from(self, limiter: Limiter, clock: Clock) -> None:
        limit = tokens(10)
        early = await reserved(limiter, [limit], 6)
        await clock.advance(1.1)
        await reserved(limiter, [limit], 4)
        early.settle(2)
        await until_left(limiter, limit, 4)
        # Two of the early ones are left: they make room for six, and only the late ones for seven.
        for count, late in ((6, False), (7, True)):
            refusal = await refused(limiter, [limit], count)
            assert refusal.retry_after is not None
            before = refusal.levels[0].reset - refusal.retry_after
            assert abs(before) < 1e-5 if late else before > 0.99

    async def test_overruns_count_from_when_they_are_known(self, limiter: Limiter, clock: Clock) -> None:
        limit = tokens(10)
        reservation = await reserved(limiter, [limit], 4)
        await clock.advance(1.1)
        reservation.settle(7)
        await until_left(limiter, limit, 3)
        for count, late in ((7, False), (8, True)):
            refusal = await refused(limiter, [limit], count)
            assert refusal.retry_after is not None
            before = refusal.levels[0].reset - refusal.retry_after
            assert abs(before) < 1e-5 if late else before > 0.99

    async def test_a_reservation_may_outlive_its_window(self, limiter: Limiter, clock: Clock) -> None:
        limits = [tokens(10, window=1), tokens(100), concurrency(1)]
        over, under = await reserved(limiter, limits[:1], 4), await reserved(limiter, limits[:1], 6)
        both = await reserved(limiter, limits[1:], 10)
        await clock.advance(1.2)
        # The window is counted anew, and nothing is given back to it from before.
        await reserved(limiter, [limits[0]], 1)
        under.settle(0)
        over.settle(4)
        both.settle(50)
        await until_left(limiter, limits[1], 50)
        assert await left(limiter, limits[2]) == [1]
        [level] = await levels(limiter, limits[0])
        assert level.remaining in (9, 10)

    @pytest.mark.parametrize("make", [requests, tokens])
    async def test_waiting_as_long_as_told_suffices_and_less_does_not(
        self, limiter: Limiter, clock: Clock, make: Callable[..., Limit]
    ) -> None:
        limit = make(2, window=1)
        await reserved(limiter, [limit], 1)
        await reserved(limiter, [limit], 1)
        before = await clock.now()
        refusal = await refused(limiter, [limit], 1)
        assert refusal.retry_after is not None
        promised, wait = before + refusal.retry_after, refusal.retry_after
        for share in (0.5, 0.99):
            await clock.advance(wait * share)
            answer = await limiter.reserve([limit], 1)
            if not isinstance(answer, Refusal):  # the clock went on by itself
                assert await clock.now() >= promised - 1e-5
                return
            assert answer.retry_after is not None
            wait = answer.retry_after
        await clock.advance(wait)
        await reserved(limiter, [limit], 1)

    async def test_reset_is_when_all_is_free(self, limiter: Limiter, clock: Clock) -> None:
        limit = requests(5, window=1)
        await reserved(limiter, [limit])
        reservation = await reserved(limiter, [limit])
        assert 1 <= reservation.levels[0].reset <= 1.02
        await clock.advance(reservation.levels[0].reset)
        [level] = await levels(limiter, limit)
        assert (level.remaining, level.reset) == (5, 0)

    async def test_no_window_holds_more_than_the_amount(self, limiter: Limiter, clock: Clock) -> None:
        limit = tokens(10, window=1)
        passed: list[tuple[float, float]] = []  # the times between which it was taken
        end = await clock.now() + 1.5
        while (before := await clock.now()) < end:
            if not isinstance(await limiter.reserve([limit], 3), Refusal):
                passed.append((before, await clock.now()))
            await clock.advance(0.01)
        for index, (first, _) in enumerate(passed):
            surely_within = sum(after - first <= 1 for _, after in passed[index:])
            assert surely_within <= 3
        assert len(passed) > 3

    # Examples share the limiter, each with a subject of its own; classes that inherit this share nothing.
    @settings(
        max_examples=200,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(
        window=st.sampled_from([1.0, 60.0, 86400.0]),
        amount=st.integers(1, 20),
        steps=st.lists(
            st.tuples(
                st.sampled_from([0, 0, 1, 1, 7, 59, 60, 61]), st.floats(0, 1), st.integers(0, 8), st.integers(-8, 8)
            ),
            max_size=60,
        ),
    )
    async def test_like_an_exact_count(
        self,
        limiter: Limiter,
        clock: Clock,
        window: float,
        amount: int,
        steps: list[tuple[int, float, int, int]],
    ) -> None:
        """Never more than the amount in a window wherever it begins, and never less than in one a slot longer."""
        self.needs(Capability.CLOCK)
        limit, model = tokens(amount, window=window), Model(window)
        slot = window / 60
        for slots, part, count, difference in steps:
            await clock.advance((slots + part) * slot)
            now = await clock.now()
            answer = await limiter.reserve([limit], count)
            if isinstance(answer, Refusal):
                assert model.used(now, window + slot * 1.01) + count > amount
                if answer.retry_after is not None:
                    later = now + answer.retry_after
                    assert model.used(later, window) + count <= amount
                continue
            assert model.used(now, window * (1 - 1e-9)) + count <= amount
            charge = [now, count]
            model.charges.append(charge)
            if difference < 0:
                answer.settle(max(count + difference, 0))
                charge[1] = max(count + difference, 0)
            elif difference > 4:
                await clock.advance(slot * part)
                answer.settle(count + difference)
                model.charges.append([await clock.now(), difference])
