"""Several observers as one, none of which can harm a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.limits.base import Refusal, Reservation
from server.telemetry.log import log_unexpected
from server.telemetry.record import Attempt, Observer, ResponseRecord


class Observers:
    """An `Observer` that tells others, in their order. What one of them raises is logged, and the others are told."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._begun = [observer.begun for observer in observers]
        self._limited = [observer.limited for observer in observers]
        self._attempt_begun = [observer.attempt_begun for observer in observers]
        self._attempt_ended = [observer.attempt_ended for observer in observers]
        self._first_token = [observer.first_token for observer in observers]
        self._gap = [observer.gap for observer in observers]
        self._ended = [observer.ended for observer in observers]

    def begun(self, record: ResponseRecord) -> None:
        for tell in self._begun:
            _guarded(tell, record)

    def limited(self, record: ResponseRecord, decision: Reservation | Refusal) -> None:
        for tell in self._limited:
            _guarded(tell, record, decision)

    def attempt_begun(self, record: ResponseRecord, attempt: Attempt) -> None:
        for tell in self._attempt_begun:
            _guarded(tell, record, attempt)

    def attempt_ended(self, record: ResponseRecord, attempt: Attempt) -> None:
        for tell in self._attempt_ended:
            _guarded(tell, record, attempt)

    def first_token(self, record: ResponseRecord) -> None:
        for tell in self._first_token:
            _guarded(tell, record)

    def gap(self, record: ResponseRecord, seconds: float) -> None:
        for tell in self._gap:
            _guarded(tell, record, seconds)

    def ended(self, record: ResponseRecord) -> None:
        for tell in self._ended:
            _guarded(tell, record)


def _guarded(tell: Callable[..., None], *told: object) -> None:
    try:
        tell(*told)
    except Exception as error:
        log_unexpected(error)
