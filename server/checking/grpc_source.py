"""Streams over gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from antiphon.responses import v1
from server.checking.frames import MAX_EVENT_BYTES
from server.checking.lanes import Lanes
from server.checking.report import Unreadable
from server.checking.rules import Rule


@dataclass(frozen=True, slots=True)
class GrpcSource:
    """A server that is asked to make a response, or to tell one again. Without TLS."""

    address: str
    metadata: Sequence[tuple[str, str]]
    request: v1.CreateResponseRequest | v1.GetResponseRequest
    #: How long the server may be silent before its first event, and the call last beyond, in seconds.
    timeout: float

    def read_into(self, lanes: Lanes) -> None:
        with self._channel() as channel:
            stub: Any = v1.ResponsesServiceStub(channel)  # type: ignore[no-untyped-call]
            is_new = isinstance(self.request, v1.CreateResponseRequest)
            method = stub.StreamCreateResponse if is_new else stub.StreamGetResponse
            try:
                for chunk in method(self.request, metadata=self.metadata, timeout=self.timeout):
                    if not chunk.events:
                        lanes.report.tell_of_stream(Rule.EMPTY_CHUNK, "has none")
                    for event in chunk.events:
                        lanes.take_event(event)
            except grpc.RpcError as error:
                code = error.code().name
                if not lanes.report.events or code in ("DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"):
                    raise Unreadable(f"{code}: {error.details()}") from None
                lanes.report.tell_of_stream(Rule.BROKEN_OFF, code)

    def status(self, response_id: str) -> str | None:
        if isinstance(self.request, v1.GetResponseRequest):
            response_id = response_id or self.request.response_id
        request = v1.GetResponseRequest(response_id=response_id)
        with self._channel() as channel:
            stub: Any = v1.ResponsesServiceStub(channel)  # type: ignore[no-untyped-call]
            try:
                response = stub.GetResponse(request, metadata=self.metadata, timeout=self.timeout)
            except grpc.RpcError:
                return None
        return str(v1.Response.Status.Name(response.status)).removeprefix("STATUS_").lower()

    def _channel(self) -> Any:
        options = [("grpc.max_receive_message_length", MAX_EVENT_BYTES)]
        return grpc.insecure_channel(self.address, options=options)
