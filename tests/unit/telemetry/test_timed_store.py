"""A timed store is the store that it wraps, and each operation is told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from antiphon.responses import v1
from server.errors import StoreUnavailable
from server.stores import memory
from server.stores.base import ResponseStore, StoredResponse, UnknownConversation, UnknownResponse, UsageEntry, UsageSum
from server.telemetry.registry.metrics import STORE_OPERATIONS
from server.telemetry.timed_store import timed
from server.testing.conversation_contract import ConversationContract, every_call
from server.testing.ledger_contract import LedgerContract
from server.testing.run_contract import RunContract
from server.testing.secret_contract import SecretContract
from server.testing.store_contract import Capability, ManualClock, StoreContract

Told = list[tuple[str, bool | None]]


class TestTimed(StoreContract, RunContract, ConversationContract, LedgerContract, SecretContract):
    """It keeps the contracts, like what it wraps."""

    lacks = {Capability.SHARED: "it wraps the memory of one process"}  # noqa: RUF012

    @pytest.fixture
    async def store(self, clock: ManualClock) -> AsyncIterator[ResponseStore]:
        async with memory.open_store("memory", clock=clock) as store:
            yield timed(store, lambda *_: None)


class Broken(memory.MemoryStore):
    """Cannot be read, and takes for ever to write."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = asyncio.Event()

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        raise StoreUnavailable("The store is away.")

    async def put(self, stored: StoredResponse) -> None:
        self.writing.set()
        await asyncio.get_running_loop().create_future()


class Ledger:
    """Sums nothing up."""

    def __init__(self) -> None:
        self.entries: list[UsageEntry] = []

    async def record_usage(self, entries: Sequence[UsageEntry]) -> None:
        self.entries += entries

    async def sum_usage(
        self, by: Sequence[str], *, since: float, until: float | None = None, tenant: str | None = None
    ) -> Sequence[UsageSum]:
        return [UsageSum((*by, str(since), str(until), str(tenant)), len(self.entries), 0, 0, 0, 0, 0, 0, 0, 0, 0)]


async def test_answers_are_told_from_failures() -> None:
    told: Told = []

    def observe(operation: str, seconds: float, ok: bool | None) -> None:
        assert seconds >= 0
        told.append((operation, ok))

    store = timed(memory.MemoryStore(), observe)
    assert await store.items("acme", ["a"], max_bytes=10) == {}
    for call in (store.get("acme", "x"), store.delete("acme", "x"), store.chain("acme", "x", max_depth=1, max_bytes=1)):
        with pytest.raises(UnknownResponse):
            await call
    assert told == [("items", True), ("get", True), ("delete", True), ("chain", True)]
    told.clear()

    broken = Broken()
    slow = timed(broken, observe)
    with pytest.raises(StoreUnavailable):
        await slow.get("acme", "x")
    putting = asyncio.ensure_future(slow.put(StoredResponse("acme", v1.Response(id="x"), [])))
    await broken.writing.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert told == [("get", False), ("put", None)]


async def test_conversations_are_timed_too() -> None:
    told: Told = []
    store = timed(memory.MemoryStore(), lambda operation, _, ok: told.append((operation, ok)))
    await store.create_conversation("acme", v1.Conversation(id="conv_1"), [], expires_at=None)
    for call in every_call(store, "acme", "conv_none"):
        with pytest.raises(UnknownConversation):
            await call
    assert {ok for _, ok in told} == {True}
    assert sorted(operation for operation, _ in told) == sorted(name for name in STORE_OPERATIONS if "conv" in name)


async def test_a_ledger_is_timed_too() -> None:
    told: Told = []
    ledger = timed(Ledger(), lambda operation, _, ok: told.append((operation, ok)))
    await ledger.record_usage([])
    (found,) = await ledger.sum_usage(("tenant",), since=1.0, until=2.0, tenant="acme")
    assert found.group == ("tenant", "1.0", "2.0", "acme")
    assert told == [("record_usage", True), ("sum_usage", True)]
