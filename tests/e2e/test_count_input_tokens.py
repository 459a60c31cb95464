"""How many tokens an input is, asked with OpenAI's SDK and over gRPC: counted by the provider, or estimated."""

from __future__ import annotations

import json
from typing import Any

import grpc
import openai
import pytest
from e2e_http import ask, refuse
from e2e_layouts import CANARY, KEY_A, KEY_B, KEY_ECHO, PROMPT, UPSTREAM_KEY, Layout
from e2e_stage import Stage
from openai import OpenAI

from antiphon.responses import v1
from server.testing import upstream as fake
from server.testing import wire
from server.testing.upstream import json_body

COUNT = json_body({"object": "response.input_tokens", "input_tokens": 42})
PATH = "/v1/responses/input_tokens"
TOOL: Any = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}


def test_the_provider_counts(client: OpenAI, layout: Layout, up: Stage) -> None:
    up.answer(COUNT)
    before = layout.stored()
    asked: Any = {
        "input": PROMPT,
        "instructions": "Be brief.",
        "tools": [TOOL],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low"},
        "truncation": "disabled",
        "personality": "friendly",
    }
    counted = client.responses.input_tokens.with_raw_response.count(model=up.model, **asked)
    parsed = counted.parse()
    assert (parsed.input_tokens, parsed.object) == (42, "response.input_tokens")
    assert json.loads(counted.text) == {"object": "response.input_tokens", "input_tokens": 42}
    (request,) = up.requests
    assert (request.method, request.path) == ("POST", PATH)
    assert request.json == {"model": up.model, **asked}
    assert request.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert request.headers["x-request-id"] == counted.headers["x-request-id"]
    assert counted.headers["x-antiphon-target"] == up.model
    assert counted.headers["x-antiphon-attempts"] == "1"
    told = {name for name in counted.headers if name.startswith("x-antiphon-")}
    assert told == {"x-antiphon-target", "x-antiphon-attempts"}
    assert layout.stored() == before
    assert layout.query("SELECT * FROM usage WHERE request_id = ?", counted.headers["x-request-id"]) == []


def test_a_body_for_create_can_be_counted_first(client: OpenAI, up: Stage) -> None:
    up.answer(COUNT)
    more = {"temperature": 0.5, "max_output_tokens": 100, "stream": True, "store": False, "metadata": {"a": "b"}}
    assert client.responses.input_tokens.count(model=up.model, input="hi", extra_body=more).input_tokens == 42
    assert up.requests[0].json == {"model": up.model, "input": "hi"}


def test_what_came_before_is_counted_too(client: OpenAI, up: Stage) -> None:
    up.answer(json_body(wire.TEXT[-1]["response"]), COUNT)
    first = client.responses.create(model=up.model, input="First.")
    client.responses.input_tokens.count(model=up.model, input="Second.", previous_response_id=first.id)
    texts = [part["text"] for item in up.requests[1].json["input"] for part in item["content"]]
    assert (texts[0], texts[-1], len(texts)) == ("First.", "Second.", 3)
    assert "previous_response_id" not in up.requests[1].json


def test_the_stand_in_counts_as_it_is_used(client: OpenAI, stub: v1.ResponsesServiceStub) -> None:
    used = client.responses.create(model="echo", input="Count these four words.").usage
    assert used is not None
    counted = client.responses.input_tokens.count(model="echo", input="Count these four words.")
    assert counted.input_tokens == used.input_tokens == 4
    request = v1.CountInputTokensRequest(model="echo", input_text="Count these four words.")
    answer, call = stub.CountInputTokens.with_call(request, metadata=[("authorization", f"Bearer {KEY_A}")])
    assert answer == v1.CountInputTokensResponse(input_tokens=4)
    trailing = dict(call.trailing_metadata())
    assert (trailing["x-antiphon-target"], trailing["x-antiphon-attempts"]) == ("echo", "1")
    assert "x-antiphon-tokens-estimated" not in trailing


