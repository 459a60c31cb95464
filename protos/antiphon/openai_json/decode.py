"""JSON to protobuf: a plan per message type, compiled once from its descriptor, then run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from antiphon.openai_json.errors import DecodeError, MalformedJson, MissingMember, WrongType, WrongValue, wrong_type
from antiphon.openai_json.source import Source

M = TypeVar("M", bound=Message)

#: Fills a message from the JSON value at a source.
Fill: TypeAlias = Callable[[Any, Any, Source], None]
#: Sets one field of a message from the value of a member; the source is the object's, the key the member's name.
Setter: TypeAlias = Callable[[Any, Any, Source, str], None]
#: Turns one JSON scalar into what protobuf takes, or raises.
Scalar: TypeAlias = Callable[[Any], Any]

_F = FieldDescriptor
_INTEGERS: Final = {
    _F.TYPE_INT32, _F.TYPE_INT64, _F.TYPE_UINT32, _F.TYPE_UINT64, _F.TYPE_SINT32, _F.TYPE_SINT64,
}  # fmt: skip
_DECIMALS: Final = {_F.TYPE_DOUBLE, _F.TYPE_FLOAT}


def decode(text: bytes, message_type: type[M]) -> M:
    """Decode a JSON document into a new message.

    Raises `MalformedJson` when the text is not JSON by the package's policy,
    and `DecodeError`, which names the member, when it does not fit the type.
    """
    return decode_value(parse(text), text, message_type)


def decode_value(value: Any, text: bytes, message_type: type[M]) -> M:
    """Decode a document that `parse` has read already; `text` is what it was read from."""
    message = message_type()
    try:
        plan(message_type.DESCRIPTOR)(message, value, Source(text))
    except RecursionError:
        raise DecodeError("The JSON is nested too deeply.") from None
    return message


def parse(text: bytes) -> Any:
    """Parse JSON by the package's policy.

    Raises `MalformedJson` on anything but one JSON value in strict UTF-8.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # The parser's words tell the place and the kind of fault; they quote nothing of the text.
        raise MalformedJson(f"The JSON could not be parsed: {error}.") from None


@functools.cache
def plan(descriptor: Descriptor) -> Fill:
    """The function that fills a message of this type."""
    spelled = spelling.of_message(descriptor)
    if spelled.is_list:
        return _list_plan(spelled)
    if spelled.by_kind:
        return _by_kind_plan(spelled)
    if spelled.discriminator:
        return _union_plan(spelled)
    return _object_plan(spelled)


# Objects


def _object_plan(spelled: spelling.Spelling) -> Fill:
    setters = _setters(spelled)
    keep = _keeper(spelled)
    constants = spelled.constants

    def fill(message: Any, value: Any, source: Source) -> None:
        if type(value) is not dict:
            raise wrong_type("an object", value)
        unknown: list[str] | None = None
        for name, member in value.items():
            if member is None:
                continue
            setter = setters.get(name)
            if setter is None:
                if constants.get(name) != member:
                    unknown = [name] if unknown is None else [*unknown, name]
                continue
            try:
                setter(message, member, source, name)
            except DecodeError as error:
                error.under(name)
                raise
        if unknown is not None:
            keep(message, unknown, source)

    return fill


def _union_plan(spelled: spelling.Spelling) -> Fill:
    discriminator = spelled.discriminator
    shared = _setters(spelled)
    arms = {tag: _arm_plan(arm, spelled) for arm in spelled.arms for tag in arm.tags}
    untagged = [(arm.when_member, arms[arm.tags[0]]) for arm in spelled.arms if arm.when_member]
    fallback = spelled.fallback.name if spelled.fallback else None

    def fill(message: Any, value: Any, source: Source) -> None:
        if type(value) is not dict:
            raise wrong_type("an object", value)
        tag = value.get(discriminator)
        if type(tag) is str:
            arm = arms.get(tag)
        elif tag is not None:
            error = wrong_type("a string", tag)
            error.under(discriminator)
            raise error
        else:
            arm = next((arm for member, arm in untagged if value.get(member) is not None), None)
            if arm is None:
                raise MissingMember("this member is required.", discriminator)
        if arm is not None:
            arm(message, value, source)
        elif fallback is not None:
            setattr(message, fallback, source.text())
            for name, setter in shared.items():
                member = value.get(name)
                if member is not None:
                    try:
                        setter(message, member, source, name)
                    except DecodeError:
                        # Of an object nobody here knows, a member of the same name may mean something else.
                        continue
        else:
            raise WrongValue(f"expected one of {', '.join(sorted(arms))}.", discriminator)

    return fill


