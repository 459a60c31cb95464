"""The parser of server-sent events: every way to cut a stream gives the same events."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.providers.sse import EventTooLarge, ServerSentEvent, SseParser


def parse(chunks: Iterable[bytes], **options: Any) -> list[ServerSentEvent]:
    parser = SseParser(**options)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def reference(stream: bytes) -> list[tuple[bytes, bytes]]:
    """The rules of the standard, one byte after the other."""
    stream = stream.removeprefix(b"\xef\xbb\xbf")
    lines: list[bytes] = []
    line = bytearray()
    position = 0
    while position < len(stream):
        byte = stream[position]
        position += 1
        if byte == 13 and stream[position : position + 1] == b"\n":
            position += 1
        if byte in (10, 13):
            lines.append(bytes(line))
            line.clear()
        else:
            line.append(byte)
    events: list[tuple[bytes, bytes]] = []
    name, data = b"", b""
    for text in lines:
        if not text:
            if data:
                events.append((name or b"message", data[:-1]))
            name, data = b"", b""
            continue
        if text.startswith(b":"):
            continue
        field, value = text.split(b":", 1) if b":" in text else (text, b"")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data += value + b"\n"
    return events


def cuts(stream: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({position % (len(stream) + 1) for position in at}), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


VECTORS = {
    "common": (b"event: a\ndata: 1\n\n", [(b"a", b"1")]),
    "no name": (b"data: 1\n\n", [(b"message", b"1")]),
    "several": (b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", [(b"a", b"1"), (b"b", b"2")]),
    "crlf": (b"event: a\r\ndata: 1\r\n\r\n", [(b"a", b"1")]),
    "cr": (b"event: a\rdata: 1\r\r", [(b"a", b"1")]),
    "mixed line ends": (b"event: a\rdata: 1\r\n\ndata: 2\n\r", [(b"a", b"1"), (b"message", b"2")]),
    "cr then lf is one line end": (b"data: 1\r\ndata: 2\r\n\r\n", [(b"message", b"1\n2")]),
    "lf then cr is two": (b"data: 1\n\rdata: 2\n\n", [(b"message", b"1"), (b"message", b"2")]),
    "byte order mark": (b"\xef\xbb\xbfdata: 1\n\n", [(b"message", b"1")]),
    "byte order mark later": (b"data: 1\n\n\xef\xbb\xbfdata: 2\n\n", [(b"message", b"1")]),
    "byte order mark alone": (b"\xef\xbb\xbf\n\ndata: 1\n\n", [(b"message", b"1")]),
    "line and paragraph separators": (
        "data: a\u2028b\u2029c\u0085d\x0b\x0ce\n\n".encode(),
        [(b"message", "a\u2028b\u2029c\u0085d\x0b\x0ce".encode())],
    ),
    "wide characters": ("data: 你好 🎉\n\n".encode(), [(b"message", "你好 🎉".encode())]),
    "several lines": (b"event: a\ndata: 1\ndata: 2\ndata:\n\n", [(b"a", b"1\n2\n")]),
    "comments": (b": hello\n\nevent: a\n:x\ndata: 1\n:\n\n", [(b"a", b"1")]),
    "no space": (b"event:a\ndata:1\n\n", [(b"a", b"1")]),
    "two spaces": (b"event:  a\ndata:  1\n\n", [(b" a", b" 1")]),
    "empty data": (b"data:\n\ndata\n\nevent: a\ndata: \n\n", [(b"message", b""), (b"message", b""), (b"a", b"")]),
    "no data": (b"event: a\n\ndata: 1\n\n", [(b"message", b"1")]),
    "empty name": (b"event: \ndata: 1\n\n", [(b"message", b"1")]),
    "last name counts": (b"event: a\nevent: b\ndata: 1\n\n", [(b"b", b"1")]),
    "data before the name": (b"data: 1\nevent: a\n\n", [(b"a", b"1")]),
    "id and retry": (b"id: 7\nretry: 10\ndata: 1\nid\n\n", [(b"message", b"1")]),
    "unknown fields": (b"foo: 1\nDATA: 2\n data: 3\ndata : 4\ndata: 5\nbar\n\n", [(b"message", b"5")]),
    "colon in data": (b"data: a:b: c\n\n", [(b"message", b"a:b: c")]),
    "many blank lines": (b"\n\n\ndata: 1\n\n\n\n\ndata: 2\n\n\n", [(b"message", b"1"), (b"message", b"2")]),
    "no blank line at the end": (b"data: 1\n\ndata: 2\n", [(b"message", b"1")]),
    "no line end at the end": (b"data: 1\n\nevent: a\ndata: 2", [(b"message", b"1")]),
    "nul": (b"data: a\x00b\n\n", [(b"message", b"a\x00b")]),
    "invalid utf-8": (b"data: \xff\xc3\n\n", [(b"message", b"\xff\xc3")]),
    "nothing": (b"", []),
}  # fmt: skip


@pytest.mark.parametrize(("stream", "expected"), VECTORS.values(), ids=VECTORS)
def test_vectors(stream: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert parse([stream]) == expected
    assert reference(stream) == expected


@pytest.mark.parametrize(("stream", "expected"), VECTORS.values(), ids=VECTORS)
def test_vectors_cut_anywhere(stream: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    for position in range(len(stream) + 1):
        assert parse([stream[:position], stream[position:]]) == expected
    assert parse(stream[i : i + 1] for i in range(len(stream))) == expected


_pieces = st.sampled_from(
    [b"data", b"event", b"id", b":", b": ", b" ", b"\n", b"\n", b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"x", b"{}",
     b"event: a\ndata: {}\n\n", "é\u2028".encode(), b"\xff", b""]
)  # fmt: skip
_streams = st.one_of(st.lists(_pieces, max_size=40).map(b"".join), st.binary(max_size=60))


@given(_streams, st.lists(st.integers(0, 500), max_size=8))
def test_any_cutting_gives_what_the_standard_says(stream: bytes, at: list[int]) -> None:
    assert parse(cuts(stream, at)) == reference(stream)


@given(_streams, st.lists(st.integers(0, 500), max_size=8), st.integers(1, 30))
@example(b"\xef\xbb\xbf:::\n\n", [7], 3)
@example(b"\xef\xbb\xbf:::\n\n", [2], 1)
def test_any_cutting_finds_the_same_event_too_large(stream: bytes, at: list[int], limit: int) -> None:
    def outcome(chunks: list[bytes]) -> tuple[list[ServerSentEvent], bool]:
        parser = SseParser(max_event_bytes=limit)
        events: list[ServerSentEvent] = []
        for chunk in chunks:
            try:
                events += parser.feed(chunk)
            except EventTooLarge as error:
                return events + error.events, True
        return events, False

    assert outcome(cuts(stream, at)) == outcome([stream])


def test_an_event_is_returned_as_soon_as_its_last_line_ends() -> None:
    parser = SseParser()
    assert parser.feed(b"data: 1\r\n\r") == [(b"message", b"1")]
    assert parser.feed(b"\ndata: 2\r\n\r\n") == [(b"message", b"2")]


def test_a_large_event_is_joined_once() -> None:
    payload = b"x" * (8 * 1024 * 1024)
    stream = b"event: image\ndata: " + payload + b"\n\n"
    assert parse(stream[i : i + 4096] for i in range(0, len(stream), 4096)) == [(b"image", payload)]


@pytest.mark.parametrize("size", [1000, 7])
def test_an_event_may_be_as_long_as_allowed_and_no_longer(size: int) -> None:
    block = b"data: " + b"x" * 94
    good, bad = block + b"\n\n", block + b"x\n\n"
    assert len(parse([good[i : i + size] for i in range(0, len(good), size)], max_event_bytes=100)) == 1
    with pytest.raises(EventTooLarge):
        parse([bad[i : i + size] for i in range(0, len(bad), size)], max_event_bytes=100)


def test_what_never_ends_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(EventTooLarge):
        parse(itertools.repeat(b": " + b"x" * 97 + b"\n"), max_event_bytes=1000)


def test_events_before_one_too_large_are_told() -> None:
    with pytest.raises(EventTooLarge) as raised:
        parse([b"data: 1\n\ndata: " + b"x" * 100 + b"\n\ndata: 2\n\n"], max_event_bytes=20)
    assert raised.value.events == [(b"message", b"1")]


def test_a_field_called_error_is_an_event_only_where_that_is_asked_for() -> None:
    stream = [b"error: {1}\n\n", b"error: 2\ndata: 3\n\n"]
    assert parse(stream) == [(b"message", b"3")]
    assert parse(stream, error_field=True) == [(b"error", b"{1}"), (b"message", b"3")]
