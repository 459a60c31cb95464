"""Steering: what was said is kept, what follows is made by itself, and no input is lost without a word."""

from __future__ import annotations

from typing import Any

import engine_parts as parts
import engine_streams as streams
import pytest
from engine_connecting import Client, Held, create, kinds, sessions_of, steer, turns
from engine_parts import Engine, ScriptedLimiter, output, says, target, user

from antiphon.responses import v1
from server.engine.connection import steering
from server.errors import ServerStopping
from server.limits.base import Kind, Level, Limit, Refusal
from server.providers.base import Route
from server.testing.order import check_order

CALLED = says(streams.Planned("function_call", [], ["{}"]))
BROKEN = [*CALLED[:-1], [streams.event("error", message="It broke.")]]


class Playing:
    """A provider that is another one with each request."""

    def __init__(self, *providers: Any) -> None:
        self.providers = list(providers)
        self.requests: list[v1.CreateResponseRequest] = []

    def stream(self, request: v1.CreateResponseRequest, context: Any) -> Any:
        copy = v1.CreateResponseRequest()
        copy.CopyFrom(request)
        self.requests.append(copy)
        return self.providers.pop(0).stream(request, context)


def engine_with(*providers: Any, **options: Any) -> tuple[Engine, Playing]:
    playing = Playing(*providers)
    return Engine(route=lambda: Route("m", (target(playing),), 1800.0), **options), playing


def texts(request: v1.CreateResponseRequest) -> list[str]:
    said = []
    for item in request.input:
        message = item.message
        said.append(message.content_text or "".join(p.input_text.text or p.output_text.text for p in message.content))
    return said


async def begun(client: Client, *frames: Any, count: int = 1) -> str:
    client.send(*frames)
    return (await client.until("created", count)).created.response.id


@pytest.mark.parametrize("lane", [None, "a"])
async def test_what_was_said_is_kept_and_the_rest_follows(lane: str | None) -> None:
    held = Held()
    engine, playing = engine_with(held, parts.ScriptedProvider(*says()), parts.ScriptedProvider(*says()))
    client = Client(engine, sessions_of(engine))
    first = await begun(client, create("question", lane, store=False, instructions="Be brief."), create("next", lane))
    await client.until("output_text_delta")
    client.send(steer(first))
    steered = (await client.until("incomplete")).incomplete.response
    assert steered.incomplete_details.reason == "steered"
    assert [part.output_text.text for part in steered.output[0].message.content] == ["Hel"]
    assert (steered.output[0].status, held.closed) == ("incomplete", 1)
    await client.until("completed", 2)
    accepted = client.heard[kinds(client.heard).index("steer_accepted")]
    assert accepted.steer_accepted.steer.id.startswith("steer_")
    assert accepted.steer_accepted.steer.previous_response_id == first
    assert kinds(client.heard).index("steer_accepted") < kinds(client.heard).index("incomplete")
    assert {event.stream_id for event in client.heard} == {lane or ""}
    one, two, three = turns([event for event in client.heard if not event.HasField("steer_accepted")])
    assert [check_order(turn) for turn in (one, two, three)] == [[], [], []]
    assert two[0].created.response.previous_response_id == first
    assert two[0].created.response.instructions_text == "Be brief."
    assert not two[0].created.response.store
    # The one that waited in the lane comes after it.
    assert [request.input_text for request in playing.requests] == ["question", "", "next"]
    assert texts(playing.requests[1]) == ["question", "Hel", "rather this"]
    records = engine.observer.records
    assert [record.outcome for record in records] == ["incomplete", "completed", "completed"]
    assert records[0].tokens.estimated
    assert records[0].tokens.output > 0
    await client.leave()


async def test_several_steers_make_one_successor_in_their_order() -> None:
    engine, playing = engine_with(Held(), parts.ScriptedProvider(*says()))
    client = Client(engine, sessions_of(engine))
    first = await begun(client, create("q"))
    client.send(steer(first, "one"), steer(first, "", input=[user("two")]))
    await client.response()
    assert kinds(client.heard).count("steer_accepted") == 2
    assert texts(playing.requests[1])[-2:] == ["one", "two"]
    await client.leave()


