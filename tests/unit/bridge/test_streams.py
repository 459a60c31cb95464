"""Streams over HTTP: bytes, silence, breaks, and clients that leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1

BODY = b'{"model":"m","stream":true}'
GIVEN = b'{"model":"m"}'


def created() -> v1.ResponseStreamEvent:
    return v1.ResponseStreamEvent(created=v1.ResponseCreatedEvent(response=v1.Response(id="resp_1", model="m")))


def delta(number: int, text: str = "x") -> v1.ResponseStreamEvent:
    return v1.ResponseStreamEvent(sequence_number=number, output_text_delta=v1.ResponseTextDeltaEvent(delta=text))


def completed(number: int) -> v1.ResponseStreamEvent:
    return v1.ResponseStreamEvent(
        sequence_number=number, completed=v1.ResponseCompletedEvent(response=v1.Response(id="resp_1", model="m"))
    )


def chunk(*events: v1.ResponseStreamEvent) -> v1.ResponseStreamChunk:
    return v1.ResponseStreamChunk(events=events)


def frame(event: v1.ResponseStreamEvent) -> bytes:
    data = openai_json.encode(event)
    return b"event: " + orjson.loads(data)["type"].encode() + b"\ndata: " + data + b"\n\n"


DONE = b"data: [DONE]\n\n"


def told(chunks: list[bytes]) -> list[tuple[str, Any]]:
    """The names and data of frames."""
    found = []
    for one in b"".join(chunks).decode().split("\n\n")[:-1]:
        if one == "data: [DONE]":
            found.append(("[DONE]", None))
        elif not one.startswith(":"):
            name, data = one.split("\n")
            found.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return found


@pytest.fixture
def streams(script: Any) -> Callable[..., None]:
    """Says what a stream sends: chunks, and events to wait for."""

    def streams(*steps: Any, then: Callable[[Any], Any] | None = None) -> None:
        async def stream(request: Any, context: Any) -> Any:
            for step in steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
            if then is not None:
                await then(context)

        script.does["StreamCreateResponse"] = script.does["StreamGetResponse"] = stream

    return streams


class Gone:
    """What a server does that never answers, and how it learns that its caller has gone."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def wait(self, *_: Any) -> None:
        self.reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def test_the_bytes_of_a_stream(url: str, wire: Any, streams: Any) -> None:
    gate = asyncio.Event()
    streams(chunk(created(), delta(1)), gate, chunk(delta(2)), chunk(delta(3), completed(4)))
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY, X_Request_Id="mine")
        status, headers = await connection.head()
        assert status == 200
        assert headers["content-type"] == "text/event-stream"
        assert headers["cache-control"] == "no-cache"
        assert headers["x-accel-buffering"] == "no"
        assert headers["transfer-encoding"] == "chunked"
        assert headers["x-request-id"] == "mine"
        assert headers["openai-version"] == "2020-10-01"
        assert "content-length" not in headers
        assert await connection.chunk() == frame(created()) + frame(delta(1))
        gate.set()
        assert await connection.chunk() == frame(delta(2))
        assert await connection.chunk() == frame(delta(3)) + frame(completed(4)) + DONE
        assert await connection.chunk() == b""
        # The connection can be used again.
        connection.send("GET", "/nowhere")
        assert (await connection.head())[0] == 404


async def test_the_accept_header_does_not_matter(script: Any, url: str, wire: Any, streams: Any) -> None:
    streams(chunk(created(), completed(1)))

    async def reply(request: Any, context: Any) -> v1.Response:
        return v1.Response(id="r")

    script.does["CreateResponse"] = reply
    async with wire(url) as connection:
        for body, accept, content_type in (
            (BODY, "application/json", "text/event-stream"),
            (GIVEN, "text/event-stream", "application/json"),
            (b'{"model":"m","stream":false}', "*/*", "application/json"),
            (b'{"model":"m","stream":null}', "*/*", "application/json"),
        ):
            connection.send("POST", "/v1/responses", body, Accept=accept)
            _, headers = await connection.head()
            assert headers["content-type"] == content_type
            if content_type == "application/json":
                await connection.reader.readexactly(int(headers["content-length"]))
            else:
                await connection.chunks()


async def test_a_stored_response_is_streamed_on_request(script: Any, url: str, wire: Any, streams: Any) -> None:
    streams(chunk(delta(6), completed(7)))
    async with wire(url) as connection:
        connection.send("GET", "/v1/responses/r1?stream=true&starting_after=5")
        _, headers = await connection.head()
        assert headers["content-type"] == "text/event-stream"
        assert await connection.chunks() == [frame(delta(6)) + frame(completed(7)) + DONE]
    assert script.call.method == "StreamGetResponse"
    assert script.call.request == v1.GetResponseRequest(response_id="r1", stream=True, starting_after=5)


