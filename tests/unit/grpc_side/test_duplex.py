"""A stream each way is the same over a wire and in process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest

from server.inprocess import Handlers, InProcessChannel

CODE = grpc.StatusCode


@dataclass
class Service:
    """What the method did."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[bytes] = field(default_factory=list)
    yielded: int = 0

    async def serve(self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        try:
            self.begun.set()
            told = dict(context.invocation_metadata())
            if told.get("refuse"):
                context.set_trailing_metadata((("t", "1"),))
                await context.abort(CODE.PERMISSION_DENIED, "no")
            await context.send_initial_metadata((("i", told.get("say", "")),))
            async for request in requests:
                self.heard.append(request)
                if request == b"stop":
                    return
                if request == b"abort":
                    await context.abort(CODE.FAILED_PRECONDITION, "enough")
                if request == b"flood":
                    while True:
                        self.yielded += 1
                        yield b"x" * 100_000
                if request == b"wait":
                    await asyncio.get_running_loop().create_future()
                yield request.upper()
            yield b"bye"
        finally:
            self.closed.set()


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture(params=["wire", "process"])
async def dial(request: pytest.FixtureRequest, service: Service) -> AsyncIterator[Any]:
    """The method, by both ways."""
    handler = grpc.stream_stream_rpc_method_handler(service.serve, bytes, bytes)
    handlers = grpc.method_handlers_generic_handler("s.S", {"M": handler})
    if request.param == "process":
        kept = Handlers()
        kept.add_generic_rpc_handlers((handlers,))
        yield InProcessChannel(kept.generic, ()).stream_stream("/s.S/M")
        return
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel.stream_stream("/s.S/M")
    await server.stop(None)


async def heard(call: Any) -> list[bytes]:
    return [answer async for answer in call]


async def test_requests_are_written_and_responses_read_as_they_come(dial: Any, service: Service) -> None:
    call = dial(metadata=(("say", "hello"),))
    assert ("i", "hello") in list(await call.initial_metadata())
    for word in (b"one", b"two"):
        await call.write(word)
        assert await call.read() == word.upper()
    assert not call.done()
    await call.done_writing()
    assert [await call.read(), await call.read()] == [b"bye", grpc.aio.EOF]
    assert (await call.code(), await call.details()) == (CODE.OK, "")
    assert call.done()
    assert await call.read() is grpc.aio.EOF
    assert not call.cancel()
    await asyncio.wait_for(service.closed.wait(), 5)


@pytest.mark.parametrize("is_async", [True, False])
async def test_requests_come_from_an_iterator(dial: Any, is_async: bool) -> None:
    words = [b"one", b"two", b"three"]

    async def told() -> AsyncIterator[bytes]:
        for word in words:
            yield word

    call = dial(told() if is_async else iter(words))
    assert await heard(call) == [b"ONE", b"TWO", b"THREE", b"bye"]
    with pytest.raises(grpc.aio.UsageError):
        await call.write(b"four")


async def test_an_iterator_that_fails_cancels_the_call(dial: Any, service: Service) -> None:
    async def told() -> AsyncIterator[bytes]:
        yield b"one"
        raise ValueError

    call = dial(told())
    answers = asyncio.ensure_future(heard(call))
    with pytest.raises(asyncio.CancelledError):
        await answers
    assert await call.code() is CODE.CANCELLED
    await asyncio.wait_for(service.closed.wait(), 5)


async def test_a_refusal_is_told_without_initial_metadata(dial: Any) -> None:
    call = dial(metadata=(("refuse", "1"),))
    assert "i" not in dict(await call.initial_metadata() or ())
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert (raised.value.code(), raised.value.details()) == (CODE.PERMISSION_DENIED, "no")
    assert ("t", "1") in list(raised.value.trailing_metadata() or ())
    assert (await call.code(), ("t", "1") in list(await call.trailing_metadata())) == (CODE.PERMISSION_DENIED, True)


async def test_an_end_in_the_midst_is_told_to_who_reads_and_who_writes(dial: Any) -> None:
    call = dial()
    await call.write(b"one")
    await call.write(b"abort")
    assert await call.read() == b"ONE"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is CODE.FAILED_PRECONDITION
    with pytest.raises((asyncio.InvalidStateError, grpc.aio.AioRpcError)):
        await call.write(b"two")


async def test_the_method_may_end_before_the_requests_do(dial: Any) -> None:
    call = dial()
    await call.write(b"stop")
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is CODE.OK
    with pytest.raises(asyncio.InvalidStateError):
        await call.write(b"more")


async def test_after_the_last_request_there_is_none(dial: Any) -> None:
    call = dial()
    await call.done_writing()
    with pytest.raises(asyncio.InvalidStateError):
        await call.write(b"more")
    call.cancel()


async def test_whoever_is_ahead_waits(dial: Any, service: Service) -> None:
    call = dial()
    await call.write(b"flood")
    await call.read()
    before = -1
    while before != service.yielded:  # until nothing moves any more
        before = service.yielded
        for _ in range(100):
            await asyncio.sleep(0)
    assert service.yielded < 100
    assert call.cancel()
    await asyncio.wait_for(service.closed.wait(), 5)


@pytest.mark.parametrize("way", ["call", "reader"])
async def test_cancelled_it_is_over_for_both_sides_at_once(dial: Any, service: Service, way: str) -> None:
    call = dial()
    await call.write(b"wait")
    reader = asyncio.ensure_future(call.read())
    while not service.heard:
        await asyncio.sleep(0)
    await asyncio.sleep(0)  # the reader has begun
    if way == "call":
        assert call.cancel()
        assert not call.cancel()
    else:
        reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await asyncio.wait_for(service.closed.wait(), 5)
    assert await call.code() is CODE.CANCELLED
    assert await call.details() == "Locally cancelled by application!"
    assert call.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await call.read()


async def test_a_deadline_ends_it(dial: Any, service: Service) -> None:
    call = dial(timeout=0.2)
    await call.write(b"wait")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is CODE.DEADLINE_EXCEEDED
    assert "Deadline Exceeded" in (raised.value.details() or "")
    await asyncio.wait_for(service.closed.wait(), 5)


async def test_a_method_that_there_is_not() -> None:
    call = InProcessChannel((), ()).stream_stream("/s.S/M")()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is CODE.UNIMPLEMENTED
