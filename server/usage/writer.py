"""Writes the usage of responses to the ledger, behind their backs and in batches."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

import structlog

from server.errors import StoreUnavailable
from server.stores.base import UsageEntry, UsageLedger
from server.telemetry.log import log_unexpected
from server.telemetry.record import Observer, ResponseRecord
from server.usage.entries import entries_of

#: Entries in one batch, unless a single response has more: a longer transaction would keep other writers waiting.
MAX_BATCH: Final = 500
#: Seconds for which entries gather between two batches: what a process that dies without a word may lose.
GATHER: Final = 0.05
#: Entries that wait while the store is down: some 25 MB.
MAX_WAITING: Final = 50_000
#: Seconds between two attempts at a batch while the store is down: at first, and at most.
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
#: Seconds after which old entries are looked for again.
FORGET_EVERY: Final = 3600.0


class UsageWriter(Observer):
    """An `Observer` that has every response that has ended written to a ledger.

    A response alone is written at once; what ends within `gather` seconds of a
    write is the next batch, so that many share the cost of one. A batch is tried until the store
    has taken it. Beyond `max_waiting` entries the newest are dropped, whole
    responses at a time: what is in the ledger is then complete up to a moment.
    With a `retention`, in seconds, entries that began longer ago are forgotten.

    Needs a running event loop, and all calls from it.
    """

    #: Entries that the ledger has taken, and that were given up.
    written: int
    dropped: int
    #: Entries that are not yet written, those being written included.
    waiting: int

    def __init__(
        self,
        ledger: UsageLedger,
        *,
        retention: float | None = None,
        max_waiting: int = MAX_WAITING,
        gather: float = GATHER,
        forget_every: float = FORGET_EVERY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.written = self.dropped = self.waiting = 0
        self._ledger = ledger
        self._retention = retention
        self._max_waiting = max_waiting
        self._gather = gather
        self._forget_every = forget_every
        self._clock = clock
        self._queue: deque[list[UsageEntry]] = deque()
        self._work_comes = asyncio.Event()
        self._closing = asyncio.Event()
        self._is_time_to_forget = retention is not None
        self._next_forgetting: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._work(), name="usage-writer")

    def ended(self, record: ResponseRecord) -> None:
        entries = entries_of(record)
        if self.waiting + len(entries) > self._max_waiting or self._task.done():
            self.dropped += len(entries)
            return
        self._queue.append(entries)
        self.waiting += len(entries)
        self._work_comes.set()

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Write what waits, within so many seconds; what is left then, and what ends later, is dropped.

        The ledger must still be open. A batch that was under way when time ran out counts as dropped, and the ledger
        may take it all the same.
        """
        self._closing.set()
        self._work_comes.set()
        if self._next_forgetting is not None:
            self._next_forgetting.cancel()
        try:
            await asyncio.wait({self._task}, timeout=timeout)
        finally:
            self._task.cancel()
        await asyncio.wait({self._task})
        self._queue.clear()
        self.dropped += self.waiting
        self.waiting = 0

    async def _work(self) -> None:
        while self._queue or not self._closing.is_set():
            if self._queue:
                await self._write(self._next_batch())
                if not self._closing.is_set():
                    await self._pause(self._gather)
            elif not self._is_time_to_forget:
                self._work_comes.clear()
                await self._work_comes.wait()
            if self._is_time_to_forget and not self._closing.is_set():
                await self._forget()

    def _next_batch(self) -> list[list[UsageEntry]]:
        batch = [self._queue.popleft()]
        size = len(batch[0])
        while self._queue and size + len(self._queue[0]) <= MAX_BATCH:
            size += len(self._queue[0])
            batch.append(self._queue.popleft())
        return batch

    async def _write(self, batch: Sequence[list[UsageEntry]]) -> None:
        """Have the entries of some responses taken; those that the ledger cannot take are dropped."""
        entries = list(chain.from_iterable(batch))
        if await self._is_taken(entries):
            self.written += len(entries)
            self.waiting -= len(entries)
        elif len(batch) > 1:  # one of them is at fault: the others shall not be lost with it
            for one in batch:
                await self._write([one])
        else:
            self.dropped += len(entries)
            self.waiting -= len(entries)

    async def _is_taken(self, entries: Sequence[UsageEntry]) -> bool:
        """Try until the store is there. False when it is, and an error shows that these entries can never be taken."""
        pause = FIRST_PAUSE
        failures = 0
        while True:
            try:
                await self._ledger.record_usage(entries)
            except StoreUnavailable:
                failures += 1
                if failures == 1:
                    structlog.get_logger().warning("usage cannot be written", waiting=self.waiting)
                await self._pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception as error:
                log_unexpected(error, doing="writing usage", entries=len(entries))
                return False
            else:
                if failures:
                    structlog.get_logger().info("usage is written again", waiting=self.waiting, dropped=self.dropped)
                return True

    async def _pause(self, seconds: float) -> None:
        """Wait, but not for long once the writer is being closed."""
        if self._closing.is_set():
            await asyncio.sleep(min(seconds, FIRST_PAUSE))
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    async def _forget(self) -> None:
        """Forget some of the entries that are too old. When none is left, it is time again after a while."""
        assert self._retention is not None
        try:
            if await self._ledger.forget_usage(before=self._clock() - self._retention):
                return
        except StoreUnavailable:
            structlog.get_logger().warning("old usage cannot be forgotten")
        except Exception as error:
            log_unexpected(error, doing="forgetting usage")
        self._is_time_to_forget = False
        if not self._closing.is_set():
            self._next_forgetting = self._loop.call_later(self._forget_every, self._remember_to_forget)

    def _remember_to_forget(self) -> None:
        self._is_time_to_forget = True
        self._work_comes.set()
