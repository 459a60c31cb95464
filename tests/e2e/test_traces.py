"""The one trace of a call, through bridge, server and provider, as a collector gets it."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import grpc
import pytest
from e2e_asking import Heard, hear
from e2e_books import entries, lines, until
from e2e_faults import FAULTS, TOLD
from e2e_layouts import CANARY, KEY_A, KEY_B, LAYOUTS, PROMPT, WAYS, Layout, open_layout
from e2e_stage import Stage, Theatre, answering
from e2e_surfaces import Door, Surface

from antiphon.responses import v1
from server.testing import wire
from server.testing.background import Background
from server.testing.otlp import Collector, Span, collecting
from server.testing.upstream import Exchange, hang, hang_after

PARENT = "b7ad6b7169203331"
SERVICE = "antiphon.responses.v1.ResponsesService"
#: What the bridge's span says of a request, by the code of its call: the status, and the type of an error.
STATUSES = {
    "OK": (200, None),
    "NOT_FOUND": (404, None),
    "RESOURCE_EXHAUSTED": (429, None),
    "UNAVAILABLE": (502, "502"),
    "DEADLINE_EXCEEDED": (504, "504"),
}
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 15},
    "total_tokens": 120,
}
ANSWER = wire.stream([wire.message_events(["Hello"])], wire.ended("completed", [wire.message("Hello")], usage=USAGE))


class Traced:
    """A layout whose processes send their spans to a collector."""

    def __init__(self, layout: Layout, collector: Collector) -> None:
        self.layout = layout
        self.collector = collector
        #: By trace, the spans that it came to in the end: there are no others.
        self.expected: dict[str, str] = {}

    def outline(self, way: str, chat: str, attempts: int) -> str:
        """The tree of a call of one response."""
        method = f"{SERVICE}/{'StreamCreateResponse' if way.endswith('-stream') else 'CreateResponse'}"
        names = [f"{method} SERVER", f"{chat} CLIENT"]
        if way.startswith("HTTP") and self.layout.is_split:
            names = ["POST /v1/responses SERVER", f"{method} CLIENT", *names]
        tree = [f"{'  ' * depth}{name}" for depth, name in enumerate(names)]
        tree += [f"{'  ' * len(names)}attempt {number} CLIENT" for number in range(1, attempts + 1)]
        return "\n".join(tree)

    def tree(self, trace_id: str, way: str, chat: str, attempts: int) -> list[Span]:
        """Wait for the trace of a call of one response, and check its form: its spans, parents first."""
        outline = self.expected[trace_id] = self.outline(way, chat, attempts)
        count = outline.count("\n") + 1
        until(lambda: sum(span.trace_id == trace_id for span in list(self.collector.spans)) >= count)
        (root,) = [root for root in self.collector.roots() if root.trace_id == trace_id]
        assert root.outline() == outline
        assert root.parent_id == PARENT
        spans = list(root.walk())
        of_bridge = 2 if way.startswith("HTTP") and self.layout.is_split else 0
        services = [span.resource["service.name"] for span in spans]
        assert services == ["antiphon-bridge"] * of_bridge + ["antiphon"] * (count - of_bridge)
        return spans

    def check(self, trace_id: str, way: str, chat: str, outcome: str, code: str, error: str | None) -> list[Span]:
        """Check how a call of one response ended, by its spans and by the ledger; return the response's span and its
        attempts'."""
        whole, *attempts = entries(self.layout, trace_id)
        spans = self.tree(trace_id, way, chat, len(attempts))
        response = next(span for span in spans if span.name == chat)
        rpc = [span for span in spans if span.name.startswith(SERVICE)]
        assert [span.attributes["rpc.response.status_code"] for span in rpc] == [code] * len(rpc)
        assert rpc[-1].attributes["antiphon.request.id"] == trace_id
        if len(rpc) == 2:  # the bridge's own span of the request
            told = spans[0].attributes.get("http.response.status_code"), spans[0].attributes.get("error.type")
            assert told == ((None, "cancelled") if outcome == "cancelled" else STATUSES[code])
        assert (response.attributes["antiphon.outcome"], response.attributes.get("error.type")) == (outcome, error)
        assert response.status == ("ERROR" if outcome in ("failed", "refused", "deadline") else "UNSET")
        assert whole["outcome"] == outcome
        for span, row in zip([response, *response.children], [whole, *attempts], strict=True):
            assert span.attributes["antiphon.outcome"] == row["outcome"]
            assert span.attributes.get("antiphon.attempt.target", "") == row["target"]
            assert span.attributes.get("gen_ai.usage.input_tokens", 0) == row["input_tokens"]
            assert span.attributes.get("gen_ai.usage.output_tokens", 0) == row["output_tokens"]
            assert span.started <= span.ended
        (line,) = until(lambda: [line for line in lines(self.layout, trace_id) if line["event"] == "call"])
        assert (line["outcome"], line["code"]) == (outcome, code)
        return [response, *response.children]


