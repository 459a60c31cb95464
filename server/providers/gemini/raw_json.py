"""The text of members as it came: numbers and the order of members stay as the model wrote them."""

from __future__ import annotations

from typing import Final

import msgspec

from server.errors import UpstreamError

#: The second where it is nested deeper than this decoder goes.
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError)


class _Content(msgspec.Struct):
    parts: list[msgspec.Raw] = []


class _Candidate(msgspec.Struct):
    content: _Content | None = None


class _Document(msgspec.Struct):
    candidates: list[_Candidate] = []


class _Function(msgspec.Struct):
    args: msgspec.Raw = msgspec.Raw(b"")


class _Part(msgspec.Struct):
    functionCall: _Function  # noqa: N815


class Parts:
    """The parts of a document, as they stand in it. Nothing is looked for until one is asked for, and then once."""

    __slots__ = ("_document", "_read")

    def __init__(self, document: bytes) -> None:
        self._document = document
        self._read: _Document | None = None

    def text(self, candidate: int, part: int) -> str:
        """The text of a part."""
        try:
            if self._read is None:
                self._read = msgspec.json.decode(self._document, type=_Document)
            content = self._read.candidates[candidate].content
            raw = bytes(content.parts[part]) if content is not None else b""
            return _on_one_line(raw)
        except (*_UNREADABLE, IndexError, UnicodeDecodeError):
            raise UpstreamError("A part of the provider's answer could not be read.") from None


def arguments_in(part: str) -> str:
    """The text of the arguments of a part's call, an object."""
    try:
        raw = bytes(msgspec.json.decode(part, type=_Part).functionCall.args)
    except _UNREADABLE:
        raise UpstreamError("The provider sent a call that could not be read.") from None
    if raw in (b"", b"null"):
        return "{}"
    if raw[:1] != b"{":
        raise UpstreamError("The provider sent a call whose arguments are no object.")
    return raw.decode()


def documents_in(body: bytes) -> list[bytes]:
    """The documents of an answer that came in one piece: itself, or all those in the list that it is."""
    if body.lstrip()[:1] != b"[":
        return [body]
    try:
        return [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except _UNREADABLE:
        raise UpstreamError("The provider's answer could not be read.") from None


def _on_one_line(raw: bytes) -> str:
    # Whole answers are laid out for reading.
    return (msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw).decode()
