"""What Redis is told without anybody waiting for it: settlements, and that open reservations are still open."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from server.limits.redis.link import Call, Link, Unreachable
from server.limits.redis.scripts import HEARTBEAT, SETTLE

#: Seconds for which a settlement is tried, and for which Redis remembers a reservation beyond its lease.
MEMORY: Final = 60.0
#: How many settlements wait at most.
_MAX_WAITING: Final = 10_000
_BATCH: Final = 100
#: How many keys one heartbeat names.
_BEAT: Final = 1000
#: Seconds that closing may take.
_LAST_WAIT: Final = 2.0


@dataclass(slots=True, eq=False)
class Entry:
    """A reservation as Redis has it."""

    id: str
    #: The key of the reservation, then those of its counts.
    keys: Sequence[str]
    #: What was taken of each count, and the width of its slots: 0 for concurrency.
    costs: Sequence[int]
    widths: Sequence[int]


@dataclass(slots=True, eq=False)
class _Settlement:
    keys: Sequence[str]
    args: Sequence[str | int]
    #: By the loop's clock.
    made: float


class Outbox:
    """Sends settlements in their order, and heartbeats between them, one thing at a time.

    One at a time, so that no heartbeat revives what a settlement has ended.
    """

    def __init__(self, link: Link, lease: float, counts: Counter[str]) -> None:
        self._link = link
        self._lease = lease
        self._counts = counts
        self._open: dict[str, Entry] = {}
        self._waiting: deque[_Settlement] = deque()
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._work(), name="limiter-outbox")

    def keep(self, entry: Entry) -> None:
        """Keep a reservation alive until it is settled."""
        self._open[entry.id] = entry

    def settle(self, entry: Entry, more: Sequence[int]) -> None:
        """Tell Redis how much more, or less, a reservation came to of each count, and that it is over."""
        self._open.pop(entry.id, None)
        if len(self._waiting) >= _MAX_WAITING or self._task.done():
            self._counts["unsent"] += 1
            return
        args: list[str | int] = [entry.id, int(MEMORY * 1000)]
        for difference, width in zip(more, entry.widths, strict=True):
            args += (difference, width)
        self._waiting.append(_Settlement(entry.keys, args, self._loop.time()))
        self._wake.set()

    def give_up(self, entry: Entry) -> None:
        """Tell Redis that a reservation came to nothing, whether it was made or is still to be."""
        self.settle(entry, [-cost for cost in entry.costs])

    async def close(self) -> None:
        """Send what waits, within a short time, and stop."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        with suppress(Unreachable, TimeoutError):
            async with asyncio.timeout(_LAST_WAIT):
                while self._waiting:
                    await self._send()
        if self._waiting:
            self._counts["unsent"] += len(self._waiting)
            self._waiting.clear()

    async def _work(self) -> None:
        every = self._lease / 3
        beat_at = self._loop.time() + every
        while True:
            if not self._waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(beat_at):
                        await self._wake.wait()
            self._wake.clear()
            if pause := self._link.pause:
                await asyncio.sleep(pause)
                continue
            try:
                if self._waiting:
                    await self._send()
                if self._loop.time() >= beat_at:
                    await self._beat()
                    beat_at = self._loop.time() + every
            except Unreachable:
                self._drop_old()

    async def _send(self) -> None:
        batch = list(islice(self._waiting, _BATCH))
        failed = await self._link.run_all(SETTLE, [(settlement.keys, settlement.args) for settlement in batch])
        if failed:
            self._counts["unsent"] += failed
        for _ in batch:
            self._waiting.popleft()

    async def _beat(self) -> None:
        for call in list(self._beats()):
            await self._link.run_all(HEARTBEAT, [call])

    def _beats(self) -> Iterator[Call]:
        """All open reservations, so many keys at a time."""
        keys: list[str] = []
        ids: list[str | int] = []
        times: list[str | int] = [int(self._lease * 1000), int((self._lease + MEMORY) * 1000)]
        for entry in self._open.values():
            keys.append(entry.keys[0])
            ids.append("")
            for key, width in zip(entry.keys[1:], entry.widths, strict=True):
                if not width:
                    keys.append(key)
                    ids.append(entry.id)
            if len(keys) >= _BEAT:
                yield keys, [*times, *ids]
                keys, ids = [], []
        if keys:
            yield keys, [*times, *ids]

    def _drop_old(self) -> None:
        """Give up what has waited so long that Redis has forgotten the reservation."""
        oldest = self._loop.time() - MEMORY
        while self._waiting and self._waiting[0].made < oldest:
            self._waiting.popleft()
            self._counts["unsent"] += 1
