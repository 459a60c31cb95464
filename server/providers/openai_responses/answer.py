"""The provider's answer, as events: a stream of them, or one response that becomes the last event."""

from __future__ import annotations

from typing import Any, Final

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import UpstreamError
from server.providers.openai_responses.proofs import Proofs
from server.providers.sse import EventTooLarge, ServerSentEvent, SseParser
from server.providers.upstream.mask import Mask

#: The last event for each status that ends a response.
_LAST_EVENTS: Final = {
    "completed": "response.completed",
    "incomplete": "response.incomplete",
    "failed": "response.failed",
}
_LAST_TYPES: Final = frozenset(_LAST_EVENTS.values())

#: The types that say that there will be an answer, each with its field. The response in them is the
#: provider's own view of the request, and of no use here: it is not read.
_OPENING: Final = {"response.created": "created", "response.queued": "queued", "response.in_progress": "in_progress"}
#: The types that hold an item, which may hold a proof.
_WITH_ITEM: Final = {"response.output_item.added": "output_item_added", "response.output_item.done": "output_item_done"}
_event_of: Final = openai_json.decoder(v1.ResponseStreamEvent)
#: What decodes the events with which nothing else is to be done: nearly all.
_PLAIN: Final = {
    tag: decode
    for tag, decode in openai_json.arm_decoders(v1.ResponseStreamEvent).items()
    if tag not in _OPENING and tag not in _WITH_ITEM and tag not in _LAST_TYPES and tag != "error"
}


class EventReader:
    """Reads an answer out of its bytes: a stream of events, or one response that becomes the last event."""

    def __init__(self, *, max_event_bytes: int, mask: Mask, proofs: Proofs) -> None:
        self._parser = SseParser(max_event_bytes=max_event_bytes)
        self._mask = mask
        self._proofs = proofs
        #: Whether the last event has been read; what comes after it counts for nothing.
        self.ended = False
        #: Why no more can be read. The events before the fault have been returned.
        self.failure: UpstreamError | None = None

    def feed(self, chunk: bytes) -> list[v1.ResponseStreamEvent]:
        """Take the next bytes; return the events that they complete. Neither `ended` nor `failure` may be set."""
        try:
            received = self._parser.feed(chunk)
        except EventTooLarge as error:
            received = error.events
            self.failure = UpstreamError("An event of the provider's stream is too large.")
        events: list[v1.ResponseStreamEvent] = []
        try:
            self._decode(received, events)
        except openai_json.CodecError:
            # Its words are about a document that the caller has never seen.
            self.failure = UpstreamError("An event of the provider's stream could not be read.")
        return events

    def _decode(self, received: list[ServerSentEvent], events: list[v1.ResponseStreamEvent]) -> None:
        for _, data in received:
            if not data or data == b"[DONE]":
                continue
            value = openai_json.parse(data)
            # The type within the data counts; the name of the event beside it is a copy.
            kind = value.get("type") if type(value) is dict else None
            decode = _PLAIN.get(kind) if type(kind) is str else None
            if decode is not None:
                events.append(decode(value, data))
                continue
            events.append(self._decode_special(kind if type(kind) is str else None, value, data))
            if self.ended:
                self.failure = None
                return

    def _decode_special(self, kind: str | None, value: Any, data: bytes) -> v1.ResponseStreamEvent:
        if kind in _OPENING:
            event = v1.ResponseStreamEvent()
            getattr(event, _OPENING[kind]).SetInParent()
            return event
        if kind is None and type(value) is dict and type(value.get("error")) is dict:
            # Some servers send the body of an HTTP error when they fail in the middle of a stream.
            kind = "error"
            value = value | {"type": kind}
        event = _event_of(value, data)
        self.ended = kind in _LAST_TYPES
        if self.ended:
            self._proofs.close(_response_of(event).output)
        elif kind in _WITH_ITEM:
            self._proofs.close([getattr(event, _WITH_ITEM[kind]).item])
        if kind in ("error", "response.failed"):
            _mask_messages(event, self._mask)
        return event

    def end(self) -> list[v1.ResponseStreamEvent]:
        """A stream is not ended by ending: only its last event says that the answer is whole."""
        return []

    def whole(self, body: bytes) -> list[v1.ResponseStreamEvent]:
        """The event that ends a call for a response which came whole. Raises `UpstreamError` when it is none."""
        try:
            value: Any = openai_json.parse(body)
            status = value.get("status") if type(value) is dict else None
            kind = _LAST_EVENTS.get(status) if type(status) is str else None
            if kind is None:
                raise UpstreamError("The provider's answer is not a response that has ended.")
            event = openai_json.decode_value(
                {"type": kind, "response": value}, b'{"response":%b}' % body, v1.ResponseStreamEvent
            )
        except openai_json.CodecError:
            raise UpstreamError("The provider's answer could not be read.") from None
        self._proofs.close(_response_of(event).output)
        _mask_messages(event, self._mask)
        return [event]


def _response_of(event: v1.ResponseStreamEvent) -> v1.Response:
    response: v1.Response = getattr(event, event.WhichOneof("event") or "").response
    return response


def _mask_messages(event: v1.ResponseStreamEvent, mask: Mask) -> None:
    """Take secrets out of the texts of a failure: a provider may quote the key it was called with."""
    if event.HasField("error"):
        if event.error.HasField("message"):
            event.error.message = mask(event.error.message)
        if event.error.HasField("error"):
            event.error.error.message = mask(event.error.error.message)
    elif event.HasField("failed") and event.failed.response.HasField("error"):
        failure = event.failed.response.error
        failure.message = mask(failure.message)
