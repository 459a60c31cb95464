"""The limiter in Redis: what it leaves there, and what happens while Redis does not answer."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from server.limits.base import Kind, Limit, Limiter, Refusal
from server.limits.redis import RedisLimiter, open_limiter, outbox
from server.limits.redis.limiter import _Ask
from server.limits.redis.link import Link, Unreachable
from server.limits.redis.options import parse
from server.limits.redis.outbox import Outbox
from server.limits.redis.scripts import RESERVE
from server.testing.limiter_contract import (
    ManualTime,
    concurrency,
    left,
    refused,
    requests,
    reserved,
    tokens,
    until_left,
)
from server.testing.redis import RedisServer, executable

CANARY = "CANARYcanary0123456789"
#: Redis is waited for, however busy the machine is.
PATIENT = "?timeout=20s"


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """The session's server, empty."""
    redis_server.do("FLUSHALL")
    return redis_server


@pytest.fixture
def own_server(redis_server: RedisServer) -> Iterator[RedisServer]:
    """A server that a test may stop."""
    binary = executable()
    assert binary is not None
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(binary, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGKILL)


@pytest.fixture
def clock() -> ManualTime:
    """The time by which a Redis that failed is asked again."""
    return ManualTime()


@pytest.fixture
async def limiter(server: RedisServer) -> AsyncIterator[RedisLimiter]:
    async with open_limiter(server.url + PATIENT) as limiter:
        yield limiter
        assert not limiter.counts


def keys(server: RedisServer) -> list[str]:
    return sorted(server.do("KEYS", "*"))


async def until(limiter: Limiter, what: str, least: int) -> None:
    """Wait until something was counted so often."""
    assert isinstance(limiter, RedisLimiter)
    async with asyncio.timeout(20):
        while limiter.counts[what] < least:
            await asyncio.sleep(0.005)


async def test_everything_expires_and_is_kept_together(limiter: RedisLimiter, server: RedisServer) -> None:
    limits = [requests(10), tokens(100, window=1), tokens(100, window=86400), concurrency(5)]
    first = await reserved(limiter, limits, 50)
    await reserved(limiter, limits, 1)
    first.settle(60)
    await until_left(limiter, limits[3], 4)
    assert len(keys(server)) == 5
    for key in keys(server):
        assert key.startswith("antiphon:{limits}:")
        assert 0 < server.do("PTTL", key) <= 2 * 86400 * 1000 + 3_000_000


async def test_what_is_settled_leaves_only_counts(limiter: RedisLimiter, server: RedisServer) -> None:
    limits = [tokens(100), concurrency(5)]
    (await reserved(limiter, limits, 50)).settle(0)
    await until_left(limiter, limits[0], 100)
    assert keys(server) == []


async def test_the_database_of_the_url_is_used(server: RedisServer) -> None:
    async with open_limiter(server.url.removesuffix("/0") + "/3" + PATIENT) as limiter:
        await reserved(limiter, [requests(10)])
    assert keys(server) == []
    assert "db3" in server.do("INFO", "keyspace")


async def test_scripts_that_redis_lost_are_sent_again(limiter: RedisLimiter, server: RedisServer) -> None:
    limits = [tokens(100), concurrency(5)]
    for _ in range(3):
        server.do("SCRIPT", "FLUSH")
        reservation = await reserved(limiter, limits, 50)
        server.do("SCRIPT", "FLUSH")
        reservation.settle(10)
        await until_left(limiter, limits[1], 5)
    assert await left(limiter, *limits) == [70, 5]


@pytest.mark.parametrize("seed", range(2))
async def test_windows_add_up_whatever_happens(limiter: RedisLimiter, server: RedisServer, seed: int) -> None:
    dice = random.Random(seed)
    limit = Limit("key:sum", Kind.TOKENS, 200, 0.3)
    pending = []
    for _ in range(300):
        answer = await limiter.reserve([limit], dice.randint(0, 12))
        if not isinstance(answer, Refusal):
            pending.append(answer)
        if pending and dice.random() < 0.6:
            pending.pop(dice.randrange(len(pending))).settle(dice.choice([0, 0, 5, 20]))
        if dice.random() < 0.3:
            await asyncio.sleep(dice.random() * 0.01)
        # One script, so that nothing comes between.
        state = server.do("EVAL", "return redis.call('HGETALL', KEYS[1])", 1, "antiphon:{limits}:t0.3:key:sum")
        window = dict(zip(state[::2], map(int, state[1::2]), strict=True))
        if window:
            slots = {int(name): count for name, count in window.items() if name.isdigit()}
            assert window["total"] == sum(slots.values())
            assert all(count > 0 for count in slots.values())
            assert window["first"] <= min(slots)
            assert window["last"] == max(slots)
            assert len(slots) <= 2 * 61


