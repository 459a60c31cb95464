"""The thread behind the SQLite store: groups, failures in them, and its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from server.errors import StoreUnavailable
from server.stores.sqlite import Worker
from server.stores.sqlite.worker import MAX_GROUP, MAX_WAITING


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(tmp_path / "worker.db"))
    connection.execute("CREATE TABLE t (n INTEGER UNIQUE)")
    return connection


@pytest.fixture
async def worker(connection: apsw.Connection) -> AsyncIterator[Worker]:
    worker = Worker(connection, name="worker", commits=True)
    yield worker
    await worker.close()


def insert(n: int) -> Callable[[apsw.Connection], None]:
    def job(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (?)", (n,))

    return job


def numbers(connection: apsw.Connection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n")]


@asynccontextmanager
async def held(worker: Worker) -> AsyncIterator[None]:
    """Keep the worker busy, so that what is submitted inside becomes one group."""
    started, go_on = threading.Event(), threading.Event()

    def hold(_: apsw.Connection) -> None:
        started.set()
        go_on.wait()

    holding = worker.submit(hold)
    await asyncio.to_thread(started.wait)
    try:
        yield
    finally:
        go_on.set()
        await holding


@pytest.mark.parametrize(("count", "commits"), [(50, 1), (MAX_GROUP - 1, 1), (MAX_GROUP, 2), (2 * MAX_GROUP, 3)])
async def test_what_waits_is_one_commit_within_bounds(worker: Worker, count: int, commits: int) -> None:
    seen: list[None] = []

    def committed() -> bool:
        seen.append(None)
        return False

    async with held(worker):
        # The first of the group, so that the commit of the holding job does not count.
        hooked = worker.submit(lambda connection: connection.set_commit_hook(committed))
        jobs = [worker.submit(insert(n)) for n in range(count)]
    await asyncio.gather(hooked, *jobs)
    assert len(seen) == commits
    assert await worker.submit(numbers) == list(range(count))


async def test_failing_job_does_not_fail_its_group(worker: Worker) -> None:
    def writes_then_fails(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (1000)")
        raise KeyError("mine")

    async with held(worker):
        jobs = [worker.submit(job) for job in (insert(1), writes_then_fails, insert(2), insert(1), insert(3))]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(outcome) for outcome in ended] == [
        type(None), KeyError, type(None), apsw.ConstraintError, type(None),
    ]  # fmt: skip
    assert await worker.submit(numbers) == [1, 2, 3]


async def test_refused_commit_is_told(worker: Worker) -> None:
    async with held(worker):
        hooked = worker.submit(lambda connection: connection.set_commit_hook(lambda: True))
        jobs = [worker.submit(insert(n)) for n in range(3)]
    ended = await asyncio.gather(hooked, *jobs, return_exceptions=True)
    assert [type(outcome) for outcome in ended] == [apsw.ConstraintError] * 4

    def unhook_and_read(connection: apsw.Connection) -> list[int]:
        connection.set_commit_hook(None)
        return numbers(connection)

    assert await worker.submit(unhook_and_read) == []


async def test_job_of_a_caller_that_left_is_done(worker: Worker) -> None:
    async with held(worker):
        left, stayed = worker.submit(insert(1)), worker.submit(insert(2))
        left.cancel()
    await stayed
    assert await worker.submit(numbers) == [1, 2]


async def test_close_runs_what_waits(tmp_path: Path, connection: apsw.Connection) -> None:
    worker = Worker(connection, name="worker", commits=True)
    async with held(worker):
        jobs = [worker.submit(insert(n)) for n in range(10)]
        closing = asyncio.ensure_future(worker.close())
    await closing
    assert [job.exception() for job in jobs] == [None] * 10
    with pytest.raises(StoreUnavailable):
        worker.submit(insert(11))
    reopened = apsw.Connection(str(tmp_path / "worker.db"))
    assert numbers(reopened) == list(range(10))
    reopened.close()


async def test_more_than_can_wait_is_refused(worker: Worker) -> None:
    async with held(worker):
        jobs = [worker.submit(insert(n)) for n in range(MAX_WAITING)]
        with pytest.raises(StoreUnavailable):
            worker.submit(insert(-1))
    await asyncio.gather(*jobs)
    assert len(await worker.submit(numbers)) == MAX_WAITING
