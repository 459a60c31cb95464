"""Responses and usage in a SQLite file: the store of a server without other services.

`sqlite:PATH` names the file, relative to the working directory or absolute;
`sqlite::memory:` a database that is gone when the store is closed. Options
follow as a query, `sqlite:antiphon.db?synchronous=full&busy_timeout=2`:

    synchronous    `normal` (default): what was put survives the death of the
                   process at any moment, and a power cut may lose the last
                   seconds, never the file. `full`: survives a power cut too,
                   for one flush of the disk per group of puts.
    busy_timeout   seconds to wait while another process writes, 5 by default.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import parse_qsl

from server.errors import StoreUnavailable
from server.stores.sqlite.schema import connect
from server.stores.sqlite.store import SqliteStore
from server.stores.sqlite.worker import Worker

__all__ = ["SqliteStore", "Worker", "connect", "open_store"]

_LONGEST_WAIT: Final = 3600.0


@asynccontextmanager
async def open_store(
    url: str, *, read_only: bool = False, clock: Callable[[], float] = time.time
) -> AsyncIterator[SqliteStore]:
    """Open a store, and make its file where there is none; with `read_only`, change nothing.

    Raises `ValueError` for a URL that says something else, and
    `StoreUnavailable` for a file that cannot be used.
    """
    path, options = _parse(url)
    if read_only and path == ":memory:":
        raise StoreUnavailable("A store in memory is seen by its own process alone.")
    connection = await asyncio.to_thread(connect, path, **options, read_only=read_only)
    # With `read_only`, it is SQLite that refuses to write.
    writer = Worker(connection, name="store-writer", commits=not read_only)
    try:
        if path == ":memory:" or read_only:
            reader = writer
        else:
            reading = await asyncio.to_thread(connect, path, **options, read_only=True)
            reader = Worker(reading, name="store-reader", commits=False)
        store = SqliteStore(writer, reader, clock=clock)
    except BaseException:
        await writer.close()
        raise
    try:
        yield store
    finally:
        await store.close()


def _parse(url: str) -> tuple[str, dict[str, Any]]:
    scheme, _, rest = url.partition(":")
    path, _, query = rest.partition("?")
    if scheme != "sqlite" or not path:
        raise ValueError("A SQLite store is named as sqlite:PATH.")
    options: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    if options.keys() - {"synchronous", "busy_timeout"}:
        raise ValueError("The options of a SQLite store are synchronous and busy_timeout.")
    if options.get("synchronous", "normal") not in ("normal", "full"):
        raise ValueError("The option synchronous of a SQLite store is normal or full.")
    if "busy_timeout" in options:
        options["busy_timeout"] = _seconds(options["busy_timeout"])
    return path, options


def _seconds(text: str) -> float:
    with suppress(ValueError):
        seconds = float(text)
        if 0 <= seconds <= _LONGEST_WAIT:
            return seconds
    raise ValueError(f"The option busy_timeout of a SQLite store is a number of seconds, at most {_LONGEST_WAIT:g}.")
