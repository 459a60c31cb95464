"""One lane of a connection: what waits in it, and the response that is being made."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from antiphon.responses import v1
from server.engine.answer.open_part import Events
from server.engine.connection import steering
from server.engine.connection.steering import Steer
from server.engine.making import beside
from server.telemetry.record import ResponseRecord

_ENDS: Final = frozenset({"completed", "incomplete", "failed"})


@dataclass(slots=True)
class Turn:
    """A response that is to be made."""

    request: v1.CreateResponseRequest
    generates: bool
    size: int
    #: What steered the response before it, where nobody but the server asks for this one.
    steers: Sequence[Steer] = ()


@dataclass(slots=True)
class Lane:
    """Its turns are taken one after another."""

    #: None for the default lane.
    name: str | None
    waiting: deque[Turn] = field(default_factory=deque)
    is_working: bool = False

    def named(self, events: Sequence[v1.ResponseStreamEvent]) -> Events:
        """Events as they are told in this lane."""
        if self.name is not None:
            for event in events:
                event.stream_id = self.name
        return list(events)


class Telling:
    """A response as its events are told on a connection.

    There `error` says that nothing came to be, and many clients take it for the end of a turn: a response that failed
    after it began is told by `response.failed` alone.
    """

    def __init__(self, lane: Lane, turn: Turn) -> None:
        self.lane = lane
        self.turn = turn
        #: Empty until the response is known.
        self.id = ""
        #: As it ended; None until then.
        self.ended: v1.Response | None = None
        #: Whether something was told that the caller will have to answer: from then on it is not cut short.
        self.is_called = False
        #: What is to take over from it, in order.
        self.steers: list[Steer] = []
        #: What its input begins with, until it is known.
        self.claimed: Sequence[Steer] = turn.steers
        self._left_out = 0

    def tell(self, events: Sequence[v1.ResponseStreamEvent], record: ResponseRecord) -> Events:
        """What the client is told of these events, which are of the response of this record. They become the
        client's."""
        told: Events = []
        for event in events:
            kind = event.WhichOneof("event")
            if kind == "error":
                self._left_out += 1
                continue
            if kind == "created":
                self.id = event.created.response.id
                event.created.headers.update(beside.leading(record))
            elif kind == "output_item_added":
                self.is_called = self.is_called or steering.waits(event.output_item_added.item)
            elif kind in _ENDS:
                self.ended = getattr(event, kind).response
            if self._left_out:
                event.sequence_number -= self._left_out
            told.append(event)
        return self.lane.named(told)