@pytest.mark.parametrize(
    ("age", "remaining"),
    [
        (0, 3),
        (59, 3),
        (60, 3),  # the window of now begins in this slot
        (61, 10),
        (200, 10),
        (-1, 3),  # Redis's clock was set back a little: time stands still until it is made up for
        (-60, 3),
        (-61, 10),  # or by more than the window
    ],
)
async def test_which_slots_count(limiter: RedisLimiter, server: RedisServer, age: int, remaining: int) -> None:
    limit = tokens(10, window=86400)
    key, width = f"antiphon:{{limits}}:t86400:{limit.subject}", 1440
    now = -1
    while now != int(server.do("TIME")[0]) // width:  # in case a slot ends meanwhile, every 24 minutes
        now = int(server.do("TIME")[0]) // width
        slot = now - age
        server.do("HSET", key, "first", slot, "last", slot, "total", 7, slot, 7)
        refusal = await refused(limiter, [limit, requests(0)], 1)
    assert [level.remaining for level in refusal.levels][:1] == [remaining]
    reset = refusal.levels[0].reset
    assert (slot + 60) * width < now * width + reset <= (slot + 62) * width if remaining == 3 else reset == 0
    assert (await reserved(limiter, [limit], 3)).levels[0].remaining == remaining - 3
    if remaining == 3:
        refusal = await refused(limiter, [limit], 1)
        assert refusal.retry_after is not None
        assert (slot + 60) * width < now * width + refusal.retry_after <= (slot + 61) * width


async def test_a_caller_that_leaves_takes_nothing(limiter: RedisLimiter) -> None:
    limits = [tokens(1000, window=86400), requests(1000), concurrency(1000)]
    stayed = 0
    for yields in range(60):
        task = asyncio.create_task(limiter.reserve(limits, 10))
        for _ in range(yields % 20):
            await asyncio.sleep(0)
        if task.done():
            stayed += 1
            (await task).settle(0)
            continue
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert stayed < 60
    for limit, remaining in zip(limits, (1000, 1000 - stayed, 1000), strict=True):
        await until_left(limiter, limit, remaining)


async def test_a_request_that_comes_after_it_was_given_up_takes_nothing(server: RedisServer) -> None:
    counts: Counter[str] = Counter()
    options = parse(server.url + PATIENT)
    link = Link(options, counts)
    sender = Outbox(link, 15.0, counts)
    limits = [tokens(100), requests(10), concurrency(5)]
    late, made = _Ask("late", limits, 7), _Ask("made", limits, 7)
    assert (await link.run(RESERVE, made.entry.keys, made.arguments(15)))[0] == 1
    for ask in (late, made, made):
        sender.give_up(ask.entry)
    await sender.close()
    assert await link.run(RESERVE, late.entry.keys, late.arguments(15)) == []
    await link.close()
    assert [key for key in keys(server) if ":r:" not in key] == []
    assert not counts


async def test_leases_are_kept_and_restored(own_server: RedisServer) -> None:
    limit = concurrency(2)
    async with open_limiter(own_server.url + PATIENT + "&lease=1") as limiter:
        reservation = await reserved(limiter, [limit])
        own_server.stop()
        own_server.start()
        # Redis has forgotten it, and is told.
        async with open_limiter(own_server.url + PATIENT) as other:
            await until_left(other, limit, 1)
            reservation.settle(0)
            await until_left(other, limit, 2)


