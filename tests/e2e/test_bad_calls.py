"""Calls over gRPC that are wrong: the documented code, reason and param, and nothing else happens."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from e2e_http import FORBIDDEN
from e2e_layouts import CANARY, KEY_A, KEY_B, KEY_ECHO, MAX_REQUEST_BYTES, Layout, metadata
from e2e_stage import Stage, answering
from google.rpc import error_details_pb2, status_pb2

from antiphon.responses import v1
from server.testing import wire


def call(stub: v1.ResponsesServiceStub, request: v1.CreateResponseRequest, key: str | None = KEY_A) -> grpc.RpcError:
    """Make a call, in both forms, that fails."""
    told = metadata(key) if key is not None else None
    with pytest.raises(grpc.RpcError) as streamed:
        list(stub.StreamCreateResponse(request, metadata=told))
    with pytest.raises(grpc.RpcError) as caught:
        stub.CreateResponse(request, metadata=told)
    assert caught.value.code() == streamed.value.code()
    assert caught.value.details() == streamed.value.details()
    return caught.value


def refuse_call(error: Any, code: grpc.StatusCode, reason: str, param: str | None = None) -> None:
    """Check a refusal over gRPC."""
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (error.code(), info.reason, info.metadata.get("param")) == (code, reason, param), error.details()
    assert (info.domain, info.metadata["request_id"]) == ("antiphon", trailers["x-request-id"])
    assert (status.code, status.message) == (code.value[0], error.details())
    assert not [word for word in FORBIDDEN if word in error.details() or word in str(status)]


def asked(**members: Any) -> v1.CreateResponseRequest:
    return v1.CreateResponseRequest(**{"model": "echo", "input_text": CANARY, **members})


def message(**members: Any) -> list[v1.Item]:
    return [v1.Item(message=v1.Message(**{"role": "user", "content_text": "x", **members}))]


_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT
CALLS: dict[str, tuple[v1.CreateResponseRequest, grpc.StatusCode, str, str | None]] = {
    "no model": (asked(model=""), _ARGUMENT, "MISSING_REQUIRED_PARAMETER", "model"),
    "no input": (v1.CreateResponseRequest(model="echo"), _ARGUMENT, "MISSING_REQUIRED_PARAMETER", "input"),
    "an unknown model": (asked(model="nowhere"), grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", "model"),
    "input in two spellings": (asked(input=message()), _ARGUMENT, "INVALID_VALUE", "input"),
    "a role that is none": (
        v1.CreateResponseRequest(model="echo", input=message(role=CANARY)),
        _ARGUMENT,
        "INVALID_VALUE",
        "input[0].role",
    ),
    "an item without a kind": (
        v1.CreateResponseRequest(model="echo", input=[v1.Item()]),
        _ARGUMENT,
        "MISSING_REQUIRED_PARAMETER",
        "input[0].type",
    ),
    "a tool without a name": (
        asked(tools=[v1.Tool(function=v1.FunctionTool())]),
        _ARGUMENT,
        "MISSING_REQUIRED_PARAMETER",
        "tools[0].name",
    ),
    "parameters that are no JSON": (
        asked(tools=[v1.Tool(function=v1.FunctionTool(name="f", parameters="{" + CANARY))]),
        _ARGUMENT,
        "INVALID_VALUE",
        "tools[0].parameters",
    ),
    "parameters nested 100,000 deep": (
        asked(tools=[v1.Tool(function=v1.FunctionTool(name="f", parameters="[" * 100_000 + "]" * 100_000))]),
        _ARGUMENT,
        "INVALID_VALUE",
        "tools[0].parameters",
    ),
    "parameters with a lone surrogate": (
        asked(tools=[v1.Tool(function=v1.FunctionTool(name="f", parameters='{"a":"\\ud800"}'))]),
        _ARGUMENT,
        "INVALID_VALUE",
        "tools[0].parameters",
    ),
    "more members that are no JSON": (asked(catch_all=CANARY), _ARGUMENT, "INVALID_VALUE", None),
    "a temperature out of range": (asked(temperature=2.5), _ARGUMENT, "INVALID_VALUE", "temperature"),
    "a temperature that is not a number": (asked(temperature=float("nan")), _ARGUMENT, "INVALID_VALUE", "temperature"),
    "too few output tokens": (asked(max_output_tokens=15), _ARGUMENT, "INVALID_VALUE", "max_output_tokens"),
    "17 pairs of metadata": (
        asked(metadata={str(number): "" for number in range(17)}),
        _ARGUMENT,
        "INVALID_VALUE",
        "metadata",
    ),
    "background that is kept nowhere": (
        asked(background=True, store=False),
        _ARGUMENT,
        "INVALID_VALUE",
        "background",
    ),
    "an unknown previous response": (
        asked(previous_response_id="resp_x"),
        grpc.StatusCode.NOT_FOUND,
        "PREVIOUS_RESPONSE_NOT_FOUND",
        "previous_response_id",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(layout: Layout, stub: v1.ResponsesServiceStub, case: str) -> None:
    request, code, reason, param = CALLS[case]
    before = layout.stored()
    refuse_call(call(stub, request), code, reason, param)
    assert layout.stored() == before


def test_keys_over_grpc(stub: v1.ResponsesServiceStub, up: Stage) -> None:
    for key in (None, "", "wrong", KEY_A[:-1], KEY_A + "0"):
        refuse_call(call(stub, asked(), key), grpc.StatusCode.UNAUTHENTICATED, "INVALID_API_KEY")
    with pytest.raises(grpc.RpcError) as caught:
        stub.CreateResponse(asked(), metadata=metadata(KEY_A) + metadata(KEY_B))
    refuse_call(caught.value, grpc.StatusCode.UNAUTHENTICATED, "INVALID_API_KEY")
    forbidden = call(stub, asked(model=up.model), KEY_ECHO)
    refuse_call(forbidden, grpc.StatusCode.PERMISSION_DENIED, "MODEL_ACCESS_FORBIDDEN", "model")
    assert not up.requests


def test_a_foreign_previous_response_over_grpc(stub: v1.ResponsesServiceStub, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    mine = stub.CreateResponse(asked(), metadata=metadata(KEY_A))
    request = asked(model=up.model, previous_response_id=mine.id)
    refuse_call(
        call(stub, request, KEY_B), grpc.StatusCode.NOT_FOUND, "PREVIOUS_RESPONSE_NOT_FOUND", "previous_response_id"
    )
    assert not up.requests


def test_a_message_that_is_none(layout: Layout) -> None:
    with layout.channel() as channel:
        method = channel.unary_unary("/antiphon.responses.v1.ResponsesService/CreateResponse")
        for garbage in (b"\xff" * 20, b"\x0a\x05ab", b"\x0a\x02\xff\xfe"):
            with pytest.raises(grpc.RpcError) as caught:
                method(garbage, metadata=metadata())
            refuse_call(caught.value, _ARGUMENT, "MALFORMED_REQUEST")


def test_a_message_that_is_too_large(layout: Layout, stub: v1.ResponsesServiceStub) -> None:
    before = layout.stored()
    error = call(stub, asked(input_text="x" * MAX_REQUEST_BYTES))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert layout.stored() == before


def test_a_nul_over_grpc(stub: v1.ResponsesServiceStub) -> None:
    told = stub.CreateResponse(asked(input_text="a\x00b"), metadata=metadata())
    assert told.output[0].message.content[0].output_text.text == "a\x00b"
    kept = stub.GetResponse(v1.GetResponseRequest(response_id=told.id), metadata=metadata())
    assert kept == told
