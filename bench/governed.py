"""What governing and observing cost: the same server with all of it, and with none, on the same calls.

In memory, in one process, without a socket: an upstream that is always ready, the memory store and limiter, spans
that are made, queued and thrown away, and a log that nobody reads. So the difference is that of limits, usage,
metrics, traces and the log line, and nothing else's.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Any

import orjson
import uvloop
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from antiphon import openai_json
from antiphon.responses import v1
from bench import samples
from bench.tables import table
from server.config import parse
from server.engine.compact import Condenser
from server.engine.connection.session import SessionLimits
from server.engine.connection.sessions import Sessions
from server.engine.count import Counter
from server.engine.create import Creator
from server.engine.input.compactions import Compactions
from server.engine.input.history import Histories, HistoryLimits
from server.engine.keep import Keeper
from server.engine.making.balance import Balance
from server.engine.making.running import Running
from server.generation import open_generations
from server.inprocess import Handlers, InProcessChannel
from server.interceptors import InFlight, Watcher, chain
from server.limits.memory import open_limiter
from server.models import Models
from server.observing import expect, observing
from server.providers.base import CallContext
from server.services.responses import ResponsesService
from server.stores.memory import open_store
from server.telemetry import log
from server.telemetry.metrics import Metrics
from server.telemetry.record import Observer
from server.telemetry.timed_store import timed

_KEY = "ak-0123456789abcdef"
#: Of the key, of its tenant and of the model: nine in all.
_LIMITS = "{rpm: 100000000, tpm: 100000000000, concurrency: 1000}"
_CONFIGURATION = """
store: memory
models: {MODEL: {provider: scripted, limits: LIMITS}}
keys: [{name: dev, key: KEY, tenant: acme, limits: LIMITS}]
tenants: {acme: {limits: LIMITS}}
"""
#: Aimed at, in µs: per request that is not streamed, and per event of a stream.
_AIMS = (180.0, 1.5)


class _Ready:
    """A provider that has its answer at once, and all of it."""

    def __init__(self) -> None:
        events = [openai_json.decode(orjson.dumps(event), v1.ResponseStreamEvent) for event in samples.events()]
        self._events = v1.ResponseStreamChunk(events=events).SerializeToString()
        self._last = v1.ResponseStreamChunk(events=events[-1:]).SerializeToString()

    async def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        yield list(v1.ResponseStreamChunk.FromString(self._events if context.incremental else self._last).events)


class _Nowhere(SpanExporter):
    """Takes spans and forgets them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to close."""


@asynccontextmanager
async def _serving(*, governed: bool) -> AsyncIterator[v1.ResponsesServiceStub]:
    text = _CONFIGURATION.replace("KEY", _KEY).replace("MODEL", samples.MODEL)
    config = parse(text.replace("LIMITS", _LIMITS if governed else "{}"), {})
    async with AsyncExitStack() as stack:
        generations = await stack.enter_async_context(open_generations(config))
        generations.current.models = Models(config.models, {"scripted": _Ready()})
        memory = await stack.enter_async_context(open_store("memory?max_responses=100"))
        limiter = await stack.enter_async_context(open_limiter("memory"))
        metrics, balance = Metrics(), Balance()
        store: Any = memory
        observer, watchers, spans = Observer(), list[Watcher](), None
        if governed:
            seen = await stack.enter_async_context(
                observing(config, metrics, memory, limiter, balance, exporter=_Nowhere())
            )
            expect(metrics, config)
            observer, watchers, spans = seen.observer, [seen.watcher], seen.spans
            store = timed(memory, metrics.store)
        compactions, running, limits = Compactions(), Running(), HistoryLimits()
        histories = Histories(store=store, conversations=memory, compactions=compactions, limits=limits)
        creator = Creator(
            store=store,
            limiter=limiter,
            observer=observer,
            running=running,
            balance=balance,
            histories=histories,
            compactions=compactions,
            retention=config.retention,
        )
        counter = Counter(histories=histories, limiter=limiter, observer=observer, running=running, balance=balance)
        sessions = Sessions(creator, running, limits=SessionLimits(), history_limits=limits)
        handlers = Handlers()
        service = ResponsesService(creator, Keeper(store), counter, Condenser(creator, compactions), sessions)
        v1.add_ResponsesServiceServicer_to_server(service, handlers)  # type: ignore[no-untyped-call]
        interceptors = chain(generations, InFlight(), watchers, spans)
        yield v1.ResponsesServiceStub(InProcessChannel(handlers.generic, interceptors))


async def _round(stub: v1.ResponsesServiceStub, stream: bool, calls: int) -> float:
    """µs of CPU time for each call."""
    request = openai_json.decode(orjson.dumps(samples.request(stream=stream)), v1.CreateResponseRequest)
    metadata = (("authorization", f"Bearer {_KEY}"),)
    begun = time.process_time()
    for _ in range(calls):
        if stream:
            async for _chunk in stub.StreamCreateResponse(request, metadata=metadata):
                pass
        else:
            await stub.CreateResponse(request, metadata=metadata)
        # What is written and sent behind the call's back is part of its price.
        await asyncio.sleep(0)
    return (time.process_time() - begun) / calls * 1e6


async def _measure(rounds: int, calls: int) -> dict[tuple[bool, bool], list[float]]:
    found: dict[tuple[bool, bool], list[float]] = {}
    async with _serving(governed=False) as bare, _serving(governed=True) as governed:
        stubs = {False: bare, True: governed}
        for number in range(rounds + 1):
            for stream in (False, True):
                for kind, stub in stubs.items():
                    cost = await _round(stub, stream, calls // 2 if stream else calls)
                    if number:  # the first warms up
                        found.setdefault((stream, kind), []).append(cost)
    return found


def report(*, rounds: int, calls: int) -> str:
    """Measure, and return the table."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    log.configure(descriptor=nowhere)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    found = uvloop.run(_measure(rounds, calls))
    rows = []
    for stream, title, per, aim in (
        (False, "non-stream", 1, f"<= {_AIMS[0]:g} a request"),
        (True, f"stream of {samples.EVENTS} events", samples.EVENTS, f"<= {_AIMS[1]:g} an event, beyond non-stream's"),
    ):
        off, on = found[stream, False], found[stream, True]
        more = median(a - b for a, b in zip(on, off, strict=True))
        rows.append([title, f"{median(off):,.0f}", f"{median(on):,.0f}", f"{more:,.0f}", f"{more / per:,.2f}", aim])
    return table(["in memory, CPU µs", "with none", "with all", "more", "more per event", "aim"], rows)
