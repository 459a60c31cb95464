"""The limiter in Redis with several processes, with one that is killed, and with one whose clock is wrong."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from server.limits.base import Limiter
from server.limits.redis import open_limiter
from server.testing.limiter_contract import concurrency, left, refused, reserved, tokens, until_left
from server.testing.redis import RedisServer

# Reserves what it can of `key:small`, ARGV[2] tokens at a time, from many tasks, and says how often it could.
HAMMER = """
import asyncio, sys
from server.limits.base import Kind, Limit, Refusal
from server.limits.redis import open_limiter

async def main(url, each):
    limits = [Limit("key:small", Kind.TOKENS, 1000, 86400), Limit("key:small", Kind.REQUESTS, 10**6, 60)]
    async with open_limiter(url) as limiter:
        print("ready", flush=True)
        sys.stdin.readline()
        answers = await asyncio.gather(*(limiter.reserve(limits, each) for _ in range(100)))
        assert not limiter.counts
        print(sum(not isinstance(answer, Refusal) for answer in answers), flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

# Holds all slots of `key:held` and says so, until it is killed.
HOLDER = """
import asyncio, sys
from server.limits.base import Kind, Limit
from server.limits.redis import open_limiter

async def main(url):
    async with open_limiter(url) as limiter:
        held = [await limiter.reserve([Limit("key:held", Kind.CONCURRENCY, 3, 0)], 1) for _ in range(3)]
        print(*[reservation.levels[0].remaining for reservation in held], flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""

# Takes 4 of 10 tokens and a slot by a clock that is ARGV[2] seconds wrong, and says what it was told.
SKEWED = """
import asyncio, sys, time
real, wrong = time.time, float(sys.argv[2])
time.time = lambda: real() + wrong

from server.limits.base import Kind, Limit, Refusal
from server.limits.redis import open_limiter

async def main(url):
    limits = [Limit("key:skewed", Kind.TOKENS, 10, 60), Limit("key:skewed", Kind.CONCURRENCY, 2, 0)]
    async with open_limiter(url) as limiter:
        print(isinstance(await limiter.reserve(limits, 5), Refusal), flush=True)
        print([level.remaining for level in (await limiter.reserve(limits, 4)).levels], flush=True)
        sys.stdin.readline()

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def url(redis_server: RedisServer) -> str:
    redis_server.do("FLUSHALL")
    return f"{redis_server.url}?timeout=20s&when_down=refuse"


@pytest.fixture
async def limiter(url: str) -> AsyncIterator[Limiter]:
    async with open_limiter(url) as limiter:
        yield limiter


async def start(program: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def test_three_processes_never_take_more_than_there_is(url: str, limiter: Limiter) -> None:
    processes = [await start(HAMMER, url, "7") for _ in range(3)]
    assert [await line(process) for process in processes] == ["ready"] * 3
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(int(out) for out, _ in outputs) == 1000 // 7
    assert await left(limiter, tokens(1000, subject="key:small", window=86400)) == [1000 % 7]


async def test_slots_of_a_process_that_is_killed_are_free_within_the_lease(url: str, limiter: Limiter) -> None:
    limit = concurrency(3, subject="key:held")
    holder = await start(HOLDER, f"{url}&lease=1")
    assert await line(holder) == "2 1 0"
    # While it lives it keeps them, for longer than a lease.
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.6
    while loop.time() < end:
        await refused(limiter, [limit])
        await asyncio.sleep(0.02)
    holder.kill()
    await holder.communicate()
    await until_left(limiter, limit, 3)


@pytest.mark.parametrize("wrong", [3600, -3600])
async def test_a_wrong_clock_changes_nothing(url: str, limiter: Limiter, wrong: int) -> None:
    limits = [tokens(10, subject="key:skewed"), concurrency(2, subject="key:skewed")]
    await reserved(limiter, limits, 6)
    skewed = await start(SKEWED, url, str(wrong))
    assert await line(skewed) == "True"
    assert await line(skewed) == "[0, 0]"
    refusal = await refused(limiter, limits[:1], 1)
    assert refusal.retry_after is not None
    assert 0 < refusal.retry_after <= 61
    assert 0 < refusal.levels[0].reset <= 61
    await refused(limiter, limits[1:])
    await skewed.communicate(b"end\n")
    assert skewed.returncode == 0
