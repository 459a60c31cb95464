"""Every built-in limiter keeps the contract of limiters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.limits import memory, redis
from server.limits.base import Limiter
from server.testing.limiter_contract import Capability, Clock, LimiterContract, ManualTime
from server.testing.redis import RedisServer


class TestMemory(LimiterContract):
    lacks = {Capability.SHARED: "it is the memory of one process"}  # noqa: RUF012

    @pytest.fixture
    async def limiter(self, clock: ManualTime) -> AsyncIterator[Limiter]:
        async with memory.open_limiter("memory", clock=clock) as limiter:
            yield limiter


class RedisTime:
    """The time of a Redis."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    async def now(self) -> float:
        seconds, microseconds = self._server.do("TIME")
        return int(seconds) + int(microseconds) / 1_000_000

    async def advance(self, seconds: float) -> None:
        end = await self.now() + seconds
        while (remaining := end - await self.now()) > 0:
            await asyncio.sleep(remaining)


class TestRedis(LimiterContract):
    lacks = {Capability.CLOCK: "its clock is the server's"}  # noqa: RUF012

    @pytest.fixture
    def clock(self, redis_server: RedisServer) -> Clock:
        return RedisTime(redis_server)

    @pytest.fixture
    def url(self, redis_server: RedisServer) -> str:
        redis_server.do("FLUSHALL")
        # Falling back would hide what is tested.
        return f"{redis_server.url}?timeout=20s&when_down=refuse"

    @pytest.fixture
    async def limiter(self, url: str) -> AsyncIterator[Limiter]:
        async with redis.open_limiter(url) as limiter:
            yield limiter
            assert not limiter.counts

    @pytest.fixture
    async def peer(self, url: str) -> AsyncIterator[Limiter]:
        async with redis.open_limiter(url) as limiter:
            yield limiter
            assert not limiter.counts