def _arm_plan(arm: spelling.Arm, union: spelling.Spelling) -> Fill:
    inner = spelling.of_message(arm.field.message_type)
    discriminator = union.discriminator
    name_of_arm = arm.field.name
    shared = _setters(union)
    own = _setters(inner)
    keep = _keeper(union if union.catch_all else inner)
    keep_in_arm = union.catch_all is None

    def fill(message: Any, value: dict[str, Any], source: Source) -> None:
        chosen = getattr(message, name_of_arm)
        chosen.SetInParent()
        unknown: list[str] | None = None
        for name, member in value.items():
            if member is None:
                continue
            try:
                setter = own.get(name)
                if setter is not None:
                    setter(chosen, member, source, name)
                    continue
                setter = shared.get(name)
                if setter is not None:
                    setter(message, member, source, name)
                    continue
            except DecodeError as error:
                error.under(name)
                raise
            if name != discriminator:
                unknown = [name] if unknown is None else [*unknown, name]
        if unknown is not None:
            keep(chosen if keep_in_arm else message, unknown, source)

    return fill


def _keeper(spelled: spelling.Spelling) -> Callable[[Any, Iterable[str], Source], None]:
    """What to do with members that no field declares: keep their text."""
    if spelled.catch_all is None:
        return lambda message, names, source: None
    field = spelled.catch_all.name

    def keep(message: Any, names: Iterable[str], source: Source) -> None:
        members = (f"{orjson.dumps(name).decode()}:{source.text(name)}" for name in names)
        setattr(message, field, "{" + ",".join(members) + "}")

    return keep


# Values that are not objects


def _list_plan(spelled: spelling.Spelling) -> Fill:
    (field,) = spelled.descriptor.fields
    setter = _repeated(field)

    def fill(message: Any, value: Any, source: Source) -> None:
        if type(value) is not list:
            raise wrong_type("an array", value)
        message.SetInParent()
        setter(message, value, source, "")

    return fill


def _by_kind_plan(spelled: spelling.Spelling) -> Fill:
    setters: dict[type, Fill] = {}
    for field in spelled.descriptor.fields:
        if field.message_type is None:
            setters[str] = functools.partial(_set_value, field.name, _scalar(field))
        else:
            kind = list if spelling.of_message(field.message_type).is_list else dict
            setters[kind] = functools.partial(_fill_value, field.name, plan(field.message_type))
    expected = _either(setters)

    def fill(message: Any, value: Any, source: Source) -> None:
        setter = setters.get(type(value))
        if setter is None:
            raise wrong_type(expected, value)
        setter(message, value, source)

    return fill


def _set_value(name: str, scalar: Scalar, message: Any, value: Any, source: Source) -> None:
    setattr(message, name, scalar(value))


def _fill_value(name: str, fill: Fill, message: Any, value: Any, source: Source) -> None:
    fill(getattr(message, name), value, source)


# Members


@functools.cache
def _setters_of(descriptor: Descriptor) -> Mapping[str, Setter]:
    spelled = spelling.of_message(descriptor)
    return {name: _member(fields, spelled) for name, fields in spelled.members.items()}


def _setters(spelled: spelling.Spelling) -> Mapping[str, Setter]:
    return _setters_of(spelled.descriptor)


def _member(fields: tuple[FieldDescriptor, ...], spelled: spelling.Spelling) -> Setter:
    """Sets whichever of the fields spelled as this member takes JSON of the value's kind."""
    if len(fields) == 1:
        return _field(fields[0], spelled)
    by_kind = {_kind(field): _field(field, spelled) for field in fields}
    expected = _either(by_kind)

    def choose(message: Any, value: Any, source: Source, name: str) -> None:
        setter = by_kind.get(type(value))
        if setter is None:
            raise wrong_type(expected, value)
        setter(message, value, source, name)

    return choose


def _field(field: FieldDescriptor, spelled: spelling.Spelling) -> Setter:
    if spelling.is_map(field):
        return _map(field)
    if field.is_repeated:
        return _repeated(field)
    if field.message_type is not None:
        return _message(field)
    if field.enum_type is not None:
        return _enum(field, _keeper(spelled))
    if spelling.of_field(field).raw_json:
        return _raw(field)
    return _scalar_field(field)


def _scalar_field(field: FieldDescriptor) -> Setter:
    name = field.name
    if field.type == _F.TYPE_STRING:  # the hot one: a call less

        def set_string(message: Any, value: Any, source: Source, member: str) -> None:
            if type(value) is not str:
                raise wrong_type("a string", value)
            setattr(message, name, value)

        return set_string

    scalar = _scalar(field)

    def set_scalar(message: Any, value: Any, source: Source, member: str) -> None:
        setattr(message, name, scalar(value))

    return set_scalar


def _raw(field: FieldDescriptor) -> Setter:
    name = field.name

    def set_raw(message: Any, value: Any, source: Source, member: str) -> None:
        setattr(message, name, source.text(member))

    return set_raw


