"""Whether the JSON text inside a message is JSON: for messages that no JSON was decoded into."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from antiphon.openai_json.errors import DecodeError, WrongValue, wrong_type

#: Checks the value of one field that is set.
Step: TypeAlias = Callable[[Any], None]


def check(message: Message) -> None:
    """Check the raw JSON texts of a message that came over gRPC, by the package's policy.

    Raises `DecodeError`, which names the member as JSON would, for a text that
    is not JSON, for one that must be an object and is not, and for a `catch_all`
    with a member that has a field. `encode` relies on it: it embeds such texts
    as they are. Only fields that are set are looked at, and only where raw text
    can be.
    """
    plan(message.DESCRIPTOR).check(message)


class Plan:
    """Checks messages of one type. Compiled on the first call, for types may hold themselves."""

    __slots__ = ("_descriptor", "_steps")

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self._steps: Mapping[FieldDescriptor, Step] | None = None

    def check(self, message: Any) -> None:
        if self._steps is None:
            self._steps = _steps(self._descriptor)
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
    """Whether raw text can stand in a message of this type, however deep."""
    seen = {descriptor}
    todo = [descriptor]
    while todo:
        for field in todo.pop().fields:
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
        members = _parse(text)
        if type(members) is not dict:
            raise wrong_type("an object", members)
        for name in members:
            # Where that field is unset, the text would be written in its place, past whoever looks at the field.
            if name in known:
                raise WrongValue("this member has a field of its own.", name)

    return check_members


def _text(text: str) -> None:
    _parse(text)


def _object(text: str) -> None:
    value = _parse(text)
    if type(value) is not dict:
        raise wrong_type("an object", value)


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
