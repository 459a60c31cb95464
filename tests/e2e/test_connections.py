"""Connections of many responses, as clients have them: the SDK over a WebSocket, and gRPC."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from e2e_connections import Connection, OverWebSocket
from e2e_layouts import CANARY, KEY_A, KEY_B, LAYOUTS, PROMPT, Layout, open_bridge, open_layout
from e2e_stage import Stage, Theatre
from e2e_surfaces import Door, Surface
from openai import AsyncOpenAI, OpenAI
from openai.lib.responses_websocket import AsyncResponsesWebSocketSession, ResponsesWebSocketLimits
from websockets.exceptions import InvalidStatus

from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.serve import running
from server.testing.upstream import Exchange, hang_after, sse

EXAMPLES = Path(__file__).parents[2] / "examples"
ENDS = ("response.completed", "response.incomplete", "response.failed", "error")
SPEAKING = hang_after(wire.TEXT[:5])


@contextmanager
def connected(way: Surface, layout: Layout, key: str = KEY_A) -> Iterator[Connection]:
    with layout.channel() as channel:
        connection = Door(channel, layout.address).connect(way, key)
        try:
            yield connection
        finally:
            connection.leave()


def heard(connection: Connection, until: tuple[str, ...] = ENDS) -> list[Any]:
    """All events up to the first of these types."""
    events = [connection.receive()]
    while events[-1]["type"] not in until:
        events.append(connection.receive())
    return events


def booked(layout: Layout, made: set[str]) -> list[Any]:
    """The ledger's entries of whole responses, which it has soon after their end."""
    deadline = time.monotonic() + 20
    while True:
        whole = "SELECT * FROM usage WHERE id = ? AND attempt = 0"
        entries = [row for response_id in made for row in layout.query(whole, response_id)]
        if len(entries) == len(made) or time.monotonic() > deadline:
            return entries


def text(event: Any) -> str:
    said: str = event["response"]["output"][0]["content"][0]["text"]
    return said


def test_a_conversation_that_nobody_keeps(layout: Layout, way: Surface) -> None:
    before = layout.stored()
    with connected(way, layout) as connection:
        connection.send(type="response.create", model="echo", input="hello there", store=False)
        events = heard(connection)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert not any("stream_id" in event for event in events)
        first = events[-1]["response"]
        question = {"model": "echo", "store": False, "previous_response_id": first["id"], "stream": True}
        connection.send(type="response.create", input="What did I say before?", **question)
        assert text(heard(connection)[-1]) == "You said 1 thing before this. The first was: hello there"
        with connected(way, layout) as other:
            other.send(type="response.create", input="x", stream_id="l", **question)
            (error,) = heard(other)
            assert (error["status"], error["stream_id"]) == (400, "l")
            assert error["error"]["code"] == "previous_response_not_found"
            assert error["error"]["param"] == "previous_response_id"
    assert layout.stored() == before


def test_what_is_kept_is_continued_anywhere_and_by_its_tenant_alone(layout: Layout, way: Surface) -> None:
    with connected(way, layout) as connection, connected(way, layout, key=KEY_B) as foreign:
        connection.send(type="response.create", model="echo", input="hello there")
        kept = heard(connection)[-1]["response"]["id"]
        foreign.send(type="response.create", model="echo", input="x", previous_response_id=kept)
        assert heard(foreign)[-1]["error"]["code"] == "previous_response_not_found"
        with connected(way, layout) as other:
            other.send(type="response.create", model="echo", input="What did I say before?", previous_response_id=kept)
            assert "hello there" in text(heard(other)[-1])


def test_a_warm_up_as_codex_makes_it(layout: Layout, way: Surface) -> None:
    with connected(way, layout) as connection:
        codex = {"type": "response.create", "model": "echo", "store": False, "stream": True, "client_metadata": {}}
        connection.send(**codex, generate=False, input=[])
        events = heard(connection)
        assert [event["type"] for event in events] == ["response.created", "response.in_progress", "response.completed"]
        ended = events[-1]["response"]
        assert (ended["output"], ended["usage"]["total_tokens"]) == ([], 0)
        connection.send(**codex, input="hello there", previous_response_id=ended["id"])
        assert text(heard(connection)[-1]) == "hello there"
    (entry,) = booked(layout, {ended["id"]})
    assert (entry["outcome"], entry["provider"], entry["input_tokens"]) == ("completed", "", 0)


