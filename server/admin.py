"""The admin listener: is the server alive, is it ready, what is it configured to do, and what has it done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from server.config.addresses import split
from server.config.masked import masked
from server.config.schema import Config

_SHUTDOWN_SECONDS = 1.0


@asynccontextmanager
async def serve_admin(
    listen: str,
    *,
    ready: Callable[[], str | None],
    config: Callable[[], Config],
    reload: Callable[[], Mapping[str, Any]] | None = None,
    metrics: Callable[[str], tuple[bytes, str]] | None = None,
) -> AsyncIterator[str]:
    """Answer on `listen` and yield the URL.

    `ready` says why the server is not ready, or None when it is; `config` is
    asked for what is in force, and `reload` for what became of changes to it,
    as plain values, where there can be any. `metrics` returns all metrics in
    the format that an `Accept` header asks for, and its content type; it is
    called on another thread.
    """
    runner = web.AppRunner(_app(ready, config, reload, metrics), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        host, port = split(listen)
        await web.TCPSite(runner, host, port).start()
        bound: int = runner.addresses[0][1]
        yield f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def _app(
    ready: Callable[[], str | None],
    config: Callable[[], Config],
    reload: Callable[[], Mapping[str, Any]] | None,
    metrics: Callable[[str], tuple[bytes, str]] | None,
) -> web.Application:
    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        reason = ready()
        return (
            web.Response(text="ready\n") if reason is None else web.Response(text=f"not ready: {reason}\n", status=503)
        )

    async def effective_config(_: web.Request) -> web.Response:
        return _json(masked(config()))

    async def reloads(_: web.Request) -> web.Response:
        if reload is None:
            raise web.HTTPNotFound(text="there is no file that the configuration could be read from again\n")
        return _json(reload())

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/config", effective_config)
    app.router.add_get("/reload", reloads)
    if metrics is not None:
        app.router.add_get("/metrics", _tell(metrics))
    return app


def _json(value: Mapping[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(value, indent=2, ensure_ascii=False) + "\n", content_type="application/json")


def _tell(metrics: Callable[[str], tuple[bytes, str]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def tell(request: web.Request) -> web.Response:
        body, content_type = await asyncio.to_thread(metrics, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return tell
