"""Sets the parameters of a path and a query onto a request message, by its descriptor."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from antiphon.responses import v1
from http_bridge.errors import Fault

_F = FieldDescriptor
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}\Z")

#: Turns the text of a parameter into a field's value, or raises ValueError.
_Reader: TypeAlias = Callable[[str], Any]


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError from None


def _integer(text: str) -> int:
    if not _INTEGER.match(text):
        raise ValueError
    return int(text)


_READERS: Final[Mapping[int, tuple[_Reader, str]]] = {
    _F.TYPE_STRING: (str, "text in UTF-8"),
    _F.TYPE_BOOL: (_boolean, "'true' or 'false'"),
    _F.TYPE_INT32: (_integer, "a whole number of 32 bits"),
    _F.TYPE_INT64: (_integer, "a whole number of 64 bits"),
}


def set_parameters(message: Message, given: Iterable[tuple[str, str]]) -> None:
    """Set each parameter onto the field spelled as it; `name` and `name[]` are one parameter.

    Parameters that no scalar field is spelled as are ignored. Of one that
    stands several times, the last counts, unless the field is a list. A field
    that the message holds already is kept.
    """
    fields = _fields(message.DESCRIPTOR)
    held = {field.name for field, _ in message.ListFields()}
    for name, text in given:
        field = fields.get(name.removesuffix("[]"))
        if field is not None and field.name not in held:
            _set(message, field, name.removesuffix("[]"), text)


def set_path(message: Message, parts: Mapping[str, str]) -> None:
    """Set the parts of a path that are named as fields. They win over what the message holds."""
    for name, text in parts.items():
        _set(message, message.DESCRIPTOR.fields_by_name[name], name, text)


def _set(message: Message, field: Any, name: str, text: str) -> None:
    read, expected = _READERS[field.type]
    try:
        if field.is_repeated:
            getattr(message, field.name).append(read(text))
        else:
            setattr(message, field.name, read(text))
    except ValueError:  # of ours, and of protobuf for what is out of range or no UTF-8
        reason = v1.ErrorReason.ERROR_REASON_INVALID_VALUE
        raise Fault(reason, f"Invalid '{name}': expected {expected}.", param=name) from None


@functools.cache
def _fields(descriptor: Descriptor) -> Mapping[str, FieldDescriptor]:
    """The fields that a parameter can set, by the name of the member each alone is spelled as."""
    return {
        member: fields[0]
        for member, fields in spelling.of_message(descriptor).members.items()
        if len(fields) == 1 and fields[0].type in _READERS and not spelling.of_field(fields[0]).raw_json
    }
