"""The bridge's spans, as a collector gets them; and the client's trace, which is passed on without any."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import grpc
import pytest
from aiohttp import ClientConnectionResetError, web
from opentelemetry.sdk.trace import TracerProvider

from antiphon.responses import v1
from http_bridge.calls import _EventStream
from http_bridge.frontend import serve
from http_bridge.tracing import Traces, open_traces
from server.testing.otlp import Collector, Span, collecting
from server.testing.serve import running

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CONTEXT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=1", "baggage": "k=v"}
SERVICE = "antiphon.responses.v1.ResponsesService"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


def completed() -> v1.ResponseStreamChunk:
    event = v1.ResponseStreamEvent(completed=v1.ResponseCompletedEvent(response=v1.Response(id="resp_1")))
    return v1.ResponseStreamChunk(events=[event])


@pytest.fixture(autouse=True)
def answering(script: Any) -> None:
    async def unary(request: Any, context: Any) -> v1.Response:
        return v1.Response(id="resp_1")

    async def stream(request: Any, context: Any) -> Any:
        yield completed()

    script.does |= {"CreateResponse": unary, "StreamCreateResponse": stream, "GetResponse": unary}


@pytest.fixture
def bridge(channel: grpc.aio.Channel) -> Callable[..., AbstractAsyncContextManager[str]]:
    """Runs a bridge that sends spans to an endpoint, and is closed before they are."""

    @asynccontextmanager
    async def bridge(endpoint: str | None, **options: Any) -> AsyncIterator[str]:
        async with (
            open_traces(endpoint, **options) as traces,
            serve(channel, listen="127.0.0.1:0", traces=traces) as url,
        ):
            yield url

    return bridge


async def ask(http: aiohttp.ClientSession, url: str, *, stream: bool = False, **headers: str) -> int:
    body = {"model": "m", "input": "words of a prompt", "stream": stream}
    async with http.post(url + "/v1/responses", json=body, headers=headers) as answer:
        await answer.read()
        return answer.status


def pair(collector: Collector) -> tuple[Span, Span]:
    """The only request and the only call."""
    (root,) = collector.roots()
    (call,) = root.children
    return root, call


@pytest.mark.parametrize(("stream", "method"), [(False, "CreateResponse"), (True, "StreamCreateResponse")])
async def test_a_request_and_its_call(
    script: Any, bridge: Any, http: aiohttp.ClientSession, collector: Collector, stream: bool, method: str
) -> None:
    async with bridge(collector.endpoint) as url:
        assert await ask(http, url, stream=stream, **{**CONTEXT, "user-agent": "test"}) == 200
    root, call = pair(collector)
    assert root.outline() == f"POST /v1/responses SERVER\n  {SERVICE}/{method} CLIENT"
    assert (root.trace_id, root.parent_id) == (TRACE, PARENT)
    assert root.resource["service.name"] == "antiphon-bridge"
    assert root.attributes == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "url.path": "/v1/responses",
        "user_agent.original": "test",
        "http.route": "/v1/responses",
        "http.response.status_code": 200,
    }
    assert call.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": f"{SERVICE}/{method}",
        "rpc.response.status_code": "OK",
    }
    # The server goes on below the call.
    metadata = script.call.metadata
    assert metadata["traceparent"] == f"00-{TRACE}-{call.span_id}-01"
    assert (metadata["tracestate"], metadata["baggage"]) == ("a=1", "k=v")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_fails(
    script: Any, bridge: Any, http: aiohttp.ClientSession, collector: Collector, stream: bool
) -> None:
    async def fail(request: Any, context: Any) -> None:
        await script.fail(context, "INTERNAL", grpc.StatusCode.INTERNAL, "words of a prompt")

    async def streamed(request: Any, context: Any) -> Any:
        await fail(request, context)
        yield completed()

    script.does |= {"CreateResponse": fail, "StreamCreateResponse": streamed}
    async with bridge(collector.endpoint) as url:
        assert await ask(http, url, stream=stream) == 500
    root, call = pair(collector)
    assert (root.status, root.attributes["error.type"]) == ("ERROR", "500")
    assert (call.status, call.attributes["error.type"]) == ("ERROR", "INTERNAL")
    assert call.attributes["rpc.response.status_code"] == "INTERNAL"
    assert "words of a prompt" not in repr(collector.spans)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves(script: Any, bridge: Any, collector: Collector, stream: bool) -> None:
    reached, left = asyncio.Event(), asyncio.Event()

    async def hang(request: Any, context: Any) -> Any:
        reached.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            left.set()

    async def streamed(request: Any, context: Any) -> Any:
        yield v1.ResponseStreamChunk(
            events=[v1.ResponseStreamEvent(created=v1.ResponseCreatedEvent(response=v1.Response(id="resp_1")))]
        )
        await hang(request, context)

    script.does |= {"CreateResponse": hang, "StreamCreateResponse": streamed}
    async with bridge(collector.endpoint) as url:
        async with aiohttp.ClientSession() as http:
            asking = asyncio.create_task(ask(http, url, stream=stream))
            await reached.wait()
            asking.cancel()
            await asyncio.wait({asking})
        await left.wait()
    root, call = pair(collector)
    assert root.attributes["error.type"] == "cancelled"
    assert "http.response.status_code" not in root.attributes
    assert call.attributes["rpc.response.status_code"] == "CANCELLED"


async def test_a_client_that_is_gone_when_it_is_written_to(
    bridge: Any, http: aiohttp.ClientSession, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is known to be lost a moment before the handler is cancelled for it: the writer says so then."""

    async def closing(response: web.StreamResponse, data: bytes = b"") -> None:
        request = response._req
        assert request is not None
        assert request.transport is not None
        request.transport.abort()
        raise ClientConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(_EventStream, "write_eof", closing)
    async with bridge(collector.endpoint) as url:
        with pytest.raises(aiohttp.ClientError):
            await ask(http, url, stream=True)
    root, call = pair(collector)
    assert root.attributes["error.type"] == "cancelled"
    assert "http.response.status_code" not in root.attributes
    assert call.attributes["rpc.response.status_code"] in ("OK", "CANCELLED")


