"""One trace for each call, through a bridge in a process of its own and a server, as one collector gets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import grpc
import grpc.aio
import pytest

from antiphon.responses import v1
from http_bridge.frontend import serve
from http_bridge.tracing import open_traces
from server.auth.anonymous import Anonymous
from server.interceptors import InFlight, chain, current
from server.telemetry.record import Attempt, Outcome, ResponseRecord
from server.telemetry.tracing import TraceSettings, Tracing, open_tracing
from server.testing.otlp import Collector, collecting

SERVICE = "antiphon.responses.v1.ResponsesService"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Responses(v1.ResponsesServiceServicer):
    """Tells an observer what an engine would of a response that takes two attempts."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self.asked_with: list[str] = []

    async def StreamCreateResponse(self, request: Any, context: Any) -> Any:  # noqa: N802 - named like its RPC
        record = ResponseRecord(
            current.request_id.get(), "acme", "dev", request.model, True, request, trace_parent=current.trace.get()
        )
        self._tracing.begun(record)
        record.model_is_known = True
        for number, outcome in ((1, Outcome.FAILED), (2, Outcome.COMPLETED)):
            attempt = Attempt(number, f"target_{number}", "mock", "openai", "gpt-5-mini")
            record.attempts.append(attempt)
            self._tracing.attempt_begun(record, attempt)
            self.asked_with.append(attempt.trace_headers["traceparent"])
            attempt.outcome = outcome
            self._tracing.attempt_ended(record, attempt)
        self._tracing.first_token(record)
        event = v1.ResponseStreamEvent(completed=v1.ResponseCompletedEvent(response=v1.Response(id="resp_1")))
        yield v1.ResponseStreamChunk(events=[event])
        record.outcome = Outcome.COMPLETED
        self._tracing.ended(record)


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


async def test_one_trace(collector: Collector) -> None:
    async with open_tracing(TraceSettings(collector.endpoint)) as tracing, open_traces(collector.endpoint) as traces:
        assert tracing is not None
        responses = Responses(tracing)
        server = grpc.aio.server(interceptors=chain(Anonymous(), InFlight(), tracing.spans))
        v1.add_ResponsesServiceServicer_to_server(responses, server)  # type: ignore[no-untyped-call]
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
            serve(channel, listen="127.0.0.1:0", traces=traces) as url,
            aiohttp.ClientSession(headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}) as http,
            http.post(url + "/v1/responses", json={"model": "fast", "stream": True}) as answer,
        ):
            assert answer.status == 200
            await answer.read()
        await server.stop(None)
    (root,) = collector.roots()
    assert root.outline() == "\n".join(
        [
            "POST /v1/responses SERVER",
            f"  {SERVICE}/StreamCreateResponse CLIENT",
            f"    {SERVICE}/StreamCreateResponse SERVER",
            "      chat fast CLIENT",
            "        attempt 1 CLIENT",
            "        attempt 2 CLIENT",
        ]
    )
    spans = list(root.walk())
    assert {span.trace_id for span in spans} == {TRACE}
    assert responses.asked_with == [f"00-{TRACE}-{span.span_id}-01" for span in spans[-2:]]
    # Every span lies within the one above it.
    assert all(span.started <= child.started for span in spans for child in span.children)
    # The ids under which a caller, a log and a trace know the call are one.
    assert len({span.attributes["antiphon.request.id"] for span in spans[2:4]}) == 1
