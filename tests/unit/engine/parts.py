"""Parts for tests of the engine: a provider and a store that do as told, and tell what was done to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import engine_streams as streams

from antiphon.responses import v1
from server.auth.base import Caller
from server.engine.create import Call, Creator
from server.engine.history import HistoryLimits
from server.errors import ModelNotFound, StoreUnavailable
from server.providers.base import CallContext, Route, Timeouts
from server.stores.base import StoredResponse
from server.stores.memory import MemoryStore

HELLO = streams.Planned("message", [streams.Text("output_text", ["Hel", "lo"])], [])

#: Never ends; a step of a script.
FOREVER = object()


class ScriptedProvider:
    """Tells batches, raises exceptions and waits, as scripted; counts how often it was begun and closed."""

    def __init__(self, *script: Any) -> None:
        self.script = script
        self.requests: list[v1.CreateResponseRequest] = []
        self.contexts: list[CallContext] = []
        self.begun = 0
        self.closed = 0

    async def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        self.begun += 1
        copy = v1.CreateResponseRequest()
        copy.CopyFrom(request)
        self.requests.append(copy)
        self.contexts.append(context)
        try:
            for step in self.script:
                if isinstance(step, BaseException):
                    raise step
                if step is FOREVER:
                    await asyncio.get_running_loop().create_future()
                await asyncio.sleep(0)
                yield streams.copies(step)
        finally:
            self.closed += 1


def says(*plan: streams.Planned, end: str = "completed") -> list[list[v1.ResponseStreamEvent]]:
    """A provider's whole answer, one event to a batch."""
    return [[event] for event in streams.canonical(plan or [HELLO], end)]


class Store(MemoryStore):
    """The memory store; `broken` is what its `put` raises, `puts` what was asked of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.broken: Exception | None = None
        self.puts: list[v1.Response] = []

    async def put(self, stored: StoredResponse) -> None:
        copy = v1.Response()
        copy.CopyFrom(stored.response)
        self.puts.append(copy)
        if self.broken is not None:
            raise self.broken
        await super().put(stored)


class Engine:
    """A creator with its provider and its store."""

    def __init__(
        self,
        *script: Any,
        timeouts: Timeouts | None = None,
        limits: HistoryLimits | None = None,
        retention: timedelta | None = None,
        store: Store | None = None,
    ) -> None:
        self.provider = ScriptedProvider(*(script or says()))
        self.store = store or Store()
        self.timeouts = timeouts or Timeouts()
        self.creator = Creator(
            router=self,
            store=self.store,
            limits=limits or HistoryLimits(),
            retention=retention,
            clock=lambda: 1_000_000,
        )

    def resolve(self, model: str) -> Route:
        if model == "unknown":
            raise ModelNotFound("No such model.", param="model")
        return Route(self.provider, "fake", "upstream-model", self.timeouts)

    async def create(self, request: v1.CreateResponseRequest, **who: Any) -> v1.Response:
        return await self.creator.create(request, call(incremental=False, **who))

    def stream(self, request: v1.CreateResponseRequest, **who: Any) -> Any:
        return self.creator.stream(request, call(incremental=True, **who))

    async def read(self, request: v1.CreateResponseRequest, **who: Any) -> list[v1.ResponseStreamEvent]:
        """The whole stream, copied as it is told."""
        return [event async for batch in self.stream(request, **who) for event in streams.copies(batch)]


def call(*, incremental: bool, tenant: str = "t1", models: tuple[str, ...] = ("*",)) -> Call:
    return Call(Caller(tenant, "key", models), "req_1", incremental)


def ask(text: str = "hi", **fields: Any) -> v1.CreateResponseRequest:
    return v1.CreateResponseRequest(model="m", input_text=text, **fields)


def ask_items(*items: v1.Item, **fields: Any) -> v1.CreateResponseRequest:
    return v1.CreateResponseRequest(model="m", input=items, **fields)


def user(text: str, **fields: Any) -> v1.Item:
    part = v1.ContentPart(input_text=v1.ResponseInputText(text=text))
    return v1.Item(message=v1.Message(role="user", content=[part]), **fields)


def output(call_id: str, text: str = "42") -> v1.Item:
    item = v1.Item()
    item.function_call_output.call_id = call_id
    item.function_call_output.output_text = text
    return item


class BrokenStore:
    """A store whose backend is away."""

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        raise StoreUnavailable("The store cannot be reached.")

    async def items(self, tenant: str, item_ids: Sequence[str], *, max_bytes: int) -> Mapping[str, v1.Item]:
        raise StoreUnavailable("The store cannot be reached.")