@pytest.mark.parametrize(
    "script",
    [
        fake.body(b"404 page not found", status=404),
        fake.body(b"Method Not Allowed", status=405),
        fake.error(400, message="The provided model doesn't support counting tokens."),
    ],
    ids=["404", "405", "this model"],
)
def test_an_estimate_says_that_it_is_one(client: OpenAI, stub: v1.ResponsesServiceStub, up: Stage, script: Any) -> None:
    up.answer(script)
    told = client.responses.input_tokens.with_raw_response.count(model=up.model, input="How many tokens is this?")
    counted = json.loads(told.text)
    assert counted == {"object": "response.input_tokens", "input_tokens": counted["input_tokens"], "estimated": True}
    assert 4 <= counted["input_tokens"] <= 12
    assert told.headers["x-antiphon-tokens-estimated"] == "true"
    request = v1.CountInputTokensRequest(model=up.model, input_text="How many tokens is this?")
    answer, call = stub.CountInputTokens.with_call(request, metadata=[("authorization", f"Bearer {KEY_A}")])
    assert answer.input_tokens == counted["input_tokens"]
    assert dict(call.trailing_metadata())["x-antiphon-tokens-estimated"] == "true"


def test_failures_of_the_provider_are_told_as_ever(client: OpenAI, up: Stage) -> None:
    up.answer(
        fake.error(500, message=f"Broken: {UPSTREAM_KEY}."),
        fake.error(404, code="model_not_found", message="No such model."),
        fake.error(400, param="input", message=f"Bad {UPSTREAM_KEY}."),
        fake.hang,
    )
    for kind, status in ((openai.InternalServerError, 502), (openai.NotFoundError, 404), (openai.BadRequestError, 400)):
        with pytest.raises(kind) as caught:
            client.responses.input_tokens.count(model=up.model, input=PROMPT)
        assert caught.value.status_code == status
        assert CANARY not in str(caught.value)
    with pytest.raises(openai.InternalServerError) as slow:
        client.responses.input_tokens.count(model=up.hasty, input=PROMPT)
    assert slow.value.status_code == 504
    assert len(up.requests) == 4


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": "x"}, 400, "missing_required_parameter", "model"),
        ({"model": "echo"}, 400, "missing_required_parameter", "input"),
        ({"model": "echo", "input": 3}, 400, "invalid_type", "input"),
        (
            {"model": "echo", "input": [{"role": "user", "content": [{"type": "input_text", "text": 3}]}]},
            400,
            "invalid_type",
            "input[0].content[0].text",
        ),
        ({"model": "echo", "input": "x", "personality": "x" * 65}, 400, "invalid_value", "personality"),
        ({"model": "echo", "input": "x", "temperature": 3}, 400, "invalid_value", "temperature"),
        ({"model": "echo", "input": "x", "models": ["a"]}, 400, "unsupported_parameter", "models"),
        ({"model": "no-such", "input": "x"}, 404, "model_not_found", "model"),
        (
            {"model": "echo", "input": "x", "previous_response_id": "resp_0"},
            400,
            "previous_response_not_found",
            "previous_response_id",
        ),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_bad_input(layout: Layout, body: Any, status: int, code: str, param: str) -> None:
    refuse(layout, ask(layout, json.dumps(body).encode(), path=PATH), status, code, param)


def test_what_is_another_tenants_is_not_there(client: OpenAI, stub: v1.ResponsesServiceStub) -> None:
    mine = client.responses.create(model="echo", input=PROMPT)
    theirs = client.with_options(api_key=KEY_B)
    with pytest.raises(openai.BadRequestError) as caught:
        theirs.responses.input_tokens.count(model="echo", input="x", previous_response_id=mine.id)
    assert caught.value.param == "previous_response_id"
    request = v1.CountInputTokensRequest(model="echo", input_text="x", previous_response_id=mine.id)
    with pytest.raises(grpc.RpcError) as refused:
        stub.CountInputTokens(request, metadata=[("authorization", f"Bearer {KEY_B}")])
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_key_counts_for_its_own_models_alone(client: OpenAI) -> None:
    limited = client.with_options(api_key=KEY_ECHO)
    assert limited.responses.input_tokens.count(model="echo", input="one").input_tokens == 1
    with pytest.raises(openai.PermissionDeniedError):
        limited.responses.input_tokens.count(model="up-1", input="one")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").responses.input_tokens.count(model="echo", input="one")


def test_a_caller_who_leaves_ends_it(stub: v1.ResponsesServiceStub, up: Stage) -> None:
    up.answer(fake.hang)
    request = v1.CountInputTokensRequest(model=up.model, input_text="x")
    call = stub.CountInputTokens.future(request, metadata=[("authorization", f"Bearer {KEY_A}")])
    asked = up.arrived()
    call.cancel()
    up.gone(asked)
