"""The way to Redis: bounded in time, and not gone at all for a while after it failed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from server.limits.redis.options import Options
from server.limits.redis.scripts import Script

#: Seconds after a failure in which Redis is not asked.
PAUSE: Final = 1.0
#: Seconds that what nobody waits for may take at least, whatever the budget of those who wait.
_PATIENCE: Final = 1.0
_MAX_CONNECTIONS: Final = 16

#: The keys of a script and its arguments.
Call = tuple[Sequence[str], Sequence[str | int]]

_log = structlog.get_logger()


class Unreachable(Exception):
    """Redis did not do what it was asked, or did not say so in time: it may still have done it."""


class Link:
    """Runs scripts in Redis, and knows whether it answers."""

    def __init__(self, options: Options, counts: Counter[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._counts = counts
        self._clock = clock
        #: When Redis stopped answering; None while it answers.
        self._down_since: float | None = None
        self._ask_again_at = 0.0
        #: How often that has changed. A call that began before the last change tells nothing about now.
        self._changes = 0
        secure = {"connection_class": SSLConnection} if options.tls else {"connection_class": Connection}
        self._client = Redis.from_pool(
            BlockingConnectionPool(
                **secure,
                # The budget of a call bounds the wait for a connection too.
                timeout=None,
                max_connections=_MAX_CONNECTIONS,
                host=options.host,
                port=options.port,
                db=options.db,
                username=options.username,
                password=options.password,
                client_name="antiphon",
                # With RESP3 the pool would hand out connections that the server has closed meanwhile.
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=None,
                socket_connect_timeout=None,
            )
        )

    def may_ask(self) -> bool:
        """Whether a caller may ask Redis now. While it is down, one of them may, once in a while."""
        if self._down_since is None:
            return True
        now = self._clock()
        if now < self._ask_again_at:
            return False
        self._ask_again_at = now + PAUSE
        return True

    @property
    def pause(self) -> float:
        """Seconds until Redis is asked again; 0 while it answers."""
        return 0.0 if self._down_since is None else max(self._ask_again_at - self._clock(), 0.0)

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """Run a script for a caller that waits, and return its answer. Raises `Unreachable`."""
        began = self._changes
        try:
            async with asyncio.timeout(self._options.timeout):
                try:
                    answer = await self._client.evalsha(script.sha, len(keys), *keys, *args)
                except NoScriptError:
                    answer = await self._client.eval(script.text, len(keys), *keys, *args)
        # Whatever the client makes of a connection that breaks: callers are to be answered all the same.
        except Exception as error:
            self._failed(error, began)
            raise Unreachable from error
        self._answered(began)
        return answer

    async def run_all(self, script: Script, calls: Sequence[Call]) -> int:
        """Run a script for each of some calls, in one go, for nobody who waits.

        Returns how many of them failed by themselves. Raises `Unreachable`,
        also when all failed: then it is Redis that will not have them.
        """
        began = self._changes
        try:
            async with asyncio.timeout(max(self._options.timeout, _PATIENCE)):
                errors = await self._pipe(script, calls)
                if any(isinstance(error, NoScriptError) for error in errors):
                    await self._client.script_load(script.text)
                    errors = await self._pipe(script, calls)
                if len(errors) == len(calls):
                    raise errors[0]
        except Exception as error:
            self._failed(error, began)
            raise Unreachable from error
        self._answered(began)
        return len(errors)

    async def _pipe(self, script: Script, calls: Sequence[Call]) -> list[Exception]:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys, args in calls:
                pipe.evalsha(script.sha, len(keys), *keys, *args)
            answers = await pipe.execute(raise_on_error=False)
        return [answer for answer in answers if isinstance(answer, Exception)]

    async def close(self) -> None:
        await self._client.aclose()
        await self._client.connection_pool.aclose()

    def _failed(self, error: Exception, began: int) -> None:
        self._counts["failures"] += 1
        if began != self._changes:
            return
        now = self._clock()
        self._ask_again_at = now + PAUSE
        if self._down_since is None:
            self._down_since = now
            self._changes += 1
            # Its type, not its words: they are not ours to vouch for.
            _log.warning(
                "limiter down",
                address=self._options.address,
                error=type(error).__name__,
                when_down=self._options.when_down.value,
            )

    def _answered(self, began: int) -> None:
        if self._down_since is not None and began == self._changes:
            seconds = self._clock() - self._down_since
            self._down_since = None
            self._changes += 1
            _log.info("limiter back", address=self._options.address, seconds=round(seconds, 3))
