"""What the codec says when a document does not fit the contract.

CodecError(ValueError)
├── MalformedJson      the text is not JSON, or not JSON as strict as the policy asks
└── DecodeError        the text is JSON, but a member is not what the contract says
    ├── WrongType      JSON of the wrong kind
    ├── WrongValue     the right kind, a value that is not allowed
    └── MissingMember  a member that must be there is not
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class CodecError(ValueError):
    """A document that cannot be decoded. The text of the error is for its sender: it quotes no value."""


class MalformedJson(CodecError):
    """The text is not JSON by the policy of `antiphon.openai_json`."""


class DecodeError(CodecError):
    """A member of a JSON document that does not fit the contract.

    `param` is the member's path as OpenAI spells it, such as
    `input[2].content[0].type`; empty for the document itself.
    """

    def __init__(self, reason: str, *at: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self._path: list[str | int] = list(reversed(at))

    def under(self, segment: str | int) -> None:
        """Say that the fault lies below the member or element `segment`."""
        self._path.append(segment)

    @property
    def param(self) -> str:
        return spell_path(reversed(self._path))

    def __str__(self) -> str:
        return f"Invalid '{self.param}': {self.reason}" if self.param else self.reason


class WrongType(DecodeError):
    """A member holds JSON of the wrong kind."""


class WrongValue(DecodeError):
    """A member holds a value that is not allowed."""


class MissingMember(DecodeError):
    """A member that must be there is not."""


def spell_path(segments: Iterable[str | int]) -> str:
    """Spell a path of member names and indexes as OpenAI's `param`, such as `tools[0].name`."""
    text = ""
    for segment in segments:
        if isinstance(segment, int):
            text += f"[{segment}]"
        elif _PLAIN_NAME.match(segment):
            text += f".{segment}" if text else segment
        else:
            # A key of the caller's own: shown as a JSON string, cut, so that it cannot pose as a path.
            text += f"[{_quoted(segment[:64])}]"
    return text


def _quoted(key: str) -> str:
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else "?" for c in key) + '"'


_KINDS: Final = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def wrong_type(expected: str, value: object) -> WrongType:
    """The error for a JSON value of a kind other than `expected` (such as "a string")."""
    return WrongType(f"expected {expected}, got {_KINDS.get(type(value), 'something else')}.")
