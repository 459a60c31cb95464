"""The provider for upstreams that speak the Responses API: against a real server that plays scripts."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server import errors
from server.providers.base import CallContext, Provider, Timeouts
from server.providers.openai_responses import open_provider
from server.providers.upstream.mask import Mask
from server.providers.upstream.refusals import NotServed, refusal, retry_after
from server.testing import upstream as fake
from server.testing import wire
from server.testing.upstream import FakeUpstream

KEY = "sk-CANARY-0123456789"
NOW = 1_795_256_231.0

Open = Callable[..., Any]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def opened(upstream: FakeUpstream) -> AsyncIterator[Open]:
    """Opens providers in front of the upstream, which stay open until the end of the test."""
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> Provider:
            given = {"base_url": upstream.base_url, "api_key": KEY} | options
            provider: Provider = await stack.enter_async_context(open_provider("mock", given))
            return provider

        yield open_one


@pytest.fixture
async def provider(opened: Open) -> Provider:
    provider: Provider = await opened()
    return provider


def a_request(**members: Any) -> v1.CreateResponseRequest:
    whole = {"model": "gpt-test", "input": "hello"} | members
    return openai_json.decode(json.dumps(whole).encode(), v1.CreateResponseRequest)


def context(*, incremental: bool = True, connect: float = 5.0) -> CallContext:
    return CallContext("req_1", "resp_1", incremental, Timeouts(connect=connect))


async def batches(
    provider: Provider, request: v1.CreateResponseRequest | None = None, *, incremental: bool = True
) -> list[Sequence[v1.ResponseStreamEvent]]:
    stream = provider.stream(request or a_request(), context(incremental=incremental))
    return [batch async for batch in stream]


async def events(provider: Provider, *, incremental: bool = True) -> list[v1.ResponseStreamEvent]:
    return [event for batch in await batches(provider, incremental=incremental) for event in batch]


async def until_error(provider: Provider) -> tuple[list[str | None], errors.ServiceError]:
    """The kinds of the events before the error, and the error."""
    kinds: list[str | None] = []

    async def drain() -> None:
        async for batch in provider.stream(a_request(), context()):
            assert batch
            kinds.extend(event.WhichOneof("event") for event in batch)

    with pytest.raises(errors.ServiceError) as raised:
        await drain()
    return kinds, raised.value


def decoded(stream: Sequence[fake.Event]) -> list[v1.ResponseStreamEvent]:
    """The events as a provider tells them: of the opening ones only that they came."""
    opening = {
        "response.created": v1.ResponseStreamEvent(created=v1.ResponseCreatedEvent()),
        "response.in_progress": v1.ResponseStreamEvent(in_progress=v1.ResponseInProgressEvent()),
    }
    return [
        opening.get(event["type"]) or openai_json.decode(fake.spell(event), v1.ResponseStreamEvent) for event in stream
    ]


# The request


async def test_the_body_is_what_was_asked_and_what_must_be_added(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT))
    request = a_request()
    before = request.SerializeToString(deterministic=True)
    await batches(provider, request)
    assert upstream.requests[0].json == {
        "model": "gpt-test",
        "input": "hello",
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert request.SerializeToString(deterministic=True) == before


async def test_everything_asked_is_passed_on(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT))
    parameters = '{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"number","maximum":1.50}}}'
    asked = {
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "hologram", "shape": [1, 2]},
        ],
        "include": ["message.output_text.logprobs"],
        "metadata": {"a": "1"},
        "temperature": 0.0,
        "client_metadata": {"deep": {"er": None}},
        "tools": [{"type": "function", "name": "f", "parameters": {"$": "$"}}],
    }
    text = json.dumps({"model": "gpt-test"} | asked).replace('{"$": "$"}', parameters).encode()
    await batches(provider, openai_json.decode(text, v1.CreateResponseRequest))
    sent = upstream.requests[0]
    assert parameters.encode() in sent.body
    body = sent.json
    assert body["input"] == asked["input"]
    assert body["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert body["metadata"] == {"a": "1"}
    assert body["temperature"] == 0.0
    assert body["client_metadata"] == {"deep": {"er": None}}


async def test_what_the_caller_includes_is_not_included_twice(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT))
    await batches(provider, a_request(include=["reasoning.encrypted_content"], store=True))
    assert upstream.requests[0].json["include"] == ["reasoning.encrypted_content"]
    assert upstream.requests[0].json["store"] is False


async def test_headers(opened: Open, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT))
    await batches(
        await opened(api_key=f" {KEY}\r\n", organization="org-1", project="proj-1", headers={"X-Team": "a b"})
    )
    sent = upstream.requests[0].headers
    assert {name: value for name, value in sent.items() if name not in ("host", "content-length")} == {
        "authorization": f"Bearer {KEY}",
        "openai-organization": "org-1",
        "openai-project": "proj-1",
        "x-team": "a b",
        "x-request-id": "req_1",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "antiphon",
    }


async def test_a_key_in_another_header_and_a_version(opened: Open, upstream: FakeUpstream) -> None:
    """As https://learn.microsoft.com/azure/ai-foundry/openai/latest has it."""
    upstream.answer(fake.events(wire.TEXT))
    base_url = f"http://127.0.0.1:{upstream.port}/openai/v1"
    await batches(await opened(base_url=base_url, key_header="api-key", api_version="preview"))
    (sent,) = upstream.requests
    assert sent.path == "/openai/v1/responses?api-version=preview"
    assert sent.headers["api-key"] == KEY
    assert "authorization" not in sent.headers
    with pytest.raises(ValueError, match=r"headers\.api-key stands beside api_key"):
        await opened(key_header="api-key", headers={"api-key": "x"})
    with pytest.raises(ValueError, match="key_header must be one of authorization, api-key"):
        await opened(key_header="x-key")