async def test_a_stored_response_is_streamed_by_a_body_too(script: Any, url: str, wire: Any, streams: Any) -> None:
    # As openai-go asks for it.
    streams(chunk(delta(6), completed(7)))
    async with wire(url) as connection:
        connection.send("GET", "/v1/responses/r1?starting_after=5", b'{"stream":true}')
        _, headers = await connection.head()
        assert headers["content-type"] == "text/event-stream"
        assert await connection.chunks() == [frame(delta(6)) + frame(completed(7)) + DONE]
        connection.send("GET", "/v1/responses/r1", b"not JSON")
        status, _ = await connection.head()
    assert status == 400
    assert script.call.method == "StreamGetResponse"
    assert script.call.request == v1.GetResponseRequest(response_id="r1", stream=True, starting_after=5)


async def test_head_does_not_stream(script: Any, url: str, wire: Any) -> None:
    async def reply(request: Any, context: Any) -> v1.Response:
        return v1.Response(id="r")

    script.does["GetResponse"] = reply
    async with wire(url) as connection:
        connection.send("HEAD", "/v1/responses/r1?stream=true")
        status, headers = await connection.head()
    assert (status, headers["content-type"], script.call.method) == (200, "application/json", "GetResponse")


async def test_http_1_0_gets_a_stream_that_ends_with_the_connection(url: str, wire: Any, streams: Any) -> None:
    streams(chunk(created()), chunk(completed(1)))
    async with wire(url) as connection:
        connection.writer.write(b"POST /v1/responses HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))
        status, headers = await connection.head()
        assert status == 200
        assert "transfer-encoding" not in headers
        assert await connection.reader.read() == frame(created()) + frame(completed(1)) + DONE


async def test_a_stream_without_a_terminal_event_just_ends(url: str, wire: Any, streams: Any) -> None:
    for chunks in ([chunk(created(), delta(1))], []):
        streams(*chunks)
        async with wire(url) as connection:
            connection.send("POST", "/v1/responses", BODY)
            status, headers = await connection.head()
            assert (status, headers["content-type"]) == (200, "text/event-stream")
            received = b"".join(await connection.chunks())
        assert received == b"".join(frame(event) for one in chunks for event in one.events)


@pytest.mark.parametrize(
    ("code", "told_code"),
    [
        (grpc.StatusCode.UNAVAILABLE, "overloaded"),
        (grpc.StatusCode.CANCELLED, "overloaded"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "timeout"),
        (grpc.StatusCode.UNKNOWN, "server_error"),
    ],
)
async def test_a_break_is_told_once_as_an_error_and_a_failed_response(
    url: str, wire: Any, streams: Any, code: Any, told_code: str
) -> None:
    streams(chunk(created(), delta(1)), then=lambda context: context.abort(code, "secret"))
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        assert (await connection.head())[0] == 200
        chunks = await connection.chunks()
    assert b"secret" not in b"".join(chunks)
    found = told(chunks)
    assert [name for name, _ in found] == [
        "response.created",
        "response.output_text.delta",
        "error",
        "response.failed",
        "[DONE]",
    ]
    assert [data["sequence_number"] for _, data in found[:-1]] == [0, 1, 2, 3]
    error, failed = found[2][1], found[3][1]
    assert error["code"] == error["error"]["code"] == told_code
    assert error["error"]["type"] == "server_error"
    assert failed["response"]["id"] == "resp_1"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == "server_error"
    assert failed["response"]["error"]["message"] == error["message"]


async def test_a_break_with_details_is_told_in_their_words(script: Any, url: str, wire: Any, streams: Any) -> None:
    async def fail(context: Any) -> None:
        await script.fail(context, "STORE_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE, "The store is away.")

    streams(chunk(created()), then=fail)
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        found = dict(told(await connection.chunks()))
    assert (found["error"]["code"], found["error"]["message"]) == ("store_unavailable", "The store is away.")


async def test_a_deadline_that_passes_midway_is_told(url: str, wire: Any, streams: Any) -> None:
    streams(chunk(created()), asyncio.Event())
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY, X_Request_Timeout="0.1")
        assert (await connection.head())[0] == 200
        found = told(await connection.chunks())
    assert [name for name, _ in found] == ["response.created", "error", "response.failed", "[DONE]"]
    assert found[1][1]["code"] == "timeout"


async def test_an_event_that_cannot_be_spelled_is_told_as_a_failure(
    url: str, wire: Any, streams: Any, caplog: pytest.LogCaptureFixture
) -> None:
    streams(chunk(created()), chunk(delta(1), v1.ResponseStreamEvent(sequence_number=2)))
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        found = told(await connection.chunks())
    assert [name for name, _ in found] == ["response.created", "error", "response.failed", "[DONE]"]
    assert [data["sequence_number"] for _, data in found[:-1]] == [0, 1, 2]
    assert len(caplog.records) == 1


async def test_nothing_follows_the_terminal_event(url: str, wire: Any, streams: Any) -> None:
    streams(
        chunk(created(), completed(1), delta(2)),
        chunk(completed(3)),
        then=lambda context: context.abort(grpc.StatusCode.INTERNAL, "late"),
    )
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        assert await connection.chunks() == [frame(created()) + frame(completed(1)) + DONE]


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_finished_call_is_not_cancelled(script: Any, url: str, wire: Any, leaves: bool) -> None:
    """Not even when the client leaves as soon as it has the last event."""
    ended: list[str] = []
    over, going_on = asyncio.Event(), asyncio.Event()

    async def stream(request: Any, context: Any) -> Any:
        try:
            yield chunk(created(), completed(1))
            await going_on.wait()
            ended.append("whole")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            over.set()

    script.does["StreamCreateResponse"] = stream
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        await connection.chunks()
        if leaves:
            connection.writer.close()
            async with wire(url) as another:  # by the time it has its answer, the bridge has seen the other go
                another.send("GET", "/nowhere")
                await another.head()
        going_on.set()
        await over.wait()
    assert ended == ["whole"]


async def test_silence_is_filled_with_comments_between_frames(script: Any, start: Any, wire: Any, streams: Any) -> None:
    url = await start(keepalive=0.02)
    reached, late, between = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stream(request: Any, context: Any) -> Any:
        reached.set()
        await late.wait()
        yield chunk(created(), completed(1))

    streams(chunk(created()), between, chunk(delta(1), completed(2)))
    script.does["StreamCreateResponse"] = stream
    async with wire(url) as silent, wire(url) as connection:
        silent.send("POST", "/v1/responses", BODY)
        await reached.wait()
        connection.send("GET", "/v1/responses/r1?stream=true")
        await connection.head()
        assert await connection.chunk() == frame(created())
        assert [await connection.chunk() for _ in range(3)] == [b": keep-alive\n\n"] * 3
        between.set()
        rest = await connection.chunks()
        assert rest[-1] == frame(delta(1)) + frame(completed(2)) + DONE
        assert set(rest[:-1]) <= {b": keep-alive\n\n"}
        # As long a silence before the first event is filled with nothing.
        late.set()
        await silent.head()
        assert await silent.chunks() == [frame(created()) + frame(completed(1)) + DONE]


async def test_a_stream_that_speaks_gets_no_comments(start: Any, wire: Any, streams: Any) -> None:
    url = await start(keepalive=30.0)
    streams(*(chunk(delta(number)) for number in range(50)), chunk(completed(50)))
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        assert b"keep-alive" not in b"".join(await connection.chunks())


@pytest.mark.parametrize("abrupt", [False, True], ids=["close", "reset"])
@pytest.mark.parametrize("body", [GIVEN, BODY], ids=["unary", "stream"])
async def test_a_client_that_leaves_before_the_first_byte_cancels_the_call(
    script: Any, url: str, wire: Any, body: bytes, abrupt: bool
) -> None:
    gone = Gone()

    async def stream(request: Any, context: Any) -> Any:
        await gone.wait()
        yield chunk()

    script.does |= {"CreateResponse": gone.wait, "StreamCreateResponse": stream}
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", body)
        await gone.reached.wait()
        if abrupt:
            connection.writer.transport.abort()
    async with asyncio.timeout(5):
        await gone.cancelled.wait()


async def test_a_client_that_leaves_midway_cancels_the_call(script: Any, url: str, wire: Any) -> None:
    gone = Gone()

    async def stream(request: Any, context: Any) -> Any:
        yield chunk(created(), delta(1))
        await gone.wait()

    script.does["StreamCreateResponse"] = stream
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        await connection.chunk()
        await gone.reached.wait()
    async with asyncio.timeout(5):
        await gone.cancelled.wait()


async def test_a_client_that_leaves_while_much_is_sent_cancels_the_call(script: Any, url: str, wire: Any) -> None:
    cancelled = asyncio.Event()

    async def stream(request: Any, context: Any) -> Any:
        context.add_done_callback(lambda _: cancelled.set())
        number = 0
        yield chunk(created())
        while True:
            number += 1
            yield chunk(delta(number, "x" * 10_000))

    script.does["StreamCreateResponse"] = stream
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        await connection.chunk()
    async with asyncio.timeout(5):
        await cancelled.wait()


async def test_a_slow_reader_holds_the_server_back(script: Any, start: Any, wire: Any) -> None:
    url = await start(keepalive=0.01)
    sent = 0
    cancelled = asyncio.Event()
    text = "x" * 100_000

    async def stream(request: Any, context: Any) -> Any:
        nonlocal sent
        context.add_done_callback(lambda _: cancelled.set())
        yield chunk(created())
        while sent < 2_000:
            sent += 1
            yield chunk(delta(sent, text))

    script.does["StreamCreateResponse"] = stream
    async with wire(url, limit=1 << 16) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        before = -1
        while sent != before:
            before = sent
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await cancelled.wait()
        # What the kernel and gRPC hold for a stream; 200 MB were there to be sent.
        assert sent < 300, sent
        assert not cancelled.is_set()
    async with asyncio.timeout(5):
        await cancelled.wait()


async def test_large_answers_arrive_whole(script: Any, start: Any, wire: Any, streams: Any, url: str) -> None:
    text = "é" * 1_000_000
    streams(chunk(delta(0, text), completed(1)))
    async with wire(url) as connection:
        connection.send("POST", "/v1/responses", BODY)
        await connection.head()
        assert await connection.chunks() == [frame(delta(0, text)) + frame(completed(1)) + DONE]
