"""Shows on a silent stream that the connection lives."""

from __future__ import annotations

import asyncio

from aiohttp import web

from http_bridge.sse import KEEP_ALIVE


class Heartbeat:
    """Writes a stream, and a comment after every `interval` seconds of silence.

    One timer per stream looks when the last write was, so that a write costs
    no timer of its own. Comments stand between whole writes only.
    """

    __slots__ = ("_beat", "_interval", "_last", "_loop", "_response", "_timer", "_writing")

    def __init__(self, response: web.StreamResponse, interval: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._response = response
        self._interval = interval
        self._last = self._loop.time()
        self._writing = False
        self._beat: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(interval, self._look)

    async def write(self, data: bytes) -> None:
        self._writing = True
        await self._response.write(data)
        self._writing = False
        self._last = self._loop.time()

    def stop(self) -> None:
        """Write no more comments."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self._loop.time()
        if now >= self._last + self._interval:
            self._last = now
            # A writer that waits for a slow reader is not silent: more bytes would only pile up.
            if not self._writing and (self._beat is None or self._beat.done()):
                self._beat = self._loop.create_task(self._write_comment())
        self._timer = self._loop.call_at(self._last + self._interval, self._look)

    async def _write_comment(self) -> None:
        if self._timer is None or self._writing:
            return
        try:
            await self._response.write(KEEP_ALIVE)
        except ConnectionError:
            self.stop()  # The client left; the handler is cancelled for it.
