"""Looks at every call's end: one log line, one count, and the trailing metadata that says what it came to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
import grpc.aio

from server.engine.making import beside
from server.errors import Internal, ServiceError
from server.interceptors import current, status
from server.interceptors.current import Observed
from server.interceptors.wrapping import Stream, Surrounding, Unary
from server.telemetry.log import log_unexpected


class Ended:
    """A call that has ended."""

    __slots__ = ("code", "error", "method", "observed", "request_id", "seconds")

    def __init__(
        self,
        method: str,
        request_id: str,
        code: grpc.StatusCode,
        error: ServiceError | None,
        seconds: float,
        observed: Observed,
    ) -> None:
        #: Its full name, or `other` for one that the contract does not have.
        self.method = method
        self.request_id = request_id
        self.code = code
        #: What it ended with, where it did not succeed.
        self.error = error
        self.seconds = seconds
        self.observed = observed


Watcher: TypeAlias = Callable[[Ended], None]


class Observation(Surrounding):
    """Tells watchers of every call that ended, however it did: each once."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        super().__init__()
        self._watchers = tuple(watchers)

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            call = _Watched(method, context)
            try:
                response = await inner(request, context)
                call.succeeded()
                return response
            except BaseException as error:
                call.failed(error)
                raise
            finally:
                self._tell(call.end())

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            call = _Watched(method, context)
            try:
                async with aclosing(inner(request, context)) as responses:
                    async for response in responses:
                        yield response
                call.succeeded()
            except BaseException as error:
                call.failed(error)
                raise
            finally:
                self._tell(call.end())

        return serve

    def _tell(self, ended: Ended) -> None:
        for watch in self._watchers:
            try:
                watch(ended)
            except Exception as error:
                # The call is what it is, whoever fails to look at it.
                log_unexpected(error, request_id=ended.request_id)


class _Watched:
    """A call that is being served."""

    def __init__(self, method: str, context: grpc.aio.ServicerContext) -> None:
        self._method = method
        self._context = context
        self._started = time.perf_counter()
        self._code = grpc.StatusCode.CANCELLED
        self._error: ServiceError | None = None
        # Read here, at the call's first step: a stream may go on in another task, where `current` knows nothing of it.
        self._request_id = current.request_id.get()
        self._observed = Observed()
        current.observed.set(self._observed)

    def succeeded(self) -> None:
        self._code = grpc.StatusCode.OK

    def failed(self, error: BaseException) -> None:
        if isinstance(error, ServiceError):
            self._code, self._error = status.code_of(error), error
        elif isinstance(error, asyncio.CancelledError | GeneratorExit):
            remaining = self._context.time_remaining()
            late = remaining is not None and remaining <= 0
            self._code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
        else:
            self._code, self._error = grpc.StatusCode.INTERNAL, Internal("The server met an unexpected error.")

    def end(self) -> Ended:
        record = self._observed.record
        if record is not None:
            known = tuple(self._context.trailing_metadata() or ())
            self._context.set_trailing_metadata(known + beside.trailing(record))
        seconds = time.perf_counter() - self._started
        return Ended(self._method, self._request_id, self._code, self._error, seconds, self._observed)