async def test_no_key_no_authorization(opened: Open, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT))
    await batches(await opened(api_key=None))
    assert "authorization" not in upstream.requests[0].headers


@pytest.mark.parametrize(
    ("root", "path"),
    [("/v1", "/v1/responses"), ("/v1/", "/v1/responses"), ("", "/responses"), ("/openai/v2", "/openai/v2/responses")],
)
async def test_the_path_is_appended_to_the_base_url_as_given(
    opened: Open, upstream: FakeUpstream, root: str, path: str
) -> None:
    upstream.answer(fake.events(wire.TEXT))
    await batches(await opened(base_url=f"http://127.0.0.1:{upstream.port}{root}"))
    assert upstream.requests[0].path == path


# The answer


@pytest.mark.parametrize("stream", wire.STREAMS.values(), ids=wire.STREAMS)
async def test_every_event_is_passed_on(opened: Open, upstream: FakeUpstream, stream: list[fake.Event]) -> None:
    upstream.answer(fake.events(stream))
    assert await events(await opened(api_key=None)) == decoded(stream)


async def test_what_one_read_holds_is_one_batch(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT, done=True))
    assert [len(batch) for batch in await batches(provider)] == [len(wire.TEXT)]


async def test_events_come_before_the_stream_ends(provider: Provider, upstream: FakeUpstream) -> None:
    async def script(exchange: fake.Exchange) -> None:
        await exchange.sse_head()
        whole = b"".join(map(fake.sse, wire.TEXT))
        middle = len(fake.sse(wire.TEXT[0])) + 10
        await exchange.body(whole[:middle])
        await first_seen.wait()
        await exchange.body(whole[middle:])
        await exchange.end()

    first_seen = asyncio.Event()
    upstream.answer(script)
    received = []
    async for batch in provider.stream(a_request(), context()):
        received.append(len(batch))
        first_seen.set()
    assert received == [1, len(wire.TEXT) - 1]


async def test_a_stream_cut_at_every_byte(provider: Provider, upstream: FakeUpstream) -> None:
    whole = b"".join(map(fake.sse, wire.TEXT)).replace(b"\n", b"\r\n")
    upstream.answer(fake.raw_stream([whole[i : i + 1] for i in range(len(whole))]))
    assert await events(provider) == decoded(wire.TEXT)


async def test_the_type_counts_not_the_name_of_the_event(provider: Provider, upstream: FakeUpstream) -> None:
    named = [b"event: response.completed\ndata: " + json.dumps(event).encode() + b"\n\n" for event in wire.TEXT]
    upstream.answer(fake.raw_stream(named))
    assert await events(provider) == decoded(wire.TEXT)


