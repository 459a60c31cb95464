"""A provider that speaks the wire of the Responses API, for tests: a real server on a free port, playing scripts.

    async with FakeUpstream() as upstream:
        upstream.answer(events(wire.TEXT))               # of the next request; the last script answers all further ones
        ...                                              # call what is tested, with `upstream.base_url`
        request = await upstream.request()               # what was sent
        await request.gone()                             # the caller closed the connection

A script is a coroutine function that is given the `Exchange` and writes the
answer with its methods, so that a test can put its own waiting between two
writes. The functions below make the usual ones; `server.testing.wire` holds
streams of events for them.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, TypeAlias, cast

Event: TypeAlias = Mapping[str, Any]
Script: TypeAlias = Callable[["Exchange"], Awaitable[None]]

_REASONS: Final = {200: "OK", 302: "Found", 400: "Bad Request", 429: "Too Many Requests", 500: "Internal Server Error"}


class Disconnected(Exception):
    """The caller is gone. Ends a script quietly."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A request as it came."""

    method: str
    path: str
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes
    #: Counts the connections: requests with the same number came over the same one.
    connection: int
    _gone: asyncio.Event = field(repr=False)
    #: When it had come, by `time.monotonic`.
    arrived: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_gone(self) -> bool:
        return self._gone.is_set()

    async def gone(self) -> None:
        """Wait until the connection that the request came over is closed."""
        await self._gone.wait()


class Exchange:
    """A request and the means to answer it. Every write waits until the caller's side takes it."""

    def __init__(self, request: Request, connection: _Connection) -> None:
        self.request = request
        self._connection = connection
        self._chunked = False
        self.ended = False

    async def raw(self, data: bytes) -> None:
        """Write bytes as they are, below HTTP."""
        await self._connection.write(data)

    async def head(self, status: int = 200, headers: Mapping[str, str] | None = None, *, length: int = -1) -> None:
        """Begin the answer; without `length` its body is chunked."""
        self._chunked = length < 0
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines.append("transfer-encoding: chunked" if self._chunked else f"content-length: {length}")
        await self.raw("\r\n".join([*lines, "", ""]).encode())

    async def sse_head(self) -> None:
        await self.head(200, {"content-type": "text/event-stream; charset=utf-8"})

    async def body(self, data: bytes) -> None:
        """Write a piece of the body, in one write."""
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data)

    async def end(self, data: bytes = b"") -> None:
        """End the answer, with a last piece in the same write; the connection stays open for the next request."""
        last = b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data
        await self.raw(last + b"0\r\n\r\n" if self._chunked else last)
        self.ended = True

    async def hang(self) -> None:
        """Write nothing more until the caller has gone."""
        await self.request.gone()
        raise Disconnected

    def cut(self) -> None:
        """Close the connection here and now, in the middle of whatever it was in."""
        self._connection.close()

    def reset(self) -> None:
        """Reset the connection: the caller's next read fails."""
        self._connection.reset()


class FakeUpstream:
    """The server. Holds what it was sent in `requests`, and closes every connection when it is left."""

    def __init__(self, port: int = 0) -> None:
        """Port 0 is any that is free."""
        self._port = port
        self.requests: list[Request] = []
        self._scripts: list[Script] = []
        self._arrived: asyncio.Queue[Request] = asyncio.Queue()
        self._opened: list[_Connection] = []

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self, *scripts: Script) -> None:
        """Add scripts for the next requests, one each; the last of all answers every further one."""
        self._scripts += scripts

    async def request(self) -> Request:
        """The next request that has not been asked for, once it is here."""
        return await self._arrived.get()

    async def __aenter__(self) -> FakeUpstream:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        tasks = [connection.task for connection in self._opened]
        for connection in self._opened:
            connection.abort()
        # Their scripts have ended or been cancelled; what one of them raised is raised here.
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        await self._server.wait_closed()

    async def play(self, request: Request, connection: _Connection) -> bool:
        """Answer a request; whether the connection may carry another."""
        self.requests.append(request)
        self._arrived.put_nowait(request)
        if not self._scripts:
            raise LookupError("no script: tell the upstream what to answer before it is asked")
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        exchange = Exchange(request, connection)
        try:
            await script(exchange)
        except Disconnected:
            return False
        return exchange.ended

    def opened(self, connection: _Connection) -> int:
        """Take note of a connection; return its number."""
        self._opened.append(connection)
        return len(self._opened)


