"""The one state machine of events: what a provider says becomes what every caller sees.

A provider's events go in, in batches; out come events with our ids, sequence
numbers from 0 without gaps, items in the order they were announced, nothing
before `response.created` and exactly one end. The same pass keeps what is
needed for the final response, so that it equals what was streamed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from antiphon.responses import v1
from server.engine import faults
from server.engine.ids import is_sound, new_item_id
from server.engine.open_item import OpenItem, PartKind
from server.engine.outline import take_over
from server.engine.whole import events_of
from server.errors import ServiceError, UpstreamError

Events: TypeAlias = list[v1.ResponseStreamEvent]
_Handler: TypeAlias = Callable[["Transcript", v1.ResponseStreamEvent, Any, Events], None]

#: How many events open every response.
_OPENING: Final = 2

_STATUS: Final = {
    "completed": v1.Response.STATUS_COMPLETED,
    "incomplete": v1.Response.STATUS_INCOMPLETE,
    "failed": v1.Response.STATUS_FAILED,
}


class Transcript:
    """What was said so far in one response. `response` is its outline, and becomes the final response.

    Without `incremental` nobody reads the events: whole items are taken over without telling them apart.
    """

    def __init__(self, response: v1.Response, *, incremental: bool) -> None:
        self.response = response
        self.incremental = incremental
        #: What the provider said went wrong, or did wrong. Nothing is admitted after it.
        self.fault: ServiceError | None = None
        self._next = _OPENING
        self._items: list[OpenItem] = []
        self._by_index: dict[int, OpenItem] = {}
        self._ids: set[str] = set()
        self._end: tuple[str, v1.Response] | None = None

    @property
    def ended(self) -> bool:
        """Whether the provider has said its last event: what it says after that does not count."""
        return self._end is not None

    def begin(self) -> Events:
        """The events that open every response; their numbers come before all others."""
        opened = v1.ResponseStreamEvent(sequence_number=0, created=v1.ResponseCreatedEvent(response=self.response))
        going = v1.ResponseInProgressEvent(response=self.response)
        return [opened, v1.ResponseStreamEvent(sequence_number=1, in_progress=going)]

    def admit(self, batch: Sequence[v1.ResponseStreamEvent]) -> Events:
        """Take in what a provider said, and return what callers are told of it.

        An `error` event, or one that refers to what was never announced, sets
        `fault`. The provider's end is told by `ending`, after `conclude`.
        """
        out: Events = []
        try:
            for event in batch:
                if self._end is not None:
                    break
                kind = event.WhichOneof("event")
                if kind is not None:
                    _HANDLERS.get(kind, _other)(self, event, getattr(event, kind), out)
        except ServiceError as fault:
            self.fault = fault
        return out

    def conclude(self) -> None:
        """Make `response` final, as the provider ended it."""
        assert self._end is not None, "conclude follows the provider's last event"
        kind, told = self._end
        take_over(self.response, told)
        if kind == "failed" and not self.response.HasField("error"):
            self.response.error.code = "server_error"
            self.response.error.message = "The provider failed without saying why."
        self._settle(_STATUS[kind])

    def ending(self) -> Events:
        """The event that ends a response that `conclude` made final, after an `error` event if it failed."""
        if self.response.status == v1.Response.STATUS_FAILED:
            return self._failed(faults.event_of_response(self.response.error))
        if self.response.status == v1.Response.STATUS_INCOMPLETE:
            return [self._stamp(v1.ResponseStreamEvent(incomplete=v1.ResponseIncompleteEvent(response=self.response)))]
        return [self._stamp(v1.ResponseStreamEvent(completed=v1.ResponseCompletedEvent(response=self.response)))]

    def fail(self, error: ServiceError) -> Events:
        """Make `response` final as failed, with what was said so far, and return the events that say so."""
        self.response.error.CopyFrom(faults.response_error(error))
        self.response.ClearField("incomplete_details")
        self._settle(v1.Response.STATUS_FAILED)
        return self._failed(faults.event(error))

    def cancel(self) -> None:
        """Make `response` final as cancelled, with what was said so far."""
        self._settle(v1.Response.STATUS_CANCELLED)

    def _settle(self, status: v1.Response.Status) -> None:
        response = self.response
        response.status = status
        response.ClearField("completed_at")
        if status == v1.Response.STATUS_COMPLETED:
            response.completed_at = max(int(time.time()), response.created_at)
        if not response.HasField("usage") and status in (
            v1.Response.STATUS_COMPLETED,
            v1.Response.STATUS_INCOMPLETE,
        ):
            response.usage.input_tokens_details.SetInParent()
            response.usage.output_tokens_details.SetInParent()
        del response.output[:]
        response.output.extend(item.so_far() for item in self._items)

    def _failed(self, event: v1.ResponseErrorEvent) -> Events:
        told = self._stamp(v1.ResponseStreamEvent(error=event))
        failed = v1.ResponseStreamEvent(failed=v1.ResponseFailedEvent(response=self.response))
        return [told, self._stamp(failed)]

    def _stamp(self, event: v1.ResponseStreamEvent) -> v1.ResponseStreamEvent:
        event.sequence_number = self._next
        self._next += 1
        return event

    # Items

    def announce(self, item: v1.Item, told_index: int) -> OpenItem:
        """Give an item its place and, unless the provider's own can be kept, its id."""
        if not is_sound(item) or item.id in self._ids:
            item.id = new_item_id(item)
        self._ids.add(item.id)
        opened = OpenItem(len(self._items), item)
        self._items.append(opened)
        self._by_index[told_index] = opened
        return opened

    def open_item(self, told_index: int, kind: PartKind, out: Events) -> OpenItem:
        """The item that an event speaks of; a message that the provider forgot to announce is announced first."""
        opened = self._by_index.get(told_index)
        if opened is None:
            if kind not in (PartKind.OUTPUT_TEXT, PartKind.REFUSAL):
                raise UpstreamError("The provider sent an event of an item that it never announced.")
            item = v1.Item(status="in_progress", message=v1.Message(role="assistant"))
            opened = self.announce(item, told_index)
            added = v1.ResponseOutputItemAddedEvent(output_index=opened.index, item=item)
            out.append(self._stamp(v1.ResponseStreamEvent(output_item_added=added)))
        return opened

    def add_whole(self, item: v1.Item, told_index: int, out: Events) -> None:
        """Take in an item that was told at once, and tell it in the canonical order."""
        opened = self.announce(item, told_index)
        opened.final = item
        if self.incremental:
            out.extend(map(self._stamp, events_of(item, opened.index)))

    def emit(self, event: v1.ResponseStreamEvent, out: Events) -> None:
        event.sequence_number = self._next
        self._next += 1
        out.append(event)

    def close_parts(self, opened: OpenItem, out: Events) -> None:
        """Tell the ends that the provider left out."""
        out.extend(map(self._stamp, opened.close_parts()))

    def end(self, kind: str, told: v1.Response, out: Events) -> None:
        """Take in the provider's end: close what is open, or take the items from its response."""
        self._end = (kind, told)
        if not self._items:
            for index, item in enumerate(told.output):
                self.add_whole(item, index, out)
            return
        status = "completed" if kind == "completed" else "incomplete"
        for opened in self._items:
            if opened.final is None:
                self.close_parts(opened, out)
                opened.final = opened.so_far(status)
                done = v1.ResponseOutputItemDoneEvent(output_index=opened.index, item=opened.final)
                self.emit(v1.ResponseStreamEvent(output_item_done=done), out)


