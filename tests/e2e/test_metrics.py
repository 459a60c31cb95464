"""The metrics that are registered, and those that a running server tells, are the same."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2e_asking import hear
from e2e_books import until
from e2e_faults import FAULTS
from e2e_layouts import PROMPT, Layout, metadata, open_layout
from e2e_stage import Stage, Theatre, answering
from prometheus_client.parser import text_string_to_metric_families

from antiphon.responses import v1
from server.telemetry.registry import METRICS, Kind, check
from server.testing import wire
from server.testing.background import Background
from server.testing.otlp import collecting
from server.testing.upstream import Exchange, sse

#: Those that stay at zero as long as all is well behind the calls' backs.
AT_REST = {
    "antiphon_limiter_failures_total",
    "antiphon_limiter_fallbacks_total",
    "antiphon_limiter_unsent_total",
    "antiphon_usage_queue_entries",
    "antiphon_usage_dropped_total",
    "antiphon_span_queue_spans",
    "antiphon_spans_dropped_total",
    "antiphon_log_queue_lines",
    "antiphon_log_lines_dropped_total",
    "antiphon_metric_exports_failed_total",
    "antiphon_responses_in_flight",
    "antiphon_background_responses",
    "antiphon_connections_open",
    "python_gc_objects_collected_total",
    "python_gc_objects_uncollectable_total",
    "python_gc_collections_total",
}


def told(layout: Layout) -> dict[str, dict[str, float]]:
    """By the metric's name, its labels and their largest value."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(layout.admin("/metrics").decode()):
        for sample in family.samples:
            name = sample.name
            if family.type == "histogram":
                name = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
            labels = found.setdefault(name, {"": 0.0})
            labels[""] = max(labels[""], sample.value)
            labels |= dict.fromkeys(set(sample.labels) - {"le"}, 0.0)
    return found


def test_a_running_server_tells_every_metric(
    background: Background, theatre: Theatre, up: Stage, tmp_path: Path
) -> None:
    async def halting(exchange: Exchange) -> None:
        """The first half, and the other once it is sure to be read by itself."""
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, wire.TEXT[:5])))
        for _ in range(16):
            await exchange.body(b":" * (1 << 20) + b"\n\n")
        await exchange.end(b"".join(map(sse, wire.TEXT[5:])))

    async def script(exchange: Exchange) -> None:
        model = exchange.request.json["model"]
        if model == up.model:
            await halting(exchange)
        elif model == "spare" or len([r for r in up.requests if r.json["model"] == model]) > 1:
            await answering(wire.TEXT)(exchange)
        else:
            await FAULTS["529"].script(exchange)

    for name in ("once-plain", "spare", "again-plain-gRPC"):
        theatre.open(name, up)
    up.answer(script)
    with (
        background.using(collecting()) as collector,
        background.using(open_layout("one process", tmp_path, theatre.base_url, otlp=collector.endpoint)) as layout,
    ):
        for model in ("cooling", "again-plain-gRPC", "limited", "limited"):
            hear(layout, "gRPC", model, model=model, input=PROMPT)
        hear(layout, "HTTP-stream", "halting", model=up.model, input=PROMPT)
        # More names than a label has room for.
        with layout.channel() as channel, ThreadPoolExecutor(8) as pool:
            stub = v1.ResponsesServiceStub(channel)

            def call(number: int) -> None:
                request = v1.CreateResponseRequest(model=f"echo-{number}", input_text="x", store=False)
                stub.CreateResponse(request, metadata=metadata())

            list(pool.map(call, range(210)))
        layout.server.process.send_signal(signal.SIGHUP)
        until(lambda: told(layout)["antiphon_config_reloads_total"][""])
        found = told(layout)
        registered = {metric.name: [label.name for label in metric.labels] for metric in METRICS}
        assert check({name: set(labels) - {""} for name, labels in found.items()}, registered) == []
        assert {name for name, labels in found.items() if not labels[""]} <= AT_REST
    # Over OTLP, at the end, they are the same.
    exported = {metric.name for metric in collector.metrics}
    assert {metric.name for metric in METRICS} - AT_REST <= exported
    kinds = {metric.name: metric.WhichOneof("data") for metric in collector.metrics}
    expected = {Kind.COUNTER: "sum", Kind.GAUGE: "gauge", Kind.HISTOGRAM: "histogram"}
    assert {metric.name for metric in METRICS if kinds.get(metric.name, "") not in ("", expected[metric.kind])} == set()
