"""Counts the calls that are being served, so that a stopping server knows when it has finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc.aio

from server.interceptors.wrapping import Stream, Surrounding, Unary


class InFlight(Surrounding):
    """How many calls there are now; gRPC's own (a health watch lasts for ever) do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._idle: asyncio.Future[None] | None = None

    async def idle(self) -> None:
        """Return once no call is being served."""
        if self.count:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            self.count += 1
            try:
                return await inner(request, context)
            finally:
                self._ended()

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            self.count += 1
            try:
                async with aclosing(inner(request, context)) as responses:
                    async for response in responses:
                        yield response
            finally:
                self._ended()

        return serve

    def _ended(self) -> None:
        self.count -= 1
        if not self.count and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
