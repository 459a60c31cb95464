"""What calls end with: the same over a wire and in process, and nothing that callers should not see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from antiphon.responses import v1
from server.app import App
from server.testing.order import check_order

SERVICE = "/antiphon.responses.v1.ResponsesService/"
BEARER = ("authorization", "Bearer key-of-tenant-one-0123456789")
ID = ("x-request-id", "req-of-the-test")
CODE = grpc.StatusCode


@dataclass
class Outcome:
    """All that a caller sees of a call."""

    code: grpc.StatusCode
    details: str
    trailers: list[tuple[str, str | bytes]]
    answers: list[bytes]

    @property
    def info(self) -> error_details_pb2.ErrorInfo:
        (info,) = self.of(error_details_pb2.ErrorInfo)
        return info

    def of(self, kind: Any) -> list[Any]:
        told = status_pb2.Status.FromString(dict(self.trailers)["grpc-status-details-bin"])
        assert told.code == self.code.value[0]
        assert told.message == self.details
        found = []
        for detail in told.details:
            message = kind()
            if detail.Unpack(message):
                found.append(message)
        return found


async def ask(
    channel: Any, method: str, request: bytes, metadata: Sequence[tuple[str, str]] = (BEARER, ID), **options: Any
) -> Outcome:
    """Call a method with bytes, and return what came back, as bytes."""
    path = method if method.startswith("/") else SERVICE + method
    kind = channel.unary_stream if "Stream" in method else channel.unary_unary
    call = kind(path, request_serializer=bytes, response_deserializer=bytes)(request, metadata=metadata, **options)
    answers = []
    try:
        if "Stream" in method:
            while (answer := await call.read()) is not grpc.aio.EOF:
                answers.append(answer)
        else:
            answers.append(await call)
        code, details, trailers = await call.code(), await call.details(), await call.trailing_metadata()
    except grpc.aio.AioRpcError as error:
        code, details, trailers = error.code(), error.details() or "", error.trailing_metadata()
        assert await call.code() == code
        assert list(await call.trailing_metadata()) == list(trailers)
    return Outcome(code, details or "", [(key, value) for key, value in trailers or ()], answers)


def create(**fields: Any) -> bytes:
    fields = {"model": "echo", "input_text": "Hello", **fields}
    return v1.CreateResponseRequest(**fields).SerializeToString()


def bad_tool() -> bytes:
    request = v1.CreateResponseRequest(model="echo", input_text="x")
    request.tools.add().function.name = "f"
    request.tools[0].function.parameters = "{not json"
    return request.SerializeToString()


TABLE: dict[str, tuple[str, bytes, grpc.StatusCode, str, str]] = {
    "malformed": ("CreateResponse", b"\xff\xff\xff", CODE.INVALID_ARGUMENT, "MALFORMED_REQUEST", ""),
    "malformed stream": ("StreamCreateResponse", b"\x0a\xff", CODE.INVALID_ARGUMENT, "MALFORMED_REQUEST", ""),
    "no model": (
        "CreateResponse",
        create(model=""),
        CODE.INVALID_ARGUMENT,
        "MISSING_REQUIRED_PARAMETER",
        "model",
    ),
    "bad JSON": (
        "CreateResponse",
        bad_tool(),
        CODE.INVALID_ARGUMENT,
        "INVALID_VALUE",
        "tools[0].parameters",
    ),
    "unknown model": ("CreateResponse", create(model="no"), CODE.NOT_FOUND, "MODEL_NOT_FOUND", "model"),
    "forbidden model": (
        "StreamCreateResponse",
        create(model="hidden"),
        CODE.PERMISSION_DENIED,
        "MODEL_ACCESS_FORBIDDEN",
        "model",
    ),
    "unknown parent": (
        "StreamCreateResponse",
        create(previous_response_id="resp_0"),
        CODE.NOT_FOUND,
        "PREVIOUS_RESPONSE_NOT_FOUND",
        "previous_response_id",
    ),
    "unknown response": (
        "GetResponse",
        v1.GetResponseRequest(response_id="resp_0").SerializeToString(),
        CODE.NOT_FOUND,
        "NOT_FOUND",
        "response_id",
    ),
    "no response id": ("DeleteResponse", b"", CODE.INVALID_ARGUMENT, "INVALID_VALUE", "response_id"),
    "unexpected": (
        "CreateResponse",
        create(model="wild", input_text="raise"),
        CODE.INTERNAL,
        "INTERNAL",
        "",
    ),
    "unexpected in a stream": (
        "StreamCreateResponse",
        create(model="wild", input_text="raise"),
        CODE.INTERNAL,
        "INTERNAL",
        "",
    ),
    "cancel": ("CancelResponse", b"", CODE.INVALID_ARGUMENT, "INVALID_VALUE", "response_id"),
    "compact": ("CompactResponse", b"", CODE.INVALID_ARGUMENT, "MISSING_REQUIRED_PARAMETER", "model"),
    "count": ("CountInputTokens", b"", CODE.INVALID_ARGUMENT, "MISSING_REQUIRED_PARAMETER", "model"),
    "resume": ("StreamGetResponse", b"", CODE.INVALID_ARGUMENT, "INVALID_VALUE", "response_id"),
    "an unknown conversation": (
        "/antiphon.responses.v1.ConversationsService/GetConversation",
        v1.GetConversationRequest(conversation_id="conv_1").SerializeToString(),
        CODE.NOT_FOUND,
        "NOT_FOUND",
        "conversation_id",
    ),
}


@pytest.mark.parametrize("case", TABLE)
async def test_what_a_refused_call_ends_with(case: str, channel: Any, logs: list[Any]) -> None:
    method, request, code, reason, param = TABLE[case]
    outcome = await ask(channel, method, request)
    assert (outcome.code, outcome.answers) == (code, [])
    assert (outcome.info.reason, outcome.info.domain) == (reason, "antiphon")
    assert outcome.info.metadata["request_id"] == dict(outcome.trailers)["x-request-id"] == ID[1]
    assert outcome.info.metadata.get("param", "") == param
    violations = [v.field for bad in outcome.of(error_details_pb2.BadRequest) for v in bad.field_violations]
    assert violations == ([param] if param and code is CODE.INVALID_ARGUMENT else [])
    seen = f"{outcome} {logs}"
    assert "secret" not in seen
    assert "Error parsing" not in seen
    if code is CODE.INTERNAL:
        assert [(entry["error"], entry["request_id"]) for entry in logs if entry["event"] != "call"] == [
            ("ValueError", ID[1])
        ]


@pytest.mark.parametrize("case", TABLE)
async def test_both_ways_agree(case: str, app: App) -> None:
    method, request, *_ = TABLE[case]
    assert app.grpc_address is not None
    async with grpc.aio.insecure_channel(app.grpc_address) as channel:
        assert await ask(channel, method, request) == await ask(app.channel, method, request)


async def test_both_ways_agree_on_what_succeeds(app: App) -> None:
    assert app.grpc_address is not None
    told = []
    async with grpc.aio.insecure_channel(app.grpc_address) as wire:
        for channel in (wire, app.channel):
            outcome = await ask(channel, "StreamCreateResponse", create())
            events = [event for answer in outcome.answers for event in v1.ResponseStreamChunk.FromString(answer).events]
            assert check_order(events) == []
            whole = v1.Response.FromString((await ask(channel, "CreateResponse", create())).answers[0])
            told.append(
                (
                    outcome.code,
                    outcome.details,
                    outcome.trailers,
                    [event.WhichOneof("event") for event in events],
                    events[-1].completed.response.output[0].message,
                    whole.output[0].message,
                )
            )
    assert told[0] == told[1]
    assert told[0][:2] == (CODE.OK, "")
    assert ID in told[0][2]


async def test_an_unexpected_failure_in_the_middle_ends_the_stream_in_order(channel: Any, logs: list[Any]) -> None:
    outcome = await ask(channel, "StreamCreateResponse", create(model="wild", input_text="raise later"))
    events = [event for answer in outcome.answers for event in v1.ResponseStreamChunk.FromString(answer).events]
    assert check_order(events) == []
    assert events[-1].HasField("failed")
    assert "secret" not in f"{outcome} {logs}"


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer wrong"),),
        (BEARER, BEARER),
        (("authorization", "Basic a2V5"),),
        (("authorization", ""),),
    ],
    ids=["none", "wrong", "twice", "another scheme", "empty"],
)
@pytest.mark.parametrize("method", ["CreateResponse", "StreamCreateResponse", "CancelResponse"])
async def test_who_calls_is_asked_before_a_byte_is_read(
    channel: Any, method: str, metadata: tuple[tuple[str, str], ...]
) -> None:
    outcome = await ask(channel, method, b"\xff\xff", (*metadata, ID))
    assert (outcome.code, outcome.info.reason) == (CODE.UNAUTHENTICATED, "INVALID_API_KEY")
    assert outcome.info.metadata["request_id"] == ID[1]


@pytest.mark.parametrize("told", [None, "", "a b", "x" * 129, "é".encode().decode("latin-1")])
async def test_a_call_without_a_fit_id_gets_one(app: App, told: str | None) -> None:
    metadata = (BEARER,) if told is None else (BEARER, ("x-request-id", told))
    ids = [dict((await ask(app.channel, "CreateResponse", create(), metadata)).trailers)["x-request-id"] for _ in "ab"]
    assert ids[0] != ids[1]
    assert all(len(one) == 36 and str(one).startswith("req_") for one in ids)


@pytest.mark.parametrize("method", ["/antiphon.responses.v1.ResponsesService/Nothing", "/no.such.Service/Method"])
async def test_an_unknown_method_is_unimplemented(channel: Any, method: str) -> None:
    outcome = await ask(channel, method, b"")
    assert (outcome.code, outcome.info.reason) == (CODE.UNIMPLEMENTED, "UNKNOWN_ROUTE")
    assert outcome.info.metadata["request_id"] == ID[1]


async def test_made_up_names_of_methods_leave_nothing_behind(app: App) -> None:
    for number in range(50):
        await ask(app.channel, f"/no.such.Service/Method{number}", b"")
    for interceptor in vars(app.channel)["_interceptors"]:
        assert len(vars(interceptor)["_wrapped"]) < 30


async def test_an_error_never_outgrows_what_clients_take(channel: Any) -> None:
    outcome = await ask(channel, "CreateResponse", create(model="echo", previous_response_id="€" * 5000))
    assert (outcome.code, outcome.info.reason) == (CODE.NOT_FOUND, "PREVIOUS_RESPONSE_NOT_FOUND")
    assert len(dict(outcome.trailers)["grpc-status-details-bin"]) < 4096


async def test_tenants_do_not_see_each_other(channel: Any) -> None:
    mine = v1.Response.FromString((await ask(channel, "CreateResponse", create())).answers[0])
    other = (("authorization", "Bearer key-of-tenant-two-0123456789"), ID)
    for method, request in (
        ("GetResponse", v1.GetResponseRequest(response_id=mine.id)),
        ("DeleteResponse", v1.DeleteResponseRequest(response_id=mine.id)),
        ("ListInputItems", v1.ListInputItemsRequest(response_id=mine.id)),
    ):
        outcome = await ask(channel, method, request.SerializeToString(), other)
        assert (outcome.code, outcome.info.reason) == (CODE.NOT_FOUND, "NOT_FOUND")
    foreign = await ask(channel, "CreateResponse", create(previous_response_id=mine.id), other)
    assert foreign.info.reason == "PREVIOUS_RESPONSE_NOT_FOUND"
    page = await ask(channel, "ListInputItems", v1.ListInputItemsRequest(response_id=mine.id).SerializeToString())
    assert v1.ItemList.FromString(page.answers[0]).data[0].message.content[0].input_text.text == "Hello"


# Ends from the caller's side


@pytest.mark.parametrize("method", ["CreateResponse", "StreamCreateResponse"])
@pytest.mark.parametrize("told", ["stall", "stall after the first"])
async def test_a_deadline_reaches_the_provider(channel: Any, watch: Any, method: str, told: str) -> None:
    outcome = await ask(channel, method, create(model="wild", input_text=told), timeout=0.5)
    if told == "stall" or method == "CreateResponse":
        assert outcome.code == CODE.DEADLINE_EXCEEDED
        assert outcome.details == "The call took longer than its deadline allows."
    else:
        events = [event for answer in outcome.answers for event in v1.ResponseStreamChunk.FromString(answer).events]
        assert [event.WhichOneof("event") for event in events[-2:]] == ["error", "failed"]
        assert events[-2].error.code == "timeout"
    await asyncio.wait_for(watch.closed.wait(), 5)


@pytest.mark.parametrize("told", ["stall", "stall after the first", "flood"])
@pytest.mark.parametrize("elsewhere", [True, False])
async def test_a_cancelled_stream_closes_the_provider(channel: Any, watch: Any, told: str, elsewhere: bool) -> None:
    call = channel.unary_stream(SERVICE + "StreamCreateResponse", bytes, bytes)(
        create(model="wild", input_text=told), metadata=(BEARER,)
    )
    if told == "stall":
        reader = asyncio.ensure_future(call.read())
        await asyncio.wait_for(watch.begun.wait(), 5)
    else:
        await call.read()
        reader = asyncio.ensure_future(call.read()) if elsewhere else None
        await asyncio.sleep(0)
    assert call.cancel()
    if reader is not None and told != "flood":
        with pytest.raises(asyncio.CancelledError):
            await reader
    await asyncio.wait_for(watch.closed.wait(), 5)
    assert not call.cancel()
    assert await call.code() == CODE.CANCELLED
    assert await call.details() == "Locally cancelled by application!"
    with pytest.raises(asyncio.CancelledError):
        await call.read()
    if reader is not None and told == "flood":
        await asyncio.gather(reader, return_exceptions=True)


async def test_a_cancelled_unary_call_closes_the_provider(channel: Any, watch: Any) -> None:
    call = channel.unary_unary(SERVICE + "CreateResponse", bytes, bytes)(
        create(model="wild", input_text="stall"), metadata=(BEARER,)
    )

    async def wait() -> None:
        await call

    reader = asyncio.ensure_future(wait())
    await asyncio.wait_for(watch.begun.wait(), 5)
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await asyncio.wait_for(watch.closed.wait(), 5)


async def test_a_call_cancelled_before_it_is_awaited_is_not_made(app: App, watch: Any) -> None:
    for kind, method in (
        (app.channel.unary_unary, "CreateResponse"),
        (app.channel.unary_stream, "StreamCreateResponse"),
    ):
        call = kind(SERVICE + method, bytes, bytes)(create(model="wild", input_text="stall"), metadata=(BEARER,))
        assert call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await (call if method == "CreateResponse" else call.read())
    assert not watch.begun.is_set()


async def test_a_stream_read_from_several_tasks_keeps_its_id(app: App, logs: list[Any]) -> None:
    """Each task has its own context: what the first step set there is unknown to the second."""
    call = app.channel.unary_stream(SERVICE + "StreamCreateResponse", bytes, bytes)(
        create(model="wild", input_text="stall after the first"), metadata=(BEARER, ID), timeout=30
    )
    await asyncio.create_task(call.read())
    reader = asyncio.create_task(call.read())
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert dict(await call.trailing_metadata())["x-request-id"] == ID[1]


async def test_calls_in_flight_are_counted_however_they_end(app: App, channel: Any, watch: Any) -> None:
    for method, request in (
        ("CreateResponse", create()),
        ("StreamCreateResponse", create()),
        ("CreateResponse", b"\xff"),
        ("StreamCreateResponse", create(model="wild", input_text="raise")),
    ):
        await ask(channel, method, request)
    call = channel.unary_stream(SERVICE + "StreamCreateResponse", bytes, bytes)(
        create(model="wild", input_text="stall after the first"), metadata=(BEARER,)
    )
    await call.read()
    assert app.in_flight.count == 1
    idle = asyncio.ensure_future(app.in_flight.idle())
    call.cancel()
    await asyncio.wait_for(idle, 5)
    assert app.in_flight.count == 0


async def test_what_is_kept_is_what_was_told(channel: Any) -> None:
    made = v1.Response.FromString((await ask(channel, "CreateResponse", create())).answers[0])
    kept = await ask(channel, "GetResponse", v1.GetResponseRequest(response_id=made.id).SerializeToString())
    assert v1.Response.FromString(kept.answers[0]) == made
    deleted = await ask(channel, "DeleteResponse", v1.DeleteResponseRequest(response_id=made.id).SerializeToString())
    assert v1.DeleteResponseResponse.FromString(deleted.answers[0]).deleted
