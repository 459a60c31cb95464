"""Servers for tests: in the test's own process, or as the commands that people run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from server.app import App, open_app
from server.config import parse


@asynccontextmanager
async def serving(configuration: str, environ: Mapping[str, str] | None = None) -> AsyncIterator[App]:
    """Run a server in this process from a configuration's text. Let it listen on port 0 of loopback."""
    async with open_app(parse(configuration, environ or {})) as app:
        yield app


@dataclass(slots=True)
class Command:
    """A command that is running, with the addresses it said it listens on."""

    process: asyncio.subprocess.Process
    #: By kind, as the command prints them: `gRPC`, `HTTP`, `admin`.
    addresses: Mapping[str, str]

    @property
    def pid(self) -> int:
        return self.process.pid


@asynccontextmanager
async def running(
    module: str, *arguments: str, listeners: int, environ: Mapping[str, str] | None = None, errors: Path | None = None
) -> AsyncIterator[Command]:
    """Run `python -m module` until the context ends, then stop it with SIGTERM.

    `listeners` is how many addresses it prints before it is ready. What it
    writes on standard error goes to the file `errors`, where one is given.
    """
    stderr = errors.open("ab") if errors is not None else None
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **(environ or {})},
        )
    finally:
        if stderr is not None:
            stderr.close()
    try:
        yield Command(process, await _addresses(process, listeners))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(20):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _addresses(process: asyncio.subprocess.Process, listeners: int) -> Mapping[str, str]:
    assert process.stdout is not None
    addresses: dict[str, str] = {}
    while len(addresses) < listeners:
        line = (await process.stdout.readline()).decode()
        if not line:
            raise RuntimeError(f"the command ended before it was ready, with status {await process.wait()}")
        kind, on, address = line.strip().partition(": ")[2].partition(" on ")
        if on and ":" in address:
            addresses[kind] = address
    return addresses
