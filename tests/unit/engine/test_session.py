"""A connection: lanes in order, every response ended once, what it alone remembers, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import engine_parts as parts
import pytest
from engine_connecting import Client, Held, create, kinds, sessions_of, steer, turns
from engine_parts import FOREVER, Engine, ScriptedLimiter, Store, output, says, target, user
from hypothesis import given
from hypothesis import strategies as st

from antiphon.responses import v1
from server.auth.base import Caller, Standing
from server.errors import InvalidApiKey, KeyRevoked, MalformedRequest, ServerStopping, UpstreamError, UpstreamRejected
from server.limits.base import Kind, Level, Limit, Refusal
from server.providers.base import OnDisconnect, Route
from server.testing.order import check_order

LANES = (None, "a", "b", "c")


def engine_with(provider: Any, **options: Any) -> Engine:
    return Engine(route=lambda: Route("m", (target(provider),), 1800.0), **options)


def refused(event: v1.ResponseStreamEvent) -> tuple[int, str, str]:
    """The status, the code and the field of an error, which is told twice alike."""
    told = event.error
    assert (told.code, told.message, told.param) == (told.error.code, told.error.message, told.error.param)
    return told.status, told.code, told.param


# Lanes


@st.composite
def plans(draw: st.DrawFn) -> list[tuple[str, str | None]]:
    """What a client sends, by lane: good and bad requests, warm-ups, and frames that make no sense."""
    return draw(
        st.lists(
            st.tuples(st.sampled_from(["good", "bad", "warm", "unknown", "broken"]), st.sampled_from(LANES)),
            max_size=24,
        )
    )


@given(plans(), st.integers(1, 4), st.booleans())
def test_any_frames_are_answered_in_their_lanes_order(
    plan: list[tuple[str, str | None]], active: int, fails: bool
) -> None:
    async def run() -> None:
        engine = Engine(*([*says()[:5], UpstreamError("gone")] if fails else says()))
        client = Client(engine, sessions_of(engine, max_active=active))
        for number, (kind, lane) in enumerate(plan):
            match kind:
                case "good":
                    client.send(create(f"q{number}", lane, metadata={"n": str(number)}))
                case "bad":
                    client.send(create(f"q{number}", lane, previous_response_id=f"resp_{number}"))
                case "warm":
                    client.send(create("", lane, generate=False, metadata={"n": str(number)}))
                case "unknown":
                    client.send(v1.ConnectRequest(fallback="{}", stream_id=lane))
                case _:
                    client.send(MalformedRequest("not protobuf"))
        client.done_writing()
        await client.over()
        assert client.error is None
        for lane in LANES:
            heard = [event for event in client.heard if event.stream_id == (lane or "")]
            answers, loose = [], 0
            told: list[v1.ResponseStreamEvent] = []
            for event in heard:
                if event.WhichOneof("event") == "error" and event.error.error.param != "previous_response_id":
                    loose += 1  # of a frame that asked for nothing, told at once
                else:
                    told.append(event)
            for turn in turns(told):
                if turn[-1].HasField("error"):
                    assert len(turn) == 1
                    answers.append(turn[0].error.message.split("'")[1].removeprefix("resp_"))
                else:
                    assert [event.sequence_number for event in turn] == list(range(len(turn)))
                    assert kinds(turn)[:2] == ["created", "in_progress"]
                    if not turn[-1].HasField("failed"):
                        assert check_order(turn) == []
                    answers.append(turn[0].created.response.metadata["n"])
            wanted = [str(n) for n, (kind, name) in enumerate(plan) if name == lane and kind in ("good", "bad", "warm")]
            assert answers == wanted
            here = [kind for kind, name in plan if kind == "unknown" and name == lane]
            assert loose == len(here) + sum(kind == "broken" for kind, _ in plan) * (lane is None)

    asyncio.run(run())


async def test_a_lane_waits_and_others_do_not() -> None:
    provider = Held()
    engine = engine_with(provider)
    client = Client(engine, sessions_of(engine))
    client.send(create("1"), create("2"), create("3", "a"))
    await client.until("created", 2)
    assert [request.input_text for request in provider.requests] == ["1", "3"]
    provider.go_on.set()
    await client.until("completed", 3)
    assert [request.input_text for request in provider.requests] == ["1", "3", "2"]
    await client.leave()


async def test_so_many_are_active_and_further_ones_wait() -> None:
    provider = Held()
    engine = engine_with(provider)
    client = Client(engine, sessions_of(engine, max_active=3))
    client.send(*(create(str(number), f"lane-{number}") for number in range(7)))
    await client.until("created", 3)
    provider.go_on.set()
    await client.until("completed", 7)
    assert (provider.most, provider.begun) == (3, 7)
    await client.leave()


async def test_a_lane_too_many_and_a_bad_name_are_refused() -> None:
    engine = Engine()
    client = Client(engine, sessions_of(engine, max_lanes=2))
    client.send(create("1", "a"), create("2", "b"), create("3", "a"), create("4", "c"), create("5"), create("6", "ü"))
    assert refused(await client.until("error")) == (400, "websocket_stream_limit_reached", "stream_id")
    assert client.heard[kinds(client.heard).index("error")].stream_id == "c"
    bad = await client.until("error", 2)
    assert refused(bad) == (400, "invalid_stream_id", "stream_id")
    assert not bad.HasField("stream_id")
    await client.until("completed", 4)
    await client.leave()


async def test_more_than_may_wait_is_refused_and_the_rest_is_answered() -> None:
    provider = Held()
    engine = engine_with(provider)
    client = Client(engine, sessions_of(engine, max_waiting=2))
    client.send(create("1"))
    await client.until("created")
    client.send(create("2"), create("3"), create("4", "a"))
    error = await client.until("error")
    assert refused(error) == (429, "websocket_queue_limit_reached", "")
    assert error.stream_id == "a"
    assert error.error.error.headers["retry-after"] == "1"
    provider.go_on.set()
    await client.until("completed", 3)
    await client.leave()


async def test_a_client_that_does_not_read_stops_the_provider() -> None:
    pieces = says(parts.streams.Planned("message", [parts.streams.Text("output_text", ["x"] * 500)], []))
    engine = Engine(*pieces)
    sessions = sessions_of(engine)
    client = Client(engine, sessions)
    await client.leave()
    taken = 0

    async def flood(request: Any, context: Any) -> Any:
        nonlocal taken
        for batch in pieces:
            taken += 1
            yield parts.streams.copies(batch)

    engine.provider.stream = flood  # type: ignore[method-assign]
    frames: asyncio.Queue[Any] = asyncio.Queue()
    for lane in "abc":
        frames.put_nowait(create("hi", lane))

    class Requests:
        def __aiter__(self) -> Requests:
            return self

        async def __anext__(self) -> Any:
            return await frames.get()

    with sessions.open(client._begin, client.caller, request_id="req") as session:
        events = session.events(Requests())
        await anext(events)
        for _ in range(200):
            await asyncio.sleep(0)
        assert taken < 12  # a batch or two of each lane
        await events.aclose()
    assert not engine.running


# What the connection remembers


async def test_a_response_that_is_not_kept_is_continued_on_its_connection_alone() -> None:
    engine = Engine()
    sessions = sessions_of(engine)
    client, other = Client(engine, sessions), Client(engine, sessions)
    client.send(create("first", store=False))
    first = await client.response()
    client.send(create("second", store=False, previous_response_id=first.id))
    second = await client.response(2)
    client.send(create("third", previous_response_id=second.id))
    third = await client.response(3)
    client.send(create("fourth", previous_response_id=third.id))
    await client.response(4)
    texts = [item.message.content[0].input_text.text for item in engine.provider.requests[-1].input]
    assert texts == ["first", "", "second", "", "third", "", "fourth"]
    assert [response.id for response in engine.store.puts] == [third.id, (await client.response(4)).id]
    other.send(create("x", previous_response_id=first.id), create("x", previous_response_id=third.id))
    for count in (1, 2):
        assert refused(await other.until("error", count)) == (
            400,
            "previous_response_not_found",
            "previous_response_id",
        )
    await client.leave()
    await other.leave()


async def test_what_was_deleted_from_the_store_is_not_remembered() -> None:
    engine = Engine()
    client = Client(engine, sessions_of(engine))
    client.send(create("first", store=False))
    first = await client.response()
    client.send(create("second", previous_response_id=first.id))
    second = await client.response(2)
    await engine.store.delete("t1", second.id)
    client.send(create("third", previous_response_id=second.id))
    assert refused(await client.until("error"))[1] == "previous_response_not_found"
    await client.leave()


async def test_no_more_is_remembered_than_may_be() -> None:
    engine = Engine()
    sessions = sessions_of(engine)
    client = Client(engine, sessions)
    client.send(*(create(str(number), store=False) for number in range(51)))
    first = await client.response(1)
    second = await client.response(2)
    await client.response(51)
    client.send(create("x", store=False, previous_response_id=first.id))
    assert refused(await client.until("error"))[1] == "previous_response_not_found"
    client.send(create("x", store=False, previous_response_id=(await client.response(51)).id))
    await client.response(52)
    client.send(create("x", store=False, previous_response_id=second.id))
    assert refused(await client.until("error", 2))[1] == "previous_response_not_found"
    await client.leave()


async def test_another_tenant_of_the_same_connection_sees_nothing() -> None:
    """The tenant of a key may change while a connection is open."""
    engine = Engine()
    client = Client(engine, sessions_of(engine))
    client.send(create("first", store=False))
    first = await client.response()
    client._who["tenant"] = "t2"
    client.send(create("second", store=False, previous_response_id=first.id))
    assert refused(await client.until("error"))[1] == "previous_response_not_found"
    await client.leave()


@pytest.mark.parametrize("lane", [None, "fork"])
async def test_a_failed_continuation_forgets_its_parent_in_its_own_lane_alone(lane: str | None) -> None:
    engine = Engine()
    client = Client(engine, sessions_of(engine))
    client.send(create("first", store=False))
    first = await client.response()
    client.send(create("", lane, store=False, previous_response_id=first.id, input=[output("call_none")]))
    assert refused(await client.until("error")) == (400, "invalid_value", "input[0].call_id")
    client.send(create("third", store=False, previous_response_id=first.id))
    if lane is None:
        assert refused(await client.until("error", 2))[1] == "previous_response_not_found"
    else:
        await client.response(2)
    await client.leave()


@pytest.mark.parametrize("steers", [False, True])
async def test_a_response_that_is_deleted_while_it_is_made_does_not_end_without_a_word(steers: bool) -> None:
    held = Held()
    engine = Engine(route=lambda: Route("m", (target(held),), 1800.0, on_disconnect=OnDisconnect.CONTINUE))
    client = Client(engine, sessions_of(engine))
    client.send(create())
    response_id = (await client.until("created")).created.response.id
    await client.until("output_text_delta")
    if steers:
        client.send(steer(response_id))
        await client.until("created", 2)
        response_id = (await client.until("created", 2)).created.response.id
        await client.until("output_text_delta", 2)
    await engine.keeper.delete("t1", v1.DeleteResponseRequest(response_id=response_id))
    assert refused(await client.until("error"))[::2] == (404, "response_id")
    held.go_on.set()
    client.send(create())
    await client.response()
    client.done_writing()
    await client.over()
    assert client.error is None


async def test_a_response_that_fails_midway_is_told_by_its_end_alone() -> None:
    engine = Engine(*says()[:5], UpstreamError("The provider is gone."))
    client = Client(engine, sessions_of(engine))
    client.send(create())
    failed = await client.until("failed")
    assert "error" not in kinds(client.heard)
    assert [event.sequence_number for event in client.heard] == list(range(len(client.heard)))
    assert failed.failed.response.error.message == "The provider is gone."
    client.send(create("x", previous_response_id=failed.failed.response.id))
    assert refused(await client.until("error"))[1] == "previous_response_not_completed"
    await client.leave()


# Warm-up


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("prewarm", [True, False])
async def test_a_warm_up_asks_no_provider_and_can_be_continued(store: bool, prewarm: bool) -> None:
    limiter = ScriptedLimiter()
    engine = Engine(limiter=limiter)
    client = Client(engine, sessions_of(engine), limits=(Limit("key:key", Kind.TOKENS, 100, 60.0),))
    how: dict[str, Any] = {"generate": False}
    if prewarm:
        how = {"prompt_cache_options": v1.PromptCacheOptions(prewarm=True)}
    client.send(create("", store=store, **how))
    first = await client.response()
    assert kinds(client.heard) == ["created", "in_progress", "completed"]
    assert (first.output, first.usage.total_tokens, engine.provider.begun) == ([], 0, 0)
    assert first.usage.HasField("input_tokens_details")
    client.send(create("", store=store, previous_response_id=first.id, input=[user("remember")], **how))
    second = await client.response(2)
    client.send(create("and?", store=store, previous_response_id=second.id))
    await client.response(3)
    texts = [item.message.content[0].input_text.text for item in engine.provider.requests[0].input]
    assert texts == ["remember", "and?"]
    assert len(engine.store.puts) == 3 * store
    # Each counts as a request, and takes no tokens.
    assert [tokens for _, tokens in limiter.asked[:2]] == [0, 0]
    assert engine.observer.told[:6] == ["begun", "limited", "ended completed"] * 2
    assert limiter.settled[:2] == [0, 0]
    await client.leave()


async def test_a_warm_up_that_cannot_be_kept_is_an_error() -> None:
    store = Store()
    store.broken = RuntimeError("secret")
    engine = Engine(store=store)
    client = Client(engine, sessions_of(engine))
    client.send(create(generate=False))
    error = await client.until("error")
    assert (error.error.status, kinds(client.heard)) == (500, ["error"])
    assert "secret" not in str(error)
    assert engine.observer.told == ["begun", "ended failed"]
    await client.leave()


# Errors


async def test_errors_leave_the_connection_open_and_tell_what_headers_would() -> None:
    limit = Limit("key:key", Kind.REQUESTS, 1, 60.0)
    limiter = ScriptedLimiter(Refusal(limit, 2.5, (Level(limit, 0, 2.5),)))
    engine = Engine(limiter=limiter)
    client = Client(engine, sessions_of(engine), limits=(limit,))
    client.send(create("x", "a"), v1.ConnectRequest(), create(background=True), create("x", model="unknown"))
    limited = await client.until("error")
    errors = {refused(event)[1]: event for event in [await client.until("error", n) for n in (1, 2, 3, 4)]}
    assert set(errors) == {
        "rate_limit_exceeded",
        "missing_required_parameter",
        "unsupported_parameter",
        "model_not_found",
    }
    assert errors["unsupported_parameter"].error.param == "background"
    assert errors["missing_required_parameter"].error.param == "type"
    assert errors["model_not_found"].error.status == 404
    limited = errors["rate_limit_exceeded"]
    assert (limited.stream_id, limited.error.status) == ("a", 429)
    assert dict(limited.error.error.headers) == {
        "x-request-id": "req_connection",
        "x-should-retry": "true",
        "x-ratelimit-limit-requests": "1",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "3s",
        "retry-after": "3",
        "retry-after-ms": "2500",
    }
    client.send(create(stream=False, stream_options=v1.StreamOptions(include_obfuscation=True)))
    await client.response()
    assert not engine.provider.requests[-1].HasField("stream_options")
    await client.leave()


async def test_an_error_tells_who_was_asked() -> None:
    engine = Engine(UpstreamRejected("No."))
    client = Client(engine, sessions_of(engine))
    client.send(create())
    told = dict((await client.until("error")).error.error.headers)
    assert {name: value for name, value in told.items() if name.startswith("x-antiphon")} == {
        "x-antiphon-target": "m",
        "x-antiphon-attempts": "1",
    }
    await client.leave()


async def test_an_error_has_a_code_whatever_it_is() -> None:
    engine = Engine()
    client = Client(engine, sessions_of(engine))
    client.send(MalformedRequest("That is no message."))
    assert refused(await client.until("error")) == (400, "invalid_request_error", "")
    await client.leave()


# Ends


async def test_without_further_requests_all_are_answered_and_it_ends() -> None:
    provider = Held()
    engine = engine_with(provider)
    client = Client(engine, sessions_of(engine))
    client.send(create("1"), create("2"), create("3", "a"))
    client.done_writing()
    await client.until("created", 2)
    provider.go_on.set()
    await client.over()
    assert client.error is None
    assert kinds(client.heard).count("completed") == 3


async def test_a_client_that_leaves_cancels_all_that_is_made() -> None:
    provider = Held()
    engine = engine_with(provider)
    client = Client(engine, sessions_of(engine))
    client.send(create("1"), create("2"), create("3", "a"))
    await client.until("created", 2)
    await client.leave()
    assert (provider.begun, provider.closed, len(engine.running)) == (2, 2, 0)
    assert [record.outcome for record in engine.observer.records] == ["cancelled", "cancelled"]


async def test_its_life_ends_when_what_is_made_has_ended() -> None:
    provider = Held()
    engine = engine_with(provider)
    client = Client(engine, sessions_of(engine, lifetime=0.01))
    client.send(create("1"), create("2"))
    await client.until("created")
    while "error" not in kinds(client.heard):
        client.send(create("", "a", generate=False))
        await client.more()
    assert refused(await client.until("error"))[:2] == (400, "websocket_connection_limit_reached")
    provider.go_on.set()
    await client.over()
    assert client.error is None
    assert "completed" in kinds(client.heard)
    last = client.heard[-1]
    assert refused(last)[:2] == (400, "websocket_connection_limit_reached")
    assert not last.HasField("stream_id")


async def test_a_server_that_stops_lets_running_responses_end() -> None:
    provider = Held()
    engine = engine_with(provider)
    sessions = sessions_of(engine)
    idle, busy = Client(engine, sessions), Client(engine, sessions)
    busy.send(create("1"), create("2"))
    await busy.until("created")
    sessions.end(ServerStopping())
    await idle.over()
    assert isinstance(idle.error, ServerStopping)
    busy.send(create("3", "a"))
    assert refused(await busy.until("error"))[:2] == (503, "overloaded")
    provider.go_on.set()
    await busy.over()
    assert isinstance(busy.error, ServerStopping)
    assert kinds(busy.heard).count("completed") == 1
    assert kinds(busy.heard).count("error") == 2
    late = Client(engine, sessions)
    await late.over()
    assert isinstance(late.error, ServerStopping)
    assert len(sessions) == 0


async def test_a_revoked_key_ends_its_connections_and_no_others() -> None:
    provider = Held()
    engine = engine_with(provider)
    sessions = sessions_of(engine)
    idle, busy = Client(engine, sessions), Client(engine, sessions)
    other = Client(engine, sessions, caller=Caller("tenant", "other"))
    busy.send(create("1"), create("2"))
    await busy.until("created")
    while len(sessions) < 3:
        await asyncio.sleep(0)
    assert engine.running.interrupt(KeyRevoked(), keys={"key"}) == 3  # with the response that is being made
    for client in (idle, busy):
        await client.over()
        assert isinstance(client.error, KeyRevoked)
    # What was being made is told as failed, and what waited as refused.
    assert refused(busy.heard[-1])[:2] == (401, "invalid_api_key")
    assert kinds(busy.heard)[-2:] == ["failed", "error"]
    other.send(create("", generate=False))
    await other.response()
    await other.leave()
    assert (len(sessions), len(engine.running)) == (0, 0)


async def test_a_key_that_is_revoked_while_its_connection_is_let_in() -> None:
    engine = Engine()
    client = Client(engine, sessions_of(engine), caller=Caller("tenant", "key", standing=Standing(revoked=True)))
    await client.over()
    assert isinstance(client.error, KeyRevoked)


async def test_a_key_that_is_found_to_be_refused_ends_the_connection() -> None:
    """Whatever it was called when the connection was let in."""
    engine = Engine()
    client = Client(engine, sessions_of(engine), refusal=InvalidApiKey())
    client.send(create("1", "a"))
    await client.over()
    (error,) = client.heard
    assert (error.stream_id, *refused(error)[:2]) == ("a", 401, "invalid_api_key")
    assert isinstance(client.error, InvalidApiKey)


async def test_requests_that_cannot_be_read_any_more_end_it() -> None:
    engine = Engine(*says()[:3], FOREVER)
    client = Client(engine, sessions_of(engine))
    client.send(create())
    await client.until("created")
    client.send(RuntimeError("the transport broke"))
    await client.over()
    assert isinstance(client.error, RuntimeError)
    assert (engine.provider.closed, len(engine.running)) == (1, 0)
