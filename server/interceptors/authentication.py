"""Finds out who calls, before anything of the request is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc.aio

from server.auth.base import Authenticator, Caller
from server.interceptors import current
from server.interceptors.wrapping import Stream, Surrounding, Unary


class Authentication(Surrounding):
    """Sets `current.caller`, or ends the call."""

    def __init__(self, authenticator: Authenticator) -> None:
        super().__init__()
        self._authenticator = authenticator

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            _set(await self._caller(context))
            return await inner(request, context)

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            _set(await self._caller(context))
            async with aclosing(inner(request, context)) as responses:
                async for response in responses:
                    yield response

        return serve

    async def _caller(self, context: grpc.aio.ServicerContext) -> Caller:
        told = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
        # Of two keys neither can be told to be meant: such a call has none.
        return await self._authenticator.authenticate(told[0] if len(told) == 1 else None)


def _set(caller: Caller) -> None:
    current.caller.set(caller)
    current.observed.get().caller = caller
