"""Calls in their callers' traces: W3C context in, a span for each call out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import grpc
import grpc.aio
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.interceptors import current
from server.interceptors.wrapping import Stream, Surrounding, Unary
from server.telemetry.registry import OTHER
from server.telemetry.spans import OpenSpan, Spans

SYSTEM_NAME: Final = "rpc.system.name"
METHOD: Final = "rpc.method"
STATUS_CODE: Final = "rpc.response.status_code"
ERROR_TYPE: Final = "error.type"
REQUEST_ID: Final = "antiphon.request.id"
#: Stands for the names of methods that there are not: callers make up as many as they like.
NO_METHOD: Final = "_OTHER"

_TRACE_CONTEXT: Final = TraceContextTextMapPropagator()
_BAGGAGE: Final = W3CBaggagePropagator()
_HEADERS: Final = frozenset({"traceparent", "tracestate", "baggage"})
#: What is longer is no `tracestate` or `baggage` by W3C's rules, and is not read.
_MAX_HEADER: Final = 8_192
#: The statuses that are the server's fault; the others are the caller's doing.
_FAULTS: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
#: Timers may be early by so much, in seconds.
_EARLY: Final = 0.01


class Tracing(Surrounding):
    """Makes a span of each call, in the trace of its caller, and sets `current.trace` to it.

    Stands outside whatever turns errors into statuses.
    """

    def __init__(self, spans: Spans) -> None:
        super().__init__()
        self._spans = spans

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        name = _name(method)

        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            span = self._begin(name, context)
            try:
                response = await inner(request, context)
            except BaseException as error:
                _end(span, name, context, error)
                raise
            _end(span, name, context, None)
            return response

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        name = _name(method)

        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            # The span is in no context variable but ours: a stream may end in another task than it began in.
            span = self._begin(name, context)
            try:
                async with aclosing(inner(request, context)) as responses:
                    async for response in responses:
                        yield response
            except BaseException as error:
                _end(span, name, context, error)
                raise
            _end(span, name, context, None)

        return serve

    def _begin(self, name: str, context: grpc.aio.ServicerContext) -> OpenSpan:
        parent = _remote(context)
        span = self._spans.begin(name, SpanKind.SERVER, parent)
        current.trace.set(span.below(parent))
        return span


class TraceContext(Surrounding):
    """Sets `current.trace` to the caller's own place in its trace, for servers without traces of their own.

    Adds no step to a stream, and so must stand within an interceptor that does: gRPC wants a generator function.
    """

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            _set_remote(context)
            return await inner(request, context)

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            _set_remote(context)
            return inner(request, context)

        return serve


def _end(span: OpenSpan, name: str, context: grpc.aio.ServicerContext, error: BaseException | None) -> None:
    code = _code(context, error)
    attributes: dict[str, str] = {SYSTEM_NAME: "grpc", METHOD: name, STATUS_CODE: code.name}
    if code is not grpc.StatusCode.OK:
        attributes[ERROR_TYPE] = code.name
    for key, value in context.trailing_metadata() or ():
        if key == "x-request-id":
            attributes[REQUEST_ID] = value
    span.end(attributes, failed=code in _FAULTS)


def _name(method: str) -> str:
    """The conventions' word for the methods that there are not."""
    return NO_METHOD if method == OTHER else method


def _code(context: grpc.aio.ServicerContext, error: BaseException | None) -> grpc.StatusCode:
    """How a call ended."""
    if error is None or isinstance(error, grpc.aio.AbortError):
        told = context.code()
        return told if isinstance(told, grpc.StatusCode) else grpc.StatusCode.OK
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        left = context.time_remaining()
        late = left is not None and left < _EARLY
        return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
    return grpc.StatusCode.UNKNOWN


def _set_remote(context: grpc.aio.ServicerContext) -> None:
    parent = _remote(context)
    if parent:
        current.trace.set(parent)


def _remote(context: grpc.aio.ServicerContext) -> Context:
    """The caller's place in its trace, and its baggage; empty where it tells none that can be read."""
    found: dict[str, list[str]] = {}
    for key, value in context.invocation_metadata() or ():
        if key in _HEADERS and len(value) <= _MAX_HEADER:
            found.setdefault(key, []).append(value)
    parent = Context()
    if not found:
        return parent
    if len(found.get("traceparent", ())) == 1:  # of two, neither can be told to be meant
        parent = _TRACE_CONTEXT.extract(found, parent)
    if "baggage" in found:
        parent = _BAGGAGE.extract({"baggage": ",".join(found["baggage"])}, parent)
    return parent