async def test_empty_data_and_done_are_no_events(provider: Provider, upstream: FakeUpstream) -> None:
    filler = [b"data:\n\n", b"data: [DONE]\n\n", b": keep-alive\n\n", b"event: ping\n\n"]
    upstream.answer(fake.raw_stream([*filler, *map(fake.sse, wire.TEXT)]))
    assert await events(provider) == decoded(wire.TEXT)


async def test_nothing_counts_after_the_last_event(provider: Provider, upstream: FakeUpstream) -> None:
    async def script(exchange: fake.Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"".join(map(fake.sse, [*wire.TEXT, *wire.FUNCTION_CALL])) + b"data: rubbish\n\n")
        while True:
            await exchange.body(fake.sse(wire.TEXT[3]))

    upstream.answer(script)
    assert await events(provider) == decoded(wire.TEXT)
    await upstream.requests[0].gone()


async def test_the_connection_is_used_again_after_a_stream(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT, done=True))
    for _ in range(3):
        await events(provider)
    assert {request.connection for request in upstream.requests} == {1}


async def test_a_stream_without_a_last_event_just_ends(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT[:5], done=True))
    assert await events(provider) == decoded(wire.TEXT[:5])


async def test_an_error_without_a_type_is_an_error_event(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.raw_stream([b'data: {"error": {"message": "Out of memory.", "type": "server_error"}}\n\n']))
    (event,) = await events(provider)
    assert event.error.error.message == "Out of memory."


@pytest.mark.parametrize(
    "script",
    [
        fake.cut_after(wire.TEXT[:2]),
        fake.cut_after(wire.TEXT[:2], rest=b'data: {"type":"response.outp'),
        fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), b"data: {\n\n"]),
        fake.raw_stream([b"".join(map(fake.sse, wire.TEXT[:2])) + b"data: {\n\n" + fake.sse(wire.TEXT[-1])]),
        fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), b'data: {"type":"response.completed","x":"\xff"}\n\n']),
        fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), b"data: [1]\n\n"]),
        fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), b"data: {}\n\n"]),
        fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), fake.sse(wire.TEXT[4] | {"output_index": "x"})]),
        fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), fake.sse(wire.TEXT[4] | {"delta": "x" * 5000})]),
        fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), b": " + b"x" * 5000]),
    ],
    ids=["cut", "cut in an event", "malformed", "malformed in a batch", "invalid utf-8", "an array", "no type",
         "wrong type of a member", "too large", "too large without an end"],
)  # fmt: skip
async def test_a_stream_that_breaks_is_an_error_after_what_was_whole(
    opened: Open, upstream: FakeUpstream, script: fake.Script
) -> None:
    upstream.answer(script)
    kinds, error = await until_error(await opened(max_event_bytes=4000))
    assert kinds == ["created", "in_progress"]
    assert type(error) is errors.UpstreamError
    assert "provider" in error.message


async def test_a_stream_without_end_is_an_error(opened: Open, upstream: FakeUpstream) -> None:
    upstream.answer(fake.raw_stream([*map(fake.sse, wire.TEXT[:2]), *[fake.sse(wire.TEXT[4])] * 100]))
    kinds, error = await until_error(await opened(max_stream_bytes=4000))
    assert type(error) is errors.UpstreamError
    assert "too large" in error.message
    assert len(kinds) < 100


