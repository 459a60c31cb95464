"""The spans of calls: one for each, in its caller's trace, with the status that the call ended with. Over both ways."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry import baggage
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import get_current_span

from server.errors import NotFound
from server.inprocess import InProcessChannel
from server.interceptors import current
from server.interceptors.errors import Errors
from server.interceptors.in_flight import InFlight
from server.interceptors.request_id import RequestId
from server.interceptors.tracing import NO_METHOD, TraceContext, Tracing
from server.telemetry.spans import Spans

SERVICE = "/antiphon.responses.v1.ResponsesService/"
UNARY, STREAM = SERVICE + "CreateResponse", SERVICE + "StreamCreateResponse"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = ("traceparent", f"00-{TRACE}-{PARENT}-01")


class Ended(SpanProcessor):
    """Spans that have ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self._arrived = asyncio.Event()

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)
        self._arrived.set()

    async def only(self) -> ReadableSpan:
        """Wait for the only one. There are no others, even when all that is left of the call is collected."""
        async with asyncio.timeout(10):
            await self._arrived.wait()
        gc.collect()
        for _ in range(20):
            await asyncio.sleep(0)
        (span,) = self.spans
        return span


class Methods(grpc.GenericRpcHandler):
    """A unary and a streamed method that do what the request says."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.context: Any = None

    def service(self, details: Any) -> Any:
        if details.method == STREAM:
            return grpc.unary_stream_rpc_method_handler(self.stream, response_serializer=bytes)
        return grpc.unary_unary_rpc_method_handler(self.unary, response_serializer=bytes)

    async def unary(self, request: bytes, context: Any) -> bytes:
        await self._do(request)
        return b"ok"

    async def stream(self, request: bytes, context: Any) -> Any:
        if request != b"refuse at once":
            yield b"first"
        while request == b"flood":
            self.reached.set()
            yield b"x" * 100_000
        await self._do(request)
        yield b"ok"

    async def _do(self, request: bytes) -> None:
        self.context = current.trace.get()
        if request.startswith(b"refuse"):
            raise NotFound("No prompt words.")
        if request == b"raise":
            raise ValueError("secret prompt words")
        if request == b"hang":
            self.reached.set()
            await asyncio.get_running_loop().create_future()


class Stage:
    def __init__(self, chain: Callable[[Spans], Any] = Tracing, sample: float = 1.0) -> None:
        self.ended = Ended()
        self.methods = Methods()
        spans = Spans(self.ended, Resource.create({}), sample)
        self.interceptors = (InFlight(), chain(spans), Errors(), RequestId())


@asynccontextmanager
async def over_the_wire(stage: Stage) -> AsyncIterator[Any]:
    server = grpc.aio.server(interceptors=stage.interceptors)
    server.add_generic_rpc_handlers((stage.methods,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


@asynccontextmanager
async def in_process(stage: Stage) -> AsyncIterator[Any]:
    yield InProcessChannel([stage.methods], stage.interceptors)


@pytest.fixture(params=[over_the_wire, in_process])
def dial(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def stage() -> Stage:
    return Stage()


@pytest.fixture
async def channel(stage: Stage, dial: Any) -> AsyncIterator[Any]:
    async with dial(stage) as channel:
        yield channel


async def ask(channel: Any, path: str, request: bytes, **options: Any) -> None:
    """Call and take all there is; how it fails is the caller's to see."""
    method = channel.unary_stream(path) if path == STREAM else channel.unary_unary(path)
    call = method(request, **options)
    try:
        if path == STREAM:
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError:
        pass
    finally:
        call.cancel()  # a task that is cancelled between two reads does not cancel the call that it read from


def told(span: ReadableSpan) -> tuple[Any, ...]:
    assert span.attributes is not None
    return span.attributes["rpc.response.status_code"], span.attributes.get("error.type"), span.status.status_code.name


PATHS = pytest.mark.parametrize("path", [UNARY, STREAM], ids=["unary", "stream"])


