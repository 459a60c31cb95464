"""A thread that owns one SQLite connection and runs jobs on it in groups.

What waits when the thread is free becomes one group, with at most one commit
and one wake-up of the event loop, so that the cost of both is shared by
however many callers there are, and one caller alone waits for nobody.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

import apsw

from server.errors import StoreUnavailable

_T = TypeVar("_T")
_Job = Callable[[apsw.Connection], Any]
_Waiting = tuple[_Job, asyncio.Future[Any]]
_Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]

#: More than this in one transaction saves nothing more and keeps the first waiting.
MAX_GROUP = 256
#: Callers turned away beyond this many waiting, when the disk does not keep up.
MAX_WAITING = 10_000


class Worker:
    """Runs jobs, each whole or not at all, in the order of the calls.

    `commits` makes every group one transaction that may write. A job may then
    run twice (see `_commit`), so it must have no effects but those on the
    connection.
    """

    def __init__(self, connection: apsw.Connection, *, name: str, commits: bool) -> None:
        self._connection = connection
        self._run_group = self._commit if commits else self._run_each
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closed = False
        # A daemon, so that a process that ends without closing its store ends
        # all the same. What was committed is safe either way.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[apsw.Connection], _T]) -> asyncio.Future[_T]:
        """Have the job run, and give a future of its result.

        The job runs even when the future is cancelled meanwhile: a caller that
        leaves takes nothing back.
        """
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        if self._waiting.qsize() >= MAX_WAITING:
            raise StoreUnavailable("The store cannot keep up with the requests.")
        future: asyncio.Future[_T] = self._loop.create_future()
        self._waiting.put((job, future))
        return future

    async def close(self) -> None:
        """Run what waits, then close the connection."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        waiting = self._waiting
        group: list[_Waiting] = []
        open_ = True
        while open_:
            entry = waiting.get()
            while entry is not None:
                group.append(entry)
                if waiting.empty() or len(group) == MAX_GROUP:
                    break
                entry = waiting.get()
            open_ = entry is not None
            if group:
                try:
                    outcomes = self._run_group(group)
                except BaseException as error:  # a rollback that fails: whoever waits must hear of it
                    outcomes = [(future, None, error) for _, future in group]
                # The loop may be gone when its store was not closed: then nobody waits.
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(_resolve, outcomes)
                group, outcomes = [], []
        self._connection.close()

    def _run_each(self, group: list[_Waiting]) -> list[_Outcome]:
        return [_run(self._connection, job, future) for job, future in group]

    def _commit(self, group: list[_Waiting]) -> list[_Outcome]:
        """Run a group in one transaction; if that fails, each job in its own.

        Cheaper than a savepoint per job when all is well, and right also for
        the errors at which SQLite rolls back the whole transaction by itself
        (disk full, I/O error) and for those of COMMIT.
        """
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
        except Exception as error:  # busy: told to all at once, for each would wait as long again
            return [(future, None, error) for _, future in group]
        try:
            outcomes: list[_Outcome] = [(future, job(connection), None) for job, future in group]
            connection.execute("COMMIT")
        except Exception as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(group) == 1:
                return [(group[0][1], None, error)]
            return [outcome for entry in group for outcome in self._commit([entry])]
        return outcomes


def _run(connection: apsw.Connection, job: _Job, future: asyncio.Future[Any]) -> _Outcome:
    try:
        return future, job(connection), None
    except Exception as error:
        return future, None, error


def _resolve(outcomes: list[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # cancelled: its caller has gone
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
