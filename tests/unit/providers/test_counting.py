"""What is particular to one vendor where tokens are counted; what all must do stands in the contract of providers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server import registry
from server.errors import ServiceError, UpstreamAuthentication, UpstreamRejected
from server.providers.base import CallContext, NoTokenCount, TokenCounter
from server.testing import upstream as fake
from server.testing.upstream import FakeUpstream
from server.testing.wires.all import WIRES

COUNTS = {kind: fake.body(wire.count(7)) for kind, wire in WIRES.items() if "count" not in wire.lacks}
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


async def count(kind: str, *answers: fake.Script, options: dict[str, Any] | None = None, **members: Any) -> Any:
    """Have a request counted: the tokens or the error, the requests, and what was left out."""
    wire = WIRES[kind]
    request = openai_json.decode(
        json.dumps({"model": wire.model, "input": "hi"} | members).encode(), v1.CreateResponseRequest
    )
    context = CallContext("req_1", "", False)
    async with FakeUpstream() as upstream:
        upstream.answer(*(answers or (COUNTS[kind],)))
        whole = wire.options(f"http://127.0.0.1:{upstream.port}") | (options or {})
        async with registry.provider(kind)("tested", whole) as provider:
            assert isinstance(provider, TokenCounter)
            try:
                told: Any = await provider.count_tokens(request, context)
            except (ServiceError, NoTokenCount) as error:
                told = error
        return told, upstream.requests, context.omitted


@pytest.mark.parametrize(
    ("kind", "options", "model", "path"),
    [
        ("openai", {"api_version": "preview"}, "m", "/v1/responses/input_tokens?api-version=preview"),
        ("gemini", {}, "a/b", "/v1beta/models/a%2Fb:countTokens"),
        (
            "gemini",
            {"project": "p", "location": "eu"},
            "m",
            "/v1beta/projects/p/locations/eu/publishers/google/models/m:countTokens",
        ),
        ("bedrock", {}, "us.anthropic.claude-haiku-4-5-v1:0", "/model/anthropic.claude-haiku-4-5-v1:0/count-tokens"),
        ("bedrock", {}, "global.amazon.nova-2-lite-v1:0", "/model/amazon.nova-2-lite-v1:0/count-tokens"),
        (
            "bedrock",
            {},
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6",
            "/model/anthropic.claude-sonnet-4-6/count-tokens",
        ),
        (
            "bedrock",
            {"foundation_models": {"arn:aws:bedrock:x:1:application-inference-profile/a1": "us.amazon.nova-pro-v1:0"}},
            "arn:aws:bedrock:x:1:application-inference-profile/a1",
            "/model/amazon.nova-pro-v1:0/count-tokens",
        ),
    ],
)
async def test_where_it_is_counted(kind: str, options: dict[str, Any], model: str, path: str) -> None:
    told, (request,), _ = await count(kind, options=options, model=model)
    assert (told, request.path) == (7, path)


async def test_what_openai_is_sent() -> None:
    asked = {
        "instructions": "Be brief.",
        "tools": [{"type": "web_search"}],
        "truncation": "auto",
        "reasoning": {"effort": "low"},
        "seed": 1,
    }
    beside = {"temperature": 0.5, "user": "u", "metadata": {"a": "b"}, "max_output_tokens": 99, "include": []}
    told, (request,), omitted = await count("openai", **asked, **beside)
    assert (told, omitted) == (7, [])
    assert request.json == {"model": "gpt-5.6", "input": "hi"} | asked


async def test_what_vertex_is_sent() -> None:
    members = {
        "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "f"}],
        "tool_choice": "required",
        "text": {"format": {"type": "json_schema", "name": "s", "schema": SCHEMA}},
        "service_tier": "flex",
    }
    told, (request,), _ = await count("gemini", options={"project": "p", "location": "eu"}, **members)
    assert told == 7
    assert request.json == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
    }


async def test_a_form_that_bedrock_does_not_count_is_named() -> None:
    form = {"type": "json_schema", "name": "s", "schema": SCHEMA}
    told, (request,), omitted = await count("bedrock", text={"format": form}, max_output_tokens=99)
    assert (told, omitted) == (7, ["text.format"])
    assert request.json["input"]["converse"].keys() == {"messages"}


def says(kind: str, status: int, message: str) -> fake.Script:
    headers, body = WIRES[kind].error(status, message)
    return fake.body(body, status=status, headers=headers)


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        (
            "bedrock",
            says("bedrock", 400, "Invocation of model ID x with on-demand throughput isn\u2019t supported. Retry."),
        ),
        (
            "gemini",
            says("gemini", 404, "models/x is not found for API version v1, or is not supported for countTokens."),
        ),
        ("anthropic", says("anthropic", 400, "This model does not support token counting.")),
        ("openai", says("openai", 404, "Invalid URL (POST /v1/responses/input_tokens)")),
    ],
)
async def test_who_says_that_it_does_not_count(kind: str, refusal: fake.Script) -> None:
    told, _, _ = await count(kind, refusal)
    assert isinstance(told, NoTokenCount)


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("openai", fake.error(404, code="model_not_found", message="No such model.")),
        ("openai", fake.error(404, param="model", message="No such model.")),
        ("anthropic", says("anthropic", 404, "model: claude-0")),
        ("bedrock", says("bedrock", 404, "The model is not there.")),
    ],
)
async def test_a_model_that_is_not_there_is_not_estimated(kind: str, refusal: fake.Script) -> None:
    told, _, _ = await count(kind, refusal)
    assert isinstance(told, UpstreamRejected)


async def test_keys_that_aws_finds_too_old_are_not_good_for_counting_either() -> None:
    headers, body = {"x-amzn-errortype": "ExpiredTokenException"}, b'{"message": "Old."}'
    told, requests, _ = await count("bedrock", fake.body(body, status=403, headers=headers))
    assert type(told) is UpstreamAuthentication
    assert len(requests) == 1  # keys that are given have no newer ones