@PATHS
@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"plain", ("OK", None, "UNSET")),
        (b"refuse", ("NOT_FOUND", "NOT_FOUND", "UNSET")),
        (b"refuse at once", ("NOT_FOUND", "NOT_FOUND", "UNSET")),
        (b"raise", ("INTERNAL", "INTERNAL", "ERROR")),
    ],
)
async def test_a_call_that_ends_by_itself(
    stage: Stage, channel: Any, path: str, request_bytes: bytes, expected: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    await ask(channel, path, request_bytes, metadata=(("x-request-id", "req_of_test"),))
    span = await stage.ended.only()
    assert told(span) == expected
    assert span.name == path.removeprefix("/")
    assert span.kind.name == "SERVER"
    assert dict(span.attributes or {}) == {
        "rpc.system.name": "grpc",
        "rpc.method": path.removeprefix("/"),
        "rpc.response.status_code": expected[0],
        **({"error.type": expected[1]} if expected[1] else {}),
        "antiphon.request.id": "req_of_test",
    }
    assert not span.events
    assert span.status.description is None
    assert 0 < (span.start_time or 0) <= (span.end_time or 0)


@PATHS
async def test_a_call_that_its_caller_cancels(stage: Stage, channel: Any, path: str) -> None:
    asking = asyncio.create_task(ask(channel, path, b"hang"))
    await stage.methods.reached.wait()
    asking.cancel()
    await asyncio.wait({asking})
    assert told(await stage.ended.only()) == ("CANCELLED", "CANCELLED", "UNSET")


async def test_a_stream_that_is_closed_while_it_sends(stage: Stage, channel: Any) -> None:
    """Over a wire it goes on in another task than it began in, when it is collected."""
    call = channel.unary_stream(STREAM)(b"flood")
    await call.read()
    await call.read()
    call.cancel()
    del call
    assert told(await stage.ended.only()) == ("CANCELLED", "CANCELLED", "UNSET")


@PATHS
async def test_a_call_whose_deadline_passes(stage: Stage, channel: Any, path: str) -> None:
    await ask(channel, path, b"hang", timeout=0.05)
    assert told(await stage.ended.only()) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "ERROR")


@PATHS
async def test_it_is_in_its_callers_trace(stage: Stage, channel: Any, path: str) -> None:
    metadata = (TRACEPARENT, ("tracestate", "a=1"), ("tracestate", "b=2"), ("baggage", "k=v"))
    await ask(channel, path, b"plain", metadata=metadata)
    span = await stage.ended.only()
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    # What is done for the call is below its span, in the same trace, and knows the baggage.
    context = stage.methods.context
    within = get_current_span(context).get_span_context()
    assert within == span.context
    assert within.trace_state.to_header() == "a=1,b=2"
    assert baggage.get_all(context) == {"k": "v"}


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("traceparent", "garbage"),),
        (TRACEPARENT, TRACEPARENT),
        (("traceparent", f"00-{'0' * 32}-{PARENT}-01"),),
        (("tracestate", "a=1"),),
        (("traceparent", "0" * 9000),),
    ],
)
async def test_what_is_no_context_begins_a_trace(stage: Stage, metadata: Any) -> None:
    async with in_process(stage) as channel:
        await ask(channel, UNARY, b"plain", metadata=metadata)
    span = await stage.ended.only()
    assert span.parent is None
    assert span.context is not None
    assert span.context.is_valid


@pytest.mark.parametrize(("flags", "sample", "count"), [("00", 1.0, 0), ("01", 0.0, 1), (None, 0.0, 0), (None, 1.0, 1)])
async def test_a_callers_trace_is_sent_if_the_callers_is(flags: str | None, sample: float, count: int) -> None:
    stage = Stage(sample=sample)
    metadata = () if flags is None else (("traceparent", f"00-{TRACE}-{PARENT}-{flags}"),)
    async with in_process(stage) as channel:
        await ask(channel, UNARY, b"plain", metadata=metadata)
    assert len(stage.ended.spans) == count
    # Whoever is asked next is told so.
    assert get_current_span(stage.methods.context).get_span_context().trace_flags.sampled is bool(count)


async def test_methods_that_there_are_not_share_one_name(stage: Stage, channel: Any) -> None:
    await ask(channel, "/made.Up/Name", b"plain")
    span = await stage.ended.only()
    assert span.name == NO_METHOD
    assert dict(span.attributes or {})["rpc.method"] == NO_METHOD


@PATHS
async def test_without_traces_the_callers_context_is_known(dial: Any, path: str) -> None:
    stage = Stage(lambda _: TraceContext())
    async with dial(stage) as channel:
        await ask(channel, path, b"plain", metadata=(TRACEPARENT,))
        told = get_current_span(stage.methods.context).get_span_context()
        assert (f"{told.trace_id:032x}", f"{told.span_id:016x}") == (TRACE, PARENT)
        await ask(channel, path, b"plain")
    if dial is over_the_wire:  # in process, calls of one task share its context
        assert stage.methods.context is None
    assert not stage.ended.spans
