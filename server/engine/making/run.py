"""One response, from the first request to a provider to its end, however it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import structlog

from antiphon.responses import v1
from server.engine.answer.event_rules import admit
from server.engine.answer.obfuscation import PIECES
from server.engine.answer.open_part import Events
from server.engine.answer.transcript import Transcript
from server.engine.making import spent
from server.engine.making.attempts import Choice, Choices
from server.engine.making.patience import Patience
from server.engine.making.run_log import RunLog
from server.engine.making.running import Running
from server.errors import DeadlinePassed, Internal, NotFound, ServerStopping, ServiceError, UpstreamError
from server.limits.base import Limit, Reservation
from server.providers.base import CallContext, Places
from server.stores.base import ResponseStore, StoredResponse, UnknownConversation
from server.telemetry.log import log_unexpected
from server.telemetry.record import NO_TOKENS, Attempt, Observer, Outcome, ResponseRecord

_log = structlog.get_logger()

Reserve: TypeAlias = Callable[[Sequence[Limit], ResponseRecord], Awaitable[Reservation | None]]
_Batches: TypeAlias = AsyncIterator[Sequence[v1.ResponseStreamEvent]]

_GOING_ON: Final = frozenset({v1.Response.STATUS_QUEUED, v1.Response.STATUS_IN_PROGRESS})
_OUTCOMES: Final = {
    v1.Response.STATUS_COMPLETED: Outcome.COMPLETED,
    v1.Response.STATUS_INCOMPLETE: Outcome.INCOMPLETE,
    v1.Response.STATUS_FAILED: Outcome.FAILED,
}


class _Cancelled(ServiceError):
    """Asked to end as cancelled: nobody is told this."""


class _Steered(ServiceError):
    """Asked to end early, for another input that takes over: nobody is told this."""


class Run:
    """Makes one response. `response` is final when `events` is exhausted."""

    def __init__(
        self,
        request: v1.CreateResponseRequest,
        response: v1.Response,
        record: ResponseRecord,
        *,
        places: Places,
        choices: Choices,
        patience: Patience,
        reserve: Reserve,
        reservation: Reservation | None,
        kept: StoredResponse | None,
        store: ResponseStore,
        observer: Observer,
        running: Running,
        log: RunLog | None = None,
        room: asyncio.Semaphore | None = None,
    ) -> None:
        """With a `log`, all that is told is kept in it first; a response in the background waits for `room`."""
        self.response = response
        self.key = record.key
        self._request = request
        self._record = record
        self._places = places
        self._choices = choices
        self._patience = patience
        self._reserve = reserve
        #: What the whole response holds, and what the attempt that is going on holds.
        self._reservation = reservation
        self._attempt_reservation: Reservation | None = None
        #: Those of the limits that count whichever target is asked.
        self._levels = record.levels
        self._kept = kept
        self._store = store
        self._observer = observer
        self._running = running
        self._log = log
        self._room = room
        self._has_room = False
        self._transcript = Transcript(response, incremental=record.incremental)
        #: Whether anybody was told of the response, and whether of the provider's answer.
        self._is_open = False
        self._is_answering = False
        self._error: ServiceError | None = None
        self._last_batch = 0.0

    def interrupt(self, error: ServiceError) -> None:
        """End as failed with this error, as soon as the caller takes what it is told."""
        self._patience.interrupt(error)

    def cancel(self) -> None:
        """End as cancelled, as soon as the caller takes what it is told: whoever listens is told no more."""
        self._patience.interrupt(_Cancelled("The response was cancelled."))

    @property
    def size(self) -> int:
        """How large its request is, with all that it continues, in bytes."""
        return self._request.ByteSize()

    @property
    def error(self) -> ServiceError | None:
        """What the response failed with, once it has."""
        return self._error

    def steer(self) -> None:
        """End as incomplete with what was said so far, as soon as the caller takes what it is told. Only for one whose
        beginning was told."""
        self._patience.interrupt(_Steered("The response was steered."))

    async def events(self) -> AsyncGenerator[Events, None]:
        """The events, in batches. The first is told with the provider's first, so that what goes
        wrong before it can still be an error of the call, or be tried again."""
        self._running.add(self)
        choice = self._choices.first()
        opening = None if self._log is None else self._open(self._log)
        try:
            while True:
                attempt: Attempt | None = None
                batches: _Batches | None = None
                failure: ServiceError | None = None
                cause: Exception | None = None
                try:
                    if opening is not None:
                        async for told in opening:
                            self._count(told)
                            yield told
                        opening = None
                    if choice.wait:
                        await self._patience.sleep(choice.wait)
                    attempt, context = await self._begin_attempt(choice)
                    batches = choice.target.provider.stream(self._request, context)
                    while not self._transcript.ended:
                        told = await self._next(batches, attempt)
                        if self._transcript.ended:
                            told = await self._conclude(attempt, told)
                            self._end_attempt(attempt, None)
                            self._settle()
                        elif told and self._log is not None:
                            await self._log.tell(told)
                        if told:
                            self._count(told)
                            yield told
                        if self._transcript.fault is not None:
                            raise self._transcript.fault
                    self._choices.worked(choice.target)
                except _Cancelled:
                    await self._cancel()
                except ServiceError as error:
                    failure = error
                except Exception as error:
                    failure, cause = self._unexpected(error), error
                finally:
                    await self._close(batches)
                    self._end_attempt(attempt, failure)
                if failure is None:
                    return
                following = self._choices.after(choice.target, failure, is_final=self._is_answering)
                if following is None or not self._patience.allows(following.wait):
                    yield await self._fail(failure, cause)
                    return
                choice = following
                self._transcript = Transcript(self.response, incremental=self._record.incremental)
        finally:
            self._finish()

    async def _open(self, log: RunLog) -> AsyncGenerator[Events, None]:
        """Have the response be known before a provider is asked, and wait for room where it is to be made later."""
        if self._room is None:
            await log.begin(())
            return
        queued = self._transcript.queued()
        await log.begin(queued)
        self._is_open = True
        yield queued
        await self._patience.room(self._room)
        self._has_room = True
        self.response.status = v1.Response.STATUS_IN_PROGRESS
        begun = self._transcript.dequeued()
        await log.tell(begun, changed=True)
        yield begun

    async def _begin_attempt(self, choice: Choice) -> tuple[Attempt, CallContext]:
        """Begin an attempt. Raises `RateLimitExceeded` where the target's own limits do not allow one."""
        target = choice.target
        # Those of a target that was passed over say nothing of what is left for the caller.
        self._record.levels = self._levels
        self._attempt_reservation = await self._reserve(target.limits, self._record)
        attempt = Attempt(
            len(self._record.attempts) + 1,
            target.name,
            target.provider_name,
            target.provider_kind,
            target.upstream_model,
        )
        self._record.attempts.append(attempt)
        self._observer.attempt_begun(self._record, attempt)
        self._patience.begin(target.timeouts)
        self._last_batch = attempt.started
        # A provider may rely on its request as it is; those before it have ended.
        self._request.model = target.upstream_model
        context = CallContext(
            self._record.request_id,
            self.response.id,
            self._record.incremental,
            target.timeouts,
            attempt.trace_headers,
            target.unsupported,
            self._places,
            attempt.omitted,
        )
        return attempt, context

    async def _next(self, batches: _Batches, attempt: Attempt) -> Events:
        """Wait for what the provider says next; returns what callers are told of it."""
        try:
            batch = await self._patience.events(batches)
        except _Steered:
            return self._transcript.steer()
        if batch is None:
            raise UpstreamError("The provider's answer ended before it was complete.")
        return self._admit(batch, attempt)

    def _admit(self, batch: Sequence[v1.ResponseStreamEvent], attempt: Attempt) -> Events:
        """Take in what the provider said; returns what callers are told of it. An empty batch is a sign of life."""
        if not batch:
            return []
        record, now = self._record, time.perf_counter()
        if attempt.first_event is None:
            attempt.first_event = now - attempt.started
        else:
            self._observer.gap(record, now - self._last_batch)
        self._last_batch = now
        told = admit(self._transcript, batch)
        if self._transcript.fault is not None and not told:
            raise self._transcript.fault
        if not record.incremental:
            return told
        if not self._is_answering:
            self._is_answering = True
            record.first_event = now - record.started
            if not self._is_open:
                self._is_open = True
                told = self._transcript.begin() + told
        if record.first_token is None and any(event.WhichOneof("event") in PIECES for event in told):
            record.first_token = now - record.started
            self._observer.first_token(record)
        return told

    async def _conclude(self, attempt: Attempt, told: Events) -> Events:
        """End as the provider ended, having `told` the last of its events; returns them with the end. What is to be
        kept is committed before callers are told."""
        self._transcript.conclude()
        attempt.tokens = spent.spent(self.response.usage, self._record, self._transcript.output_so_far())
        if attempt.tokens.estimated and self.response.status != v1.Response.STATUS_FAILED:
            spent.write(attempt.tokens, self.response.usage)
        number = self._transcript.next_number
        ended = told + self._transcript.ending()
        try:
            await self._commit(ended)
        except ServiceError as error:
            if not self._record.incremental:
                raise
            self._error = error
            self._transcript.next_number = number
            failed = told + self._transcript.fail(error)
            if self._log is not None:
                # What is kept of it still says that it goes on.
                await self._commit_failure(failed)
            return failed
        return ended

    async def _fail(self, error: ServiceError, cause: Exception | None) -> Events:
        """End as failed. Where no events were told, the error is the call's own, and nothing is kept."""
        self._error = error
        if not self._is_open:
            await self._drop()
            raise error from cause
        ended = self._transcript.fail(error)
        await self._commit_failure(ended)
        self._settle()
        self._count(ended)
        return ended

    async def _commit_failure(self, ended: Events) -> None:
        """Keep what failed, if that can be. What goes on by the store's word is ended once its lease is over."""
        try:
            await self._commit(ended)
        except ServiceError:
            _log.warning("failed response not kept", response_id=self.response.id)

    async def _drop(self) -> None:
        """Keep nothing of what came to nothing. What cannot be dropped now is ended once its lease is over."""
        if self._log is not None:
            try:
                await self._log.drop()
            except ServiceError:
                _log.warning("failed response not dropped", response_id=self.response.id)

    async def _cancel(self) -> None:
        """End as cancelled, with what was said so far."""
        self._transcript.cancel()
        try:
            await self._commit(())
        except ServiceError:
            _log.warning("cancelled response not kept", response_id=self.response.id)

    def _count(self, told: Events) -> None:
        if self._record.incremental:  # of other calls nobody is told any
            self._record.events += len(told)

    async def _commit(self, told: Sequence[v1.ResponseStreamEvent]) -> None:
        """Keep the response with its last events, and what it adds to its conversation, where that is to be. Raises a
        `ServiceError`, and no other."""
        try:
            if self._log is not None:
                await self._log.end(told)
            elif self._kept is not None:
                await self._store.put(self._kept)
        except ServiceError:
            raise
        except UnknownConversation as unknown:
            raise NotFound(
                f"Conversation with id '{unknown.conversation_id}' was deleted while the response was made.",
                param="conversation",
            ) from None
        except Exception as error:
            raise self._unexpected(error) from error

    async def _close(self, batches: _Batches | None) -> None:
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
        served = self._record.served_by
        provider = served.provider if served is not None else None
        log_unexpected(error, provider=provider, request_id=self._record.request_id)
        return Internal("The server met an unexpected error.")

    def _end_attempt(self, attempt: Attempt | None, failure: ServiceError | None) -> None:
        """Runs for every attempt, however it ended; only the first time counts."""
        tokens = NO_TOKENS
        if attempt is not None and attempt.outcome is None:
            attempt.duration = time.perf_counter() - attempt.started
            attempt.error = failure
            attempt.outcome = self._outcome(failure)
            if attempt.tokens is NO_TOKENS:
                told = self._transcript.output_so_far() if self._is_answering else None
                attempt.tokens = spent.spent(self.response.usage, self._record, told)
            tokens = attempt.tokens
            self._observer.attempt_ended(self._record, attempt)
        if self._attempt_reservation is not None:
            self._attempt_reservation.settle(tokens.total)
            self._attempt_reservation = None

    def _settle(self) -> None:
        """Give back what the response holds and has not used. Whoever hears of its end may call again at once, so this
        comes before it is told."""
        record = self._record
        if record.attempts:
            record.tokens = record.attempts[-1].tokens
        if self._reservation is not None:
            if record.attempts:
                self._reservation.settle(record.tokens.total)
            else:
                self._reservation.give_back()
            self._reservation = None

    def _outcome(self, failure: ServiceError | None) -> Outcome:
        if isinstance(failure, DeadlinePassed):
            return Outcome.DEADLINE
        if isinstance(failure, ServerStopping):
            return Outcome.SHUTDOWN
        if failure is not None:
            return Outcome.FAILED
        if self._transcript.ended:
            return _OUTCOMES[self.response.status]
        # Neither an end nor a failure: whoever asked takes no more.
        return Outcome.DEADLINE if self._patience.deadline_passed else Outcome.CANCELLED

    def _finish(self) -> None:
        """Runs once, however the response ended: the one place for what must happen at its end."""
        record = self._record
        self._running.discard(self)
        record.error = self._error
        record.outcome = self._outcome(self._error)
        if record.outcome is Outcome.FAILED and not record.attempts:
            record.outcome = Outcome.REFUSED  # by the limits of every target
        if self.response.status in _GOING_ON and self._error is None:
            self._transcript.cancel()
        if self._has_room and self._room is not None:
            self._room.release()
        record.duration = time.perf_counter() - record.started
        record.response = self.response
        self._settle()
        self._observer.ended(record)
