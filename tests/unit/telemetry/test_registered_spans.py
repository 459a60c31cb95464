"""The spans that are registered and those that are really emitted are the same, both ways: by server and bridge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import aiohttp
import grpc
import pytest
from telemetry_everything import everything, record

from antiphon.responses import v1
from http_bridge.frontend import serve
from http_bridge.tracing import open_traces
from server import errors
from server.telemetry.content import Caps
from server.telemetry.record import Attempt, Outcome, ResponseRecord, Tokens
from server.telemetry.registry import BRIDGE_SPANS, SPANS, Span, check
from server.telemetry.tracing import TraceSettings, Tracing, open_tracing
from server.testing import otlp
from server.testing.otlp import collecting
from server.testing.serve import serving

TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "string[]": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "int": lambda value: type(value) is int,
    "double": lambda value: type(value) is float,
    "boolean": lambda value: type(value) is bool,
}


def fits(name: str, template: str) -> bool:
    return bool(template) and not check({name: []}, {template: []})


def of_kinds(spans: Sequence[otlp.Span], registered: Sequence[Span]) -> dict[str, list[otlp.Span]]:
    """The spans by the registered name, or by their own where there is none."""
    found: dict[str, list[otlp.Span]] = {}
    for span in spans:
        whole = [kind.name for kind in registered if fits(span.name, kind.name)]
        bare = [kind.name for kind in registered if fits(span.name, kind.bare_name)]
        found.setdefault([*whole, *bare, span.name][0], []).append(span)
    return found


def compare(spans: Sequence[otlp.Span], registered: Sequence[Span]) -> None:
    """Check names, attributes, types, kinds and events, both ways."""
    by_kind = of_kinds(spans, registered)
    emitted = {name: {a for span in some for a in span.attributes} for name, some in by_kind.items()}
    assert check(emitted, {kind.name: [a.name for a in kind.attributes] for kind in registered}) == []
    for kind in registered:
        some = next(some for name, some in by_kind.items() if fits(name, kind.name))
        assert {span.kind for span in some} == {kind.kind.upper()}
        assert {event.name for span in some for event in span.events} == {event.name for event in kind.events}
        for attribute in kind.attributes:
            values = [value for span in some for name, value in span.attributes.items() if fits(name, attribute.name)]
            assert [value for value in values if not TYPES[attribute.type](value)] == [], attribute


def tell(tracing: Tracing, made: ResponseRecord, outcome: Outcome | None = None) -> None:
    """Tell of a record as the engine does, with its last attempt as it ended."""
    made.outcome = outcome or made.outcome
    attempts, made.attempts = made.attempts, []
    tracing.begun(made)
    for attempt in attempts:
        made.attempts.append(attempt)
        tracing.attempt_begun(made, attempt)
        attempt.outcome = made.outcome
        attempt.error = made.error
        tracing.attempt_ended(made, attempt)
    if made.incremental:
        tracing.first_token(made)
    tracing.ended(made)


def every_record() -> Iterator[ResponseRecord]:
    """Records that between them say all there is to say."""
    for _, made in everything("word"):
        yield made
    request = v1.CreateResponseRequest(
        model="m",
        input_text="word",
        instructions="word",
        temperature=0.5,
        top_p=0.5,
        frequency_penalty=0.5,
        presence_penalty=0.5,
        max_output_tokens=1,
    )
    request.text.format.text.SetInParent()
    answer = v1.Item(message=v1.Message(role="assistant", content_text="word"))
    whole = record(request, v1.Response(id="resp_1", service_tier="default", output=[answer]))
    whole.model_is_known = True
    whole.history = [v1.Item(message=v1.Message(role="user", content_text="word"))]
    whole.tokens = Tokens(1, 2, 3, 4, 5, estimated=True)
    whole.first_event = 0.5
    whole.outcome = Outcome.COMPLETED
    whole.attempts[0].first_event, whole.attempts[0].tokens = 0.5, whole.tokens
    whole.attempts.append(Attempt(2, "n", "other", "openai", "n"))
    yield whole
    file = v1.Item(message=v1.Message(role="user"))
    file.message.content.add().input_file.file_id = "file_1"
    yield record(v1.CreateResponseRequest(model="m", input=[file]), v1.Response(id="resp_1", output=[file]))
    long = record(v1.CreateResponseRequest(model="m", input_text="word " * 100, instructions="word " * 100), None)
    long.error = errors.Timeout("Late.")
    yield long


async def test_the_server_emits_what_is_registered() -> None:
    configuration = {
        "listen": {"grpc": "127.0.0.1:0", "http": None, "admin": None},
        "store": "memory",
        "models": {"echo": {"provider": "scripted"}},
    }
    async with collecting() as collector:
        # A response cannot say everything at once: the words are cut short for some, so that some have no room.
        settings = TraceSettings(collector.endpoint, max_queue=100_000, caps=Caps(total=2_000), patience=60)
        async with open_tracing(settings) as tracing:
            assert tracing is not None
            for captures in (False, True):
                for made in every_record():
                    made.captures_content = captures
                    made.tenant = "open" if captures else "closed"
                    tell(tracing, made)
        configuration["telemetry"] = {"otlp": {"endpoint": collector.endpoint}}
        async with serving(json.dumps(configuration)) as app:
            stub = v1.ResponsesServiceStub(app.channel)
            await stub.CreateResponse(v1.CreateResponseRequest(model="echo", input_text="word"))
            for path in ("/antiphon.responses.v1.ResponsesService/GetResponse", "/made.Up/Method"):
                with pytest.raises(grpc.RpcError):
                    await app.channel.unary_unary(path)(b"")
        compare(collector.spans, SPANS)
        # Content is what is registered as such, and nothing else tells it.
        responses = [span for span in collector.spans if span.name.startswith("chat")]
        by_tenant = {
            tenant: {
                name for span in responses if span.attributes["antiphon.tenant"] == tenant for name in span.attributes
            }
            for tenant in ("open", "closed")
        }
        assert responses
        (inference,) = (span for span in SPANS if span.name.startswith("chat"))
        content = [attribute.name for attribute in inference.attributes if attribute.content]
        assert {name for name in by_tenant["closed"] if any(fits(name, each) for each in content)} == set()
        more = by_tenant["open"] - by_tenant["closed"]
        assert {name for name in more if not any(fits(name, each) for each in content)} == set()


async def test_the_bridge_emits_what_is_registered() -> None:
    configuration = {
        "listen": {"grpc": "127.0.0.1:0", "http": None, "admin": None},
        "store": "memory",
        # Nothing listens there: port 9 is "discard".
        "providers": {"away": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
        "models": {"echo": {"provider": "scripted"}, "away": {"provider": "away", "retry": {"attempts": 1}}},
    }
    async with (
        collecting() as collector,
        serving(json.dumps(configuration)) as app,
        grpc.aio.insecure_channel(app.grpc_address) as channel,
        open_traces(collector.endpoint) as traces,
        serve(channel, listen="127.0.0.1:0", traces=traces) as url,
        aiohttp.ClientSession() as http,
    ):
        asked = ({"model": "echo", "input": "word"}, {"model": "nowhere", "input": "word"})
        for body in asked:
            async with http.post(f"{url}/v1/responses", json=body) as answer:
                await answer.read()
        async with http.get(f"{url}/nowhere"):
            pass
        async with http.post(f"{url}/v1/responses", json={"model": "away", "input": "word"}) as answer:
            assert answer.status == 503
        assert traces is not None
    compare(collector.spans, BRIDGE_SPANS)
