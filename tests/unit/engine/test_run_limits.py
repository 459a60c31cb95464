"""Limits, and what a response took of them, however it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_parts import FOREVER, HELLO, Engine, ScriptedLimiter, ScriptedProvider, ask, read, says, target

from antiphon.responses import v1
from server.engine.making.spent import MOST_TOKENS
from server.errors import (
    ModelAccessForbidden,
    ModelNotFound,
    RateLimitExceeded,
    StoreUnavailable,
    UpstreamError,
)
from server.limits.base import Kind, Level, Limit, Refusal
from server.providers.base import Route
from server.telemetry.record import Outcome, Tokens

KEY = Limit("key:k", Kind.REQUESTS, 10, 60.0)
KEY_TOKENS = Limit("key:k", Kind.TOKENS, 5000, 60.0)
MODEL = Limit("model:a", Kind.CONCURRENCY, 3, 0.0)

ways = pytest.mark.parametrize("incremental", [False, True])


def usage(input_tokens: int, output_tokens: int, cached: int = 0, reasoning: int = 0) -> v1.ResponseUsage:
    told = v1.ResponseUsage(input_tokens=input_tokens, output_tokens=output_tokens)
    told.total_tokens = input_tokens + output_tokens
    told.input_tokens_details.cached_tokens = cached
    told.output_tokens_details.reasoning_tokens = reasoning
    return told


def charged(told: v1.ResponseUsage) -> list[list[v1.ResponseStreamEvent]]:
    """An answer whose end tells what it took."""
    script = says()
    script[-1][0].completed.response.usage.CopyFrom(told)
    return script


@ways
async def test_limits_are_those_of_the_caller_then_of_the_model_then_of_the_target(incremental: bool) -> None:
    limiter = ScriptedLimiter()
    provider = ScriptedProvider(*charged(usage(7, 5)))
    own = Limit("target:m/a", Kind.REQUESTS, 1, 1.0)
    engine = Engine(route=lambda: Route("m", (target(provider, "a", limits=(own,)),), limits=(MODEL,)), limiter=limiter)
    await read(engine, incremental, limits=(KEY, KEY_TOKENS))
    assert [subjects for subjects, _ in limiter.asked] == [
        ("key:k rpm", "key:k tpm", "model:a concurrency"),
        ("target:m/a rps",),
    ]
    assert limiter.asked[0][1] > 1024  # the usual length of an answer, and what was asked
    assert limiter.settled == [12, 12]
    assert [level.limit for level in engine.record.levels] == [KEY, KEY_TOKENS, MODEL, own]


@pytest.mark.parametrize("last", [charged(usage(7, 5)), [*says()[:4], UpstreamError("cut")]], ids=["whole", "cut"])
async def test_a_caller_that_hears_the_end_may_call_again_at_once(last: Any) -> None:
    own = Limit("target:m/a", Kind.CONCURRENCY, 1, 0.0)
    limiter = ScriptedLimiter()
    provider = ScriptedProvider(*last)
    engine = Engine(route=lambda: Route("m", (target(provider, "a", limits=(own,)),)), limiter=limiter)
    stream = engine.stream(ask(), limits=(KEY,))
    async for batch in stream:
        if batch[-1].WhichOneof("event") in ("completed", "failed"):
            assert len(limiter.settled) == 2
            break
        assert limiter.settled == []
    await stream.aclose()
    assert len(limiter.settled) == 2


@ways
async def test_without_limits_nothing_is_asked(incremental: bool) -> None:
    limiter = ScriptedLimiter()
    await read(Engine(limiter=limiter), incremental)
    assert limiter.asked == []


@ways
@pytest.mark.parametrize("retry_after", [3.5, None])
async def test_a_refusal_names_the_limit_and_costs_nothing(incremental: bool, retry_after: float | None) -> None:
    limiter = ScriptedLimiter(Refusal(KEY_TOKENS, retry_after, [Level(KEY_TOKENS, 3, 9.0)]))
    engine = Engine(limiter=limiter)
    error = await read(engine, incremental, limits=(KEY_TOKENS,))
    assert isinstance(error, RateLimitExceeded)
    assert error.quota == ("key:k", "tpm")
    assert error.retry_after == retry_after
    assert error.retryable == (retry_after is not None)
    assert "5000 tokens per minute" in error.message
    assert engine.provider.begun == 0
    assert limiter.settled == []
    assert engine.record.outcome is Outcome.REFUSED
    assert engine.observer.told == ["begun", "limited", "ended refused"]


@ways
async def test_a_target_whose_limits_are_reached_is_passed_over(incremental: bool) -> None:
    own = Limit("model:a", Kind.REQUESTS, 1, 60.0)
    limiter = ScriptedLimiter(None, Refusal(own, 30.0, [Level(own, 0, 30.0)]))
    first, second = ScriptedProvider(*says()), ScriptedProvider(*charged(usage(3, 4)))
    engine = Engine(route=lambda: Route("m", (target(first, "a", limits=(own,)), target(second, "b"))), limiter=limiter)
    response = await read(engine, incremental, limits=(KEY,))
    assert isinstance(response, v1.Response)
    assert (first.begun, second.begun) == (0, 1)
    assert [attempt.target for attempt in engine.record.attempts] == ["b"]
    assert limiter.settled == [7]
    assert [level.limit for level in engine.record.levels] == [KEY]


@ways
async def test_when_no_target_has_room_the_call_is_refused_and_gives_back_what_it_holds(incremental: bool) -> None:
    own = Limit("model:a", Kind.REQUESTS, 1, 60.0)
    limiter = ScriptedLimiter(None, Refusal(own, 30.0, []))
    engine = Engine(route=lambda: Route("m", (target(ScriptedProvider(), "a", limits=(own,)),)), limiter=limiter)
    error = await read(engine, incremental, limits=(KEY,))
    assert isinstance(error, RateLimitExceeded)
    assert error.quota == ("model:a", "rpm")
    assert (limiter.settled, limiter.given_back) == ([0], 1)
    assert engine.record.attempts == []
    assert engine.record.outcome is Outcome.REFUSED


@ways
async def test_what_is_refused_before_limits_are_looked_at_reserves_nothing(incremental: bool) -> None:
    for request, who, kind in (
        (v1.CreateResponseRequest(model="unknown", input_text="x"), {}, ModelNotFound),
        (ask(), {"models": ("other",)}, ModelAccessForbidden),
    ):
        limiter = ScriptedLimiter()
        engine = Engine(limiter=limiter)
        make = engine.read if incremental else engine.create
        with pytest.raises(kind):
            await make(request, limits=(KEY,), **who)
        assert limiter.asked == []
        assert engine.record.outcome is Outcome.REFUSED
        assert engine.observer.told == ["begun", "ended refused"]


# What it took


@ways
async def test_what_the_provider_says_it_took_counts(incremental: bool) -> None:
    engine = Engine(*charged(usage(100, 50, cached=80, reasoning=30)))
    await read(engine, incremental)
    assert engine.record.tokens == Tokens(100, 50, 80, 0, 30)
    assert engine.record.attempts[0].tokens == engine.record.tokens


@ways
@pytest.mark.parametrize(
    "told",
    [
        usage(0, 0),
        usage(-5, 3),
        usage(2**60, 1),
        usage(1, MOST_TOKENS + 1),
        usage(3, 3, cached=-1),
        usage(3, 3, reasoning=MOST_TOKENS + 1),
    ],
)
async def test_where_the_provider_does_not_tell_or_cannot_be_believed_it_is_estimated(
    incremental: bool, told: v1.ResponseUsage
) -> None:
    engine = Engine(*charged(told))
    response = await read(engine, incremental)
    tokens = engine.record.tokens
    assert tokens.estimated
    assert isinstance(response, v1.Response)
    used = response.usage
    assert (used.input_tokens, used.output_tokens, used.total_tokens) == (tokens.input, tokens.output, tokens.total)
    assert used.catch_all == '{"estimated":true}'
    assert 1 <= tokens.input < 20
    assert 1 <= tokens.output < 20


async def test_the_largest_count_is_believed() -> None:
    engine = Engine(*charged(usage(MOST_TOKENS, MOST_TOKENS)))
    await engine.create(ask())
    assert engine.record.tokens == Tokens(MOST_TOKENS, MOST_TOKENS)


async def test_a_stream_that_is_cut_took_what_was_told() -> None:
    engine = Engine(*says(HELLO)[:5], UpstreamError("cut"))
    response = await read(engine, incremental=True)
    assert isinstance(response, v1.Response)
    assert response.status == v1.Response.STATUS_FAILED
    assert engine.record.outcome is Outcome.FAILED
    assert engine.record.tokens.estimated
    assert engine.store.puts == [response]


@ways
async def test_a_response_that_cannot_be_kept_took_what_it_took(incremental: bool) -> None:
    limiter = ScriptedLimiter()
    engine = Engine(*charged(usage(7, 5)), limiter=limiter)
    engine.store.broken = StoreUnavailable("away")
    await read(engine, incremental, limits=(KEY,))
    assert engine.record.outcome is Outcome.FAILED
    assert limiter.settled == [12]


# A caller that leaves

#: How many batches a caller is told of `says()`: the provider's second, `in_progress`, was told with the first.
TOLD = len(says()) - 1


@pytest.mark.parametrize("batches", range(TOLD + 1))
async def test_a_caller_that_leaves_at_any_event_leaves_one_finish(batches: int) -> None:
    limiter = ScriptedLimiter()
    engine = Engine(*says(), limiter=limiter)
    stream = engine.stream(ask(), limits=(KEY, KEY_TOKENS))
    for _ in range(batches):
        await anext(stream)
    await stream.aclose()
    if not batches:
        assert engine.observer.told == []  # it was never begun
        return
    is_whole = batches == TOLD
    outcome = Outcome.COMPLETED if is_whole else Outcome.CANCELLED
    assert engine.observer.told[-2:] == [f"attempt 1 {outcome}", f"ended {outcome}"]
    assert engine.observer.told.count(f"ended {outcome}") == 1
    assert (engine.provider.begun, engine.provider.closed) == (1, 1)
    assert limiter.settled == [engine.record.tokens.total]
    assert engine.record.tokens.total > 0
    assert engine.record.duration is not None
    assert len(engine.running) == 0
    # At the last event the response is kept already: it is committed before that is told.
    assert len(engine.store.puts) == is_whole


@ways
async def test_a_caller_that_leaves_before_the_first_event_is_charged_nothing(incremental: bool) -> None:
    limiter = ScriptedLimiter()
    engine = Engine(FOREVER, limiter=limiter)
    reading = asyncio.ensure_future(read(engine, incremental, limits=(KEY,)))
    while not engine.provider.begun:
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert engine.record.outcome is Outcome.CANCELLED
    # The provider was asked, so the request counts.
    assert (limiter.settled, limiter.given_back) == ([0], 0)
