"""Limits counted in the memory of this process: exact for one process, and unknown to any other.

`memory` is the whole URL. What nobody has used for the length of its window is
forgotten, so memory is bounded by the subjects of one window.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from server.limits.base import Kind, Level, Limit, Refusal
from server.limits.windows import CONCURRENCY_WAIT, SLOTS, width_of, within_bounds

#: How many idle subjects a reservation forgets at most. It brings at most one to each of the few families there are.
_FORGET: Final = 16

_NEVER: Final = float("inf")

# Members of an enum are slow to look up.
_TOKENS: Final = Kind.TOKENS
_CONCURRENCY: Final = Kind.CONCURRENCY


class _Window:
    """What one subject has taken of limits of one kind and length. Times are in microseconds."""

    __slots__ = ("_slots", "_width", "family", "subject", "used")

    def __init__(self, family: _Family, subject: str) -> None:
        self.family = family
        self.subject = subject
        self._width = family.width
        # Number of the slot -> what was taken in it, more than nothing; the oldest first.
        self._slots: dict[int, int] = {}
        self.used = 0

    def slide(self, now: int) -> None:
        """Leave out of `used` what has left the window."""
        oldest = now // self._width - SLOTS
        slots = self._slots
        while slots:
            first = next(iter(slots))
            if first >= oldest:
                return
            self.used -= slots.pop(first)

    def take(self, now: int, cost: int) -> int:
        """Count so much in the slot of now, and return its number."""
        slot = now // self._width
        if cost:
            self._slots[slot] = self._slots.get(slot, 0) + cost
            self.used += cost
            self.family.move_to_end(self.subject)
        return slot

    def give_back(self, slot: int, cost: int) -> None:
        """Count so much less in a slot, if it has not left the window."""
        taken = self._slots.get(slot, 0)
        if taken > cost:
            self._slots[slot] = taken - cost
            self.used -= cost
        elif taken:
            del self._slots[slot]
            self.used -= taken

    def until_less(self, now: int, excess: int) -> int:
        """How long it takes until so much of what is used has left the window."""
        for slot, taken in self._slots.items():
            excess -= taken
            if excess <= 0:
                return (slot + SLOTS + 1) * self._width - now
        raise AssertionError("more is in the way than was ever taken")

    def until_free(self, now: int) -> int:
        """How long it takes until nothing is used."""
        if not self._slots:
            return 0
        return (next(reversed(self._slots)) + SLOTS + 1) * self._width - now


class _Family(OrderedDict[str, _Window]):
    """The windows of all subjects for limits of one kind and length; the one in which nothing was taken for the
    longest time comes first."""

    def __init__(self, window: float) -> None:
        super().__init__()
        self.width = width_of(window)

    def find(self, subject: str, now: int) -> _Window:
        """The window of a subject as it is now."""
        window = self.get(subject)
        if window is None:
            window = self[subject] = _Window(self, subject)
        else:
            window.slide(now)
        return window

    def forget_idle(self, now: int) -> None:
        """Forget a few of the subjects whose windows are empty."""
        for _ in range(_FORGET):
            window = next(iter(self.values()), None)
            if window is None:
                return
            window.slide(now)
            if window.used:
                return
            del self[window.subject]


class _Running:
    """How much of a subject runs now."""

    __slots__ = ("subject", "used")

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.used = 0


class _Reserved:
    """A `Reservation` of a `MemoryLimiter`."""

    __slots__ = ("_limiter", "_requests", "_running", "_settled", "_tokens", "_windows", "levels")

    def __init__(self, limiter: MemoryLimiter, levels: Sequence[Level], tokens: int) -> None:
        self.levels = levels
        self._limiter = limiter
        self._tokens = tokens
        # Of tokens, and of requests: each with the slot that it was charged in.
        self._windows: list[tuple[_Window, int]] = []
        self._requests: list[tuple[_Window, int]] = []
        self._running: list[_Running] = []
        self._settled = False

    def settle(self, tokens: int) -> None:
        if self._settled:
            return
        self._settled = True
        self._limiter.settle(self._windows, self._running, within_bounds(tokens) - self._tokens)

    def give_back(self) -> None:
        if self._settled:
            return
        self.settle(0)
        for window, slot in self._requests:
            window.give_back(slot, 1)


class MemoryLimiter:
    """A `Limiter` in dictionaries. `clock` tells seconds, from whenever, and never goes back."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: What went wrong, by name: here nothing can.
        self.counts: Counter[str] = Counter()
        self._requests: dict[float, _Family] = {}
        self._tokens: dict[float, _Family] = {}
        self._families: deque[_Family] = deque()
        self._running: dict[str, _Running] = {}

    async def reserve(self, limits: Sequence[Limit], tokens: int) -> _Reserved | Refusal:
        return self.reserve_now(limits, tokens)

    def reserve_now(self, limits: Sequence[Limit], tokens: int) -> _Reserved | Refusal:
        """Reserve without waiting, which is why it is atomic."""
        now = int(self._clock() * 1_000_000)
        tokens = within_bounds(tokens)
        self._forget_idle(now)
        counts: list[_Window | _Running] = []
        refused: Limit | None = None
        longest = -1.0
        for limit in limits:
            count = self._count_of(limit, now)
            counts.append(count)
            cost = tokens if limit.kind is _TOKENS else 1
            excess = count.used + cost - limit.amount
            if excess > 0:
                if cost > limit.amount:
                    wait = _NEVER
                else:
                    wait = CONCURRENCY_WAIT if isinstance(count, _Running) else _seconds(count.until_less(now, excess))
                if wait > longest:
                    refused, longest = limit, wait
        if refused is not None:
            self._forget_unused(counts)
            return Refusal(refused, None if longest == _NEVER else longest, _levels(limits, counts, now))
        return self._take(limits, counts, now, tokens)

    def settle(self, windows: list[tuple[_Window, int]], running: list[_Running], more: int) -> None:
        """Count so many tokens more, or less, than were reserved, and give slots of concurrency back."""
        if more < 0:
            for window, slot in windows:
                window.give_back(slot, -more)
        elif more:
            now = int(self._clock() * 1_000_000)
            for window, _ in windows:
                # Looked up again: the window of then may have been forgotten.
                window.family.find(window.subject, now).take(now, more)
        for one in running:
            one.used -= 1
        self._forget_unused(running)

    def _take(self, limits: Sequence[Limit], counts: list[_Window | _Running], now: int, tokens: int) -> _Reserved:
        reserved = _Reserved(self, (), tokens)
        taken: list[_Window | _Running] = []
        for limit, count in zip(limits, counts, strict=True):
            if count in taken:  # several amounts may be asked of one count
                continue
            taken.append(count)
            if isinstance(count, _Running):
                count.used += 1
                reserved._running.append(count)
            elif limit.kind is _TOKENS:
                reserved._windows.append((count, count.take(now, tokens)))
            else:
                reserved._requests.append((count, count.take(now, 1)))
        reserved.levels = _levels(limits, counts, now)
        return reserved

    def _count_of(self, limit: Limit, now: int) -> _Window | _Running:
        if limit.kind is _CONCURRENCY:
            running = self._running.get(limit.subject)
            if running is None:
                running = self._running[limit.subject] = _Running(limit.subject)
            return running
        families = self._tokens if limit.kind is _TOKENS else self._requests
        family = families.get(limit.window)
        if family is None:
            family = families[limit.window] = _Family(limit.window)
            self._families.append(family)
        return family.find(limit.subject, now)

    def _forget_idle(self, now: int) -> None:
        """Look after one family per reservation, in turn."""
        if self._families:
            self._families.rotate(-1)
            self._families[0].forget_idle(now)

    def _forget_unused(self, counts: Sequence[_Window | _Running]) -> None:
        for count in counts:
            if isinstance(count, _Running) and not count.used:
                self._running.pop(count.subject, None)


def _levels(limits: Sequence[Limit], counts: Sequence[_Window | _Running], now: int) -> list[Level]:
    return [
        Level(
            limit,
            max(limit.amount - count.used, 0),
            0.0 if isinstance(count, _Running) else _seconds(count.until_free(now)),
        )
        for limit, count in zip(limits, counts, strict=True)
    ]


def _seconds(microseconds: int) -> float:
    # One more, because a moment is counted as the microsecond that it lies in.
    return (microseconds + 1) / 1_000_000 if microseconds else 0.0


@asynccontextmanager
async def open_limiter(
    url: str = "memory", *, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[MemoryLimiter]:
    """Open a limiter that has counted nothing; `url` is `memory`."""
    if url != "memory":
        raise ValueError("The limiter 'memory' takes no options.")
    yield MemoryLimiter(clock=clock)
