"""Serves the bridge on a listener: what the entry-point group `antiphon.frontends` names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from http_bridge.app import make_app
from http_bridge.calls import EXCHANGES
from http_bridge.connection import Connection
from http_bridge.tracing import Traces

#: How long, in seconds, answers whose calls have been ended may take to be written.
_LAST_WORDS: Final = 2.0


@asynccontextmanager
async def serve(
    channel: Any,
    *,
    listen: str,
    max_request_bytes: int = 64 << 20,
    keepalive: float = 15.0,
    grace: float = 30.0,
    idle: float = 75.0,
    silence: float = 30.0,
    traces: Traces | None = None,
) -> AsyncIterator[str]:
    """Serve on `listen` (HOST:PORT, port 0 for any) and yield the base URL.

    `channel` has the shape of `grpc.aio.Channel` and stays the caller's.
    `keepalive` is the silence, in seconds, after which a stream gets a comment.
    A connection on which no request comes, or the head of one does not end, is
    closed after `idle` seconds; a request whose body pauses for `silence`
    seconds is refused. `traces` makes spans; without it the client's trace is
    passed on as it came.

    On leaving, no connection is accepted any more, and requests that are under
    way have `grace` seconds to end. Then their calls are ended, which their
    clients are told.
    """
    host, port = split(listen)
    app = make_app(channel, max_request_bytes=max_request_bytes, keepalive=keepalive, silence=silence, traces=traces)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_LAST_WORDS)
    await runner.setup()
    try:
        server = runner.server
        assert server is not None
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            # Bodies are inflated by the bridge itself, which bounds them; access logs are the server's.
            lambda: Connection(
                server,
                loop=loop,
                access_log=None,  # type: ignore[arg-type]
                auto_decompress=False,
                keepalive_timeout=idle,
            ),
            host,
            port,
            backlog=1024,
        )
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{listener.sockets[0].getsockname()[1]}"
        finally:
            listener.close()
            # Connections accepted by now have had their turn to begin.
            await asyncio.sleep(0)
            # What is closed is read from no more.
            lasting = app[EXCHANGES].lasting()
            for connection in server.connections:
                if connection.transport not in lasting:
                    connection.close()
            await app[EXCHANGES].close(grace)
    finally:
        await runner.cleanup()


def split(address: str) -> tuple[str, int]:
    """The host and port of HOST:PORT or [HOST]:PORT. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"expected HOST:PORT, got {address!r}")
    return host, int(port)
