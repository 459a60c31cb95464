"""What opentelemetry-instrumentation-grpc does on grpc.aio, and so why no part of it is used (decision 0010).

Each test shows one thing that it gets wrong. One that fails with a newer version tells that the thing is mended there.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry.instrumentation.grpc import aio_client_interceptors, aio_server_interceptor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

CODE = "rpc.grpc.status_code"


class Methods(grpc.GenericRpcHandler):
    """Methods that do what the request says."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.left = asyncio.Event()

    def service(self, details: Any) -> Any:
        match details.method:
            case "/a.B/Unary":
                return grpc.unary_unary_rpc_method_handler(self.unary)
            case "/a.B/Stream":
                return grpc.unary_stream_rpc_method_handler(self.stream)
            case _:
                return grpc.unary_stream_rpc_method_handler(self.writes)

    async def unary(self, request: bytes, context: Any) -> bytes:
        try:
            await self._do(request, context)
        finally:
            self.left.set()
        return b"ok"

    async def stream(self, request: bytes, context: Any) -> Any:
        try:
            yield b"first"
            await self._do(request, context)
            yield b"ok"
        finally:
            self.left.set()

    async def writes(self, request: bytes, context: Any) -> None:
        """The other form of a streaming method: a coroutine that writes."""
        await context.write(b"ok")

    async def _do(self, request: bytes, context: Any) -> None:
        if request == b"abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "words of a prompt")
        if request == b"raise":
            raise ValueError("words of a prompt")
        if request == b"hang":
            self.reached.set()
            await asyncio.get_running_loop().create_future()


class Stage:
    """A server and a client, one of them instrumented, and the spans that have ended."""

    def __init__(self, channel: grpc.aio.Channel, methods: Methods, spans: InMemorySpanExporter) -> None:
        self.unary = channel.unary_unary("/a.B/Unary")
        self.stream = channel.unary_stream("/a.B/Stream")
        self.writes = channel.unary_stream("/a.B/Writes")
        self.methods = methods
        self._spans = spans

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    async def only(self) -> ReadableSpan:
        async with asyncio.timeout(10):
            while not self.spans:
                await asyncio.sleep(0)
        (span,) = self.spans
        return span

    async def ask(self, request: bytes, *, streamed: bool = False, **options: Any) -> None:
        try:
            if streamed:
                call = self.stream(request, **options)
                try:
                    async for _ in call:
                        pass
                finally:
                    call.cancel()  # a task that is cancelled between two reads leaves its call as it is
            else:
                await self.unary(request, **options)
        except grpc.aio.AioRpcError:
            pass

    async def cancelled(self, *, streamed: bool = False) -> None:
        """Call, and leave while the method works."""
        asking = asyncio.create_task(self.ask(b"hang", streamed=streamed))
        await self.methods.reached.wait()
        asking.cancel()
        await asyncio.wait({asking})
        await self.methods.left.wait()


@asynccontextmanager
async def stage(*, server_side: bool) -> AsyncIterator[Stage]:
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    methods = Methods()
    server = grpc.aio.server(interceptors=[aio_server_interceptor(provider)] if server_side else [])
    server.add_generic_rpc_handlers((methods,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    interceptors = None if server_side else aio_client_interceptors(provider)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", interceptors=interceptors) as channel:
            yield Stage(channel, methods, spans)
    finally:
        await server.stop(None)


@pytest.fixture
async def server() -> AsyncIterator[Stage]:
    async with stage(server_side=True) as made:
        yield made


@pytest.fixture
async def client() -> AsyncIterator[Stage]:
    async with stage(server_side=False) as made:
        yield made


def told(span: ReadableSpan) -> tuple[Any, str]:
    return (span.attributes or {})[CODE], span.status.status_code.name


STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["unary", "stream"])


@STREAMED
async def test_on_the_server_a_cancelled_call_looks_like_a_success(server: Stage, streamed: bool) -> None:
    await server.cancelled(streamed=streamed)
    assert told(await server.only()) == (grpc.StatusCode.OK.value[0], "UNSET")


@STREAMED
async def test_on_the_server_a_call_past_its_deadline_looks_like_a_success(server: Stage, streamed: bool) -> None:
    await server.ask(b"hang", streamed=streamed, timeout=0.05)
    assert told(await server.only()) == (grpc.StatusCode.OK.value[0], "UNSET")


@STREAMED
async def test_on_the_server_a_method_that_raises_looks_like_a_success(server: Stage, streamed: bool) -> None:
    await server.ask(b"raise", streamed=streamed)
    assert told(await server.only()) == (grpc.StatusCode.OK.value[0], "UNSET")


@STREAMED
async def test_on_the_server_the_words_of_an_exception_are_in_the_span_twice(server: Stage, streamed: bool) -> None:
    await server.ask(b"raise", streamed=streamed)
    events = (await server.only()).events
    assert [(event.attributes or {})["exception.message"] for event in events] == ["words of a prompt"] * 2


async def test_on_the_server_a_refusal_counts_as_an_exception(server: Stage) -> None:
    await server.ask(b"abort")
    span = await server.only()
    assert told(span)[0] == grpc.StatusCode.NOT_FOUND.value[0]
    assert {event.name for event in span.events} == {"exception"}


@pytest.mark.filterwarnings("ignore:coroutine 'Methods.writes' was never awaited:RuntimeWarning")
async def test_on_the_server_methods_that_write_no_longer_work(server: Stage) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.writes(b"plain").read()
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    gc.collect()


@pytest.mark.parametrize("by", ["task", "call"])
async def test_on_the_client_a_unary_call_cannot_be_cancelled_and_its_span_never_ends(client: Stage, by: str) -> None:
    call = client.unary(b"hang")
    asking = asyncio.ensure_future(_answer(call))
    await client.methods.reached.wait()
    (asking if by == "task" else call).cancel()
    await asyncio.wait({asking})
    # The connection has carried another call since, and would have carried the news before.
    assert await client.writes(b"plain").read() == b"ok"
    assert await client.writes(b"plain").read() == b"ok"
    assert not client.methods.left.is_set()
    gc.collect()
    assert not client.spans


async def _answer(call: Any) -> Any:
    return await call


async def test_on_the_client_the_span_of_a_stream_left_early_ends_when_it_is_collected(client: Stage) -> None:
    call = client.stream(b"hang")
    responses = aiter(call)
    assert await anext(responses) == b"first"
    call.cancel()
    await client.methods.left.wait()
    assert not client.spans
    del call, responses
    gc.collect()
    assert (await client.only()).status.status_code.name == "UNSET"


@STREAMED
async def test_on_the_client_the_words_of_an_error_are_in_the_span(client: Stage, streamed: bool) -> None:
    await client.ask(b"abort", streamed=streamed)
    assert "words of a prompt" in str((await client.only()).status.description)


@pytest.mark.parametrize("streamed", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("server_side", [False, True], ids=["client", "server"])
async def test_calls_that_succeed_are_told_rightly(server_side: bool, streamed: bool) -> None:
    async with stage(server_side=server_side) as made:
        await made.ask(b"plain", streamed=streamed)
        span = await made.only()
    assert told(span)[1] == "UNSET"
    assert (span.attributes or {})["rpc.system"] == "grpc"  # in names that the conventions have given up
