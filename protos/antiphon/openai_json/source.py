"""The text a JSON document was decoded from, found again where it is wanted.

Parsing turns `1.00`, a 20-digit number or a member's order into something
close to it. Free-form JSON and unknown members are kept as the caller wrote
them, so the decoder takes their text from here. Nothing is scanned until some
text is asked for, and each object or array on the way is scanned once.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.openai_json.errors import DecodeError, MalformedJson

#: How many objects and arrays of the typed part of a document may stand within each other.
#: Protobuf parsers refuse messages nested deeper than 100.
MAX_DEPTH: Final = 90

_object_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_array_elements: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def raw_members(text: bytes | str | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, each as the text it stands in."""
    try:
        return _object_members(text)
    except RecursionError:
        raise MalformedJson("The JSON is nested too deeply.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedJson("The text is not a JSON object.") from error


class Source:
    """A value's text within a document. Children are made freely; only asking for text costs anything."""

    __slots__ = ("_children", "_key", "_parent", "_raw", "depth")
    depth: int

    def __init__(self, raw: bytes | msgspec.Raw | None, parent: Source | None = None, key: str | int = "") -> None:
        self._raw = raw
        self._parent = parent
        self._key = key
        self._children: dict[str, msgspec.Raw] | list[msgspec.Raw] | None = None
        self.depth = 0 if parent is None else parent.depth + 1
        if self.depth > MAX_DEPTH:
            raise DecodeError(f"nested too deeply: the limit is {MAX_DEPTH} levels.")

    def __getitem__(self, key: str | int) -> Source:
        return Source(None, self, key)

    def text(self, key: str | int | None = None) -> str:
        """The text of the value, or of its member or element `key`."""
        raw = self._own() if key is None else self._child(key)
        return bytes(raw).decode()

    def _own(self) -> bytes | msgspec.Raw:
        if self._raw is None:
            assert self._parent is not None, "only a root is made without a parent, and it has its text"
            self._raw = self._parent._child(self._key)
        return self._raw

    def _child(self, key: str | int) -> msgspec.Raw:
        if self._children is None:
            own = self._own()
            self._children = _array_elements(own) if isinstance(key, int) else _object_members(own)
        return self._children[key]  # type: ignore[index]
