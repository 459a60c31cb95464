"""Limits counted in Redis, for all processes that share it."""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Final

from server.limits.base import Kind, Level, Limit, Refusal, Reservation
from server.limits.memory import MemoryLimiter
from server.limits.redis.link import PAUSE, Link, Unreachable
from server.limits.redis.options import Options, WhenDown
from server.limits.redis.outbox import MEMORY, Entry, Outbox
from server.limits.redis.scripts import RESERVE
from server.limits.windows import CONCURRENCY_WAIT, cost_of, width_of, within_bounds

# All keys have one hash tag, so that a cluster keeps them together: a script may touch no others.
_PREFIX: Final = "antiphon:{limits}:"


class _Reserved:
    """A `Reservation` that Redis holds."""

    __slots__ = ("_entry", "_outbox", "_settled", "_tokens", "levels")

    def __init__(self, levels: Sequence[Level], entry: Entry, tokens: dict[int, int], outbox: Outbox) -> None:
        self.levels = levels
        self._entry = entry
        #: Which of the counts are of tokens, and how many were reserved there.
        self._tokens = tokens
        self._outbox = outbox
        self._settled = False

    def settle(self, tokens: int) -> None:
        if self._settled:
            return
        self._settled = True
        more = [0] * len(self._entry.costs)
        for index, reserved in self._tokens.items():
            more[index] = within_bounds(tokens) - reserved
        self._outbox.settle(self._entry, more)

    def give_back(self) -> None:
        if not self._settled:
            self._settled = True
            self._outbox.give_up(self._entry)


class _LetThrough:
    """A `Reservation` of nothing."""

    __slots__ = ("levels",)

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.levels: Sequence[Level] = [Level(limit, limit.amount, 0.0) for limit in limits]

    def settle(self, tokens: int) -> None:
        pass

    def give_back(self) -> None:
        pass


class _Ask:
    """One question to Redis. Several limits may be about one count, which is then asked for with the least amount."""

    def __init__(self, reservation_id: str, limits: Sequence[Limit], tokens: int) -> None:
        self.limits = limits
        #: For each limit, the place of its count.
        self.places: list[int] = []
        #: For each count, the limit with the least amount.
        self.tightest: list[Limit] = []
        #: The counts of tokens and what is reserved there.
        self.tokens: dict[int, int] = {}
        keys: dict[str, int] = {}
        for limit in limits:
            key = _key(limit)
            place = keys.setdefault(key, len(keys))
            self.places.append(place)
            if place == len(self.tightest):
                self.tightest.append(limit)
            elif limit.amount < self.tightest[place].amount:
                self.tightest[place] = limit
            if limit.kind is Kind.TOKENS:
                self.tokens[place] = tokens
        costs = [cost_of(limit, tokens) for limit in self.tightest]
        widths = [0 if limit.kind is Kind.CONCURRENCY else width_of(limit.window) for limit in self.tightest]
        self.entry = Entry(reservation_id, [f"{_PREFIX}r:{reservation_id}", *keys], costs, widths)

    def arguments(self, lease: float) -> list[str | int]:
        args: list[str | int] = [
            self.entry.id,
            int(lease * 1000),
            int((lease + MEMORY) * 1000),
            int(CONCURRENCY_WAIT * 1_000_000),
        ]
        for limit, cost, width in zip(self.tightest, self.entry.costs, self.entry.widths, strict=True):
            args += (cost, limit.amount, width)
        return args

    def levels(self, answer: Sequence[int]) -> list[Level]:
        levels = []
        for limit, place in zip(self.limits, self.places, strict=True):
            used, free = answer[1 + 3 * place], answer[2 + 3 * place]
            levels.append(Level(limit, max(limit.amount - used, 0), free / 1_000_000))
        return levels

    def refusal(self, answer: Sequence[int]) -> Refusal:
        waits = answer[3::3]
        worst = max(range(len(waits)), key=lambda place: float("inf") if waits[place] < 0 else waits[place])
        retry_after = None if waits[worst] < 0 else waits[worst] / 1_000_000
        return Refusal(self.tightest[worst], retry_after, self.levels(answer))


class RedisLimiter:
    """A `Limiter` whose counts are in Redis."""

    def __init__(self, options: Options, link: Link, outbox: Outbox, counts: Counter[str]) -> None:
        #: What went wrong, by name: `failures` to do something in Redis, `fallbacks` (reservations that were decided
        #: without it), `unsent` (settlements that it was never told).
        self.counts = counts
        self._options = options
        self._link = link
        self._outbox = outbox
        self._local = MemoryLimiter()
        self._name = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    async def reserve(self, limits: Sequence[Limit], tokens: int) -> Reservation | Refusal:
        tokens = within_bounds(tokens)
        if not limits:
            return _LetThrough(limits)
        if not self._link.may_ask():
            return self._without_redis(limits, tokens)
        ask = _Ask(f"{self._name}-{next(self._numbers):x}", limits, tokens)
        try:
            answer = await self._link.run(RESERVE, ask.entry.keys, ask.arguments(self._options.lease))
        except Unreachable:
            self._outbox.give_up(ask.entry)
            return self._without_redis(limits, tokens)
        except BaseException:
            # Whoever asked has left; Redis may do it all the same.
            self._outbox.give_up(ask.entry)
            raise
        if not answer[0]:
            return ask.refusal(answer)
        self._outbox.keep(ask.entry)
        return _Reserved(ask.levels(answer), ask.entry, ask.tokens, self._outbox)

    def _without_redis(self, limits: Sequence[Limit], tokens: int) -> Reservation | Refusal:
        self.counts["fallbacks"] += 1
        match self._options.when_down:
            case WhenDown.LOCAL:
                return self._local.reserve_now(limits, tokens)
            case WhenDown.ALLOW:
                return _LetThrough(limits)
            case WhenDown.REFUSE:
                never = next((limit for limit in limits if cost_of(limit, tokens) > limit.amount), None)
                levels = [Level(limit, 0, 0.0 if limit.kind is Kind.CONCURRENCY else PAUSE) for limit in limits]
                return Refusal(never or limits[0], None if never else PAUSE, levels)


def _key(limit: Limit) -> str:
    if limit.kind is Kind.CONCURRENCY:
        return f"{_PREFIX}c:{limit.subject}"
    return f"{_PREFIX}{limit.kind[0]}{limit.window:g}:{limit.subject}"
