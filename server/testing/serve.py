"""Servers for tests: in the test's own process, or as the commands that people run."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from server.app import App, open_app
from server.config import parse

#: What a command prints when it listens: `antiphon: gRPC on 127.0.0.1:50051`.
_LISTENS: Final = re.compile(r"[a-z-]+: (\w+) on (\S+:\d+)$")
#: How long, in seconds, a command may take to end after SIGTERM before it is killed.
_PATIENCE: Final = 20.0


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
    addresses: dict[str, str] = field(default_factory=dict)
    #: Everything it has printed on standard output so far.
    printed: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.process.pid

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end. Returns the exit status: below 0, the signal that ended it."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(_PATIENCE):
            return await self.process.wait()


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
    command = Command(process)
    ready = asyncio.Event()
    # Read to its end: a command that nobody listens to would stop when the pipe is full.
    reading = asyncio.create_task(_read(command, listeners, ready))
    try:
        await ready.wait()
        if len(command.addresses) < listeners:
            raise RuntimeError(f"the command ended before it was ready, with status {await process.wait()}")
        yield command
    finally:
        try:
            await command.stop()
        except TimeoutError:
            process.kill()
            await process.wait()
        await reading


async def _read(command: Command, listeners: int, ready: asyncio.Event) -> None:
    assert command.process.stdout is not None
    async for line in command.process.stdout:
        command.printed.append(line.decode().rstrip("\n"))
        listens = _LISTENS.match(command.printed[-1])
        if listens is not None:
            command.addresses[listens[1]] = listens[2]
            if len(command.addresses) == listeners:
                ready.set()
    ready.set()
