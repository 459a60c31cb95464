"""One question, asked in any way there is, and what is heard in return, in one form for all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import grpc
from e2e_http import ask, frames
from e2e_layouts import KEY_A, Layout
from google.rpc import error_details_pb2, status_pb2

from antiphon import openai_json
from antiphon.responses import v1
from server.testing.order import check_order, check_sse


@dataclass(slots=True)
class Heard:
    """What a caller was told."""

    way: str
    request_id: str
    #: Over HTTP the status, over gRPC the name of the code.
    status: int | str
    #: Headers; over gRPC trailing metadata.
    headers: dict[str, str]
    #: Of a stream, as JSON.
    events: list[Any] = field(default_factory=list)
    #: As it ended, where that was told.
    response: Any = None
    #: `type`, `code`, `param` and `message` of an error in place of an answer; over gRPC `reason` in place of `type`.
    error: Any = None

    @property
    def streamed(self) -> bool:
        return self.way.endswith("-stream")

    @property
    def is_http(self) -> bool:
        return self.way.startswith("HTTP")

    @property
    def said(self) -> str:
        """The text in the events."""
        return "".join(event["delta"] for event in self.events if event["type"] == "response.output_text.delta")

    @property
    def fault(self) -> Any:
        """The `error` event."""
        (event,) = [event for event in self.events if event["type"] == "error"]
        return event


def hear(
    layout: Layout,
    way: str,
    request_id: str,
    /,
    *,
    key: str = KEY_A,
    timeout: float = 30,
    headers: Mapping[str, str] = MappingProxyType({}),
    **body: Any,
) -> Heard:
    """Ask in one of the `WAYS`, and listen to the end. `headers` are metadata over gRPC."""
    body["stream"] = way.endswith("-stream")
    headers = {"authorization": f"Bearer {key}", "x-request-id": request_id, **headers}
    if way.startswith("HTTP"):
        heard = _over_http(layout, way, headers, body, timeout)
    else:
        heard = _over_grpc(layout, way, headers, body, timeout)
    assert heard.headers["x-request-id"] == request_id
    if heard.events:
        heard.response = heard.events[-1]["response"]
    return heard


def _over_http(layout: Layout, way: str, headers: Mapping[str, str], body: Any, timeout: float) -> Heard:
    answer = ask(layout, json.dumps(body).encode(), **headers, x_request_timeout=str(timeout))
    heard = Heard(way, headers["x-request-id"], answer.status, answer.headers)
    if answer.headers["content-type"] == "text/event-stream":
        assert check_sse(answer.body) == []
        told = frames(answer.body)
        assert told.pop() == ("", "[DONE]")
        heard.events = [event for _, event in told]
    elif answer.status == 200:
        heard.response = answer.json
    else:
        heard.error = answer.json["error"]
    return heard


def _over_grpc(layout: Layout, way: str, headers: Mapping[str, str], body: Any, timeout: float) -> Heard:
    request = openai_json.decode(json.dumps(body).encode(), v1.CreateResponseRequest)
    events: list[v1.ResponseStreamEvent] = []
    response = None
    with layout.channel() as channel:
        stub = v1.ResponsesServiceStub(channel)
        method = stub.StreamCreateResponse if body["stream"] else stub.CreateResponse.future
        call = method(request, metadata=list(headers.items()), timeout=timeout)
        try:
            if body["stream"]:
                for chunk in call:
                    events += chunk.events
            else:
                response = spelled(call.result())
        except grpc.RpcError:
            pass
        trailing = dict(call.trailing_metadata() or ())
    assert not events or check_order(events) == []
    told = [spelled(event) for event in events]
    heard = Heard(way, headers["x-request-id"], call.code().name, trailing, told, response)
    if call.code() is not grpc.StatusCode.OK:
        assert "grpc-status-details-bin" in trailing, (heard, call.details())
        heard.error = _error(call, trailing["grpc-status-details-bin"])
    return heard


def _error(call: Any, details: bytes) -> dict[str, Any]:
    status = status_pb2.Status.FromString(details)
    assert (status.code, status.message) == (call.code().value[0], call.details())
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        for kind in (info, retry):
            detail.Unpack(kind)
    told = {"reason": info.reason, "message": status.message, "retry_after": retry.retry_delay.ToMilliseconds() / 1000}
    return told | {name: info.metadata.get(name) for name in ("code", "param")}


def spelled(message: Any) -> Any:
    """A message as OpenAI spells it."""
    return json.loads(openai_json.encode(message))