@pytest.mark.parametrize("lane", [None, "other"])
async def test_a_call_is_not_cut_and_its_output_is_waited_for(lane: str | None) -> None:
    held = Held(CALLED, "output_item_added")
    engine, playing = engine_with(held, *(parts.ScriptedProvider(*says()) for _ in range(2)))
    client = Client(engine, sessions_of(engine))
    first = await begun(client, create("q"))
    await client.until("output_item_added")
    client.send(steer(first))
    await client.until("steer_accepted")
    held.go_on.set()
    pending = (await client.until("steer_pending")).steer_pending
    done = (await client.response()).output[0].function_call
    assert kinds(client.heard)[-2:] == ["completed", "steer_pending"]
    assert pending.reason == "waiting_for_required_input"
    (wanted,) = pending.required_input
    assert (wanted.function_call_output.call_id, wanted.function_call_output.name) == (done.call_id, done.name)
    assert pending.steer.previous_response_id == first
    client.send(create("", lane, previous_response_id=first, input=[output(done.call_id)]))
    await client.response(2)
    # Only in its own lane: elsewhere it is a fork.
    assert ("rather this" in texts(playing.requests[1])) == (lane is None)
    client.done_writing()
    await client.over()
    given_back = [event.steer_failed for event in client.heard if event.HasField("steer_failed")]
    assert [(failed.steer.id, failed.error.code) for failed in given_back] == (
        [] if lane is None else [(pending.steer.id, "successor_creation_failed")]
    )


async def test_a_successor_that_cannot_be_made_gives_the_input_back() -> None:
    limit = Limit("key:key", Kind.REQUESTS, 1, 60.0)
    limiter = ScriptedLimiter(None, Refusal(limit, 1.0, (Level(limit, 0, 1.0),)))
    engine, _ = engine_with(Held(), limiter=limiter)
    client = Client(engine, sessions_of(engine), limits=(limit,))
    first = await begun(client, create("q"))
    client.send(steer(first, "again"))
    failed = (await client.until("steer_failed")).steer_failed
    accepted = (await client.until("steer_accepted")).steer_accepted
    assert failed.error.code == "successor_creation_failed"
    assert "1 request per minute" in failed.error.message
    assert (failed.steer.id, failed.steer.previous_response_id) == (accepted.steer.id, first)
    assert failed.steer.input_text == "again"
    assert "error" not in kinds(client.heard)
    await client.leave()


async def test_a_response_that_fails_gives_the_input_back() -> None:
    held = Held(BROKEN, "output_item_added")
    engine, _ = engine_with(held)
    client = Client(engine, sessions_of(engine))
    first = await begun(client, create("q"))
    client.send(steer(first))
    await client.until("steer_accepted")
    held.go_on.set()
    await client.until("failed")
    failed = (await client.until("steer_failed")).steer_failed
    assert failed.error.code == "successor_creation_failed"
    await client.leave()


async def test_a_server_that_stops_gives_the_input_back() -> None:
    engine, _ = engine_with(Held())
    sessions = sessions_of(engine)
    client = Client(engine, sessions)
    first = await begun(client, create("q"))
    sessions.end(ServerStopping())
    client.send(steer(first))
    assert (await client.until("steer_failed")).steer_failed.steer.input_text == "rather this"
    await client.over()


def bad_steers() -> dict[str, v1.ResponseSteer]:
    def message(**fields: Any) -> v1.Item:
        return v1.Item(message=v1.Message(**{"role": "user"} | fields))

    audio = v1.ContentPart()
    audio.input_audio.SetInParent()
    made = {
        "no input": {},
        "both spellings": {"input_text": "x", "input": [user("x")]},
        "an output": {"input": [output("call_1")]},
        "another role": {"input": [message(role="assistant", content_text="x")]},
        "no content": {"input": [message()]},
        "another part": {"input": [message(content=[audio])]},
        "an id": {"input": [user("x", id="msg_1")]},
        "another member": {"input_text": "x", "catch_all": '{"model":"m"}'},
    }
    return {name: v1.ResponseSteer(**fields) for name, fields in made.items()}