def test_a_steered_response_keeps_what_was_said(layout: Layout, up: Stage, way: Surface) -> None:
    up.answer(SPEAKING)
    with connected(way, layout) as connection:
        connection.send(type="response.create", model=up.model, input=PROMPT, store=False)
        first = heard(connection, ("response.output_text.delta",))[0]["response"]["id"]
        request = up.arrived()
        connection.send(type="response.steer", previous_response_id=first, input="Rather this.")
        events = heard(connection, ("response.incomplete",))
        assert events[0]["type"] == "response.steer.accepted"
        assert events[-1]["response"]["incomplete_details"] == {"reason": "steered"}
        up.gone(request)
        following = heard(connection, ("response.output_text.delta",))[0]["response"]
        assert following["previous_response_id"] == first
        said = [part["text"] for item in up.arrived().json["input"] for part in item["content"]]
        assert said == [PROMPT, text(events[-1]), "Rather this."]


def test_whoever_leaves_ends_all_that_is_made(layout: Layout, up: Stage, way: Surface) -> None:
    up.answer(SPEAKING)
    with connected(way, layout) as connection:
        for lane in "ab":
            connection.send(type="response.create", model=up.model, input=PROMPT, stream_id=lane)
        requests = [up.arrived(), up.arrived()]
        made = set()
        while len(made) < 2:
            event = connection.receive()
            if event["type"] == "response.created":
                made.add(event["response"]["id"])
        left = time.perf_counter()
        connection.leave()
        for request in requests:
            up.gone(request)
        print(f"{layout.name}: {(time.perf_counter() - left) * 1000:.1f} ms until the providers' connections closed")
    entries = booked(layout, made)
    assert {entry["outcome"] for entry in entries} == {"cancelled"}
    assert all(entry["output_tokens"] for entry in entries)


@pytest.mark.parametrize("key", ["wrong", ""])
def test_who_may_not_call_gets_no_connection(layout: Layout, key: str) -> None:
    with pytest.raises(InvalidStatus) as raised:
        OverWebSocket(layout.address, [("authorization", f"Bearer {key}")], None)
    assert raised.value.response.status_code == 401
    assert json.loads(raised.value.response.body or b"")["error"]["code"] == "invalid_api_key"


def test_the_sdk_as_it_is(layout: Layout, client: OpenAI) -> None:
    with client.responses.connect() as connection:
        connection.response.create(model="echo", input="hello there", store=False)
        ended = next(event for event in connection if event.type in ENDS)
        assert ended.type == "response.completed"
        assert ended.response.output_text == "hello there"
        connection.response.create(model="echo", input="x", previous_response_id="resp_none")
        error = connection.recv()
        assert error.type == "error"
        assert error.error.code == "previous_response_not_found"


