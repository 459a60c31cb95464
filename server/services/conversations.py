"""The methods of ConversationsService."""

from __future__ import annotations

import grpc.aio

from antiphon.responses import v1
from server.engine.conversations import Conversations
from server.interceptors import current


class ConversationsService(v1.ConversationsServiceServicer):
    """Keeps conversations and their items."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def CreateConversation(
        self, request: v1.CreateConversationRequest, context: grpc.aio.ServicerContext
    ) -> v1.Conversation:
        return await self._conversations.create(current.caller.get().tenant, request)

    async def GetConversation(
        self, request: v1.GetConversationRequest, context: grpc.aio.ServicerContext
    ) -> v1.Conversation:
        return await self._conversations.get(current.caller.get().tenant, request)

    async def UpdateConversation(
        self, request: v1.UpdateConversationRequest, context: grpc.aio.ServicerContext
    ) -> v1.Conversation:
        return await self._conversations.update(current.caller.get().tenant, request)

    async def DeleteConversation(
        self, request: v1.DeleteConversationRequest, context: grpc.aio.ServicerContext
    ) -> v1.DeleteConversationResponse:
        return await self._conversations.delete(current.caller.get().tenant, request)

    async def CreateConversationItems(
        self, request: v1.CreateConversationItemsRequest, context: grpc.aio.ServicerContext
    ) -> v1.ItemList:
        return await self._conversations.add_items(current.caller.get().tenant, request)

    async def ListConversationItems(
        self, request: v1.ListConversationItemsRequest, context: grpc.aio.ServicerContext
    ) -> v1.ItemList:
        return await self._conversations.list_items(current.caller.get().tenant, request)

    async def GetConversationItem(
        self, request: v1.GetConversationItemRequest, context: grpc.aio.ServicerContext
    ) -> v1.Item:
        return await self._conversations.get_item(current.caller.get().tenant, request)

    async def DeleteConversationItem(
        self, request: v1.DeleteConversationItemRequest, context: grpc.aio.ServicerContext
    ) -> v1.Conversation:
        return await self._conversations.delete_item(current.caller.get().tenant, request)
