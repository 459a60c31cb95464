"""Limits counted in Redis, for all processes that share it: the same algorithm as in memory, by Redis's clock.

`redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`, or `rediss://` for TLS. Options
follow as a query, `redis://cache:6379/0?timeout=50ms&when_down=refuse`:

    timeout    how long a reservation waits for Redis, 0.25 s by default.
               After a failure Redis is not asked again for a second.
    lease      after how long the slots of concurrency of a process that
               died are free again, 15 s by default.
    when_down  what decides while Redis does not answer: `local` (default),
               a limiter in the memory of each process, with the same limits;
               `refuse`, nobody is let through; `allow`, everybody is.

Each step is one script, so it is done whole or not at all, and everything in
Redis expires. A reservation whose request was not answered in time, or whose
caller left, is taken back as soon as Redis can be told. What it cannot be told
within a minute is counted as `unsent`, and is healed when the lease or the
window ends.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from server.limits.redis.limiter import RedisLimiter
from server.limits.redis.link import Link
from server.limits.redis.options import parse
from server.limits.redis.outbox import Outbox

__all__ = ["RedisLimiter", "open_limiter"]


@asynccontextmanager
async def open_limiter(url: str, *, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[RedisLimiter]:
    """Open a limiter; Redis is first asked when something is reserved.

    Raises `ValueError` for a URL that says something else. `clock`, in
    seconds, decides only when a Redis that failed is asked again.
    """
    options = parse(url)
    counts: Counter[str] = Counter()
    link = Link(options, counts, clock)
    outbox = Outbox(link, options.lease, counts)
    try:
        yield RedisLimiter(options, link, outbox, counts)
    finally:
        await outbox.close()
        await link.close()