async def test_a_reset_is_an_error(provider: Provider, upstream: FakeUpstream) -> None:
    async def script(exchange: fake.Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(fake.sse(wire.TEXT[0]))
        await seen.wait()
        exchange.reset()

    seen = asyncio.Event()
    upstream.answer(script)
    stream = aiter(provider.stream(a_request(), context()))
    assert len(await anext(stream)) == 1
    seen.set()
    with pytest.raises(errors.UpstreamError, match="broke off"):
        await anext(stream)


# Answers that are not streams


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed"])
@pytest.mark.parametrize("incremental", [False, True], ids=["asked for", "not asked for"])
async def test_a_whole_response_is_its_last_event(
    provider: Provider, upstream: FakeUpstream, status: str, incremental: bool
) -> None:
    response = wire.response(status, [wire.message("hi"), {"type": "hologram", "id": "h", "x": 1}], mood="good")
    upstream.answer(fake.json_body(response))
    ((event,),) = await batches(provider, incremental=incremental)
    assert event == openai_json.decode(
        json.dumps({"type": f"response.{status}", "response": response}).encode(), v1.ResponseStreamEvent
    )
    assert upstream.requests[0].json["stream"] is incremental
    assert upstream.requests[0].headers["accept"] == ("text/event-stream" if incremental else "application/json")


async def test_a_stream_that_was_not_asked_for_is_read_all_the_same(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.events(wire.TEXT))
    assert await events(provider, incremental=False) == decoded(wire.TEXT)


def typed(content: bytes, kind: str | None) -> fake.Script:
    return fake.body(content, headers={"content-type": kind} if kind else {})


@pytest.mark.parametrize(
    "script",
    [
        fake.json_body({"error": {"message": "secret", "code": "x"}}),
        fake.json_body(wire.response("in_progress")),
        fake.json_body(wire.response("completed") | {"status": ["completed"]}),
        fake.json_body([]),
        fake.json_body(wire.response("completed") | {"output": 5}),
        typed(b"{", "application/json"),
        typed(b"", "application/json"),
        typed(b"<html>", "text/html"),
        typed(json.dumps(wire.response()).encode(), "text/plain"),
        typed(json.dumps(wire.response()).encode(), None),
        fake.body(b"", status=204),
        fake.json_body(wire.response("completed", metadata={"a": "x" * 5000})),
    ],
    ids=["an error", "not ended", "a strange status", "an array", "does not decode", "malformed", "empty", "html",
         "text", "no type", "no content", "too large"],
)  # fmt: skip
async def test_what_is_no_answer_is_an_error(opened: Open, upstream: FakeUpstream, script: fake.Script) -> None:
    upstream.answer(script)
    kinds, error = await until_error(await opened(max_event_bytes=4000))
    assert kinds == []
    assert type(error) is errors.UpstreamError
    assert "secret" not in error.message


# Refusals


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_value", errors.UpstreamRejected),
        (400, "context_length_exceeded", errors.ContextLengthExceeded),
        (404, "model_not_found", errors.UpstreamRejected),
        (409, None, errors.UpstreamRejected),
        (413, None, errors.UpstreamRejected),
        (422, None, errors.UpstreamRejected),
        (401, "invalid_api_key", errors.UpstreamAuthentication),
        (403, None, errors.UpstreamAuthentication),
        (402, None, errors.InsufficientQuota),
        (429, "rate_limit_exceeded", errors.RateLimitExceeded),
        (429, "insufficient_quota", errors.InsufficientQuota),
        (429, "credit_balance_exhausted", errors.InsufficientQuota),
        (408, None, errors.UpstreamError),
        (500, None, errors.UpstreamError),
        (501, None, NotServed),
        (502, None, errors.UpstreamUnavailable),
        (503, "server_is_overloaded", errors.UpstreamUnavailable),
        (504, None, errors.UpstreamUnavailable),
        (529, None, errors.UpstreamUnavailable),
        (302, None, errors.UpstreamError),
        (418, None, errors.UpstreamError),
    ],
)
async def test_a_refusal_is_an_error_of_its_kind(
    provider: Provider, upstream: FakeUpstream, status: int, code: str | None, kind: type[errors.ServiceError]
) -> None:
    upstream.answer(
        fake.error(
            status, message="Words.", code=code, param="input[0]", headers={"retry-after": "7", "location": "/x"}
        )
    )
    kinds, error = await until_error(provider)
    assert kinds == []
    assert type(error) is kind
    if issubclass(kind, errors.InvalidRequest):
        assert (error.message, error.code, error.param) == ("Words.", code, "input[0]")
        assert error.http_status == status
        assert error.retry_after is None
    else:
        assert "Words" not in error.message
        assert error.param is None
        assert error.http_status is None
        assert error.retry_after == (None if status in (401, 403, 302) else 7.0)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        (b'{"error":{"message":"M","code":"c","param":"p"}}', "M", "c", "p"),
        (b'{"message":"M","code":"c","param":"p"}', "M", "c", "p"),
        (b'{"error":"M"}', "M", None, None),
        (b'{"error":{"message":"a\\u0000b\\r\\n\\tc","code":5,"param":{}}}', "a b c", None, None),
        (b'{"error":{"message":"M","code":"no code, but words"}}', "M", None, None),
        (b'{"error":{"message":["M"]}}', None, None, None),
        (b'{"error":null}', None, None, None),
        (b"[1]", None, None, None),
        (b"<html>secret</html>", None, None, None),
        (b"", None, None, None),
    ],
)
def test_what_is_read_of_an_error(body: bytes, message: str | None, code: str | None, param: str | None) -> None:
    error = refusal(400, {}, body, Mask([]), now=NOW)
    assert error.message == (message or "The provider rejected the request.")
    assert (error.code, error.param) == (code, param)


