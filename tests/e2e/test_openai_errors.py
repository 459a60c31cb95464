"""OpenAI's SDK when things go wrong: every class of error, before the answer and in the middle of it."""

from __future__ import annotations

import socket
from typing import Any

import openai
import pytest
from e2e_faults import FAULTS
from e2e_layouts import CANARY, KEY_ECHO, PROMPT, Layout
from e2e_stage import Stage
from openai import OpenAI

from server.testing.upstream import hang


def expect(caught: Any, status: int, kind: str, code: str | None, param: str | None = None) -> None:
    """Check an SDK's error, and that it tells no secret."""
    told = caught.value
    assert (told.status_code, told.type, told.code, told.param) == (status, kind, code, param)
    assert told.request_id.startswith("req_")
    assert CANARY not in str(told)
    assert CANARY not in told.response.text


#: What the SDK raises for a status; for all from 500 on, `InternalServerError`.
RAISED: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    413: openai.APIStatusError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", [name for name, fault in FAULTS.items() if name[:1].isdigit()])
def test_what_the_provider_refuses(client: OpenAI, layout: Layout, up: Stage, case: str, stream: bool) -> None:
    fault = FAULTS[case]
    status, _, kind, code = fault.spelling
    up.answer(fault.script)
    before = layout.stored()
    with pytest.raises(RAISED.get(status, openai.InternalServerError)) as caught:
        client.responses.create(model=up.model, input=PROMPT, stream=stream)
    expect(caught, status, kind, code, fault.param)
    assert caught.value.response.headers["x-should-retry"] == ("true" if fault.should_retry else "false")
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
