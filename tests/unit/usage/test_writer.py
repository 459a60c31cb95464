"""Usage reaches the ledger: in batches, however long that is away, and what cannot is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
import structlog

from server.errors import StoreUnavailable
from server.stores.base import UsageEntry, UsageLedger
from server.stores.memory import MemoryStore
from server.stores.sqlite import open_store
from server.telemetry.record import Observer, ResponseRecord
from server.testing.ledger_contract import MIDNIGHT, an_entry
from server.testing.records import a_record, an_attempt
from server.testing.store_contract import ManualClock
from server.usage.writer import MAX_BATCH, UsageWriter


class Ledger(MemoryStore):
    """A ledger in memory that can be held up, be down, and choke."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.tries = 0
        self.forgettings = 0
        self.forgettings_before_try = 0
        self.is_down = False
        self.indigestible: set[str] = set()
        #: Set whenever anything was asked of it.
        self.asked = asyncio.Event()
        #: Nothing is answered while it is closed.
        self.gate = asyncio.Event()
        self.gate.set()

    async def record_usage(self, entries: Sequence[UsageEntry]) -> None:
        self.tries += 1
        self.forgettings_before_try = self.forgettings
        await self._answer()
        if self.indigestible & {entry.id for entry in entries}:
            raise OverflowError("the words of an exception")
        await super().record_usage(entries)
        self.batches.append([entry.id for entry in entries])

    async def forget_usage(self, *, before: float) -> int:
        self.forgettings += 1
        await self._answer()
        return await super().forget_usage(before=before)

    async def responses(self) -> int:
        [one] = await self.sum_usage([], since=0)
        return one.responses

    async def until_asked(self, name: str, times: int) -> None:
        """Wait until it was asked so often: `tries` or `forgettings`."""
        while getattr(self, name) < times:
            self.asked.clear()
            await self.asked.wait()

    async def _answer(self) -> None:
        self.asked.set()
        await self.gate.wait()
        if self.is_down:
            raise StoreUnavailable("The store cannot be used at the moment.")


@pytest.fixture
async def ledger() -> Ledger:
    return Ledger()


@asynccontextmanager
async def writing(ledger: UsageLedger, **options: Any) -> AsyncIterator[UsageWriter]:
    """A writer, which is closed in the end whatever happens."""
    writer = UsageWriter(ledger, **options)
    try:
        yield writer
    finally:
        await writer.close(timeout=0.0)


def numbered(number: int) -> ResponseRecord:
    """A record whose response has one attempt: two entries."""
    return a_record(an_attempt(), response_id=f"resp_{number}")


def told(writer: UsageWriter, numbers: range) -> None:
    for number in numbers:
        writer.ended(numbered(number))


async def test_it_is_an_observer_that_only_minds_the_end(ledger: Ledger) -> None:
    async with writing(ledger) as writer:
        observer: Observer = writer
        record = numbered(1)
        observer.begun(record)
        observer.attempt_begun(record, record.attempts[0])
        observer.first_token(record)
        observer.gap(record, 0.1)
        observer.attempt_ended(record, record.attempts[0])
        assert writer.waiting == 0
        observer.ended(record)
        assert (writer.waiting, writer.written, writer.dropped) == (2, 0, 0)
        await writer.close()
        assert (writer.waiting, writer.written, writer.dropped) == (0, 2, 0)
        assert ledger.batches == [["resp_1", "resp_1"]]


async def test_a_response_alone_is_written_without_being_asked_for(ledger: Ledger) -> None:
    async with writing(ledger) as writer:
        for number in range(3):
            writer.ended(numbered(number))
            await ledger.until_asked("tries", number + 1)
        await writer.close()
        assert [len(batch) for batch in ledger.batches] == [2, 2, 2]


async def test_what_waits_when_a_write_has_ended_is_one_batch(ledger: Ledger) -> None:
    ledger.gate.clear()
    async with writing(ledger) as writer:
        told(writer, range(1))
        await ledger.until_asked("tries", 1)
        told(writer, range(1, 100))
        assert writer.waiting == 200
        ledger.gate.set()
        await writer.close()
        assert [len(batch) for batch in ledger.batches] == [2, 198]
        assert (writer.waiting, writer.written) == (0, 200)


