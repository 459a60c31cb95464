"""How long one response waits, and for what: a provider's events, the caller's deadline, an end from without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from antiphon.responses import v1
from server.errors import DeadlinePassed, FirstEventTimeout, IdleTimeout, ServiceError, Timeout
from server.providers.base import Timeouts

_Answer = TypeVar("_Answer")


class Patience:
    """The waiting of one response, over all its attempts. Times are those of the event loop's clock."""

    def __init__(self, *, total: float, deadline: float | None, incremental: bool) -> None:
        """`total` is in seconds; `deadline` is when the caller stops waiting."""
        self._loop = asyncio.get_running_loop()
        self._total = total
        self._incremental = incremental
        self._deadline = deadline
        self._end = self._loop.time() + total
        if deadline is not None and deadline < self._end:
            self._end = deadline
        self._interruption: ServiceError | None = None
        self._timer: asyncio.Timeout | None = None
        self.begin(Timeouts(total=total))

    @property
    def deadline_passed(self) -> bool:
        return self._deadline is not None and self._loop.time() >= self._deadline

    def begin(self, timeouts: Timeouts) -> None:
        """Begin an attempt, which has these timeouts."""
        self._timeouts = timeouts
        self._attempt_end = self._loop.time() + timeouts.total
        self._first = self._next = timeouts.first_event if self._incremental else timeouts.total
        self._is_going_on = False

    def interrupt(self, error: ServiceError) -> None:
        """End whatever is being waited for, and all later waiting, with an error."""
        if self._interruption is None:
            self._interruption = error
            if self._timer is not None:
                self._timer.reschedule(self._loop.time())

    async def events(
        self, batches: AsyncIterator[Sequence[v1.ResponseStreamEvent]]
    ) -> Sequence[v1.ResponseStreamEvent] | None:
        """The next batch, or None when there is none. Raises `Timeout`, or what it was interrupted with.

        After one that is empty the answer itself is still to begin.
        """
        return await self.answer(lambda: anext(batches, None))

    async def answer(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """What a provider answers when it is asked. Raises as `events` does."""
        now = self._loop.time()
        end = min(self._end, self._attempt_end)
        if now >= end:
            # A timer ends what waits only: a provider that always has more ready would never be ended by it.
            raise self._late(end, end)
        self._check()
        until = min(now + self._next, end)
        try:
            async with asyncio.timeout_at(until) as timer:
                self._timer = timer
                answer = await ask()
        except TimeoutError:
            if not timer.expired():
                raise  # the provider's own, which says nothing of how long was waited here
            self._check()
            raise self._late(until, end) from None
        finally:
            self._timer = None
        self._is_going_on = bool(answer)
        self._next = self._timeouts.idle if self._is_going_on else self._first
        return answer

    async def sleep(self, seconds: float) -> None:
        """Wait for no event. Raises `Timeout` when all time is over first, or what it was interrupted with."""
        self._check()
        until = self._loop.time() + seconds
        try:
            async with asyncio.timeout_at(min(until, self._end)) as timer:
                self._timer = timer
                await self._loop.create_future()
        except TimeoutError:
            self._check()
            if until > self._end:
                raise self._late(self._end, self._end) from None
        finally:
            self._timer = None

    async def room(self, room: asyncio.Semaphore) -> None:
        """Wait for room, however long it takes; all time counts from then on. Raises what it was interrupted with."""
        self._check()
        try:
            async with asyncio.timeout(None) as timer:
                self._timer = timer
                await room.acquire()
        except TimeoutError:
            self._check()
            raise
        finally:
            self._timer = None
        self._end = self._loop.time() + self._total

    def allows(self, seconds: float) -> bool:
        """Whether all time is not over after so many seconds."""
        return self._loop.time() + seconds < self._end

    def _check(self) -> None:
        if self._interruption is not None:
            raise self._interruption

    def _late(self, until: float, end: float) -> Timeout:
        if until < end and self._is_going_on:
            return IdleTimeout(f"The provider sent no further event within {self._timeouts.idle:g} s.")
        if until < end:
            return FirstEventTimeout(f"The provider sent no event within {self._timeouts.first_event:g} s.")
        if end == self._deadline:
            return DeadlinePassed()
        total = self._total if end == self._end else self._timeouts.total
        return Timeout(f"The provider sent no end within {total:g} s.")
