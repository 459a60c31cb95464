"""What an answer rests on: `groundingMetadata`, whose places are counted in bytes of UTF-8.

https://ai.google.dev/gemini-api/docs/google-search#attributing-sources
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

_MOST_SEARCHES: Final = 1000


@dataclass(frozen=True, slots=True)
class Citation:
    """A page, and the characters of the answer that rest on it."""

    start: int
    end: int
    url: str
    title: str


@dataclass(slots=True)
class Grounding:
    """What was told of an answer's sources, the last time that it was."""

    queries: list[str] = field(default_factory=list)
    pages: list[tuple[str, str]] = field(default_factory=list)
    supports: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> Grounding:
        """Read it; what has the wrong shape is passed over."""
        return cls(
            [query for query in _list(metadata, "webSearchQueries") if isinstance(query, str) and query],
            [_page(chunk) for chunk in _list(metadata, "groundingChunks")],
            [support for support in _list(metadata, "groundingSupports") if isinstance(support, dict)],
        )

    def citations(self, text: str, part_starts: Sequence[int]) -> Iterator[Citation]:
        """The citations in a text, which is all of the answer; `part_starts` is where each part begins in it."""
        places = _Places(text, part_starts)
        for support in self.supports:
            segment = support.get("segment")
            place = places.of(segment) if isinstance(segment, dict) else None
            if place is None:
                continue
            for index in _list(support, "groundingChunkIndices"):
                if type(index) is int and 0 <= index < len(self.pages) and self.pages[index][0]:
                    yield Citation(*place, *self.pages[index])


def _page(chunk: Any) -> tuple[str, str]:
    """The URL and title of a chunk; without a URL when it is none of the web."""
    web = chunk.get("web") if isinstance(chunk, dict) else None
    if not isinstance(web, dict):
        return "", ""
    url, title = web.get("uri"), web.get("title")
    return url if isinstance(url, str) else "", title if isinstance(title, str) else ""


class _Places:
    """Finds segments in a text, which is gone through once for all of them."""

    def __init__(self, text: str, part_starts: Sequence[int]) -> None:
        self._text = text
        self._part_starts = part_starts
        #: Where each character begins in bytes, and the last ends; None where that is the same.
        self._offsets = None if text.isascii() else [0, *accumulate(map(_bytes_of, text))]
        #: How many more segments are looked for that are not where they are said to be: each costs a look at all.
        self._searches = _MOST_SEARCHES

    def of(self, segment: dict[str, Any]) -> tuple[int, int] | None:
        """Where a segment is, in characters. Its own text decides: the offsets are now and then off."""
        start, end, part = segment.get("startIndex", 0), segment.get("endIndex", 0), segment.get("partIndex", 0)
        if not all(type(one) is int and 0 <= one <= 1 << 53 for one in (start, end, part)):
            return None
        expected = segment.get("text")
        base = self._byte(self._part_starts[part]) if 0 < part < len(self._part_starts) else 0
        at, until = self._character(base + start), self._character(base + end)
        if not isinstance(expected, str) or not expected:
            return (at, until) if at < until else None
        if not (until - at == len(expected) and self._text.startswith(expected, at)):
            if not self._searches:
                return None
            self._searches -= 1
            at = _nearest(self._text, expected, at)
        return (at, at + len(expected)) if at >= 0 else None

    def _byte(self, character: int) -> int:
        return character if self._offsets is None else self._offsets[character]

    def _character(self, byte: int) -> int:
        if self._offsets is None:
            return min(byte, len(self._text))
        return min(bisect_left(self._offsets, byte), len(self._text))


def _bytes_of(character: str) -> int:
    return len(character.encode(errors="surrogatepass"))


def _nearest(text: str, expected: str, near: int) -> int:
    """Where a text stands nearest to a place; -1 where it does not."""
    before, after = text.rfind(expected, 0, near + len(expected)), text.find(expected, near)
    if before < 0 or (after >= 0 and after - near < near - before):
        return after
    return before


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []
