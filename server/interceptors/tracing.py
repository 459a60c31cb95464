"""Calls in their callers' traces: W3C context in, a span for each call out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf import descriptor_pool
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.interceptors import current
from server.interceptors.wrapping import Stream, Surrounding, Unary
from server.telemetry.spans import OpenSpan, Spans

SYSTEM_NAME: Final = "rpc.system.name"
METHOD: Final = "rpc.method"
STATUS_CODE: Final = "rpc.response.status_code"
ERROR_TYPE: Final = "error.type"
REQUEST_ID: Final = "antiphon.request.id"
#: Stands for the names of methods that there are not: callers make up as many as they like.
OTHER: Final = "_OTHER"

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


class Tracing(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Makes a span of each call, in the trace of its caller, and sets `current.trace` to it.

    Stands outside whatever turns errors into statuses.
    """

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._other = _Method(spans, OTHER)
        self._methods: dict[str, _Method] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        method = self._methods.get(handler_call_details.method) or self._new(handler_call_details.method)
        return await method.intercept_service(continuation, handler_call_details)

    def _new(self, path: str) -> _Method:
        """What makes the spans of a method: one for each that there is, and one for all that there are not."""
        name = path.removeprefix("/")
        try:
            descriptor_pool.Default().FindMethodByName(name.replace("/", "."))
        except KeyError:
            return self._other
        method = self._methods[path] = _Method(self._spans, name)
        return method


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


class _Method(Surrounding):
    """Makes the spans of one method."""

    def __init__(self, spans: Spans, method: str) -> None:
        super().__init__()
        self._spans = spans
        #: The full name, without the leading slash.
        self._name = method

    def wrap_unary(self, inner: Unary, method: str) -> Unary:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> Any:
            span = self._begin(context)
            try:
                response = await inner(request, context)
            except BaseException as error:
                self._end(span, context, error)
                raise
            self._end(span, context, None)
            return response

        return serve

    def wrap_stream(self, inner: Stream, method: str) -> Stream:
        async def serve(request: Any, context: grpc.aio.ServicerContext) -> AsyncGenerator[Any, None]:
            # The span is in no context variable but ours: a stream may end in another task than it began in.
            span = self._begin(context)
            try:
                async with aclosing(inner(request, context)) as responses:
                    async for response in responses:
                        yield response
            except BaseException as error:
                self._end(span, context, error)
                raise
            self._end(span, context, None)

        return serve

    def _begin(self, context: grpc.aio.ServicerContext) -> OpenSpan:
        parent = _remote(context)
        span = self._spans.begin(self._name, SpanKind.SERVER, parent)
        current.trace.set(span.below(parent))
        return span

    def _end(self, span: OpenSpan, context: grpc.aio.ServicerContext, error: BaseException | None) -> None:
        code = _code(context, error)
        attributes: dict[str, str] = {SYSTEM_NAME: "grpc", METHOD: self._name, STATUS_CODE: code.name}
        if code is not grpc.StatusCode.OK:
            attributes[ERROR_TYPE] = code.name
        for key, value in context.trailing_metadata() or ():
            if key == "x-request-id":
                attributes[REQUEST_ID] = value
        span.end(attributes, failed=code in _FAULTS)


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
