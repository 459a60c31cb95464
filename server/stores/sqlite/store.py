"""All parts of a store in one SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import apsw

from antiphon.responses import v1
from server.errors import StoreUnavailable
from server.stores.base import Claim, StoredResponse, Told, UnknownResponse, UsageEntry, UsageSum
from server.stores.sqlite import rows, secrets, usage
from server.stores.sqlite import runs as statements
from server.stores.sqlite.worker import Worker

_T = TypeVar("_T")

#: A sweep with every so many puts: fewer than it may remove, so that it keeps up.
_PUTS_PER_SWEEP = 16


class SqliteStore:
    """Keeps responses and entries of usage as rows; all writes go through one worker, all reads through another.

    Nothing here waits for the disk on the event loop, so a slow one delays
    only those who use the store. The price of a thread is its wake-up, some
    40 us for a call alone and 5 us for each of sixteen at a time.
    `reader` may be the writer: a database in memory has one connection.
    """

    def __init__(self, writer: Worker, reader: Worker, *, clock: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._puts = 0

    async def put(self, stored: StoredResponse) -> None:
        row = rows.NewRow.of(stored)
        clock = self._clock
        self._puts += 1
        sweeps = self._puts % _PUTS_PER_SWEEP == 0

        def job(connection: apsw.Connection) -> None:
            rows.put(connection, row, clock())
            if sweeps:
                rows.sweep(connection, clock())

        await _ended(self._writer.submit(job))

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        clock = self._clock
        return await _ended(self._reader.submit(lambda connection: rows.get(connection, tenant, response_id, clock())))

    async def delete(self, tenant: str, response_id: str) -> None:
        clock = self._clock
        job = self._writer.submit(lambda connection: rows.delete(connection, tenant, response_id, clock()))
        if not await _ended(job):
            raise UnknownResponse(response_id)

    async def chain(self, tenant: str, response_id: str, *, max_depth: int, max_bytes: int) -> Sequence[StoredResponse]:
        clock = self._clock
        return await _ended(
            self._reader.submit(
                lambda connection: rows.chain(connection, tenant, response_id, max_depth, max_bytes, clock())
            )
        )

    async def items(self, tenant: str, item_ids: Sequence[str], *, max_bytes: int) -> Mapping[str, v1.Item]:
        clock = self._clock
        wanted = list(item_ids)
        return await _ended(
            self._reader.submit(lambda connection: rows.items(connection, tenant, wanted, max_bytes, clock()))
        )

    async def begin_run(
        self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str, lease: float
    ) -> None:
        row, batch, clock = rows.NewRow.of(stored), statements.Batch.of(events), self._clock
        await _ended(
            self._writer.submit(lambda connection: statements.begin(connection, row, batch, owner, lease, clock()))
        )

    async def log_events(
        self,
        tenant: str,
        response_id: str,
        events: Sequence[v1.ResponseStreamEvent],
        *,
        owner: str,
        response: v1.Response | None = None,
    ) -> None:
        batch, clock = statements.Batch.of(events), self._clock
        document = None if response is None else response.SerializeToString()
        await _ended(
            self._writer.submit(
                lambda connection: statements.log(connection, tenant, response_id, batch, document, owner, clock())
            )
        )

    async def end_run(self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str) -> None:
        row, batch, clock = rows.NewRow.of(stored), statements.Batch.of(events), self._clock
        await _ended(self._writer.submit(lambda connection: statements.end(connection, row, batch, owner, clock())))

    async def drop_run(self, tenant: str, response_id: str, *, owner: str) -> None:
        clock = self._clock
        await _ended(
            self._writer.submit(lambda connection: statements.drop(connection, tenant, response_id, owner, clock()))
        )

    async def told(self, tenant: str, response_id: str, *, after: int, max_bytes: int) -> Told:
        clock = self._clock
        return await _ended(
            self._reader.submit(
                lambda connection: statements.told(connection, tenant, response_id, after, max_bytes, clock())
            )
        )

    async def renew_runs(self, owner: str, runs: Sequence[tuple[str, str]], *, lease: float) -> None:
        asked = list(runs)
        await _ended(self._writer.submit(lambda connection: statements.renew(connection, owner, asked, lease)))

    async def ask_to_cancel(self, tenant: str, response_id: str) -> bool:
        clock = self._clock
        return await _ended(
            self._writer.submit(lambda connection: statements.ask_to_cancel(connection, tenant, response_id, clock()))
        )

    async def asked_to_cancel(self, owner: str) -> Sequence[tuple[str, str]]:
        return await _ended(self._reader.submit(lambda connection: statements.asked_to_cancel(connection, owner)))

    async def adopt_runs(self, owner: str, *, lease: float, most: int) -> Sequence[StoredResponse]:
        clock = self._clock
        return await _ended(
            self._writer.submit(lambda connection: statements.adopt(connection, owner, lease, most, clock()))
        )

    async def claim(self, tenant: str, key: str, claim: Claim, *, expires_at: float) -> Claim:
        clock = self._clock
        return await _ended(
            self._writer.submit(
                lambda connection: statements.claim(connection, tenant, key, claim, expires_at, clock())
            )
        )

    async def unclaim(self, tenant: str, key: str, response_id: str) -> None:
        await _ended(self._writer.submit(lambda connection: statements.unclaim(connection, tenant, key, response_id)))

    async def record_usage(self, entries: Sequence[UsageEntry]) -> None:
        batch = list(entries)
        await _ended(self._writer.submit(lambda connection: usage.record(connection, batch)))

    async def sum_usage(
        self, by: Sequence[str], *, since: float, until: float | None = None, tenant: str | None = None
    ) -> Sequence[UsageSum]:
        query = usage.Query.of(by, since, until, tenant)
        return await _ended(self._reader.submit(query.run))

    async def forget_usage(self, *, before: float) -> int:
        return await _ended(self._writer.submit(lambda connection: usage.forget(connection, before)))

    async def secret(self, name: str, proposed: bytes) -> bytes:
        return await _ended(self._writer.submit(lambda connection: secrets.secret(connection, name, proposed)))

    async def close(self) -> None:
        """Finish what was begun and put the write-ahead log into the file."""
        await self._reader.close()
        # The last connection to a file to be closed moves the log into it.
        await self._writer.close()


async def _ended(job: asyncio.Future[_T]) -> _T:
    try:
        return await job
    except apsw.Error as error:
        raise StoreUnavailable("The store cannot be used at the moment.") from error
