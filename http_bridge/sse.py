"""Spells the events of a stream as server-sent events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from antiphon.openai_json import speller, spelling
from antiphon.responses import v1
from http_bridge import errors
from http_bridge.errors import Fault

#: A comment, which clients ignore: it shows that the connection lives.
KEEP_ALIVE: Final = b": keep-alive\n\n"
_DONE: Final = b"data: [DONE]\n\n"

_spell: Final = speller(v1.ResponseStreamEvent)
_TAGS: Final = {arm.field.name: arm.tags for arm in spelling.of_message(v1.ResponseStreamEvent.DESCRIPTOR).arms}
_HEADS: Final = {tag: b"event: " + tag.encode() + b"\ndata: " for tags in _TAGS.values() for tag in tags}
_TERMINAL: Final = frozenset(tag for arm in ("completed", "incomplete", "failed") for tag in _TAGS[arm])
_BEGINNING: Final = frozenset(tag for arm in ("created", "queued", "in_progress") for tag in _TAGS[arm])
_ERROR: Final = frozenset(_TAGS["error"])
#: The events that say how far a response has come. All others are spelled and not looked at.
_MILESTONES: Final = _TERMINAL | _BEGINNING | _ERROR


class Frames:
    """The frames of one stream.

    Frames are split with LF alone and hold one event each. The terminal event
    has `[DONE]` behind it, in the same bytes; nothing is spelled after it.
    """

    __slots__ = ("_error_told", "_last", "_next", "ended")

    def __init__(self) -> None:
        #: Whether the terminal event has been spelled.
        self.ended = False
        self._next = 0
        #: The last event seen that holds the response as it is while being made.
        self._last: v1.ResponseStreamEvent | None = None
        self._error_told = False

    def spell(self, events: Sequence[v1.ResponseStreamEvent]) -> bytes:
        """The frames of events, in order.

        Raises ValueError on an event of a later version of the contract, which
        has no spelling here.
        """
        parts: list[bytes] = []
        event = None
        for event in events:
            spelled = _spell(event)
            kind = spelled["type"]
            parts += (_HEADS.get(kind) or _head(kind), orjson.dumps(spelled), b"\n\n")
            if kind in _MILESTONES and self._pass(kind, event):
                parts.append(_DONE)
                break
        if event is not None:
            self._next = event.sequence_number + 1
        return b"".join(parts)

    def broken(self, fault: Fault) -> bytes:
        """The end of a stream that broke off: an `error` event, then the response as failed.

        A stream that never told its response (one resumed midway) ends in the
        error: the response itself may well be going on.
        """
        events = []
        if not self._error_told:
            event = v1.ResponseStreamEvent(sequence_number=self._next)
            event.error.CopyFrom(fault.event())
            events.append(event)
        if self._last is not None:
            event = v1.ResponseStreamEvent(sequence_number=self._next + len(events))
            response = event.failed.response
            response.CopyFrom(getattr(self._last, self._last.WhichOneof("event")).response)
            response.status = v1.Response.STATUS_FAILED
            code = errors.spelling(v1.ErrorReason.ERROR_REASON_INTERNAL).code
            response.error.CopyFrom(v1.ResponseError(code=code, message=fault.message))
            events.append(event)
        return self.spell(events)

    def _pass(self, kind: str, event: v1.ResponseStreamEvent) -> bool:
        if kind in _TERMINAL:
            self.ended = True
        elif kind in _ERROR:
            self._error_told = True
        else:
            self._last = event
        return self.ended


def _head(kind: Any) -> bytes:
    """The head of an event that this version does not know; of a `type` that is no word, `data` alone."""
    name = orjson.loads(orjson.dumps(kind))
    if isinstance(name, str) and name.isprintable():
        return b"event: " + name.encode() + b"\ndata: "
    return b"data: "
