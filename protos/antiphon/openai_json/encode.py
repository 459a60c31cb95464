"""Protobuf to JSON: a plan per message type, compiled once from its descriptor, then run."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from antiphon.openai_json.source import raw_members

#: Makes the JSON value of a message, out of dicts, lists, scalars and `orjson.Fragment`s.
Spell: TypeAlias = Callable[[Any], Any]
#: Adds one field's member to an object under construction.
Writer: TypeAlias = Callable[[Any, dict[str, Any]], None]


def encode(message: Message, *, nulls: bool = True) -> bytes:
    """Encode a message as JSON, one line of UTF-8.

    `nulls` spells unset fields as `null` where OpenAI's responses do. Without
    it they are left out: for requests, which should hold what was asked and
    nothing more.
    """
    return orjson.dumps(plan(message.DESCRIPTOR, nulls)(message))


def spell(message: Message, *, nulls: bool = True) -> Any:
    """The JSON value of a message, ready for `orjson.dumps`; its raw parts are `orjson.Fragment`s."""
    return plan(message.DESCRIPTOR, nulls)(message)


@functools.cache
def plan(descriptor: Descriptor, nulls: bool) -> Spell:
    """The function that spells a message of this type."""
    spelled = spelling.of_message(descriptor)
    if spelled.is_list:
        (field,) = descriptor.fields
        return _values(field, nulls)
    if spelled.by_kind:
        return _by_kind_plan(spelled, nulls)
    if spelled.discriminator:
        return _union_plan(spelled, nulls)
    return _object_plan(spelled, nulls)


# Objects


def _object_plan(spelled: spelling.Spelling, nulls: bool) -> Spell:
    write = _writer(spelled, nulls)
    constants = dict(spelled.constants)

    def spell_object(message: Any) -> dict[str, Any]:
        out: dict[str, Any] = constants.copy()
        write(message, out)
        return out

    return spell_object


def _union_plan(spelled: spelling.Spelling, nulls: bool) -> Spell:
    discriminator = spelled.discriminator
    write_shared = _writer(spelled, nulls)
    arms = {arm.field.name: (arm.tags[0], arm.keeps_tag, _late_writer(arm.field, nulls)) for arm in spelled.arms}
    fallback = spelled.fallback.name if spelled.fallback else None
    (oneof,) = {arm.field.containing_oneof.name for arm in spelled.arms}

    def spell_union(message: Any) -> dict[str, Any]:
        name = message.WhichOneof(oneof)
        if name == fallback:
            if name is None:
                raise ValueError(f"{spelled.descriptor.full_name}: no {oneof} is set")
            out: dict[str, Any] = _fragments(getattr(message, name))
            write_shared(message, out)
            return out
        if name is None:
            # A newer arm, met as an unknown field of the protobuf wire: it has no spelling here.
            raise ValueError(f"{spelled.descriptor.full_name}: no {oneof} is set that this version can spell")
        tag, keeps_tag, write_own = arms[name]
        chosen = getattr(message, name)
        out = {discriminator: tag}
        write_shared(message, out)
        write_own(chosen, out)
        if keeps_tag and not out[discriminator]:
            out[discriminator] = tag
        return out

    return spell_union


def _late_writer(field: FieldDescriptor, nulls: bool) -> Writer:
    """The writer of an arm's own members, compiled when first used: unions may hold themselves."""
    descriptor = field.message_type
    write: Writer | None = None

    def write_late(message: Any, out: dict[str, Any]) -> None:
        nonlocal write
        if write is None:
            write = _writer(spelling.of_message(descriptor), nulls)
        write(message, out)

    return write_late


def _fragments(text: str) -> dict[str, Any]:
    return {name: orjson.Fragment(bytes(raw)) for name, raw in raw_members(text).items()}


def _by_kind_plan(spelled: spelling.Spelling, nulls: bool) -> Spell:
    arms = {field.name: _value(field, nulls) for field in spelled.descriptor.fields}
    (oneof,) = (oneof.name for oneof in spelled.descriptor.oneofs)

    def spell_by_kind(message: Any) -> Any:
        name = message.WhichOneof(oneof)
        return None if name is None else arms[name](getattr(message, name))

    return spell_by_kind


# Members


