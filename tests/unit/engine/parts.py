"""Parts for tests of the engine: a provider and a store that do as told, and tell what was done to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import engine_streams as streams

from antiphon.responses import v1
from server.auth.base import Caller
from server.engine.background.lives import Lives
from server.engine.compact import Condenser, to_condense
from server.engine.create import Call, Creator
from server.engine.input.compactions import Compactions
from server.engine.input.history import Histories, HistoryLimits
from server.engine.keep import Keeper
from server.engine.making.balance import Balance
from server.engine.making.running import Running
from server.errors import ModelNotFound, ServiceError, StoreUnavailable
from server.limits.base import Level, Limit, Limiter, Refusal
from server.limits.memory import MemoryLimiter
from server.providers.base import CallContext, OnDisconnect, Retry, Route, Target, Timeouts
from server.stores.base import StoredResponse
from server.stores.memory import MemoryStore
from server.telemetry.record import Attempt, Observer, ResponseRecord
from server.testing.order import check_order

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
        route: Callable[[], Route] | None = None,
        limiter: Limiter | None = None,
        balance_clock: Callable[[], float] = time.monotonic,
        on_disconnect: OnDisconnect = OnDisconnect.CANCEL,
        room: int = 100,
        waiting: int = 100,
        pads: bool = False,
    ) -> None:
        self.provider = ScriptedProvider(*(script or says()))
        self.store = store or Store()
        self.timeouts = timeouts or Timeouts()
        self.observer = Recorder()
        self.running = Running()
        self.balance = Balance(balance_clock)
        self.limiter = limiter or MemoryLimiter()
        self.route = route or self._route
        self.held = 0
        self.on_disconnect = on_disconnect
        self.compactions = Compactions((), self.store)
        self.lives = Lives(self.store, self.store, max_running=room, max_waiting=waiting)
        self.keeper = Keeper(self.store, self.lives, pads=pads)
        histories = Histories(
            store=self.store,
            conversations=self.store,
            compactions=self.compactions,
            limits=limits or HistoryLimits(),
        )
        self.creator = Creator(
            store=self.store,
            limiter=self.limiter,
            observer=self.observer,
            running=self.running,
            balance=self.balance,
            histories=histories,
            compactions=self.compactions,
            retention=retention,
            lives=self.lives,
            pads=pads,
            clock=lambda: 1_000_000,
        )
        self.condenser = Condenser(self.creator, self.compactions)

    @property
    def record_is_begun(self) -> bool:
        return bool(self.observer.records)

    @property
    def record(self) -> ResponseRecord:
        """That of the only response."""
        (record,) = self.observer.records
        return record

    def _route(self) -> Route:
        return Route(
            "m",
            (target(self.provider, timeouts=self.timeouts),),
            self.timeouts.total,
            retry=Retry(1),
            on_disconnect=self.on_disconnect,
        )

    def resolve(self, model: str) -> Route:
        if model == "unknown":
            raise ModelNotFound("No such model.", param="model")
        return self.route()

    async def create(self, request: v1.CreateResponseRequest, **who: Any) -> v1.Response:
        return await self.creator.create(request, self.call(request, incremental=False, **who))

    async def compact(self, request: v1.CompactResponseRequest, **who: Any) -> v1.CompactResponseResponse:
        return await self.condenser.compact(request, self.call(to_condense(request), incremental=False, **who))

    def stream(self, request: v1.CreateResponseRequest, **who: Any) -> Any:
        return self.creator.stream(request, self.call(request, incremental=True, **who))

    def call(
        self,
        request: v1.CreateResponseRequest,
        *,
        incremental: bool,
        tenant: str = "t1",
        models: tuple[str, ...] = ("*",),
        limits: tuple[Limit, ...] = (),
        patience: float | None = None,
        key: str = "",
    ) -> Call:
        """A call; `patience` is in how many seconds its caller stops waiting, `key` its idempotency key."""
        record = ResponseRecord("req_1", tenant, "key", request.model, incremental, request)
        deadline = None if patience is None else asyncio.get_running_loop().time() + patience
        return Call(Caller(tenant, "key", models, limits), record, self, deadline, key, self.hold)

    @contextmanager
    def hold(self) -> Iterator[None]:
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1

    async def follow(self, response_id: str, after: int = -1, tenant: str = "t1", **asked: Any) -> list[Any]:
        """What is told again of a response."""
        request = v1.GetResponseRequest(response_id=response_id, **asked)
        if after >= 0:
            request.starting_after = after
        return [event async for batch in self.keeper.follow(tenant, request) for event in streams.copies(batch)]

    async def follow_so_far(self, response_id: str) -> list[v1.ResponseStreamEvent]:
        """What was told of a response up to now."""
        return list((await self.store.told("t1", response_id, after=-1, max_bytes=1 << 20)).events)

    async def get(self, response_id: str, tenant: str = "t1") -> v1.Response:
        return await self.keeper.get(tenant, v1.GetResponseRequest(response_id=response_id))

    async def cancel(self, response_id: str, tenant: str = "t1") -> v1.Response:
        return await self.keeper.cancel(tenant, v1.CancelResponseRequest(response_id=response_id))

    async def ended(self) -> None:
        """Return once nothing goes on by itself."""
        while self.lives:
            await asyncio.sleep(0)

    async def read(self, request: v1.CreateResponseRequest, **who: Any) -> list[v1.ResponseStreamEvent]:
        """The whole stream, copied as it is told."""
        return [event async for batch in self.stream(request, **who) for event in streams.copies(batch)]


def target(provider: Any, name: str = "m", *, timeouts: Timeouts | None = None, **fields: Any) -> Target:
    return Target(provider, f"{name}-provider", "fake", f"upstream-{name}", timeouts or Timeouts(), name, **fields)


class Recorder(Observer):
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.records: list[ResponseRecord] = []
        self.told: list[str] = []

    def begun(self, record: ResponseRecord) -> None:
        self.records.append(record)
        self.told.append("begun")

    def limited(self, record: ResponseRecord, decision: Any) -> None:
        self.told.append("limited")

    def attempt_begun(self, record: ResponseRecord, attempt: Attempt) -> None:
        self.told.append(f"attempt {attempt.number} at {attempt.target}")

    def attempt_ended(self, record: ResponseRecord, attempt: Attempt) -> None:
        self.told.append(f"attempt {attempt.number} {attempt.outcome}")

    def first_token(self, record: ResponseRecord) -> None:
        self.told.append("first token")

    def gap(self, record: ResponseRecord, seconds: float) -> None:
        """Gaps are as many as batches."""

    def ended(self, record: ResponseRecord) -> None:
        self.told.append(f"ended {record.outcome}")


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


async def read(engine: Engine, incremental: bool, **who: Any) -> v1.Response | ServiceError:
    """The response, made either way, or what it was refused with."""
    try:
        if not incremental:
            return await engine.create(ask(), **who)
        events = await engine.read(ask(), **who)
    except ServiceError as error:
        return error
    assert check_order(events) == []
    last = events[-1]
    response: v1.Response = getattr(last, str(last.WhichOneof("event"))).response
    return response


class ScriptedLimiter:
    """Grants or refuses as told, and writes down what was settled."""

    def __init__(self, *decisions: Refusal | None) -> None:
        self.decisions = list(decisions)
        self.asked: list[tuple[tuple[str, ...], int]] = []
        self.settled: list[int] = []
        self.given_back = 0

    async def reserve(self, limits: Sequence[Limit], tokens: int) -> Any:
        self.asked.append((tuple(f"{limit.subject} {limit.name}" for limit in limits), tokens))
        decision = self.decisions.pop(0) if self.decisions else None
        return decision if decision is not None else Granted(self, [Level(limit, 1, 0.5) for limit in limits])


class Granted:
    def __init__(self, limiter: ScriptedLimiter, levels: list[Level]) -> None:
        self.levels = levels
        self._limiter = limiter
        self._is_settled = False

    def settle(self, tokens: int) -> None:
        assert not self._is_settled, "settled twice"
        self._is_settled = True
        self._limiter.settled.append(tokens)

    def give_back(self) -> None:
        self.settle(0)
        self._limiter.given_back += 1
