"""Protobuf to JSON: a plan per message type, compiled from its descriptor when first used, then run."""

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
#: Adds members to an object under construction.
Write: TypeAlias = Callable[[Any, dict[str, Any]], None]


def encode(message: Message, *, nulls: bool = True) -> bytes:
    """Encode a message as JSON, one line of UTF-8.

    `nulls` spells unset fields as `null` where OpenAI's responses do. Without
    it they are left out: for requests, which should hold what was asked and
    nothing more.

    Raises `MalformedJson` when raw text of the message is not a JSON object
    where one must be; see `check`.
    """
    return orjson.dumps(plan(message.DESCRIPTOR, nulls).spell(message))


def spell(message: Message, *, nulls: bool = True) -> Any:
    """The JSON value of a message, ready for `orjson.dumps`; its raw parts are `orjson.Fragment`s."""
    return plan(message.DESCRIPTOR, nulls).spell(message)


class Plan:
    """Spells messages of one type. Compiled on the first call, for types may hold themselves."""

    __slots__ = ("spell",)
    spell: Spell

    def __init__(self, descriptor: Descriptor, nulls: bool) -> None:
        def compile_then_spell(message: Any) -> Any:
            self.spell = _compile(spelling.of_message(descriptor), nulls)
            return self.spell(message)

        self.spell = compile_then_spell


@functools.cache
def plan(descriptor: Descriptor, nulls: bool) -> Plan:
    """The plan for messages of this type, one for all."""
    return Plan(descriptor, nulls)


def _compile(spelled: spelling.Spelling, nulls: bool) -> Spell:
    if spelled.is_list:
        (field,) = spelled.descriptor.fields
        name, spell_all = field.name, _values(field, nulls)
        return lambda message: spell_all(getattr(message, name))
    if spelled.by_kind:
        return _by_kind(spelled, nulls)
    if spelled.discriminator:
        return _union(spelled, nulls)
    return _object(spelled, nulls)


# Objects


def _object(spelled: spelling.Spelling, nulls: bool) -> Spell:
    write = _writer(spelled, nulls)
    copy_template = {**spelled.constants, **_nulls(spelled, nulls)}.copy

    def spell_object(message: Any) -> dict[str, Any]:
        out: dict[str, Any] = copy_template()
        write(message, out)
        return out

    return spell_object


def _union(spelled: spelling.Spelling, nulls: bool) -> Spell:
    discriminator = spelled.discriminator
    write_shared = _writer(spelled, nulls)
    shared_nulls = _nulls(spelled, nulls)
    full_name = spelled.descriptor.full_name
    oneof = spelled.oneof
    arms = {}
    for arm in spelled.arms:
        inner = spelling.of_message(arm.field.message_type)
        template = {discriminator: arm.tags[0], **inner.constants, **shared_nulls, **_nulls(inner, nulls)}
        arms[arm.field.name] = (template.copy, _writer(inner, nulls), arm.tags[0] if arm.keeps_tag else "")
    fallback = spelled.fallback.name if spelled.fallback else ""

    def spell_union(message: Any) -> dict[str, Any]:
        name = message.WhichOneof(oneof)
        if name is None:
            # None is set, or a newer one, met as an unknown field of the protobuf wire: it has no spelling here.
            raise ValueError(f"{full_name}: no {oneof} is set that this version can spell")
        if name == fallback:
            out: dict[str, Any] = _fragments(getattr(message, name))
            write_shared(message, out)
            return out
        copy_template, write_own, usual_tag = arms[name]
        out = copy_template()
        write_shared(message, out)
        write_own(getattr(message, name), out)
        if usual_tag and not out[discriminator]:
            out[discriminator] = usual_tag
        return out

    return spell_union


def _by_kind(spelled: spelling.Spelling, nulls: bool) -> Spell:
    arms = {field.name: _value(field, nulls) or _same for field in spelled.descriptor.fields}
    oneof = spelled.oneof

    def spell_by_kind(message: Any) -> Any:
        name = message.WhichOneof(oneof)
        return None if name is None else arms[name](getattr(message, name))

    return spell_by_kind


def _nulls(spelled: spelling.Spelling, nulls: bool) -> dict[str, Any]:
    """The members that are `null` unless a field gives them a value."""
    if not nulls:
        return {}
    return {
        member: None
        for member, fields in spelled.members.items()
        if any(spelling.of_field(field).null_when_unset for field in fields)
    }


def _fragment(text: str) -> orjson.Fragment:
    # Between tokens a line break is a space like any other, and within strings it cannot stand.
    if "\n" in text or "\r" in text:
        text = text.replace("\n", " ").replace("\r", " ")
    return orjson.Fragment(text)


