"""The one path by which every response is made: unary or streamed, over whichever transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from antiphon.responses import v1
from server.auth.base import Caller
from server.engine import history, validate
from server.engine.event_rules import admit
from server.engine.ids import new_id
from server.engine.open_part import Events
from server.engine.outline import outline
from server.engine.transcript import Transcript
from server.errors import Internal, ModelAccessForbidden, ServiceError, Timeout, UpstreamError
from server.providers.base import CallContext, Route, Router, Timeouts
from server.stores.base import ResponseStore, StoredResponse
from server.telemetry.log import log_unexpected

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and how."""

    caller: Caller
    request_id: str
    #: Whether events are wanted as they happen, rather than the response once it has ended.
    incremental: bool


class Creator:
    """Makes responses."""

    def __init__(
        self,
        *,
        router: Router,
        store: ResponseStore,
        limits: history.HistoryLimits,
        retention: timedelta | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._router = router
        self._store = store
        self._limits = limits
        self._retention = retention
        self._clock = clock

    async def create(self, request: v1.CreateResponseRequest, call: Call) -> v1.Response:
        """Make a response and return it once it has ended: the stream, read to its end.

        Raises a `ServiceError` when it cannot be had; one that the model ended early, or failed, is returned.
        """
        run = await self._begin(request, call)
        async for _ in run.events():
            pass
        return run.response

    async def stream(self, request: v1.CreateResponseRequest, call: Call) -> AsyncGenerator[Events, None]:
        """Make a response and tell its events as they happen, in batches.

        Raises a `ServiceError` before the first batch; after it, the events
        themselves say what went wrong. Closing the iterator cancels the response.
        """
        run = await self._begin(request, call)
        events = run.events()
        try:
            async for batch in events:
                yield batch
        finally:
            await events.aclose()

    async def _begin(self, request: v1.CreateResponseRequest, call: Call) -> _Run:
        """Do all that can refuse a request before a provider is asked."""
        validate.check_create(request)
        route = self._router.resolve(request.model)
        if not call.caller.may_use(request.model):
            raise ModelAccessForbidden("This API key may not use the model that was asked for.", param="model")
        context = await history.assemble(request, call.caller.tenant, self._store, self._limits)
        now = int(self._clock())
        response = outline(request, new_id("resp"), now)
        kept = None
        if response.store:
            expires = None if self._retention is None else now + int(self._retention.total_seconds())
            kept = StoredResponse(call.caller.tenant, response, context.own, expires)
        return _Run(_upstream_request(request, route, context, call), response, route, call, kept, self._store)


def _upstream_request(
    request: v1.CreateResponseRequest, route: Route, context: history.Context, call: Call
) -> v1.CreateResponseRequest:
    """The request as a provider gets it: whole, and without what is the gateway's to do."""
    asked = v1.CreateResponseRequest()
    asked.CopyFrom(request)
    asked.model = route.upstream_model
    for name in ("previous_response_id", "stream", "background", "store"):
        asked.ClearField(name)
    if not call.incremental:
        asked.ClearField("stream_options")
    if context.whole is not None:
        asked.ClearField("input_text")
        asked.ClearField("input")
        asked.input.extend(context.whole)
    return asked


class _Run:
    """One response, from the provider's first event to the end, however it ends.

    `response` is final when `events` is exhausted.
    """

    def __init__(
        self,
        request: v1.CreateResponseRequest,
        response: v1.Response,
        route: Route,
        call: Call,
        kept: StoredResponse | None,
        store: ResponseStore,
    ) -> None:
        self.response = response
        self.error: ServiceError | None = None
        self._request = request
        self._route = route
        self._call = call
        self._kept = kept
        self._store = store
        self._transcript = Transcript(response, incremental=call.incremental)
        self._begun = False
        self._finished = False

    async def events(self) -> AsyncGenerator[Events, None]:
        """The events, in batches. The first is told with the provider's first, so that what goes
        wrong before it can still be an error of the call."""
        context = CallContext(self._call.request_id, self.response.id, self._call.incremental, self._route.timeouts)
        batches = self._route.provider.stream(self._request, context)
        patience = _Patience(self._route.timeouts, self._call.incremental)
        try:
            while not self._transcript.ended:
                batch = await patience.wait(batches)
                if batch is None:
                    raise UpstreamError("The provider's answer ended before it was complete.")
                told = admit(self._transcript, batch)
                fault = self._transcript.fault
                if fault is not None and not told:
                    raise fault
                told = self._opened(told)
                if self._transcript.ended:
                    told += await self._conclude()
                if told:
                    yield told
                if fault is not None:
                    raise fault
        except ServiceError as error:
            yield await self._fail(error)
        except Exception as error:
            yield await self._fail(self._unexpected(error), cause=error)
        finally:
            await self._close(batches)
            self._finish()

    def _opened(self, told: Events) -> Events:
        """Put the events that open every response before the first that a caller is told."""
        if self._begun or not self._call.incremental:
            return told
        self._begun = True
        return self._transcript.begin() + told

    async def _conclude(self) -> Events:
        """End as the provider ended. What is to be kept is committed before callers are told."""
        self._transcript.conclude()
        try:
            await self._commit()
        except ServiceError as error:
            if not self._call.incremental:
                raise
            self.error = error
            return self._transcript.fail(error)
        return self._transcript.ending()

    async def _fail(self, error: ServiceError, cause: Exception | None = None) -> Events:
        """End as failed. Where no events were told, the error is the call's own, and nothing is kept."""
        self.error = error
        if not self._begun:
            raise error from cause
        ended = self._transcript.fail(error)
        try:
            await self._commit()
        except ServiceError:
            _log.warning("failed response not kept", response_id=self.response.id)
        return ended

    async def _commit(self) -> None:
        """Keep the response, where it is to be kept. Raises a `ServiceError`, and no other."""
        if self._kept is None:
            return
        try:
            await self._store.put(self._kept)
        except ServiceError:
            raise
        except Exception as error:
            raise self._unexpected(error) from error

    async def _close(self, batches: AsyncIterator[Sequence[v1.ResponseStreamEvent]]) -> None:
        """Let the provider close its connection now, not when the iterator is collected."""
        close = getattr(batches, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except Exception as error:
            # The answer is what it is, however the connection to the provider ends.
            self._unexpected(error)

    def _unexpected(self, error: Exception) -> ServiceError:
        log_unexpected(error, provider=self._route.provider_name, request_id=self._call.request_id)
        return Internal("The server met an unexpected error.")

    def _finish(self) -> None:
        """Runs once, however the response ended: the one place for what must happen at its end."""
        if self._finished:
            return
        self._finished = True
        if self.response.status == v1.Response.STATUS_IN_PROGRESS and self.error is None:
            self._transcript.cancel()


class _Patience:
    """How long to wait for each batch of a provider."""

    def __init__(self, timeouts: Timeouts, incremental: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._end = self._loop.time() + timeouts.total
        self._next = timeouts.first_event if incremental else timeouts.total
        self._what = f"no event within {timeouts.first_event:g} s"

    async def wait(
        self, batches: AsyncIterator[Sequence[v1.ResponseStreamEvent]]
    ) -> Sequence[v1.ResponseStreamEvent] | None:
        """The next batch, or None when there is none. Raises `Timeout`."""
        now = self._loop.time()
        if now >= self._end:
            # A timer ends what waits only: a provider that always has more ready would never be ended by it.
            raise self._no_end()
        deadline = min(now + self._next, self._end)
        try:
            async with asyncio.timeout_at(deadline) as timer:
                batch = await anext(batches, None)
        except TimeoutError:
            if not timer.expired():
                raise  # the provider's own, which says nothing of how long was waited here
            if deadline < self._end:
                raise Timeout(f"The provider sent {self._what}.") from None
            raise self._no_end() from None
        self._next = self._timeouts.idle
        self._what = f"no further event within {self._timeouts.idle:g} s"
        return batch

    def _no_end(self) -> Timeout:
        return Timeout(f"The provider sent no end within {self._timeouts.total:g} s.")
