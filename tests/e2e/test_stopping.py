"""Processes that stop, asked to or not, in the middle of a stream."""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from e2e_http import ask, frames
from e2e_layouts import CANARY, KEY_A, LAYOUTS, PROMPT, Layout, metadata, open_layout, open_server
from e2e_stage import Stage, Theatre
from grpc_health.v1 import health_pb2, health_pb2_grpc
from openai import OpenAI

from antiphon.responses import v1
from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.upstream import Exchange, Script, hang_after, sse

SPEAKING = hang_after(wire.TEXT[:5])


def ending(gate: Gate) -> Script:
    """Half a stream; the other half once the gate is open."""

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, wire.TEXT[:5])))
        await gate.wait()
        await exchange.end(b"".join(map(sse, wire.TEXT[5:])))

    return script


@pytest.fixture(params=LAYOUTS)
def mortal(
    request: pytest.FixtureRequest, tmp_path: Path, background: Background, theatre: Theatre
) -> Iterator[Layout]:
    """A layout of the test's own."""
    grace = "300ms" if "hasty" in request.node.name else "20s"
    with background.using(open_layout(request.param, tmp_path, theatre.base_url, grace=grace)) as layout:
        yield layout
    assert CANARY not in layout.written()


class Listening:
    """A client over HTTP in the middle of a stream."""

    def __init__(self, layout: Layout, up: Stage) -> None:
        self.connection = http.client.HTTPConnection(*layout.address, timeout=10)
        body = json.dumps({"model": up.model, "input": PROMPT, "stream": True})
        self.connection.request("POST", "/v1/responses", body, {"authorization": f"Bearer {KEY_A}"})
        self._response = self.connection.getresponse()
        self._heard = b""
        while b"output_text.delta" not in self._heard:
            self._heard += self._response.read1()

    @property
    def response_id(self) -> str:
        response_id: str = frames(self._heard.rpartition(b"\n\n")[0] + b"\n\n")[0][1]["response"]["id"]
        return response_id

    def rest(self) -> list[tuple[str, Any]]:
        """Hear the stream out; all its events."""
        self._heard += self._response.read()
        return frames(self._heard)


@contextmanager
def listening(layout: Layout, up: Stage) -> Iterator[Listening]:
    listener = Listening(layout, up)
    with closing(listener.connection):
        yield listener


@contextmanager
def calling(layout: Layout, up: Stage) -> Iterator[Any]:
    """A client over gRPC in the middle of a stream."""
    with layout.channel() as channel:
        request = v1.CreateResponseRequest(model=up.model, input_text=PROMPT)
        call = v1.ResponsesServiceStub(channel).StreamCreateResponse(request, metadata=metadata())
        while not any(event.HasField("output_text_delta") for event in next(call).events):
            pass
        yield call


