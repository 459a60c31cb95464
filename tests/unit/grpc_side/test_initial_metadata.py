"""Initial metadata: the same over a wire and in process, for both kinds of call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from server.inprocess import InProcessChannel

TOLD = (("x-told", "a"),)


class Methods(grpc.GenericRpcHandler):
    """Unary and streamed methods that do what the request says."""

    def service(self, details: Any) -> Any:
        if details.method == "/a.B/Unary":
            return grpc.unary_unary_rpc_method_handler(self.unary, response_serializer=bytes)
        return grpc.unary_stream_rpc_method_handler(self.stream, response_serializer=bytes)

    async def unary(self, request: bytes, context: Any) -> bytes:
        return b"".join([answer async for answer in self.stream(request, context)])

    async def stream(self, request: bytes, context: Any) -> Any:
        if request == b"late":
            yield b"first "
        await context.send_initial_metadata(TOLD)
        if request == b"twice":
            await context.send_initial_metadata(TOLD)
        yield b"answer"
        if request == b"abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "No.")


@asynccontextmanager
async def over_the_wire(methods: Methods) -> AsyncIterator[Any]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((methods,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


@asynccontextmanager
async def in_process(methods: Methods) -> AsyncIterator[Any]:
    yield InProcessChannel([methods], [])


@pytest.fixture(params=[over_the_wire, in_process])
def dial(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def channel(dial: Any) -> AsyncIterator[Any]:
    async with dial(Methods()) as channel:
        yield channel


async def test_are_there_with_the_first_response(channel: Any) -> None:
    call = channel.unary_stream("/a.B/Stream")(b"plain")
    assert await call.read() == b"answer"
    assert tuple(await call.initial_metadata()) == TOLD
    assert await call.read() is grpc.aio.EOF


async def test_are_there_with_the_only_response(channel: Any) -> None:
    call = channel.unary_unary("/a.B/Unary")(b"plain")
    assert await call == b"answer"
    assert tuple(await call.initial_metadata()) == TOLD


async def test_a_call_that_fails_behind_a_response_has_them(channel: Any) -> None:
    """Without a response, over a wire, an error may come without them: what a refusal tells belongs behind it."""
    call = channel.unary_stream("/a.B/Stream")(b"abort")
    assert await call.read() == b"answer"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert tuple(caught.value.initial_metadata()) == TOLD


class Noting(Methods):
    """Tells its caller what it was told itself."""

    async def stream(self, request: bytes, context: Any) -> Any:
        try:
            async for answer in super().stream(request, context):
                yield answer
        except grpc.aio.UsageError:
            yield b"misused"


@pytest.mark.parametrize("request_bytes", [b"twice", b"late"])
async def test_cannot_be_sent_twice_or_behind_a_response(dial: Any, request_bytes: bytes) -> None:
    async with dial(Noting()) as channel:
        answers = [answer async for answer in channel.unary_stream("/a.B/Stream")(request_bytes)]
    assert answers[-1] == b"misused"
