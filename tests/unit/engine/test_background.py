"""A response that goes on without its caller: made once, told to whoever asks, and ended from anywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import engine_streams as streams
import pytest
from engine_connecting import Held
from engine_parts import FOREVER, HELLO, Engine, ScriptedLimiter, Store, ask, says, target
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.responses import v1
from server.engine.making.run_log import LEASE
from server.errors import (
    Internal,
    InvalidValue,
    KeyRevoked,
    ModelAccessForbidden,
    NotFound,
    Overloaded,
    PreviousResponseNotCompleted,
    ServerStopping,
    ServiceError,
    StoreUnavailable,
    UpstreamError,
    UpstreamUnavailable,
)
from server.limits.base import Kind, Limit
from server.providers.base import OnDisconnect, Route
from server.stores.base import Claim, UnknownResponse
from server.testing.order import check_order
from server.testing.store_contract import ManualClock

QUEUED, IN_PROGRESS, COMPLETED, CANCELLED, FAILED = (
    v1.Response.STATUS_QUEUED,
    v1.Response.STATUS_IN_PROGRESS,
    v1.Response.STATUS_COMPLETED,
    v1.Response.STATUS_CANCELLED,
    v1.Response.STATUS_FAILED,
)
CONTINUE = OnDisconnect.CONTINUE
AWAY = StoreUnavailable("The store cannot be reached.")
#: As far as the first piece of text.
BEGINNING = says()[:5]


def later(**fields: Any) -> v1.CreateResponseRequest:
    return ask(background=True, **fields)


def kinds(events: list[v1.ResponseStreamEvent]) -> list[str]:
    return [event.WhichOneof("event") or "" for event in events]


def numbers(events: list[v1.ResponseStreamEvent]) -> list[int]:
    return [event.sequence_number for event in events]


async def steps(count: int = 50) -> None:
    """Let everything go on that can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def begin(events: Any, until: str) -> tuple[str, list[v1.ResponseStreamEvent]]:
    """Read a stream until an event of this kind was told; gives the response's id."""
    told: list[v1.ResponseStreamEvent] = []
    async for batch in events:
        told += streams.copies(batch)
        if until in kinds(told):
            return told[0].created.response.id, told
    raise AssertionError(f"no {until} in {kinds(told)}")


# In the background


async def test_it_is_queued_at_once_and_made_without_its_caller() -> None:
    engine = Engine()
    queued = await engine.create(later())
    assert (queued.status, queued.background, list(queued.output)) == (QUEUED, True, [])
    assert (await engine.get(queued.id)).id == queued.id
    await engine.ended()
    made = await engine.get(queued.id)
    assert (made.status, made.background) == (COMPLETED, True)
    assert made.output[0].message.content[0].output_text.text == "Hello"
    assert (engine.provider.begun, engine.provider.closed, engine.held) == (1, 1, 0)
    assert engine.observer.told[-1] == "ended completed"
    assert engine.record.is_detached


async def test_how_it_ended_is_told_once_that_is_kept() -> None:
    ending, gate = asyncio.Event(), asyncio.Event()

    class Slow(Store):
        async def end_run(self, stored: Any, events: Any, *, owner: str) -> None:
            ending.set()
            await gate.wait()
            await super().end_run(stored, events, owner=owner)

    engine = Engine(store=Slow())
    queued = await engine.create(later())
    await ending.wait()
    polling = asyncio.create_task(engine.get(queued.id))
    await steps()
    assert not polling.done()
    gate.set()
    assert (await polling).status == COMPLETED
    assert (await engine.create(ask(previous_response_id=queued.id))).status == COMPLETED


async def test_its_stream_tells_that_it_is_queued_first() -> None:
    engine = Engine()
    told = await engine.read(later())
    assert check_order(told) == []
    assert kinds(told)[:4] == ["created", "queued", "in_progress", "output_item_added"]
    assert [getattr(event, kind).response.status for event, kind in zip(told, kinds(told)[:3], strict=False)] == [
        QUEUED,
        QUEUED,
        IN_PROGRESS,
    ]
    assert numbers(told) == list(range(len(told)))
    assert told[-1].completed.response == await engine.get(told[0].created.response.id)


