"""The load generator: a process that sends requests over kept connections and checks every answer.

It reads one JSON object per line from its standard input, runs what that asks
for, and writes one JSON object per line.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast

import orjson
import uvloop

from bench import samples, serving

#: How long an order may take, in seconds.
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Order:
    """What to send."""

    port: int
    stream: bool
    requests: int
    connections: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: requests per second, and what was wrong with the first wrong answer."""

    rps: float
    fault: str | None


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as an answer is whole."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._received = b""
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        self._received = b""
        self._waiting = self._load.take()
        if self._waiting:
            self._transport.write(self._load.request)
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        body = _whole_body(self._received)
        if body is None:
            return
        fault = self._load.fault_in(self._received, body)
        if fault is not None:
            self._load.fail(fault)
            self._transport.close()
            return
        self._load.answered()
        self._next()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._waiting:
            self._load.fail("the connection was closed before the answer was whole")


def _whole_body(received: bytes) -> bytes | None:
    """The answer's body, with its chunk framing if it has that; None until it is whole."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    body = received[end + 4 :]
    start = head.find(b"content-length:")
    if start >= 0:
        return body if len(body) >= int(head[start + 15 :].split(b"\r\n", 1)[0]) else None
    # An event never ends in CR LF, so these bytes are the last chunk's alone.
    return body if body.endswith(b"\r\n0\r\n\r\n") else None


class _Load:
    """One order being carried out."""

    def __init__(self, order: Order) -> None:
        body = orjson.dumps(samples.request(stream=order.stream))
        self.request = (
            f"POST /v1/responses HTTP/1.1\r\nhost: {serving.LOOPBACK}:{order.port}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body
        self._stream = order.stream
        self._left = order.requests
        self._unanswered = order.requests
        self.done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def take(self) -> bool:
        """Take one request to send, if any is left."""
        if self._left == 0:
            return False
        self._left -= 1
        return True

    def answered(self) -> None:
        """One good answer more."""
        self._unanswered -= 1
        if self._unanswered == 0 and not self.done.done():
            self.done.set_result(None)

    def fail(self, fault: str) -> None:
        """Give up."""
        if not self.done.done():
            self.done.set_result(fault)

    def fault_in(self, received: bytes, body: bytes) -> str | None:
        """What is wrong with an answer, if anything is."""
        if not received.startswith(b"HTTP/1.1 200"):
            return "answered with " + received[:400].decode(errors="replace")
        if not self._stream:
            if b'"status":"completed"' in body and samples.TEXT.encode() in body:
                return None
            return "not the whole answer: " + body[-400:].decode(errors="replace")
        count = body.count(b"data: {")
        if count != samples.EVENTS:
            return f"{count} events instead of {samples.EVENTS}"
        if body.rfind(b"event: response.completed") < body.rfind(b"event: "):
            return "the last event is not response.completed"
        return None


async def _run(order: Order) -> Outcome:
    load = _Load(order)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    for _ in range(order.connections):
        await loop.create_connection(lambda: _Connection(load), serving.LOOPBACK, order.port)
    try:
        fault = await asyncio.wait_for(load.done, _LONGEST)
    except TimeoutError:
        fault = f"not all requests were answered within {_LONGEST} s"
    return Outcome(order.requests / (time.perf_counter() - started), fault)


def main() -> None:
    for line in sys.stdin.buffer:
        outcome = uvloop.run(_run(Order(**orjson.loads(line))))
        sys.stdout.buffer.write(orjson.dumps(asdict(outcome)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
