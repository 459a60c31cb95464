"""The way of finished spans to a collector: on a thread of its own, bounded, and counted where they get lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from server.telemetry.content import CONTENT_SIZE

#: Spans that are sent in one request, and about how many bytes of them: collectors take requests up to 4 MiB.
_MAX_BATCH: Final = 512
_MAX_BATCH_BYTES: Final = 2 << 20
#: Seconds between requests while fewer spans than that are waiting.
_PERIOD: Final = 1.0
#: What a span takes beside content, in bytes, about.
_SPAN_BYTES: Final = 2_048


class Export(BatchSpanProcessor):
    """Hands spans to an exporter, as long as no more than `max_queue` of them, and `max_bytes`, are waiting or under
    way. What is beyond that, and what the exporter fails to send, is dropped and counted."""

    def __init__(self, exporter: SpanExporter, *, max_queue: int, max_bytes: int) -> None:
        self._counting = _Counting(exporter)
        super().__init__(
            self._counting,
            # One more than there ever are, so that the queue itself never drops any, which it would not count.
            max_queue_size=max_queue + 1,
            schedule_delay_millis=_PERIOD * 1000,
            max_export_batch_size=min(_MAX_BATCH, max_queue),
        )
        self._max_queue = max_queue
        self._max_bytes = max_bytes
        self._taken = 0
        self._taken_bytes = 0
        self._overflowed = 0
        self._closed = False

    @property
    def sent(self) -> int:
        """Spans that a collector has taken."""
        return self._counting.sent

    @property
    def dropped(self) -> int:
        """Spans that no collector will ever get."""
        return self._overflowed + self._counting.failed

    @property
    def waiting(self) -> int:
        """Spans that are queued or under way."""
        return self._taken - self._counting.sent - self._counting.failed

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        size = _size(span)
        held = self._taken_bytes - self._counting.handled_bytes
        if self._closed or self.waiting >= self._max_queue or (held and held + size > self._max_bytes):
            self._overflowed += 1
            return
        self._taken += 1
        self._taken_bytes += size
        super().on_end(span)

    async def close(self, patience: float) -> None:
        """Send what is waiting, for so many seconds; what is left then is dropped and counted."""
        self._closed = True
        closing = asyncio.get_running_loop().run_in_executor(None, self.shutdown)
        try:
            await asyncio.wait({closing}, timeout=patience)
        finally:
            # Ends a request that is under way, and the waiting before the next try.
            self._counting.abandon()
        await closing


class _Counting(SpanExporter):
    """An exporter that counts. Its numbers are written by the exporting thread alone."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._abandoned = False
        self.sent = 0
        self.failed = 0
        self.handled_bytes = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for batch, size in _batches(spans):
            succeeded = not self._abandoned and self._try(batch)
            if succeeded:
                self.sent += len(batch)
            else:
                self.failed += len(batch)
            self.handled_bytes += size
        return SpanExportResult.SUCCESS  # what failed is counted here

    def shutdown(self) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Send no more."""
        if not self._abandoned:
            self._abandoned = True
            self._exporter.shutdown()

    def _try(self, batch: Sequence[ReadableSpan]) -> bool:
        try:
            return self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception:
            # Whatever an exporter may raise, the spans are lost, and the thread that sends them must go on.
            return False


def otlp(endpoint: str, headers: Mapping[str, str], timeout: float) -> SpanExporter:
    """An exporter to a collector that speaks OTLP over gRPC: `http://HOST:PORT`, `https://...`, or HOST:PORT without
    TLS. A batch is tried again for `timeout` seconds."""
    secure = endpoint.startswith("https://")
    told = {name.lower(): value for name, value in headers.items()}
    return OTLPSpanExporter(endpoint=endpoint, insecure=not secure, headers=told, timeout=timeout)


def _size(span: ReadableSpan) -> int:
    """About how many bytes a span takes."""
    attributes = span.attributes
    size = attributes.get(CONTENT_SIZE) if attributes else None
    return _SPAN_BYTES + size if isinstance(size, int) else _SPAN_BYTES


def _batches(spans: Sequence[ReadableSpan]) -> Iterator[tuple[Sequence[ReadableSpan], int]]:
    """The spans in batches that a collector takes, with the size of each."""
    batch: list[ReadableSpan] = []
    total = 0
    for span in spans:
        size = _size(span)
        if batch and total + size > _MAX_BATCH_BYTES:
            yield batch, total
            batch, total = [], 0
        batch.append(span)
        total += size
    if batch:
        yield batch, total