def _enum(field: FieldDescriptor, keep: Callable[[Any, Iterable[str], Source], None]) -> Setter:
    name = field.name
    numbers = {text: number for number, text in spelling.of_enum(field.enum_type).items()}

    def set_enum(message: Any, value: Any, source: Source, member: str) -> None:
        if type(value) is not str:
            raise wrong_type("a string", value)
        number = numbers.get(value)
        if number is None:
            # A word of a newer version of the API: kept where unknown members are.
            keep(message, (member,), source)
        else:
            setattr(message, name, number)

    return set_enum


def _message(field: FieldDescriptor) -> Setter:
    name = field.name
    descriptor = field.message_type
    is_list = spelling.of_message(descriptor).is_list

    def set_message(message: Any, value: Any, source: Source, member: str) -> None:
        child = getattr(message, name)
        child.SetInParent()
        plan(descriptor)(child, value, source[member])

    if is_list:
        return set_message

    def set_object(message: Any, value: Any, source: Source, member: str) -> None:
        if type(value) is not dict:
            raise wrong_type("an object", value)
        set_message(message, value, source, member)

    return set_object


def _repeated(field: FieldDescriptor) -> Setter:
    """Appends an array's elements. The source is the object's and `member` its name; with no name, the array's own."""
    name = field.name
    if field.message_type is not None:
        descriptor = field.message_type

        def add_messages(message: Any, value: Any, source: Source, member: str) -> None:
            if type(value) is not list:
                raise wrong_type("an array", value)
            if not value:
                return
            fill = plan(descriptor)
            elements = source[member] if member else source
            add = getattr(message, name).add
            for index, element in enumerate(value):
                try:
                    fill(add(), element, elements[index])
                except DecodeError as error:
                    error.under(index)
                    raise

        return add_messages

    raw = spelling.of_field(field).raw_json
    scalar = _scalar(field)

    def add_scalars(message: Any, value: Any, source: Source, member: str) -> None:
        if type(value) is not list:
            raise wrong_type("an array", value)
        if not value:
            return
        elements = source[member] if member else source
        append = getattr(message, name).append
        for index, element in enumerate(value):
            try:
                append(elements.text(index) if raw else scalar(element))
            except DecodeError as error:
                error.under(index)
                raise

    return add_scalars


def _map(field: FieldDescriptor) -> Setter:
    name = field.name
    entry = field.message_type.fields_by_name["value"]
    if entry.message_type is not None:
        descriptor = entry.message_type

        def set_value(mapping: Any, key: str, value: Any, source: Source) -> None:
            child = mapping[key]
            child.SetInParent()
            plan(descriptor)(child, value, source[key])

    else:
        scalar = _scalar(entry)

        def set_value(mapping: Any, key: str, value: Any, source: Source) -> None:
            mapping[key] = scalar(value)

    def set_map(message: Any, value: Any, source: Source, member: str) -> None:
        if type(value) is not dict:
            raise wrong_type("an object", value)
        mapping = getattr(message, name)
        below = source[member]
        for key, element in value.items():
            try:
                set_value(mapping, key, element, below)
            except DecodeError as error:
                error.under(key)
                raise

    return set_map


# Scalars


def _scalar(field: FieldDescriptor) -> Scalar:
    if field.type == _F.TYPE_STRING:
        return _string
    if field.type == _F.TYPE_BOOL:
        return _boolean
    if field.type in _DECIMALS:
        return _decimal
    if field.type in _INTEGERS:
        low, high = _range(field)
        return functools.partial(_integer, low, high, spelling.of_field(field).truncate)
    raise TypeError(f"{field.full_name}: fields of this type have no spelling")


def _string(value: Any) -> str:
    if type(value) is not str:
        raise wrong_type("a string", value)
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise wrong_type("a boolean", value)
    return value


def _decimal(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise wrong_type("a number", value)


def _integer(low: int, high: int, truncate: bool, value: Any) -> int:
    if type(value) is float and (truncate or value.is_integer()):
        value = int(value)
    if type(value) is not int:
        raise WrongType("expected an integer, got a decimal number.") if type(value) is float else wrong_type(
            "an integer", value
        )
    if not low <= value <= high:
        raise WrongValue(f"expected an integer from {low} to {high}.")
    return value


def _range(field: FieldDescriptor) -> tuple[int, int]:
    signed = field.type not in (_F.TYPE_UINT32, _F.TYPE_UINT64)
    bits = 32 if field.cpp_type in (_F.CPPTYPE_INT32, _F.CPPTYPE_UINT32) else 64
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def _kind(field: FieldDescriptor) -> type:
    """The kind of JSON that a field takes, as the type it is parsed to."""
    if spelling.is_map(field):
        return dict
    if field.is_repeated or (field.message_type is not None and spelling.of_message(field.message_type).is_list):
        return list
    return dict if field.message_type is not None else str


def _either(kinds: Iterable[type]) -> str:
    words = {str: "a string", list: "an array", dict: "an object"}
    return " or ".join(words[kind] for kind in (str, list, dict) if kind in set(kinds))


__all__ = ["MalformedJson", "decode", "decode_value", "parse", "plan"]