async def test_batches_are_bounded_and_responses_whole(ledger: Ledger) -> None:
    async with writing(ledger) as writer:
        large = a_record(*(an_attempt(number + 1) for number in range(MAX_BATCH + 10)), response_id="resp_large")
        told(writer, range(400))
        writer.ended(large)
        told(writer, range(400, 800))
        await writer.close()
    assert sum(map(len, ledger.batches)) == writer.written == 1_600 + MAX_BATCH + 11
    assert await ledger.responses() == 801
    for batch in ledger.batches:
        assert len(batch) <= MAX_BATCH or set(batch) == {"resp_large"}
        assert all(batch.count(entry_id) == 2 for entry_id in set(batch) - {"resp_large"})
    assert len(ledger.batches) == 5


async def test_nothing_is_lost_while_the_store_is_down(ledger: Ledger) -> None:
    ledger.is_down = True
    with structlog.testing.capture_logs() as logs:
        async with writing(ledger) as writer:
            told(writer, range(10))
            await ledger.until_asked("tries", 3)
            told(writer, range(10, 20))
            assert (writer.waiting, writer.written, writer.dropped) == (40, 0, 0)
            ledger.is_down = False
            await writer.close()
            assert (writer.waiting, writer.written, writer.dropped) == (0, 40, 0)
    assert [entry_id for batch in ledger.batches for entry_id in batch[::2]] == [f"resp_{n}" for n in range(20)]
    assert [line["event"] for line in logs] == ["usage cannot be written", "usage is written again"]


async def test_what_does_not_fit_is_dropped_the_newest_first_and_counted(ledger: Ledger) -> None:
    ledger.is_down = True
    async with writing(ledger, max_waiting=7) as writer:
        told(writer, range(3))
        writer.ended(numbered(3))  # two entries, and room for one
        assert (writer.waiting, writer.dropped) == (6, 2)
        writer.ended(a_record(response_id="resp_small"))
        assert (writer.waiting, writer.dropped) == (7, 2)
        told(writer, range(4, 100))
        assert (writer.waiting, writer.dropped) == (7, 2 + 2 * 96)
        ledger.is_down = False
        await writer.close()
    kept = {entry_id for batch in ledger.batches for entry_id in batch}
    assert kept == {"resp_0", "resp_1", "resp_2", "resp_small"}
    assert (writer.waiting, writer.written) == (0, 7)


async def test_room_is_made_as_batches_are_written(ledger: Ledger) -> None:
    async with writing(ledger, max_waiting=2) as writer:
        for number in range(5):
            writer.ended(numbered(number))
            while writer.waiting:
                await asyncio.sleep(0)
    assert (writer.written, writer.dropped) == (10, 0)


async def test_closing_gives_up_in_time_when_the_store_stays_down(ledger: Ledger) -> None:
    ledger.is_down = True
    writer = UsageWriter(ledger)
    told(writer, range(10))
    await ledger.until_asked("tries", 1)
    await writer.close(timeout=0.01)
    assert (writer.waiting, writer.written, writer.dropped) == (0, 0, 20)


async def test_closing_gives_up_in_time_when_the_store_does_not_answer(ledger: Ledger) -> None:
    ledger.gate.clear()
    writer = UsageWriter(ledger, retention=10.0)
    told(writer, range(10))
    await ledger.until_asked("tries", 1)
    await writer.close(timeout=0.01)
    assert (writer.waiting, writer.written, writer.dropped) == (0, 0, 20)


async def test_closing_tries_again_at_once(ledger: Ledger) -> None:
    ledger.is_down = True
    writer = UsageWriter(ledger)
    told(writer, range(1))
    await ledger.until_asked("tries", 4)
    closing = asyncio.ensure_future(writer.close())
    await ledger.until_asked("tries", 6)
    ledger.is_down = False
    await closing
    assert (writer.written, writer.dropped) == (2, 0)


