"""The frames of a stream out of its bytes: server-sent events, or JSON with one event in each line.

Unlike a client's parser, which forgives and forgets, these keep what was wrong
with a frame beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from server.checking.report import Unreadable
from server.checking.rules import Rule

#: The longest event that is read by default: an image in base64 fits.
MAX_EVENT_BYTES: Final = 32 * 1024 * 1024

_LINE_END: Final = re.compile(rb"\r\n|\n|\r(?!\Z)")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DONE: Final = b"[DONE]"
Fault = tuple[Rule, str]


class Frame(NamedTuple):
    """What stands for one event."""

    data: bytes
    #: As `event:` says it; None where nothing does, or nothing can.
    name: str | None
    faults: tuple[Fault, ...] = ()
    #: Whether it was cut off by the end of the stream.
    is_cut: bool = False
    #: Whether it is one of server-sent events, which have names.
    is_sse: bool = True

    @property
    def is_done(self) -> bool:
        """Whether it is `[DONE]`, which is no event."""
        return self.data.strip() == _DONE


def frames(chunks: Iterable[bytes], *, max_event_bytes: int = MAX_EVENT_BYTES) -> Iterator[Frame]:
    """Read the frames of a stream, which may be cut into chunks anyhow.

    What begins with `{` is JSON with an event in each line, all else is
    server-sent events. Raises `Unreadable` on an event longer than allowed.
    """
    lines = _Lines(chunks, max_event_bytes)
    first = next(lines, None)
    if first is None:
        return
    if first.text.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] == b"{":
        yield from _of_json_lines(first, lines)
    else:
        yield from _of_sse(first, lines, max_event_bytes)


class _Line(NamedTuple):
    text: bytes
    #: What it ends with; empty where the stream ended first.
    end: bytes


class _Lines:
    """Splits bytes into lines, none longer than allowed."""

    def __init__(self, chunks: Iterable[bytes], longest: int) -> None:
        self._chunks = iter(chunks)
        self._longest = longest
        self._pending = bytearray()
        self._scanned = 0
        self._begin = 0
        self._is_ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> _Line:
        while True:
            end = _LINE_END.search(self._pending, self._scanned)
            if end is not None:
                line = _Line(bytes(self._pending[self._begin : end.start()]), end[0])
                self._begin = self._scanned = end.end()
                if len(line.text) > self._longest:
                    raise Unreadable(_too_long(self._longest))
                return line
            # What was read is dropped once for all its lines. The last byte may be a CR that an LF follows.
            del self._pending[: self._begin]
            self._begin = 0
            self._scanned = max(0, len(self._pending) - 1)
            if len(self._pending) > self._longest:
                raise Unreadable(_too_long(self._longest))
            chunk = None if self._is_ended else next(self._chunks, None)
            if chunk is not None:
                self._pending += chunk
                continue
            self._is_ended = True
            if not self._pending:
                raise StopIteration
            rest = bytes(self._pending)
            self._pending.clear()
            self._scanned = 0
            return _Line(rest[:-1], b"\r") if rest.endswith(b"\r") else _Line(rest, b"")


def _too_long(longest: int) -> str:
    return f"an event is longer than {longest} bytes"


def _of_json_lines(first: _Line, lines: Iterable[_Line]) -> Iterator[Frame]:
    line = first
    if first.text.startswith(_BYTE_ORDER_MARK):
        line = _Line(first.text.removeprefix(_BYTE_ORDER_MARK), first.end)
    while True:
        if line.text.strip():
            yield Frame(line.text, None, is_cut=not line.end, is_sse=False)
        following = next(iter(lines), None)
        if following is None:
            return
        line = following


class _Block:
    """The lines since the last blank one."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.name: bytes | None = None
        self.size = 0

    def frame(self, faults: list[Fault], *, is_cut: bool) -> Frame | None:
        """The frame that the lines make; None if they are but comments."""
        if not self.data and self.name is None:
            return None
        if not self.data:
            faults.append((Rule.EMPTY_DATA, "has no line of data"))
        elif len(self.data) > 1:
            faults.append((Rule.SEVERAL_DATA_LINES, f"has {len(self.data)} lines of data"))
        name = None if self.name is None else self.name.decode("utf-8", "replace")
        return Frame(b"\n".join(self.data), name, tuple(faults), is_cut)


def _of_sse(first: _Line, lines: Iterator[_Line], max_event_bytes: int) -> Iterator[Frame]:
    faults: list[Fault] = []
    other_end_told = False
    block = _Block()
    line: _Line | None = first
    if first.text.startswith(_BYTE_ORDER_MARK):
        faults.append((Rule.BYTE_ORDER_MARK, "begins with one"))
        line = _Line(first.text.removeprefix(_BYTE_ORDER_MARK), first.end)
    while line is not None:
        if line.end not in (b"\n", b"") and not other_end_told:
            other_end_told = True
            faults.append((Rule.CRLF, "a line ends with CR; told once"))
        block.size += len(line.text)
        if block.size > max_event_bytes:
            raise Unreadable(_too_long(max_event_bytes))
        if line.text:
            _take(line.text, block, faults)
        else:
            frame = block.frame(faults, is_cut=False)
            if frame is not None:
                yield frame
                faults = []
            block = _Block()
        line = next(lines, None)
    if block.data or block.name is not None:
        faults.append((Rule.FINAL_BLANK_LINE, "the stream ends before the blank line"))
        frame = block.frame(faults, is_cut=True)
        if frame is not None:
            yield frame


def _take(text: bytes, block: _Block, faults: list[Fault]) -> None:
    field, colon, value = text.partition(b":")
    value = value[1:] if value[:1] == b" " else value
    if field == b"data":
        block.data.append(value)
    elif field == b"event":
        if block.name is not None:
            faults.append((Rule.EXTRA_FIELD, "has several lines `event:`"))
        block.name = value
    elif field or not colon:  # not a comment
        shown = field[:40].decode("utf-8", "replace")
        if len(faults) < 10:
            faults.append((Rule.EXTRA_FIELD, f"has a line `{shown}`"))
