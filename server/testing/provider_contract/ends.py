"""How an answer may end, what it took, and what is left of its connection."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from server.errors import (
    ServiceError,
    UpstreamError,
)
from server.providers.base import CallContext, Provider
from server.testing import upstream as fake
from server.testing.order import check_event_order
from server.testing.provider_contract.asking import (
    CANARY,
    GREETING,
    OSLO,
    TERMINAL,
    TEXT,
    WEATHER,
    Answered,
    a_request,
    ask,
    outcome,
    spelled,
)
from server.testing.provider_contract.base import Suite
from server.testing.upstream import FakeUpstream
from server.testing.wires.base import Called, Said, Spent, Wire, Words


class Ends(Suite):
    # How it ends

    @pytest.mark.parametrize("words", [["Half a th"], []], ids=["text", "nothing"])
    async def test_the_longest_output(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, words: list[str]
    ) -> None:
        upstream.answer(self.stream(wire, wire.frames(Said([Words(words)] if words else [], stop="length"))))
        answered = await ask(provider)
        response = answered.response
        assert answered.last == "incomplete"
        assert response.incomplete_details.reason == "max_output_tokens"
        assert [item.status for item in response.output] == ["incomplete"] * len(words)

    async def test_a_call_cut_by_the_longest_output(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        self.needs(wire, "cut calls")
        said = Said([Called("call_1", "get_weather", ['{"city": "Os'])], stop="length")
        upstream.answer(self.stream(wire, wire.frames(said)))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        response = answered.response
        assert answered.last == "incomplete"
        assert outcome(response) == spelled(said)
        assert response.output[0].status == "incomplete"

    async def test_a_filter(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "filter")
        upstream.answer(self.stream(wire, wire.frames(Said([Words(["I th"])], stop="filter"))))
        answered = await ask(provider)
        assert answered.last == "incomplete"
        assert answered.response.incomplete_details.reason == "content_filter"

    async def test_a_stream_that_breaks_off_is_never_whole(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        frames = wire.frames(Said([GREETING, OSLO], stop="calls"))
        for length in range(len(frames)):
            upstream.answer(self.stream(wire, frames[:length]))
        upstream.answer(self.stream(wire, frames))
        for _ in frames:
            answered = await ask(provider, a_request(tools=[WEATHER]))
            assert answered.last not in TERMINAL, "a stream that broke off was told as whole"
            assert answered.error is None or isinstance(answered.error, UpstreamError)
            check_event_order(answered.events, ended=False)
        assert (await ask(provider, a_request(tools=[WEATHER]))).last == "completed"

    async def test_a_connection_that_breaks_off(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        async def script(exchange: fake.Exchange) -> None:
            await exchange.head(200, {"content-type": wire.stream_type})
            await exchange.body(b"".join(wire.frames(TEXT)[:-1]))
            exchange.cut()

        upstream.answer(script)
        answered = await ask(provider)
        assert isinstance(answered.error, UpstreamError)
        assert answered.last not in TERMINAL

    async def test_an_error_in_the_stream(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "error mid-stream")
        frames = wire.failing(Said([Words(["So f", "ar"])]), f"Overloaded, {CANARY}.")
        upstream.answer(self.stream(wire, frames), self.stream(wire, frames[-1:]))
        answered = await ask(provider)
        told = [event.output_text_delta.delta for event in answered.events if event.HasField("output_text_delta")]
        if answered.error is None:
            assert answered.last == "failed" or answered.events[-1].HasField("error")
        assert "".join(told) == "So far"
        at_once = await ask(provider)
        assert isinstance(at_once.error, ServiceError) or at_once.last in ("failed", "error")

    # Usage

    async def test_usage(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        upstream.answer(self.stream(wire, wire.frames(TEXT)))
        self.check_usage(wire, await ask(provider))

    async def test_usage_that_comes_late(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "late usage")
        upstream.answer(self.stream(wire, wire.frames(TEXT, late_usage=True)))
        self.check_usage(wire, await ask(provider))

    async def test_usage_that_never_comes(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "no usage")
        upstream.answer(self.stream(wire, wire.frames(Said([GREETING], spent=None))))
        answered = await ask(provider)
        assert answered.last == "completed"
        assert not answered.events[-1].completed.response.HasField("usage"), "invented"

    def check_usage(self, wire: Wire, answered: Answered) -> None:
        spent, usage = Spent(), answered.response.usage
        assert (usage.input_tokens, usage.output_tokens) == (spent.input, spent.output)
        assert usage.total_tokens == spent.input + spent.output
        read = usage.input_tokens_details
        if "cached" not in wire.lacks:
            assert read.cached_tokens == spent.cached
        if "cache_write" not in wire.lacks:
            assert read.cache_write_tokens == spent.cache_write
        if "reasoning tokens" not in wire.lacks:
            assert usage.output_tokens_details.reasoning_tokens == spent.reasoning

    # Connections

    async def test_a_connection_is_used_again(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        async def script(exchange: fake.Exchange) -> None:
            await exchange.head(200, {"content-type": wire.stream_type})
            # In one write with the end: while that is under way the connection is not free.
            await exchange.end(b"".join(wire.frames(TEXT)))

        upstream.answer(script)
        for _ in range(2):
            assert (await ask(provider)).last == "completed"
        first, second = upstream.requests
        assert first.connection == second.connection

    async def test_leaving_closes_the_connection(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        async def script(exchange: fake.Exchange) -> None:
            await exchange.head(200, {"content-type": wire.stream_type})
            await exchange.body(b"".join(wire.frames(TEXT)[:-1]))
            await exchange.hang()

        upstream.answer(script)
        async with aclosing(provider.stream(a_request(), CallContext("req_1", "resp_1", True))) as batches:  # type: ignore[type-var]
            async for _ in batches:
                break
        async with asyncio.timeout(5):
            await (await upstream.request()).gone()

    async def test_nothing_secret_is_shown(self, provider: Provider) -> None:
        assert CANARY not in repr(provider)