def test_a_long_message_is_cut() -> None:
    body = json.dumps({"error": {"message": "word " * 10_000}}).encode()
    assert len(refusal(400, {}, body, Mask([]), now=NOW).message) == 1000


async def test_a_refusal_that_is_too_long_to_read_is_one_all_the_same(
    provider: Provider, upstream: FakeUpstream
) -> None:
    upstream.answer(fake.error(400, message="x" * 100_000))
    _, error = await until_error(provider)
    assert isinstance(error, errors.UpstreamRejected)
    assert error.message == "The provider rejected the request."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "30"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "30"}, 30.0),
        ({"retry-after": "1e9"}, 120.0),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Sat, 21 Nov 2026 10:17:51 GMT"}, 40.0),
        ({"retry-after": "Sat, 21 Nov 2026 10:17:51"}, 40.0),
        ({"retry-after": "Sat, 21 Nov 2020 00:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 99 Nov 2026 00:00:00 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 99999999999999999999 00:00:00 GMT"}, None),
    ],
)
def test_how_long_to_wait(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [KEY, "my-own-header-value", "sk-proj-abcDEF123456", "sk-abc***********wxyz", "AIzaSyA0123456789abcdefghij",
     "AKIAIOSFODNN7EXAMPLE", "Bearer abcdefghijklmnop.qrst", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2ln",
     "org-abcDEF0123456789", "proj_abcDEF0123456789"],
)  # fmt: skip
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert Mask([KEY, "my-own-header-value"])(f"Refused: {text}, sorry") == "Refused: ***, sorry"


def test_what_does_not_look_like_one_is_not() -> None:
    text = "Unknown parameter: 'task-force'. Use organization-wide keys, or 'sk'."
    assert Mask(["", "ab"])(text) == text


async def test_the_key_is_nowhere_to_be_seen(
    opened: Open, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = await opened(headers={"x-secret": "another-CANARY"})
    quoting = f"Wrong key {KEY}, or another-CANARY?"
    nested = {"type": "error", "error": {"message": quoting, "type": "server_error"}}
    flat = {"type": "error", "message": quoting, "code": "x"}
    failed = wire.ended("failed", [], error={"code": "server_error", "message": quoting})
    upstream.answer(
        *(fake.error(status, message=quoting, code=KEY, param=KEY) for status in (400, 401, 404, 429, 500)),
        fake.json_body(failed["response"]),
        fake.events([nested, flat, failed]),
    )
    seen = [repr(provider)]
    for _ in range(5):
        _, error = await until_error(provider)
        seen += [repr(error), str(error), repr(vars(error))]
    whole = await events(provider)
    stream = await events(provider)
    assert "Wrong key ***, or ***?" in repr(whole)
    assert repr(stream).count("Wrong key ***, or ***?") == 3
    assert "CANARY" not in "".join([*seen, repr(whole), repr(stream), caplog.text])


# Models that cannot seal their reasoning

_UNSEALABLE = fake.error(400, message="Encrypted content is not supported with this model.", param="include")


async def test_a_model_that_cannot_seal_reasoning_is_not_asked_to(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(_UNSEALABLE, fake.events(wire.TEXT))
    assert await events(provider) == decoded(wire.TEXT)
    await events(provider)
    await batches(provider, a_request(model="gpt-other"))
    included = [request.json.get("include") for request in upstream.requests]
    assert included == [["reasoning.encrypted_content"], None, None, ["reasoning.encrypted_content"]]


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        ({"encrypted_content": "antiphon.1.AAAA"}, {}),
        ({"encrypted_content": "antiphon.1.AAAA", "mood": "good"}, {"mood": "good"}),
        ({"mood": "like antiphon.1.AAAA"}, {"mood": "like antiphon.1.AAAA"}),
    ],
)
async def test_what_another_provider_keeps_in_its_items_stays_here(
    opened: Open, upstream: FakeUpstream, members: dict[str, str], kept: dict[str, str]
) -> None:
    upstream.answer(fake.events(wire.TEXT))
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    for key in (KEY, None):
        request = a_request(input=[search | members, {"type": "message", "role": "user", "content": "hi"}])
        before = request.SerializeToString(deterministic=True)
        await batches(await opened(api_key=key), request)
        assert upstream.requests[-1].json["input"][0] == search | kept
        assert request.SerializeToString(deterministic=True) == before