def _fragments(text: str) -> dict[str, Any]:
    return {name: _fragment(bytes(raw).decode()) for name, raw in raw_members(text).items()}


# Members


def _writer(spelled: spelling.Spelling, nulls: bool) -> Write:
    """Writes every member that comes from the message's own fields, over the nulls of its template."""
    required: list[tuple[str, str]] = []
    optional: list[tuple[str, str, Spell | None, bool]] = []
    lists: list[tuple[str, str, Spell]] = []
    others: list[Write] = []
    for member, fields in spelled.members.items():
        field = fields[0]
        if len(fields) > 1:
            others.append(_either(member, fields, nulls))
        elif field.is_repeated:
            if spelling.of_field(field).omit_when_empty:
                others.append(_where_true(member, field.name, _values(field, nulls)))
            else:
                lists.append((member, field.name, _values(field, nulls)))
        elif field.has_presence:
            always = spelling.of_field(field).empty_when_unset
            optional.append((member, field.name, _value(field, nulls), always))
        elif _value(field, nulls) is None:
            required.append((member, field.name))
        else:
            others.append(_where_true(member, field.name, _value(field, nulls) or _same))
    write_required = _required(required)
    catch_all = spelled.catch_all.name if spelled.catch_all else None
    constants = spelled.constants

    def write(message: Any, out: dict[str, Any]) -> None:
        if write_required is not None:
            write_required(message, out)
        if optional:
            is_set = message.HasField
            for member, name, spell, always in optional:
                if always or is_set(name):
                    value = getattr(message, name)
                    out[member] = value if spell is None else spell(value)
        for member, name, spell_all in lists:
            out[member] = spell_all(getattr(message, name))
        for write_member in others:
            write_member(message, out)
        if catch_all is not None:
            text = getattr(message, catch_all)
            if text:
                for name, raw in _fragments(text).items():
                    if name not in out or name in constants:
                        out[name] = raw

    return write


def _required(fields: Sequence[tuple[str, str]]) -> Write | None:
    """Writes scalars that are always spelled, just as they are."""
    if not fields:
        return None
    if len(fields) == 1:
        ((member, name),) = fields

        def write_one(message: Any, out: dict[str, Any]) -> None:
            out[member] = getattr(message, name)

        return write_one
    members = tuple(member for member, _ in fields)
    values = operator.attrgetter(*(name for _, name in fields))

    def write_all(message: Any, out: dict[str, Any]) -> None:
        out.update(zip(members, values(message), strict=True))

    return write_all


def _where_true(member: str, name: str, spell: Spell) -> Write:
    """Writes a member unless its field is empty, or of an enum a number that this version cannot spell."""

    def write_where_true(message: Any, out: dict[str, Any]) -> None:
        value = getattr(message, name)
        if value:
            spelled = spell(value)
            if spelled is not None:
                out[member] = spelled

    return write_where_true


def _either(member: str, fields: tuple[FieldDescriptor, ...], nulls: bool) -> Write:
    """Writes whichever of the fields spelled as this member is set, or what the member is without any."""
    alternatives: list[tuple[str, bool, Spell]] = [
        (field.name, field.is_repeated, _values(field, nulls) if field.is_repeated else _value(field, nulls) or _same)
        for field in fields
    ]
    is_list = any(field.is_repeated and not spelling.of_field(field).omit_when_empty for field in fields)

    def write_either(message: Any, out: dict[str, Any]) -> None:
        for name, repeated, spell in alternatives:
            if getattr(message, name) if repeated else message.HasField(name):
                out[member] = spell(getattr(message, name))
                return
        if is_list:
            out[member] = []

    return write_either


# Values


def _value(field: FieldDescriptor, nulls: bool) -> Spell | None:
    """Spells one value of a field (an element, for a repeated one); None for what is spelled as it is."""
    if field.message_type is not None:
        below = plan(field.message_type, nulls)
        return lambda message: below.spell(message)
    if field.enum_type is not None:
        return spelling.of_enum(field.enum_type).get
    return _fragment if spelling.of_field(field).raw_json else None


def _same(value: Any) -> Any:
    return value


def _values(field: FieldDescriptor, nulls: bool) -> Spell:
    """Spells all of a repeated field or map."""
    if spelling.is_map(field):
        spell_value = _value(spelling.map_value(field), nulls) or _same
        # Protobuf maps have no order of their own: sorted, so that equal messages are spelled alike.
        return lambda values: {key: spell_value(value) for key, value in sorted(values.items())}
    spell_element = _value(field, nulls)
    if spell_element is None:
        return list
    return lambda values: [spell_element(value) for value in values]