class _Connection(asyncio.Protocol):
    """One connection: reads requests, has them answered one after the other, and knows at once when it is closed."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self._upstream = upstream
        self._received = bytearray()
        self._more = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # that of uvloop is none by descent
        self._number = self._upstream.opened(self)
        self.task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._more.set()

    def eof_received(self) -> bool:
        self._leave()
        return False

    def connection_lost(self, _: Exception | None) -> None:
        self._leave()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _leave(self) -> None:
        self._gone.set()
        self._more.set()
        self._writable.set()

    async def write(self, data: bytes) -> None:
        await self._writable.wait()
        if self._gone.is_set():
            raise Disconnected
        self._transport.write(data)
        # Lets a reader in the same loop see this write before the next one.
        await asyncio.sleep(0)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
        self.task.cancel()

    def reset(self) -> None:
        connected: socket.socket = self._transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def _serve(self) -> None:
        try:
            while (request := await self._read()) is not None:
                if not await self._upstream.play(request, self):
                    return
        finally:
            self._transport.close()

    async def _read(self) -> Request | None:
        """The next request; None when there is none to come."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if not await self._receive():
                return None
            if not self._received[:1].isalpha():
                # No HTTP, such as the greeting of TLS: told off as servers do.
                self._transport.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                return None
        first, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = end + 4 + int(headers.get("content-length", 0))
        while len(self._received) < size:
            if not await self._receive():
                return None
        body = bytes(self._received[end + 4 : size])
        del self._received[:size]
        method, path, _ = first.split(" ")
        return Request(method, path, headers, body, self._number, self._gone)

    async def _receive(self) -> bool:
        self._more.clear()
        if self._gone.is_set():
            return False
        await self._more.wait()
        return not self._gone.is_set()


# Scripts


def spell(event: Event) -> bytes:
    """The data of an event."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def sse(event: Event) -> bytes:
    """An event as it goes over the wire."""
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), spell(event))


def events(stream: Iterable[Event], *, done: bool = False) -> Script:
    """The whole stream and its end in one write; `done` adds `data: [DONE]`."""
    whole = b"".join(map(sse, stream)) + (b"data: [DONE]\n\n" if done else b"")

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        await exchange.end(whole)

    return script


def raw_stream(chunks: Sequence[bytes], content_type: str = "text/event-stream; charset=utf-8") -> Script:
    """A stream of these bytes, each chunk by itself, then the end."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(200, {"content-type": content_type})
        for chunk in chunks:
            await exchange.body(chunk)
        await exchange.end()

    return script


def body(content: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """An answer with this body, and with a content type only if `headers` name one."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(status, headers, length=len(content))
        await exchange.end(content)

    return script


def json_body(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """An answer of JSON."""
    return body(
        json.dumps(value).encode(), status=status, headers={"content-type": "application/json", **(headers or {})}
    )


def error(status: int, *, headers: Mapping[str, str] | None = None, **members: Any) -> Script:
    """An error as the Responses API spells it."""
    whole = {"message": "No.", "type": "invalid_request_error", "param": None, "code": None} | members
    return json_body({"error": whole}, status=status, headers=headers)


async def hang(exchange: Exchange) -> None:
    """No answer at all, not even headers."""
    await exchange.hang()


def hang_after(stream: Iterable[Event]) -> Script:
    """These events (or the headers alone, without any), then silence."""

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        for event in stream:
            await exchange.body(sse(event))
        await exchange.hang()

    return script


def cut_after(stream: Iterable[Event], *, rest: bytes = b"", reset: bool = False) -> Script:
    """These events and the first bytes of another; then the connection is closed, or reset, with no end."""

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        await exchange.body(b"".join(map(sse, stream)) + rest)
        if reset:
            exchange.reset()
        else:
            exchange.cut()

    return script


def endless(event: Event) -> Script:
    """The same event for as long as the caller reads."""

    async def script(exchange: Exchange) -> None:
        await exchange.sse_head()
        while True:
            await exchange.body(sse(event))

    return script