@pytest.fixture(scope="module", params=LAYOUTS)
def traced(
    request: pytest.FixtureRequest, background: Background, theatre: Theatre, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Traced]:
    folder = tmp_path_factory.mktemp("traced")
    with background.using(collecting()) as collector:
        opened = open_layout(
            request.param,
            folder,
            theatre.base_url,
            otlp=collector.endpoint,
            sections={"tenants": {"b": {"capture_content": True}}},
        )
        with background.using(opened) as layout:
            yield (traced := Traced(layout, collector))
        # All that there ever was, each span once.
        ids = [span.span_id for span in collector.spans]
        assert len(ids) == len(set(ids))
        outlines = {root.trace_id: root.outline() for root in collector.roots() if root.parent_id == PARENT}
        assert outlines == traced.expected
        assert CANARY not in repr(collector.spans)
    assert CANARY not in layout.written()


def new_trace() -> tuple[str, dict[str, str]]:
    """A trace of a caller's, and the headers that say so."""
    trace_id = secrets.token_hex(16)
    return trace_id, {"traceparent": f"00-{trace_id}-{PARENT}-01", "tracestate": "vendor=1"}


def ask_in_all_ways(layout: Layout, **body: Any) -> list[tuple[str, Heard]]:
    """Ask in all ways at once; the trace of each, which is its request's id too, and what was heard."""

    def call(way: str) -> tuple[str, Heard]:
        trace_id, headers = new_trace()
        return trace_id, hear(layout, way, trace_id, headers=headers, **body)

    with ThreadPoolExecutor(len(WAYS)) as pool:
        return list(pool.map(call, WAYS))


def play(theatre: Theatre, up: Stage, *models: str) -> None:
    for model in models:
        theatre.open(model, up)


def test_three_attempts_are_one_trace(traced: Traced, theatre: Theatre, up: Stage) -> None:
    async def script(exchange: Exchange) -> None:
        """Two providers fail, each in its own way, and the third answers."""
        fault = {"once-plain": "503, retry-after 7", "once-idle": "no JSON as the first event"}
        name = fault.get(exchange.request.json["model"])
        await (answering(ANSWER) if name is None else FAULTS[name].script)(exchange)

    play(theatre, up, "once-plain", "once-idle", "spare")
    up.answer(script)
    for trace_id, heard in ask_in_all_ways(traced.layout, model="third", input=PROMPT, temperature=0.5):
        assert heard.response["usage"] == USAGE
        response, *attempts = traced.check(trace_id, heard.way, "chat third", "completed", "OK", None)
        # Each provider was told of the attempt that it was asked in.
        asked = [request for request in up.requests if request.headers["x-request-id"] == trace_id]
        assert [request.headers["traceparent"] for request in asked] == [
            f"00-{trace_id}-{attempt.span_id}-01" for attempt in attempts
        ]
        assert {request.headers["tracestate"] for request in asked} == {"vendor=1"}
        assert [attempt.attributes.get("error.type") for attempt in attempts] == [
            "upstream_unavailable",
            "upstream_error",
            None,
        ]
        assert [attempt.status for attempt in attempts] == ["ERROR", "ERROR", "UNSET"]
        assert [attempt.attributes["gen_ai.request.model"] for attempt in attempts] == [
            "once-plain",
            "once-idle",
            "spare",
        ]
        told = response.attributes
        assert {name: told[name] for name in told if "token" in name} == {
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 60,
            "gen_ai.usage.cache_write.input_tokens": 30,
            "gen_ai.usage.reasoning.output_tokens": 15,
            "llm.token_count.prompt": 100,
            "llm.token_count.completion": 20,
            "llm.token_count.total": 120,
            "llm.token_count.prompt_details.cache_read": 60,
            "llm.token_count.prompt_details.cache_write": 30,
            "llm.token_count.completion_details.reasoning": 15,
        }
        said = {
            "antiphon.request.id": trace_id,
            "antiphon.tenant": "a",
            "antiphon.key": "a",
            "antiphon.attempts": 3,
            "antiphon.failovers": 2,
            "antiphon.attempt.target": "spare",
            "antiphon.attempt.provider": "up",
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "third",
            "gen_ai.request.stream": heard.streamed,
            "gen_ai.request.temperature": 0.5,
            "gen_ai.response.id": heard.response["id"],
            "gen_ai.response.model": "spare",
            "gen_ai.response.finish_reasons": ["stop"],
            "openinference.span.kind": "LLM",
            "llm.model_name": "spare",
            "llm.finish_reason": "stop",
        }
        assert {name: told.get(name) for name in said} == said
        assert [event.name for event in response.events] == (["gen_ai.first_token"] if heard.streamed else [])
        assert all(attempts[2].started <= event.at <= response.ended for event in response.events)


