"""The one path by which every response is made: unary or streamed, over whichever transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from datetime import timedelta

from antiphon.responses import v1
from server.auth.base import Caller
from server.engine.answer.ids import new_id
from server.engine.answer.obfuscation import Padding, copies
from server.engine.answer.open_part import Events
from server.engine.answer.outline import outline
from server.engine.background.live import Hold, Listening
from server.engine.background.lives import Lives
from server.engine.background.once import Once
from server.engine.compaction.managed import Managed
from server.engine.input import estimate, validate
from server.engine.input.compactions import Compactions
from server.engine.input.history import Histories
from server.engine.input.recent import Recall
from server.engine.keep import expiry
from server.engine.making.attempts import Choices
from server.engine.making.balance import Balance
from server.engine.making.patience import Patience
from server.engine.making.quota import reserve
from server.engine.making.run import Run
from server.engine.making.run_log import RunLog
from server.engine.making.running import Running
from server.engine.making.warm_up import WarmUp
from server.errors import (
    DeadlinePassed,
    Internal,
    InvalidValue,
    KeyRevoked,
    ModelAccessForbidden,
    ServiceError,
    UnsupportedParameter,
)
from server.limits.base import Kind, Limit, Limiter, Reservation
from server.providers.base import OnDisconnect, Route, Router
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
    #: What tells this request from others of the same caller when it is sent again; empty for nothing.
    idempotency_key: str = ""
    #: Keeps open what the call needs, for a response that goes on without it.
    hold: Hold = nullcontext
    #: What can be continued beside what the store keeps.
    recall: Recall | None = None
    #: Whether it is one of many on a connection, with which all that is made ends.
    is_on_connection: bool = False
    #: False to prepare a turn only: no provider is asked, and the response completes without output.
    generates: bool = True


def route_of(request: v1.CreateResponseRequest, call: Call) -> Route:
    """Where a request goes, once it is found sound and its caller may make it. Raises a `ServiceError`."""
    validate.check_create(request, generates=call.generates)
    if request.background and call.is_on_connection:
        raise UnsupportedParameter("A connection makes no background responses.", param="background")
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
        histories: Histories,
        compactions: Compactions,
        retention: timedelta | None,
        lives: Lives | None = None,
        pads: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without `lives`, no response goes on without its caller; `pads` is what holds for callers who do not say
        whether they want padding."""
        self._store = store
        self._limiter = limiter
        self._observer = observer
        self._running = running
        self._balance = balance
        self._histories = histories
        self._compactions = compactions
        self._retention = retention
        self._lives = lives
        self._pads = pads
        self._once = None if lives is None else Once(lives, store)
        self._clock = clock

    async def create(self, request: v1.CreateResponseRequest, call: Call) -> v1.Response:
        """Make a response and return it once it has ended: the stream, read to its end.

        Raises a `ServiceError` when it cannot be had; one that the model ended early, or failed, is returned.
        """
        made = await self._make(request, call)
        if isinstance(made, Run | WarmUp):
            async for _ in made.events():
                pass
            return made.response
        return await (made.begun() if request.background else made.result())

    async def stream(self, request: v1.CreateResponseRequest, call: Call) -> AsyncGenerator[Events, None]:
        """Make a response and tell its events as they happen, in batches. They become the caller's.

        Raises a `ServiceError` before the first batch; after it, the events
        themselves say what went wrong. Closing the iterator cancels the
        response, unless it is one that goes on without its caller.
        """
        made = await self._make(request, call)
        events = made.events() if isinstance(made, Run | WarmUp) else _own(made.follow(-1))
        asked = request.stream_options
        pads = asked.include_obfuscation if asked.HasField("include_obfuscation") else self._pads
        padding = Padding() if pads else None
        try:
            async for batch in events:
                yield batch if padding is None else padding.pad(batch)
        finally:
            await events.aclose()

    async def _make(self, request: v1.CreateResponseRequest, call: Call) -> Run | WarmUp | Listening:
        """Begin a response, which goes on by itself if it is `Listening`; or find the one that was begun for the same
        request before."""
        if not call.idempotency_key:
            return await self._begin(request, call, new_id("resp"))
        if self._once is None:
            raise _no_runs("Idempotency-Key")
        if request.HasField("store") and not request.store:
            raise InvalidValue(
                "An 'Idempotency-Key' needs 'store': what it stands for is kept, to be told again.", param="store"
            )

        async def begin(response_id: str) -> Listening:
            made = await self._begin(request, call, response_id)
            assert not isinstance(made, Run | WarmUp), "what has a key goes on by itself"
            return made

        made, known = await self._once.make(request, call.caller.tenant, call.idempotency_key, begin)
        if known:
            route_of(request, call)
            call.record.response_id = known
            call.record.is_replayed = True
        return made

    async def _begin(self, request: v1.CreateResponseRequest, call: Call, response_id: str) -> Run | WarmUp | Listening:
        """Do all that can refuse a request before a provider is asked."""
        record = call.record
        self._observer.begun(record)
        try:
            run = await self._prepare(request, call, response_id)
        except BaseException as error:
            self._refused(record, error, call)
            raise
        if isinstance(run, WarmUp) or not record.is_detached or self._lives is None:
            return run
        return self._lives.start(run, call.caller.tenant, call.hold)

    async def _prepare(self, request: v1.CreateResponseRequest, call: Call, response_id: str) -> Run | WarmUp:
        record = call.record
        route = route_of(request, call)
        tenant = call.caller.tenant
        if request.context_management:
            route = Managed(request, tenant, self._compactions).route(route)
        context = await self._histories.assemble(request, tenant, call.recall)
        record.history, record.own = context.whole, context.own
        now = int(self._clock())
        response = outline(request, response_id, now)
        record.response_id = response.id
        kept = None
        if response.store or response.HasField("conversation"):
            expires_at = expiry(now, self._retention)
            kept = StoredResponse(tenant, response, context.own, expires_at, is_kept=response.store)
        log = self._log(kept, route, call)
        if response.background and self._lives is not None:
            self._lives.check_room()
        # Last, so that nothing is reserved for a call that is refused.
        reservation = await self._reserve(call.caller.limits + route.limits, record, generates=call.generates)
        if call.caller.is_revoked:
            # Since it was accepted. From here on nothing is waited for until the run can be interrupted.
            if reservation is not None:
                reservation.give_back()
            raise KeyRevoked
        if not call.generates:
            return WarmUp(
                response, record, reservation=reservation, kept=kept, store=self._store, observer=self._observer
            )
        return Run(
            upstream_request(request, context.whole, record.incremental),
            response,
            record,
            places=context.places,
            choices=Choices(route, self._balance),
            patience=Patience(
                total=route.total, deadline=None if log else call.deadline, incremental=record.incremental
            ),
            reserve=self._reserve,
            reservation=reservation,
            kept=kept,
            store=self._store,
            observer=self._observer,
            running=self._running,
            log=log,
            room=self._lives.room if self._lives is not None and response.background else None,
        )

    def _log(self, kept: StoredResponse | None, route: Route, call: Call) -> RunLog | None:
        """The log of a response that goes on without its caller; None where it ends with its caller."""
        record = call.record
        in_background = kept is not None and kept.response.background
        goes_on = route.on_disconnect is OnDisconnect.CONTINUE and record.incremental
        if kept is None or not kept.is_kept or not call.generates:
            return None
        if not (in_background or goes_on or call.idempotency_key):
            return None
        if self._lives is None:
            if in_background:
                raise _no_runs("background")
            return None
        record.is_detached = record.incremental = True
        return RunLog(self._lives.owner, kept, call.idempotency_key)

    async def _reserve(
        self, limits: Sequence[Limit], record: ResponseRecord, *, generates: bool = True
    ) -> Reservation | None:
        """Reserve what a response may come to; None where nothing is limited. Raises `RateLimitExceeded`."""
        most = min((limit.amount for limit in limits if limit.kind is Kind.TOKENS), default=0)
        tokens = estimate.reserve_for(record.request, record.history, most) if most and generates else 0
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


async def _own(events: AsyncGenerator[Events, None]) -> AsyncGenerator[Events, None]:
    """Copies of events that others are told too."""
    async with aclosing(events):
        async for batch in events:
            yield copies(batch)


def _no_runs(param: str) -> UnsupportedParameter:
    return UnsupportedParameter(f"'{param}' is not supported with the store that is configured.", param=param)


def upstream_request(
    request: v1.CreateResponseRequest, whole: Sequence[v1.Item] | None, incremental: bool
) -> v1.CreateResponseRequest:
    """The request as providers get it, but for the model's name: whole, and without what is the gateway's to do."""
    asked = v1.CreateResponseRequest()
    asked.CopyFrom(request)
    for name in ("previous_response_id", "conversation", "conversation_id", "stream", "background", "store"):
        asked.ClearField(name)
    if not incremental:
        asked.ClearField("stream_options")
    if whole is not None:
        asked.ClearField("input_text")
        asked.ClearField("input")
        asked.input.extend(whole)
    return asked
