"""Attempts, limits and the one finish: what a response is made of beside its events, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from engine_parts import FOREVER, HELLO, Engine, ScriptedProvider, ask, says, target

from antiphon.responses import v1
from server.errors import (
    InvalidApiKey,
    ModelAccessForbidden,
    ModelNotFound,
    RateLimitExceeded,
    ServerStopping,
    ServiceError,
    StoreUnavailable,
    Timeout,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.limits.base import Kind, Level, Limit, Refusal
from server.providers.base import Retry, Route, Timeouts
from server.telemetry.record import Outcome, Tokens
from server.testing.order import check_order

DOWN = UpstreamUnavailable("down")
PATIENT = Retry(max_wait=3600.0)


def group(*providers: ScriptedProvider, retry: Retry | None = None, **fields: Any) -> Callable[[], Route]:
    targets = tuple(target(provider, name, **fields) for provider, name in zip(providers, "abc", strict=False))
    return lambda: Route("m", targets, retry=retry or Retry())


def usage(input_tokens: int, output_tokens: int, cached: int = 0, reasoning: int = 0) -> v1.ResponseUsage:
    told = v1.ResponseUsage(input_tokens=input_tokens, output_tokens=output_tokens)
    told.input_tokens_details.cached_tokens = cached
    told.output_tokens_details.reasoning_tokens = reasoning
    return told


def charged(told: v1.ResponseUsage) -> list[list[v1.ResponseStreamEvent]]:
    """An answer whose end tells what it took."""
    script = says()
    script[-1][0].completed.response.usage.CopyFrom(told)
    return script


class Limiter:
    """Grants or refuses as told, and writes down what was settled."""

    def __init__(self, *decisions: Refusal | None) -> None:
        self.decisions = list(decisions)
        self.asked: list[tuple[tuple[str, ...], int]] = []
        self.settled: list[int] = []
        self.given_back = 0

    async def reserve(self, limits: Sequence[Limit], tokens: int) -> Any:
        self.asked.append((tuple(f"{limit.subject} {limit.name}" for limit in limits), tokens))
        decision = self.decisions.pop(0) if self.decisions else None
        return decision if decision is not None else Granted(self, [Level(limit, 1, 0.5) for limit in limits])


class Granted:
    def __init__(self, limiter: Limiter, levels: list[Level]) -> None:
        self.levels = levels
        self._limiter = limiter
        self._is_settled = False

    def settle(self, tokens: int) -> None:
        assert not self._is_settled, "settled twice"
        self._is_settled = True
        self._limiter.settled.append(tokens)

    def give_back(self) -> None:
        self.settle(0)
        self._limiter.given_back += 1


KEY = Limit("key:k", Kind.REQUESTS, 10, 60.0)
KEY_TOKENS = Limit("key:k", Kind.TOKENS, 5000, 60.0)
MODEL = Limit("model:a", Kind.CONCURRENCY, 3, 0.0)


async def read(engine: Engine, incremental: bool, **who: Any) -> v1.Response | ServiceError:
    """The response, made either way, or what it was refused with."""
    try:
        if not incremental:
            return await engine.create(ask(), **who)
        events = await engine.read(ask(), **who)
    except ServiceError as error:
        return error
    assert check_order(events) == []
    last = events[-1]
    response: v1.Response = getattr(last, str(last.WhichOneof("event"))).response
    return response


ways = pytest.mark.parametrize("incremental", [False, True])


# Attempts


@ways
async def test_another_target_answers_when_the_first_fails(incremental: bool) -> None:
    first, second = ScriptedProvider(DOWN), ScriptedProvider(*says())
    engine = Engine(route=group(first, second))
    response = await read(engine, incremental)
    assert isinstance(response, v1.Response)
    assert response.status == v1.Response.STATUS_COMPLETED
    assert [(provider.begun, provider.closed) for provider in (first, second)] == [(1, 1), (1, 1)]
    assert [provider.requests[0].model for provider in (first, second)] == ["upstream-a", "upstream-b"]
    assert [(a.number, a.target, a.outcome, a.error) for a in engine.record.attempts] == [
        (1, "a", Outcome.FAILED, DOWN),
        (2, "b", Outcome.COMPLETED, None),
    ]
    assert engine.record.failovers == 1
    assert [told for told in engine.observer.told if told != "first token"] == [
        "begun",
        "attempt 1 at a",
        "attempt 1 failed",
        "attempt 2 at b",
        "attempt 2 completed",
        "ended completed",
    ]


@ways
async def test_what_came_before_the_failure_of_a_call_for_one_answer_is_forgotten(incremental: bool) -> None:
    cut = ScriptedProvider(*says()[:4], UpstreamError("cut"))
    engine = Engine(route=group(cut, ScriptedProvider(*says())))
    response = await read(engine, incremental)
    assert isinstance(response, v1.Response)
    if incremental:
        assert (response.status, len(engine.record.attempts)) == (v1.Response.STATUS_FAILED, 1)
    else:
        # Nothing was told, so the other target could take over, and only its answer counts.
        assert (response.status, len(engine.record.attempts)) == (v1.Response.STATUS_COMPLETED, 2)
        assert len(response.output) == 1


@ways
async def test_the_callers_own_mistake_is_told_by_the_first(incremental: bool) -> None:
    second = ScriptedProvider(*says())
    rejected = UpstreamRejected("no", param="input")
    assert await read(Engine(route=group(ScriptedProvider(rejected), second)), incremental) is rejected
    assert second.begun == 0


@ways
async def test_the_last_failure_is_the_one_that_is_told(incremental: bool) -> None:
    last = UpstreamError("last")
    engine = Engine(route=group(ScriptedProvider(DOWN), ScriptedProvider(last), retry=Retry(attempts=2)))
    assert await read(engine, incremental) is last
    assert engine.record.outcome is Outcome.FAILED
    assert engine.record.error is last
    assert engine.record.tokens == Tokens()


@ways
async def test_a_silent_target_is_left_for_another(incremental: bool) -> None:
    silent = ScriptedProvider(FOREVER)
    short = Timeouts(first_event=0.01, total=0.02)
    engine = Engine(
        route=lambda: Route("m", (target(silent, "a", timeouts=short), target(ScriptedProvider(*says()), "b")))
    )
    response = await read(engine, incremental)
    assert isinstance(response, v1.Response)
    assert response.status == v1.Response.STATUS_COMPLETED
    assert isinstance(engine.record.attempts[0].error, Timeout)
    assert silent.closed == 1


@ways
async def test_all_attempts_together_have_the_time_of_the_route(incremental: bool) -> None:
    silent = ScriptedProvider(FOREVER)
    engine = Engine(route=lambda: Route("m", (target(silent, "a"), target(silent, "b")), total=0.02))
    error = await read(engine, incremental)
    assert isinstance(error, Timeout)
    assert error.message == "The provider sent no end within 0.02 s."
    # The other is not asked for nothing: there is no time left for it.
    assert [attempt.error for attempt in engine.record.attempts] == [error]


@ways
async def test_a_wait_before_another_attempt_ends_with_the_callers_deadline(incremental: bool) -> None:
    busy = ScriptedProvider(RateLimitExceeded("busy", retry_after=1000.0))
    engine = Engine(route=group(busy, retry=PATIENT))
    error = await read(engine, incremental, patience=0.05)
    assert isinstance(error, RateLimitExceeded)
    assert busy.begun == 1


# The caller's deadline and other ends from without


@ways
async def test_the_callers_deadline_before_the_first_event_is_an_error_of_the_call(incremental: bool) -> None:
    engine = Engine(FOREVER)
    error = await read(engine, incremental, patience=0.01)
    assert isinstance(error, Timeout)
    assert error.message == "The call took longer than its deadline allows."
    assert engine.record.outcome is Outcome.DEADLINE
    assert engine.store.puts == []


async def test_the_callers_deadline_in_the_middle_ends_the_stream_and_keeps_what_came() -> None:
    script = says()
    delta = next(i for i, batch in enumerate(script) if batch[0].HasField("output_text_delta"))
    engine = Engine(*script[: delta + 1], FOREVER)
    response = await read(engine, incremental=True, patience=0.05)
    assert isinstance(response, v1.Response)
    assert response.status == v1.Response.STATUS_FAILED
    (kept,) = engine.store.puts
    assert kept == response
    assert kept.output[0].status == "incomplete"
    assert kept.output[0].message.content[0].output_text.text == "Hel"
    assert engine.record.outcome is Outcome.DEADLINE
    assert engine.record.tokens.estimated
    assert engine.record.tokens.output > 0


async def test_a_response_can_be_ended_while_it_waits_for_the_provider() -> None:
    engine = Engine(*says()[:3], FOREVER)
    stream = engine.stream(ask())
    await anext(stream)
    await anext(stream)
    assert engine.running.interrupt(InvalidApiKey(), keys={"another"}) == 0
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert engine.running.interrupt(InvalidApiKey(), keys={"key"}) == 1
    events = await reading
    assert [event.WhichOneof("event") for event in events] == ["error", "failed"]
    assert events[0].error.code == "invalid_api_key"
    assert [batch async for batch in stream] == []
    assert engine.provider.closed == 1
    assert len(engine.running) == 0


async def test_a_response_can_be_ended_while_its_caller_reads_slowly() -> None:
    engine = Engine(*says())
    stream = engine.stream(ask())
    await anext(stream)
    engine.running.interrupt(ServerStopping())
    events = await anext(stream)
    assert events[-1].failed.response.error.code == "server_error"
    assert [batch async for batch in stream] == []
    assert engine.record.outcome is Outcome.SHUTDOWN


@ways
async def test_a_response_ended_before_its_first_event_is_an_error(incremental: bool) -> None:
    engine = Engine(FOREVER)
    reading = asyncio.ensure_future(read(engine, incremental))
    while not engine.provider.begun:
        await asyncio.sleep(0)
    engine.running.interrupt(ServerStopping())
    assert isinstance(await reading, ServerStopping)
    assert engine.record.outcome is Outcome.SHUTDOWN


async def test_a_response_can_be_ended_while_it_waits_before_another_attempt() -> None:
    engine = Engine(route=group(ScriptedProvider(RateLimitExceeded("busy", retry_after=1000.0)), retry=PATIENT))
    reading = asyncio.ensure_future(read(engine, incremental=True))
    while not engine.record_is_begun or "attempt 1 failed" not in engine.observer.told:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    engine.running.interrupt(ServerStopping())
    assert isinstance(await reading, ServerStopping)


#: How many batches a caller is told of `says()`: the provider's second, `in_progress`, was told with the first.
TOLD = len(says()) - 1


@pytest.mark.parametrize("batches", range(TOLD + 1))
async def test_a_caller_that_leaves_at_any_event_leaves_one_finish(batches: int) -> None:
    limiter = Limiter()
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
    limiter = Limiter()
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


# Limits


@ways
async def test_limits_are_those_of_the_caller_then_of_the_model_then_of_the_target(incremental: bool) -> None:
    limiter = Limiter()
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
    limiter = Limiter()
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
    limiter = Limiter()
    await read(Engine(limiter=limiter), incremental)
    assert limiter.asked == []


@ways
@pytest.mark.parametrize("retry_after", [3.5, None])
async def test_a_refusal_names_the_limit_and_costs_nothing(incremental: bool, retry_after: float | None) -> None:
    limiter = Limiter(Refusal(KEY_TOKENS, retry_after, [Level(KEY_TOKENS, 3, 9.0)]))
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
    limiter = Limiter(None, Refusal(own, 30.0, [Level(own, 0, 30.0)]))
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
    limiter = Limiter(None, Refusal(own, 30.0, []))
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
        limiter = Limiter()
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
@pytest.mark.parametrize("told", [usage(0, 0), usage(-5, 3), usage(2**60, 1)])
async def test_where_the_provider_does_not_tell_or_cannot_be_believed_it_is_estimated(
    incremental: bool, told: v1.ResponseUsage
) -> None:
    engine = Engine(*charged(told))
    await read(engine, incremental)
    tokens = engine.record.tokens
    assert tokens.estimated
    assert 1 <= tokens.input < 20
    assert 1 <= tokens.output < 20


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
    limiter = Limiter()
    engine = Engine(*charged(usage(7, 5)), limiter=limiter)
    engine.store.broken = StoreUnavailable("away")
    await read(engine, incremental, limits=(KEY,))
    assert engine.record.outcome is Outcome.FAILED
    assert limiter.settled == [12]


@ways
async def test_times_are_told(incremental: bool) -> None:
    engine = Engine(*says())
    await read(engine, incremental)
    record = engine.record
    (attempt,) = record.attempts
    assert attempt.first_event is not None
    assert attempt.duration is not None
    assert record.duration is not None
    assert attempt.first_event <= attempt.duration <= record.duration
    if incremental:
        assert record.first_event is not None
        assert record.first_token is not None
        assert record.first_event <= record.first_token <= record.duration
        assert engine.observer.told.count("first token") == 1
        assert record.events == len(await Engine(*says()).read(ask()))
    else:
        assert record.events == 0


@ways
async def test_a_provider_that_fails_before_it_has_begun_has_had_an_attempt(incremental: bool) -> None:
    class Broken:
        def stream(self, request: Any, context: Any) -> Any:
            raise UpstreamUnavailable("down")

    engine = Engine(route=lambda: Route("m", (target(Broken(), "a"), target(ScriptedProvider(*says()), "b"))))
    response = await read(engine, incremental)
    assert isinstance(response, v1.Response)
    assert [(attempt.target, attempt.outcome) for attempt in engine.record.attempts] == [
        ("a", Outcome.FAILED),
        ("b", Outcome.COMPLETED),
    ]
    assert engine.observer.told.count("attempt 1 failed") == 1


async def test_an_observer_that_fails_harms_nobody() -> None:
    engine = Engine(*says())

    def fail(*_: Any) -> None:
        raise RuntimeError("secret")

    from server.telemetry.observers import Observers

    observer = engine.observer
    observer.attempt_begun = fail  # type: ignore[method-assign]
    engine.creator._observer = Observers([observer])
    response = await read(engine, incremental=True)
    assert isinstance(response, v1.Response)
    assert response.status == v1.Response.STATUS_COMPLETED
    assert engine.observer.told[-1] == "ended completed"
