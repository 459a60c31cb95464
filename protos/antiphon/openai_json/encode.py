"""Protobuf to JSON: a plan per message type, compiled from its descriptor when first used, then run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from antiphon.openai_json.code import Code
from antiphon.openai_json.source import raw_members

#: Makes the JSON value of a message, out of dicts, lists, scalars and `orjson.Fragment`s.
Spell: TypeAlias = Callable[[Any], Any]


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


def speller(message_type: type[Message], *, nulls: bool = True) -> Spell:
    """What `spell` does for messages of one type, found out beforehand: for those who spell many."""
    compiled = plan(message_type.DESCRIPTOR, nulls)
    compiled.compile()
    return compiled.spell


class Plan:
    """Spells messages of one type. Compiled on the first call, for types may hold themselves."""

    __slots__ = ("_descriptor", "_nulls", "spell")
    spell: Spell

    def __init__(self, descriptor: Descriptor, nulls: bool) -> None:
        def compile_then_spell(message: Any) -> Any:
            self.compile()
            return self.spell(message)

        self.spell = compile_then_spell
        self._descriptor: Descriptor | None = descriptor
        self._nulls = nulls

    def compile(self) -> None:
        """Compile now, unless that is done."""
        if self._descriptor is not None:
            self.spell = _compile(spelling.of_message(self._descriptor), self._nulls)
            self._descriptor = None


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


def _code(first_members: Mapping[str, str]) -> Code:
    """A function of `message` that fills the object `out`, and is still to return it."""
    code = Code("spell", "message")
    code.add(f"out = {dict(first_members)!r}")
    return code


def _object(spelled: spelling.Spelling, nulls: bool) -> Spell:
    code = _code(spelled.constants)
    _members(code, "message", spelled, nulls)
    code.add("return out")
    return code.compiled()


def _union(spelled: spelling.Spelling, nulls: bool) -> Spell:
    full_name = spelled.descriptor.full_name
    oneof = spelled.oneof
    arms = {arm.field.name: _arm(arm, spelled, nulls) for arm in spelled.arms}
    if spelled.fallback is not None:
        arms[spelled.fallback.name] = _fallback(spelled.fallback.name, spelled, nulls)

    def spell_union(message: Any) -> Any:
        name = message.WhichOneof(oneof)
        if name is None:
            # None is set, or a newer one, met as an unknown field of the protobuf wire: it has no spelling here.
            raise ValueError(f"{full_name}: no {oneof} is set that this version can spell")
        return arms[name](message)

    return spell_union


def _arm(arm: spelling.Arm, union: spelling.Spelling, nulls: bool) -> Spell:
    inner = spelling.of_message(arm.field.message_type)
    code = _code({union.discriminator: arm.tags[0], **inner.constants})
    _members(code, "message", union, nulls)
    code.add(f"arm = message.{arm.field.name}")
    _members(code, "arm", inner, nulls, kept_tag=union.discriminator if arm.keeps_tag else "")
    code.add("return out")
    return code.compiled()


def _fallback(name: str, union: spelling.Spelling, nulls: bool) -> Spell:
    code = _code({})
    code.add(f"out.update({code.name(_fragments)}(message.{name}))")
    _members(code, "message", union, nulls=False)
    code.add("return out")
    return code.compiled()


def _by_kind(spelled: spelling.Spelling, nulls: bool) -> Spell:
    arms = {field.name: _value(field, nulls) or _same for field in spelled.descriptor.fields}
    oneof = spelled.oneof

    def spell_by_kind(message: Any) -> Any:
        name = message.WhichOneof(oneof)
        return None if name is None else arms[name](getattr(message, name))

    return spell_by_kind


def _fragment(text: str) -> orjson.Fragment:
    # Between tokens a line break is a space like any other, and within strings it cannot stand.
    if "\n" in text or "\r" in text:
        text = text.replace("\n", " ").replace("\r", " ")
    return orjson.Fragment(text)


def _fragments(text: str) -> dict[str, Any]:
    return {name: _fragment(bytes(raw).decode()) for name, raw in raw_members(text).items()}


# Members


def _members(code: Code, of: str, spelled: spelling.Spelling, nulls: bool, kept_tag: str = "") -> None:
    """Adds the code that writes every member which comes from the fields of the message named `of`, in their order."""
    for member, fields in spelled.members.items():
        null = nulls and any(spelling.of_field(field).null_when_unset for field in fields)
        if len(fields) > 1:
            _either(code, of, member, fields, nulls, null)
            continue
        (field,) = fields
        spell = _values(field, nulls) if field.is_repeated else _value(field, nulls)
        value = f"{of}.{field.name}"
        spelled_value = value if spell is None else f"{code.name(spell)}({value})"
        if member == kept_tag:
            code.add(f"if {value}:", f"    out[{member!r}] = {value}")
        elif field.is_repeated and not spelling.of_field(field).omit_when_empty:
            code.add(f"values = {value}")
            empty = "{}" if spelling.is_map(field) else "[]"
            code.add(f"out[{member!r}] = {code.name(spell)}(values) if values else {empty}")
        elif field.has_presence and not spelling.of_field(field).empty_when_unset:
            code.add(f"if {of}.HasField({field.name!r}):", f"    out[{member!r}] = {spelled_value}")
            if null:
                code.add("else:", f"    out[{member!r}] = None")
        elif field.is_repeated or (spell is not None and not field.has_presence):
            # Empty text has no spelling as JSON, nor has an enum's number that this version does not know.
            code.add(f"value = {value}", f"value = {code.name(spell)}(value) if value else None")
            code.add(*([] if null else ["if value is not None:"]), f"{'' if null else '    '}out[{member!r}] = value")
        else:
            code.add(f"out[{member!r}] = {spelled_value}")
    if spelled.catch_all is not None:
        keep = code.name(_unknown_members(spelled.constants))
        code.add(f"text = {of}.{spelled.catch_all.name}", "if text:", f"    {keep}(text, out)")


def _either(code: Code, of: str, member: str, fields: tuple[FieldDescriptor, ...], nulls: bool, null: bool) -> None:
    """Adds the code that writes whichever of the fields spelled as this member is set."""
    test = "if"
    for field in fields:
        spell = _values(field, nulls) if field.is_repeated else _value(field, nulls)
        value = f"{of}.{field.name}"
        is_set = value if field.is_repeated else f"{of}.HasField({field.name!r})"
        spelled_value = value if spell is None else f"{code.name(spell)}({value})"
        code.add(f"{test} {is_set}:", f"    out[{member!r}] = {spelled_value}")
        test = "elif"
    if any(field.is_repeated and not spelling.of_field(field).omit_when_empty for field in fields):
        code.add("else:", f"    out[{member!r}] = []")
    elif null:
        code.add("else:", f"    out[{member!r}] = None")


def _unknown_members(constants: Mapping[str, str]) -> Callable[[str, dict[str, Any]], None]:
    def write(text: str, out: dict[str, Any]) -> None:
        for name, raw in _fragments(text).items():
            if name not in out or name in constants:
                out[name] = raw

    return write


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
