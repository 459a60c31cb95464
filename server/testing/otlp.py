"""A collector of OTLP over gRPC: takes spans and metrics as a real one does, or is slow about it, or refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened within a span, at so many nanoseconds after 1970."""

    name: str
    at: int


@dataclass(slots=True)
class Span:
    """A span as the collector got it."""

    name: str
    #: `SERVER`, `CLIENT`, `INTERNAL`, ...
    kind: str
    #: In hexadecimal; `parent_id` is empty where there is none.
    trace_id: str
    span_id: str
    parent_id: str
    #: `UNSET`, `OK` or `ERROR`, and its description.
    status: str
    description: str
    #: In nanoseconds since 1970.
    started: int
    ended: int
    attributes: dict[str, Any]
    events: list[Event]
    #: Of whoever made it: `service.name` and the like.
    resource: dict[str, Any]
    #: By when they began.
    children: list[Span] = field(default_factory=list)

    def walk(self) -> Iterator[Span]:
        """This span and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def outline(self, depth: int = 0) -> str:
        """The names below one another, for a test to compare at a glance."""
        lines = [f"{'  ' * depth}{self.name} {self.kind}"]
        return "\n".join([*lines, *(child.outline(depth + 1) for child in self.children)])


class Collector:
    """What came, and how the next requests are answered."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.spans: list[Span] = []
        self.metrics: list[metrics_pb2.Metric] = []
        #: The metadata of each request.
        self.requests: list[dict[str, str]] = []
        #: Answers with this status instead of taking anything; None to take it.
        self.refuses: grpc.StatusCode | None = None
        #: While it is clear, requests wait.
        self.answers = asyncio.Event()
        self.answers.set()
        self._changed = asyncio.Condition()

    def clear(self) -> None:
        """Forget what came."""
        self.spans.clear()
        self.metrics.clear()
        self.requests.clear()

    async def until_spans(self, count: int) -> list[Span]:
        """Wait until there are so many spans; return all."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.spans) >= count)
        return list(self.spans)

    async def until_requests(self, count: int) -> None:
        """Wait until so many requests have come, answered or not."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= count)

    def roots(self) -> list[Span]:
        """The spans as trees, by when they began. A root is a span whose parent did not come here."""
        by_id = {span.span_id: span for span in self.spans}
        roots: list[Span] = []
        for span in by_id.values():
            span.children = []
        for span in sorted(by_id.values(), key=lambda span: span.started):
            parent = by_id.get(span.parent_id)
            (roots if parent is None else parent.children).append(span)
        return roots

    async def admit(self, context: grpc.aio.ServicerContext) -> None:
        """Let a request in, or end it."""
        async with self._changed:
            self.requests.append(dict(context.invocation_metadata() or ()))
            self._changed.notify_all()
        await self.answers.wait()
        if self.refuses is not None:
            await context.abort(self.refuses, "Refused.")

    async def take(self, spans: list[Span], metrics: list[metrics_pb2.Metric]) -> None:
        async with self._changed:
            self.spans += spans
            self.metrics += metrics
            self._changed.notify_all()


@asynccontextmanager
async def collecting(port: int = 0) -> AsyncIterator[Collector]:
    """Run a collector on loopback until the context ends; `endpoint` is its URL."""
    collector = Collector()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(collector), server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(collector), server)  # type: ignore[no-untyped-call]
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(None)


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(  # noqa: N802 - named like its RPC
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.aio.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        await self._collector.admit(context)
        spans = [
            _span(span, _attributes(of_resource.resource.attributes))
            for of_resource in request.resource_spans
            for scope in of_resource.scope_spans
            for span in scope.spans
        ]
        await self._collector.take(spans, [])
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(  # noqa: N802 - named like its RPC
        self, request: metrics_service_pb2.ExportMetricsServiceRequest, context: grpc.aio.ServicerContext
    ) -> metrics_service_pb2.ExportMetricsServiceResponse:
        await self._collector.admit(context)
        metrics = [
            metric
            for of_resource in request.resource_metrics
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
        ]
        await self._collector.take([], metrics)
        return metrics_service_pb2.ExportMetricsServiceResponse()


def _span(span: trace_pb2.Span, resource: dict[str, Any]) -> Span:
    return Span(
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        status=trace_pb2.Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        description=span.status.message,
        started=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=[Event(event.name, event.time_unix_nano) for event in span.events],
        resource=resource,
    )


def _attributes(attributes: Any) -> dict[str, Any]:
    return {attribute.key: _value(attribute.value) for attribute in attributes}


def _value(value: common_pb2.AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)
