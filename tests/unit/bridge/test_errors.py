"""The statuses of calls, as OpenAI's errors."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2

from antiphon.openai.v1 import options_pb2 as options
from antiphon.responses import v1
from http_bridge.frontend import serve

CODE = grpc.StatusCode
#: The call that fails: of one answer, and of a stream before its first event. They must fail alike.
BODIES = [{"model": "m"}, {"model": "m", "stream": True}]


def does(script: Any, fail: Any) -> None:
    async def unary(request: Any, context: Any) -> None:
        await fail(context)

    async def stream(request: Any, context: Any) -> Any:
        await fail(context)
        yield v1.ResponseStreamChunk()

    script.does |= {"CreateResponse": unary, "StreamCreateResponse": stream}


async def failed(http: aiohttp.ClientSession, url: str, body: Any, **headers: str) -> tuple[int, Any, Any]:
    async with http.post(url + "/v1/responses", json=body, headers=headers) as answer:
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-request-id"]
        return answer.status, answer.headers, (await answer.json())["error"]


REASONS = [value for value in v1.ErrorReason.DESCRIPTOR.values if value.number]


@pytest.mark.parametrize("body", BODIES, ids=["unary", "stream"])
@pytest.mark.parametrize("reason", REASONS, ids=lambda value: value.name)
async def test_each_reason_is_spelled_by_its_options(
    script: Any, url: str, http: aiohttp.ClientSession, reason: Any, body: Any
) -> None:
    spelled = reason.GetOptions().Extensions[options.error]
    code = next(code for code in CODE if code.value[0] == spelled.grpc_code)

    async def fail(context: Any) -> None:
        await script.fail(context, reason.name.removeprefix("ERROR_REASON_"), code, "Told so.", param="input[0]")

    does(script, fail)
    status, headers, error = await failed(http, url, body)
    assert status == spelled.http_status
    assert error == {"message": "Told so.", "type": spelled.type, "param": "input[0]", "code": spelled.code or None}
    assert headers["x-should-retry"] == ("true" if spelled.retryable else "false")
    assert "retry-after" not in headers


@pytest.mark.parametrize("body", BODIES, ids=["unary", "stream"])
@pytest.mark.parametrize(
    ("seconds", "nanos", "after", "after_ms"),
    [(3, 0, "3", "3000"), (0, 10_500_000, "1", "11"), (1, 1, "2", "1001"), (0, 0, None, None)],
)
async def test_the_delay_before_a_retry(
    script: Any, url: str, http: aiohttp.ClientSession, body: Any, seconds: int, nanos: int, after: Any, after_ms: Any
) -> None:
    delay = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=seconds, nanos=nanos))
    does(script, lambda context: script.fail(context, "RATE_LIMIT_EXCEEDED", CODE.RESOURCE_EXHAUSTED, "Wait.", delay))
    status, headers, _ = await failed(http, url, body)
    assert status == 429
    assert headers.get("retry-after") == after
    assert headers.get("retry-after-ms") == after_ms


@pytest.mark.parametrize("body", BODIES, ids=["unary", "stream"])
@pytest.mark.parametrize(
    ("metadata", "pushback", "retry"),
    [
        ({}, None, "true"),
        ({"retryable": "false"}, None, "false"),
        ({"retryable": "true"}, None, "true"),
        ({}, "-1", "false"),
        ({}, "soon", "false"),
        ({}, "1500", "true"),
    ],
)
async def test_what_never_fits_is_not_tried_again(
    script: Any, url: str, http: aiohttp.ClientSession, body: Any, metadata: Any, pushback: str | None, retry: str
) -> None:
    trailing = () if pushback is None else (("grpc-retry-pushback-ms", pushback),)
    quota = error_details_pb2.QuotaFailure(violations=[error_details_pb2.QuotaFailure.Violation(subject="key:dev")])
    does(
        script,
        lambda context: script.fail(
            context,
            "RATE_LIMIT_EXCEEDED",
            CODE.RESOURCE_EXHAUSTED,
            "No.",
            quota,
            trailing=trailing,
            **metadata,
        ),
    )
    status, headers, error = await failed(http, url, body)
    assert (status, error["code"], headers["x-should-retry"]) == (429, "rate_limit_exceeded", retry)


async def test_a_reason_that_is_not_retryable_is_not_made_so(
    script: Any, url: str, http: aiohttp.ClientSession
) -> None:
    does(script, lambda context: script.fail(context, "INVALID_VALUE", CODE.INVALID_ARGUMENT, retryable="true"))
    assert (await failed(http, url, BODIES[0]))[1]["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("metadata", "status", "code"),
    [
        ({"code": "image_too_large"}, 400, "image_too_large"),
        ({"http_status": "422", "code": "x"}, 422, "x"),
        ({"http_status": "500"}, 400, None),
        ({"http_status": "399"}, 400, None),
        ({"http_status": "4²2"}, 400, None),
        ({"http_status": ""}, 400, None),
    ],
)
async def test_a_providers_verdict_may_have_its_own_code_and_status(
    script: Any, url: str, http: aiohttp.ClientSession, metadata: dict[str, str], status: int, code: str | None
) -> None:
    does(script, lambda context: script.fail(context, "UPSTREAM_REJECTED", CODE.INVALID_ARGUMENT, "No.", **metadata))
    told, _, error = await failed(http, url, BODIES[0])
    assert (told, error["code"]) == (status, code)


async def test_a_violation_names_the_field_where_the_info_does_not(
    script: Any, url: str, http: aiohttp.ClientSession
) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="temperature", description="d")
    bad = error_details_pb2.BadRequest(field_violations=[violation])
    does(script, lambda context: script.fail(context, "INVALID_VALUE", CODE.INVALID_ARGUMENT, "No.", bad))
    assert (await failed(http, url, BODIES[0]))[2]["param"] == "temperature"


@pytest.mark.parametrize("body", BODIES, ids=["unary", "stream"])
@pytest.mark.parametrize(
    ("code", "status", "told", "retry"),
    [
        (CODE.UNAVAILABLE, 503, "overloaded", "true"),
        (CODE.CANCELLED, 503, "overloaded", "true"),
        (CODE.DEADLINE_EXCEEDED, 504, "timeout", "true"),
        (CODE.UNIMPLEMENTED, 501, "unsupported", "false"),
        (CODE.RESOURCE_EXHAUSTED, 413, "request_too_large", "false"),
        (CODE.UNKNOWN, 500, "server_error", "true"),
        (CODE.INTERNAL, 500, "server_error", "true"),
        (CODE.PERMISSION_DENIED, 500, "server_error", "true"),
    ],
)
async def test_a_status_without_details_is_told_in_words_of_our_own(
    script: Any, url: str, http: aiohttp.ClientSession, body: Any, code: Any, status: int, told: str, retry: str
) -> None:
    does(script, lambda context: context.abort(code, "secret words of a library"))
    found, headers, error = await failed(http, url, body)
    assert (found, error["code"], error["param"]) == (status, told, None)
    assert headers["x-should-retry"] == retry
    assert "secret" not in error["message"]


@pytest.mark.parametrize("body", BODIES, ids=["unary", "stream"])
async def test_details_that_are_not_ours_are_not_told(
    script: Any, url: str, http: aiohttp.ClientSession, body: Any
) -> None:
    async def garbled(context: Any) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff\xff"),))
        await context.abort(CODE.INTERNAL, "secret")

    for fail in (
        garbled,
        lambda context: script.fail(context, "RATE_LIMIT", CODE.INTERNAL, "secret", domain="googleapis.com"),
        lambda context: script.fail(context, "OF_A_LATER_VERSION", CODE.INTERNAL, "secret"),
        lambda context: script.fail(context, "UNSPECIFIED", CODE.INTERNAL, "secret"),
    ):
        does(script, fail)
        status, _, error = await failed(http, url, body)
        assert status == 500
        assert "secret" not in error["message"]


@pytest.mark.parametrize("body", BODIES, ids=["unary", "stream"])
async def test_a_server_that_is_not_there_is_503_with_a_delay(http: aiohttp.ClientSession, body: Any) -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel, serve(channel, listen="127.0.0.1:0") as url:
        status, headers, error = await failed(http, url, body)
    assert (status, error["code"], headers["retry-after"]) == (503, "overloaded", "1")
    assert "127.0.0.1" not in error["message"]


@pytest.mark.parametrize("body", BODIES, ids=["unary", "stream"])
async def test_a_deadline_that_passes_is_504(script: Any, url: str, http: aiohttp.ClientSession, body: Any) -> None:
    does(script, lambda context: asyncio.Event().wait())
    status, headers, error = await failed(http, url, body, **{"X-Request-Timeout": "0.05"})
    assert (status, error["code"], headers["x-should-retry"]) == (504, "timeout", "true")


async def test_an_answer_that_cannot_be_spelled_is_500_and_logged_without_its_text(
    script: Any, url: str, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def reply(request: Any, context: Any) -> v1.Item:
        return v1.Item(id="secret")

    script.does["GetConversationItem"] = reply
    async with http.get(url + "/v1/conversations/c/items/i", headers={"X-Request-Id": "mine"}) as answer:
        assert answer.status == 500
        assert (await answer.json())["error"]["code"] == "server_error"
    (record,) = caplog.records
    assert "mine" in record.getMessage()
    assert "ValueError" in record.getMessage()
    assert "secret" not in caplog.text
