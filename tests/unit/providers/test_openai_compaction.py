"""Compaction by upstreams that speak the Responses API: asked where they have it, tied to the account that made it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from antiphon.responses import v1
from server import errors
from server.providers.base import CallContext, Compactor, NoCompaction, Provider, Unsupported
from server.providers.openai_responses import open_provider
from server.testing import upstream as fake
from server.testing import wire
from server.testing.upstream import FakeUpstream

KEY = "sk-CANARY-0123456789"
COMPACTION = {"id": "cmp_1", "type": "compaction", "encrypted_content": "theirs", "new": 1}
QUOTED = {
    "id": "msg_1",
    "type": "message",
    "role": "user",
    "status": "completed",
    "content": [{"type": "input_text", "text": "hello"}],
}
MADE: dict[str, Any] = {
    "id": "resp_theirs",
    "object": "response.compaction",
    "created_at": 1_795_256_231,
    "output": [QUOTED, COMPACTION],
    "usage": wire.USAGE,
}

Open = Callable[..., Any]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def opened(upstream: FakeUpstream) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> Any:
            given = {"base_url": upstream.base_url, "api_key": KEY} | options
            return await stack.enter_async_context(open_provider("mock", given))

        yield open_one


def context(**fields: Any) -> CallContext:
    return CallContext("req_1", "resp_1", incremental=False, **fields)


def a_request(*items: v1.Item, **fields: Any) -> v1.CompactResponseRequest:
    hello = v1.Item(message=v1.Message(role="user", content_text="hello"))
    return v1.CompactResponseRequest(model="gpt-test", input=items or [hello], **fields)


async def answered(provider: Provider, *items: v1.Item, **fields: Any) -> None:
    request = v1.CreateResponseRequest(model="gpt-test", input=items)
    async for _ in provider.stream(request, context(**fields)):
        pass


async def test_it_is_asked_for_what_the_caller_asked(opened: Open, upstream: FakeUpstream) -> None:
    provider = await opened(api_version="2026-01-01")
    assert isinstance(provider, Compactor)
    upstream.answer(fake.json_body(MADE))
    made = await provider.compact(a_request(instructions="i", catch_all='{"new":{"a":1}}'), context())
    request = await upstream.request()
    assert request.path == "/v1/responses/compact?api-version=2026-01-01"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept"] == "application/json"
    assert request.json == {
        "model": "gpt-test",
        "input": [{"type": "message", "role": "user", "content": "hello"}],
        "instructions": "i",
        "new": {"a": 1},
    }
    assert made.usage.total_tokens == 12
    assert [item.WhichOneof("item") for item in made.output] == ["message", "compaction"]
    assert made.output[1].catch_all or made.output[1].compaction.ByteSize()


async def test_what_it_made_comes_back_to_its_account_alone(opened: Open, upstream: FakeUpstream) -> None:
    provider = await opened()
    fine = fake.json_body(wire.response(output=[wire.message("Fine.")]))
    upstream.answer(fake.json_body(MADE), fine, fake.json_body(MADE))
    compaction = (await provider.compact(a_request(), context())).output[1]
    await upstream.request()
    sealed = compaction.compaction.encrypted_content
    assert sealed.startswith("antiphon.1.")
    assert "theirs" not in sealed

    await answered(provider, compaction)
    assert (await upstream.request()).json["input"][0]["encrypted_content"] == "theirs"
    again = (await provider.compact(a_request(compaction), context())).output[1]
    assert (await upstream.request()).json["input"][0]["encrypted_content"] == "theirs"
    assert again.compaction.encrypted_content == sealed

    for key in ("sk-another-0123456789", None):
        other = await opened(api_key=key)
        for asked in (answered(other, compaction), other.compact(a_request(compaction), context())):
            with pytest.raises(errors.UnsupportedParameter, match="Only the account") as caught:
                await asked
            assert caught.value.param == "input[0].encrypted_content"
    assert len(upstream.requests) == 3


async def test_one_in_an_answer_is_sealed_too(opened: Open, upstream: FakeUpstream) -> None:
    provider = await opened()
    upstream.answer(fake.json_body(wire.response(output=[COMPACTION, wire.message("Fine.")])))
    told = []
    async for batch in provider.stream(v1.CreateResponseRequest(model="gpt-test", input_text="a"), context()):
        told += batch
    assert told[-1].completed.response.output[0].compaction.encrypted_content.startswith("antiphon.1.")


async def test_one_of_another_account_is_named_where_that_is_the_policy(opened: Open, upstream: FakeUpstream) -> None:
    compaction = v1.Item(compaction=v1.CompactionBody(encrypted_content="antiphon.1.of-another"))
    upstream.answer(fake.json_body(wire.response(output=[wire.message("Fine.")])))
    omitted: list[str] = []
    hello = v1.Item(message=v1.Message(role="user", content_text="hello"))
    await answered(await opened(), hello, compaction, unsupported=Unsupported.REPORT, omitted=omitted)
    assert (await upstream.request()).json["input"] == [{"type": "message", "role": "user", "content": "hello"}]
    assert omitted == ["input[1].encrypted_content"]


async def test_one_that_was_never_sealed_passes(opened: Open, upstream: FakeUpstream) -> None:
    compaction = v1.Item(compaction=v1.CompactionBody(encrypted_content="gAAAA"))
    upstream.answer(fake.json_body(wire.response(output=[wire.message("Fine.")])))
    await answered(await opened(), compaction)
    assert (await upstream.request()).json["input"][0]["encrypted_content"] == "gAAAA"


@pytest.mark.parametrize(
    "script",
    [
        fake.error(404),
        fake.body(b"404 page not found", status=404),
        fake.error(405),
        fake.error(501),
        fake.json_body({"detail": "Method Not Allowed"}, status=405),
    ],
)
async def test_who_has_no_such_method_says_so(opened: Open, upstream: FakeUpstream, script: fake.Script) -> None:
    upstream.answer(script)
    with pytest.raises(NoCompaction):
        await (await opened()).compact(a_request(), context())


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (fake.error(404, code="model_not_found"), errors.UpstreamRejected),
        (fake.error(404, param="model"), errors.UpstreamRejected),
        (fake.error(400), errors.UpstreamRejected),
        (fake.error(401), errors.UpstreamAuthentication),
        (fake.error(429), errors.RateLimitExceeded),
        (fake.error(500), errors.UpstreamError),
        (fake.error(503), errors.UpstreamUnavailable),
        (fake.body(b"not JSON"), errors.UpstreamError),
        (fake.json_body([]), errors.UpstreamError),
        (fake.json_body(MADE | {"output": [QUOTED]}), errors.UpstreamError),
        (fake.json_body(MADE | {"output": [COMPACTION | {"encrypted_content": ""}]}), errors.UpstreamError),
        (fake.json_body(wire.response(output=[wire.message("Fine.")])), errors.UpstreamError),
        (fake.json_body(MADE | {"more": "x" * 5000}), errors.UpstreamError),
    ],
)
async def test_any_other_failure_is_one(
    opened: Open, upstream: FakeUpstream, script: fake.Script, error: type[errors.ServiceError]
) -> None:
    upstream.answer(script)
    with pytest.raises(error) as caught:
        await (await opened(max_event_bytes=4096)).compact(a_request(), context())
    assert KEY not in str(caught.value)
