"""Responses in a SQLite file: the store of a server without other services.

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
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from server.stores.sqlite.schema import connect
from server.stores.sqlite.store import SqliteStore
from server.stores.sqlite.worker import Worker

__all__ = ["SqliteStore", "Worker", "connect", "open_store"]


@asynccontextmanager
async def open_store(url: str, *, clock: Callable[[], float] = time.time) -> AsyncIterator[SqliteStore]:
    """Open a store, and make its file where there is none.

    Raises `ValueError` for a URL that says something else, and
    `StoreUnavailable` for a file that cannot be used.
    """
    path, options = _parse(url)
    connection = await asyncio.to_thread(connect, path, **options)
    writer = Worker(connection, name="store-writer", commits=True)
    try:
        if path == ":memory:":
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
    path, asked, query = rest.partition("?")
    options: dict[str, Any] = dict(parse_qsl(query, strict_parsing=True)) if asked else {}
    if scheme != "sqlite" or not path:
        raise ValueError("A SQLite store is named as sqlite:PATH.")
    if options.keys() - {"synchronous", "busy_timeout"}:
        raise ValueError("The options of a SQLite store are synchronous and busy_timeout.")
    if options.get("synchronous", "normal") not in ("normal", "full"):
        raise ValueError("The option synchronous of a SQLite store is normal or full.")
    if "busy_timeout" in options:
        options["busy_timeout"] = float(options["busy_timeout"])
    return path, options
