"""A response that only prepares a turn: what is to be continued is kept, and no provider is asked."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

from antiphon.responses import v1
from server.engine.answer.open_part import Events
from server.engine.answer.transcript import Transcript
from server.errors import Internal, ServiceError
from server.limits.base import Reservation
from server.stores.base import ResponseStore, StoredResponse
from server.telemetry.log import log_unexpected
from server.telemetry.record import Observer, Outcome, ResponseRecord


class WarmUp:
    """Makes one response without output or tokens. `response` is final when `events` is exhausted."""

    def __init__(
        self,
        response: v1.Response,
        record: ResponseRecord,
        *,
        reservation: Reservation | None,
        kept: StoredResponse | None,
        store: ResponseStore,
        observer: Observer,
    ) -> None:
        self.response = response
        self._record = record
        self._reservation = reservation
        self._kept = kept
        self._store = store
        self._observer = observer

    async def events(self) -> AsyncGenerator[Events, None]:
        """All events, in one batch. Raises a `ServiceError` where the response cannot be kept."""
        record = self._record
        record.outcome = Outcome.CANCELLED
        transcript = Transcript(self.response, incremental=record.incremental)
        told = transcript.begin()
        try:
            transcript.end("completed", v1.Response(), told)
            transcript.conclude()
            await self._commit()
            told += transcript.ending()
            record.outcome = Outcome.COMPLETED
            record.events = len(told)
            record.first_event = time.perf_counter() - record.started
            # It counts as a request, which may be followed by another at once.
            self._settle()
            yield told
        except ServiceError as error:
            record.outcome, record.error = Outcome.FAILED, error
            raise
        finally:
            if record.outcome is Outcome.CANCELLED:
                transcript.cancel()
            self._settle()
            record.duration = time.perf_counter() - record.started
            record.response = self.response
            self._observer.ended(record)

    async def _commit(self) -> None:
        if self._kept is None:
            return
        try:
            await self._store.put(self._kept)
        except ServiceError:
            raise
        except Exception as error:
            log_unexpected(error, request_id=self._record.request_id)
            raise Internal("The server met an unexpected error.") from error

    def _settle(self) -> None:
        if self._reservation is not None:
            self._reservation.settle(0)
            self._reservation = None
