"""A provider that answers at once: fixed bytes, each answer in a single write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import orjson

from bench import samples, serving

_JSON = orjson.dumps(samples.response("completed"))
_UNARY = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " + str(len(_JSON)).encode() + b"\r\n\r\n"
) + _JSON
#: One HTTP chunk per event, as providers send them.
_CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(data), data) for data in map(samples.sse, samples.events()))
_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
) + (_CHUNKS + b"0\r\n\r\n")
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
_LENGTH_REQUIRED = b"HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One connection: `POST …/responses` gets the sample answer, streamed if the body asks for that."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            start = head.find(b"content-length:")
            if start < 0 and head.startswith(b"post"):
                self._transport.write(_LENGTH_REQUIRED)
                self._transport.close()
                return
            length = 0 if start < 0 else int(head[start + 15 :].split(b"\r\n", 1)[0])
            end += 4
            if len(self._received) < end + length:
                return
            body = self._received[end : end + length]
            self._received = self._received[end + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if not head.split(b" ", 2)[1].endswith(b"/responses"):
            self._transport.write(_NOT_FOUND)
        elif b'"stream":true' in body or b'"stream": true' in body:
            self._transport.write(_STREAM)
        else:
            self._transport.write(_UNARY)


@asynccontextmanager
async def open_upstream() -> AsyncIterator[int]:
    """Listen; yields the port."""
    server = await asyncio.get_running_loop().create_server(Upstream, serving.LOOPBACK, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


if __name__ == "__main__":
    serving.serve(open_upstream)