async def test_a_caller_who_asks_for_sealed_reasoning_is_told(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(_UNSEALABLE)
    with pytest.raises(errors.UpstreamRejected, match="not supported"):
        await batches(provider, a_request(include=["reasoning.encrypted_content"]))
    assert len(upstream.requests) == 1


async def test_a_refusal_of_what_the_caller_includes_is_told(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(_UNSEALABLE)
    with pytest.raises(errors.UpstreamRejected):
        await batches(provider, a_request(include=["no.such.thing"]))
    assert [request.json["include"] for request in upstream.requests] == [
        ["no.such.thing", "reasoning.encrypted_content"],
        ["no.such.thing"],
    ]


# Being left


@pytest.mark.parametrize(
    "script",
    [fake.hang, fake.hang_after([])],
    ids=["before the headers", "before the first event"],
)
async def test_cancelling_closes_the_connection(
    provider: Provider, upstream: FakeUpstream, script: fake.Script
) -> None:
    upstream.answer(script)
    call = asyncio.create_task(events(provider))
    request = await upstream.request()
    call.cancel()
    await request.gone()
    with pytest.raises(asyncio.CancelledError):
        await call


@pytest.mark.parametrize(
    "script", [fake.hang_after(wire.TEXT[:3]), fake.endless(wire.TEXT[0])], ids=["silent", "endless"]
)
async def test_closing_the_iterator_closes_the_connection(
    provider: Provider, upstream: FakeUpstream, script: fake.Script
) -> None:
    upstream.answer(script)
    async with aclosing(provider.stream(a_request(), context())) as stream:  # type: ignore[type-var]
        await anext(stream)
    await upstream.requests[0].gone()


async def test_a_refusal_closes_nothing_that_can_be_used_again(provider: Provider, upstream: FakeUpstream) -> None:
    upstream.answer(fake.error(400), fake.events(wire.TEXT))
    await until_error(provider)
    await events(provider)
    assert {request.connection for request in upstream.requests} == {1}


# Options


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"api_kee": "x", "temperature": 1}, "api_kee, temperature"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": "\r\n"}, "api_key"),
        ({"api_key": 5}, "api_key"),
        ({"api_key": "sk-CANARY\x00x"}, "api_key"),
        ({"api_key": "sk-CANARY\r\nx-evil: 1"}, "api_key"),
        ({"api_key": "sk-CANARYé"}, "api_key"),
        ({"base_url": "api.openai.com/v1"}, "base_url"),
        ({"base_url": "http://CANARY:CANARY@host/v1"}, "base_url"),
        ({"base_url": "http://host/v1?key=CANARY"}, "base_url"),
        ({"organization": "a\nb"}, "organization"),
        ({"project": ["a"]}, "project"),
        ({"headers": ["a"]}, "headers"),
        ({"headers": {"a b": "c"}}, "headers"),
        ({"headers": {"x-a": "CANARY\nb"}}, "headers.x-a"),
        ({"headers": {"x-a": 5}}, "headers.x-a"),
        ({"headers": {"Content-Length": "5"}}, "headers.Content-Length"),
        ({"api_key": "k", "headers": {"Authorization": "CANARY"}}, "headers.authorization"),
        ({"max_event_bytes": 0}, "max_event_bytes"),
        ({"max_event_bytes": True}, "max_event_bytes"),
        ({"max_stream_bytes": 0}, "max_stream_bytes"),
        ({"max_connections": "5"}, "max_connections"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match="provider 'mock'") as raised:
        open_provider("mock", options)
    assert named in str(raised.value)
    assert "CANARY" not in str(raised.value)


async def test_all_options_may_be_left_out() -> None:
    async with open_provider("openai", {}) as provider:
        assert repr(provider) == "<OpenAIResponsesProvider 'openai'>"