def _writer(spelled: spelling.Spelling, nulls: bool) -> Writer:
    """Writes every member that comes from the message's own fields."""
    plain = [
        (member, fields[0])
        for member, fields in spelled.members.items()
        if len(fields) == 1 and _is_plain(fields[0])
    ]
    others = [
        _member(member, fields, nulls)
        for member, fields in spelled.members.items()
        if not (len(fields) == 1 and _is_plain(fields[0]))
    ]
    writers: Sequence[Writer] = ([_plain(plain)] if plain else []) + others
    catch_all = spelled.catch_all.name if spelled.catch_all else None

    def write(message: Any, out: dict[str, Any]) -> None:
        for writer in writers:
            writer(message, out)
        if catch_all is not None:
            text = getattr(message, catch_all)
            if text:
                for name, raw in _fragments(text).items():
                    if name not in out or name in spelled.constants:
                        out[name] = raw

    return write


def _is_plain(field: FieldDescriptor) -> bool:
    """Whether the field is a scalar that is always spelled, just as it is."""
    return (
        not field.has_presence
        and not field.is_repeated
        and field.message_type is None
        and field.enum_type is None
        and not spelling.of_field(field).raw_json
    )


def _plain(fields: list[tuple[str, FieldDescriptor]]) -> Writer:
    if len(fields) == 1:
        ((member, field),) = fields
        name = field.name

        def write_one(message: Any, out: dict[str, Any]) -> None:
            out[member] = getattr(message, name)

        return write_one

    members = tuple(member for member, _ in fields)
    values = operator.attrgetter(*(field.name for _, field in fields))

    def write_all(message: Any, out: dict[str, Any]) -> None:
        out.update(zip(members, values(message), strict=True))

    return write_all


def _member(member: str, fields: tuple[FieldDescriptor, ...], nulls: bool) -> Writer:
    """Writes whichever of the fields spelled as this member is set, or what the member is without any."""
    null = nulls and any(spelling.of_field(field).null_when_unset for field in fields)
    empty: list[FieldDescriptor] = [
        field for field in fields if field.is_repeated and not spelling.of_field(field).omit_when_empty
    ]
    is_map = bool(empty) and spelling.is_map(empty[0])
    if len(fields) == 1:
        (field,) = fields
        name, value = field.name, _values(field, nulls) if field.is_repeated else _value(field, nulls)
        if field.is_repeated and empty:

            def write_always(message: Any, out: dict[str, Any]) -> None:
                values = getattr(message, name)
                out[member] = value(message) if values else ({} if is_map else [])

            return write_always
        if field.is_repeated:

            def write_some(message: Any, out: dict[str, Any]) -> None:
                if getattr(message, name):
                    out[member] = value(message)
                elif null:
                    out[member] = None

            return write_some
        if field.has_presence:

            def write_present(message: Any, out: dict[str, Any]) -> None:
                if message.HasField(name):
                    out[member] = value(getattr(message, name))
                elif null:
                    out[member] = None

            return write_present

        def write_set(message: Any, out: dict[str, Any]) -> None:
            own = getattr(message, name)
            if own:
                out[member] = value(own)

        return write_set

    alternatives: list[tuple[str, bool, Spell]] = [
        (field.name, field.is_repeated, _values(field, nulls) if field.is_repeated else _value(field, nulls))
        for field in fields
    ]

    def write_either(message: Any, out: dict[str, Any]) -> None:
        for name, repeated, value in alternatives:
            if repeated:
                if getattr(message, name):
                    out[member] = value(message)
                    return
            elif message.HasField(name):
                out[member] = value(getattr(message, name))
                return
        if empty:
            out[member] = []
        elif null:
            out[member] = None

    return write_either


# Values


def _value(field: FieldDescriptor, nulls: bool) -> Spell:
    """Spells one value of a field: an element, for a repeated one."""
    if field.message_type is not None:
        descriptor = field.message_type
        return lambda message: plan(descriptor, nulls)(message)
    if field.enum_type is not None:
        return spelling.of_enum(field.enum_type).get
    if spelling.of_field(field).raw_json:
        return orjson.Fragment
    return _same


def _same(value: Any) -> Any:
    return value


def _values(field: FieldDescriptor, nulls: bool) -> Spell:
    """Spells all of a repeated field or map, given its message."""
    name = field.name
    if spelling.is_map(field):
        of_entry = _value(field.message_type.fields_by_name["value"], nulls)
        # Protobuf maps have no order of their own: sorted, so that equal messages are spelled alike.
        return lambda message: {key: of_entry(value) for key, value in sorted(getattr(message, name).items())}
    value = _value(field, nulls)
    if value is _same:
        return lambda message: list(getattr(message, name))
    if field.message_type is not None:
        descriptor = field.message_type

        def spell_all(message: Any) -> list[Any]:
            spell_one = plan(descriptor, nulls)
            return [spell_one(element) for element in getattr(message, name)]

        return spell_all
    return lambda message: [value(element) for element in getattr(message, name)]
