"""What blocks the event loop is seen."""

from __future__ import annotations

import asyncio
import time

from server.telemetry import loop_lag


async def test_a_blocked_loop_is_told_of() -> None:
    told: asyncio.Queue[float] = asyncio.Queue()
    async with loop_lag.measuring(told.put_nowait, interval=0.001):
        assert await told.get() >= 0
        while not told.empty():
            told.get_nowait()
        time.sleep(0.05)
        # It was due a millisecond after the one before.
        assert await told.get() > 0.04
        assert await told.get() >= 0
    while not told.empty():
        told.get_nowait()
    fired = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, fired.set_result, None)
    await fired
    assert told.empty(), "it ends with its context"
