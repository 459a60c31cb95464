"""When to read the configuration again: when asked to, and when its files say something else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.reload.reloader import Reloader
from server.telemetry.log import log_unexpected


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the files are watched, in seconds: a change is in force within `interval`, `settled` and the time that
    reading takes; within `longest` more, if they do not stop changing."""

    #: Between two looks. A look reads the file and those that it names, which are small.
    interval: float = 1.0
    #: How long they must say the same before that counts: a file that is being written may be valid half-way, and
    #: lack half of the keys.
    settled: float = 0.25
    longest: float = 4.0


@asynccontextmanager
async def reloading(
    reloader: Reloader, asked: asyncio.Event, *, watch: bool = True, rhythm: Rhythm | None = None
) -> AsyncIterator[None]:
    """Reload whenever `asked` is set, and with `watch` whenever the files change, until the context ends.

    Requests that come while one is carried out are one more together.
    """
    task = asyncio.create_task(_run(reloader, asked, (rhythm or Rhythm()) if watch else None), name="reload")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _run(reloader: Reloader, asked: asyncio.Event, rhythm: Rhythm | None) -> None:
    while True:
        try:
            async with asyncio.timeout(None if rhythm is None else rhythm.interval):
                await asked.wait()
        except TimeoutError:
            assert rhythm is not None
            try:
                if not await _changed(reloader, rhythm):
                    continue
            except Exception as error:
                log_unexpected(error)  # the next look may go better
                continue
        # Before the file is read: whoever asks from here on wants it read once more.
        asked.clear()
        await reloader.reload()


async def _changed(reloader: Reloader, rhythm: Rhythm) -> bool:
    """Wait until the files have come to rest, if they changed, and tell whether they say something else than when
    they were last loaded."""
    before = reloader.file.loaded
    seen = await asyncio.to_thread(reloader.file.digest)
    end = asyncio.get_running_loop().time() + rhythm.longest
    while seen != before and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(rhythm.settled)
        last, seen = seen, await asyncio.to_thread(reloader.file.digest)
        if seen == last:
            break
    return seen != before
