"""How the bench's own servers run: on uvloop, on a port of loopback that they print, until SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import uvloop
from aiohttp import web

LOOPBACK = "127.0.0.1"


async def until_stopped(server: Callable[[], AbstractAsyncContextManager[int]]) -> None:
    """Open the server, print the address it listens on, and close it on SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with server() as port:
        # As Antiphon does: the floors are not to lose by it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        print(f"listening on {LOOPBACK}:{port}", flush=True)
        await stop.wait()


def serve(server: Callable[[], AbstractAsyncContextManager[int]]) -> None:
    """Run a server that yields its port."""
    uvloop.run(until_stopped(server))


async def start_web(app: web.Application) -> tuple[web.AppRunner, int]:
    """Start an aiohttp application on a free port; the runner is the caller's to clean up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    return runner, runner.addresses[0][1]