def test_the_lanes_of_the_sdk(layout: Layout, background: Background) -> None:
    async def run() -> list[str]:
        limits = ResponsesWebSocketLimits(
            max_lanes=8,
            max_events_per_lane=1000,
            max_events=5000,
            max_bytes_per_lane=1 << 24,
            max_bytes=1 << 25,
            max_response_bytes=None,
        )
        async with (
            AsyncOpenAI(base_url=f"{layout.url}/v1", api_key=KEY_A) as client,
            client.responses.connect(websocket_connection_options={"max_size": None}) as connection,
            AsyncResponsesWebSocketSession(connection, limits=limits) as session,
        ):
            lanes = [session.lane(name) for name in ("one", "two", "three")]
            for number, lane in enumerate(lanes):
                await lane.send({"type": "response.create", "model": "echo", "input": f"hello {number}"})
            return [(await lane.get_final_response()).output_text for lane in lanes]

    assert background.run(run()) == ["hello 0", "hello 1", "hello 2"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_server_that_stops_lets_running_responses_end(
    name: str, tmp_path: Path, background: Background, theatre: Theatre, way: Surface
) -> None:
    up = theatre.stage()
    gate = Gate(background)

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, wire.TEXT[:5])))
        await gate.wait()
        await exchange.end(b"".join(map(sse, wire.TEXT[5:])))

    up.answer(script)
    opening = background.using(open_layout(name, tmp_path, theatre.base_url, grace="20s"))
    with opening as layout, connected(way, layout) as busy, connected(way, layout) as idle:
        busy.send(type="response.create", model=up.model, input=PROMPT)
        heard(busy, ("response.output_text.delta",))
        idle.send(type="response.create", model="echo", input="x")
        heard(idle)
        stopping = background.start(layout.server.stop())
        end = idle.receive()
        if end is not None:  # over a WebSocket it is told why
            assert (end["type"], end["status"]) == ("error", 503)
            assert idle.receive() is None
        assert not stopping.done()
        busy.send(type="response.create", model="echo", input="x", stream_id="late")
        (refused,) = [event for event in heard(busy, ("error",)) if event["type"] == "error"]
        assert (refused["status"], refused["stream_id"]) == (503, "late")
        gate.open()
        assert heard(busy, ("response.completed",))[-1]["response"]["status"] == "completed"
        while busy.receive() is not None:
            pass
        assert idle.is_away
        assert busy.is_away
        assert stopping.result(20) == 0
    assert CANARY not in layout.written()


def refused(way: Surface, layout: Layout) -> str:
    """The code that one more connection is refused with; empty where it is let in."""
    try:
        with connected(way, layout) as connection:
            connection.send(type="response.create", model="echo", generate=False)
            if connection.receive() is not None:
                return ""
            code: str = connection.close_code.name
            return code
    except InvalidStatus as refusal:
        told = refusal.response
        code = json.loads(told.body or b"")["error"]["code"]
        return f"{told.status_code} {code}, {told.headers['retry-after']}"


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_more_are_open_than_may(
    name: str, tmp_path: Path, background: Background, theatre: Theatre, way: Surface
) -> None:
    opening = open_layout(name, tmp_path, theatre.base_url, sections={"connection": {"max_open": 1}})
    with background.using(opening) as layout:
        with connected(way, layout) as only:
            only.send(type="response.create", model="echo", generate=False)
            heard(only)
            assert b"\nantiphon_connections_open 1.0\n" in layout.admin("/metrics")
            assert refused(way, layout) == ("503 overloaded, 5" if way.is_http else "UNAVAILABLE")
            only.send(type="response.create", model="echo", input=PROMPT)
            assert heard(only)[-1]["type"] == "response.completed"
        deadline = time.monotonic() + 20
        while refused(way, layout):  # the first may still be leaving
            assert time.monotonic() < deadline


@pytest.fixture(params=LAYOUTS)
def open_to_all(request: pytest.FixtureRequest, tmp_path: Path, background: Background) -> Iterator[dict[str, str]]:
    """Where a server without keys listens, as `make run` starts one."""
    one_process = request.param == "one process"
    file = tmp_path / "antiphon.yaml"
    listen = {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0" if one_process else None, "admin": None}
    file.write_text(json.dumps({"listen": listen, "store": "memory"}))
    with ExitStack() as stack:
        command = running("server", "serve", "--config", str(file), listeners=1 + one_process)
        addresses = stack.enter_context(background.using(command)).addresses
        if not one_process:
            addresses |= stack.enter_context(background.using(open_bridge(tmp_path, addresses["gRPC"]))).addresses
        yield addresses


@pytest.mark.parametrize("example", ["websocket.py", "connect.py"])
def test_the_examples_run_as_they_are(open_to_all: dict[str, str], example: str) -> None:
    where = f"{open_to_all['HTTP']}/v1" if example == "websocket.py" else open_to_all["gRPC"]
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / example), where], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "You said 1 thing before this. The first was: hello there\n" in run.stdout
    assert run.stdout.splitlines()[-2:] == ["lane left: this is left", "lane right: this is right"]
