"""The provider for Chat Completions: whom it asks, and as whom; against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from server import errors
from server.providers.base import Provider
from server.providers.chat_completions import open_provider
from server.providers.chat_completions.options import Options, with_key
from server.providers.chat_completions.presets import PRESETS
from server.testing import upstream as fake
from server.testing.provider_contract.asking import MIXED, TEXT, WEATHER, a_request, ask, outcome, spelled
from server.testing.upstream import FakeUpstream
from server.testing.wires.chat_completions import OTHERS, ChatCompletionsWire

WIRE = ChatCompletionsWire()
KEY = "sk-CANARY-0123456789"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        upstream.answer(fake.raw_stream(WIRE.frames(TEXT)))
        yield upstream


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def opened(stack: AsyncExitStack, **options: Any) -> Provider:
    provider: Provider = await stack.enter_async_context(open_provider("mock", options))
    return provider


async def test_headers(stack: AsyncExitStack, upstream: FakeUpstream) -> None:
    headers = {"HTTP-Referer": "https://a.b"}
    await ask(await opened(stack, base_url=upstream.base_url, api_key=KEY, headers=headers))
    (sent,) = upstream.requests
    assert sent.path == "/v1/chat/completions"
    assert {name: value for name, value in sent.headers.items() if name not in ("host", "content-length")} == {
        "authorization": f"Bearer {KEY}",
        "http-referer": "https://a.b",
        "x-request-id": "req_1",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "antiphon",
    }


# Keys from the environment


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, None),
        ({"preset": "openai"}, "of-openai"),
        ({"preset": "openai", "base_url": "http://127.0.0.1:8000/v1"}, None),
        ({"preset": "deepseek"}, "of-deepseek"),
        ({"preset": "deepseek", "api_key": None}, "of-deepseek"),
        ({"preset": "deepseek", "api_key": "own"}, "own"),
        ({"preset": "mistral"}, None),
        ({"preset": "groq"}, None),
        ({"preset": "compatible", "base_url": "http://a.b"}, None),
        ({"preset": "deepseek", "headers": {"Authorization": "Bearer x"}}, None),
        ({"preset": "azure", "headers": {"Authorization": "Bearer x"}, "resource": "r"}, None),
        ({"preset": "azure", "resource": "r"}, "of-azure"),
        ({"preset": "none"}, None),
    ],
)
def test_the_environment_has_the_key_that_is_not_given(given: dict[str, Any], key: str | None) -> None:
    environ = {
        "OPENAI_API_KEY": "of-openai",
        "DEEPSEEK_API_KEY": " of-deepseek\n",
        "AZURE_OPENAI_API_KEY": "of-azure",
        "GROQ_API_KEY": "",
        "": "of nobody",
    }
    assert with_key(given, environ).get("api_key") == key


def test_the_environment_is_asked_when_a_provider_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", "no\x01key")
    with pytest.raises(ValueError, match="provider 'mock': api_key must hold printable ASCII") as refused:
        open_provider("mock", {"preset": "together"})
    assert "no\x01key" not in str(refused.value)


# Where


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"preset": "openai"}, "https://api.openai.com/v1/chat/completions"),
        ({"preset": "mistral"}, "https://api.mistral.ai/v1/chat/completions"),
        ({"preset": "cohere"}, "https://api.cohere.ai/compatibility/v1/chat/completions"),
        ({"preset": "compatible", "base_url": "http://a.b/c/"}, "http://a.b/c/chat/completions"),
        ({"preset": "azure", "resource": "r"}, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            {"preset": "azure", "resource": "r", "api_version": "preview"},
            "https://r.openai.azure.com/openai/v1/chat/completions?api-version=preview",
        ),
        (
            {"preset": "azure", "base_url": "https://r.services.ai.azure.com/openai/v1"},
            "https://r.services.ai.azure.com/openai/v1/chat/completions",
        ),
        (
            {"preset": "azure", "resource": "r", "api_version": "2024-10-21"},
            "https://r.openai.azure.com/openai/deployments/a%2Fb%20c/chat/completions?api-version=2024-10-21",
        ),
        (
            {"preset": "azure", "resource": "r", "api_version": "2025-04-01-preview", "deployment": "d"},
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-04-01-preview",
        ),
        (
            {"preset": "azure", "base_url": "https://proxy/openai", "api_version": "2024-10-21"},
            "https://proxy/openai/deployments/a%2Fb%20c/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_where_models_are_asked(given: dict[str, Any], url: str) -> None:
    assert str(Options.of("mock", given).url("a/b c")) == url


async def test_a_deployment_with_a_key_in_its_own_header(stack: AsyncExitStack, upstream: FakeUpstream) -> None:
    base_url = f"http://127.0.0.1:{upstream.port}/openai"
    provider = await opened(stack, preset="azure", base_url=base_url, api_version="2024-10-21", api_key=KEY)
    assert (await ask(provider, a_request(model="gpt-5"))).last == "completed"
    (sent,) = upstream.requests
    assert sent.path == "/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21"
    assert sent.headers["api-key"] == KEY
    assert "authorization" not in sent.headers
    assert sent.json["model"] == "gpt-5"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"preset": "nobody"}, "preset must be one of"),
        ({"preset": "compatible"}, "base_url is missing"),
        ({"preset": "azure"}, "resource or base_url is missing"),
        ({"preset": "azure", "resource": "a.b"}, "resource must be"),
        ({"preset": "azure", "resource": "r", "base_url": "http://a.b"}, "resource stands beside base_url"),
        ({"preset": "azure", "resource": "r", "deployment": "d"}, "deployment needs an api_version"),
        ({"preset": "azure", "resource": "r", "api_key": KEY, "headers": {"api-key": "x"}}, "headers.api-key"),
        ({"resource": "r"}, "resource means nothing to the preset openai"),
        ({"api_version": "v1"}, "api_version means nothing"),
        ({"quirks": ["x"]}, "quirks must map"),
        ({"quirks": {"flavour": 1}}, "quirks holds 'flavour'"),
        ({"quirks": {"developer_role": 1}}, "quirks.developer_role must be true or false"),
        ({"quirks": {"reasoning_back": "loudly"}}, "quirks.reasoning_back must be one of"),
        ({"quirks": {"max_tokens": 1}}, "quirks.max_tokens must be a string"),
        ({"quirks": {"media": ["smell"]}}, "quirks.media must be a list of"),
        ({"quirks": {"media": "audio"}}, "quirks.media must be a list of"),
        ({"quirks": {"efforts": {"low": 1}}}, "quirks.efforts must map"),
        ({"temperature": 1}, "unknown option temperature"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=r"^provider 'mock': ") as raised:
        open_provider("mock", {"preset": "openai"} | options)
    assert named in str(raised.value)
    assert KEY not in str(raised.value)


# How


async def test_single_quirks_can_be_set_right(stack: AsyncExitStack, upstream: FakeUpstream) -> None:
    quirks = {
        "max_tokens": "n_predict",
        "developer_role": True,
        "fields": ["top_logprobs"],
        "efforts": {"high": {"think": {"hard": True}}},
        "usage_option": False,
    }
    provider = await opened(stack, preset="compatible", base_url=upstream.base_url, quirks=quirks)
    request = a_request(instructions="Be brief.", max_output_tokens=20, reasoning={"effort": "high"}, top_logprobs=1)
    assert (await ask(provider, request)).error is None
    assert upstream.requests[0].json == {
        "model": "test-model",
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Say hello."}],
        "n_predict": 20,
        "think": {"hard": True},
        "logprobs": True,
        "top_logprobs": 1,
        "stream": True,
    }
    refused = await ask(provider, a_request(temperature=0.5))
    assert isinstance(refused.error, errors.UnsupportedParameter)
    assert PRESETS["compatible"].quirks.max_tokens == "max_tokens", "the preset was changed"


@pytest.mark.parametrize(("preset", "streams"), [("modelscope", True), ("openai", False)])
async def test_a_whole_answer_is_a_stream_where_there_is_nothing_else(
    stack: AsyncExitStack, upstream: FakeUpstream, preset: str, streams: bool
) -> None:
    provider = await opened(stack, preset=preset, base_url=upstream.base_url, api_key=KEY)
    answered = await ask(provider, incremental=False)
    assert outcome(answered.response) == spelled(TEXT)
    (sent,) = upstream.requests
    assert sent.json["stream"] is streams
    assert ("stream_options" in sent.json) is streams
    assert sent.headers["accept"] == ("text/event-stream" if streams else "application/json")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("wire", [WIRE, *OTHERS.values()], ids=lambda wire: wire.preset)
async def test_whoever_is_asked_may_answer_as_others_do(
    stack: AsyncExitStack, preset: str, wire: ChatCompletionsWire
) -> None:
    said = TEXT if "reasoning" in wire.lacks else MIXED
    async with FakeUpstream() as upstream:
        upstream.answer(fake.raw_stream(wire.frames(said)))
        provider = await opened(stack, preset=preset, base_url=upstream.base_url, api_key=KEY)
        answered = await ask(provider, a_request(tools=[WEATHER]))
    assert outcome(answered.response) == spelled(said)
