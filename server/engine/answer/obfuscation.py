"""Padding that hides from whoever watches the network how long each piece of an answer is."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

from antiphon.responses import v1
from server.engine.answer.open_part import Events

#: The events that hold a piece of an answer: text, refusal, reasoning, arguments, code, audio.
PIECES: Final = frozenset(name for name in v1.ResponseStreamEvent.DESCRIPTOR.fields_by_name if name.endswith("_delta"))
#: A piece and its padding together are a multiple of so many bytes.
_STEP: Final = 16
_POOL: Final = 3072


def copies(events: Sequence[v1.ResponseStreamEvent]) -> Events:
    """The same events, to be changed."""
    copied: Events = []
    for event in events:
        copy = v1.ResponseStreamEvent()
        copy.CopyFrom(event)
        copied.append(copy)
    return copied


class Padding:
    """Pads the events of one response: the same event always alike, whoever tells it and whenever.

    What it is made of is the response's id, which nobody knows who cannot read the events themselves.
    """

    def __init__(self, response_id: str = "") -> None:
        """Without an id, the response is the one whose beginning is told."""
        self._begin(response_id)

    def pad(self, events: Sequence[v1.ResponseStreamEvent]) -> Events:
        """The events, with padding where they hold a piece of an answer. Those that are given stay as they are."""
        padded: Events = []
        for event in events:
            kind = event.WhichOneof("event")
            if kind == "created":
                self._begin(event.created.response.id)
            if kind in PIECES:
                copy = v1.ResponseStreamEvent()
                copy.CopyFrom(event)
                delta = getattr(copy, kind).delta
                size = len(delta.encode()) if isinstance(delta, str) else delta.ByteSize()
                start = copy.sequence_number * 37 % (len(self._pool) - _STEP)
                copy.obfuscation = self._pool[start : start + _STEP - size % _STEP]
                event = copy
            padded.append(event)
        return padded

    def _begin(self, response_id: str) -> None:
        """The events to come are those of this response."""
        self._pool = base64.urlsafe_b64encode(hashlib.shake_256(response_id.encode()).digest(_POOL)).decode()