def test_a_response_that_fails(traced: Traced, theatre: Theatre, up: Stage) -> None:
    up.answer(FAULTS["an end without a last event"].script)
    for trace_id, heard in ask_in_all_ways(traced.layout, model=up.model, input=PROMPT):
        code = "OK" if heard.streamed else "UNAVAILABLE"
        response, attempt = traced.check(trace_id, heard.way, f"chat {up.model}", "failed", code, "upstream_error")
        assert attempt.status == response.status
        assert response.attributes["gen_ai.response.finish_reasons"] == ["error"]
        assert response.attributes.get("antiphon.tokens.estimated", False) == heard.streamed


def test_a_deadline_that_passes(traced: Traced, theatre: Theatre, up: Stage) -> None:
    async def script(exchange: Exchange) -> None:
        await (hang_after(TOLD) if exchange.request.json["model"].endswith("-said") else hang)(exchange)

    up.answer(script)
    silent, said = up.model, f"{up.model}-said"
    theatre.open(said, up)
    calls = [
        (model, ask_in_all_ways(traced.layout, model=model, input=PROMPT, timeout=0.5)) for model in (silent, said)
    ]
    for model, of_model in calls:
        for trace_id, heard in of_model:
            is_told = heard.streamed and model == said
            code = "OK" if is_told else "DEADLINE_EXCEEDED"
            response, attempt = traced.check(trace_id, heard.way, f"chat {model}", "deadline", code, "timeout")
            assert attempt.attributes["error.type"] == "timeout"
            assert "gen_ai.response.finish_reasons" not in response.attributes
            assert response.attributes.get("antiphon.events", 0) == len(heard.events)
            assert bool(heard.events) == is_told


def test_what_is_refused(traced: Traced) -> None:
    hear(traced.layout, "gRPC", "first", model="limited", input=PROMPT)
    limited = ask_in_all_ways(traced.layout, model="limited", input=PROMPT)
    unknown = ask_in_all_ways(traced.layout, model=f"no-such-{CANARY}", input=PROMPT)
    for trace_id, heard in limited:
        traced.check(trace_id, heard.way, "chat limited", "refused", "RESOURCE_EXHAUSTED", "rate_limit_exceeded")
    for trace_id, heard in unknown:
        traced.check(trace_id, heard.way, "chat", "refused", "NOT_FOUND", "model_not_found")


def test_the_responses_of_a_connection_are_in_its_trace(traced: Traced, up: Stage, way: Surface) -> None:
    up.answer(answering(ANSWER))
    trace_id, headers = new_trace()
    with traced.layout.channel() as channel:
        door = Door(channel, traced.layout.address)
        connection = door.connect(way, headers={"x-request-id": trace_id, **headers})
        for _ in range(2):
            connection.send(type="response.create", model=up.model, input=PROMPT)
            while connection.receive()["type"] != "response.completed":
                continue
        connection.finish()
    names = [f"{SERVICE}/Connect SERVER"]
    if way.is_http and traced.layout.is_split:
        names = ["GET /v1/responses SERVER", f"{SERVICE}/Connect CLIENT", *names]
    tree = [f"{'  ' * depth}{name}" for depth, name in enumerate(names)]
    for _ in range(2):
        tree += [f"{'  ' * len(names)}chat {up.model} CLIENT", f"{'  ' * (len(names) + 1)}attempt 1 CLIENT"]
    outline = traced.expected[trace_id] = "\n".join(tree)
    until(lambda: sum(span.trace_id == trace_id for span in list(traced.collector.spans)) >= len(tree))
    (root,) = [root for root in traced.collector.roots() if root.trace_id == trace_id]
    assert root.outline() == outline
    spans = list(root.walk())
    assert spans[len(names) - 1].attributes["antiphon.request.id"] == trace_id
    responses = [span for span in spans if span.name.startswith("chat")]
    assert {span.attributes["antiphon.request.id"] for span in responses} == {trace_id}
    assert [span.attributes["gen_ai.usage.output_tokens"] for span in responses] == [20, 20]
    assert len({span.attributes["gen_ai.response.id"] for span in responses}) == 2
    # Each is told as long as it takes, and the connection as long as it lasts.
    assert responses[0].ended <= responses[1].started
    assert all(span.ended <= spans[len(names) - 1].ended for span in responses)


