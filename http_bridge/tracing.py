"""Spans of a bridge in a process of its own: one for each HTTP request, and one for the call that is made for it.

A bridge in the server's process makes none: there the server's span of the call is all that there is to tell.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C: Final = TraceContextTextMapPropagator()
_CONTEXT: Final = ("traceparent", "tracestate")
_VERBS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Of a path that no route matches, so much is told.
_MAX_PATH: Final = 256
#: How long, in seconds, the ends of calls that have been ended are waited for.
_SETTLING: Final = 1.0

Metadata = list[tuple[str, str]]


class Traces:
    """Makes the spans."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        #: Calls whose end is awaited.
        self._calls: set[asyncio.Task[None]] = set()

    def begin(self, request: web.Request) -> Span:
        """The span of a request, in its client's trace."""
        verb = request.method if request.method in _VERBS else "_OTHER"
        resource = request.match_info.route.resource
        attributes = {
            "http.request.method": verb,
            "url.scheme": request.scheme,
            "url.path": request.path[:_MAX_PATH],
            "user_agent.original": request.headers.get("user-agent", "")[:_MAX_PATH],
        }
        name = verb
        if resource is not None:
            attributes["http.route"] = resource.canonical
            name = f"{verb} {resource.canonical}"
        return self._tracer.start_span(name, _remote(request), SpanKind.SERVER, attributes)

    def end(self, span: Span, response: web.StreamResponse | None) -> None:
        """End the span of a request: with its answer, or without one where the client has left."""
        if response is None:
            span.set_attribute("error.type", "cancelled")
        else:
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= 500:
                span.set_attribute("error.type", str(response.status))
                span.set_status(StatusCode.ERROR)
        span.end()

    def begin_call(self, span: Span, method: str, metadata: Metadata) -> tuple[Span, Metadata]:
        """The span of a call within a request, and the metadata to call with."""
        within = set_span_in_context(span, Context())
        attributes = {"rpc.system.name": "grpc", "rpc.method": method}
        call = self._tracer.start_span(method, within, SpanKind.CLIENT, attributes)
        told: dict[str, str] = {}
        _W3C.inject(told, set_span_in_context(call, Context()))
        return call, [*((name, value) for name, value in metadata if name not in _CONTEXT), *told.items()]

    def end_with(self, call: Any, span: Span) -> None:
        """End a call's span when the call ends, however it does."""
        task = asyncio.get_running_loop().create_task(_end_with(call, span))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def settle(self) -> None:
        """Wait for the ends of calls that are under way, which have been ended by now."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=_SETTLING)


@asynccontextmanager
async def open_traces(endpoint: str | None, patience: float = 3.0) -> AsyncIterator[Traces | None]:
    """Send spans to a collector that speaks OTLP over gRPC until the context ends; without an endpoint yield None.

    On leaving, spans that wait are sent, for `patience` seconds.

    What else there is to choose is chosen by OpenTelemetry's own variables: `OTEL_TRACES_SAMPLER`,
    `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_BSP_MAX_QUEUE_SIZE` and the like.
    """
    if not endpoint:
        yield None
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # Of a client's context that it cannot read, it would log the words.
    logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "antiphon-bridge"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    traces = Traces(provider.get_tracer("antiphon-bridge"))
    try:
        yield traces
    finally:
        await traces.settle()
        closing = asyncio.get_running_loop().run_in_executor(None, provider.shutdown)
        try:
            await asyncio.wait({closing}, timeout=patience)
        finally:
            if not closing.done():
                exporter.shutdown()  # ends the request that is under way, and all that would follow
        await closing


async def _end_with(call: Any, span: Span) -> None:
    code = await call.code()
    span.set_attribute("rpc.response.status_code", code.name)
    if code.value[0]:
        span.set_attribute("error.type", code.name)
        # Without a description: messages of errors may quote a request.
        span.set_status(StatusCode.ERROR)
    span.end()


def _remote(request: web.Request) -> Context:
    """The client's place in its trace; empty where it tells none that can be read."""
    told = {name: ",".join(request.headers.getall(name)) for name in _CONTEXT if name in request.headers}
    return _W3C.extract(told, Context()) if "traceparent" in told else Context()
