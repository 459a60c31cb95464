"""Traces: a span for each response and one for each attempt at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.telemetry import genai
from server.telemetry.content import CAPS, Caps
from server.telemetry.export import Export, otlp
from server.telemetry.log import log_unexpected
from server.telemetry.record import Attempt, Observer, Outcome, ResponseRecord
from server.telemetry.sdk_log import sdk_log
from server.telemetry.spans import OpenSpan, Spans

_W3C: Final = TraceContextTextMapPropagator()
#: A caller who leaves, and a model that stops early, are nobody's fault.
_FAULTLESS: Final = frozenset({Outcome.COMPLETED, Outcome.INCOMPLETE, Outcome.CANCELLED})


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Where traces go, and which."""

    #: A collector that speaks OTLP over gRPC: `http://HOST:PORT`, or `https://...` with TLS. None for no traces.
    endpoint: str | None = None
    #: Sent with each request to the collector. May hold a secret.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Of the traces that begin here, which part is sent, from 0 to 1. A caller's own trace is sent if the caller's is.
    sample: float = 1.0
    #: How many spans may wait for the collector, and about how many bytes of them; what is beyond is dropped.
    max_queue: int = 4_096
    max_bytes: int = 64 << 20
    service_name: str = "antiphon"
    #: Bounds on what was said, where that is captured at all.
    caps: Caps = CAPS
    #: In seconds: how long a batch is tried again, and how long closing may take.
    timeout: float = 10.0
    patience: float = 3.0


@asynccontextmanager
async def open_tracing(settings: TraceSettings, exporter: SpanExporter | None = None) -> AsyncIterator[Tracing | None]:
    """Trace until the context ends, or yield None where no endpoint is set.

    On leaving, spans that wait are sent, for `settings.patience` seconds. `exporter` stands in for one of OTLP.
    """
    with sdk_log():  # without traces too: reading a caller's context, the SDK logs what it cannot read
        if exporter is None:
            if settings.endpoint is None:
                yield None
                return
            exporter = otlp(settings.endpoint, settings.headers, settings.timeout)
        export = Export(exporter, max_queue=settings.max_queue, max_bytes=settings.max_bytes)
        spans = Spans(export, Resource.create({SERVICE_NAME: settings.service_name}), settings.sample)
        try:
            yield Tracing(spans, export, settings.caps)
        finally:
            await export.close(settings.patience)


class Tracing(Observer):
    """An `Observer` that makes spans."""

    def __init__(self, spans: Spans, export: Export, caps: Caps = CAPS) -> None:
        #: For those who make other spans of the same traces.
        self.spans = spans
        self._export = export
        self._caps = caps
        #: What has begun and not ended.
        self._open: dict[ResponseRecord, _Open] = {}

    @property
    def sent(self) -> int:
        """Spans that the collector has taken."""
        return self._export.sent

    @property
    def dropped(self) -> int:
        """Spans that the collector will never get: it did not take them, or there were too many waiting."""
        return self._export.dropped

    @property
    def waiting(self) -> int:
        """Spans that wait for the collector."""
        return self._export.waiting

    def begun(self, record: ResponseRecord) -> None:
        parent = Context() if record.trace_parent is None else record.trace_parent
        started = int(record.started_at * 1e9)
        self._open[record] = _Open(self.spans.begin(genai.OPERATION, SpanKind.CLIENT, parent, started))

    def attempt_begun(self, record: ResponseRecord, attempt: Attempt) -> None:
        of_record = self._open.get(record)
        if of_record is None:
            return
        parent = of_record.response.below(Context())
        span = of_record.attempts[attempt] = self.spans.begin(f"attempt {attempt.number}", SpanKind.CLIENT, parent)
        attempt.trace_headers = trace_headers(span.below(Context()))

    def attempt_ended(self, record: ResponseRecord, attempt: Attempt) -> None:
        of_record = self._open.get(record)
        span = None if of_record is None else of_record.attempts.pop(attempt, None)
        if span is not None:
            _end_attempt(span, attempt, attempt.outcome or Outcome.FAILED)

    def first_token(self, record: ResponseRecord) -> None:
        of_record = self._open.get(record)
        if of_record is not None:
            of_record.response.note(genai.FIRST_TOKEN)

    def ended(self, record: ResponseRecord) -> None:
        of_record = self._open.pop(record, None)
        if of_record is None:
            return
        outcome = record.outcome or Outcome.FAILED
        for attempt, span in of_record.attempts.items():
            _end_attempt(span, attempt, outcome)
        span = of_record.response
        attributes: genai.Attributes = {}
        if span.sent:
            span.name = genai.span_name(record)
            try:
                attributes = genai.of_response(record, self._caps)
            except Exception as error:
                # A trace that says less is better than a response that is lost for it.
                log_unexpected(error, request_id=record.request_id)
        span.end(attributes, failed=outcome not in _FAULTLESS)


class PassingOn(Observer):
    """An `Observer` for servers without traces of their own: providers are told the caller's trace, as it came."""

    def attempt_begun(self, record: ResponseRecord, attempt: Attempt) -> None:
        if record.trace_parent is not None:
            attempt.trace_headers = trace_headers(record.trace_parent)


def trace_headers(context: Context) -> Mapping[str, str]:
    """`traceparent` and `tracestate` for whoever is asked next. Baggage is the caller's, and no provider's business."""
    headers: dict[str, str] = {}
    _W3C.inject(headers, context)
    return headers


@dataclass(slots=True)
class _Open:
    """The spans of one response that have not ended."""

    response: OpenSpan
    attempts: dict[Attempt, OpenSpan] = field(default_factory=dict)


def _end_attempt(span: OpenSpan, attempt: Attempt, outcome: Outcome) -> None:
    attributes = genai.of_attempt(attempt, outcome) if span.sent else {}
    span.end(attributes, failed=outcome not in _FAULTLESS)
