"""The spans that are registered, and those that are sent, are the same: both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import NotFound, UpstreamError
from server.inprocess import InProcessChannel
from server.interceptors.errors import Errors
from server.interceptors.request_id import RequestId
from server.interceptors.tracing import Tracing as CallTracing
from server.telemetry.content import CAPS, Caps
from server.telemetry.record import Attempt, Outcome, ResponseRecord, Tokens
from server.telemetry.registry import SPANS, check
from server.telemetry.tracing import TraceSettings, Tracing, open_tracing

METHOD = "antiphon.responses.v1.ResponsesService/CreateResponse"
#: What the names of spans are made of.
NAMES = {METHOD: "{rpc.method}", "chat fast": "chat {model}", "attempt 1": "attempt {number}"}
CONTENT: list[dict[str, Any]] = [
    {"type": "input_text", "text": "Compare."},
    {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
    {"type": "input_video", "video_url": "https://example.com/a.mp4"},
    {"type": "input_file", "file_id": "file_1", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"},
    {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
]
CALL = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"}
REQUEST = {
    "model": "fast",
    "instructions": "Be brief.",
    "input": [
        {"type": "message", "role": "user", "content": CONTENT},
        CALL,
        {"type": "function_call_output", "call_id": "call_1", "output": "3"},
    ],
    "tools": [{"type": "function", "name": "weather", "parameters": {}, "strict": True}],
    "metadata": {"team": "a"},
    "temperature": 0.5,
    "top_p": 0.25,
    "max_output_tokens": 64,
    "frequency_penalty": 1.0,
    "presence_penalty": -1.0,
    "service_tier": "flex",
    "user": "u-1",
    "safety_identifier": "s-1",
    "previous_response_id": "resp_0",
    "conversation": "conv_1",
    "text": {"format": {"type": "json_object"}},
    "reasoning": {"effort": "low"},
    "prompt": {"id": "pmpt_1", "version": "2"},
}
#: Content of every kind, and text alone, which is told in another way.
OUTPUTS = (
    list(openai_json.decode(orjson.dumps(REQUEST), v1.CreateResponseRequest).input[:2]),
    [v1.Item(message=v1.Message(role="assistant", content_text="Sunny."))],
)


class Refusing(grpc.GenericRpcHandler):
    """A method that refuses."""

    def service(self, details: Any) -> Any:
        async def refuse(request: bytes, context: Any) -> bytes:
            raise NotFound("No.")

        return grpc.unary_unary_rpc_method_handler(refuse)


def respond(tracing: Tracing, output: Sequence[v1.Item], *, content: bool) -> None:
    """A response that was asked for in every way."""
    request = openai_json.decode(orjson.dumps(REQUEST), v1.CreateResponseRequest)
    record = ResponseRecord("req_1", "acme", "dev", "fast", True, request, captures_content=content)
    record.model_is_known = True
    tracing.begun(record)
    attempt = Attempt(1, "fast", "mock", "openai", "gpt-5-mini")
    record.attempts.append(attempt)
    tracing.attempt_begun(record, attempt)
    tracing.first_token(record)
    record.events = 3
    record.first_event = attempt.first_event = 0.1
    record.outcome = attempt.outcome = Outcome.FAILED
    record.error = attempt.error = UpstreamError("No.")
    record.tokens = attempt.tokens = Tokens(5, 6, cached=1, cache_write=2, reasoning=3, estimated=True)
    tracing.attempt_ended(record, attempt)
    record.response = v1.Response(id="resp_1", service_tier="flex", output=output)
    tracing.ended(record)


async def spans_of_a_response(*, content: bool, caps: Caps = CAPS) -> Sequence[ReadableSpan]:
    exporter = InMemorySpanExporter()
    async with open_tracing(TraceSettings(caps=caps), exporter) as tracing:
        assert tracing is not None
        for output in OUTPUTS:
            respond(tracing, output, content=content)
    return exporter.get_finished_spans()


async def spans_of_a_call() -> Sequence[ReadableSpan]:
    exporter = InMemorySpanExporter()
    async with open_tracing(TraceSettings(), exporter) as tracing:
        assert tracing is not None
        channel = InProcessChannel([Refusing()], (CallTracing(tracing.spans), Errors(), RequestId()))
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary(f"/{METHOD}")(b"")
    return exporter.get_finished_spans()


def attributes(spans: Sequence[ReadableSpan]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for span in spans:
        found.setdefault(NAMES[span.name], set()).update(span.attributes or {})
    return found


async def test_what_is_sent_is_what_is_registered() -> None:
    spans = [
        *await spans_of_a_call(),
        *await spans_of_a_response(content=True),
        *await spans_of_a_response(content=True, caps=Caps(total=10)),
    ]
    registered = {span.name: [attribute.name for attribute in span.attributes] for span in SPANS}
    assert check(attributes(spans), registered) == []
    assert {event.name for span in spans for event in span.events} == {
        event.name for span in SPANS for event in span.events
    }
    kinds = {(NAMES[span.name], span.kind.name.lower()) for span in spans}
    assert kinds == {(span.name, span.kind) for span in SPANS}


async def test_content_is_what_is_registered_as_content() -> None:
    without, held, cut = (
        attributes(spans)
        for spans in (
            await spans_of_a_response(content=False),
            await spans_of_a_response(content=True),
            await spans_of_a_response(content=True, caps=Caps(total=10)),
        )
    )
    content = {"chat": (held["chat {model}"] | cut["chat {model}"]) - without["chat {model}"]}
    assert check(content, {"chat": [a.name for span in SPANS for a in span.attributes if a.content]}) == []
    assert held["attempt {number}"] == without["attempt {number}"]
