"""OpenAI's SDK when things go wrong: every class of error, before the answer and in the middle of it."""

from __future__ import annotations

import socket
from typing import Any

import openai
import pytest
from e2e_layouts import CANARY, KEY_ECHO, PROMPT, UPSTREAM_KEY, Layout
from e2e_stage import Stage
from openai import OpenAI

from server.testing.upstream import Script, body, error, hang

#: What the provider says must not be told: its own key.
LEAK = f"Incorrect API key provided: {UPSTREAM_KEY}."


def expect(caught: Any, status: int, kind: str, code: str | None, param: str | None = None) -> None:
    """Check an SDK's error, and that it tells no secret."""
    told = caught.value
    assert (told.status_code, told.type, told.code, told.param) == (status, kind, code, param)
    assert told.request_id.startswith("req_")
    assert CANARY not in str(told)
    assert CANARY not in told.response.text


UPSTREAM_ERRORS: dict[str, tuple[Script, type[openai.APIStatusError], int, str, str | None, str | None]] = {
    "400": (
        error(400, message="Bad.", code="invalid_thing", param="tools[0].name"),
        openai.BadRequestError,
        400,
        "invalid_request_error",
        "invalid_thing",
        "tools[0].name",
    ),
    "401": (error(401, message=LEAK), openai.InternalServerError, 502, "server_error", "upstream_authentication", None),
    "403": (error(403, message=LEAK), openai.InternalServerError, 502, "server_error", "upstream_authentication", None),
    "404": (
        error(404, message="No model.", code="model_not_found", param="model"),
        openai.NotFoundError,
        404,
        "invalid_request_error",
        "model_not_found",
        "model",
    ),
    "409": (error(409, message=LEAK), openai.ConflictError, 409, "invalid_request_error", None, None),
    "413": (error(413, message="Long."), openai.APIStatusError, 413, "invalid_request_error", None, None),
    "422": (
        error(422, message="Odd.", code="odd", param="input"),
        openai.UnprocessableEntityError,
        422,
        "invalid_request_error",
        "odd",
        "input",
    ),
    "429": (
        error(429, message=LEAK, headers={"retry-after": "7"}),
        openai.RateLimitError,
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        None,
    ),
    "429 without quota": (
        error(429, message=LEAK, code="insufficient_quota"),
        openai.RateLimitError,
        429,
        "insufficient_quota",
        "insufficient_quota",
        None,
    ),
    "500": (error(500, message=LEAK), openai.InternalServerError, 502, "server_error", "upstream_error", None),
    "502": (
        body(b"<html>Bad gateway</html>", status=502, headers={"content-type": "text/html"}),
        openai.InternalServerError,
        503,
        "server_error",
        "upstream_unavailable",
        None,
    ),
    "503": (error(503, message=LEAK), openai.InternalServerError, 503, "server_error", "upstream_unavailable", None),
    "529": (error(529, message=LEAK), openai.InternalServerError, 503, "server_error", "upstream_unavailable", None),
    "a redirect": (
        body(b"", status=302, headers={"location": "http://127.0.0.1:9/"}),
        openai.InternalServerError,
        502,
        "server_error",
        "upstream_error",
        None,
    ),
    "no response": (
        body(b"{}", headers={"content-type": "application/json"}),
        openai.InternalServerError,
        502,
        "server_error",
        "upstream_error",
        None,
    ),
    "not JSON": (
        body(f"<p>{UPSTREAM_KEY}".encode(), headers={"content-type": "text/html"}),
        openai.InternalServerError,
        502,
        "server_error",
        "upstream_error",
        None,
    ),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", UPSTREAM_ERRORS)
def test_what_the_provider_refuses(client: OpenAI, layout: Layout, up: Stage, case: str, stream: bool) -> None:
    script, kind, status, error_type, code, param = UPSTREAM_ERRORS[case]
    up.answer(script)
    before = layout.stored()
    with pytest.raises(kind) as caught:
        client.responses.create(model=up.model, input=PROMPT, stream=stream)
    expect(caught, status, error_type, code, param)
    headers = caught.value.response.headers
    again = case == "429" or (status >= 500 and code != "upstream_authentication")
    assert headers["x-should-retry"] == ("true" if again else "false")
    assert headers.get("retry-after") == ("7" if case == "429" else None)
    assert len(up.requests) == 1
    assert layout.stored() == before


def test_keys(client: OpenAI) -> None:
    for key in ("wrong", f"ak-{CANARY}-tenant-a-012345678", f"ak-{CANARY}-tenant-a-01234567890"):
        with pytest.raises(openai.AuthenticationError) as caught:
            client.with_options(api_key=key).responses.create(model="echo", input=PROMPT)
        expect(caught, 401, "authentication_error", "invalid_api_key")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()


def test_a_model_that_the_key_may_not_use(client: OpenAI, up: Stage) -> None:
    narrow = client.with_options(api_key=KEY_ECHO)
    with pytest.raises(openai.PermissionDeniedError) as caught:
        narrow.responses.create(model=up.model, input=PROMPT)
    expect(caught, 403, "permission_error", "model_access_forbidden", "model")
    assert not up.requests
    assert [model.id for model in narrow.models.list()] == ["echo"]
    with pytest.raises(openai.NotFoundError):
        narrow.models.retrieve("renamed")
    assert narrow.responses.create(model="echo", input=PROMPT).output_text == PROMPT


def test_what_is_not_there(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="gpt-nowhere", input=PROMPT)
    expect(caught, 404, "invalid_request_error", "model_not_found", "model")
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.retrieve("resp_nowhere")
    expect(caught, 404, "invalid_request_error", "not_found", "response_id")
    with pytest.raises(openai.NotFoundError) as caught:
        client.files.list()
    expect(caught, 404, "invalid_request_error", "unknown_url")


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_cannot_be_reached(client: OpenAI, stream: bool) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.responses.create(model="unreachable", input=PROMPT, stream=stream)
    expect(caught, 503, "server_error", "upstream_unavailable")


def test_a_server_that_cannot_be_reached() -> None:
    with socket.socket() as bound:  # never listens
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        nowhere = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0)
        with nowhere, pytest.raises(openai.APIConnectionError):
            nowhere.responses.create(model="echo", input="x")


def test_a_client_that_gives_up(client: OpenAI, up: Stage) -> None:
    up.answer(hang)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=1).responses.create(model=up.model, input=PROMPT)
    up.gone(up.arrived())


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_never_answers(client: OpenAI, layout: Layout, up: Stage, stream: bool) -> None:
    up.answer(hang)
    before = layout.stored()
    with pytest.raises(openai.InternalServerError) as caught:
        client.responses.create(model=up.hasty, input=PROMPT, stream=stream)
    expect(caught, 504, "server_error", "timeout")
    up.gone(up.arrived())
    assert layout.stored() == before
