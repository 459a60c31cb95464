"""One request and its answer, and all those that are under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web
from opentelemetry.trace import Span

from antiphon import openai_json
from antiphon.responses import v1
from http_bridge import metadata
from http_bridge.errors import Fault


class Exchange:
    """One request, from its first byte to the last of its answer."""

    __slots__ = ("_started", "call", "has_left", "is_told", "request_id", "span", "transport", "wind_down")

    def __init__(self, request: web.BaseRequest, span: Span | None = None) -> None:
        self.request_id = metadata.request_id(request.headers)
        self.transport = request.transport
        #: The call made for it, once there is one.
        self.call: Any = None
        #: Whether all that the call is to say has been told, so that it may end by itself.
        self.is_told = False
        #: Whether its client was found to have left before it was all told.
        self.has_left = False
        #: Its own in the client's trace, where the bridge makes spans.
        self.span = span
        #: Has an exchange that goes on by itself come to an end; None for one that ends with its answer.
        self.wind_down: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._started = time.perf_counter()

    def headers(self) -> dict[str, str]:
        """The headers of every answer."""
        return {
            metadata.REQUEST_ID: self.request_id,
            "openai-version": "2020-10-01",
            "openai-processing-ms": str(int((time.perf_counter() - self._started) * 1000)),
            "server": "antiphon",
        }

    def answer(self, body: bytes, more: dict[str, str] | None = None, status: int = 200) -> web.Response:
        """An answer in JSON."""
        headers = self.headers()
        headers["content-type"] = "application/json"
        if more:
            headers.update(more)
        return web.Response(body=body, status=status, headers=headers)

    def refusal(self, fault: Fault, more: dict[str, str] | None = None) -> web.Response:
        """An answer that tells a fault."""
        body = openai_json.encode(v1.ErrorResponse(error=fault.error()))
        return self.answer(body, {**fault.headers(), **(more or {})}, fault.http_status)


class Exchanges:
    """The exchanges that are under way."""

    __slots__ = ("_ending", "_idle", "_open", "closing")

    def __init__(self) -> None:
        #: Whether connections are to be closed after the answers that are under way.
        self.closing = False
        self._open: set[Exchange] = set()
        self._idle = asyncio.Event()
        #: Calls that are ending by themselves.
        self._ending: set[asyncio.Task[None]] = set()

    def let_end(self, ending: Coroutine[Any, Any, None]) -> None:
        """Let a call end while nobody waits for it but `close`. Must be bounded in time."""
        task = asyncio.get_running_loop().create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def add(self, exchange: Exchange) -> None:
        self._open.add(exchange)

    def remove(self, exchange: Exchange) -> None:
        self._open.discard(exchange)
        if self.closing and not self._open:
            self._idle.set()

    def lasting(self) -> set[asyncio.BaseTransport | None]:
        """The connections of exchanges that go on by themselves: from these it has to be read to the end."""
        return {exchange.transport for exchange in self._open if exchange.wind_down is not None}

    async def close(self, grace: float) -> None:
        """Wait until all have ended, then end the calls of those that have not.

        A call ended here is told to its client as a fault of the server's: an
        error, or the end of a stream as it is when the server breaks off.
        """
        self.closing = True
        for exchange in self._open:
            if exchange.wind_down is not None:
                self.let_end(exchange.wind_down())
        if self._open:
            try:
                async with asyncio.timeout(grace):
                    await self._idle.wait()
            except TimeoutError:
                for exchange in list(self._open):
                    if exchange.call is not None:
                        exchange.call.cancel()
        if self._ending:
            await asyncio.wait(self._ending)
