"""Connections of many responses, as clients have them: over a WebSocket, and over gRPC."""

from __future__ import annotations

import json
import queue
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import grpc
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from antiphon import openai_json
from antiphon.responses import v1

#: How long to wait for an event, in seconds.
_PATIENCE: Final = 30


class Connection(Protocol):
    """The client's side of a connection. `headers` are metadata over gRPC."""

    #: How it ended; None until then.
    close_code: Any

    def send(self, **frame: Any) -> None:
        """Send a frame."""
        self.send_bytes(json.dumps(frame).encode())

    def send_bytes(self, data: bytes) -> None:
        """Send bytes in place of a frame: over a WebSocket text, over gRPC a message."""

    def receive(self) -> Any:
        """The next event; None when the server has ended the connection."""

    @property
    def is_away(self) -> bool:
        """Whether the server ended it because it goes away."""

    @property
    def is_refused(self) -> bool:
        """Whether the server ended it because its key is accepted no more."""

    def finish(self) -> None:
        """End it in good order, once all that was asked for is answered."""

    def leave(self) -> None:
        """Be gone, in the middle of whatever it is."""


class OverWebSocket(Connection):
    """By a client that knows frames and no more. Raises `InvalidStatus` where the server lets nobody in."""

    def __init__(self, address: tuple[str, int], headers: Sequence[tuple[str, str]], timeout: float | None) -> None:
        self.close_code: Any = None
        told = list(headers) + ([] if timeout is None else [("x-request-timeout", str(timeout))])
        host, port = address
        self._socket = connect(f"ws://{host}:{port}/v1/responses", additional_headers=told, max_size=None)

    def send_bytes(self, data: bytes) -> None:
        self._socket.send(data, text=True)

    def receive(self) -> Any:
        try:
            return json.loads(self._socket.recv(_PATIENCE))
        except ConnectionClosed as closed:
            self.close_code = None if closed.rcvd is None else closed.rcvd.code
            return None

    @property
    def is_away(self) -> bool:
        return bool(self.close_code == 1001)

    @property
    def is_refused(self) -> bool:
        return bool(self.close_code == 1008)

    def finish(self) -> None:
        self._socket.close()

    def leave(self) -> None:
        with suppress(OSError):  # it is gone already
            self._socket.socket.shutdown(socket.SHUT_RDWR)


class OverGrpc(Connection):
    """A call of `Connect`."""

    def __init__(self, channel: grpc.Channel, metadata: Sequence[tuple[str, str]], timeout: float | None) -> None:
        self.close_code: Any = None
        self._frames: queue.Queue[bytes | None] = queue.Queue()
        method = f"/{v1.ConnectRequest.DESCRIPTOR.file.package}.ResponsesService/Connect"
        ask = channel.stream_stream(method, None, v1.ConnectResponse.FromString)
        self.call = ask(iter(self._frames.get, None), metadata=list(metadata), timeout=timeout)
        self._events: Iterator[Any] = iter(())

    def send(self, **frame: Any) -> None:
        self.send_bytes(openai_json.decode(json.dumps(frame).encode(), v1.ConnectRequest).SerializeToString())

    def send_bytes(self, data: bytes) -> None:
        self._frames.put(data)

    def receive(self) -> Any:
        for event in self._events:
            return json.loads(openai_json.encode(event))
        try:
            self._events = iter(next(self.call).events)
        except (StopIteration, grpc.RpcError):
            self.close_code = self.call.code()
            self._frames.put(None)
            return None
        return self.receive()

    @property
    def is_away(self) -> bool:
        return self.close_code is grpc.StatusCode.UNAVAILABLE

    @property
    def is_refused(self) -> bool:
        return self.close_code is grpc.StatusCode.UNAUTHENTICATED

    def finish(self) -> None:
        self._frames.put(None)
        while self.receive() is not None:
            continue

    def leave(self) -> None:
        self.call.cancel()
        self._frames.put(None)
