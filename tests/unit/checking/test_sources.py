"""Streams that are read over HTTP and gRPC, from servers that do as told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import checking_streams as streams
import grpc.aio
import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server.cli import main
from server.testing import upstream as fake
from server.testing.background import Background
from server.testing.upstream import FakeUpstream
from server.testing.wire import response

EVENTS = streams.SOUND["several"]
SOUND = streams.sse(EVENTS)


@pytest.fixture(scope="module")
def background() -> Iterator[Background]:
    with Background() as running:
        yield running


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")


@pytest.fixture
def upstream(background: Background) -> Iterator[FakeUpstream]:
    with background.using(FakeUpstream()) as opened:
        yield opened


def stream(data: bytes, content_type: str = "text/event-stream") -> fake.Script:
    return fake.body(data, headers={"content-type": content_type})


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The exit status, and what is found."""
    status = main(["check-stream", "--json", *arguments])
    told = json.loads(capsys.readouterr().out)
    return status, told | {"findings": [found["rule"] for found in told["findings"]]}


# HTTP


def test_a_url_is_read(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.answer(stream(SOUND))
    status, told = check(capsys, f"{upstream.base_url}/responses/resp_1?stream=true")
    assert (status, told["findings"], told["terminal"]) == (0, [], "completed")
    (request,) = upstream.requests
    assert (request.method, request.path) == ("GET", "/v1/responses/resp_1?stream=true")
    assert request.headers["authorization"] == "Bearer sk-environment"
    assert request.headers["accept-encoding"] == "identity"


def test_a_response_is_asked_for(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.answer(stream(SOUND))
    arguments = [f"{upstream.base_url}/responses", "--data", '{"model":"m","stream":false,"n":12345678901234567890}']
    status, _ = check(capsys, *arguments, "--api-key", "sk-mine", "--header", "X-Tenant: me")
    assert status == 0
    (request,) = upstream.requests
    assert request.method == "POST"
    assert request.json == {"model": "m", "stream": True, "n": 12345678901234567890}
    assert (request.headers["authorization"], request.headers["x-tenant"]) == ("Bearer sk-mine", "me")


def test_a_resumed_url(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.answer(stream(streams.sse(EVENTS[6:])))
    url = f"{upstream.base_url}/responses/resp_1?stream=true&starting_after=5"
    assert check(capsys, url)[0] == 0
    assert check(capsys, url, "--starting-after", "4")[0] == 1


@pytest.mark.parametrize("data", [None, '{"model": "m"}'], ids=["told again", "made"])
def test_a_response_that_was_cancelled(
    upstream: FakeUpstream, capsys: pytest.CaptureFixture[str], data: str | None
) -> None:
    id_path = "/v1/responses/resp_upstream"
    cancelled = {"id": "resp_upstream", "status": "cancelled"}
    upstream.answer(stream(streams.sse(EVENTS[:7])), fake.json_body(cancelled))
    url = f"http://127.0.0.1:{upstream.port}" + ("/v1/responses" if data else f"{id_path}?stream=true")
    assert check(capsys, url, *(["--data", data] if data else [])) == (0, {**check_result(7), "terminal": None})
    assert (upstream.requests[1].method, upstream.requests[1].path) == ("GET", id_path)


def check_result(events: int) -> dict[str, Any]:
    return {
        "sound": True,
        "unreadable": None,
        "events": events,
        "items": 1,
        "responses": 1,
        "response_id": "resp_upstream",
        "errors": 0,
        "warnings": 0,
        "notes": 0,
        "findings_left_out": 0,
        "findings": [],
    }


def test_a_resumed_response_that_was_cancelled(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.answer(stream(streams.sse(EVENTS[6:9])), fake.json_body({"id": "resp_1", "status": "cancelled"}))
    url = f"{upstream.base_url}/responses/resp_1?stream=true&starting_after=5"
    assert check(capsys, url)[0] == 0
    assert upstream.requests[1].path == "/v1/responses/resp_1"


@pytest.mark.parametrize(
    "said",
    [
        fake.json_body({"id": "resp_upstream", "status": "in_progress"}),
        fake.json_body({"id": "resp_other", "status": "cancelled"}),
        fake.json_body([]),
        fake.body(b"{", headers={"content-type": "application/json"}),
        fake.error(404),
    ],
    ids=["goes on", "another", "nothing", "no JSON", "unknown"],
)
def test_a_response_that_was_not_cancelled(
    upstream: FakeUpstream, capsys: pytest.CaptureFixture[str], said: fake.Script
) -> None:
    upstream.answer(stream(streams.sse(EVENTS[:7])), said)
    status, told = check(capsys, f"{upstream.base_url}/responses", "--data", "{}")
    assert (status, told["findings"]) == (1, ["no-terminal"])


def test_another_content_type(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.answer(stream(SOUND, "text/plain"))
    status, told = check(capsys, f"{upstream.base_url}/responses")
    assert (status, told["findings"]) == (1, ["content-type"])


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunks"])
def test_a_connection_that_is_cut(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str], length: bool) -> None:
    async def script(exchange: fake.Exchange) -> None:
        headers = {"content-type": "text/event-stream"}
        await exchange.head(200, headers, length=len(SOUND) + 1 if length else -1)
        await exchange.body(SOUND)
        exchange.cut()

    upstream.answer(script)
    status, told = check(capsys, f"{upstream.base_url}/responses")
    assert (status, told["findings"], told["terminal"]) == (1, ["broken-off"], "completed")


def test_a_stream_that_is_cut(upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.answer(fake.cut_after(EVENTS[:6], rest=b"event: response.outp"), fake.error(404))
    status, told = check(capsys, f"{upstream.base_url}/responses")
    assert status == 1
    assert set(told["findings"]) == {"broken-off", "final-blank-line", "empty-data", "no-terminal"}


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (fake.error(429, message="Slow\x1b down."), "HTTP 429: Slow? down."),
        (fake.body(b"<html>", status=500), "HTTP 500: Internal Server Error"),
        (fake.json_body(response()), "the answer is JSON and no stream"),
        (fake.body(b"", status=302, headers={"location": "http://127.0.0.1:9/"}), "HTTP 302: Found"),
        (fake.hang, "nothing came for 0.3 seconds"),
        (fake.hang_after(EVENTS[:3]), "nothing came for 0.3 seconds"),
    ],
    ids=["error", "no error", "JSON", "elsewhere", "silence", "silence midway"],
)
def test_what_cannot_be_read(
    upstream: FakeUpstream, capsys: pytest.CaptureFixture[str], script: fake.Script, problem: str
) -> None:
    upstream.answer(script)
    status, told = check(capsys, f"{upstream.base_url}/responses", "--timeout", "300ms")
    assert status == 2
    assert told["unreadable"].startswith(problem)


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = check(capsys, "http://127.0.0.1:9/v1/responses")
    assert status == 2
    assert told["unreadable"].startswith("127.0.0.1:9: ")
    status, told = check(capsys, "grpc://127.0.0.1:9", "--data", "{}")
    assert status == 2
    assert told["unreadable"].startswith("UNAVAILABLE: ")


# gRPC

MESSAGES = [openai_json.decode(orjson.dumps(event), v1.ResponseStreamEvent) for event in EVENTS]


class Told(v1.ResponsesServiceServicer):
    """Tells chunks, and then ends with a status."""

    def __init__(self) -> None:
        self.chunks: Sequence[Sequence[v1.ResponseStreamEvent]] = []
        self.status = grpc.StatusCode.OK
        self.kept = v1.Response.STATUS_IN_PROGRESS
        self.calls: list[tuple[Any, dict[str, str]]] = []

    async def StreamCreateResponse(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[v1.ResponseStreamChunk]:
        self.calls.append((request, dict(context.invocation_metadata())))
        for chunk in self.chunks:
            yield v1.ResponseStreamChunk(events=chunk)
        if self.status is not grpc.StatusCode.OK:
            await context.abort(self.status, "It broke.")

    StreamGetResponse = StreamCreateResponse

    async def GetResponse(self, request: Any, context: Any) -> v1.Response:  # noqa: N802
        return v1.Response(id=request.response_id, status=self.kept)


@asynccontextmanager
async def serving(told: Told) -> AsyncIterator[str]:
    server = grpc.aio.server()
    v1.add_ResponsesServiceServicer_to_server(told, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"grpc://127.0.0.1:{port}"
    await server.stop(None)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def server(background: Background, told: Told) -> Iterator[str]:
    with background.using(serving(told)) as url:
        yield url


def test_a_response_is_asked_for_over_grpc(server: str, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.chunks = [MESSAGES[:5], MESSAGES[5:]]
    status, found = check(capsys, server, "--data", '{"model": "m", "input": "x"}', "--header", "X-Tenant: me")
    assert (status, found["findings"], found["items"]) == (0, [], 4)
    ((request, metadata),) = told.calls
    assert request == v1.CreateResponseRequest(model="m", input_text="x")
    assert (metadata["authorization"], metadata["x-tenant"]) == ("Bearer sk-environment", "me")


def test_a_response_is_told_again_over_grpc(server: str, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.chunks = [MESSAGES[6:]]
    status, _ = check(capsys, server, "--response-id", "resp_1", "--starting-after", "5")
    assert status == 0
    assert told.calls[0][0] == v1.GetResponseRequest(response_id="resp_1", starting_after=5)
    assert check(capsys, server, "--response-id", "resp_1")[0] == 1


def test_a_response_that_was_cancelled_over_grpc(server: str, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.chunks = [MESSAGES[:7]]
    assert check(capsys, server, "--data", "{}")[1]["findings"] == ["no-terminal"]
    told.kept = v1.Response.STATUS_CANCELLED
    assert check(capsys, server, "--data", "{}")[0] == 0


def test_a_message_without_events(server: str, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.chunks = [MESSAGES, []]
    status, found = check(capsys, server, "--data", "{}")
    assert (status, found["findings"]) == (1, ["empty-chunk"])


def test_a_call_that_breaks_off(server: str, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.chunks, told.status = [MESSAGES], grpc.StatusCode.INTERNAL
    status, found = check(capsys, server, "--data", "{}")
    assert (status, found["findings"]) == (1, ["broken-off"])


def test_text_in_a_message_that_is_no_json(server: str, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    strange = v1.ResponseStreamEvent(sequence_number=2, fallback="{oops")
    told.chunks = [[*MESSAGES[:2], strange, v1.ResponseStreamEvent(sequence_number=3)]]
    status, found = check(capsys, server, "--data", "{}")
    assert (status, found["findings"]) == (1, ["wrong-type", "unknown-event", "no-terminal"])