@pytest.mark.parametrize("stopped", [True, False])
async def test_without_redis_this_process_decides_by_the_same_limits(
    own_server: RedisServer, clock: ManualTime, stopped: bool
) -> None:
    limit = tokens(10)
    held = concurrency(1)
    async with open_limiter(own_server.url, clock=clock) as limiter:
        with structlog.testing.capture_logs() as logs:
            if stopped:
                own_server.stop()
            else:
                os.kill(own_server.pid, signal.SIGSTOP)
            reservation = await reserved(limiter, [limit, held], 8)
            assert (await refused(limiter, [limit], 3)).retry_after is not None
            await refused(limiter, [held])
            reservation.settle(2)
            await reserved(limiter, [limit, held], 8)
            await refused(limiter, [limit], 1)
            # Asked once, and not again until a second has passed.
            assert limiter.counts == {"failures": 1, "fallbacks": 5}
            if stopped:
                own_server.start()
            else:
                os.kill(own_server.pid, signal.SIGCONT)
            await refused(limiter, [limit], 1)
            assert limiter.counts == {"failures": 1, "fallbacks": 6}
            await clock.advance(1)
            async with asyncio.timeout(20):
                # A machine that is busy may make even a Redis that is back too slow for the first call.
                while isinstance(await limiter.reserve([limit], 1), Refusal):
                    await clock.advance(1)
            await until_left(limiter, limit, 9)
    assert [entry["event"] for entry in logs][:2] == ["limiter down", "limiter back"]
    assert logs[0]["address"] == own_server.url
    assert logs[0]["when_down"] == "local"


async def test_a_redis_that_was_restarted_is_down_once(own_server: RedisServer) -> None:
    limits = [tokens(10**6)]
    async with open_limiter(own_server.url + "?timeout=20s") as limiter:
        await asyncio.gather(*(reserved(limiter, limits) for _ in range(50)))
        with structlog.testing.capture_logs() as logs:
            own_server.stop()
            await reserved(limiter, limits)
            own_server.start()
            async with asyncio.timeout(20):
                while not logs or logs[-1]["event"] != "limiter back":
                    await reserved(limiter, limits)
                    await asyncio.sleep(0.01)
            # Connections from before are not used.
            counted = limiter.counts["failures"]
            await asyncio.gather(*(reserved(limiter, limits) for _ in range(50)))
            assert limiter.counts["failures"] == counted
        assert [entry["event"] for entry in logs] == ["limiter down", "limiter back"]


async def test_a_redis_that_hangs_is_left_within_the_budget(own_server: RedisServer, clock: ManualTime) -> None:
    own_server.do("CLIENT", "PAUSE", 3_600_000, "WRITE")
    async with open_limiter(own_server.url + "?when_down=allow", clock=clock) as limiter:
        # Redis answers after an hour, so what is answered is answered without it.
        for _ in range(50):
            await reserved(limiter, [requests(1)])
        assert limiter.counts == {"failures": 1, "fallbacks": 50}
        await clock.advance(1)
        await asyncio.gather(*(reserved(limiter, [requests(1)]) for _ in range(50)))
        # Of many at once, one asks.
        assert limiter.counts["fallbacks"] == 100
        assert limiter.counts["failures"] <= 3  # the outbox may have asked too
        own_server.do("CLIENT", "UNPAUSE")


async def test_what_was_given_up_while_redis_hung_is_given_back(own_server: RedisServer, clock: ManualTime) -> None:
    limits = [tokens(100, window=86400), requests(10), concurrency(5)]
    async with open_limiter(own_server.url + PATIENT) as other, open_limiter(own_server.url, clock=clock) as limiter:
        await reserved(limiter, limits, 10)
        os.kill(own_server.pid, signal.SIGSTOP)
        await reserved(limiter, limits, 50)
        os.kill(own_server.pid, signal.SIGCONT)
        assert limiter.counts["fallbacks"] == 1
        await clock.advance(1)
        for limit, remaining in zip(limits, (90, 9, 4), strict=True):
            await until_left(other, limit, remaining)


async def test_refusing_while_redis_is_down(own_server: RedisServer) -> None:
    own_server.stop()
    async with open_limiter(own_server.url + "?when_down=refuse") as limiter:
        limits = [tokens(10), requests(1), concurrency(1)]
        for _ in range(3):
            refusal = await refused(limiter, limits, 1)
            assert refusal.retry_after is not None
            assert 0 < refusal.retry_after <= 5
            assert [level.limit for level in refusal.levels] == limits
        refusal = await refused(limiter, limits, 11)
        assert (refusal.limit, refusal.retry_after) == (limits[0], None)
        assert limiter.counts["fallbacks"] == 4


async def test_allowing_while_redis_is_down(own_server: RedisServer) -> None:
    own_server.stop()
    async with open_limiter(own_server.url + "?when_down=allow") as limiter:
        limits = [tokens(10), requests(1), concurrency(1)]
        for _ in range(3):
            reservation = await reserved(limiter, limits, 11)
            assert [level.remaining for level in reservation.levels] == [10, 1, 1]
            reservation.settle(5)


