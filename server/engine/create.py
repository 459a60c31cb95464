"""The one path by which every response is made: unary or streamed, over whichever transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from antiphon.responses import v1
from server.auth.base import Caller
from server.engine import estimate, history, validate
from server.engine.attempts import Choices
from server.engine.balance import Balance
from server.engine.ids import new_id
from server.engine.open_part import Events
from server.engine.outline import outline
from server.engine.patience import Patience
from server.engine.quota import reserve
from server.engine.run import Run
from server.engine.running import Running
from server.errors import DeadlinePassed, Internal, KeyRevoked, ModelAccessForbidden, ServiceError
from server.limits.base import Kind, Limit, Limiter, Reservation
from server.providers.base import Route, Router
from server.stores.base import ResponseStore, StoredResponse
from server.telemetry.log import log_unexpected
from server.telemetry.record import Observer, Outcome, ResponseRecord


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and how."""

    caller: Caller
    #: What becomes known of the response; the engine fills it in.
    record: ResponseRecord
    #: The models that are served to this call.
    router: Router
    #: When the caller stops waiting, by the event loop's clock.
    deadline: float | None = None


def route_of(request: v1.CreateResponseRequest, call: Call) -> Route:
    """Where a request goes, once it is found sound and its caller may make it. Raises a `ServiceError`."""
    validate.check_create(request)
    route = call.router.resolve(request.model)
    call.record.model_is_known = True
    if not call.caller.may_use(request.model):
        raise ModelAccessForbidden("This API key may not use the model that was asked for.", param="model")
    return route


class Creator:
    """Makes responses."""

    def __init__(
        self,
        *,
        store: ResponseStore,
        limiter: Limiter,
        observer: Observer,
        running: Running,
        balance: Balance,
        history_limits: history.HistoryLimits,
        retention: timedelta | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._limiter = limiter
        self._observer = observer
        self._running = running
        self._balance = balance
        self._history_limits = history_limits
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

    async def _begin(self, request: v1.CreateResponseRequest, call: Call) -> Run:
        """Do all that can refuse a request before a provider is asked."""
        record = call.record
        self._observer.begun(record)
        try:
            return await self._prepare(request, call)
        except BaseException as error:
            self._refused(record, error, call)
            raise

    async def _prepare(self, request: v1.CreateResponseRequest, call: Call) -> Run:
        record = call.record
        route = route_of(request, call)
        context = await history.assemble(request, call.caller.tenant, self._store, self._history_limits)
        record.history = context.whole
        now = int(self._clock())
        response = outline(request, new_id("resp"), now)
        record.response_id = response.id
        kept = None
        if response.store:
            expires = None if self._retention is None else now + int(self._retention.total_seconds())
            kept = StoredResponse(call.caller.tenant, response, context.own, expires)
        # Last, so that nothing is reserved for a call that is refused.
        reservation = await self._reserve(call.caller.limits + route.limits, record)
        if call.caller.is_revoked:
            # Since it was accepted. From here on nothing is waited for until the run can be interrupted.
            if reservation is not None:
                reservation.give_back()
            raise KeyRevoked
        return Run(
            upstream_request(request, context.whole, record.incremental),
            response,
            record,
            inherited=context.inherited,
            choices=Choices(route, self._balance),
            patience=Patience(total=route.total, deadline=call.deadline, incremental=record.incremental),
            reserve=self._reserve,
            reservation=reservation,
            kept=kept,
            store=self._store,
            observer=self._observer,
            running=self._running,
        )

    async def _reserve(self, limits: Sequence[Limit], record: ResponseRecord) -> Reservation | None:
        """Reserve what a response may come to; None where nothing is limited. Raises `RateLimitExceeded`."""
        most = min((limit.amount for limit in limits if limit.kind is Kind.TOKENS), default=0)
        tokens = estimate.reserve_for(record.request, record.history, most) if most else 0
        return await reserve(self._limiter, self._observer, limits, record, tokens)

    def _refused(self, record: ResponseRecord, error: BaseException, call: Call) -> None:
        record.outcome = Outcome.REFUSED
        if isinstance(error, ServiceError):
            record.error = error
        elif isinstance(error, Exception):
            log_unexpected(error, request_id=record.request_id)
            record.outcome, record.error = Outcome.FAILED, Internal("The server met an unexpected error.")
        elif call.deadline is not None and asyncio.get_running_loop().time() >= call.deadline:
            record.outcome, record.error = Outcome.DEADLINE, DeadlinePassed()
        else:
            record.outcome = Outcome.CANCELLED
        record.duration = time.perf_counter() - record.started
        self._observer.ended(record)


def upstream_request(
    request: v1.CreateResponseRequest, whole: Sequence[v1.Item] | None, incremental: bool
) -> v1.CreateResponseRequest:
    """The request as providers get it, but for the model's name: whole, and without what is the gateway's to do."""
    asked = v1.CreateResponseRequest()
    asked.CopyFrom(request)
    for name in ("previous_response_id", "stream", "background", "store"):
        asked.ClearField(name)
    if not incremental:
        asked.ClearField("stream_options")
    if whole is not None:
        asked.ClearField("input_text")
        asked.ClearField("input")
        asked.input.extend(whole)
    return asked
