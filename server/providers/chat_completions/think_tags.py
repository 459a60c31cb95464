"""Reasoning that stands in the text, between `<think>` and `</think>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class ThinkTags:
    """Tells text that begins with the tag apart: what is within goes to `think`, the rest to `say`."""

    def __init__(self, think: Callable[[str], None], say: Callable[[str], None]) -> None:
        self._think = think
        self._say = say
        self._pending = ""
        #: The space before anything else.
        self._space: list[str] = []
        #: The tag that is looked for; empty when no more is.
        self._tag = _OPEN
        #: Whether space is left out until something else comes: what surrounds the tags is no part of either.
        self._trims = True

    @property
    def over(self) -> bool:
        """Whether all further text is just text."""
        return not self._tag and not self._trims

    def feed(self, text: str) -> None:
        """Take a piece of the text."""
        text = self._pending + text
        self._pending = ""
        if self._tag == _OPEN:
            begun = text.lstrip()
            self._space.append(text[: len(text) - len(begun)])
            if _OPEN.startswith(begun):
                self._pending = begun  # not known yet
                return
            if not begun.startswith(_OPEN):
                self._tag, self._trims = "", False
                self._say("".join(self._space) + begun)
                return
            self._tag, text = _CLOSE, begun[len(_OPEN) :]
        if self._tag == _CLOSE:
            text = self._trimmed(text)
            thought, tag, text = text.partition(_CLOSE)
            if not tag:
                kept = _held_back(thought)
                self._pending = thought[len(thought) - kept :]
                self._think(thought[: len(thought) - kept])
                return
            self._think(thought.rstrip())
            self._tag, self._trims = "", True
        self._say(self._trimmed(text))

    def finish(self) -> None:
        """Tell what is left, when no more text comes."""
        pending, self._pending = self._pending, ""
        if self._tag == _OPEN:
            pending = "".join(self._space) + pending
        if pending:
            (self._think if self._tag == _CLOSE else self._say)(pending)
        self._tag, self._trims = "", False

    def _trimmed(self, text: str) -> str:
        if self._trims:
            text = text.lstrip()
            self._trims = not text
        return text


def _held_back(text: str) -> int:
    """How many characters at the end may belong to the tag, or be space before it."""
    for length in range(min(len(_CLOSE) - 1, len(text)), 0, -1):
        if _CLOSE.startswith(text[-length:]):
            return length + len(text[:-length]) - len(text[:-length].rstrip())
    return len(text) - len(text.rstrip())
