"""The conversations of the memory store: the readable model of what a store of conversations does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from antiphon.responses import v1
from server.stores.base import (
    ConversationTooLong,
    ItemPage,
    StoredResponse,
    UnknownConversation,
    UnknownItem,
    other_id,
)

_Message = TypeVar("_Message", v1.Conversation, v1.Item)


@dataclass(slots=True)
class _Kept:
    """A conversation as it is kept."""

    conversation: v1.Conversation
    expires_at: int | None
    #: By id, in the order in which they were added.
    items: dict[str, v1.Item] = field(default_factory=dict)
    #: The ids of the responses that have added to it.
    responses: set[str] = field(default_factory=set)


class MemoryConversations:
    """A `ConversationStore` in dictionaries of at most `max_conversations`; beyond them the one that was used the
    longest time ago is the first to go."""

    def __init__(self, clock: Callable[[], float], max_conversations: int) -> None:
        self._now = clock
        self._max_conversations = max_conversations
        # The one used last stands last.
        self._conversations: dict[tuple[str, str], _Kept] = {}
        # (tenant, item id) -> ids of conversations, in the order in which the item was added to them.
        self._conversations_with: dict[tuple[str, str], dict[str, None]] = {}

    async def create_conversation(
        self, tenant: str, conversation: v1.Conversation, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> None:
        key = (tenant, conversation.id)
        if self._alive(key) is not None:
            return
        self._forget_conversation(key)
        self._conversations[key] = kept = _Kept(_copy(conversation), expires_at)
        self._add(tenant, kept, items)
        while len(self._conversations) > self._max_conversations:
            self._forget_conversation(next(iter(self._conversations)))

    async def get_conversation(self, tenant: str, conversation_id: str) -> v1.Conversation:
        return _copy(self._known(tenant, conversation_id).conversation)

    async def update_conversation(
        self, tenant: str, conversation_id: str, metadata: Mapping[str, str], *, expires_at: int | None
    ) -> v1.Conversation:
        kept = self._used(tenant, conversation_id, expires_at)
        kept.conversation.metadata.clear()
        kept.conversation.metadata.update(metadata)
        return _copy(kept.conversation)

    async def delete_conversation(self, tenant: str, conversation_id: str) -> None:
        self._known(tenant, conversation_id)
        self._forget_conversation((tenant, conversation_id))

    async def add_conversation_items(
        self, tenant: str, conversation_id: str, items: Sequence[v1.Item], *, expires_at: int | None
    ) -> Sequence[v1.Item]:
        return self._add(tenant, self._used(tenant, conversation_id, expires_at), items)

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
        kept = self._known(tenant, conversation_id)
        ordered: Iterator[v1.Item] = iter(reversed(kept.items.values()) if newest_first else kept.items.values())
        if after is not None:
            if after not in kept.items:
                raise UnknownItem(after)
            ordered = itertools.islice(itertools.dropwhile(lambda item: item.id != after, ordered), 1, None)
        chosen: list[v1.Item] = []
        size = 0
        for item in ordered:
            size += item.ByteSize()
            if len(chosen) == limit or (chosen and size > max_bytes):
                return ItemPage(chosen, has_more=True)
            chosen.append(_copy(item))
        return ItemPage(chosen, has_more=False)

    async def get_conversation_item(self, tenant: str, conversation_id: str, item_id: str) -> v1.Item:
        item = self._known(tenant, conversation_id).items.get(item_id)
        if item is None:
            raise UnknownItem(item_id)
        return _copy(item)

    async def delete_conversation_item(
        self, tenant: str, conversation_id: str, item_id: str, *, expires_at: int | None
    ) -> v1.Conversation:
        if item_id not in self._known(tenant, conversation_id).items:
            raise UnknownItem(item_id)
        kept = self._used(tenant, conversation_id, expires_at)
        del kept.items[item_id]
        self._forget_item(tenant, item_id, conversation_id)
        return _copy(kept.conversation)

    async def read_conversation(
        self, tenant: str, conversation_id: str, *, max_items: int, max_bytes: int
    ) -> Sequence[v1.Item]:
        items = self._known(tenant, conversation_id).items.values()
        if len(items) > max_items or sum(item.ByteSize() for item in items) > max_bytes:
            raise ConversationTooLong
        return [_copy(item) for item in items]

    def _add_response(self, stored: StoredResponse) -> None:
        """Add what a response adds to its conversation, once."""
        items = stored.added_items()
        if not items:
            return
        kept = self._known(stored.tenant, stored.response.conversation.id)
        if stored.response.id not in kept.responses:
            kept.responses.add(stored.response.id)
            self._add(stored.tenant, self._used(stored.tenant, kept.conversation.id, stored.expires_at), items)

    def _newest_in_conversations(self, tenant: str, item_id: str) -> v1.Item | None:
        """The item of this id that was added last to a conversation of the tenant."""
        for conversation_id in reversed(self._conversations_with.get((tenant, item_id), {})):
            kept = self._alive((tenant, conversation_id))
            if kept is not None:
                return _copy(kept.items[item_id])
        return None

    def _add(self, tenant: str, kept: _Kept, items: Sequence[v1.Item]) -> list[v1.Item]:
        added = []
        for given in items:
            item = _copy(given)
            if item.id in kept.items:
                item.id = other_id(item.id)
            kept.items[item.id] = item
            self._conversations_with.setdefault((tenant, item.id), {})[kept.conversation.id] = None
            added.append(_copy(item))
        return added

    def _alive(self, key: tuple[str, str]) -> _Kept | None:
        kept = self._conversations.get(key)
        return kept if kept is not None and (kept.expires_at is None or kept.expires_at > self._now()) else None

    def _known(self, tenant: str, conversation_id: str) -> _Kept:
        kept = self._alive((tenant, conversation_id))
        if kept is None:
            raise UnknownConversation(conversation_id)
        return kept

    def _used(self, tenant: str, conversation_id: str, expires_at: int | None) -> _Kept:
        """A conversation that is used now."""
        kept = self._known(tenant, conversation_id)
        kept.expires_at = expires_at
        key = (tenant, conversation_id)
        self._conversations[key] = self._conversations.pop(key)
        return kept

    def _forget_conversation(self, key: tuple[str, str]) -> None:
        kept = self._conversations.pop(key, None)
        for item_id in kept.items if kept is not None else ():
            self._forget_item(key[0], item_id, key[1])

    def _forget_item(self, tenant: str, item_id: str, conversation_id: str) -> None:
        holders = self._conversations_with[tenant, item_id]
        del holders[conversation_id]
        if not holders:
            del self._conversations_with[tenant, item_id]


def _copy(message: _Message) -> _Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
