"""A bridge on a real socket in front of a real gRPC server that does what a test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from antiphon.responses import v1
from http_bridge.frontend import serve


@dataclass
class Call:
    """A call as the server got it."""

    method: str
    request: Any
    metadata: dict[str, str]
    time_remaining: float | None


@dataclass
class Script:
    """What the server does, by the method's name, and what it was asked."""

    does: dict[str, Callable[[Any, Any], Any]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    @property
    def call(self) -> Call:
        """The only call there was."""
        (call,) = self.calls
        return call

    def note(self, method: str, request: Any, context: Any) -> Callable[[Any, Any], Any]:
        metadata = dict(context.invocation_metadata())
        self.calls.append(Call(method, request, metadata, context.time_remaining()))
        return self.does[method]

    async def fail(
        self,
        context: Any,
        reason: str = "INTERNAL",
        code: grpc.StatusCode = grpc.StatusCode.INTERNAL,
        message: str = "It failed.",
        /,
        *details: Any,
        domain: str = "antiphon",
        trailing: Iterable[tuple[str, str]] = (),
        **metadata: str,
    ) -> None:
        """End the call with a status that has an ErrorInfo and other details, and with more trailing metadata."""
        info = error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)
        status = status_pb2.Status(code=code.value[0], message=message)
        for detail in (info, *details):
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()), *trailing))
        await context.abort(code, message)


def _handler(script: Script, method: Any) -> Callable[..., Any]:
    if method.server_streaming:

        async def stream(request: Any, context: Any) -> Any:
            async for chunk in script.note(method.name, request, context)(request, context):
                yield chunk

        return stream

    async def unary(request: Any, context: Any) -> Any:
        return await script.note(method.name, request, context)(request, context)

    return unary


@pytest.fixture
async def script() -> Script:
    return Script()


@pytest.fixture
async def target(script: Script) -> AsyncIterator[str]:
    """The address of the server."""
    server = grpc.aio.server()
    for message in (v1.CreateResponseRequest, v1.CreateConversationRequest, v1.ListModelsRequest):
        for service in message.DESCRIPTOR.file.services_by_name.values():
            base = getattr(v1, f"{service.name}Servicer")
            methods = {m.name: staticmethod(_handler(script, m)) for m in service.methods}
            getattr(v1, f"add_{service.name}Servicer_to_server")(type("Scripted", (base,), methods)(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.fixture
async def channel(target: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(target) as channel:
        yield channel


@pytest.fixture
async def start(channel: grpc.aio.Channel) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Starts bridges, each with its own options, and returns their URLs."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> str:
            options = {"listen": "127.0.0.1:0", "grace": 0.0, **options}
            return await stack.enter_async_context(serve(channel, **options))

        yield start


@pytest.fixture
async def url(start: Callable[..., Awaitable[str]]) -> str:
    return await start()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


class Wire:
    """A bare connection to a bridge, for tests in which the bytes matter."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: bridge"]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read the status and the headers, their names in lower case."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value for name, value in headers.items()}

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body: what was written at once. Empty for the last."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size + 2)
        assert data.endswith(b"\r\n")
        return data[:-2]

    async def chunks(self) -> list[bytes]:
        """Read all chunks to the end of the body."""
        found = []
        while chunk := await self.chunk():
            found.append(chunk)
        return found


@pytest.fixture
async def start_wire() -> AsyncIterator[Callable[..., Awaitable[Wire]]]:
    """Opens bare connections that last as long as the test."""
    open_wires: list[Wire] = []

    async def start_wire(url: str, limit: int = 1 << 20) -> Wire:
        host, port = url.removeprefix("http://").rsplit(":", 1)
        wire = Wire(*await asyncio.open_connection(host, int(port), limit=limit))
        open_wires.append(wire)
        return wire

    yield start_wire
    for wire in open_wires:
        wire.writer.close()


@pytest.fixture
async def wire(start_wire: Callable[..., Awaitable[Wire]]) -> Callable[..., AbstractAsyncContextManager[Wire]]:
    """Opens bare connections, each closed where its block ends."""

    @asynccontextmanager
    async def connect(url: str, limit: int = 1 << 20) -> AsyncIterator[Wire]:
        wire = await start_wire(url, limit)
        try:
            yield wire
        finally:
            wire.writer.close()

    return connect
