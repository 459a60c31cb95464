"""A stream as its transport has it: one response, or the lanes of a connection with one response after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from antiphon.responses import v1
from server.checking.decoding import Told, checked, told_by
from server.checking.frames import Frame
from server.checking.report import Report, Unreadable
from server.checking.rules import Rule
from server.checking.stream import StreamChecker

#: More than any connection may have.
_MAX_LANES: Final = 256


@dataclass(frozen=True, slots=True)
class Summary:
    """What a stream held."""

    events: int
    items: int
    responses: int
    #: How the last response ended: `completed`, `incomplete` or `failed`; None if it did not.
    terminal: str | None
    response_id: str


class Lanes:
    """Checks all that came over a connection.

    Server-sent events and gRPC carry one response. Of JSON in lines, as
    WebSocket frames are logged, every lane (`stream_id`) may carry many, one
    after the other, and an `error` that belongs to none.
    """

    def __init__(self, report: Report, *, starting_after: int | None = None) -> None:
        self.report = report
        self._starting_after = starting_after
        self._open: dict[str, StreamChecker] = {}
        self._latest: StreamChecker | None = None
        self._items = 0
        self._responses = 0
        self._done_seen = False
        self._refused = False

    def take(self, frame: Frame) -> None:
        """Take what came next. Raises `Unreadable`."""
        if frame.is_done:
            self._done(frame)
            return
        told = told_by(frame, self.report)
        if self._done_seen and frame.is_sse and self.has_ended:
            self.report.tell(Rule.AFTER_TERMINAL, "comes after `[DONE]`")
            return
        self._take(told, is_one=frame.is_sse)

    def take_event(self, event: v1.ResponseStreamEvent) -> None:
        """Take an event that came as a message. Raises `Unreadable`."""
        self._take(checked(event, self.report), is_one=True)

    def end(self, *, is_cancelled: bool = False) -> None:
        """Say that nothing more comes."""
        if not self._open and not self._refused:
            self._checker("")
        for checker in self._open.values():
            checker.end(is_cancelled=is_cancelled)

    @property
    def has_ended(self) -> bool:
        """Whether every response has its terminal event."""
        return bool(self._open) and all(checker.terminal is not None for checker in self._open.values())

    @property
    def summary(self) -> Summary:
        latest = self._latest
        return Summary(
            self.report.events,
            self._items + sum(checker.items.count for checker in self._open.values()),
            self._responses,
            None if latest is None else latest.terminal,
            "" if latest is None else latest.response_id,
        )

    def _done(self, frame: Frame) -> None:
        self.report.at("[DONE]", None)
        for rule, detail in frame.faults:
            self.report.tell(rule, detail)
        # Resumed after its last event, a stream holds nothing more.
        is_empty = not self._open and self._starting_after is not None
        if self._done_seen and frame.is_sse:
            self.report.tell(Rule.AFTER_TERMINAL, "comes a second time")
        elif self.has_ended or is_empty:
            self.report.tell(Rule.DONE_MARKER, "comes after the terminal event")
        else:
            self.report.tell(Rule.EARLY_DONE, "comes before the terminal event")
        self._done_seen = True

    def _take(self, told: Told, *, is_one: bool) -> None:
        event = told.event
        lane = "" if event is None or is_one else event.stream_id
        checker = self._open.get(lane)
        if not is_one and event is not None:
            is_over = checker is None or checker.terminal is not None
            if is_over and event.HasField("error"):
                self._refused = True  # a request, if it is not about the connection
                return
            if checker is not None and is_over and event.HasField("created"):
                self._items += checker.items.count
                checker = None
        if checker is None:
            checker = self._checker(lane, one_form=not is_one)
        self._latest = checker
        checker.take(told)

    def _checker(self, lane: str, *, one_form: bool = False) -> StreamChecker:
        if lane not in self._open and len(self._open) >= _MAX_LANES:
            raise Unreadable(f"the connection has more than {_MAX_LANES} lanes")
        self._responses += 1
        starting_after = self._starting_after if self._responses == 1 else None
        checker = StreamChecker(self.report, starting_after=starting_after, one_form=one_form)
        self._open[lane] = self._latest = checker
        return checker
