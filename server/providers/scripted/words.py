"""The stand-in's tokens: a token is a word, with the white space before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"\s*\S+|\s+")


def split(text: str) -> list[str]:
    """Cut a text into its words; joined, they are the text. White space at the end goes with the last word."""
    words = _WORD.findall(text)
    if len(words) > 1 and words[-1].isspace():
        last = words.pop()
        words[-1] += last
    return words


def count(text: str) -> int:
    """How many tokens a text is."""
    return len(text.split())


@dataclass(slots=True)
class Meter:
    """Counts the tokens of an answer, up to a limit."""

    limit: int | None
    spent: int = 0
    reasoning: int = 0
    #: Whether a token was wanted that was not left.
    exhausted: bool = False

    def spend(self, *, reasoning: bool = False) -> bool:
        """Count one more token; False when there is none left."""
        if self.limit is not None and self.spent >= self.limit:
            self.exhausted = True
            return False
        self.spent += 1
        self.reasoning += reasoning
        return True
