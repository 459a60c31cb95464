"""Reads an answer out of its bytes: frames of AWS's event stream encoding."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final, Protocol

import orjson
from botocore.eventstream import EventStreamBuffer, ParserError

from server.errors import ServiceError, UpstreamError
from server.providers.upstream.provider import Events
from server.providers.writer import EventWriter

#: A frame begins with its length, which counts what is around headers and payload too.
_LENGTH: Final = 4
_SHORTEST: Final = 16


class Translator(Protocol):
    """Tells what a provider says through an `EventWriter`. Its methods may raise a `ServiceError`."""

    @property
    def writer(self) -> EventWriter: ...

    def event(self, kind: Any, value: Any) -> None:
        """Take an event: its type and what it holds."""
        ...

    def exception(self, kind: Any, value: Any) -> ServiceError:
        """The error that an answer ends with, by its type and what it holds."""
        ...

    def end(self) -> None:
        """Take note that nothing more will come. Must finish an answer that is whole, and no other."""
        ...


class FrameReader:
    """Reads frames with a translator: a `Reader`."""

    def __init__(self, translator: Translator, *, max_event_bytes: int) -> None:
        self._translator = translator
        self._writer = translator.writer
        self._buffer = EventStreamBuffer()
        self._max_bytes = max_event_bytes
        #: What has come of a frame that is not whole.
        self._received = bytearray()
        self.failure: ServiceError | None = None

    @property
    def ended(self) -> bool:
        return self._writer.finished

    def feed(self, chunk: bytes) -> Events:
        received = self._received
        received += chunk
        at = 0
        try:
            # Given frame by frame: the buffer copies all that it holds for each, and for each piece of a long one.
            while len(received) - at >= _LENGTH:
                length = int.from_bytes(received[at : at + _LENGTH], "big")
                if length > self._max_bytes:
                    raise UpstreamError("An event of the provider's stream is too large.")
                if length < _SHORTEST:
                    raise UpstreamError("The provider's stream is damaged.")
                if len(received) - at < length:
                    break
                self._buffer.add_data(bytes(received[at : at + length]))
                at += length
                for message in self._buffer:
                    self._take(message.headers, message.payload)
                if self._writer.finished:
                    break
        except ServiceError as error:
            self.failure = error
        except (ParserError, struct.error, KeyError, UnicodeDecodeError):
            self.failure = UpstreamError("The provider's stream is damaged.")
        del received[:at]
        return self._writer.take()

    def _take(self, headers: Mapping[str, Any], payload: bytes) -> None:
        try:
            value = orjson.loads(payload or b"{}")
        except orjson.JSONDecodeError:
            raise UpstreamError("An event of the provider's stream could not be read.") from None
        kind = headers.get(":message-type")
        if kind == "event":
            self._translator.event(headers.get(":event-type"), value)
        elif kind == "exception":
            raise self._translator.exception(headers.get(":exception-type"), value)
        elif kind == "error":
            said = {"message": headers.get(":error-message")}
            raise self._translator.exception(headers.get(":error-code"), said)

    def end(self) -> Events:
        if self._received:
            raise UpstreamError("The provider's stream ends in the middle of an event.")
        self._translator.end()
        return self._writer.take()

    def whole(self, body: bytes) -> Events:  # noqa: ARG002
        raise UpstreamError("The provider's answer is no stream of events.")
