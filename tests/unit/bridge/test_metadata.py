"""Headers and metadata."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import grpc
import pytest
from multidict import CIMultiDict

from antiphon.responses import v1

PATH = "/v1/models"


@pytest.fixture(autouse=True)
def answering(script: Any) -> None:
    async def reply(request: Any, context: Any) -> v1.ListModelsResponse:
        context.set_trailing_metadata(
            (
                ("x-ratelimit-remaining-tokens", "7"),
                ("x-antiphon-omitted", "tools[0]"),
                ("x-request-id", "of-the-server"),
                ("x-secret", "s"),
            )
        )
        return v1.ListModelsResponse()

    script.does["ListModels"] = reply


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer k"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "a=1,b=2"),
        ("baggage", "k=v"),
        ("Idempotency-Key", "abc"),
        ("OpenAI-Organization", "org"),
        ("OpenAI-Project", "proj"),
        ("X-Request-Id", "req_A.b-c:d"),
    ],
)
async def test_these_headers_reach_the_server(
    script: Any, url: str, http: aiohttp.ClientSession, name: str, value: str
) -> None:
    async with http.get(url + PATH, headers={name: value}) as answer:
        assert answer.status == 200
    assert script.call.metadata[name.lower()] == value


async def test_no_other_header_reaches_the_server(script: Any, url: str, http: aiohttp.ClientSession) -> None:
    headers = {"Cookie": "c=1", "X-Forwarded-For": "1.2.3.4", "X-Stainless-Lang": "py", "grpc-timeout": "1n", "Te": "x"}
    async with http.get(url + PATH, headers=headers) as answer:
        assert answer.status == 200
    assert set(script.call.metadata) == {"user-agent", "x-request-id"}
    assert script.call.metadata["user-agent"].startswith("grpc-python-asyncio")


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"X-Api-Key": "k"}, "Bearer k"),
        ({"X-Api-Key": "k", "Authorization": "Bearer a"}, "Bearer a"),
        ({}, None),
    ],
)
async def test_the_key_may_come_in_a_header_of_its_own(
    script: Any, url: str, http: aiohttp.ClientSession, headers: dict[str, str], sent: str | None
) -> None:
    async with http.get(url + PATH, headers=headers) as answer:
        assert answer.status == 200
    assert script.call.metadata.get("authorization") == sent


async def test_lists_in_several_lines_are_one(script: Any, url: str, http: aiohttp.ClientSession) -> None:
    async with http.get(url + PATH, headers=CIMultiDict([("tracestate", "a=1"), ("tracestate", "b=2")])) as answer:
        assert answer.status == 200
    assert script.call.metadata["tracestate"] == "a=1,b=2"


@pytest.mark.parametrize(
    "lines",
    [
        b"Authorization: Bearer \xc3\xa9",
        b"Authorization: Bearer \xff",
        b"Authorization: Bearer a\tb",
        b"Authorization: Bearer a\r\nAuthorization: Bearer b",
        b"X-Api-Key: a\r\nX-Api-Key: b",
        b"Idempotency-Key: \xe2\x82\xac",
        b"baggage: k=\xe2\x82\xac",
        b"X-Request-Timeout: 1\r\nX-Request-Timeout: 2",
    ],
)
async def test_values_that_grpc_refuses_are_400(script: Any, url: str, wire: Any, lines: bytes) -> None:
    async with wire(url) as connection:
        connection.writer.write(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n")
        status, headers = await connection.head()
        body = await connection.reader.readexactly(int(headers["content-length"]))
    assert status == 400
    assert headers["content-type"] == "application/json"
    assert b"Bearer" not in body
    assert not script.calls


@pytest.mark.parametrize("given", ["a b", "x" * 129, "", "é", "a;b", "<script>"])
async def test_an_unfit_request_id_is_replaced(script: Any, url: str, http: aiohttp.ClientSession, given: str) -> None:
    async with http.get(url + PATH, headers={"X-Request-Id": given}) as answer:
        assert answer.status == 200
        told = answer.headers["x-request-id"]
    assert re.fullmatch(r"req_[0-9a-f]{32}", told)
    assert script.call.metadata["x-request-id"] == told


async def test_the_answers_headers(url: str, http: aiohttp.ClientSession) -> None:
    async with http.get(url + PATH, headers={"X-Request-Id": "mine"}) as answer:
        headers = answer.headers
        assert headers["x-request-id"] == "mine"
        assert headers["openai-version"] == "2020-10-01"
        assert int(headers["openai-processing-ms"]) >= 0
        assert headers["content-type"] == "application/json"
        assert headers["x-ratelimit-remaining-tokens"] == "7"
        assert headers["x-antiphon-omitted"] == "tools[0]"
        assert "x-secret" not in headers
        assert "aiohttp" not in headers["server"]
    async with http.get(url + "/nowhere", headers={"X-Request-Id": "mine"}) as answer:
        assert answer.headers["x-request-id"] == "mine"
        assert answer.headers["openai-version"] == "2020-10-01"


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [("30", 25, 30), ("2.5", 1, 2.5), ("1e300", 604_000, 604_800), ("inf", 604_000, 604_800)],
)
async def test_a_timeout_is_the_calls_deadline(
    script: Any, url: str, http: aiohttp.ClientSession, given: str, least: float, most: float
) -> None:
    async with http.get(url + PATH, headers={"X-Request-Timeout": given}) as answer:
        assert answer.status == 200
    assert script.call.time_remaining is not None
    # gRPC sends timeouts in three digits or so, rounded up.
    assert least < script.call.time_remaining <= most * 1.01


async def test_without_a_timeout_there_is_no_deadline(script: Any, url: str, http: aiohttp.ClientSession) -> None:
    async with http.get(url + PATH) as answer:
        assert answer.status == 200
    assert script.call.time_remaining is None or script.call.time_remaining > 1e6


@pytest.mark.parametrize("given", ["0", "-1", "nan", "soon", ""])
async def test_a_bad_timeout_is_400(script: Any, url: str, http: aiohttp.ClientSession, given: str) -> None:
    async with http.get(url + PATH, headers={"X-Request-Timeout": given}) as answer:
        assert answer.status == 400
    assert not script.calls


TOLD = (
    *((f"x-ratelimit-{what}-{of}", "7") for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")),
    ("x-antiphon-target", "best/fast"),
    ("x-antiphon-attempts", "2"),
    ("x-antiphon-omitted", "tools[0]"),
)
NOT_TOLD = (("x-secret", "s"), ("content-length", "1"), ("x-request-id", "of-the-server"))


def has_told(headers: Any) -> bool:
    assert not {name for name, _ in NOT_TOLD} & set(headers) - {"content-length", "x-request-id"}
    assert headers["x-request-id"] == "mine"
    return all(headers.get(name) == value for name, value in TOLD)


async def ask(http: aiohttp.ClientSession, url: str, *, stream: bool) -> tuple[int, Any]:
    body = {"model": "m", "stream": stream}
    async with http.post(url + "/v1/responses", json=body, headers={"X-Request-Id": "mine"}) as answer:
        await answer.read()
        return answer.status, answer.headers


async def test_what_is_told_with_the_first_message_of_a_stream_is_in_its_head(
    script: Any, url: str, http: aiohttp.ClientSession
) -> None:
    async def stream(request: Any, context: Any) -> Any:
        await context.send_initial_metadata((*TOLD, *NOT_TOLD[:1], *NOT_TOLD[2:]))
        event = v1.ResponseStreamEvent(completed=v1.ResponseCompletedEvent(response=v1.Response(id="resp_1")))
        yield v1.ResponseStreamChunk(events=[event])

    script.does["StreamCreateResponse"] = stream
    status, headers = await ask(http, url, stream=True)
    assert status == 200
    assert headers["content-type"] == "text/event-stream"
    assert has_told(headers)


@pytest.mark.parametrize("stream", [False, True])
async def test_refusals_tell_it_too(script: Any, url: str, http: aiohttp.ClientSession, stream: bool) -> None:
    async def fail(context: Any) -> None:
        await script.fail(context, "RATE_LIMIT_EXCEEDED", grpc.StatusCode.RESOURCE_EXHAUSTED, trailing=TOLD)

    async def unary(request: Any, context: Any) -> None:
        await fail(context)

    async def streamed(request: Any, context: Any) -> Any:
        await fail(context)
        yield v1.ResponseStreamChunk()

    script.does |= {"CreateResponse": unary, "StreamCreateResponse": streamed}
    status, headers = await ask(http, url, stream=stream)
    assert status == 429
    assert has_told(headers)
    assert headers["x-should-retry"] == "true"


async def test_one_answer_tells_it_too(script: Any, url: str, http: aiohttp.ClientSession) -> None:
    async def unary(request: Any, context: Any) -> v1.Response:
        context.set_trailing_metadata((*TOLD, *NOT_TOLD))
        return v1.Response(id="resp_1")

    script.does["CreateResponse"] = unary
    status, headers = await ask(http, url, stream=False)
    assert status == 200
    assert has_told(headers)
