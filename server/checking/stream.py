"""One response's stream: numbers, ids, its opening, its items, and its one honest end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from antiphon.openai_json import spelling
from antiphon.responses import v1
from server.checking.comparing import difference
from server.checking.decoding import Told, checked
from server.checking.item import OpenItem
from server.checking.items import Items
from server.checking.report import Finding, Report, Unreadable
from server.checking.rules import Rule

_TERMINAL: Final = {
    "completed": v1.Response.STATUS_COMPLETED,
    "incomplete": v1.Response.STATUS_INCOMPLETE,
    "failed": v1.Response.STATUS_FAILED,
}
_OPENING: Final = {
    "created": (v1.Response.STATUS_QUEUED, v1.Response.STATUS_IN_PROGRESS),
    "queued": (v1.Response.STATUS_QUEUED,),
    "in_progress": (v1.Response.STATUS_IN_PROGRESS,),
}
_OPENING_ORDER: Final = tuple(_OPENING)
#: About a connection or what is sent over it beside the response, numbered apart.
_ASIDE: Final = frozenset({"inject_created", "inject_failed", "steer_accepted", "steer_pending", "steer_failed"})
#: The most that is kept of one response, in bytes of its events: what a stream says is compared with its end.
MAX_RESPONSE_BYTES: Final = 256 * 1024 * 1024


class StreamChecker:
    """Checks the events of one response, in turn, and reports what is wrong.

    With `starting_after` the stream is one that was resumed after that number:
    what came before it is not known, and what depends on it is not checked.
    `one_form` says that an `error` need not be told in both forms, as on
    WebSocket.
    """

    def __init__(self, report: Report, *, starting_after: int | None = None, one_form: bool = False) -> None:
        self._report = report
        self._is_resumed = starting_after is not None
        self._one_form = one_form
        self.items = Items(report, starting_late=self._is_resumed)
        #: The terminal event: `completed`, `incomplete` or `failed`; None until it comes.
        self.terminal: str | None = None
        self.response_id = ""
        self._next = 0 if starting_after is None else starting_after + 1
        self._last_number = self._next - 1
        self._is_begun = False
        self._told: list[str] = []
        self._is_queued = False
        self._error_told = False
        self._bytes = 0

    def take(self, told: Told) -> None:
        """Take the next event.

        Raises `Unreadable` when the response grows larger than can be checked.
        """
        event = told.event
        kind = None if event is None else event.WhichOneof("event")
        if kind in _ASIDE and told.number != self._next:
            return
        if self.terminal is not None:
            self._report.tell(Rule.AFTER_TERMINAL, f"comes after `response.{self.terminal}`")
            return
        self._check_number(told.number)
        if event is None:
            self._is_begun = True
            return
        self._bytes += event.ByteSize()
        if self._bytes > MAX_RESPONSE_BYTES:
            raise Unreadable(f"the response is larger than {MAX_RESPONSE_BYTES} bytes")
        if kind is None or kind == "fallback":
            self._report.tell(Rule.UNKNOWN_EVENT, "is of a type that is not known here")
        if not self._is_begun and not self._is_resumed and kind != "created":
            self._report.tell(Rule.FIRST_EVENT, "comes first")
        self._is_begun = True
        if self._error_told and kind != "failed":
            self._report.tell(Rule.ERROR_NOT_LAST, "comes after `error`")
        if kind is None or kind == "fallback" or kind in _ASIDE:
            return
        body: Any = getattr(event, kind)
        if kind in _OPENING:
            self._opening(kind, body.response)
        elif kind in _TERMINAL:
            self._end(kind, body.response)
        elif kind == "error":
            self._error(body)
        else:
            self._check_opened()
            self.items.take(kind, body)

    def end(self, *, is_cancelled: bool = False) -> None:
        """Say that the stream has ended; `is_cancelled` that its response was, which has no terminal event."""
        # Resumed after its last event, it holds nothing more.
        is_over = self._is_resumed and not self._is_begun
        if self.terminal is None and not is_cancelled and not is_over:
            self._report.tell_of_stream(Rule.NO_TERMINAL, "ends without a terminal event")

    def _check_number(self, number: int | None) -> None:
        if number is not None:
            if number not in (self._next, self._last_number + 1):
                self._report.tell(Rule.SEQUENCE_NUMBER, f"has the number {number}, where {self._next} must follow")
            self._last_number = number
        # What has no number may have been an event or not: the next one may count it.
        self._next += 1

    def _check_id(self, response: v1.Response) -> None:
        self.response_id = self.response_id or response.id
        if not response.id:
            self._report.tell(Rule.RESPONSE_ID, "has a response without an id")
        elif response.id != self.response_id:
            self._report.tell(Rule.RESPONSE_ID, "has another response id than the events before it")

    def _opening(self, kind: str, response: v1.Response) -> None:
        self._check_id(response)
        if response.status not in _OPENING[kind]:
            self._report.tell(Rule.RESPONSE_STATUS, f"has a response that is {_status(response)}")
        if response.output:
            self._report.tell(Rule.OPENING_OUTPUT, f"has a response with {len(response.output)} items")
        rank = _OPENING_ORDER.index(kind)
        if self.items.count or any(_OPENING_ORDER.index(told) >= rank for told in self._told):
            self._report.tell(Rule.LIFECYCLE_ORDER, "comes late, or a second time")
        if kind == "created":
            self._is_queued = response.status == v1.Response.STATUS_QUEUED
        if kind == "in_progress" and self._is_queued and "queued" not in self._told and not self._is_resumed:
            self._report.tell(Rule.OPENING, "comes without `response.queued` before it")
        self._told.append(kind)

    def _check_opened(self) -> None:
        if "in_progress" not in self._told and not self._is_resumed:
            self._report.tell(Rule.OPENING, "comes without `response.in_progress` before it")
            self._told.append("in_progress")  # told once

    def _error(self, body: v1.ResponseErrorEvent) -> None:
        self._error_told = True
        nested = body.error
        if not nested.message:
            self._report.tell(Rule.ERROR_FORM, "has no `error` with a message in it")
        elif not self._one_form and (nested.message, nested.code, nested.param) != (
            body.message,
            body.code,
            body.param,
        ):
            self._report.tell(Rule.ERROR_FORM, "is not told alike in `error` and beside it")

    def _end(self, kind: str, response: v1.Response) -> None:
        report = self._report
        self.terminal = kind
        self._check_id(response)
        if kind != "failed":
            self._check_opened()
        if response.status != _TERMINAL[kind]:
            report.tell(Rule.RESPONSE_STATUS, f"has a response that is {_status(response)}")
        # One that was resumed after the error cannot show it.
        was_seen = not self._is_resumed or len(self._told) + self.items.count > 0 or self._error_told
        if kind == "failed" and was_seen and not self._error_told:
            report.tell(Rule.ERROR_BEFORE_FAILED, "comes without `error`")
        if kind == "failed" and not (response.error.code and response.error.message):
            report.tell(Rule.FAILED_ERROR, "has a response without an error, or one without code or message")
        elif kind != "failed" and response.HasField("error"):
            report.tell(Rule.FAILED_ERROR, "has a response with an error")
        if (kind == "incomplete") != bool(response.incomplete_details.reason):
            word = "without" if kind == "incomplete" else "with"
            report.tell(Rule.INCOMPLETE_REASON, f"has a response {word} a reason")
        if kind != "completed" and response.HasField("completed_at"):
            report.tell(Rule.COMPLETED_AT, "has a response with `completed_at`")
        self._check_usage(kind, response)
        self.items.end(completed=kind == "completed", failed=kind == "failed")
        self._check_output(response)

    def _check_usage(self, kind: str, response: v1.Response) -> None:
        if not response.HasField("usage"):
            if kind != "failed":
                self._report.tell(Rule.USAGE, "has a response without usage")
            return
        usage = response.usage
        read, written = usage.input_tokens_details, usage.output_tokens_details
        if (
            usage.total_tokens != usage.input_tokens + usage.output_tokens
            or max(read.cached_tokens, read.cache_write_tokens) > usage.input_tokens
            or written.reasoning_tokens > usage.output_tokens
        ):
            self._report.tell(Rule.USAGE_SUM, "has usage that does not add up")

    def _check_output(self, response: v1.Response) -> None:
        known = self.items.all
        # Of a failed response what was not done may be left out.
        least = sum(1 for item in known.values() if item.done is not None or response.status != _TERMINAL["failed"])
        if not self._is_resumed and not least <= len(response.output) <= len(known):
            self._report.tell(
                Rule.FINAL_OUTPUT, f"has {len(response.output)} items in its output, where {len(known)} were told"
            )
            return
        at = 0
        for index, opened in sorted(known.items()):
            place = index if self._is_resumed else at
            if opened.done is None and least < len(known) and not self._is_there(opened, response, place):
                continue
            at += 1
            if not 0 <= place < len(response.output):
                self._report.tell(Rule.FINAL_OUTPUT, f"lacks output[{place}]")
                continue
            self._check_item(opened, response.output[place], place)
        if at < len(response.output) and not self._is_resumed:
            self._report.tell(Rule.FINAL_OUTPUT, f"output[{at}] was never told")

    def _is_there(self, opened: OpenItem, response: v1.Response, place: int) -> bool:
        return 0 <= place < len(response.output) and response.output[place].id == opened.id

    def _check_item(self, opened: OpenItem, final: v1.Item, place: int) -> None:
        if opened.done is not None:
            told = opened.done
        elif not opened.is_known:
            return
        else:
            told = opened.so_far()
            # How far it came is for the end to say, as long as that is not to its own.
            if final.status == "completed":
                self._report.tell(Rule.FINAL_OUTPUT, f"output[{place}] is completed, and was never done")
            told.ClearField("status")
            if final.HasField("status"):
                told.status = final.status
        path = difference(told, final)
        if path is not None:
            where = f"output[{place}].{path}".removesuffix(".")
            self._report.tell(Rule.FINAL_OUTPUT, f"`{where}` is not what was told")


def _status(response: v1.Response) -> str:
    return spelling.of_enum(v1.Response.Status.DESCRIPTOR).get(response.status, "without a status")


def check_events(
    events: Iterable[v1.ResponseStreamEvent], *, starting_after: int | None = None, is_cancelled: bool = False
) -> list[Finding]:
    """Check the events of one response, as they come over gRPC; nothing is found in a sound stream.

    Raises `Unreadable` when the response is larger than can be checked.
    """
    report = Report()
    checker = StreamChecker(report, starting_after=starting_after)
    for event in events:
        checker.take(checked(event, report))
    checker.end(is_cancelled=is_cancelled)
    return report.findings
