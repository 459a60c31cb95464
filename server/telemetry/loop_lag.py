"""How late timers fire on the event loop: what all calls wait for while something blocks it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

_INTERVAL: Final = 0.25


class _Timer:
    def __init__(self, observe: Callable[[float], None], interval: float) -> None:
        self._observe = observe
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._set()

    def _set(self) -> None:
        self._due = time.perf_counter() + self._interval
        self._handle = self._loop.call_later(self._interval, self._fired)

    def _fired(self) -> None:
        # The loop counts in milliseconds of its own, and may be early by one.
        self._observe(max(0.0, time.perf_counter() - self._due))
        self._set()

    def cancel(self) -> None:
        self._handle.cancel()


@asynccontextmanager
async def measuring(observe: Callable[[float], None], interval: float = _INTERVAL) -> AsyncIterator[None]:
    """Tell `observe`, every `interval` seconds, by how many seconds the timer was late."""
    timer = _Timer(observe, interval)
    try:
        yield
    finally:
        timer.cancel()