def test_a_server_that_is_killed(mortal: Layout, up: Stage, theatre: Theatre, background: Background) -> None:
    up.answer(SPEAKING)
    kept = ask(mortal, json.dumps({"model": "echo", "input": "Keep this."}).encode()).json
    with listening(mortal, up) as listener, calling(mortal, up) as call:
        broken = listener.response_id
        assert background.run(mortal.server.stop(signal.SIGKILL)) == -signal.SIGKILL
        with pytest.raises(grpc.RpcError) as caught:
            list(call)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        if mortal.is_split:
            (_, error), (failed, last), (_, done) = listener.rest()[-3:]
            assert (error["type"], error["code"], failed, done) == ("error", "overloaded", "response.failed", "[DONE]")
            assert (last["response"]["id"], last["response"]["status"]) == (broken, "failed")
        else:
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                listener.rest()
    for _ in range(2):
        up.gone(up.arrived())

    again = open_server(mortal.name, mortal.folder, theatre.base_url, grpc_address=mortal.grpc_address)
    with background.using(again) as server:
        mortal.server = server
        # A bridge that has lost its server says so, and finds it again: the SDK's own retries are enough.
        with OpenAI(base_url=f"{mortal.url}/v1", api_key=KEY_A, max_retries=5) as client:
            assert client.responses.retrieve(kept["id"]).output_text == "Keep this."
            told = client.responses.create(model="echo", input="What did I say?", previous_response_id=kept["id"])
            assert told.output_text.endswith("Keep this.")
        assert ask(mortal, None, method="GET", path=f"/v1/responses/{broken}").status == 404
        assert mortal.stored() == 2
    with closing(sqlite3.connect(mortal.folder / "store.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_server_that_is_asked_to_stop(mortal: Layout, up: Stage, background: Background) -> None:
    gate = Gate(background)
    up.answer(ending(gate))
    with listening(mortal, up) as listener, calling(mortal, up) as call, mortal.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(health).status == health_pb2.HealthCheckResponse.SERVING
        stopping = background.start(mortal.server.stop())
        assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
        gate.open()
        assert [name for name, _ in listener.rest()][-2:] == ["response.completed", ""]
        last = [event for chunk in call for event in chunk.events][-1]
        assert last.completed.response.output[0].message.content[0].output_text.text == "Hello, wörld 🎉"
    assert stopping.result(30) == 0
    assert mortal.stored() == 2


def test_a_server_says_that_it_stops_while_it_goes_on_serving(
    tmp_path: Path, background: Background, theatre: Theatre
) -> None:
    opened = open_server("two processes", tmp_path, theatre.base_url, lame_duck="60s")
    with background.using(opened) as server, grpc.insecure_channel(server.addresses["gRPC"]) as channel:
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=20)
        assert next(health).status == health_pb2.HealthCheckResponse.SERVING
        stopping = background.start(server.stop())
        assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with grpc.insecure_channel(server.addresses["gRPC"]) as another:
            asked = v1.CreateResponseRequest(model="echo", input_text="still there?")
            answer = v1.ResponsesServiceStub(another).CreateResponse(asked, metadata=metadata(), timeout=10)
        assert answer.status == v1.Response.STATUS_COMPLETED
        background.start(server.stop())  # asked twice: at once
        assert stopping.result(10) == 1


@pytest.mark.parametrize("lame_duck", ["0s", "60s"])
def test_a_server_that_is_asked_twice_stops_at_once_whatever_goes_on(
    tmp_path: Path, background: Background, theatre: Theatre, up: Stage, lame_duck: str
) -> None:
    up.answer(SPEAKING)
    opened = open_server("one process", tmp_path, theatre.base_url, lame_duck=lame_duck, grace="60s")
    with background.using(opened) as server:
        layout = Layout("one process", tmp_path, server, None)
        with layout.channel() as channel, listening(layout, up) as listener, calling(layout, up) as call:
            asked = v1.CreateResponseRequest(model=up.model, input_text=PROMPT, background=True)
            v1.ResponsesServiceStub(channel).CreateResponse(asked, metadata=metadata())
            for _ in range(3):
                up.arrived()
            # Two signals of one kind may be taken for one.
            stopping = [background.start(server.stop(number)) for number in (signal.SIGTERM, signal.SIGINT)]
            assert [one.result(15) for one in stopping] == [1, 1]
            assert [name for name, _ in listener.rest()][-2:] == ["response.failed", ""]
            assert [event for chunk in call for event in chunk.events][-1].HasField("failed")
    kept = [v1.Response.FromString(row["response"]) for row in layout.query("SELECT response FROM responses")]
    assert [response.status for response in kept] == [v1.Response.STATUS_FAILED] * 3
    assert {response.error.message for response in kept} == {"The server is stopping. Try again shortly."}


@pytest.mark.parametrize("mortal", ["two processes"], indirect=True)
def test_a_bridge_that_is_asked_to_stop(mortal: Layout, up: Stage, background: Background) -> None:
    assert mortal.bridge is not None
    gate = Gate(background)
    up.answer(ending(gate))
    with listening(mortal, up) as listener:
        stopping = background.start(mortal.bridge.stop())
        while _accepts(mortal):
            continue
        gate.open()
        assert [name for name, _ in listener.rest()][-2:] == ["response.completed", ""]
    assert stopping.result(30) == 0
    assert mortal.stored() == 1


def test_a_hasty_stop(mortal: Layout, up: Stage, background: Background) -> None:
    """The time that running calls are given is over: clients are told that the server broke off."""
    up.answer(SPEAKING)
    with listening(mortal, up) as listener, calling(mortal, up) as call:
        stopping = background.start(mortal.server.stop())
        (_, error), (failed, _), (_, done) = listener.rest()[-3:]
        assert (error["type"], failed, done) == ("error", "response.failed", "[DONE]")
        events = [event for chunk in call for event in chunk.events]
        assert [event.WhichOneof("event") for event in events[-2:]] == ["error", "failed"]
        assert events[-2].error.code == "overloaded"
    assert stopping.result(30) == 0
    for _ in range(2):
        up.gone(up.arrived())


def _accepts(layout: Layout) -> bool:
    try:
        with closing(http.client.HTTPConnection(*layout.address, timeout=30)) as connection:
            connection.connect()
    except ConnectionError:
        return False
    return True
