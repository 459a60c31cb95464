"""Writes a text that fits a regular expression, without ever running the expression."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 1000
_DEEPEST: Final = 50
_KINDS: Final = {"d": "0", "D": "a", "w": "a", "W": "-", "s": " ", "S": "a"}
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_TRIED: Final = "aA0-_ .!b~é"


class UnsupportedPattern(Exception):
    """An expression that holds more than literals, classes, groups, alternatives, repetition and outer anchors."""


def sample(pattern: str) -> str:
    """A short text that the whole of `pattern` fits; raises `UnsupportedPattern`."""
    reader = _Reader(pattern)
    text = reader.alternatives(0)
    if reader.at < len(pattern):
        raise UnsupportedPattern
    return text


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0
        #: Whether something was written before this place, which `^` cannot follow.
        self._begun = False
        #: Whether `$` was read, which nothing can follow.
        self._ended = False

    def alternatives(self, depth: int) -> str:
        """Read up to the end or a closing parenthesis; the first alternative is what is written."""
        if depth > _DEEPEST:
            raise UnsupportedPattern
        begun, ended = self._begun, self._ended
        text = self._sequence(depth)
        after = self._begun, self._ended
        while self._accept("|"):
            self._begun, self._ended = begun, ended
            self._sequence(depth)
        self._begun, self._ended = after
        return text

    def _sequence(self, depth: int) -> str:
        text = ""
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            if self._accept("^"):
                if self._begun:
                    raise UnsupportedPattern
                continue
            if self._accept("$"):
                self._ended = True
                continue
            ended = self._ended
            atom = self._atom(depth)
            atom *= self._repetitions()
            if atom and ended:
                raise UnsupportedPattern
            self._begun = self._begun or bool(atom)
            text += atom
            if len(text) > _LONGEST:
                raise UnsupportedPattern
        return text

    def _atom(self, depth: int) -> str:
        char = self._next()
        if char == "(":
            if self._accept("?") and not self._accept(":"):
                self._group_name()
            text = self.alternatives(depth + 1)
            if not self._accept(")"):
                raise UnsupportedPattern
            return text
        if char == "[":
            return self._class()
        if char == "\\":
            escape = self._next()
            return _KINDS[escape] if escape in _KINDS else self._escaped(escape)
        if char in "*+?{":
            raise UnsupportedPattern
        return "a" if char == "." else char

    def _group_name(self) -> None:
        self._accept("P")
        if not self._accept("<"):
            raise UnsupportedPattern
        name = ""
        while not self._accept(">"):
            name += self._next()
        if not name.isidentifier():
            raise UnsupportedPattern

    def _repetitions(self) -> int:
        least = 1
        if self._accept("*") or self._accept("?"):
            least = 0
        elif self._accept("{"):
            end = self._pattern.find("}", self.at)
            low, comma, high = self._pattern[self.at : max(end, self.at)].partition(",")
            if not (low.isascii() and low.isdecimal() and len(low) < 5) or (comma and high and not high.isdecimal()):
                raise UnsupportedPattern
            least, self.at = int(low), end + 1
            if least > _LONGEST:
                raise UnsupportedPattern
        elif not self._accept("+"):
            return 1
        self._accept("?")
        return least

    def _class(self) -> str:
        negated = self._accept("^")
        ranges: list[tuple[str, str]] = []
        kinds = ""
        while not self._accept("]"):
            low = self._member()
            if len(low) > 1:
                kinds += low[1]
                continue
            if self._pattern[self.at : self.at + 1] == "-" and self._pattern[self.at + 1 : self.at + 2] not in (
                "]",
                "",
            ):
                self.at += 1
                high = self._member()
                if len(high) > 1 or high < low:
                    raise UnsupportedPattern
                ranges.append((low, high))
            else:
                ranges.append((low, low))
        if not negated:
            if ranges:
                return ranges[0][0]
            if kinds:
                return _KINDS[kinds[0]]
        elif ranges and not kinds:  # an empty class means something else in each dialect
            for char in _TRIED:
                if not any(low <= char <= high for low, high in ranges):
                    return char
        raise UnsupportedPattern

    def _member(self) -> str:
        """One character of a class; a backslash and a letter for a kind of characters."""
        char = self._next()
        if char == "[":
            raise UnsupportedPattern
        if char != "\\":
            return char
        escape = self._next()
        return f"\\{escape}" if escape in _KINDS else self._escaped(escape)

    def _escaped(self, escape: str) -> str:
        if escape in _CONTROLS:
            return _CONTROLS[escape]
        if escape in "xu":
            digits = self._pattern[self.at : self.at + (2 if escape == "x" else 4)]
            self.at += len(digits)
            try:
                char = chr(int(digits, 16))
            except ValueError:
                raise UnsupportedPattern from None
            if "\ud800" <= char <= "\udfff" or not digits.isalnum():
                raise UnsupportedPattern
            return char
        if escape.isalnum():
            raise UnsupportedPattern
        return escape

    def _next(self) -> str:
        if self.at >= len(self._pattern):
            raise UnsupportedPattern
        self.at += 1
        return self._pattern[self.at - 1]

    def _accept(self, char: str) -> bool:
        if self._pattern[self.at : self.at + 1] != char:
            return False
        self.at += 1
        return True
