"""Exports metrics over OTLP, to a collector that may be slow or gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import grpc
import grpc.aio
import structlog
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.samples import Sample

from server.telemetry.log import log_unexpected
from server.telemetry.registry import METRICS

_log = structlog.get_logger()

_UNITS: Final = {metric.name: metric.unit for metric in METRICS}
_SCOPE: Final = "antiphon"


@dataclass(slots=True)
class OtlpMetrics:
    """What came of the exports."""

    #: Exports that did not succeed: for `antiphon_metric_exports_failed_total`.
    failed: int = 0


@asynccontextmanager
async def exporting(
    registry: CollectorRegistry,
    endpoint: str,
    *,
    interval: float = 60.0,
    timeout: float = 10.0,  # noqa: ASYNC109  of each export, not of this context
    patience: float = 3.0,
    headers: Mapping[str, str] | None = None,
    resource: Mapping[str, str] | None = None,
) -> AsyncIterator[OtlpMetrics]:
    """Export all metrics every `interval` seconds, and once more at the end, which may take `patience` seconds.

    `endpoint` is `http://HOST:PORT`, or `https://HOST:PORT` for TLS; raises
    `ValueError` for anything else. Exports take `timeout` seconds at most, and
    one that does not succeed is counted and is not made up for: sums are
    cumulative, so that the next one says it all. `resource` describes this
    process, such as `service.name`; `headers` may hold secrets, which are told
    to nobody but the collector.
    """
    channel = _channel(endpoint)
    exporter = _Exporter(registry, channel, timeout, headers or {}, resource or {})
    running = asyncio.create_task(exporter.run(interval))
    try:
        yield exporter.state
    finally:
        running.cancel()
        await asyncio.wait({running})
        await exporter.export(min(timeout, patience))
        await channel.close()


def _channel(endpoint: str) -> grpc.aio.Channel:
    scheme, separator, target = endpoint.partition("://")
    target = target.removesuffix("/")
    if not separator or scheme not in ("http", "https") or not target or "/" in target or "@" in target:
        raise ValueError("The endpoint of OTLP is http://HOST:PORT or https://HOST:PORT.")
    if scheme == "https":
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials())
    return grpc.aio.insecure_channel(target)


class _Exporter:
    def __init__(
        self,
        registry: CollectorRegistry,
        channel: grpc.aio.Channel,
        timeout: float,
        headers: Mapping[str, str],
        resource: Mapping[str, str],
    ) -> None:
        self.state = OtlpMetrics()
        self._registry = registry
        self._stub = metrics_service_pb2_grpc.MetricsServiceStub(channel)  # type: ignore[no-untyped-call]
        self._timeout = timeout
        self._headers = tuple((name.lower(), value) for name, value in headers.items())
        self._resource = resource
        self._began = time.time_ns()
        #: Failures since the last success.
        self._outage = 0

    async def run(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self.export(self._timeout)

    async def export(self, seconds: float) -> None:
        """Export once, within so many seconds. Raises nothing but cancellation."""
        try:
            # Reading and writing thousands of series takes too long for the event loop.
            request = await asyncio.to_thread(self._request)
            await self._stub.Export(request, timeout=seconds, metadata=self._headers)
        except grpc.aio.AioRpcError as error:
            self._failed()
            if self._outage == 1:
                _log.warning("metrics not exported", code=error.code().name)
        except Exception as error:
            self._failed()
            if self._outage == 1:
                log_unexpected(error)
        else:
            if self._outage:
                _log.info("metrics exported again", failed=self._outage)
            self._outage = 0

    def _failed(self) -> None:
        self.state.failed += 1
        self._outage += 1

    def _request(self) -> metrics_service_pb2.ExportMetricsServiceRequest:
        metrics = to_otlp(self._registry.collect(), self._began, time.time_ns())
        scope = metrics_pb2.ScopeMetrics(scope=common_pb2.InstrumentationScope(name=_SCOPE), metrics=metrics)
        resource = metrics_pb2.ResourceMetrics(scope_metrics=[scope])
        resource.resource.attributes.extend(_attributes(self._resource))
        return metrics_service_pb2.ExportMetricsServiceRequest(resource_metrics=[resource])


def to_otlp(families: Iterable[Family], began: int, now: int) -> list[metrics_pb2.Metric]:
    """Families as OTLP's metrics, under the names that Prometheus knows; times in nanoseconds since 1970."""
    return [_metric(family, began, now) for family in families if family.samples]


def _metric(family: Family, began: int, now: int) -> metrics_pb2.Metric:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    metric = metrics_pb2.Metric(name=name, description=family.documentation, unit=_UNITS.get(name, ""))
    if family.type == "histogram":
        metric.histogram.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.histogram.data_points.extend(_distributions(family, began, now))
        return metric
    points = (
        metrics_pb2.NumberDataPoint(
            attributes=_attributes(sample.labels),
            start_time_unix_nano=began if family.type == "counter" else 0,
            time_unix_nano=now,
            as_double=sample.value,
        )
        for sample in family.samples
    )
    if family.type == "counter":
        metric.sum.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.sum.is_monotonic = True
        metric.sum.data_points.extend(points)
    else:
        metric.gauge.data_points.extend(points)
    return metric


def _distributions(family: Family, began: int, now: int) -> Iterator[metrics_pb2.HistogramDataPoint]:
    """The series of a histogram: Prometheus counts what is up to each bound, OTLP what is between two."""
    series: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in family.samples:
        labels = tuple((name, value) for name, value in sample.labels.items() if name != "le")
        series.setdefault(labels, []).append(sample)
    for labels, samples in series.items():
        point = metrics_pb2.HistogramDataPoint(
            attributes=_attributes(dict(labels)), start_time_unix_nano=began, time_unix_nano=now
        )
        below = 0
        for sample in samples:
            if sample.name.endswith("_sum"):
                point.sum = sample.value
            elif sample.name.endswith("_count"):
                point.count = int(sample.value)
            elif sample.name.endswith("_bucket"):
                point.bucket_counts.append(int(sample.value) - below)
                below = int(sample.value)
                if sample.labels["le"] != "+Inf":
                    point.explicit_bounds.append(float(sample.labels["le"]))
        yield point


def _attributes(values: Mapping[str, str]) -> list[common_pb2.KeyValue]:
    return [
        common_pb2.KeyValue(key=name, value=common_pb2.AnyValue(string_value=value)) for name, value in values.items()
    ]
