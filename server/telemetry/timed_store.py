"""A store whose operations are timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from antiphon.responses import v1
from server.stores.base import (
    ChainTooLong,
    Claim,
    ConversationStore,
    ConversationTooLong,
    ItemPage,
    ItemsTooLarge,
    ResponseStore,
    RunStore,
    SecretStore,
    StoredResponse,
    Told,
    UnknownConversation,
    UnknownItem,
    UnknownResponse,
    UnknownRun,
    UsageEntry,
    UsageLedger,
    UsageSum,
)

#: Is told the operation's name, its seconds, and whether it went well; None where its caller did not wait.
Observe: TypeAlias = Callable[[str, float, bool | None], None]

_Answer = TypeVar("_Answer")

#: What a store raises to answer, rather than because it cannot.
_ANSWERS = (
    UnknownResponse,
    UnknownRun,
    ChainTooLong,
    ItemsTooLarge,
    UnknownConversation,
    UnknownItem,
    ConversationTooLong,
)


class TimedStore:
    """A `ResponseStore` that does what another does, and tells how long it took."""

    def __init__(self, store: ResponseStore, observe: Observe) -> None:
        self._store = store
        self._observe = observe

    async def put(self, stored: StoredResponse) -> None:
        await _timed(self._observe, "put", self._store.put(stored))

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        return await _timed(self._observe, "get", self._store.get(tenant, response_id))

    async def delete(self, tenant: str, response_id: str) -> None:
        await _timed(self._observe, "delete", self._store.delete(tenant, response_id))

    async def chain(self, tenant: str, response_id: str, *, max_depth: int, max_bytes: int) -> Sequence[StoredResponse]:
        chain = self._store.chain(tenant, response_id, max_depth=max_depth, max_bytes=max_bytes)
        return await _timed(self._observe, "chain", chain)

    async def items(self, tenant: str, item_ids: Sequence[str], *, max_bytes: int) -> Mapping[str, v1.Item]:
        return await _timed(self._observe, "items", self._store.items(tenant, item_ids, max_bytes=max_bytes))


class TimedRuns:
    """A `RunStore` that does what another does, and tells how long it took."""

    def __init__(self, runs: RunStore, observe: Observe) -> None:
        self._runs = runs
        self._observe = observe

    async def begin_run(
        self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str, lease: float
    ) -> None:
        begun = self._runs.begin_run(stored, events, owner=owner, lease=lease)
        await _timed(self._observe, "begin_run", begun)

    async def log_events(
        self,
        tenant: str,
        response_id: str,
        events: Sequence[v1.ResponseStreamEvent],
        *,
        owner: str,
        response: v1.Response | None = None,
    ) -> None:
        logged = self._runs.log_events(tenant, response_id, events, owner=owner, response=response)
        await _timed(self._observe, "log_events", logged)

    async def end_run(self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str) -> None:
        await _timed(self._observe, "end_run", self._runs.end_run(stored, events, owner=owner))

    async def drop_run(self, tenant: str, response_id: str, *, owner: str) -> None:
        await _timed(self._observe, "drop_run", self._runs.drop_run(tenant, response_id, owner=owner))

    async def told(self, tenant: str, response_id: str, *, after: int, max_bytes: int) -> Told:
        told = self._runs.told(tenant, response_id, after=after, max_bytes=max_bytes)
        return await _timed(self._observe, "told", told)

    async def renew_runs(self, owner: str, runs_of_it: Sequence[tuple[str, str]], *, lease: float) -> None:
        await _timed(self._observe, "renew_runs", self._runs.renew_runs(owner, runs_of_it, lease=lease))

    async def ask_to_cancel(self, tenant: str, response_id: str) -> bool:
        return await _timed(self._observe, "ask_to_cancel", self._runs.ask_to_cancel(tenant, response_id))

    async def asked_to_cancel(self, owner: str) -> Sequence[tuple[str, str]]:
        return await _timed(self._observe, "asked_to_cancel", self._runs.asked_to_cancel(owner))

    async def adopt_runs(self, owner: str, *, lease: float, most: int) -> Sequence[StoredResponse]:
        return await _timed(self._observe, "adopt_runs", self._runs.adopt_runs(owner, lease=lease, most=most))

    async def claim(self, tenant: str, key: str, claim: Claim, *, expires_at: float) -> Claim:
        claimed = self._runs.claim(tenant, key, claim, expires_at=expires_at)
        return await _timed(self._observe, "claim", claimed)

    async def unclaim(self, tenant: str, key: str, response_id: str) -> None:
        await _timed(self._observe, "unclaim", self._runs.unclaim(tenant, key, response_id))


class TimedConversations:
    """A `ConversationStore` that does what another does, and tells how long it took."""

    def __init__(self, store: ConversationStore, observe: Observe) -> None:
        self._store = store
        self._observe = observe

    async def create_conversation(
        self, tenant: str, conversation: v1.Conversation, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> None:
        creating = self._store.create_conversation(tenant, conversation, items, expires_at=expires_at)
        await _timed(self._observe, "create_conversation", creating)

    async def get_conversation(self, tenant: str, conversation_id: str) -> v1.Conversation:
        return await _timed(self._observe, "get_conversation", self._store.get_conversation(tenant, conversation_id))

    async def update_conversation(
        self, tenant: str, conversation_id: str, metadata: Mapping[str, str], *, expires_at: int | None
    ) -> v1.Conversation:
        updating = self._store.update_conversation(tenant, conversation_id, metadata, expires_at=expires_at)
        return await _timed(self._observe, "update_conversation", updating)

    async def delete_conversation(self, tenant: str, conversation_id: str) -> None:
        await _timed(self._observe, "delete_conversation", self._store.delete_conversation(tenant, conversation_id))

    async def add_conversation_items(
        self, tenant: str, conversation_id: str, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> Sequence[v1.Item]:
        adding = self._store.add_conversation_items(tenant, conversation_id, items, expires_at=expires_at)
        return await _timed(self._observe, "add_conversation_items", adding)

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
        page = self._store.page_conversation(
            tenant, conversation_id, after=after, newest_first=newest_first, limit=limit, max_bytes=max_bytes
        )
        return await _timed(self._observe, "page_conversation", page)

    async def get_conversation_item(self, tenant: str, conversation_id: str, item_id: str) -> v1.Item:
        item = self._store.get_conversation_item(tenant, conversation_id, item_id)
        return await _timed(self._observe, "get_conversation_item", item)

    async def delete_conversation_item(
        self, tenant: str, conversation_id: str, item_id: str, *, expires_at: int | None
    ) -> v1.Conversation:
        deleting = self._store.delete_conversation_item(tenant, conversation_id, item_id, expires_at=expires_at)
        return await _timed(self._observe, "delete_conversation_item", deleting)

    async def read_conversation(
        self, tenant: str, conversation_id: str, *, max_items: int, max_bytes: int
    ) -> Sequence[v1.Item]:
        items = self._store.read_conversation(tenant, conversation_id, max_items=max_items, max_bytes=max_bytes)
        return await _timed(self._observe, "read_conversation", items)


class TimedLedger:
    """A `UsageLedger` that does what another does, and tells how long it took."""

    def __init__(self, ledger: UsageLedger, observe: Observe) -> None:
        self._ledger = ledger
        self._observe = observe

    async def record_usage(self, entries: Sequence[UsageEntry]) -> None:
        await _timed(self._observe, "record_usage", self._ledger.record_usage(entries))

    async def sum_usage(
        self, by: Sequence[str], *, since: float, until: float | None = None, tenant: str | None = None
    ) -> Sequence[UsageSum]:
        sums = self._ledger.sum_usage(by, since=since, until=until, tenant=tenant)
        return await _timed(self._observe, "sum_usage", sums)

    async def forget_usage(self, *, before: float) -> int:
        return await _timed(self._observe, "forget_usage", self._ledger.forget_usage(before=before))


class TimedSecrets:
    """A `SecretStore` that does what another does, and tells how long it took."""

    def __init__(self, secrets: SecretStore, observe: Observe) -> None:
        self._secrets = secrets
        self._observe = observe

    async def secret(self, name: str, proposed: bytes) -> bytes:
        return await _timed(self._observe, "secret", self._secrets.secret(name, proposed))


async def _timed(observe: Observe, operation: str, answer: Awaitable[_Answer]) -> _Answer:
    started = time.perf_counter()
    ok: bool | None = False
    try:
        found = await answer
        ok = True
        return found
    except _ANSWERS:
        ok = True
        raise
    except asyncio.CancelledError:
        ok = None
        raise
    finally:
        observe(operation, time.perf_counter() - started, ok)
