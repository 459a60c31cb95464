"""Server-sent events out of the bytes of a stream, by the WHATWG rules for `text/event-stream`.

Bytes in, bytes out: nothing is decoded here, so a character split between two
reads, U+2028 or U+0085 cannot do harm, and invalid UTF-8 is the reader's to
judge. `id` and `retry` are ignored: nothing here reconnects. Of other fields
`error` alone can be asked for: some servers tell of errors in one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

#: The longest event that is taken by default: an image in base64 fits.
MAX_EVENT_BYTES: Final = 32 * 1024 * 1024

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event: its name (`message` where the stream gives none) and its data, lines joined by LF."""

    event: bytes
    data: bytes


class EventTooLarge(Exception):
    """An event is longer than allowed; `events` are those that the same read completed before it."""

    def __init__(self, events: list[ServerSentEvent]) -> None:
        super().__init__("an event of the stream is too large")
        self.events = events


class SseParser:
    """Parses one stream. What `feed` returns, taken together, does not depend on how the stream was cut."""

    __slots__ = ("_after_cr", "_at_start", "_error_field", "_max", "_pending")

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES, error_field: bool = False) -> None:
        """`error_field` makes an event called `error` of a field of that name, where there is no data beside it."""
        self._max = max_event_bytes
        self._error_field = error_field
        #: The lines since the last blank one, not yet an event.
        self._pending = bytearray()
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes; return the events that they complete.

        Raises `EventTooLarge` when an event, complete or not, is longer than
        allowed; the parser cannot be used after that.
        """
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_lf(chunk)
        pending = self._pending
        if pending:
            # A long event comes in many reads: look for its end in the new bytes alone, and join once.
            if b"\n\n" not in chunk and not (pending[-1] == 10 and chunk[:1] == b"\n"):
                pending += chunk
                self._check(pending, [])
                return []
            pending += chunk
            chunk = bytes(pending)
            pending.clear()
        blocks = chunk.split(b"\n\n")
        rest = blocks.pop()
        events = self._events(blocks)
        if rest:
            pending += rest
            self._check(pending, events)
        return events

    def _with_lf(self, chunk: bytes) -> bytes:
        """End every line with LF. A CR ends its line at once; the LF that may follow it is dropped when it comes."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[:1] == b"\n":
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._after_cr = chunk[-1:] == b"\r"
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _events(self, blocks: list[bytes]) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        if not blocks:
            return events
        if self._at_start:
            self._at_start = False
            blocks[0] = blocks[0].removeprefix(_BYTE_ORDER_MARK)
        limit = self._max
        new = tuple.__new__
        for block in blocks:
            if len(block) > limit:
                raise EventTooLarge(events)
            # What nearly every event looks like: a name and a line of data.
            if block.startswith(b"event: "):
                end = block.find(b"\n")
                if end > 7 and block.startswith(b"data: ", end + 1) and block.find(b"\n", end + 7) < 0:
                    events.append(new(ServerSentEvent, (block[7:end], block[end + 7 :])))
                    continue
            event = _parse(block, self._error_field)
            if event is not None:
                events.append(event)
        return events

    def _check(self, pending: bytearray, events: list[ServerSentEvent]) -> None:
        # The LF of a last line is not part of it: the event may end right there. Nor is the mark before the first.
        size = len(pending) - (pending[-1:] == b"\n")
        if self._at_start and pending.startswith(_BYTE_ORDER_MARK[:size]):
            size -= min(size, len(_BYTE_ORDER_MARK))
        if size > self._max:
            pending.clear()
            raise EventTooLarge(events)


def _parse(block: bytes, error_field: bool) -> ServerSentEvent | None:
    """The event that the lines of a block make, if they make one: what has no data is none."""
    name = b""
    data: list[bytes] = []
    errors: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field == b"error" and error_field:
            errors.append(value)
    if errors and not data:
        name, data = b"error", errors
    return ServerSentEvent(name or b"message", b"\n".join(data)) if data else None
