"""Takes a call into the rules in force, and finds out who calls under them, before anything of the request is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
import grpc.aio

from server.auth.base import Caller
from server.generation import Generations
from server.interceptors import current
from server.interceptors.admission import Admission, caller_of
from server.interceptors.wrapping import Stream, Surrounding, Unary


class Authentication(Surrounding):
    """Sets `current.generation`, `current.hold` and `current.caller`, or ends the call. The generation is in use until
    the call ends; a connection of many requests has `current.admission` in place of one.

    One interceptor for both: each one costs every chunk of every stream a step.
    """

    def __init__(self, generations: Generations) -> None:
        super().__init__()
        self._generations = generations

    def wrap(self, handler: grpc.RpcMethodHandler, method: str) -> grpc.RpcMethodHandler:
        if handler.request_streaming and handler.response_streaming:
            serve = self._wrap_connection(handler.stream_stream)
            return grpc.stream_stream_rpc_method_handler(
                serve, handler.request_deserializer, handler.response_serializer
            )
        return super().wrap(handler, method)

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            with self._generations.use() as generation:
                current.generation.set(generation)
                current.hold.set(partial(self._generations.use, generation))
                _set(await caller_of(generation, context))
                return await inner(request, context)

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            with self._generations.use() as generation:
                current.generation.set(generation)
                current.hold.set(partial(self._generations.use, generation))
                _set(await caller_of(generation, context))
                async with aclosing(inner(request, context)) as responses:
                    async for response in responses:
                        yield response

        return serve

    def _wrap_connection(self, inner: Stream) -> Stream:
        """A connection outlives rules: it is let in once, and what it asks for then is let in each time."""

        async def serve(requests: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            admission = Admission(self._generations, context)
            async with admission.enter() as (_, caller, _):
                _set(caller)
            current.admission.set(admission)
            async with aclosing(inner(requests, context)) as responses:
                async for response in responses:
                    yield response

        return serve


def _set(caller: Caller) -> None:
    current.caller.set(caller)
    current.observed.get().caller = caller