async def test_requests_that_make_no_call(bridge: Any, http: aiohttp.ClientSession, collector: Collector) -> None:
    async with bridge(collector.endpoint) as url:
        for method, path in (
            ("GET", "/no/where" + "x" * 1000),
            ("PUT", "/v1/responses"),
            ("PROPFIND", "/v1/responses"),
        ):
            async with http.request(method, url + path):
                pass
        async with http.post(url + "/v1/responses", data=b"{", headers={"content-type": "application/json"}):
            pass
        async with http.get(url + "/v1/responses/resp_1"):
            pass
    told = [(root.name, root.attributes["http.response.status_code"]) for root in collector.roots()]
    assert told == [
        ("GET", 404),
        ("PUT", 405),
        ("_OTHER", 405),
        ("POST /v1/responses", 400),
        ("GET /v1/responses/{response_id}", 200),
    ]
    assert all(len(root.attributes["url.path"]) <= 256 for root in collector.roots())


async def test_a_trace_that_is_not_sent_is_passed_on_as_such(
    script: Any, bridge: Any, http: aiohttp.ClientSession, collector: Collector
) -> None:
    async with bridge(collector.endpoint) as url:
        assert await ask(http, url, traceparent=f"00-{TRACE}-{PARENT}-00") == 200
    assert not collector.spans
    assert script.call.metadata["traceparent"].startswith(f"00-{TRACE}-")
    assert script.call.metadata["traceparent"].endswith("-00")


async def test_context_that_cannot_be_read_is_not_quoted(
    bridge: Any, http: aiohttp.ClientSession, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    async with bridge(collector.endpoint) as url:
        assert await ask(http, url, traceparent=CONTEXT["traceparent"], tracestate="words of a prompt") == 200
    assert "prompt" not in caplog.text
    assert pair(collector)[0].parent_id == PARENT


async def test_without_an_endpoint_the_clients_trace_is_passed_on_as_it_came(
    script: Any, bridge: Any, http: aiohttp.ClientSession
) -> None:
    async with bridge(None) as url:
        assert await ask(http, url, **CONTEXT) == 200
    assert {name: script.call.metadata[name] for name in CONTEXT} == CONTEXT


def unused_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def test_a_collector_that_is_down_hinders_nobody(bridge: Any, http: aiohttp.ClientSession) -> None:
    async with bridge(unused_endpoint(), patience=0.1) as url:
        assert [await ask(http, url) for _ in range(5)] == [200] * 5


async def test_the_command_sends_its_traces(target: str, http: aiohttp.ClientSession, collector: Collector) -> None:
    arguments = ("--server", target, "--listen", "127.0.0.1:0", "--otlp-endpoint", collector.endpoint)
    async with running("http_bridge", *arguments, listeners=1) as command:
        assert await ask(http, command.addresses["HTTP"]) == 200
        assert await command.stop(signal.SIGTERM) == 0
    assert pair(collector)[0].name == "POST /v1/responses"


async def test_nothing_is_kept_of_calls_that_have_ended(script: Any, start: Any, http: aiohttp.ClientSession) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    traces = Traces(provider.get_tracer("test"))
    url = await start(traces=traces)
    for _ in range(3):
        assert await ask(http, url) == 200
    await traces.settle()
    assert not traces._calls
