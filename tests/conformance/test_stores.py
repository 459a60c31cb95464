"""Every built-in store keeps the contracts of stores, of runs, of conversations, of ledgers and of secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.stores import memory, sqlite
from server.stores.base import ResponseStore
from server.testing.conversation_contract import ConversationContract
from server.testing.ledger_contract import LedgerContract
from server.testing.run_contract import RunContract
from server.testing.secret_contract import SecretContract
from server.testing.store_contract import Capability, ManualClock, StoreContract


class TestMemory(StoreContract, RunContract, ConversationContract, LedgerContract, SecretContract):
    lacks = {Capability.SHARED: "it is the memory of one process"}  # noqa: RUF012

    @pytest.fixture
    async def store(self, clock: ManualClock) -> AsyncIterator[ResponseStore]:
        async with memory.open_store("memory", clock=clock) as store:
            yield store


class TestSqlite(StoreContract, RunContract, ConversationContract, LedgerContract, SecretContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:{tmp_path / 'store.db'}"

    @pytest.fixture
    async def store(self, url: str, clock: ManualClock) -> AsyncIterator[ResponseStore]:
        async with sqlite.open_store(url, clock=clock) as store:
            yield store

    @pytest.fixture
    async def peer(self, url: str, clock: ManualClock, store: ResponseStore) -> AsyncIterator[ResponseStore]:
        async with sqlite.open_store(url, clock=clock) as peer:
            yield peer


class TestSqliteInMemory(StoreContract, RunContract, ConversationContract, LedgerContract, SecretContract):
    lacks = {Capability.SHARED: "a database in memory has one connection"}  # noqa: RUF012

    @pytest.fixture
    async def store(self, clock: ManualClock) -> AsyncIterator[ResponseStore]:
        async with sqlite.open_store("sqlite::memory:", clock=clock) as store:
            yield store
