"""Traces of responses, as a real collector gets them, and what happens when it does not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.testing import capture_logs

from antiphon.responses import v1
from server import errors
from server.telemetry.record import Attempt, Outcome, ResponseRecord, Tokens
from server.telemetry.tracing import PassingOn, TraceSettings, Tracing, open_tracing
from server.testing.otlp import Collector, collecting

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
W3C = TraceContextTextMapPropagator()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


def caller(flags: str = "01") -> Context:
    return W3C.extract({"traceparent": f"00-{TRACE}-{PARENT}-{flags}", "tracestate": "a=1"}, Context())


def begin(tracing: Tracing, *, content: bool = False, text: str = "Hello", **more: Any) -> ResponseRecord:
    request = v1.CreateResponseRequest(model="fast", input_text=text)
    record = ResponseRecord("req_1", "acme", "dev", "fast", True, request, captures_content=content, **more)
    tracing.begun(record)
    return record


def attempt(tracing: Tracing, record: ResponseRecord, number: int = 1) -> Attempt:
    made = Attempt(number, f"target_{number}", "mock", "openai", "gpt-5-mini")
    record.attempts.append(made)
    tracing.attempt_begun(record, made)
    return made


def end(tracing: Tracing, record: ResponseRecord, outcome: Outcome = Outcome.COMPLETED, **more: Any) -> None:
    record.outcome = outcome
    for name, value in more.items():
        setattr(record, name, value)
    tracing.ended(record)


def respond(tracing: Tracing, **more: Any) -> None:
    """A whole response: two spans."""
    record = begin(tracing, **more)
    made = attempt(tracing, record)
    made.outcome = Outcome.COMPLETED
    tracing.attempt_ended(record, made)
    end(tracing, record)


async def test_a_response_and_its_attempts_are_one_tree(collector: Collector) -> None:
    settings = TraceSettings(collector.endpoint, {"X-Token": "t"}, service_name="mine")
    async with open_tracing(settings) as tracing:
        assert tracing is not None
        call = tracing.spans.begin("a.B/C", SpanKind.SERVER, caller())
        record = begin(tracing, trace_parent=call.below(Context()), model_is_known=True)
        first = attempt(tracing, record, 1)
        first.outcome, first.error = Outcome.FAILED, errors.UpstreamUnavailable("secret words")
        tracing.attempt_ended(record, first)
        second = attempt(tracing, record, 2)
        tracing.first_token(record)
        second.outcome, second.first_event, second.tokens = Outcome.COMPLETED, 0.5, Tokens(3, 4)
        tracing.attempt_ended(record, second)
        end(tracing, record, tokens=second.tokens, response=v1.Response(id="resp_1"), response_id="resp_1")
        call.end({}, failed=False)
    assert (tracing.sent, tracing.dropped, tracing.waiting) == (4, 0, 0)
    (root,) = collector.roots()
    assert root.outline() == "a.B/C SERVER\n  chat fast CLIENT\n    attempt 1 CLIENT\n    attempt 2 CLIENT"
    assert {span.trace_id for span in root.walk()} == {TRACE}
    assert root.parent_id == PARENT
    assert root.resource["service.name"] == "mine"
    chat, one, two = list(root.walk())[1:]
    assert chat.attributes["gen_ai.usage.input_tokens"] == 3
    assert chat.attributes["antiphon.failovers"] == 1
    assert [event.name for event in chat.events] == ["gen_ai.first_token"]
    assert chat.started <= chat.events[0].at <= chat.ended
    assert (chat.status, one.status, two.status) == ("UNSET", "ERROR", "UNSET")
    assert one.attributes["error.type"] == "upstream_unavailable"
    assert two.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "antiphon.attempt.number": 2,
        "antiphon.attempt.target": "target_2",
        "antiphon.attempt.provider": "mock",
        "antiphon.outcome": "completed",
        "gen_ai.response.time_to_first_chunk": 0.5,
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
    }
    # Each provider is told of the attempt that it is asked in.
    assert first.trace_headers == {"traceparent": f"00-{TRACE}-{one.span_id}-01", "tracestate": "a=1"}
    assert second.trace_headers["traceparent"] == f"00-{TRACE}-{two.span_id}-01"
    assert "secret" not in repr(collector.spans)
    assert all(request["x-token"] == "t" for request in collector.requests)


@pytest.mark.parametrize("outcome", Outcome)
async def test_every_span_ends_once_however_it_ends(collector: Collector, outcome: Outcome) -> None:
    async with open_tracing(TraceSettings(collector.endpoint)) as tracing:
        assert tracing is not None
        record = begin(tracing)
        tried = attempt(tracing, record)
        end(tracing, record, outcome)  # the attempt is still under way
        tracing.attempt_ended(record, tried)
        tracing.attempt_begun(record, tried)
        tracing.first_token(record)
        tracing.ended(record)
    faultless = (Outcome.COMPLETED, Outcome.INCOMPLETE, Outcome.CANCELLED)
    assert [(span.name, span.status, span.attributes["antiphon.outcome"]) for span in collector.spans] == [
        ("attempt 1", "UNSET" if outcome in faultless else "ERROR", outcome.value),
        ("chat", "UNSET" if outcome in faultless else "ERROR", outcome.value),
    ]


async def test_of_two_ends_the_first_counts(collector: Collector) -> None:
    async with open_tracing(TraceSettings(collector.endpoint)) as tracing:
        assert tracing is not None
        span = tracing.spans.begin("a.B/C", SpanKind.SERVER, Context())
        span.end({"which": "first"}, failed=False)
        span.end({"which": "second"}, failed=True)
    (told,) = collector.spans
    assert (told.status, told.attributes) == ("UNSET", {"which": "first"})


async def test_what_is_not_sampled_is_not_sent_and_providers_are_told_so(collector: Collector) -> None:
    async with open_tracing(TraceSettings(collector.endpoint, sample=0.0)) as tracing:
        assert tracing is not None
        record = begin(tracing)
        alone = attempt(tracing, record)
        end(tracing, record)
        record = begin(tracing, trace_parent=caller("00"))
        below = attempt(tracing, record)
        end(tracing, record)
    assert not collector.spans
    assert alone.trace_headers["traceparent"][-2:] == "02"  # random, and not sampled
    assert below.trace_headers["traceparent"].startswith(f"00-{TRACE}-")
    assert below.trace_headers["traceparent"][-2:] == "00"


async def test_attributes_that_cannot_be_made_do_not_lose_the_span(collector: Collector) -> None:
    with capture_logs() as logs:
        async with open_tracing(TraceSettings(collector.endpoint)) as tracing:
            assert tracing is not None
            record = begin(tracing)
            end(tracing, record, request=None)
    (span,) = collector.spans
    assert (span.name, span.attributes) == ("chat", {})
    assert [line["error"] for line in logs] == ["AttributeError"]


async def test_without_an_endpoint_there_are_no_traces() -> None:
    async with open_tracing(TraceSettings()) as tracing:
        assert tracing is None


def test_without_traces_the_callers_own_is_passed_on() -> None:
    observer = PassingOn()
    record = ResponseRecord("r", "t", "k", "m", False, v1.CreateResponseRequest(), trace_parent=caller())
    made = Attempt(1, "m", "mock", "openai", "m")
    observer.attempt_begun(record, made)
    assert made.trace_headers == {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=1"}
    record.trace_parent, alone = None, Attempt(1, "m", "mock", "openai", "m")
    observer.attempt_begun(record, alone)
    assert alone.trace_headers == {}


def unused_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def test_a_collector_that_is_down_costs_spans_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    settings = TraceSettings(unused_endpoint(), max_queue=20, patience=0.2)
    with capture_logs() as logs:
        async with open_tracing(settings) as tracing:
            assert tracing is not None
            for _ in range(50):
                respond(tracing)
                assert tracing.waiting <= 20
            assert tracing.dropped >= 80
    assert (tracing.sent, tracing.dropped, tracing.waiting) == (0, 100, 0)
    assert {line["event"] for line in logs} <= {"telemetry trouble"}
    assert len(logs) <= 1
    assert capsys.readouterr().err == ""


async def test_a_slow_collector_fills_the_queue_and_no_more(collector: Collector) -> None:
    collector.answers.clear()
    async with open_tracing(TraceSettings(collector.endpoint, max_queue=20)) as tracing:
        assert tracing is not None
        for _ in range(10):
            respond(tracing)
        await collector.until_requests(1)  # a batch of 20 is under way, and counts
        for _ in range(10):
            respond(tracing)
        assert (tracing.waiting, tracing.dropped) == (20, 20)
        collector.answers.set()
        await collector.until_spans(20)
    assert (tracing.sent, tracing.dropped, tracing.waiting) == (20, 20, 0)


async def test_a_collector_that_refuses_is_counted_and_tried_again(collector: Collector) -> None:
    collector.refuses = grpc.StatusCode.PERMISSION_DENIED
    with capture_logs() as logs:
        async with open_tracing(TraceSettings(collector.endpoint, max_queue=4)) as tracing:
            assert tracing is not None
            for number in range(3):
                respond(tracing)
                respond(tracing)
                while tracing.waiting:  # until the refusal has come back to the exporter's thread
                    await asyncio.sleep(0)
                assert len(collector.requests) == number + 1
            assert tracing.dropped == 12
            collector.refuses = None
            respond(tracing)
    assert (tracing.sent, tracing.dropped) == (2, 12)
    # Once for the three, with the status and without anybody's words.
    assert [(line["event"], line["words"]) for line in logs] == [("telemetry trouble", ["PERMISSION_DENIED"])]


async def test_leaving_does_not_wait_for_a_collector_that_does_not_answer(collector: Collector) -> None:
    collector.answers.clear()
    async with open_tracing(TraceSettings(collector.endpoint, timeout=3600, patience=0.1)) as tracing:
        assert tracing is not None
        respond(tracing)
    assert (tracing.sent, tracing.dropped, tracing.waiting) == (0, 2, 0)
    respond(tracing)
    assert tracing.dropped == 4


async def test_content_goes_in_requests_that_collectors_take(collector: Collector) -> None:
    async with open_tracing(TraceSettings(collector.endpoint, patience=60)) as tracing:
        assert tracing is not None
        for _ in range(400):
            respond(tracing, content=True, text="word " * 10_000)
    assert (tracing.sent, tracing.dropped) == (800, 0)
    assert len(collector.requests) > 2
    assert "more characters cut" in str(collector.spans)


async def test_the_queue_is_bounded_in_bytes(collector: Collector) -> None:
    collector.answers.clear()
    async with open_tracing(TraceSettings(collector.endpoint, max_bytes=50_000)) as tracing:
        assert tracing is not None
        for _ in range(20):
            respond(tracing, content=True, text="word " * 10_000)
        assert tracing.dropped > 20
        assert tracing.waiting < 20
        collector.answers.set()
    assert tracing.sent + tracing.dropped == 40


class Raising(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise RuntimeError("secret words")

    def shutdown(self) -> None:
        """Nothing to close."""


async def test_an_exporter_that_raises_costs_spans_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    async with open_tracing(TraceSettings(), Raising()) as tracing:
        assert tracing is not None
        respond(tracing)
    assert (tracing.sent, tracing.dropped, tracing.waiting) == (0, 2, 0)
    assert capsys.readouterr().err == ""
