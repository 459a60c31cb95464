"""All parts of a store in one SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import apsw

from antiphon.responses import v1
from server.errors import StoreUnavailable
from server.stores.base import (
    Claim,
    ItemPage,
    StoredResponse,
    Told,
    UnknownConversation,
    UnknownItem,
    UnknownResponse,
    UnknownRun,
    UsageEntry,
    UsageSum,
)
from server.stores.sqlite import conversations, rows, runs, secrets, usage
from server.stores.sqlite.worker import Worker

_T = TypeVar("_T")

_Answer = UnknownConversation | UnknownItem | UnknownRun
#: What a job that writes may raise to answer, before it has written anything.
_ANSWERS = (UnknownConversation, UnknownItem, UnknownRun)

#: A sweep with every so many writes: fewer than it may remove, so that it keeps up.
_WRITES_PER_SWEEP = 16


class SqliteStore:
    """A `ResponseStore`, `RunStore`, `ConversationStore` and `UsageLedger` of rows; all writes go through one worker,
    all reads through another.

    Nothing here waits for the disk on the event loop, so a slow one delays
    only those who use the store. The price of a thread is its wake-up, some
    40 us for a call alone and 5 us for each of sixteen at a time.
    `reader` may be the writer: a database in memory has one connection.
    """

    def __init__(self, writer: Worker, reader: Worker, *, clock: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._writes = 0

    async def put(self, stored: StoredResponse) -> None:
        row = rows.NewRow.of(stored)
        await self._write(lambda connection, now: rows.put(connection, row, now))

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        return await self._read(lambda connection, now: rows.get(connection, tenant, response_id, now))

    async def delete(self, tenant: str, response_id: str) -> None:
        if not await self._write(lambda connection, now: rows.delete(connection, tenant, response_id, now)):
            raise UnknownResponse(response_id)

    async def chain(self, tenant: str, response_id: str, *, max_depth: int, max_bytes: int) -> Sequence[StoredResponse]:
        return await self._read(
            lambda connection, now: rows.chain(connection, tenant, response_id, max_depth, max_bytes, now)
        )

    async def items(self, tenant: str, item_ids: Sequence[str], *, max_bytes: int) -> Mapping[str, v1.Item]:
        wanted = list(item_ids)
        return await self._read(lambda connection, now: rows.items(connection, tenant, wanted, max_bytes, now))

    async def create_conversation(
        self, tenant: str, conversation: v1.Conversation, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> None:
        await self._write(
            lambda connection, now: conversations.create(connection, tenant, conversation, items, expires_at, now)
        )

    async def get_conversation(self, tenant: str, conversation_id: str) -> v1.Conversation:
        return await self._read(lambda connection, now: conversations.get(connection, tenant, conversation_id, now))

    async def update_conversation(
        self, tenant: str, conversation_id: str, metadata: Mapping[str, str], *, expires_at: int | None
    ) -> v1.Conversation:
        return await self._write(
            lambda connection, now: conversations.update(connection, tenant, conversation_id, metadata, expires_at, now)
        )

    async def delete_conversation(self, tenant: str, conversation_id: str) -> None:
        await self._write(lambda connection, now: conversations.delete(connection, tenant, conversation_id, now))

    async def add_conversation_items(
        self, tenant: str, conversation_id: str, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> Sequence[v1.Item]:
        return await self._write(
            lambda connection, now: conversations.add(connection, tenant, conversation_id, items, expires_at, now)
        )

    async def page_conversation(
        self,
        tenant: str,
        conversation_id: str,
        *,
        after: str | None,
        newest_first: bool,
        limit: int,
        max_bytes: int,
    ) -> ItemPage:
        return await self._read(
            lambda connection, now: conversations.page(
                connection, tenant, conversation_id, after, newest_first, limit, max_bytes, now
            )
        )

    async def get_conversation_item(self, tenant: str, conversation_id: str, item_id: str) -> v1.Item:
        return await self._read(
            lambda connection, now: conversations.get_item(connection, tenant, conversation_id, item_id, now)
        )

    async def delete_conversation_item(
        self, tenant: str, conversation_id: str, item_id: str, *, expires_at: int | None
    ) -> v1.Conversation:
        return await self._write(
            lambda connection, now: conversations.delete_item(
                connection, tenant, conversation_id, item_id, expires_at, now
            )
        )

    async def read_conversation(
        self, tenant: str, conversation_id: str, *, max_items: int, max_bytes: int
    ) -> Sequence[v1.Item]:
        return await self._read(
            lambda connection, now: conversations.read(connection, tenant, conversation_id, max_items, max_bytes, now)
        )

    async def begin_run(
        self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str, lease: float
    ) -> None:
        row, batch = rows.NewRow.of(stored), runs.Batch.of(events)
        await self._write(lambda connection, now: runs.begin(connection, row, batch, owner, lease, now))

    async def log_events(
        self,
        tenant: str,
        response_id: str,
        events: Sequence[v1.ResponseStreamEvent],
        *,
        owner: str,
        response: v1.Response | None = None,
    ) -> None:
        batch = runs.Batch.of(events)
        document = None if response is None else response.SerializeToString()
        await self._write(
            lambda connection, now: runs.log(connection, tenant, response_id, batch, document, owner, now)
        )

    async def end_run(self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str) -> None:
        row, batch = rows.NewRow.of(stored), runs.Batch.of(events)
        await self._write(lambda connection, now: runs.end(connection, row, batch, owner, now))

    async def drop_run(self, tenant: str, response_id: str, *, owner: str) -> None:
        await self._write(lambda connection, now: runs.drop(connection, tenant, response_id, owner, now))

    async def told(self, tenant: str, response_id: str, *, after: int, max_bytes: int) -> Told:
        return await self._read(
            lambda connection, now: runs.told(connection, tenant, response_id, after, max_bytes, now)
        )

    async def renew_runs(self, owner: str, runs_of_it: Sequence[tuple[str, str]], *, lease: float) -> None:
        asked = list(runs_of_it)
        await self._write(lambda connection, now: runs.renew(connection, owner, asked, lease))

    async def ask_to_cancel(self, tenant: str, response_id: str) -> bool:
        return await self._write(lambda connection, now: runs.ask_to_cancel(connection, tenant, response_id, now))

    async def asked_to_cancel(self, owner: str) -> Sequence[tuple[str, str]]:
        return await self._read(lambda connection, now: runs.asked_to_cancel(connection, owner))

    async def adopt_runs(self, owner: str, *, lease: float, most: int) -> Sequence[StoredResponse]:
        return await self._write(lambda connection, now: runs.adopt(connection, owner, lease, most, now))

    async def claim(self, tenant: str, key: str, claim: Claim, *, expires_at: float) -> Claim:
        return await self._write(lambda connection, now: runs.claim(connection, tenant, key, claim, expires_at, now))

    async def unclaim(self, tenant: str, key: str, response_id: str) -> None:
        await self._write(lambda connection, now: runs.unclaim(connection, tenant, key, response_id))

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

    async def _read(self, job: Callable[[apsw.Connection, float], _T]) -> _T:
        clock = self._clock
        return await _ended(self._reader.submit(lambda connection: job(connection, clock())))

    async def _write(self, job: Callable[[apsw.Connection, float], _T]) -> _T:
        """Write what may expire, and now and then remove some of what has."""
        clock = self._clock
        self._writes += 1
        sweeps = self._writes % _WRITES_PER_SWEEP == 0

        def write(connection: apsw.Connection) -> _T | _Answer:
            result: _T | _Answer
            try:
                result = job(connection, clock())
            except _ANSWERS as answer:
                # Raised, it would undo all jobs of its group, which would be run again one by one.
                result = answer
            if sweeps:
                rows.sweep(connection, clock())
            return result

        result = await _ended(self._writer.submit(write))
        if isinstance(result, _ANSWERS):
            raise result
        return result


async def _ended(job: asyncio.Future[_T]) -> _T:
    try:
        return await job
    except apsw.Error as error:
        raise StoreUnavailable("The store cannot be used at the moment.") from error