# What each kind of event does. Events that carry nothing to keep only get their item's id and place.


def _dropped(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    """The provider's own opening: callers were told ours."""


def _item_added(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    known = transcript._by_index.get(body.output_index)
    if known is not None and known.final is None:
        return  # announced twice
    body.output_index = transcript.announce(body.item, body.output_index).index
    transcript.emit(event, out)


def _item_done(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    opened = transcript._by_index.get(body.output_index)
    if opened is None:
        transcript.add_whole(body.item, body.output_index, out)
        return
    if opened.final is not None:
        return  # ended twice
    transcript.close_parts(opened, out)
    body.output_index = opened.index
    body.item.id = opened.id
    opened.final = body.item
    transcript.emit(event, out)


def _delta(kind: PartKind) -> _Handler:
    """A piece of a part's text."""
    index_field = kind.index_field

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        opened = transcript._by_index.get(body.output_index)
        if opened is None:
            opened = transcript.open_item(body.output_index, kind, out)
        part = opened.parts.get((kind.is_summary, getattr(body, index_field)))
        if part is None:
            part, missing = opened.open_part(kind, getattr(body, index_field))
            transcript.emit(missing, out)
        part.pieces.append(body.delta)
        if body.output_index != opened.index:
            body.output_index = opened.index
        if body.item_id != opened.id:
            body.item_id = opened.id
        event.sequence_number = transcript._next
        transcript._next += 1
        out.append(event)

    return take


def _text_done(kind: PartKind) -> _Handler:
    """A part's whole text."""
    index_field = kind.index_field

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        opened = transcript.open_item(body.output_index, kind, out)
        part = opened.parts.get((kind.is_summary, getattr(body, index_field)))
        if part is None:
            part, missing = opened.open_part(kind, getattr(body, index_field))
            transcript.emit(missing, out)
        part.pieces = [getattr(body, kind.text_field)]
        part.text_done = True
        _place(opened, body)
        transcript.emit(event, out)

    return take


def _part_added(is_summary: bool) -> _Handler:
    index_field = "summary_index" if is_summary else "content_index"

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        arm = body.part.WhichOneof("part") or ""
        kind = PartKind.SUMMARY_TEXT if is_summary else PartKind.of(arm)
        opened = transcript.open_item(body.output_index, kind, out)
        if (is_summary, getattr(body, index_field)) in opened.parts:
            return  # announced twice
        opened.open_part(kind, getattr(body, index_field))
        _place(opened, body)
        transcript.emit(event, out)

    return take


def _part_done(is_summary: bool) -> _Handler:
    index_field = "summary_index" if is_summary else "content_index"

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        opened = transcript._by_index.get(body.output_index)
        part = None if opened is None else opened.parts.get((is_summary, getattr(body, index_field)))
        if opened is None or part is None:
            raise UpstreamError("The provider ended a content part that it never began.")
        out.extend(map(transcript._stamp, opened.close_text(part)))
        part.final = body.part
        _place(opened, body)
        transcript.emit(event, out)

    return take


def _argument(field: str, *, whole: bool) -> _Handler:
    """A piece of, or all of, the text that a call is made with."""

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        opened = transcript._by_index.get(body.output_index)
        if opened is None:
            raise UpstreamError("The provider sent an event of an item that it never announced.")
        if whole:
            opened.argument = [getattr(body, field)]
        else:
            opened.argument.append(body.delta)
        opened.argument_field = field
        _place(opened, body)
        transcript.emit(event, out)

    return take


def _annotation_added(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    opened = transcript.open_item(body.output_index, PartKind.OUTPUT_TEXT, out)
    part = opened.parts.get((False, body.content_index))
    if part is None:
        part, missing = opened.open_part(PartKind.OUTPUT_TEXT, body.content_index)
        transcript.emit(missing, out)
    if body.HasField("annotation"):
        part.annotations.append(body.annotation)
    _place(opened, body)
    transcript.emit(event, out)


def _ended(kind: str) -> _Handler:
    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        transcript.end(kind, body.response, out)

    return take


def _error(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    raise faults.error_of_event(body)


def _other(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    if not isinstance(body, str) and "output_index" in body.DESCRIPTOR.fields_by_name:
        opened = transcript._by_index.get(body.output_index)
        if opened is not None:
            _place(opened, body)
    transcript.emit(event, out)


def _place(opened: OpenItem, body: Any) -> None:
    """Give an event its item's place and id."""
    body.output_index = opened.index
    if "item_id" in body.DESCRIPTOR.fields_by_name:
        body.item_id = opened.id


_HANDLERS: Final[dict[str, _Handler]] = {
    "created": _dropped,
    "in_progress": _dropped,
    "queued": _dropped,
    "output_item_added": _item_added,
    "output_item_done": _item_done,
    "content_part_added": _part_added(is_summary=False),
    "content_part_done": _part_done(is_summary=False),
    "reasoning_summary_part_added": _part_added(is_summary=True),
    "reasoning_summary_part_done": _part_done(is_summary=True),
    "output_text_delta": _delta(PartKind.OUTPUT_TEXT),
    "output_text_done": _text_done(PartKind.OUTPUT_TEXT),
    "refusal_delta": _delta(PartKind.REFUSAL),
    "refusal_done": _text_done(PartKind.REFUSAL),
    "reasoning_text_delta": _delta(PartKind.REASONING_TEXT),
    "reasoning_text_done": _text_done(PartKind.REASONING_TEXT),
    "reasoning_summary_text_delta": _delta(PartKind.SUMMARY_TEXT),
    "reasoning_summary_text_done": _text_done(PartKind.SUMMARY_TEXT),
    "output_text_annotation_added": _annotation_added,
    "function_call_arguments_delta": _argument("arguments", whole=False),
    "function_call_arguments_done": _argument("arguments", whole=True),
    "mcp_call_arguments_delta": _argument("arguments", whole=False),
    "mcp_call_arguments_done": _argument("arguments", whole=True),
    "custom_tool_call_input_delta": _argument("input", whole=False),
    "custom_tool_call_input_done": _argument("input", whole=True),
    "code_interpreter_call_code_delta": _argument("code", whole=False),
    "code_interpreter_call_code_done": _argument("code", whole=True),
    "completed": _ended("completed"),
    "incomplete": _ended("incomplete"),
    "failed": _ended("failed"),
    "error": _error,
}
