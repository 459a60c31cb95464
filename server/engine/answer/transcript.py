"""The one state machine of events: what a provider says becomes what every caller sees.

A provider's events go in, in batches; out come events with our ids, sequence
numbers from 0 without gaps, items in the order they were announced, nothing
before `response.created` and exactly one end. The same pass keeps what is
needed for the final response, so that it equals what was streamed.
"""

from __future__ import annotations

import time
from typing import Any, Final

from antiphon.responses import v1
from server.engine.answer import faults
from server.engine.answer.ids import is_sound, new_id, new_item_id
from server.engine.answer.open_item import CALLS, OpenItem
from server.engine.answer.open_part import Events, OpenPart, PartKind
from server.engine.answer.outline import take_over
from server.errors import ServiceError

#: How many events open a response, and one that is queued first.
_OPENING: Final = 2
_OPENING_QUEUED: Final = 3

_STATUS: Final = {
    "completed": v1.Response.STATUS_COMPLETED,
    "incomplete": v1.Response.STATUS_INCOMPLETE,
    "failed": v1.Response.STATUS_FAILED,
}


class Transcript:
    """What was said so far in one response. `response` is its outline, and becomes the final response.

    Without `incremental` nobody reads the events.
    """

    def __init__(self, response: v1.Response, *, incremental: bool) -> None:
        self.response = response
        self.incremental = incremental
        #: What the provider said went wrong, or did wrong. Nothing counts after it.
        self.fault: ServiceError | None = None
        self.next_number = _OPENING_QUEUED if response.background else _OPENING
        self.items: list[OpenItem] = []
        #: How many items, from the first on, were told to have ended.
        self._told_done = 0
        #: By the provider's index, where that tells items apart; `latest` also where it does not.
        self.by_index: dict[int, OpenItem] = {}
        self.latest: dict[int, OpenItem] = {}
        self.by_told_id: dict[str, OpenItem] = {}
        self._ids: set[str] = set()
        self._call_ids: set[str] = set()
        self._end: tuple[str, v1.Response] | None = None

    @property
    def ended(self) -> bool:
        """Whether the provider has said its last event: what it says after that does not count."""
        return self._end is not None

    def begin(self) -> Events:
        """The events that open every response; their numbers come before all others."""
        going = v1.ResponseInProgressEvent(response=self.response)
        return [self._created(), v1.ResponseStreamEvent(sequence_number=1, in_progress=going)]

    def queued(self) -> Events:
        """The events that open a response that waits to be made; `dequeued` is told when it waits no more."""
        queued = v1.ResponseStreamEvent(queued=v1.ResponseQueuedEvent(response=self.response))
        self.next_number = 1
        return [self._created(), self._stamp(queued)]

    def dequeued(self) -> Events:
        """The last of the events that open a response that was `queued`."""
        going = v1.ResponseInProgressEvent(response=self.response)
        return [self._stamp(v1.ResponseStreamEvent(in_progress=going))]

    def conclude(self) -> None:
        """Make `response` final, as the provider ended it."""
        assert self._end is not None, "conclude follows the provider's last event"
        kind, told = self._end
        take_over(self.response, told)
        if kind != "failed":
            self.response.ClearField("error")
        elif not self.response.HasField("error"):
            self.response.error.code = "server_error"
            self.response.error.message = "The provider failed without saying why."
        if kind != "incomplete":
            self.response.ClearField("incomplete_details")
        self._settle(_STATUS[kind])

    def ending(self) -> Events:
        """The event that ends a response that `conclude` made final, after an `error` event if it failed."""
        if self.response.status == v1.Response.STATUS_FAILED:
            return self._failed(faults.event_of_response(self.response.error))
        if self.response.status == v1.Response.STATUS_INCOMPLETE:
            return [self._stamp(v1.ResponseStreamEvent(incomplete=v1.ResponseIncompleteEvent(response=self.response)))]
        return [self._stamp(v1.ResponseStreamEvent(completed=v1.ResponseCompletedEvent(response=self.response)))]

    def fail(self, error: ServiceError) -> Events:
        """Make `response` final as failed, with what was said so far, and return the events that say so.

        Items that are not done stay so: a call that was cut must not look like one that can be made.
        """
        self.response.error.CopyFrom(faults.response_error(error))
        self.response.ClearField("incomplete_details")
        self._settle(v1.Response.STATUS_FAILED)
        held: Events = []
        for opened in self.items[self._told_done :]:
            if opened.done is not None:
                self.emit(opened.done, held)
                opened.done = None
        return held + self._failed(faults.event(error))

    def steer(self) -> Events:
        """End here, as if the provider had ended for another input that takes over; `conclude` follows."""
        out: Events = []
        details = v1.IncompleteDetails(reason="steered")
        self.end("incomplete", v1.Response(incomplete_details=details), out)
        return out

    def cancel(self) -> None:
        """Make `response` final as cancelled, with what was said so far."""
        self._settle(v1.Response.STATUS_CANCELLED)

    def output_so_far(self) -> list[v1.Item]:
        """The items as they stand; those that have not ended as incomplete."""
        return [item.so_far() for item in self.items]

    def _created(self) -> v1.ResponseStreamEvent:
        return v1.ResponseStreamEvent(sequence_number=0, created=v1.ResponseCreatedEvent(response=self.response))

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
        response.output.extend(self.output_so_far())

    def _failed(self, event: v1.ResponseErrorEvent) -> Events:
        told = self._stamp(v1.ResponseStreamEvent(error=event))
        failed = v1.ResponseStreamEvent(failed=v1.ResponseFailedEvent(response=self.response))
        return [told, self._stamp(failed)]

    def _stamp(self, event: v1.ResponseStreamEvent) -> v1.ResponseStreamEvent:
        event.sequence_number = self.next_number
        self.next_number += 1
        return event

    # Items

    def announce(self, item: v1.Item, told_index: int) -> OpenItem:
        """Give an item its place and, unless the provider's own can be kept, its ids. Strips it of its content."""
        told_id = item.id
        if not is_sound(item) or item.id in self._ids:
            item.id = new_item_id(item)
        self._ids.add(item.id)
        kind = item.WhichOneof("item") or ""
        told_call_id = ""
        if kind in CALLS:
            call = getattr(item, kind)
            told_call_id = call.call_id
            if not call.call_id or call.call_id in self._call_ids:
                call.call_id = new_id("call")
            self._call_ids.add(call.call_id)
        opened = OpenItem(len(self.items), item, told_id, told_call_id)
        self.items.append(opened)
        before = self.latest.get(told_index)
        if before is None or before.final is not None:
            self.by_index[told_index] = opened
        else:
            # Two items at one place: from now on their ids have to tell them apart.
            self.by_index.pop(told_index, None)
        self.latest[told_index] = opened
        if told_id:
            self.by_told_id[told_id] = opened
        return opened

    def announced(self, item: v1.Item, told_index: int, out: Events) -> OpenItem:
        """Announce an item that the provider did not announce itself."""
        opened = self.announce(item, told_index)
        added = v1.ResponseOutputItemAddedEvent(output_index=opened.index, item=item)
        self.emit(v1.ResponseStreamEvent(output_item_added=added), out)
        return opened

    def find(self, body: Any, kind: str | None = None) -> OpenItem | None:
        """The item, not ended, that an event speaks of: by its place, or else by its id."""
        index = body.output_index
        by_id = self.by_told_id.get(body.item_id) if "item_id" in body.DESCRIPTOR.fields_by_name else None
        for opened in (self.by_index.get(index), by_id, self.latest.get(index)):
            if opened is not None and opened.final is None and (kind is None or opened.kind == kind):
                return opened
        return None

    def has_ended(self, told_index: int, kind: str) -> bool:
        """Whether the last item at a place is of this kind, and has ended."""
        latest = self.latest.get(told_index)
        return latest is not None and latest.final is not None and latest.kind == kind

    def open_part(self, kind: PartKind, body: Any, out: Events) -> OpenPart | None:
        """The part that an event speaks of, begun if need be; None for one that has ended.

        A message or reasoning that the provider forgot to announce is announced first.
        """
        opened = self.find(body, kind.home)
        told_index = getattr(body, kind.index_field)
        if opened is None:
            if self.has_ended(body.output_index, kind.home):
                return None
            item = v1.Item()
            getattr(item, kind.home).SetInParent()
            opened = self.announced(item, body.output_index, out)
        part = opened.part(kind.value, told_index)
        if part is None:
            part, events = opened.open_part(kind.value, told_index, is_summary=kind.is_summary)
            self.tell(events, out)
        body.item_id = opened.id
        return part

    def add_whole(self, item: v1.Item, told_index: int, out: Events) -> None:
        """Take in an item that was told at once, and tell it in the canonical order."""
        announcement = v1.Item()
        announcement.CopyFrom(item)
        opened = self.announced(announcement, told_index, out)
        self.finish(opened, item, None, out)

    def finish(
        self,
        opened: OpenItem,
        item: v1.Item,
        done: v1.ResponseStreamEvent | None,
        out: Events,
        *,
        is_own: bool = False,
    ) -> None:
        """End an item. That it is done is told once all items before it are."""
        self.tell(opened.finish(item, done, is_own=is_own), out)
        while self._told_done < len(self.items):
            event = self.items[self._told_done].done
            if event is None:
                return
            self.emit(event, out)
            self.items[self._told_done].done = None
            self._told_done += 1

    def emit(self, event: v1.ResponseStreamEvent, out: Events) -> None:
        event.sequence_number = self.next_number
        self.next_number += 1
        out.append(event)

    def tell(self, events: Events, out: Events) -> None:
        out.extend(map(self._stamp, events))

    def end(self, kind: str, told: v1.Response, out: Events) -> None:
        """Take in the provider's end: close what is open, or take the items from its response."""
        self._end = (kind, told)
        if not self.items:
            for index, item in enumerate(told.output):
                self.add_whole(item, index, out)
            return
        status = "completed" if kind == "completed" else "incomplete"
        whole = {(item.WhichOneof("item"), item.id): item for item in told.output if item.id}
        for opened in self.items:
            if opened.final is None:
                told_item = whole.get((opened.kind, opened.told_id))
                self.finish(opened, told_item or opened.so_far(status), None, out, is_own=told_item is None)
