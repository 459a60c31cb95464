"""The methods of ResponsesService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc.aio

from antiphon.responses import v1
from server.engine.create import Call, Creator
from server.engine.keep import Keeper
from server.errors import Unimplemented
from server.interceptors import current
from server.providers.base import Route


class CurrentModels:
    """The models of the generation that serves the call: a `Router` to be asked at the call's first step."""

    def resolve(self, model: str) -> Route:
        return current.generation.get().models.resolve(model)


class ResponsesService(v1.ResponsesServiceServicer):
    """Creates, streams and keeps responses."""

    def __init__(self, creator: Creator, keeper: Keeper) -> None:
        self._creator = creator
        self._keeper = keeper

    async def CreateResponse(self, request: v1.CreateResponseRequest, context: grpc.aio.ServicerContext) -> v1.Response:
        return await self._creator.create(request, _call(incremental=False))

    async def StreamCreateResponse(
        self, request: v1.CreateResponseRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[v1.ResponseStreamChunk]:
        async with aclosing(self._creator.stream(request, _call(incremental=True))) as batches:
            async for events in batches:
                yield v1.ResponseStreamChunk(events=events)

    async def GetResponse(self, request: v1.GetResponseRequest, context: grpc.aio.ServicerContext) -> v1.Response:
        return await self._keeper.get(current.caller.get().tenant, request)

    async def StreamGetResponse(
        self, request: v1.GetResponseRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[v1.ResponseStreamChunk]:
        raise Unimplemented("Streaming a stored response is not supported by this version.", param="stream")
        yield v1.ResponseStreamChunk()

    async def DeleteResponse(
        self, request: v1.DeleteResponseRequest, context: grpc.aio.ServicerContext
    ) -> v1.DeleteResponseResponse:
        return await self._keeper.delete(current.caller.get().tenant, request)

    async def ListInputItems(self, request: v1.ListInputItemsRequest, context: grpc.aio.ServicerContext) -> v1.ItemList:
        return await self._keeper.list_input_items(current.caller.get().tenant, request)

    async def CancelResponse(self, request: v1.CancelResponseRequest, context: grpc.aio.ServicerContext) -> v1.Response:
        raise Unimplemented("Cancelling a response is not supported by this version.")

    async def CountInputTokens(
        self, request: v1.CountInputTokensRequest, context: grpc.aio.ServicerContext
    ) -> v1.CountInputTokensResponse:
        raise Unimplemented("Counting input tokens is not supported by this version.")

    async def CompactResponse(
        self, request: v1.CompactResponseRequest, context: grpc.aio.ServicerContext
    ) -> v1.CompactResponseResponse:
        raise Unimplemented("Compacting a response is not supported by this version.")

    async def Connect(
        self, request: AsyncIterator[v1.ConnectRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[v1.ConnectResponse]:
        raise Unimplemented("Connections are not supported by this version.")
        yield v1.ConnectResponse()


def _call(*, incremental: bool) -> Call:
    return Call(current.caller.get(), current.request_id.get(), incremental)