@pytest.mark.parametrize("case", bad_steers())
async def test_what_cannot_steer_is_given_back_and_the_response_goes_on(case: str) -> None:
    held = Held()
    engine, _ = engine_with(held)
    client = Client(engine, sessions_of(engine))
    first = await begun(client, create("q"))
    asked = bad_steers()[case]
    asked.previous_response_id = first
    client.send(v1.ConnectRequest(steer=asked))
    failed = (await client.until("steer_failed")).steer_failed
    assert failed.error.code == "invalid_input"
    assert not failed.steer.HasField("id")
    assert (list(failed.steer.input), failed.steer.input_text) == (list(asked.input), asked.input_text)
    held.go_on.set()
    await client.response()
    await client.leave()


async def test_what_is_not_being_made_here_cannot_be_steered() -> None:
    held = Held()
    held.go_on.set()
    engine, _ = engine_with(held, Held())
    sessions = sessions_of(engine)
    client, other = Client(engine, sessions), Client(engine, sessions)
    ended = (await begun(client, create("q")), await client.response())[1].id
    client.send(steer(ended), steer("resp_unknown"))
    codes = [(await client.until("steer_failed", n)).steer_failed.error.code for n in (1, 2)]
    assert codes == ["response_already_completed", "response_not_found"]
    running = await begun(client, create("q"), count=2)
    other.send(steer(running))
    assert (await other.until("steer_failed")).steer_failed.error.code == "response_not_found"
    client.send(v1.ConnectRequest(stream_id="a", steer=v1.ResponseSteer(previous_response_id=running, input_text="x")))
    assert (await client.until("steer_failed", 3)).steer_failed.error.code == "invalid_input"
    await client.leave()
    await other.leave()


async def test_a_response_that_is_compacted_by_itself_cannot_be_steered() -> None:
    engine, _ = engine_with(Held())
    client = Client(engine, sessions_of(engine))
    first = await begun(client, create("q", context_management=[v1.ContextManagement(type="compaction")]))
    client.send(steer(first))
    assert (await client.until("steer_failed")).steer_failed.error.code == "steering_not_supported"
    await client.leave()


async def test_no_more_steers_wait_than_may() -> None:
    held = Held(CALLED, "output_item_added")
    engine, _ = engine_with(held)
    client = Client(engine, sessions_of(engine, max_waiting=2))
    first = await begun(client, create("q"))
    await client.until("output_item_added")
    client.send(steer(first), steer(first), steer(first))
    assert (await client.until("steer_failed")).steer_failed.error.code == "too_many_pending_steers"
    await client.leave()


async def test_an_injection_is_refused_with_its_items() -> None:
    engine, _ = engine_with(Held())
    client = Client(engine, sessions_of(engine))
    running = await begun(client, create("q"))
    for response_id in (running, "resp_unknown"):
        client.send(v1.ConnectRequest(inject=v1.ResponseInject(response_id=response_id, input=[user("x")])))
    told = [(await client.until("inject_failed", n)).inject_failed for n in (1, 2)]
    assert [(one.response_id, one.error.code) for one in told] == [
        (running, "unsupported"),
        ("resp_unknown", "response_not_found"),
    ]
    assert all(list(one.input) == [user("x")] for one in told)
    await client.leave()


def test_what_is_required_is_what_nobody_answered() -> None:
    items = [
        v1.Item(function_call=v1.FunctionToolCall(call_id="a", name="f")),
        v1.Item(custom_tool_call=v1.CustomToolCall(call_id="b", name="g")),
        v1.Item(shell_call=v1.FunctionShellCall(call_id="c")),
        v1.Item(shell_call_output=v1.FunctionShellCallOutput(call_id="c")),
        v1.Item(tool_search_call=v1.ToolSearchCall(call_id="d", execution="server")),
        v1.Item(tool_search_call=v1.ToolSearchCall(call_id="e", execution="client")),
        v1.Item(id="mcpr_1", mcp_approval_request=v1.McpApprovalRequest()),
        user("x"),
    ]
    assert [one.WhichOneof("required_input") for one in steering.required(items)] == [
        "function_call_output",
        "custom_tool_call_output",
        "tool_search_output",
        "mcp_approval_response",
    ]
    assert steering.required(items)[3].mcp_approval_response.approval_request_id == "mcpr_1"