async def test_what_ends_after_closing_is_dropped(ledger: Ledger) -> None:
    writer = UsageWriter(ledger)
    await writer.close()
    told(writer, range(1))
    assert (writer.waiting, writer.written, writer.dropped) == (0, 0, 2)
    await writer.close()
    assert (writer.waiting, writer.written, writer.dropped) == (0, 0, 2)


async def test_what_ends_while_closing_is_still_written(ledger: Ledger) -> None:
    ledger.gate.clear()
    writer = UsageWriter(ledger)
    told(writer, range(1))
    await ledger.until_asked("tries", 1)
    closing = asyncio.ensure_future(writer.close())
    await asyncio.sleep(0)
    told(writer, range(1, 3))
    ledger.gate.set()
    await closing
    assert (writer.waiting, writer.written, writer.dropped) == (0, 6, 0)


async def test_an_entry_that_can_never_be_written_is_lost_alone(ledger: Ledger) -> None:
    ledger.indigestible = {"resp_3"}
    with structlog.testing.capture_logs() as logs:
        async with writing(ledger) as writer:
            told(writer, range(10))
            await writer.close()
    assert (writer.waiting, writer.written, writer.dropped) == (0, 18, 2)
    assert await ledger.responses() == 9
    assert [line["error"] for line in logs] == ["OverflowError", "OverflowError"]  # of the batch, and of the one
    assert "the words of an exception" not in str(logs)


async def test_old_entries_are_forgotten_from_the_start(ledger: Ledger) -> None:
    clock = ManualClock(MIDNIGHT)
    old = [an_entry(started_at=MIDNIGHT - 101 - number) for number in range(1_200)]
    await ledger.record_usage([*old, an_entry(started_at=MIDNIGHT - 99)])
    async with writing(ledger, retention=100.0, clock=clock):
        await ledger.until_asked("forgettings", 4)  # 500, 500, 200, none
        assert await ledger.responses() == 1


async def test_and_again_after_a_while(ledger: Ledger) -> None:
    clock = ManualClock(MIDNIGHT)
    await ledger.record_usage([an_entry(started_at=MIDNIGHT)])
    async with writing(ledger, retention=100.0, clock=clock, forget_every=0.001) as writer:
        await ledger.until_asked("forgettings", 3)
        assert await ledger.responses() == 1
        clock.advance(101)
        await ledger.until_asked("forgettings", ledger.forgettings + 2)
        assert await ledger.responses() == 0
        # While it is down as well as after it.
        ledger.is_down = True
        await ledger.until_asked("forgettings", ledger.forgettings + 2)
        ledger.is_down = False
        told(writer, range(1))
        await writer.close()
        assert writer.written == 2


async def test_forgetting_does_not_hold_up_writing(ledger: Ledger) -> None:
    await ledger.record_usage([an_entry(started_at=0) for _ in range(1_600)])
    ledger.gate.clear()
    async with writing(ledger, retention=100.0, clock=ManualClock(MIDNIGHT)) as writer:
        await ledger.until_asked("forgettings", 1)
        told(writer, range(1))
        tries = ledger.tries
        ledger.gate.set()
        await ledger.until_asked("tries", tries + 1)
        assert ledger.forgettings_before_try == 1, "writing came after all that was to be forgotten"
        await ledger.until_asked("forgettings", 5)


async def test_without_a_retention_nothing_is_forgotten(ledger: Ledger) -> None:
    await ledger.record_usage([an_entry(started_at=0)])
    async with writing(ledger, forget_every=0.0) as writer:
        told(writer, range(1))
        await ledger.until_asked("tries", 1)
        await writer.close()
    assert ledger.forgettings == 0


async def test_a_locked_file_is_written_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with open_store(f"sqlite:{path}?busy_timeout=0.01") as store, writing(store) as writer:
        other = apsw.Connection(str(path))
        other.execute("BEGIN EXCLUSIVE")
        told(writer, range(50))
        with pytest.raises(StoreUnavailable):
            await store.record_usage([an_entry()])  # as it was for the writer, which came before
        assert writer.waiting == 100
        other.execute("ROLLBACK")
        other.close()
        await writer.close()
        assert (writer.written, writer.dropped) == (100, 0)
        [one] = await store.sum_usage([], since=0)
        assert (one.responses, one.attempts) == (50, 50)
