"""Responses, conversations and usage kept in the memory of this process.

For tests and for what may be lost: nothing outlives the process, and no other
process sees it. Holds at most `max_responses` (`memory?max_responses=5000`),
`max_conversations` and `max_usage` entries of usage, and forgets the oldest
first, of conversations those that were used the longest time ago, as if they
had expired.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from server.errors import StoreUnavailable
from server.stores.memory.store import MemoryStore

__all__ = ["MemoryStore", "open_store"]


@asynccontextmanager
async def open_store(
    url: str = "memory", *, read_only: bool = False, clock: Callable[[], float] = time.time
) -> AsyncIterator[MemoryStore]:
    """Open an empty store; `url` is `memory` or `memory?max_responses=N&max_conversations=N&max_usage=N`."""
    options = _options(url)
    if read_only:
        raise StoreUnavailable("A store in memory is seen by its own process alone.")
    yield MemoryStore(clock=clock, **options)


def _options(url: str) -> dict[str, int]:
    asked = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    options = {name: int(value) for name, value in asked if value.isascii() and value.isdigit() and len(value) < 16}
    known = {"max_responses", "max_conversations", "max_usage"}
    if len(options) < len(asked) or options.keys() - known or 0 in options.values():
        raise ValueError(
            "The options of the store 'memory' are max_responses, max_conversations and max_usage, each at least 1."
        )
    return options
