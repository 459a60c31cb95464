"""A client that leaves: the provider's connection is closed at once, and nothing is kept."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import grpc
import pytest
from e2e_http import ask
from e2e_layouts import KEY_A, PROMPT, Layout, metadata
from e2e_stage import Stage

from antiphon.responses import v1
from server.testing import wire
from server.testing.upstream import Request, Script, hang, hang_after

#: Before the provider has answered, and before it has said anything.
SILENCES: dict[str, Script] = {"no answer": hang, "an answer without events": hang_after([])}
SPEAKING = hang_after(wire.TEXT[:5])


@contextmanager
def leaving(layout: Layout, up: Stage, what: str) -> Iterator[None]:
    """Have the provider lose its caller, and print how long that takes; nothing is kept of the response."""
    before = layout.stored()
    request: Request = up.arrived()
    assert not request.is_gone
    left = time.perf_counter()
    yield
    up.gone(request)
    print(f"{layout.name}, {what}: {(time.perf_counter() - left) * 1000:.1f} ms until the provider's connection closed")
    assert layout.stored() == before


def connect(layout: Layout, **members: Any) -> socket.socket:
    """Ask over HTTP, and read nothing."""
    body = json.dumps({"input": PROMPT, **members}).encode()
    lines = ["POST /v1/responses HTTP/1.1", "host: x", f"authorization: Bearer {KEY_A}", f"content-length: {len(body)}"]
    connection = socket.create_connection(layout.address, timeout=30)
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    return connection


def read_until(connection: socket.socket, word: bytes) -> bytes:
    read = b""
    while word not in read:
        piece = connection.recv(65536)
        assert piece, read
        read += piece
    return read


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_over_http_before_the_first_byte(layout: Layout, up: Stage, stream: bool, silence: str) -> None:
    up.answer(SILENCES[silence])
    with closing(connect(layout, model=up.model, stream=stream)) as connection:
        what = f"HTTP, {'stream' if stream else 'unary'}, {silence}"
        with leaving(layout, up, what):
            connection.close()


def test_over_http_after_the_first_byte(layout: Layout, up: Stage) -> None:
    up.answer(SPEAKING)
    with closing(connect(layout, model=up.model, stream=True)) as connection:
        read = read_until(connection, b"output_text.delta")
        with leaving(layout, up, "HTTP, stream, after the first byte"):
            connection.close()
    found = re.search(rb'"id":"(resp_\w+)"', read)
    assert found is not None
    assert ask(layout, None, method="GET", path=f"/v1/responses/{found[1].decode()}").status == 404


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_over_grpc_before_the_first_message(
    layout: Layout, stub: v1.ResponsesServiceStub, up: Stage, stream: bool, silence: str
) -> None:
    up.answer(SILENCES[silence])
    request = v1.CreateResponseRequest(model=up.model, input_text=PROMPT)
    method = stub.StreamCreateResponse if stream else stub.CreateResponse.future
    call = method(request, metadata=metadata())
    with leaving(layout, up, f"gRPC, {'stream' if stream else 'unary'}, {silence}"):
        call.cancel()
    assert call.code() == grpc.StatusCode.CANCELLED


def test_over_grpc_after_the_first_message(layout: Layout, stub: v1.ResponsesServiceStub, up: Stage) -> None:
    up.answer(SPEAKING)
    call = stub.StreamCreateResponse(v1.CreateResponseRequest(model=up.model, input_text=PROMPT), metadata=metadata())
    first = next(call).events[0].created.response
    with leaving(layout, up, "gRPC, stream, after the first message"):
        call.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetResponse(v1.GetResponseRequest(response_id=first.id), metadata=metadata())
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_with_the_whole_channel(layout: Layout, up: Stage) -> None:
    up.answer(SPEAKING)
    with layout.channel() as channel:
        request = v1.CreateResponseRequest(model=up.model, input_text=PROMPT)
        call = v1.ResponsesServiceStub(channel).StreamCreateResponse(request, metadata=metadata())
        next(call)
        with leaving(layout, up, "gRPC, channel closed"):
            channel.close()


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_when_its_deadline_passes(layout: Layout, stub: v1.ResponsesServiceStub, up: Stage, stream: bool) -> None:
    up.answer(SPEAKING if stream else hang)
    before = layout.stored()
    request = v1.CreateResponseRequest(model=up.model, input_text=PROMPT)
    method = stub.StreamCreateResponse if stream else stub.CreateResponse.future
    call = method(request, metadata=metadata(), timeout=0.5)
    if stream:
        # What has come is told as failed, and kept: the server ends a call a little before its caller gives up.
        events = [event for chunk in call for event in chunk.events]
        assert [event.WhichOneof("event") for event in events[-2:]] == ["error", "failed"]
        assert events[-2].error.code == "timeout"
    else:
        with pytest.raises(grpc.RpcError) as caught:
            call.result()
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "deadline" in caught.value.details()
    up.gone(up.arrived())
    assert layout.stored() == before + stream


def test_when_the_deadline_of_its_header_passes(layout: Layout, up: Stage) -> None:
    up.answer(hang)
    body = json.dumps({"model": up.model, "input": PROMPT}).encode()
    answer = ask(layout, body, x_request_timeout="0.5")
    assert (answer.status, answer.json["error"]["code"]) == (504, "timeout")
    up.gone(up.arrived())
