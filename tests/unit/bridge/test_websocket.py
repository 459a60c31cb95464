"""A WebSocket at the bridge: frames one to one, errors that leave it open, and how it closes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import pytest
from aiohttp import WSMsgType

from antiphon.responses import v1
from http_bridge.frontend import serve

PATH = "/v1/responses"
NOVEL = {"type": "response.novel", "x": 1}


@dataclass
class Server:
    """What `Connect` does: tells every frame back as an event that quotes it, until something else is wanted."""

    script: Any
    heard: list[v1.ConnectRequest] = field(default_factory=list)
    half_closed: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    yielded: int = 0
    end: Callable[[Any], Any] | None = None

    async def connect(self, requests: Any, context: Any) -> AsyncIterator[v1.ConnectResponse]:
        try:
            await context.send_initial_metadata((("x-request-id", "the-server's"),))
            async for frame in requests:
                self.heard.append(frame)
                text = frame.create.input_text
                if text == "end":
                    assert self.end is not None
                    await self.end(context)
                    return
                while text == "flood":
                    self.yielded += 1
                    yield v1.ConnectResponse(events=[delta("x" * 100_000)])
                yield v1.ConnectResponse(events=[delta(text, frame.stream_id), delta("again", frame.stream_id)])
            self.half_closed.set()
            yield v1.ConnectResponse(events=[delta("last")])
        finally:
            self.closed.set()


def delta(text: str, lane: str = "") -> v1.ResponseStreamEvent:
    event = v1.ResponseStreamEvent(output_text_delta=v1.ResponseTextDeltaEvent(delta=text))
    if lane:
        event.stream_id = lane
    return event


def create(text: str, **members: Any) -> dict[str, Any]:
    return {"type": "response.create", "model": "m", "input": text, **members}


@pytest.fixture
async def server(script: Any) -> Server:
    made = Server(script)
    script.does["Connect"] = made.connect
    return made


Dial = Callable[..., Any]


@pytest.fixture
async def dial(url: str, http: aiohttp.ClientSession) -> Dial:
    def connect(**options: Any) -> Any:
        return http.ws_connect(url + PATH, **options)

    return connect


async def told(socket: aiohttp.ClientWebSocketResponse) -> Any:
    message = await socket.receive(10)
    assert message.type is WSMsgType.TEXT, message
    return json.loads(message.data)


async def test_frames_go_both_ways_as_they_are(server: Server, dial: Dial, script: Any) -> None:
    headers = {
        "authorization": "Bearer k",
        "x-request-id": "mine",
        "OpenAI-Beta": "responses_websockets=2026-02-06",
        "origin": "https://elsewhere.example",
        "x-request-timeout": "30",
    }
    async with dial(headers=headers, params={"model": "x"}) as socket:
        await socket.send_json(create("one", stream=True, generate=False, stream_id="a", novel=[1]))
        first, second = await told(socket), await told(socket)
        assert (first["type"], first["delta"], first["stream_id"]) == ("response.output_text.delta", "one", "a")
        assert second["delta"] == "again"
        for frame in ({"type": "response.steer", "previous_response_id": "r", "input": "x"}, NOVEL):
            await socket.send_json(frame)
            await told(socket)
            await told(socket)
        assert socket._response.headers["x-request-id"] == "mine"
    assert server.heard[0].create.catch_all == '{"novel":[1]}'
    assert not server.heard[0].generate
    assert server.heard[1].steer.input_text == "x"
    assert json.loads(server.heard[2].fallback) == NOVEL
    (call,) = script.calls
    assert (call.metadata["authorization"], call.metadata["x-request-id"]) == ("Bearer k", "mine")
    assert 20 < call.time_remaining < 40


@pytest.mark.parametrize(
    ("sent", "code", "param", "lane"),
    [
        ("{", "invalid_request_error", None, None),
        ("\ud800", None, None, None),
        ("[1]", "invalid_type", None, None),
        ('{"stream_id":"a"}', "missing_required_parameter", "type", "a"),
        ('{"type":3}', "invalid_type", "type", None),
        ('{"type":"response.create","stream_id":3}', "invalid_type", "stream_id", None),
        ('{"type":"response.create","stream_id":"b","input":[{"role":3}]}', "invalid_type", "input[0].role", "b"),
        (b"{}", "invalid_request_error", None, None),
    ],
    ids=["no JSON", "no UTF-8", "a list", "no type", "a bad type", "a bad lane", "a bad member", "binary"],
)
async def test_what_is_no_frame_is_an_error_and_the_connection_goes_on(
    server: Server, dial: Dial, sent: str | bytes, code: str | None, param: str | None, lane: str | None
) -> None:
    async with dial() as socket:
        if code is None:
            await socket.send_frame(b"\xff", WSMsgType.TEXT)
        elif isinstance(sent, bytes):
            await socket.send_bytes(sent)
        else:
            await socket.send_str(sent)
        error = await told(socket)
        assert (error["type"], error["status"], error.get("stream_id")) == ("error", 400, lane)
        assert error["error"]["code"] == (code or "invalid_request_error")
        assert error["error"]["param"] == param
        assert error["error"]["type"] == "invalid_request_error"
        await socket.send_json(create("next"))
        assert (await told(socket))["delta"] == "next"
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    ("reason", "code", "status"),
    [
        ("INVALID_API_KEY", grpc.StatusCode.UNAUTHENTICATED, 401),
        ("OVERLOADED", grpc.StatusCode.UNAVAILABLE, 503),
        ("UNIMPLEMENTED", grpc.StatusCode.UNIMPLEMENTED, 501),
    ],
)
async def test_who_is_not_let_in_gets_a_plain_answer(
    script: Any, dial: Dial, reason: str, code: Any, status: int
) -> None:
    async def refuse(requests: Any, context: Any) -> AsyncIterator[Any]:
        await script.fail(context, reason, code, "No.")
        yield v1.ConnectResponse()

    script.does["Connect"] = refuse
    with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
        await dial()
    assert raised.value.status == status


async def test_without_a_server_there_is_no_connection(http: aiohttp.ClientSession) -> None:
    async with (
        grpc.aio.insecure_channel("127.0.0.1:9") as channel,
        serve(channel, listen="127.0.0.1:0", grace=0.0) as url,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            await http.ws_connect(url + PATH)
        assert raised.value.status == 503


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Connection": "Upgrade", "Upgrade": "h2c"},
        {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "12", "Sec-WebSocket-Key": "eA=="},
        {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
    ],
    ids=["none", "another", "another version", "no key"],
)
async def test_without_an_upgrade_it_says_which_is_wanted(
    server: Server, url: str, wire: Any, headers: dict[str, str]
) -> None:
    async with wire(url) as connection:
        connection.send("GET", PATH, **headers)
        status, told_headers = await connection.head()
        body = await connection.reader.readexactly(int(told_headers["content-length"]))
        assert (status, told_headers["upgrade"]) == (426, "websocket")
        assert json.loads(body)["error"]["code"] == "method_not_allowed"
        connection.send("GET", "/nowhere")
        assert (await connection.head())[0] == 404


async def test_a_message_that_is_too_large_closes_it(
    server: Server, start: Callable[..., Any], http: aiohttp.ClientSession
) -> None:
    url = await start(max_request_bytes=1000)
    for compress in (0, 15):
        async with http.ws_connect(url + PATH, compress=compress) as socket:
            await socket.send_json(create("x" * 2000))
            message = await socket.receive(10)
            assert (message.type, socket.close_code) == (WSMsgType.CLOSE, 1009)
    assert server.heard == []


async def test_compression_is_used_where_it_is_offered(server: Server, dial: Dial) -> None:
    for offered, used in ((15, 15), (0, 0)):
        async with dial(compress=offered) as socket:
            assert socket.compress == used
            await socket.send_json(create("y" * 5000))
            assert (await told(socket))["delta"] == "y" * 5000


@pytest.mark.parametrize("way", ["close", "drop"])
async def test_a_client_that_leaves_ends_the_call_at_once(server: Server, dial: Dial, way: str) -> None:
    socket = await dial()
    await socket.send_json(create("one"))
    await told(socket)
    if way == "close":
        await socket.close(code=1000)
        assert socket.close_code == 1000
    else:
        socket._response.close()
        socket._response.connection and socket._response.connection.transport.abort()
        socket._writer.transport.abort()
    await asyncio.wait_for(server.closed.wait(), 5)


async def test_a_client_that_does_not_read_is_not_sent_more(server: Server, url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    writer.write(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    frame = json.dumps(create("flood")).encode()
    writer.write(bytes([0x81, 0x80 | len(frame), 0, 0, 0, 0]) + frame)
    await reader.readexactly(1000)
    before = -1
    while before != server.yielded:  # until nothing moves any more
        before = server.yielded
        for _ in range(2000):
            await asyncio.sleep(0)
    assert server.yielded < 500  # of 100 kB
    writer.transport.abort()
    await asyncio.wait_for(server.closed.wait(), 5)


@pytest.mark.parametrize(
    ("reason", "code", "closed"),
    [
        (None, None, 1001),
        ("OVERLOADED", grpc.StatusCode.UNAVAILABLE, 1001),
        ("TIMEOUT", grpc.StatusCode.DEADLINE_EXCEEDED, 1001),
        ("INVALID_API_KEY", grpc.StatusCode.UNAUTHENTICATED, 1008),
        ("REQUEST_TOO_LARGE", grpc.StatusCode.RESOURCE_EXHAUSTED, 1009),
        ("INTERNAL", grpc.StatusCode.INTERNAL, 1011),
    ],
)
async def test_how_the_server_ends_it(
    script: Any, server: Server, dial: Dial, reason: str | None, code: Any, closed: int
) -> None:
    async def end(context: Any) -> None:
        if reason is not None:
            await script.fail(context, reason, code, "It is over." + "é" * 200)

    server.end = end
    async with dial() as socket:
        await socket.send_json(create("end"))
        if reason is not None:
            error = await told(socket)
            assert (error["type"], error["error"]["message"][:11]) == ("error", "It is over.")
            assert error["status"] >= 400
            headers = error["error"]["headers"]
            assert headers["x-request-id"] == socket._response.headers["x-request-id"]
            assert headers["x-should-retry"] == ("true" if error["status"] >= 500 else "false")
        message = await socket.receive(10)
        assert (message.type, socket.close_code) == (WSMsgType.CLOSE, closed)
        assert len(message.extra.encode()) <= 123


@asynccontextmanager
async def leaving(channel: Any, http: aiohttp.ClientSession, grace: float) -> AsyncIterator[Any]:
    """A connection at a bridge that is told to stop."""
    frontend = serve(channel, listen="127.0.0.1:0", grace=grace)
    url = await frontend.__aenter__()
    async with http.ws_connect(url + PATH) as socket:
        await socket.send_json(create("one"))
        await told(socket)
        await told(socket)
        stopping = asyncio.create_task(frontend.__aexit__(None, None, None))
        yield socket
        async with asyncio.timeout(5):
            await stopping


async def test_a_bridge_that_stops_lets_the_server_finish(
    server: Server, channel: Any, http: aiohttp.ClientSession
) -> None:
    async with leaving(channel, http, 30.0) as socket:
        assert (await told(socket))["delta"] == "last"
        message = await socket.receive(10)
        assert (message.type, socket.close_code) == (WSMsgType.CLOSE, 1001)
    assert server.half_closed.is_set()


async def test_a_bridge_that_stops_takes_no_more_frames_and_ends_what_outlasts_the_grace(
    script: Any, channel: Any, http: aiohttp.ClientSession
) -> None:
    half_closed = asyncio.Event()

    async def linger(requests: Any, context: Any) -> AsyncIterator[v1.ConnectResponse]:
        await context.send_initial_metadata((("x-request-id", "r"),))
        async for _ in requests:
            yield v1.ConnectResponse(events=[delta("one"), delta("two")])
        half_closed.set()
        await asyncio.get_running_loop().create_future()

    script.does["Connect"] = linger
    async with leaving(channel, http, 4.0) as socket:
        await asyncio.wait_for(half_closed.wait(), 5)
        await socket.send_json(create("late", stream_id="a"))
        error = await told(socket)
        assert (error["status"], error["stream_id"], error["error"]["code"]) == (503, "a", "overloaded")
        assert (await told(socket))["status"] == 503
        message = await socket.receive(10)
        assert (message.type, socket.close_code) == (WSMsgType.CLOSE, 1001)


async def test_a_peer_that_is_dead_is_found(
    server: Server, start: Callable[..., Any], http: aiohttp.ClientSession
) -> None:
    url = await start(keepalive=0.05)
    socket = await http.ws_connect(url + PATH, autoping=False)
    ping = await socket.receive(10)
    assert ping.type is WSMsgType.PING  # and no answer to it
    await asyncio.wait_for(server.closed.wait(), 5)
    await socket.close()
