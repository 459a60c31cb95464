"""All that looks at what the server does: usage, metrics, traces and logs, opened as the configuration says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from opentelemetry.sdk.trace.export import SpanExporter

from server.config import Config
from server.engine.making.balance import Balance
from server.interceptors import Ended, Watcher
from server.limits.base import Limiter, Refusal, Reservation
from server.stores.base import ResponseStore, UsageLedger
from server.telemetry import log, loop_lag, otlp_metrics
from server.telemetry.call_log import DetachedLog, log_call
from server.telemetry.metrics import Metrics
from server.telemetry.observers import Observers
from server.telemetry.record import Observer, ResponseRecord
from server.telemetry.spans import Spans
from server.telemetry.timed_store import timed
from server.telemetry.tracing import PassingOn, TraceSettings, open_tracing
from server.usage.writer import UsageWriter

_SERVICE = "antiphon"


@dataclass(frozen=True, slots=True)
class Observing:
    """Who is told of what."""

    #: Of responses.
    observer: Observer
    #: Of counts of tokens, which are no responses: their limits' decisions are counted, and no more.
    of_counts: Observer
    #: Of calls.
    watcher: Watcher
    #: What makes spans of calls; None where nothing is traced.
    spans: Spans | None


@asynccontextmanager
async def observing(
    config: Config,
    metrics: Metrics,
    store: ResponseStore,
    limiter: Limiter,
    balance: Balance,
    *,
    exporter: SpanExporter | None = None,
) -> AsyncIterator[Observing]:
    """Observe until the context ends; what waits to be written or sent then is, for some seconds.

    `store` is the one that keeps the ledger of usage, if it keeps one; `exporter` stands in for that of spans over
    OTLP.
    """
    async with AsyncExitStack() as stack:
        observers: list[Observer] = [metrics, DetachedLog()]
        if isinstance(store, UsageLedger):
            observers.append(await stack.enter_async_context(_writing_usage(config, metrics, store)))
        otlp = config.telemetry.otlp
        settings = TraceSettings(
            endpoint=otlp.endpoint if otlp.traces else None, headers=otlp.headers, sample=config.telemetry.sample
        )
        tracing = await stack.enter_async_context(open_tracing(settings, exporter))
        if otlp.endpoint is not None and otlp.metrics:
            exporting = otlp_metrics.exporting(
                metrics.registry, otlp.endpoint, headers=otlp.headers, resource={"service.name": _SERVICE}
            )
            exported = await stack.enter_async_context(exporting)
            metrics.watch("antiphon_metric_exports_failed_total", lambda: exported.failed)
        observers.append(tracing or PassingOn())
        if tracing is not None:
            metrics.watch("antiphon_span_queue_spans", lambda: tracing.waiting)
            metrics.watch("antiphon_spans_dropped_total", lambda: tracing.dropped)
        for fault in ("failures", "fallbacks", "unsent"):
            metrics.watch(f"antiphon_limiter_{fault}_total", lambda fault=fault: limiter.counts[fault])  # type: ignore[misc]
        metrics.watch("antiphon_targets_cooling", balance.cooling)
        metrics.watch("antiphon_log_queue_lines", log.lines_queued)
        metrics.watch("antiphon_log_lines_dropped_total", log.lines_dropped)
        await stack.enter_async_context(loop_lag.measuring(metrics.loop_lag))

        def watch(ended: Ended) -> None:
            metrics.rpc(ended.method, ended.code.name, ended.seconds)
            caller = ended.observed.caller
            log_call(
                ended.method,
                ended.code.name,
                ended.seconds,
                ended.observed.record,
                request_id=ended.request_id,
                tenant="" if caller is None else caller.tenant,
                key="" if caller is None else caller.key_name,
                error=ended.error,
            )

        of_counts = Observers([_LimitsOnly(metrics), PassingOn()])
        yield Observing(Observers(observers), of_counts, watch, None if tracing is None else tracing.spans)


class _LimitsOnly(Observer):
    """Counts what limits decide, and nothing else."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def limited(self, record: ResponseRecord, decision: Reservation | Refusal) -> None:
        self._metrics.limited(record, decision)


def expect(metrics: Metrics, config: Config) -> None:
    """Have the names of a configuration told apart in metrics, before those that callers make up within wildcards."""
    metrics.expect("model", config.models)
    metrics.expect("target", config.models)
    metrics.expect("provider", config.providers)
    metrics.expect("tenant", [*config.tenants, *(key.tenant for key in config.keys)])


@asynccontextmanager
async def _writing_usage(config: Config, metrics: Metrics, ledger: UsageLedger) -> AsyncIterator[UsageWriter]:
    retention = config.usage.retention
    writer = UsageWriter(
        timed(ledger, metrics.store), retention=None if retention is None else retention.total_seconds()
    )
    metrics.watch("antiphon_usage_queue_entries", lambda: writer.waiting)
    metrics.watch("antiphon_usage_dropped_total", lambda: writer.dropped)
    try:
        yield writer
    finally:
        await writer.close()
