"""The methods of ResponsesService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

import grpc.aio

from antiphon.responses import v1
from server.engine.compact import Condenser, to_condense
from server.engine.connection.sessions import Sessions
from server.engine.count import Counter, to_count
from server.engine.create import Call, Creator
from server.engine.keep import Keeper
from server.engine.making import beside
from server.errors import InvalidValue
from server.interceptors import current
from server.services.admitting import Admitting
from server.telemetry.record import ResponseRecord

#: What a caller's deadline leaves to tell the caller that it has passed: so many seconds, and of a short one this part.
_LAST_WORDS: Final = 0.1
_LAST_SHARE: Final = 0.2


class ResponsesService(v1.ResponsesServiceServicer):
    """Creates, streams, keeps and compacts responses."""

    def __init__(
        self, creator: Creator, keeper: Keeper, counter: Counter, condenser: Condenser, sessions: Sessions
    ) -> None:
        self._creator = creator
        self._keeper = keeper
        self._counter = counter
        self._condenser = condenser
        self._sessions = sessions

    async def CreateResponse(self, request: v1.CreateResponseRequest, context: grpc.aio.ServicerContext) -> v1.Response:
        return await self._creator.create(request, _call(request, context, incremental=False))

    async def StreamCreateResponse(
        self, request: v1.CreateResponseRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[v1.ResponseStreamChunk]:
        call = _call(request, context, incremental=True)
        is_told = False
        async with aclosing(self._creator.stream(request, call)) as batches:
            async for events in batches:
                if not is_told:
                    is_told = True
                    await context.send_initial_metadata(beside.leading(call.record))
                yield v1.ResponseStreamChunk(events=events)

    async def GetResponse(self, request: v1.GetResponseRequest, context: grpc.aio.ServicerContext) -> v1.Response:
        return await self._keeper.get(current.caller.get().tenant, request)

    async def StreamGetResponse(
        self, request: v1.GetResponseRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[v1.ResponseStreamChunk]:
        async with aclosing(self._keeper.follow(current.caller.get().tenant, request)) as batches:
            async for events in batches:
                yield v1.ResponseStreamChunk(events=events)

    async def DeleteResponse(
        self, request: v1.DeleteResponseRequest, context: grpc.aio.ServicerContext
    ) -> v1.DeleteResponseResponse:
        return await self._keeper.delete(current.caller.get().tenant, request)

    async def ListInputItems(self, request: v1.ListInputItemsRequest, context: grpc.aio.ServicerContext) -> v1.ItemList:
        return await self._keeper.list_input_items(current.caller.get().tenant, request)

    async def CancelResponse(self, request: v1.CancelResponseRequest, context: grpc.aio.ServicerContext) -> v1.Response:
        return await self._keeper.cancel(current.caller.get().tenant, request)

    async def CountInputTokens(
        self, request: v1.CountInputTokensRequest, context: grpc.aio.ServicerContext
    ) -> v1.CountInputTokensResponse:
        asked = to_count(request)
        return await self._counter.count(asked, _call(asked, context, incremental=False, only_counts=True))

    async def CompactResponse(
        self, request: v1.CompactResponseRequest, context: grpc.aio.ServicerContext
    ) -> v1.CompactResponseResponse:
        asked = to_condense(request)
        return await self._condenser.compact(request, _call(asked, context, incremental=False))

    async def Connect(
        self, request: AsyncIterator[v1.ConnectRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[v1.ConnectResponse]:
        admitting = Admitting(_deadline(context))
        opening = self._sessions.open(admitting.begin, admitting.caller, request_id=admitting.request_id)
        with opening as session:
            # Whoever waits to be let in learns of it, and by which id the connection is known.
            await context.send_initial_metadata((("x-request-id", admitting.request_id),))
            async with aclosing(session.events(request)) as batches:
                async for events in batches:
                    yield v1.ConnectResponse(events=events)


def _call(
    request: v1.CreateResponseRequest,
    context: grpc.aio.ServicerContext,
    *,
    incremental: bool,
    only_counts: bool = False,
) -> Call:
    caller = current.caller.get()
    record = ResponseRecord(
        current.request_id.get(),
        caller.tenant,
        caller.key_name,
        request.model,
        incremental,
        request,
        only_counts=only_counts,
        captures_content=caller.captures_content,
        trace_parent=current.trace.get(),
    )
    current.observed.get().record = record
    return Call(
        caller,
        record,
        current.generation.get().models,
        _deadline(context),
        _idempotency_key(context),
        current.hold.get(),
    )


def _idempotency_key(context: grpc.aio.ServicerContext) -> str:
    told = [str(value) for name, value in context.invocation_metadata() or () if name == "idempotency-key"]
    if len(told) > 1:
        raise InvalidValue("Set one 'Idempotency-Key'.", param="Idempotency-Key")
    return told[0] if told else ""


def _deadline(context: grpc.aio.ServicerContext) -> float | None:
    """When to end a call by its caller's deadline: a little before, so that the caller hears of it from here."""
    left: float | None = context.time_remaining()
    if left is None:
        return None
    now: float = asyncio.get_running_loop().time()
    return now + left - min(_LAST_WORDS, left * _LAST_SHARE)
