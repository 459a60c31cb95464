"""Attempts and the one finish: what a response is made of beside its events, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from engine_parts import FOREVER, Engine, ScriptedProvider, ask, read, says, target

from antiphon.responses import v1
from server.errors import (
    InvalidApiKey,
    RateLimitExceeded,
    ServerStopping,
    Timeout,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.providers.base import Retry, Route, Timeouts
from server.telemetry.record import Outcome, Tokens

DOWN = UpstreamUnavailable("down")
PATIENT = Retry(max_wait=3600.0)


def group(*providers: ScriptedProvider, retry: Retry | None = None, **fields: Any) -> Callable[[], Route]:
    targets = tuple(target(provider, name, **fields) for provider, name in zip(providers, "abc", strict=False))
    return lambda: Route("m", targets, retry=retry or Retry())


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
