"""Takes a call into the rules in force, and finds out who calls under them, before anything of the request is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc.aio

from server.auth.base import Caller
from server.generation import Generation, Generations
from server.interceptors import current
from server.interceptors.wrapping import Stream, Surrounding, Unary


class Authentication(Surrounding):
    """Sets `current.generation`, `current.hold` and `current.caller`, or ends the call. The generation is in use until
    the call ends.

    One interceptor for both: each one costs every chunk of every stream a step.
    """

    def __init__(self, generations: Generations) -> None:
        super().__init__()
        self._generations = generations

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            with self._generations.use() as generation:
                current.generation.set(generation)
                current.hold.set(partial(self._generations.use, generation))
                _set(await _caller(generation, context))
                return await inner(request, context)

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            with self._generations.use() as generation:
                current.generation.set(generation)
                current.hold.set(partial(self._generations.use, generation))
                _set(await _caller(generation, context))
                async with aclosing(inner(request, context)) as responses:
                    async for response in responses:
                        yield response

        return serve


async def _caller(generation: Generation, context: grpc.aio.ServicerContext) -> Caller:
    told = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
    # Of two keys neither can be told to be meant: such a call has none.
    return await generation.authenticator.authenticate(told[0] if len(told) == 1 else None)


def _set(caller: Caller) -> None:
    current.caller.set(caller)
    current.observed.get().caller = caller
