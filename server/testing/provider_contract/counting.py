"""Tokens are counted in the provider's own way, of the same request that it would answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from server.errors import (
    InsufficientQuota,
    RateLimitExceeded,
    ServiceError,
    UnsupportedParameter,
    UpstreamAuthentication,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.providers.base import NoTokenCount, Provider, TokenCounter, Unsupported
from server.testing import upstream as fake
from server.testing.provider_contract.asking import CANARY, TEXT, WEATHER, a_request, ask, count
from server.testing.provider_contract.base import Suite
from server.testing.upstream import FakeUpstream
from server.testing.vendor import speaking
from server.testing.wires.base import Wire

_COUNTED: Final = TEXT.spent.input if TEXT.spent is not None else 0
_JSON: Final = {"content-type": "application/json"}
#: What is asked, in many ways; what a provider refuses it refuses alike.
_ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {},
    "instructions": {"instructions": "Be brief."},
    "a conversation": {
        "input": [
            {"role": "user", "content": "How is the weather?"},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Oslo"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "17 degrees"},
            {"role": "assistant", "content": "It is warm."},
            {"role": "user", "content": [{"type": "input_text", "text": "And now?"}]},
        ],
        "tools": [WEATHER],
    },
    "an image": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}
                ],
            }
        ]
    },
    "a tool that must be called": {"tools": [WEATHER], "tool_choice": "required"},
    "reasoning": {"reasoning": {"effort": "high"}},
    "a schema": {
        "text": {
            "format": {
                "type": "json_schema",
                "name": "s",
                "schema": {"type": "object", "properties": {}, "additionalProperties": False},
                "strict": True,
            }
        }
    },
    "what has no part in the input": {
        "max_output_tokens": 4321,
        "safety_identifier": "user-1",
        "service_tier": "default",
        "metadata": {"a": "b"},
    },
}


class Counting(Suite):
    def counts(self, wire: Wire, provider: Provider) -> TokenCounter:
        """The provider, if it counts; that it lacks what its wire lacks is checked on the way."""
        assert isinstance(provider, TokenCounter) == ("count" not in wire.lacks)
        self.needs(wire, "count")
        assert isinstance(provider, TokenCounter)
        return provider

    async def test_tokens_are_counted(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.counts(wire, provider)
        upstream.answer(speaking(wire, TEXT))
        answered = await ask(provider, incremental=False)
        assert await count(provider, a_request()) == (_COUNTED, [])
        assert answered.response.usage.input_tokens == _COUNTED
        told, counted = upstream.requests
        assert wire.wants_count(counted.path)
        assert counted.method == "POST"
        assert counted.headers["accept"] == "application/json"
        assert (counted.headers["x-request-id"], counted.headers["traceparent"]) == ("req_1", "00-1-2-01")
        # Who asks is told as ever; a signature is another for each request.
        ours = {name for name in told.headers if not name.startswith("x-amz") and name != "authorization"}
        ours -= {"accept", "content-length"}
        assert {name: counted.headers[name] for name in ours} == {name: told.headers[name] for name in ours}
        assert counted.headers.keys() == told.headers.keys() | {"traceparent"}

    @pytest.mark.parametrize("asked", _ASKED)
    async def test_what_is_counted_is_what_would_be_answered(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, asked: str
    ) -> None:
        self.counts(wire, provider)
        upstream.answer(speaking(wire, TEXT))
        request = a_request(**_ASKED[asked])
        answered = await ask(provider, request)
        if isinstance(answered.error, UnsupportedParameter):
            with pytest.raises(UnsupportedParameter) as refused:
                await count(provider, request)
            assert refused.value.param == answered.error.param
            assert upstream.requests == []
            return
        _, omitted = await count(provider, request)
        assert set(answered.omitted) <= set(omitted) | {"safety_identifier"}
        told, counted = (sent.json for sent in upstream.requests)
        counted = wire.to_count(counted)
        assert counted.keys() <= told.keys()
        assert counted == {name: told[name] for name in counted}
        if asked != "what has no part in the input":
            # All that is particular to it, but for a form that is named.
            await ask(provider)
            plain = upstream.requests[-1].json
            particular = {name for name in told if told[name] != plain.get(name)}
            assert particular <= counted.keys() or omitted

    async def test_what_cannot_be_carried_is_not_counted(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        self.counts(wire, provider)
        upstream.answer(speaking(wire, TEXT))
        request = a_request(prompt={"id": "pmpt_1"}, input="hi")
        with pytest.raises(UnsupportedParameter) as refused:
            await count(provider, request)
        assert refused.value.param == "prompt"
        assert upstream.requests == []
        _, omitted = await count(provider, request, unsupported=Unsupported.REPORT)
        assert "prompt" in omitted

    async def test_the_manner_of_a_model_is_counted_or_refused(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        self.counts(wire, provider)
        upstream.answer(speaking(wire, TEXT))
        request = a_request(personality="friendly")
        if wire.kind == "openai":
            assert await count(provider, request) == (_COUNTED, [])
            assert upstream.requests[0].json["personality"] == "friendly"
            return
        with pytest.raises(UnsupportedParameter, match="personality"):
            await count(provider, request)
        assert upstream.requests == []
        assert await count(provider, request, unsupported=Unsupported.REPORT) == (_COUNTED, ["personality"])

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, UpstreamRejected),
            (401, UpstreamAuthentication),
            (402, InsufficientQuota),
            (403, UpstreamAuthentication),
            (429, RateLimitExceeded),
            (500, UpstreamError),
            (503, UpstreamUnavailable),
        ],
    )
    async def test_failures_are_told_as_for_an_answer(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, status: int, kind: type[ServiceError]
    ) -> None:
        self.counts(wire, provider)
        headers, body = wire.error(status, f"No good: {CANARY}.")
        upstream.answer(fake.body(body, status=status, headers=headers))
        with pytest.raises(ServiceError) as failed:
            await count(provider, a_request())
        assert type(failed.value) is kind
        assert CANARY not in repr(vars(failed.value)) + str(failed.value)

    @pytest.mark.parametrize("status", [404, 405, 501])
    async def test_a_server_without_that_method_counts_nothing(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, status: int
    ) -> None:
        self.counts(wire, provider)
        upstream.answer(fake.body(b"404 page not found", status=status, headers={"content-type": "text/plain"}))
        with pytest.raises(NoTokenCount):
            await count(provider, a_request())

    async def test_a_model_that_is_not_counted_for(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        self.counts(wire, provider)
        headers, body = wire.error(400, "The provided model doesn't support counting tokens.")
        upstream.answer(fake.body(body, status=400, headers=headers))
        with pytest.raises(NoTokenCount):
            await count(provider, a_request())

    @pytest.mark.parametrize("tokens", [None, "12", -1, 2**70, 1.5, True, [], {}], ids=lambda value: json.dumps(value))
    async def test_a_count_without_sense(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, tokens: Any
    ) -> None:
        self.counts(wire, provider)
        said = json.loads(wire.count(7))
        said = {name: tokens if value == 7 else value for name, value in said.items()}
        upstream.answer(fake.body(json.dumps(said).encode(), headers=_JSON))
        with pytest.raises(UpstreamError):
            await count(provider, a_request())

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b"{}", b" " * 100_000])
    async def test_an_answer_that_is_no_count(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, body: bytes
    ) -> None:
        self.counts(wire, provider)
        upstream.answer(fake.body(body, headers=_JSON))
        with pytest.raises(UpstreamError):
            await count(provider, a_request())
