"""Reads a stream that may end in an error which is no event: JSON as it would stand in a refusal."""

from __future__ import annotations

import orjson

from server.errors import ServiceError
from server.providers.gemini.answer import GeminiTranslator
from server.providers.upstream.provider import Events
from server.providers.upstream.refusals import MAX_ERROR_BYTES
from server.providers.upstream.translation import EventReader


class GeminiReader:
    """A `Reader`: events, and after them perhaps the JSON of an error."""

    def __init__(self, translator: GeminiTranslator, *, max_event_bytes: int) -> None:
        self._translator = translator
        self._events = EventReader(translator, max_event_bytes=max_event_bytes)
        self._at_line_start = True
        #: What came from the first line on that no event begins with.
        self._tail: bytearray | None = None
        self._error: ServiceError | None = None

    @property
    def ended(self) -> bool:
        return self._events.ended

    @property
    def failure(self) -> ServiceError | None:
        return self._events.failure or self._error

    def feed(self, chunk: bytes) -> Events:
        if self._tail is not None:
            self._more(chunk)
            return ()
        at = self._json_start(chunk)
        if at < 0:
            self._at_line_start = chunk[-1:] in (b"\n", b"\r")
            return self._events.feed(chunk)
        events = self._events.feed(chunk[:at])
        self._tail = bytearray()
        self._more(chunk[at:])
        return events

    def end(self) -> Events:
        return self._events.end()

    def whole(self, body: bytes) -> Events:
        return self._events.whole(body)

    def _json_start(self, chunk: bytes) -> int:
        """Where a line begins that is JSON itself, which none of an event does; -1 for nowhere."""
        if self._at_line_start and chunk[:1] in (b"{", b"["):
            return 0
        starts = [at + 1 for at in (chunk.find(b"\n{"), chunk.find(b"\n[")) if at >= 0]
        return min(starts, default=-1)

    def _more(self, chunk: bytes) -> None:
        assert self._tail is not None
        if len(self._tail) + len(chunk) > MAX_ERROR_BYTES:
            return
        self._tail += chunk
        try:
            self._translator.refused(orjson.loads(self._tail))
        except orjson.JSONDecodeError:
            pass  # not all of it yet
        except ServiceError as error:
            self._error = error
