"""A response is made once, ends once, and is kept before its callers are told that it is complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import engine_parts as parts
import engine_streams as streams
import pytest
from engine_parts import FOREVER, HELLO, Engine, ask, says

from antiphon.responses import v1
from server.errors import (
    Internal,
    ModelAccessForbidden,
    ModelNotFound,
    RateLimitExceeded,
    ServiceError,
    StoreUnavailable,
    Timeout,
    UpstreamError,
)
from server.providers.base import Timeouts
from server.testing.order import check_order

COMPLETED, INCOMPLETE, FAILED = (
    v1.Response.STATUS_COMPLETED,
    v1.Response.STATUS_INCOMPLETE,
    v1.Response.STATUS_FAILED,
)
AWAY = StoreUnavailable("The store cannot be reached.")
SECRET = "secret sk-123"


def kinds(events: list[v1.ResponseStreamEvent]) -> list[str]:
    return [event.WhichOneof("event") or "" for event in events]


def last(events: list[v1.ResponseStreamEvent]) -> v1.Response:
    response: v1.Response = streams.body_of(events[-1]).response
    return response


async def test_a_stream_and_a_unary_answer_are_the_same_response() -> None:
    engine = Engine()
    told = await engine.read(ask())
    assert check_order(told) == []
    streamed, whole = last(told), await engine.create(ask())
    assert streamed.status == whole.status == COMPLETED
    assert streamed.id != whole.id
    for response in (streamed, whole):
        assert (await engine.store.get("t1", response.id)).response == response
        response.ClearField("id")
        response.ClearField("completed_at")
    assert streamed == whole
    assert [context.incremental for context in engine.provider.contexts] == [True, False]
    assert (engine.provider.begun, engine.provider.closed) == (2, 2)


async def test_the_first_batch_waits_for_the_providers_first() -> None:
    engine = Engine(FOREVER)
    pending = asyncio.ensure_future(anext(engine.stream(ask())))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not pending.done()
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    assert engine.provider.closed == 1
    assert engine.store.puts == []


async def test_a_response_is_kept_before_its_end_is_told() -> None:
    engine = Engine()
    batches = engine.stream(ask())
    async for batch in batches:
        if batch[-1].HasField("completed"):
            assert [response.id for response in engine.store.puts] == [batch[-1].completed.response.id]
        else:
            assert engine.store.puts == []


@pytest.mark.parametrize("steps", range(12))
async def test_a_consumer_that_leaves_closes_the_provider_once_and_nothing_is_kept(steps: int) -> None:
    engine = Engine()
    batches = engine.stream(ask())
    ended = False
    for _ in range(steps):
        async for batch in batches:
            ended = ended or batch[-1].HasField("completed")
            break
    await batches.aclose()
    assert engine.provider.closed == engine.provider.begun == min(steps, 1)
    assert len(engine.store.puts) == ended


@pytest.mark.parametrize("steps", range(12))
async def test_a_consumer_that_is_cancelled_closes_the_provider_once(steps: int) -> None:
    engine = Engine(*says()[:6], FOREVER)
    taken = 0

    async def consume() -> None:
        nonlocal taken
        async for _ in engine.stream(ask()):
            taken += 1

    task = asyncio.ensure_future(consume())
    for _ in range(steps * 2):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.provider.closed == engine.provider.begun
    assert engine.store.puts == []


@pytest.mark.parametrize("incremental", [True, False])
@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (RateLimitExceeded("Slow down.", retry_after=3), RateLimitExceeded),
        (UpstreamError("It broke."), UpstreamError),
        (ValueError(SECRET), Internal),
        (TimeoutError(SECRET), Internal),
        (StopAsyncIteration(SECRET), Internal),
    ],
)
async def test_a_failure_before_the_first_event_is_the_calls_own(
    raised: Exception, told: type[ServiceError], incremental: bool
) -> None:
    engine = Engine(raised)
    with pytest.raises(told) as caught:
        await (engine.read(ask()) if incremental else engine.create(ask()))
    assert SECRET not in str(caught.value)
    assert engine.provider.closed == 1
    assert engine.store.puts == []


@pytest.mark.parametrize(
    "script",
    [
        [UpstreamError("It broke.")],
        [[streams.event("error", message="It broke.", code="server_error")]],
        [ValueError(SECRET)],
        [],
    ],
    ids=["raised", "error event", "unexpected", "cut"],
)
@pytest.mark.parametrize("before", range(3, 8))
async def test_a_failure_after_the_first_event_ends_the_stream(script: list[Any], before: int, logs: list[Any]) -> None:
    engine = Engine(*says()[:before], *script)
    told = await engine.read(ask())
    assert check_order(told) == []
    assert kinds(told)[-2:] == ["error", "failed"]
    assert last(told).error.code == "server_error"
    assert [response.status for response in engine.store.puts] == [FAILED]
    assert engine.store.puts == [last(told)]
    assert engine.provider.closed == 1
    assert SECRET not in str(told) + str(logs)
    with pytest.raises(ServiceError):
        await engine.create(ask())
    assert len(engine.store.puts) == 1


async def test_an_error_event_before_any_other_is_the_calls_own() -> None:
    created = streams.canonical([HELLO])[0]
    engine = Engine([created, streams.event("error", message="Slow down.", code="rate_limit_exceeded")])
    for call in (engine.read, engine.create):
        with pytest.raises(RateLimitExceeded, match="Slow down"):
            await call(ask())
    assert engine.store.puts == []


async def test_an_error_in_the_middle_of_a_batch_comes_after_what_came_before_it() -> None:
    batch = [*streams.canonical([HELLO])[:5], streams.event("error", message="It broke.")]
    told = await Engine(batch).read(ask())
    assert check_order(told) == []
    assert "output_text_delta" in kinds(told)


@pytest.mark.parametrize("status", ["failed", "incomplete"])
async def test_the_models_own_end_is_returned_and_kept(status: str) -> None:
    engine = Engine(*says(HELLO, end=status))
    told = await engine.read(ask())
    response = await engine.create(ask())
    assert check_order(told) == []
    assert last(told).status == response.status == getattr(v1.Response, f"STATUS_{status.upper()}")
    assert engine.store.puts == [last(told), response]
    assert response.output[0].message.content[0].output_text.text == "Hello"


@pytest.mark.parametrize("error", [AWAY, ValueError(SECRET)], ids=["as it must", "as it must not"])
async def test_a_stream_that_cannot_be_kept_is_not_complete(error: Exception, logs: list[Any]) -> None:
    engine = Engine(streams.canonical([HELLO]))
    engine.store.broken = error
    told = await engine.read(ask())
    assert check_order(told) == []
    assert "output_item_done" in kinds(told)
    assert "completed" not in kinds(told)
    assert last(told).output[0].message.content[0].output_text.text == "Hello"
    assert SECRET not in str(told) + str(logs)
    with pytest.raises(StoreUnavailable if error is AWAY else Internal):
        await engine.create(ask())


async def test_a_failed_stream_ends_in_order_though_it_cannot_be_kept() -> None:
    for error in (AWAY, ValueError(SECRET)):
        engine = Engine(*says()[:5], UpstreamError("It broke."))
        engine.store.broken = error
        told = await engine.read(ask())
        assert check_order(told) == []
        assert last(told).error.message == "It broke."


async def test_what_is_not_to_be_stored_is_not() -> None:
    engine = Engine()
    engine.store.broken = AWAY
    told = await engine.read(ask(store=False))
    assert last(told).status == (await engine.create(ask(store=False))).status == COMPLETED
    assert engine.store.puts == []


async def test_a_kept_response_expires() -> None:
    now = 1_000_000.0
    store = parts.Store(clock=lambda: now)
    engine = Engine(retention=timedelta(hours=1), store=store)
    response = await engine.create(ask())
    assert (await store.get("t1", response.id)).expires_at == now + 3600


@pytest.mark.parametrize(
    ("timeouts", "script"),
    [
        (Timeouts(first_event=0.01), [FOREVER]),
        (Timeouts(idle=0.01), [*says()[:1], FOREVER]),
        (Timeouts(total=0.01), [*says()[:1], FOREVER]),
    ],
    ids=["first event", "idle", "total"],
)
async def test_a_provider_that_is_silent_for_too_long_times_out_before_the_first_event(
    timeouts: Timeouts, script: list[Any]
) -> None:
    engine = Engine(*script, timeouts=timeouts)
    if len(script) == 1:
        with pytest.raises(Timeout, match="no event"):
            await engine.read(ask())
    else:
        told = await engine.read(ask())
        assert check_order(told) == []
        assert last(told).error.message.startswith("The provider sent no")
    assert engine.provider.closed == 1


@pytest.mark.parametrize("incremental", [True, False])
async def test_a_provider_that_always_has_more_ready_times_out_too(incremental: bool) -> None:
    async def stream(request: Any, context: Any) -> AsyncIterator[list[v1.ResponseStreamEvent]]:
        for batch in says():
            yield batch  # without ever waiting

    engine = Engine(timeouts=Timeouts(total=0))
    engine.provider.stream = stream  # type: ignore[method-assign]
    with pytest.raises(Timeout, match="no end within 0 s"):
        await (engine.read(ask()) if incremental else engine.create(ask()))


async def test_only_the_total_counts_for_an_answer_that_is_not_streamed() -> None:
    assert (await Engine(timeouts=Timeouts(first_event=0.0, idle=5)).create(ask())).status == COMPLETED
    engine = Engine(FOREVER, timeouts=Timeouts(total=0.01))
    with pytest.raises(Timeout, match="no end"):
        await engine.create(ask())
    assert engine.provider.closed == 1
    assert engine.store.puts == []


class Unclosable:
    """Answers well, and fails when it is closed."""

    def __init__(self) -> None:
        self.batches = iter(says())

    def stream(self, request: v1.CreateResponseRequest, context: Any) -> Unclosable:
        return self

    async def __anext__(self) -> list[v1.ResponseStreamEvent]:
        return streams.copies(next(self.batches))

    async def aclose(self) -> None:
        raise ValueError(SECRET)


async def test_a_provider_that_cannot_be_closed_spoils_no_answer(logs: list[Any]) -> None:
    engine = Engine()
    engine.provider = Unclosable()  # type: ignore[assignment]
    assert (await engine.create(ask())).status == COMPLETED
    assert [entry["error"] for entry in logs] == ["ValueError"]
    assert SECRET not in str(logs)


async def test_a_request_is_refused_before_a_provider_is_asked() -> None:
    engine = Engine()
    with pytest.raises(ModelNotFound):
        await engine.create(v1.CreateResponseRequest(model="unknown", input_text="x"))
    with pytest.raises(ModelAccessForbidden):
        await engine.create(ask(), models=("other-*",))
    assert engine.provider.begun == 0


async def test_the_request_is_not_changed() -> None:
    engine = Engine()
    parent = await engine.create(ask())
    request = parts.ask_items(parts.user("more"), previous_response_id=parent.id, stream=True, store=True)
    before = request.SerializeToString(deterministic=True)
    await engine.create(request)
    assert request.SerializeToString(deterministic=True) == before


# What a provider is asked, whole: nothing invented, nothing lost.


async def asked(engine: Engine, request: v1.CreateResponseRequest) -> v1.CreateResponseRequest:
    await engine.create(request)
    return engine.provider.requests[-1]


async def test_a_text_is_asked_as_it_came() -> None:
    upstream = await asked(Engine(), ask("hi", temperature=0.0, metadata={"a": "1"}, store=True, stream=True))
    assert upstream == v1.CreateResponseRequest(
        model="upstream-m", input_text="hi", temperature=0.0, metadata={"a": "1"}
    )


async def test_a_list_and_tools_are_asked_as_they_came() -> None:
    tool = v1.Tool()
    tool.function.name = "f"
    tool.function.parameters = '{"b":1,"a":1.0}'
    items = [parts.user("one", id="msg_mine"), parts.user("two")]
    upstream = await asked(Engine(), parts.ask_items(*items, tools=[tool], parallel_tool_calls=False))
    assert upstream == v1.CreateResponseRequest(
        model="upstream-m", input=items, tools=[tool], parallel_tool_calls=False
    )


@pytest.mark.parametrize("as_text", [True, False])
async def test_a_continuation_replays_without_ids_that_only_this_server_gave(as_text: bool) -> None:
    engine = Engine()
    parent = await engine.create(ask("hi"))
    new = ask("more") if as_text else parts.ask_items(parts.user("more"))
    new.previous_response_id = parent.id
    assert await asked(engine, new) == v1.CreateResponseRequest(
        model="upstream-m", input=[parts.user("hi"), parent.output[0], parts.user("more")]
    )


async def test_a_reference_is_asked_as_the_item_it_names() -> None:
    engine = Engine()
    parent = await engine.create(ask("hi"))
    (kept,) = (await engine.store.get("t1", parent.id)).input_items
    items = [v1.Item(id=one, item_reference=v1.ItemReference()) for one in (kept.id, parent.output[0].id)]
    assert await asked(engine, parts.ask_items(*items, parts.user("more"))) == v1.CreateResponseRequest(
        model="upstream-m", input=[parts.user("hi"), parent.output[0], parts.user("more")]
    )


async def test_stream_options_are_for_streams_alone() -> None:
    engine = Engine()
    request = ask(stream_options=v1.StreamOptions(include_obfuscation=False))
    await engine.read(request)
    await engine.create(request)
    streamed, whole = engine.provider.requests
    assert streamed.HasField("stream_options")
    assert not whole.HasField("stream_options")
