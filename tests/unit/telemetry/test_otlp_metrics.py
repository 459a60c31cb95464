"""Metrics over OTLP, to a collector that speaks the wire: one that is there, slow, failing or gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.metrics.v1 import metrics_pb2

from server.telemetry.metrics import Metrics
from server.telemetry.otlp_metrics import exporting
from server.telemetry.registry import METRICS

#: Longer than any test: what is exported is the one at the end.
NEVER = 1000.0
Logs = list[MutableMapping[str, Any]]


class Collector(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Keeps what it is sent, unless it is to fail or to hang for the next `failures` exports."""

    def __init__(self, failures: int = 0, hangs: bool = False) -> None:
        self.got: asyncio.Queue[metrics_service_pb2.ExportMetricsServiceRequest] = asyncio.Queue()
        self.metadata: dict[str, str] = {}
        self._failures = failures
        self._hangs = hangs

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.metadata = dict(context.invocation_metadata())
        if self._failures:
            self._failures -= 1
            if self._hangs:
                await asyncio.get_running_loop().create_future()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "CANARY")
        self.got.put_nowait(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


@asynccontextmanager
async def serving(collector: Collector) -> AsyncIterator[str]:
    server = grpc.aio.server()
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop(None)


def by_name(request: metrics_service_pb2.ExportMetricsServiceRequest) -> dict[str, metrics_pb2.Metric]:
    return {metric.name: metric for metric in request.resource_metrics[0].scope_metrics[0].metrics}


def labels(point: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in point.attributes}


async def test_everything_arrives() -> None:
    metrics = Metrics()
    metrics.reload("refused")
    metrics.watch("antiphon_usage_queue_entries", lambda: 4)
    for seconds in (0.0005, 0.003, 0.003, 100.0):
        metrics.loop_lag(seconds)
    for _ in range(2):
        metrics.store("put", 0.0002, True)
    collector = Collector()
    async with (
        serving(collector) as endpoint,
        exporting(
            metrics.registry,
            endpoint,
            interval=NEVER,
            headers={"X-Api-Key": "secret"},
            resource={"service.name": "antiphon"},
        ) as state,
    ):
        pass
    assert state.failed == 0
    request = collector.got.get_nowait()
    assert collector.got.empty()
    assert collector.metadata["x-api-key"] == "secret"
    assert labels(request.resource_metrics[0].resource) == {"service.name": "antiphon"}
    found = by_name(request)
    assert set(found) <= {metric.name for metric in METRICS}

    reloads = found["antiphon_config_reloads_total"]
    assert reloads.unit == "{reload}"
    assert reloads.sum.is_monotonic
    assert reloads.sum.aggregation_temporality == metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert {labels(point)["result"]: point.as_double for point in reloads.sum.data_points}["refused"] == 1
    assert all(0 < point.start_time_unix_nano < point.time_unix_nano for point in reloads.sum.data_points)

    assert found["antiphon_usage_queue_entries"].gauge.data_points[0].as_double == 4
    assert found["process_cpu_seconds_total"].sum.data_points

    lag = found["antiphon_event_loop_lag_seconds"]
    assert lag.histogram.aggregation_temporality == metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
    (point,) = lag.histogram.data_points
    assert (point.count, point.sum) == (4, pytest.approx(100.0065))
    assert list(point.bucket_counts) == [1, 0, 2, *[0] * 11, 1]
    assert len(point.explicit_bounds) == len(point.bucket_counts) - 1

    put = [p for p in found["antiphon_store_duration_seconds"].histogram.data_points if labels(p)["operation"] == "put"]
    assert {labels(point)["outcome"]: point.count for point in put} == {"ok": 2}


async def test_sums_are_cumulative() -> None:
    metrics = Metrics()
    collector = Collector()
    async with serving(collector) as endpoint, exporting(metrics.registry, endpoint, interval=0.01):
        first = by_name(await collector.got.get())
        metrics.reload("applied")
        while True:
            later = by_name(await collector.got.get())
            points = {labels(p)["result"]: p for p in later["antiphon_config_reloads_total"].sum.data_points}
            if points["applied"].as_double == 1:
                break
    before = {labels(p)["result"]: p for p in first["antiphon_config_reloads_total"].sum.data_points}
    assert before["applied"].as_double == 0
    assert before["applied"].start_time_unix_nano == points["applied"].start_time_unix_nano


async def test_an_outage_is_told_once_and_its_end_too(logs: Logs) -> None:
    collector = Collector(failures=3)
    async with serving(collector) as endpoint, exporting(Metrics().registry, endpoint, interval=0.01) as state:
        await collector.got.get()
        await collector.got.get()
        assert state.failed == 3
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("metrics not exported", "warning"),
        ("metrics exported again", "info"),
    ]
    assert (logs[0]["code"], logs[1]["failed"]) == ("UNAVAILABLE", 3)
    assert "CANARY" not in str(logs)


async def test_a_slow_collector_is_given_up(logs: Logs) -> None:
    collector = Collector(failures=1, hangs=True)
    async with (
        serving(collector) as endpoint,
        exporting(Metrics().registry, endpoint, interval=0.01, timeout=0.1) as state,
    ):
        await collector.got.get()
        assert state.failed == 1
    assert logs[0]["code"] == "DEADLINE_EXCEEDED"


async def test_the_end_does_not_wait_for_a_collector_that_does_not_answer(logs: Logs) -> None:
    collector = Collector(failures=1, hangs=True)
    async with (
        serving(collector) as endpoint,
        exporting(Metrics().registry, endpoint, interval=NEVER, timeout=3600, patience=0.1) as state,
    ):
        pass
    assert state.failed == 1
    assert logs[0]["code"] == "DEADLINE_EXCEEDED"


async def test_a_collector_that_is_gone_harms_nothing(logs: Logs) -> None:
    async with serving(Collector()) as endpoint:
        pass
    async with exporting(Metrics().registry, endpoint, interval=NEVER, timeout=5) as state:
        pass
    assert state.failed == 1
    assert [line["event"] for line in logs] == ["metrics not exported"]


async def test_metrics_that_cannot_be_read_are_no_reason_to_stop(logs: Logs) -> None:
    class Sick:
        """Fails the first time."""

        times = 0

        def collect(self) -> Any:
            self.times += 1
            if self.times == 1:
                raise KeyError("CANARY")
            return []

    metrics = Metrics()
    metrics.registry.register(Sick())  # type: ignore[arg-type]
    collector = Collector()
    async with serving(collector) as endpoint, exporting(metrics.registry, endpoint, interval=0.01) as state:
        await collector.got.get()
        assert state.failed == 1
    assert [line["event"] for line in logs] == ["unexpected error", "metrics exported again"]
    assert "CANARY" not in str(logs)


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:4317", "grpc://127.0.0.1:4317", "http://", "http://a/b", "http://u:secret@a:1", ""]
)
async def test_odd_endpoints_are_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint of OTLP") as raised:
        async with exporting(Metrics().registry, endpoint):
            pass
    assert "secret" not in str(raised.value)