async def test_settlements_are_sent_when_redis_is_back(own_server: RedisServer) -> None:
    limit = tokens(100)
    async with open_limiter(own_server.url + PATIENT) as other, open_limiter(own_server.url) as limiter:
        reservation = await reserved(limiter, [limit], 60)
        os.kill(own_server.pid, signal.SIGSTOP)
        reservation.settle(10)
        await until(limiter, "failures", 1)
        os.kill(own_server.pid, signal.SIGCONT)
        await until_left(other, limit, 90)
        assert not limiter.counts["unsent"]


async def test_closing_sends_what_waits(server: RedisServer) -> None:
    limit = tokens(10_000)
    async with open_limiter(server.url + PATIENT) as limiter:
        for reservation in [await reserved(limiter, [limit], 10) for _ in range(250)]:
            reservation.settle(1)
    async with open_limiter(server.url + PATIENT) as limiter:
        assert await left(limiter, limit) == [9750]


async def test_what_cannot_be_sent_is_counted(own_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_MAX_WAITING", 2)
    async with open_limiter(own_server.url) as limiter:
        reservations = [await reserved(limiter, [tokens(10)]) for _ in range(5)]
        own_server.stop()
        for reservation in reservations:
            reservation.settle(0)
        assert limiter.counts["unsent"] == 3
    assert limiter.counts["unsent"] == 5
    # Afterwards too: nothing raises.
    own_server.start()
    reservations[0].settle(0)


async def test_a_password_is_used_and_never_told(own_server: RedisServer) -> None:
    own_server.do("CONFIG", "SET", "requirepass", CANARY)
    address = own_server.url.removeprefix("redis://")
    async with open_limiter(f"redis://:{CANARY}@{address}{PATIENT}") as limiter:
        await reserved(limiter, [requests(1)])
        assert not limiter.counts
    with structlog.testing.capture_logs() as logs:
        async with open_limiter(f"redis://:{CANARY}x@{address}{PATIENT}") as limiter:
            await reserved(limiter, [requests(1)])
            assert limiter.counts["fallbacks"] == 1
            assert CANARY not in repr(limiter) + str(vars(limiter))
    assert logs[0]["error"] == "AuthenticationError"
    assert CANARY not in str(logs)


async def test_tls_is_not_left_out(server: RedisServer) -> None:
    async with open_limiter(server.url.replace("redis:", "rediss:")) as limiter:
        await reserved(limiter, [requests(1)])
        assert limiter.counts["fallbacks"] == 1


async def test_a_link_says_that_redis_failed(own_server: RedisServer) -> None:
    own_server.stop()
    counts: Counter[str] = Counter()
    link = Link(parse(own_server.url), counts)
    ask = _Ask("one", [requests(1)], 1)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await link.run(RESERVE, ask.entry.keys, ask.arguments(15))
        with pytest.raises(Unreachable):
            await link.run_all(RESERVE, [(ask.entry.keys, ask.arguments(15))])
    assert counts == {"failures": 4}
    assert not link.may_ask()
    await link.close()


async def test_a_call_from_before_says_nothing_about_now() -> None:
    hold = asyncio.Event()
    seen = asyncio.Queue[int]()
    fates = iter(["hold", "close", "answer"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(65536):
            if b"EVALSHA" not in command:
                writer.write(b"+OK\r\n" * command.count(b"CLIENT\r\n"))
                continue
            fate = next(fates)
            seen.put_nowait(1)
            if fate == "answer":
                writer.write(b"*1\r\n:1\r\n")
                continue
            if fate == "hold":
                await hold.wait()
            break
        writer.close()

    counts: Counter[str] = Counter()
    ask = _Ask("one", [requests(1)], 1)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        link = Link(parse(f"redis://127.0.0.1:{port}{PATIENT}"), counts)
        before = asyncio.create_task(link.run(RESERVE, ask.entry.keys, ask.arguments(15)))
        await seen.get()
        with pytest.raises(Unreachable):
            await link.run(RESERVE, ask.entry.keys, ask.arguments(15))
        assert link.pause
        assert await link.run(RESERVE, ask.entry.keys, ask.arguments(15)) == [1]
        assert not link.pause
        hold.set()
        with pytest.raises(Unreachable):
            await before
        assert counts == {"failures": 2}
        assert not link.pause
        await link.close()
