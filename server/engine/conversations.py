"""What is done with conversations: made, read, labelled, deleted, and their items added, listed and deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from antiphon.responses import v1
from server.engine import keep
from server.engine.answer.ids import new_id, new_item_id
from server.engine.input import history, validate
from server.engine.input.history import HistoryLimits
from server.engine.input.include import check_include
from server.errors import NotFound, Unimplemented
from server.stores.base import ConversationStore, ResponseStore, UnknownConversation, UnknownItem


class Conversations:
    """Keeps the conversations of each tenant.

    Every method raises `NotFound` for what is unknown, an `InvalidRequest` for
    what cannot be, and `Unimplemented` where the store keeps no conversations.
    """

    def __init__(
        self,
        store: ConversationStore | None,
        responses: ResponseStore,
        *,
        limits: HistoryLimits,
        retention: timedelta | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kept = store
        self._responses = responses
        self._limits = limits
        self._retention = retention
        self._clock = clock

    async def create(self, tenant: str, request: v1.CreateConversationRequest) -> v1.Conversation:
        """Make a conversation, with items to begin with."""
        validate.check_added(request)
        store = self._store
        items = await self._new_items(tenant, request.items)
        conversation = v1.Conversation(
            id=new_id("conv"), created_at=int(self._clock()), metadata=dict(request.metadata)
        )
        await store.create_conversation(tenant, conversation, items, expires_at=self._expires_at)
        return conversation

    async def get(self, tenant: str, request: v1.GetConversationRequest) -> v1.Conversation:
        """Return a conversation."""
        validate.check(request)
        with _told():
            return await self._store.get_conversation(tenant, request.conversation_id)

    async def update(self, tenant: str, request: v1.UpdateConversationRequest) -> v1.Conversation:
        """Replace the labels of a conversation, and return it."""
        validate.check(request)
        validate.check_known(request)
        with _told():
            return await self._store.update_conversation(
                tenant, request.conversation_id, dict(request.metadata), expires_at=self._expires_at
            )

    async def delete(self, tenant: str, request: v1.DeleteConversationRequest) -> v1.DeleteConversationResponse:
        """Delete a conversation and its items."""
        validate.check(request)
        with _told():
            await self._store.delete_conversation(tenant, request.conversation_id)
        return v1.DeleteConversationResponse(id=request.conversation_id, deleted=True)

    async def add_items(self, tenant: str, request: v1.CreateConversationItemsRequest) -> v1.ItemList:
        """Add items to a conversation, and return them."""
        validate.check_added(request)
        check_include(request.include)
        store = self._store
        items = await self._new_items(tenant, request.items)
        with _told():
            added = await store.add_conversation_items(
                tenant, request.conversation_id, items, expires_at=self._expires_at
            )
        return keep.listed(added, False, request.include)

    async def list_items(self, tenant: str, request: v1.ListConversationItemsRequest) -> v1.ItemList:
        """Return a page of a conversation's items, shorter than asked for where they are very large."""
        validate.check(request)
        check_include(request.include)
        try:
            with _told():
                page = await self._store.page_conversation(
                    tenant,
                    request.conversation_id,
                    after=request.after or None,
                    newest_first=request.order != "asc",
                    limit=request.limit or keep.DEFAULT_PAGE,
                    max_bytes=self._limits.max_bytes,
                )
        except UnknownItem:
            raise keep.not_in_list() from None
        return keep.listed(page.items, page.has_more, request.include)

    async def get_item(self, tenant: str, request: v1.GetConversationItemRequest) -> v1.Item:
        """Return one item of a conversation."""
        validate.check(request)
        check_include(request.include)
        try:
            with _told():
                item = await self._store.get_conversation_item(tenant, request.conversation_id, request.item_id)
        except UnknownItem:
            raise _unknown_item(request.item_id) from None
        return keep.shown(item, request.include)

    async def delete_item(self, tenant: str, request: v1.DeleteConversationItemRequest) -> v1.Conversation:
        """Delete one item of a conversation, and return the conversation."""
        validate.check(request)
        try:
            with _told():
                return await self._store.delete_conversation_item(
                    tenant, request.conversation_id, request.item_id, expires_at=self._expires_at
                )
        except UnknownItem:
            raise _unknown_item(request.item_id) from None

    @property
    def _store(self) -> ConversationStore:
        if self._kept is None:
            raise Unimplemented("The store of this server keeps no conversations.")
        return self._kept

    @property
    def _expires_at(self) -> int | None:
        return keep.expiry(self._clock(), self._retention)

    async def _new_items(self, tenant: str, given: Sequence[v1.Item]) -> list[v1.Item]:
        """Copies of a caller's items, each with an id, references resolved."""
        items = []
        for item in given:
            copy = v1.Item()
            copy.CopyFrom(item)
            items.append(copy)
        await history.resolve(items, (), tenant, self._responses, self._limits, path="items")
        for item in items:
            if not item.id:
                item.id = new_item_id(item)
        return items


@contextmanager
def _told() -> Iterator[None]:
    """Tell callers of a conversation that is unknown."""
    try:
        yield
    except UnknownConversation as unknown:
        raise history.unknown_conversation(unknown.conversation_id, "conversation_id") from None


def _unknown_item(item_id: str) -> NotFound:
    return NotFound(f"Item with id '{item_id[:128]}' not found in this conversation.", param="item_id")
