"""`Connect` over a wire and in process: who is let in, by which rules, and what is told of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from antiphon.responses import v1
from server.app import App
from server.interceptors.decoding import Decoding
from server.testing.serve import serving

METHOD = "/antiphon.responses.v1.ResponsesService/Connect"
BEARER = ("authorization", "Bearer key-of-tenant-one-0123456789")
ID = ("x-request-id", "req-of-the-test")


def dial(channel: Any, metadata: Any = (BEARER, ID), **options: Any) -> Any:
    return channel.stream_stream(METHOD, bytes, v1.ConnectResponse.FromString)(metadata=metadata, **options)


def create(model: str = "echo", text: str = "Hello", lane: str | None = None, **fields: Any) -> bytes:
    request = v1.CreateResponseRequest(model=model, input_text=text, **fields)
    return v1.ConnectRequest(create=request, stream_id=lane).SerializeToString()


async def told(call: Any, kind: str) -> v1.ResponseStreamEvent:
    """The next event of a kind."""
    while (reply := await call.read()) is not grpc.aio.EOF:
        for event in reply.events:
            if event.WhichOneof("event") == kind:
                return event
    raise AssertionError(f"it ended without {kind}")


async def test_it_is_known_by_its_id_and_so_is_all_that_it_makes(channel: Any, logs: list[Any]) -> None:
    call = dial(channel)
    assert dict(await call.initial_metadata())["x-request-id"] == ID[1]
    await call.write(create())
    made = (await told(call, "completed")).completed.response
    await call.write(create(model="hidden"))
    refused = (await told(call, "error")).error
    assert (refused.status, refused.code) == (403, "model_access_forbidden")
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK
    lines = [entry for entry in logs if entry["event"] == "call"]
    assert {line["method"] for line in lines} == {METHOD[1:]}
    assert {line["request_id"] for line in lines} == {ID[1]}
    assert [(line["code"], line.get("outcome"), line.get("response_id")) for line in lines] == [
        ("OK", "completed", made.id),
        ("PERMISSION_DENIED", "refused", None),
        ("OK", None, None),
    ]
    assert {line["tenant"] for line in lines} == {"one"}


@pytest.mark.parametrize("metadata", [(), (("authorization", "Bearer wrong"),), (BEARER, BEARER)])
async def test_who_may_not_call_is_not_let_in(channel: Any, metadata: Any) -> None:
    call = dial(channel, (*metadata, ID))
    assert "x-request-id" not in dict(await call.initial_metadata() or ())
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    status = status_pb2.Status.FromString(dict(raised.value.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.metadata["request_id"]) == ("INVALID_API_KEY", ID[1])


async def test_a_message_that_cannot_be_read_is_an_error_and_no_end(channel: Any) -> None:
    call = dial(channel)
    await call.write(b"\xff\xff")
    error = (await told(call, "error")).error
    assert (error.status, error.message) == (400, "The request is not a valid protobuf message of its type.")
    await call.write(create())
    await told(call, "completed")
    call.cancel()


@pytest.mark.parametrize("text", ["stall", "stall after the first", "flood"])
async def test_leaving_closes_every_provider(app: App, channel: Any, watch: Any, text: str) -> None:
    call = dial(channel)
    await call.write(create("wild", text))
    await asyncio.wait_for(watch.begun.wait(), 5)
    assert app.in_flight.count == 1
    call.cancel()
    await asyncio.wait_for(watch.closed.wait(), 5)
    await asyncio.wait_for(app.in_flight.idle(), 5)
    assert len(app.running) == 0


async def test_a_deadline_ends_the_responses_too(channel: Any, watch: Any) -> None:
    call = dial(channel, timeout=0.5)
    await call.write(create("wild", "stall after the first"))
    failed = (await told(call, "failed")).failed
    assert failed.response.error.message == "The call took longer than its deadline allows."
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(watch.closed.wait(), 5)


async def test_an_unexpected_failure_is_told_without_its_words(channel: Any, logs: list[Any]) -> None:
    call = dial(channel)
    await call.write(create("wild", "raise"))
    error = await told(call, "error")
    assert (error.error.status, error.error.code) == (500, "server_error")
    await call.write(create())
    await told(call, "completed")
    call.cancel()
    assert "secret" not in f"{error} {[entry for entry in logs if entry['event'] == 'call']}"


async def test_a_stopping_server_ends_idle_connections_at_once(watch: Any) -> None:
    from grpc_side_configuration import CONFIGURATION

    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(serving(CONFIGURATION))
        assert app.grpc_address is not None
        async with grpc.aio.insecure_channel(app.grpc_address) as channel:
            calls = [dial(channel), dial(app.channel)]
            for call in calls:
                await call.initial_metadata()
            ends = [asyncio.ensure_future(call.read()) for call in calls]
            await asyncio.wait_for(stack.aclose(), 3)  # which has a grace of five seconds
            for end in ends:
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await end
                assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
                assert raised.value.details() == "The server is stopping. Try again shortly."


async def test_requests_that_nobody_reads_are_not_begun() -> None:
    """gRPC's own iterator prints a warning when it is begun and then never read from."""

    class Requests:
        def __aiter__(self) -> Any:
            raise AssertionError("begun")

    def serve(requests: Any, context: Any) -> Any:
        return requests

    handler = grpc.stream_stream_rpc_method_handler(serve, v1.ConnectRequest.FromString)
    requests = Decoding().wrap(handler, METHOD[1:]).stream_stream(Requests(), None)
    with pytest.raises(AssertionError, match="begun"):
        await anext(requests)
