"""Several observers as one, none of which can harm a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from server.limits.base import Refusal, Reservation
from server.telemetry.log import log_unexpected
from server.telemetry.record import Attempt, Observer, ResponseRecord

_Tell: TypeAlias = Callable[..., None]


class Observers(Observer):
    """An `Observer` that tells others, in their order: each what it takes up. What one of them raises is logged, and
    the others are told."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._begun = _taking_up("begun", observers)
        self._limited = _taking_up("limited", observers)
        self._attempt_begun = _taking_up("attempt_begun", observers)
        self._attempt_ended = _taking_up("attempt_ended", observers)
        self._first_token = _taking_up("first_token", observers)
        self._gap = _taking_up("gap", observers)
        self._ended = _taking_up("ended", observers)

    def begun(self, record: ResponseRecord) -> None:
        _tell(self._begun, record)

    def limited(self, record: ResponseRecord, decision: Reservation | Refusal) -> None:
        _tell(self._limited, record, decision)

    def attempt_begun(self, record: ResponseRecord, attempt: Attempt) -> None:
        _tell(self._attempt_begun, record, attempt)

    def attempt_ended(self, record: ResponseRecord, attempt: Attempt) -> None:
        _tell(self._attempt_ended, record, attempt)

    def first_token(self, record: ResponseRecord) -> None:
        _tell(self._first_token, record)

    def gap(self, record: ResponseRecord, seconds: float) -> None:
        _tell(self._gap, record, seconds)

    def ended(self, record: ResponseRecord) -> None:
        _tell(self._ended, record)


def _taking_up(what: str, observers: Sequence[Observer]) -> list[_Tell]:
    return [getattr(one, what) for one in observers if getattr(type(one), what) is not getattr(Observer, what)]


def _tell(observers: list[_Tell], *told: object) -> None:
    for tell in observers:
        try:
            tell(*told)
        except Exception as error:
            log_unexpected(error)
