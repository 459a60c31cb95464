"""A store in dictionaries: the readable model of what a store does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from antiphon.responses import v1
from server.stores.base import ChainTooLong, ItemsTooLarge, StoredResponse, UnknownResponse
from server.stores.memory.conversations import MemoryConversations
from server.stores.memory.runs import MemoryRuns
from server.stores.memory.secrets import MemorySecrets
from server.stores.memory.usage import MemoryLedger

MAX_RESPONSES = 100_000
MAX_CONVERSATIONS = 10_000
MAX_USAGE = 100_000


class MemoryStore(MemoryConversations, MemoryRuns, MemoryLedger, MemorySecrets):
    """All parts of a store in dictionaries."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        max_responses: int = MAX_RESPONSES,
        max_conversations: int = MAX_CONVERSATIONS,
        max_usage: int = MAX_USAGE,
    ) -> None:
        MemoryRuns.__init__(self, clock)
        MemoryConversations.__init__(self, clock, max_conversations)
        MemoryLedger.__init__(self, max_usage)
        MemorySecrets.__init__(self)
        self._max_responses = max_responses
        # Both in the order of the puts.
        self._responses: dict[tuple[str, str], StoredResponse] = {}
        self._holders: dict[tuple[str, str], dict[str, None]] = {}  # (tenant, item id) -> ids of responses

    async def put(self, stored: StoredResponse) -> None:
        key = (stored.tenant, stored.response.id)
        if key in self._responses and self._is_alive(self._responses[key]):
            return
        self._add_response(stored)
        if not stored.is_kept:
            return
        if key in self._responses:
            self._forget(key)
        self._keep(stored)

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        return _copy(self._find(tenant, response_id))

    async def delete(self, tenant: str, response_id: str) -> None:
        self._find(tenant, response_id)
        self._forget((tenant, response_id))

    async def chain(self, tenant: str, response_id: str, *, max_depth: int, max_bytes: int) -> Sequence[StoredResponse]:
        newest_first: list[StoredResponse] = []
        size = 0
        wanted: str | None = response_id
        while wanted is not None:
            stored = self._find(tenant, wanted)
            newest_first.append(stored)
            size += stored.response.ByteSize() + sum(item.ByteSize() for item in stored.input_items)
            if len(newest_first) > max_depth or size > max_bytes:
                raise ChainTooLong
            wanted = stored.response.previous_response_id or None
        return [_copy(stored) for stored in reversed(newest_first)]

    async def items(self, tenant: str, item_ids: Sequence[str], *, max_bytes: int) -> Mapping[str, v1.Item]:
        held: dict[str, set[str]] = {}  # by the id of the response
        for item_id in item_ids:
            for response_id in reversed(self._holders.get((tenant, item_id), {})):
                if self._is_alive(self._responses[tenant, response_id]):
                    held.setdefault(response_id, set()).add(item_id)
                    break
        found: dict[str, v1.Item] = {}
        size = 0
        for response_id, wanted in held.items():
            # In one response the last of an id counts: what was made of it.
            for item in _items_of(self._responses[tenant, response_id]):
                if item.id in wanted:
                    size += item.ByteSize()
                    if size > max_bytes:
                        raise ItemsTooLarge
                    found[item.id] = copy = v1.Item()
                    copy.CopyFrom(item)
        for item_id in dict.fromkeys(item_ids):
            in_conversation = None if item_id in found else self._newest_in_conversations(tenant, item_id)
            if in_conversation is not None:
                size += in_conversation.ByteSize()
                if size > max_bytes:
                    raise ItemsTooLarge
                found[item_id] = in_conversation
        return found

    def _keep(self, stored: StoredResponse) -> None:
        key = (stored.tenant, stored.response.id)
        if key in self._responses:
            self._drop(key)
        kept = self._responses[key] = _copy(stored)
        for item in _items_of(kept):
            self._holders.setdefault((stored.tenant, item.id), {})[stored.response.id] = None
        self._make_room()

    def _find(self, tenant: str, response_id: str) -> StoredResponse:
        stored = self._responses.get((tenant, response_id))
        if stored is None or not self._is_alive(stored):
            raise UnknownResponse(response_id)
        return stored

    def _is_alive(self, stored: StoredResponse) -> bool:
        return stored.expires_at is None or stored.expires_at > self._clock()

    def _make_room(self) -> None:
        while self._responses:
            key, oldest = next(iter(self._responses.items()))
            if len(self._responses) <= self._max_responses and self._is_alive(oldest):
                return
            self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        self._drop(key)
        self._forget_run(key)

    def _drop(self, key: tuple[str, str]) -> None:
        tenant, response_id = key
        for item in _items_of(self._responses.pop(key)):
            holders = self._holders.get((tenant, item.id), {})
            holders.pop(response_id, None)
            if not holders:
                self._holders.pop((tenant, item.id), None)


def _items_of(stored: StoredResponse) -> list[v1.Item]:
    return [item for item in (*stored.input_items, *stored.response.output) if item.id]


def _copy(stored: StoredResponse) -> StoredResponse:
    """Keep what is stored apart from what callers hold: messages can be changed."""
    response = v1.Response()
    response.CopyFrom(stored.response)
    return StoredResponse(
        stored.tenant, response, v1.ItemList(data=stored.input_items).data, expires_at=stored.expires_at
    )
