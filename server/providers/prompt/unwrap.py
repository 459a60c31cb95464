"""The input of a custom tool, out of the arguments of the function that stands in for it.

A provider that knows functions alone is offered a function with one string,
`input`. What it writes is JSON, `{"input": "..."}`, and comes in pieces; the
caller gets the string's own characters as they come.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

#: What the stand-in takes.
PARAMETERS: Final = (
    '{"type":"object","properties":{"input":{"type":"string","description":"The whole input of the tool."}},'
    '"required":["input"],"additionalProperties":false}'
)
_BEGINNING: Final = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_MAY_BEGIN: Final = re.compile(r'\s*(?:\{\s*(?:"(?:i(?:n(?:p(?:u(?:t(?:"\s*(?::\s*)?)?)?)?)?)?)?)?)?\Z')
#: What is longer and has not begun is not looked at before its end: every piece would be looked at again with the next.
_LONGEST_BEGINNING: Final = 256
_PLAIN: Final = re.compile(r'[^"\\]*')
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_REPLACEMENT: Final = "\ufffd"


def wrap(text: str) -> str:
    """The arguments that stand for an input."""
    return orjson.dumps({"input": text}).decode()


class Unwrapper:
    """Takes the input out of one call's arguments. All that it returns, joined, is the input."""

    __slots__ = ("_is_inside", "_is_over", "_pending", "_rest")

    def __init__(self) -> None:
        self._pending = ""
        #: What follows a beginning that is none: only the end can tell what it is.
        self._rest: list[str] = []
        self._is_inside = False
        self._is_over = False

    def feed(self, delta: str) -> str:
        """Take a piece of the arguments; return what it adds to the input."""
        if self._is_over:
            return ""
        if not self._is_inside and len(self._pending) > _LONGEST_BEGINNING:
            self._rest.append(delta)
            return ""
        self._pending += delta
        if not self._is_inside:
            match = _BEGINNING.match(self._pending)
            if match is None:
                return ""  # not yet, or never: `finish` looks at the whole
            self._is_inside = True
            self._pending = self._pending[match.end() :]
        taken: list[str] = []
        at, text = 0, self._pending
        while True:
            plain = _PLAIN.match(text, at)
            assert plain is not None, "it matches nothing, too"
            taken.append(plain[0])
            at = plain.end()
            if text[at : at + 1] == '"':
                self._is_over = True
            if self._is_over or at == len(text):
                break
            character, end = _unescaped(text, at)
            if end < 0:
                break
            taken.append(character)
            at = end
        self._pending = text[at:]
        return "".join(taken)

    def finish(self) -> str:
        """The rest of the input, when no more arguments come: of what is no such JSON, all of it."""
        if self._is_inside:
            return ""
        whole = self._pending + "".join(self._rest)
        try:
            value: Any = orjson.loads(whole)
        except orjson.JSONDecodeError:
            return "" if _MAY_BEGIN.match(whole) else whole
        given = value.get("input") if isinstance(value, dict) else None
        return given if isinstance(given, str) else whole


def _unescaped(text: str, at: int) -> tuple[str, int]:
    """The character that the escape at a place stands for, and where it ends; -1 while that cannot be told yet."""
    kind = text[at + 1 : at + 2]
    if kind != "u":
        return (_ESCAPES.get(kind, kind), at + 2) if kind else ("", -1)
    if len(text) < at + 6:
        return "", -1
    unit = _unit(text, at)
    if not 0xD800 <= unit < 0xE000:
        return chr(unit), at + 6
    follows = text[at + 6 : at + 12]
    if unit < 0xDC00 and len(follows) < 6 and "\\u".startswith(follows[:2]):
        return "", -1
    low = _unit(text, at + 6) if unit < 0xDC00 and follows[:2] == "\\u" else 0
    if 0xDC00 <= low < 0xE000:
        return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), at + 12
    return _REPLACEMENT, at + 6  # half a pair shows nothing


def _unit(text: str, at: int) -> int:
    try:
        return int(text[at + 2 : at + 6], 16)
    except ValueError:
        return ord(_REPLACEMENT)
