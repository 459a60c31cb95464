"""Makes content fit to be shown: bounded, without secrets, without data in base64."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from server import masking

_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.=+-]+)*?);base64,([A-Za-z0-9+/_-]*=*)", re.ASCII)
#: So much without a space or another character is data and no text.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{512,}={0,2}", re.ASCII)
#: How far beyond a cut is looked for the rest of a secret that the cut would make unrecognizable.
_MARGIN: Final = 256
#: Of one message, so many fields and entries are shown.
_MAX_NODES: Final = 1_000
#: Proof of a provider's reasoning: nobody can read it, and it is long.
_SEALED: Final = frozenset({"encrypted_content", "fingerprint"})


class Plain:
    """Cuts texts at `limit` characters."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def text(self, text: str) -> str:
        """The text; what was cut, and what stands for data, says how long it was."""
        if ";base64," in text:
            text = _DATA_URL.sub(lambda match: _blob(match[1] or "text/plain", match[3]), text)
        elif len(text) > self._limit and _BASE64.match(text, 0, 1024):
            return _blob("application/octet-stream", text)
        size = len(text)
        if size <= self._limit:
            return masking.mask(text)
        cut = masking.mask(text[: self._limit + _MARGIN])[: self._limit]
        return f"{cut}… [{size - self._limit} more characters cut]"

    def url(self, url: str) -> tuple[str, str, str]:
        """A URL, or what stands for the data in it; and the data's media type. One of the first two is empty."""
        match = _DATA_URL.match(url)
        if match is None:
            return self.text(url), "", ""
        media_type = match[1] or "text/plain"
        return "", _blob(media_type, match[3]), media_type

    def data(self, data: str, media_type: str) -> str:
        """What stands for data in base64."""
        return _blob(media_type, data)

    def message(self, message: Message) -> Any:
        """Any message of the contract as JSON: without what its fields are marked as sensitive for, in the contract's
        own names, and with the kind of a union as its `type`."""
        return self._message(message, [_MAX_NODES])

    def _message(self, message: Message, left: list[int]) -> Any:
        found: dict[str, Any] = {}
        for field, value in message.ListFields():
            left[0] -= 1
            if left[0] < 0:
                found["…"] = "[more left out]"
                break
            arm = field.containing_oneof is not None and len(field.containing_oneof.fields) > 1
            if arm:
                found["type"] = field.name
            shown = self._field(field, value, left)
            if arm and isinstance(shown, dict):
                found |= {name: each for name, each in shown.items() if name != "type"}
            else:
                found[field.name] = shown
        return found

    def _field(self, field: FieldDescriptor, value: Any, left: list[int]) -> Any:
        if spelling.of_field(field).sensitive:
            return masking.MASK
        if field.name in _SEALED:
            return f"[{len(value)} characters]"
        if spelling.is_map(field):
            return {self.text(str(key)): self._value(value[key], left) for key in _some(value, left)}
        if spelling.of_field(field).raw_json and not field.is_repeated:
            return self._json(value)
        if field.is_repeated:
            return [self._value(each, left) for each in _some(value, left)]
        return self._value(value, left)

    def _json(self, text: str) -> Any:
        """JSON of a caller's own: as it is, unless it is no JSON or is cut."""
        shown = self.text(text)
        try:
            orjson.loads(shown)
        except orjson.JSONDecodeError:
            return shown
        return orjson.Fragment(shown)

    def _value(self, value: Any, left: list[int]) -> Any:
        if isinstance(value, Message):
            return self._message(value, left)
        return self.text(value) if isinstance(value, str) else value


def _some(values: Any, left: list[int]) -> list[Any]:
    """As many of the entries as there is room for."""
    chosen = list(values)[: max(left[0], 0)]
    left[0] -= len(chosen)
    return chosen


def _blob(media_type: str, data: str) -> str:
    characters = len(data) - data[-2:].count("=")
    return f"[{media_type}, {characters * 3 // 4} bytes]"