def leave_http(layout: Layout, model: str, headers: dict[str, str], hears: int | None, up: Stage) -> None:
    """Ask, and leave after so many events; None is not to want any."""
    with closing(http.client.HTTPConnection(*layout.address, timeout=30)) as connection:
        body = json.dumps({"model": model, "input": PROMPT, "stream": hears is not None})
        connection.request("POST", "/v1/responses", body, {"authorization": f"Bearer {KEY_A}", **headers})
        if hears:
            heard = b""
            with connection.getresponse() as answer:
                while heard.count(b"\n\n") < hears:
                    heard += answer.read1()
        asked = until(lambda: [request for request in up.requests if request.json["model"] == model])
    up.gone(asked[0])


def leave_grpc(layout: Layout, model: str, headers: dict[str, str], hears: int | None, up: Stage) -> None:
    with layout.channel() as channel:
        stub = v1.ResponsesServiceStub(channel)
        method = stub.CreateResponse.future if hears is None else stub.StreamCreateResponse
        metadata = [("authorization", f"Bearer {KEY_A}"), *headers.items()]
        call = method(v1.CreateResponseRequest(model=model, input_text=PROMPT), metadata=metadata)
        heard = 0
        while heard < (hears or 0):
            heard += len(next(call).events)
        asked = until(lambda: [request for request in up.requests if request.json["model"] == model])
        call.cancel()
        assert call.code() is grpc.StatusCode.CANCELLED
        up.gone(asked[0])


def test_a_caller_who_leaves_at_any_event(traced: Traced, theatre: Theatre, up: Stage) -> None:
    async def script(exchange: Exchange) -> None:
        told = int(exchange.request.json["model"].rpartition("-")[2])
        await (hang_after(wire.TEXT[:told]) if told else hang)(exchange)

    up.answer(script)

    def leave(way: str, told: int) -> tuple[str, str, str, int | None]:
        trace_id, headers = new_trace()
        model = f"{up.model}-{way}-{told}"
        theatre.open(model, up)
        # The two that open every response come with the provider's first.
        hears = (max(told, 2) if told else 0) if way.endswith("-stream") else None
        leaving = leave_http if way.startswith("HTTP") else leave_grpc
        leaving(traced.layout, model, {"x-request-id": trace_id, **headers}, hears, up)
        return trace_id, way, model, hears

    last = len(wire.TEXT) - 1
    cases = [(way, told) for way in WAYS for told in range(last + 1 if way.endswith("-stream") else 1)]
    with ThreadPoolExecutor(8) as pool:
        left = list(pool.map(leave, *zip(*cases, strict=True)))
    for trace_id, way, model, hears in left:
        response, attempt = traced.check(trace_id, way, f"chat {model}", "cancelled", "CANCELLED", "cancelled")
        assert attempt.status == response.status == "UNSET"
        assert response.attributes.get("antiphon.events") == hears
        assert bool(response.events) == ((hears or 0) > 4)  # the fifth is the first piece of the text


def test_content_is_told_of_those_who_want_it(traced: Traced, up: Stage) -> None:
    arguments = '{"city":"words of arguments"}'
    output = [wire.message("words of an answer"), wire.call(arguments)]
    up.answer(
        answering(
            wire.stream(
                [wire.message_events(["words of ", "an answer"]), wire.call_events([arguments])],
                wire.ended("completed", output),
            )
        )
    )
    parameters = {"type": "object", "properties": {"city": {"type": "string", "description": "words of a schema"}}}
    asked = {
        "model": up.model,
        "input": "words of a prompt",
        "instructions": "words of instructions",
        "tools": [{"type": "function", "name": "get_weather", "parameters": parameters, "strict": True}],
        "metadata": {"team": "words of metadata"},
    }
    kinds = ("a prompt", "an answer", "arguments", "instructions", "a schema", "metadata")
    calls = [
        (shows, ask_in_all_ways(traced.layout, key=key, **asked)) for key, shows in ((KEY_B, True), (KEY_A, False))
    ]
    for shows, of_key in calls:
        for trace_id, heard in of_key:
            response, _ = traced.check(trace_id, heard.way, f"chat {up.model}", "completed", "OK", None)
            told = [kind for kind in kinds if f"words of {kind}" in repr(response.attributes)]
            assert told == (list(kinds) if shows else [])
            others = [span for span in traced.collector.spans if span.trace_id == trace_id and span is not response]
            assert "words of" not in repr([(span.name, span.attributes, span.events) for span in others])
