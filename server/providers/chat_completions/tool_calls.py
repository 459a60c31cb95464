"""The calls of an answer, put together from pieces that do not always say which call they are of."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from server.errors import UpstreamError
from server.providers.prompt.tools import Calls

#: What stands for no id.
_NO_ID: Final = frozenset({"", "null", "None"})


class _Function(msgspec.Struct):
    arguments: msgspec.Raw = msgspec.Raw()


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Message(msgspec.Struct):
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct):
    delta: _Message | None = None
    message: _Message | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice]


_read: Final = msgspec.json.Decoder(_Chunk).decode


class ToolCalls:
    """Tells the pieces of calls through `Calls`, each under the key of its call."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._count = 0
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._last: int | None = None
        #: The calls that have no name yet, and those that have arguments.
        #: The last chunk with arguments that are no text, and what it says.
        self._read: tuple[bytes, _Chunk] | None = None
        self._nameless: set[int] = set()
        self._argued: set[int] = set()

    @property
    def any(self) -> bool:
        """Whether there have been any."""
        return self._count > 0

    @property
    def nameless(self) -> bool:
        """Whether a call has not been told the name of."""
        return bool(self._nameless)

    def flush(self) -> None:
        """Tell what is left of calls, when nothing more of them comes."""
        self._calls.cut()

    def take(self, pieces: Any, data: bytes, choice: int) -> None:
        """Take the pieces in one choice of a chunk, whose text is `data`. Raises `UpstreamError`."""
        if type(pieces) is not list:
            raise UpstreamError("The provider sent calls that are no list.")
        in_this: set[int] = set()
        for place, piece in enumerate(pieces):
            if type(piece) is not dict:
                raise UpstreamError("The provider sent a call that is none.")
            body = piece.get("function") or piece.get("custom") or {}
            if type(body) is not dict:
                raise UpstreamError("The provider sent a call that is none.")
            name, call_id, index = body.get("name"), piece.get("id"), piece.get("index")
            name = name if type(name) is str and name else None
            call_id = call_id if type(call_id) is str and call_id not in _NO_ID else None
            key = self._key(index if type(index) is int else None, call_id, name, in_this)
            in_this.add(key)
            if call_id is not None and self._by_id.setdefault(call_id, key) != key:
                call_id = None  # another call has it; this one is given one of its own
            if call_id is not None:
                self._ids.setdefault(key, call_id)
            if name is not None:
                self._nameless.discard(key)
            if name is not None or call_id is not None or key not in self._argued:
                self._calls.begin(key, name=name, call_id=call_id)
            arguments = body.get("arguments", body.get("input"))
            if type(arguments) is dict:
                arguments = self._raw(data, choice, place)
            if arguments:
                if type(arguments) is not str:
                    raise UpstreamError("The provider sent a call whose arguments are no JSON.")
                self._argued.add(key)
                self._calls.arguments(key, arguments)

    def _key(self, index: int | None, call_id: str | None, name: str | None, in_this: set[int]) -> int:
        if index is not None:
            key = self._by_index.get(index)
            if key is None or self._is_another(key, call_id, name, in_this):
                key = self._by_index[index] = self._new()
        elif call_id is not None and call_id in self._by_id and not (name and self._by_id[call_id] in in_this):
            key = self._by_id[call_id]
        elif self._last is None or self._is_next(self._last, call_id, name, in_this):
            key = self._new()
        else:
            key = self._last
        self._last = key
        return key

    def _is_another(self, key: int, call_id: str | None, name: str | None, in_this: set[int]) -> bool:
        """Whether a piece begins another call under an index that has one: some give all their calls the same."""
        if name is None:
            return False
        known = self._ids.get(key)
        if call_id is not None and known is not None:
            return call_id != known
        return key in in_this

    def _is_next(self, last: int, call_id: str | None, name: str | None, in_this: set[int]) -> bool:
        """Whether a piece that has no index, and an id of its own or none, begins a call after the last."""
        if call_id is not None:
            return name is not None or last in self._ids
        return name is not None and (last in self._argued or last in in_this)

    def _new(self) -> int:
        self._count += 1
        self._nameless.add(self._count)
        return self._count

    def _raw(self, data: bytes, choice: int, place: int) -> str:
        """Arguments that are no text but JSON, as that was written."""
        try:
            if self._read is None or self._read[0] is not data:
                self._read = (data, _read(data))
            told = self._read[1].choices[choice]
            message = told.delta or told.message
            assert message is not None, "there is a call in it"
            calls = message.tool_calls or [_Call(message.function_call)]
            function = calls[place].function
            return bytes(function.arguments).decode() if function is not None else ""
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError, RecursionError):
            raise UpstreamError("The provider sent a call whose arguments could not be read.") from None