@pytest.mark.parametrize("until", ["created", "in_progress", "output_text_delta", "completed"])
async def test_who_leaves_at_any_event_changes_nothing(until: str) -> None:
    undisturbed = kinds(await Engine().read(later()))
    engine = Engine()
    events = engine.stream(later())
    response_id, told = await begin(events, until)
    await events.aclose()
    await engine.ended()
    assert (await engine.get(response_id)).status == COMPLETED
    again = await engine.follow(response_id)
    assert kinds(again) == undisturbed
    assert again[: len(told)] == told


async def test_a_caller_that_is_cancelled_changes_nothing() -> None:
    engine = Engine()
    asking = asyncio.ensure_future(engine.create(later()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await engine.ended()
    assert engine.observer.told[-1] in ("ended completed", "ended cancelled")
    assert engine.held == 0


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_what_fails_before_the_first_event_is_told_honestly(is_elsewhere: bool) -> None:
    engine = Engine(UpstreamUnavailable("The provider is away."))
    queued = await engine.create(later())
    told = await engine.follow(queued.id)
    await engine.ended()
    reader = Engine(store=engine.store) if is_elsewhere else engine
    assert await reader.follow(queued.id) == told
    assert kinds(told) == ["created", "queued", "in_progress", "error", "failed"]
    assert check_order(told) == []
    failed = await reader.get(queued.id)
    assert (failed.status, failed.error.message) == (FAILED, "The provider is away.")
    assert engine.observer.told[-1] == "ended failed"


async def test_another_target_is_tried_though_callers_were_told_that_it_began() -> None:
    spare = Engine()
    engine = Engine(UpstreamUnavailable("The provider is away."))
    first, second = engine._route(), spare._route()
    engine.route = lambda: type(first)("m", first.targets + second.targets, 600.0)
    told = await engine.read(later())
    assert check_order(told) == []
    assert kinds(told)[-1] == "completed"
    assert numbers(told) == list(range(len(told)))


async def test_it_needs_to_be_kept() -> None:
    engine = Engine()
    with pytest.raises(InvalidValue) as caught:
        await engine.create(later(store=False))
    assert caught.value.param == "background"
    assert engine.provider.begun == 0


async def test_what_cannot_be_kept_is_refused() -> None:
    class Away(Store):
        async def begin_run(self, *args: Any, **kwargs: Any) -> None:
            raise AWAY

    engine = Engine(store=Away())
    with pytest.raises(StoreUnavailable):
        await engine.create(later())
    with pytest.raises(StoreUnavailable):
        await engine.read(later())
    await engine.ended()
    assert engine.provider.begun == 0
    assert engine.observer.told.count("ended failed") + engine.observer.told.count("ended refused") == 2


async def test_as_many_are_made_at_once_as_there_is_room_for() -> None:
    engine = Engine(FOREVER, room=1)
    first, second, third = [await engine.create(later()) for _ in range(3)]
    await steps()
    assert engine.provider.begun == 1
    assert [(await engine.get(one.id)).status for one in (first, second, third)] == [IN_PROGRESS, QUEUED, QUEUED]
    assert (await engine.cancel(second.id)).status == CANCELLED
    assert kinds(await engine.follow(second.id)) == ["created", "queued"]
    assert (await engine.cancel(first.id)).status == CANCELLED
    await steps()
    assert (await engine.get(third.id)).status == IN_PROGRESS
    await engine.cancel(third.id)
    assert (engine.provider.begun, engine.provider.closed) == (2, 2)


async def test_no_more_wait_than_may() -> None:
    engine = Engine(FOREVER, room=1, waiting=2, limiter=(limiter := ScriptedLimiter()))
    queued = [await engine.create(later()) for _ in range(3)]
    for _ in range(2):
        with pytest.raises(Overloaded) as caught:
            await engine.create(later(), limits=(Limit("key:k", Kind.REQUESTS, 5, 60.0),))
        assert caught.value.retry_after == 5
    assert limiter.asked == []
    assert engine.lives.queued == 3
    await engine.cancel(queued[1].id)
    assert engine.lives.queued == 2
    await engine.create(later())
    for live in list(engine.lives._lives.values()):
        await live.cancel()
    await engine.cancel((await engine.create(later())).id)
    assert engine.lives.queued == 0


async def test_what_is_being_made_or_was_cancelled_cannot_be_continued() -> None:
    engine = Engine(FOREVER)
    going = await engine.create(later())
    for status in ("queued|in_progress", "cancelled"):
        with pytest.raises(PreviousResponseNotCompleted, match=status):
            await engine.create(ask(previous_response_id=going.id))
        await engine.cancel(going.id)


# Cancelling


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_cancelling_ends_it_with_what_was_said(is_elsewhere: bool) -> None:
    engine = Engine(*BEGINNING, FOREVER)
    events = engine.stream(later())
    response_id, told = await begin(events, "output_text_delta")
    rest = asyncio.ensure_future(anext(events, None))
    other = Engine(store=engine.store) if is_elsewhere else engine
    async with engine.lives.watching(5):
        cancelled = await other.cancel(response_id)
    assert cancelled.status == CANCELLED
    assert cancelled.output[0].status == "incomplete"
    assert cancelled.output[0].message.content[0].output_text.text == "Hel"
    assert not cancelled.HasField("completed_at")
    assert not cancelled.HasField("error")
    # The stream just ends: there is no event for it.
    assert await rest is None
    assert await other.follow(response_id) == told
    assert await other.cancel(response_id) == cancelled
    assert (engine.provider.begun, engine.provider.closed) == (1, 1)
    assert engine.observer.told[-1] == "ended cancelled"


async def test_cancelling_what_has_ended_tells_how() -> None:
    engine = Engine()
    made = (await engine.read(later()))[-1].completed.response
    assert await engine.cancel(made.id) == made


async def test_only_what_is_in_the_background_can_be_cancelled() -> None:
    engine = Engine(on_disconnect=CONTINUE)
    made = await engine.create(ask())
    with pytest.raises(InvalidValue, match="background") as caught:
        await engine.cancel(made.id)
    assert caught.value.param == "response_id"


@pytest.mark.parametrize("verb", ["get", "cancel", "follow"])
async def test_unknown_and_foreign_ones_are_not_found_alike(verb: str) -> None:
    engine = Engine(FOREVER)
    going = await engine.create(later())
    told = []
    for response_id in (going.id, "resp_unknown"):
        with pytest.raises(NotFound) as caught:
            await getattr(engine, verb)(response_id, tenant="t2")
        told.append(str(caught.value).replace(response_id, "ID"))
    assert told[0] == told[1]
    await engine.cancel(going.id)


async def test_what_is_deleted_while_it_is_made_is_made_no_further() -> None:
    engine = Engine(*BEGINNING, FOREVER)
    events = engine.stream(later())
    response_id, _ = await begin(events, "output_text_delta")
    await engine.keeper.delete("t1", v1.DeleteResponseRequest(response_id=response_id))
    await engine.ended()
    assert await anext(events, None) is None
    with pytest.raises(NotFound):
        await engine.get(response_id)
    assert engine.provider.closed == 1


async def test_what_another_process_deletes_while_it_is_made_ends_at_its_next_event() -> None:
    gate = asyncio.Event()

    class Waiting(Store):
        async def log_events(self, *args: Any, **kwargs: Any) -> None:
            if len(self.logged) > 3:
                await gate.wait()
            self.logged.append(args)
            await super().log_events(*args, **kwargs)

        logged: list[Any] = []  # noqa: RUF012

    engine = Engine(store=Waiting())
    queued = await engine.create(later())
    await steps()
    await engine.store.delete("t1", queued.id)
    gate.set()
    await engine.ended()
    assert (engine.provider.closed, engine.held) == (1, 0)
    assert isinstance(engine.record.error, NotFound)


# Following


@settings(deadline=None, max_examples=40)
@given(cut=st.integers(-1, 12), leave_after=st.integers(0, 12), is_elsewhere=st.booleans())
def test_leaving_and_coming_back_at_any_event_tells_what_an_undisturbed_reader_is_told(
    cut: int, leave_after: int, is_elsewhere: bool
) -> None:
    async def run() -> None:
        engine = Engine()
        events = engine.stream(later())
        told: list[v1.ResponseStreamEvent] = []
        async for batch in events:
            told += streams.copies(batch)
            if len(told) > leave_after:
                break
        await events.aclose()
        response_id = told[0].created.response.id
        reader = Engine(store=engine.store) if is_elsewhere else engine
        rest = await reader.follow(response_id, told[-1].sequence_number)
        await engine.ended()
        whole = await reader.follow(response_id)
        assert [one.SerializeToString(deterministic=True) for one in told + rest] == [
            one.SerializeToString(deterministic=True) for one in whole
        ]
        assert check_order(whole) == []
        assert await reader.follow(response_id, max(cut, 0)) == whole[max(cut, 0) + 1 :]

    asyncio.run(run())


async def test_many_follow_at_once_from_where_they_like() -> None:
    engine = Engine(*says(HELLO, HELLO, HELLO))
    queued = await engine.create(later())
    other = Engine(store=engine.store)
    followers = [(engine if number % 2 else other).follow(queued.id, number // 2 - 1) for number in range(30)]
    told = await asyncio.gather(*followers)
    whole = await engine.follow(queued.id)
    assert [told[number] for number in range(30)] == [whole[max(0, number // 2) :] for number in range(30)]


async def test_following_what_ended_from_beyond_its_end_tells_nothing() -> None:
    engine = Engine()
    told = await engine.read(later())
    assert await engine.follow(told[0].created.response.id, 1000) == []


async def test_what_ended_with_its_call_cannot_be_followed() -> None:
    engine = Engine()
    made = await engine.create(ask())
    for after in (-1, 3):
        with pytest.raises(InvalidValue, match="not kept") as caught:
            await engine.follow(made.id, after)
        assert caught.value.param == "stream"


async def test_a_place_before_the_first_event_is_refused() -> None:
    with pytest.raises(InvalidValue) as caught:
        await Engine().follow("resp_1", starting_after=-1)
    assert caught.value.param == "starting_after"


# Streams that go on when their caller leaves


async def test_a_model_may_say_that_streams_go_on() -> None:
    engine = Engine(on_disconnect=CONTINUE)
    events = engine.stream(ask())
    response_id, told = await begin(events, "output_text_delta")
    await events.aclose()
    whole = await engine.follow(response_id)
    assert whole[: len(told)] == told
    assert kinds(whole)[:3] == ["created", "in_progress", "output_item_added"]
    assert check_order(whole) == []
    await engine.ended()
    assert (await engine.get(response_id)).status == COMPLETED


async def test_it_is_known_while_it_is_made() -> None:
    engine = Engine(*BEGINNING, FOREVER, on_disconnect=CONTINUE)
    events = engine.stream(ask())
    response_id, _ = await begin(events, "output_text_delta")
    for reader in (engine, Engine(store=engine.store)):
        assert (await reader.get(response_id)).status == IN_PROGRESS
    engine.running.interrupt(ServerStopping())
    await engine.ended()
    await events.aclose()


@pytest.mark.parametrize("fields", [{"store": False}, {}])
async def test_what_is_not_kept_or_not_streamed_ends_with_its_caller(fields: dict[str, Any]) -> None:
    engine = Engine(*BEGINNING, FOREVER, on_disconnect=CONTINUE if fields else OnDisconnect.CANCEL)
    events = engine.stream(ask(**fields))
    await begin(events, "output_text_delta")
    await events.aclose()
    assert engine.provider.closed == 1
    assert not engine.lives


async def test_what_fails_before_its_first_event_is_the_calls_error_and_leaves_nothing() -> None:
    engine = Engine(UpstreamError("No."), on_disconnect=CONTINUE)
    with pytest.raises(UpstreamError):
        await engine.read(ask())
    await engine.ended()
    with pytest.raises(NotFound):
        await engine.get(engine.record.response_id)
    assert engine.observer.told[-1] == "ended failed"


# Ends from without


@pytest.mark.parametrize("error", [ServerStopping(), KeyRevoked()])
async def test_what_is_ended_from_without_says_so(error: ServiceError) -> None:
    engine = Engine(*BEGINNING, FOREVER)
    queued = await engine.create(later())
    await steps()
    assert engine.running.interrupt(error) == 1
    told = await engine.follow(queued.id)
    await engine.ended()
    assert kinds(told)[-2:] == ["error", "failed"]
    failed = await engine.get(queued.id)
    assert (failed.status, failed.output[0].status) == (FAILED, "incomplete")
    assert check_order(told) == []


async def test_a_server_that_stops_waits_for_what_it_makes() -> None:
    engine = Engine()
    async with engine.lives.watching(5):
        queued = await engine.create(later())
    assert (await engine.store.get("t1", queued.id)).response.status == COMPLETED


class Clocked(Store):
    def __init__(self) -> None:
        self.clock = ManualClock()
        super().__init__(clock=self.clock)


@pytest.mark.parametrize("reached", [0, 1, 3, 5, 7])
async def test_what_a_dead_process_made_is_ended_honestly_by_another(reached: int) -> None:
    store = Clocked()
    dead = Engine(*says()[:reached], FOREVER, store=store)
    dead.lives.owner.clock = store.clock
    queued = await dead.create(later())
    await steps()
    (live,) = dead.lives._lives.values()
    before = await dead.follow_so_far(queued.id)
    live.abandon()
    await live.ended()
    assert (await store.get("t1", queued.id)).response.status == IN_PROGRESS
    survivor = Engine(store=store)
    survivor.lives.owner.clock = store.clock
    async with survivor.lives.watching(5):
        await steps()
        assert (await survivor.get(queued.id)).status == IN_PROGRESS
    store.clock.advance(LEASE + 1)
    async with survivor.lives.watching(5):
        told = await survivor.follow(queued.id)
    assert told[: len(before)] == before
    assert kinds(told)[-2:] == ["error", "failed"]
    assert check_order(told) == []
    failed = await survivor.get(queued.id)
    assert (failed.status, failed.error.code) == (FAILED, "server_error")
    assert failed == told[-1].failed.response


async def test_however_many_a_dead_process_made_they_are_ended_at_once() -> None:
    store = Clocked()
    dead = Engine(FOREVER, store=store)
    dead.lives.owner.clock = store.clock
    left = [(await dead.create(later())).id for _ in range(50)]
    await steps()
    for live in list(dead.lives._lives.values()):
        live.abandon()
        await live.ended()
    store.clock.advance(LEASE + 1)
    survivor = Engine(store=store)
    survivor.lives.owner.clock = store.clock
    async with survivor.lives.watching(5):
        await steps()
    assert {(await survivor.get(response_id)).status for response_id in left} == {FAILED}


async def test_a_lease_is_kept_while_its_process_lives() -> None:
    store = Clocked()
    engine = Engine(FOREVER, store=store)
    engine.lives.owner.clock = store.clock
    queued = await engine.create(later())
    await steps()
    store.clock.advance(LEASE - 1)
    async with engine.lives.watching(5):
        await steps()
        store.clock.advance(LEASE - 1)
        assert await store.adopt_runs("others", lease=1e12, most=10) == []
        await engine.cancel(queued.id)


async def test_a_store_that_is_away_for_a_while_stops_nobody_from_watching(logs: list[Any]) -> None:
    class Away(Clocked):
        broken_watch = True

        async def adopt_runs(self, owner: str, *, lease: float, most: int) -> Any:
            if self.broken_watch:
                raise AWAY
            return await super().adopt_runs(owner, lease=lease, most=most)

    engine = Engine(store=Away())
    async with engine.lives.watching(5):
        await steps()
        assert [entry["event"] for entry in logs] == ["runs not watched"]


async def test_an_end_that_cannot_be_kept_is_told_as_a_failure() -> None:
    class Away(Store):
        async def end_run(self, stored: Any, events: Any, *, owner: str) -> None:
            raise AWAY

    engine = Engine(store=Away())
    told = await engine.read(later())
    assert kinds(told)[-2:] == ["error", "failed"]
    assert check_order(told) == []
    assert numbers(told) == list(range(len(told)))


async def test_an_end_that_a_deleted_conversation_prevents_is_kept_as_a_failure() -> None:
    held = Held()
    engine = Engine(route=lambda: Route("m", (target(held),), 1800.0))
    await engine.store.create_conversation("t1", v1.Conversation(id="conv_1"), [], expires_at=None)
    queued = await engine.create(later(conversation_id="conv_1"))
    await steps()
    await engine.store.delete_conversation("t1", "conv_1")
    held.go_on.set()
    told = await engine.follow(queued.id)
    await engine.ended()
    assert (kinds(told)[-2:], check_order(told)) == (["error", "failed"], [])
    kept = await engine.get(queued.id)
    assert (kept.status, kept) == (FAILED, told[-1].failed.response)
    assert "was deleted" in kept.error.message
    assert await engine.follow(queued.id) == told


@pytest.mark.parametrize("damage", [Internal("The events are damaged."), UnknownResponse("resp_gone"), ValueError("x")])
async def test_what_cannot_be_read_of_one_keeps_no_other_from_being_ended(damage: Exception, logs: list[Any]) -> None:
    class Damaged(Clocked):
        damaged = ""

        async def told(self, tenant: str, response_id: str, *, after: int, max_bytes: int) -> Any:
            if response_id == self.damaged:
                raise damage
            return await super().told(tenant, response_id, after=after, max_bytes=max_bytes)

    store = Damaged()
    dead = Engine(*BEGINNING, FOREVER, store=store)
    dead.lives.owner.clock = store.clock
    one, other = await dead.create(later()), await dead.create(later())
    await steps()
    for live in list(dead.lives._lives.values()):
        live.abandon()
        await live.ended()
    store.damaged = one.id
    store.clock.advance(LEASE + 1)
    survivor = Engine(store=store)
    survivor.lives.owner.clock = store.clock
    async with survivor.lives.watching(5):
        await steps()
    assert (await survivor.get(other.id)).status == FAILED
    assert [entry["event"] for entry in logs].count("unexpected error") == isinstance(damage, ValueError)
    # Nobody is told any more of what is damaged, but all are told that it goes on no longer.
    assert ((await survivor.get(one.id)).status == FAILED) == isinstance(damage, Internal)


# Once, however often it comes


@pytest.mark.parametrize("is_elsewhere", [False, True])
@pytest.mark.parametrize("background", [False, True])
async def test_a_key_stands_for_what_was_made_of_its_request(is_elsewhere: bool, background: bool) -> None:
    engine = Engine()
    first = await engine.create(ask(background=background), key="k1")
    await engine.ended()
    other = Engine(store=engine.store) if is_elsewhere else engine
    second = await other.create(ask(background=background), key="k1")
    assert second == await engine.get(first.id)
    streamed = await other.read(ask(background=background, stream=True), key="k1")
    assert streamed == await engine.follow(first.id)
    assert engine.provider.begun + (other.provider.begun if is_elsewhere else 0) == 1
    records = other.observer.records[0 if is_elsewhere else 1 :]
    assert records == []


async def test_twins_share_what_the_first_begins_and_pay_nothing() -> None:
    engine = Engine()
    other = Engine(store=engine.store)
    unary = [(engine if number % 2 else other).create(ask(), key="k1") for number in range(10)]
    streamed = [(engine if number % 2 else other).read(ask(), key="k1") for number in range(10)]
    answers, told = await asyncio.gather(asyncio.gather(*unary), asyncio.gather(*streamed))
    assert len({response.id for response in answers} | {events[0].created.response.id for events in told}) == 1
    assert all(events == told[0] for events in told)
    assert check_order(told[0]) == []
    assert answers == [told[0][-1].completed.response] * 10
    assert engine.provider.begun + other.provider.begun == 1


async def test_a_key_that_comes_with_something_else_is_refused() -> None:
    engine = Engine()
    await engine.create(ask(), key="k1")
    with pytest.raises(InvalidValue) as caught:
        await engine.create(ask("something else"), key="k1")
    assert (caught.value.param, caught.value.code) == ("Idempotency-Key", "idempotency_key_reused")
    await engine.create(ask("something else"), key="k1", tenant="t2")
    await engine.create(ask("something else"), key="k2")


async def test_who_may_not_use_the_model_is_not_told_what_another_made() -> None:
    engine = Engine()
    await engine.create(ask(), key="k1")
    with pytest.raises(ModelAccessForbidden):
        await engine.create(ask(), key="k1", models=("other",))


@pytest.mark.parametrize(
    ("fields", "key", "param"), [({"store": False}, "k1", "store"), ({}, "k" * 256, "Idempotency-Key")]
)
async def test_what_a_key_cannot_stand_for(fields: dict[str, Any], key: str, param: str) -> None:
    engine = Engine()
    with pytest.raises(InvalidValue) as caught:
        await engine.create(ask(**fields), key=key)
    assert caught.value.param == param
    assert engine.provider.begun == 0


@pytest.mark.parametrize("incremental", [False, True])
async def test_a_request_that_failed_is_made_again(incremental: bool) -> None:
    engine = Engine(UpstreamError("No."))
    ways = engine.read if incremental else engine.create
    for _ in range(2):
        with pytest.raises(UpstreamError):
            await ways(ask(), key="k1")
        # At once: nobody has to wait until the first is taken for dead.
        free = Claim("resp_free", b"")
        assert await engine.store.claim("t1", "k1", free, expires_at=2e9) == free
        await engine.store.unclaim("t1", "k1", "resp_free")
    engine.provider.script = tuple(says())
    await ways(ask(), key="k1")
    assert engine.provider.begun == 3


async def test_a_request_that_failed_midway_is_made_again() -> None:
    engine = Engine(*BEGINNING, UpstreamError("No."))
    with pytest.raises(UpstreamError):
        await engine.create(ask(), key="k1")
    engine.provider.script = tuple(says())
    assert (await engine.create(ask(), key="k1")).status == COMPLETED


async def test_a_request_whose_response_was_deleted_is_made_again_at_once() -> None:
    engine = Engine()
    first = await engine.create(ask(), key="k")
    await engine.keeper.delete("t1", v1.DeleteResponseRequest(response_id=first.id))
    async with asyncio.timeout(5):
        second = await engine.create(ask(), key="k")
    assert (second.status, second.id != first.id) == (COMPLETED, True)


async def test_a_request_that_was_refused_leaves_its_key_free() -> None:
    engine = Engine()
    with pytest.raises(ServiceError):
        await engine.create(ask(previous_response_id="resp_unknown"), key="k1")
    assert (await engine.create(ask(), key="k1")).status == COMPLETED


async def test_who_leaves_and_comes_back_with_its_key_finds_what_it_began() -> None:
    engine = Engine()
    events = engine.stream(ask(), key="k1")
    response_id, told = await begin(events, "output_text_delta")
    await events.aclose()
    again = await engine.read(ask(), key="k1")
    assert again[0].created.response.id == response_id
    assert again[: len(told)] == told
    assert engine.provider.begun == 1


# Padding


@pytest.mark.parametrize("leaves_after", range(12))
async def test_who_leaves_at_any_step_and_comes_back_with_its_key_does_not_wait(leaves_after: int) -> None:
    class Slow(Store):
        async def claim(self, *args: Any, **options: Any) -> Claim:
            claimed = await super().claim(*args, **options)
            await steps(5)
            return claimed

    engine = Engine(store=Slow())
    leaving = asyncio.ensure_future(engine.create(ask(), key="k"))
    await steps(leaves_after)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    async with asyncio.timeout(5):
        assert (await engine.create(ask(), key="k")).status == COMPLETED


@pytest.mark.parametrize("pads", [False, True])
async def test_pieces_are_padded_where_that_is_asked_for(pads: bool) -> None:
    engine = Engine(pads=pads)
    plain = await engine.read(later(stream_options=v1.StreamOptions(include_obfuscation=False)))
    response_id = plain[0].created.response.id
    assert not any(event.HasField("obfuscation") for event in plain)
    padded = await engine.follow(response_id, include_obfuscation=True)
    for event, bare in zip(padded, plain, strict=True):
        is_piece = (event.WhichOneof("event") or "").endswith("_delta")
        assert event.HasField("obfuscation") == is_piece
        if is_piece:
            assert (len(event.output_text_delta.delta) + len(event.obfuscation)) % 16 == 0
        event.ClearField("obfuscation")
        assert event == bare
    unsaid = await engine.follow(response_id)
    assert any(event.HasField("obfuscation") for event in unsaid) == pads


async def test_padding_is_the_same_whoever_tells_it_and_whenever() -> None:
    engine = Engine()
    told = await engine.read(later(stream_options=v1.StreamOptions(include_obfuscation=True)))
    response_id = told[0].created.response.id
    assert any(event.obfuscation for event in told)
    assert await engine.follow(response_id, include_obfuscation=True) == told
    assert await Engine(store=engine.store).follow(response_id, 4, include_obfuscation=True) == told[5:]
    another = await engine.read(later(stream_options=v1.StreamOptions(include_obfuscation=True)))
    assert [one.obfuscation for one in told if one.obfuscation] != [
        one.obfuscation for one in another if one.obfuscation
    ]
