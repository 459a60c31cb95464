"""Whether the JSON text inside a message is JSON: for messages that no JSON was decoded into."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from antiphon.openai_json.errors import DecodeError, MissingMember, WrongValue, wrong_type

#: Checks the value of one field that is set.
Step: TypeAlias = Callable[[Any], None]

#: How deep a text may be nested that is taken apart again: how deep that goes depends on who asks.
_MAX_DEPTH: Final = 500


def check(message: Message) -> None:
    """Check the raw JSON texts of a message that came over gRPC, by the package's policy.

    Raises `DecodeError`, which names the member as JSON would, for a text that
    is not JSON, for one that must be an object and is not or is nested too
    deeply, for a `catch_all` with a member that has a field, and for a union of
    which nothing is set. `encode` relies on it: it embeds such texts as they
    are. Only fields that are set are looked at, and only where raw text or a
    union can be.
    """
    plan(message.DESCRIPTOR).check(message)


class Plan:
    """Checks messages of one type. Compiled on the first call, for types may hold themselves."""

    __slots__ = ("_descriptor", "_discriminator", "_oneof", "_steps")

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        spelled = spelling.of_message(descriptor)
        self._discriminator = spelled.discriminator
        self._oneof = spelled.oneof
        self._steps: Mapping[FieldDescriptor, Step] | None = None

    def check(self, message: Any) -> None:
        if self._steps is None:
            self._steps = _steps(self._descriptor)
        if self._discriminator and message.WhichOneof(self._oneof) is None:
            raise MissingMember("this member is required.", self._discriminator)
        step_of = self._steps.get
        for field, value in message.ListFields():
            step = step_of(field)
            if step is not None:
                step(value)


@functools.cache
def plan(descriptor: Descriptor) -> Plan:
    """The plan for messages of this type, one for all."""
    return Plan(descriptor)


def _steps(descriptor: Descriptor) -> dict[FieldDescriptor, Step]:
    spelled = spelling.of_message(descriptor)
    return {field: _step(field, spelled) for field in descriptor.fields if _may_hold_text(field)}


def _may_hold_text(field: FieldDescriptor) -> bool:
    options = spelling.of_field(field)
    if options.raw_json or options.catch_all or options.fallback:
        return True
    below = spelling.below(field)
    return below is not None and _holds_text(below)


@functools.cache
def _holds_text(descriptor: Descriptor) -> bool:
    """Whether raw text or a union can stand in a message of this type, however deep."""
    seen = {descriptor}
    todo = [descriptor]
    while todo:
        found = todo.pop()
        if spelling.of_message(found).discriminator:
            return True
        for field in found.fields:
            options = spelling.of_field(field)
            if options.raw_json or options.catch_all or options.fallback:
                return True
            below = spelling.below(field)
            if below is not None and below not in seen:
                seen.add(below)
                todo.append(below)
    return False


def _step(field: FieldDescriptor, spelled: spelling.Spelling) -> Step:
    options = spelling.of_field(field)
    if options.catch_all:
        return _unknown_members_of(spelled)
    if options.fallback:
        return _object
    one: Step = _text
    below = spelling.below(field)
    if below is not None:
        one = plan(below).check
    if spelling.is_map(field):
        one = _each_value(one)
    elif field.is_repeated:
        one = _each_element(one)
    member = spelling.segment(field, spelled)
    return one if member is None else _under(member, one)


def _unknown_members_of(spelled: spelling.Spelling) -> Step:
    known = spelled.members.keys()

    def check_members(text: str) -> None:
        members = _taken_apart(text)
        for name in members:
            # Where that field is unset, the text would be written in its place, past whoever looks at the field.
            if name in known:
                raise WrongValue("this member has a field of its own.", name)

    return check_members


def _text(text: str) -> None:
    _parse(text)


def _object(text: str) -> None:
    _taken_apart(text)


def _taken_apart(text: str) -> dict[str, Any]:
    """An object whose members are looked for in its text, later and by a decoder that does not go as deep."""
    value = _parse(text)
    if type(value) is not dict:
        raise wrong_type("an object", value)
    if text.count("[") + text.count("{") > _MAX_DEPTH and _is_deep(value):
        raise WrongValue(f"nested too deeply: the limit is {_MAX_DEPTH} levels.")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [below for one in level if type(one) in (dict, list) for below in _below(one)]
    return any(type(one) in (dict, list) for one in level)


def _below(value: Any) -> Iterable[Any]:
    return value.values() if type(value) is dict else value


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise WrongValue("the text is not valid JSON.") from None


def _under(member: str, step: Step) -> Step:
    def check_member(value: Any) -> None:
        try:
            step(value)
        except DecodeError as error:
            error.under(member)
            raise

    return check_member


def _each_element(step: Step) -> Step:
    def check_elements(values: Any) -> None:
        for index, value in enumerate(values):
            try:
                step(value)
            except DecodeError as error:
                error.under(index)
                raise

    return check_elements


def _each_value(step: Step) -> Step:
    def check_values(values: Any) -> None:
        for key, value in values.items():
            try:
                step(value)
            except DecodeError as error:
                error.under(key)
                raise

    return check_values
