"""Reads an answer in a provider's own words, event by event, as a translator for them understands it."""

from __future__ import annotations

from typing import Protocol

from server.errors import ServiceError, UpstreamError
from server.providers.sse import EventTooLarge, SseParser
from server.providers.upstream.provider import Events
from server.providers.writer import EventWriter


class Translator(Protocol):
    """Tells what one provider says through an `EventWriter`.

    Every method may raise a `ServiceError`: for what the provider says went
    wrong, and `UpstreamError` for what makes no sense. What was written before
    is told all the same.
    """

    @property
    def writer(self) -> EventWriter: ...

    def event(self, name: bytes, data: bytes) -> None:
        """Take one event: its name (`message` where the wire gives none) and its data."""
        ...

    def end(self) -> None:
        """Take note that nothing more will come. Must finish an answer that is whole, and no other."""
        ...

    def whole(self, body: bytes) -> None:
        """Take an answer that came in one piece, and finish it."""
        ...


class EventReader:
    """Reads server-sent events with a translator: a `Reader`."""

    def __init__(self, translator: Translator, *, max_event_bytes: int, error_field: bool = False) -> None:
        """`error_field`: see `SseParser`."""
        self._translator = translator
        self._writer = translator.writer
        self._parser = SseParser(max_event_bytes=max_event_bytes, error_field=error_field)
        self.failure: ServiceError | None = None

    @property
    def ended(self) -> bool:
        return self._writer.finished

    def feed(self, chunk: bytes) -> Events:
        translate, writer = self._translator.event, self._writer
        try:
            received = self._parser.feed(chunk)
        except EventTooLarge as error:
            received = error.events
            self.failure = UpstreamError("An event of the provider's stream is too large.")
        try:
            for name, data in received:
                translate(name, data)
                if writer.finished:
                    self.failure = None
                    break
        except ServiceError as error:
            self.failure = error
        return writer.take()

    def end(self) -> Events:
        self._translator.end()
        return self._writer.take()

    def whole(self, body: bytes) -> Events:
        self._translator.whole(body)
        return self._writer.take()
