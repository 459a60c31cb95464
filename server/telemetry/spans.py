"""Spans at a third of what the SDK's own cost: one that has ended is the SDK's `ReadableSpan`, an open one is ours.

Attributes are taken as they are, once, at the end. So they must be of the right types, and bounded by whoever makes
them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

Value: TypeAlias = str | bool | int | float | Sequence[str]
Attributes: TypeAlias = Mapping[str, Value]

_SCOPE: Final = InstrumentationScope("antiphon")
_IDS: Final = RandomIdGenerator()
_SENT: Final = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_NOT_SENT: Final = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
#: Without descriptions: messages of errors may quote a request.
_OK: Final = Status(StatusCode.UNSET)
_FAILED: Final = Status(StatusCode.ERROR)


class Spans:
    """Makes spans. Those of a caller's trace are sent if the caller's are; of other traces the part `sample`."""

    def __init__(self, sink: SpanProcessor, resource: Resource, sample: float) -> None:
        self._sink = sink
        self._resource = resource
        self._sampler = TraceIdRatioBased(sample)

    def begin(self, name: str, kind: SpanKind, within: Context, started: int | None = None) -> OpenSpan:
        """A span that begins now, or did `started` nanoseconds after 1970."""
        parent: SpanContext | None = get_current_span(within).get_span_context()
        if parent is not None and parent.is_valid:
            context = SpanContext(
                parent.trace_id, _IDS.generate_span_id(), False, parent.trace_flags, parent.trace_state
            )
        else:
            parent = None
            trace_id = _IDS.generate_trace_id()
            sampled = self._sampler.should_sample(None, trace_id, name).decision is Decision.RECORD_AND_SAMPLE
            context = SpanContext(trace_id, _IDS.generate_span_id(), False, _SENT if sampled else _NOT_SENT)
        return OpenSpan(self._sink, self._resource, name, kind, context, parent, started or time.time_ns())


class OpenSpan:
    """A span that has begun."""

    __slots__ = ("_events", "_kind", "_parent", "_resource", "_sink", "_started", "context", "name", "sent")

    def __init__(
        self,
        sink: SpanProcessor,
        resource: Resource,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        started: int,
    ) -> None:
        self._sink: SpanProcessor | None = sink
        self._resource = resource
        self._kind = kind
        self._parent = parent
        self._started = started
        self._events: list[Event] = []
        self.name = name
        self.context = context
        #: Whether it will be sent. If not, nobody will see its attributes.
        self.sent = context.trace_flags.sampled

    def below(self, context: Context) -> Context:
        """The context, for what happens within this span."""
        return set_span_in_context(NonRecordingSpan(self.context), context)

    def note(self, event: str) -> None:
        """Take down that something happened now."""
        if self.sent:
            self._events.append(Event(event, timestamp=time.time_ns()))

    def end(self, attributes: Attributes, *, failed: bool) -> None:
        """End it now. Only the first time counts."""
        sink, self._sink = self._sink, None
        if sink is None or not self.sent:
            return
        sink.on_end(
            ReadableSpan(
                name=self.name,
                context=self.context,
                parent=self._parent,
                resource=self._resource,
                attributes=attributes,
                events=self._events,
                kind=self._kind,
                status=_FAILED if failed else _OK,
                start_time=self._started,
                end_time=time.time_ns(),
                instrumentation_scope=_SCOPE,
            )
        )
