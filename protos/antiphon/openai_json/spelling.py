"""How a descriptor's options say that a message and its fields are spelled."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, EnumValueDescriptor, FieldDescriptor

from antiphon.openai.v1 import options_pb2 as options


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm of a discriminated union: its field and the tags that mean it, the usual one first."""

    field: FieldDescriptor
    tags: tuple[str, ...]
    when_member: str

    @property
    def keeps_tag(self) -> bool:
        """Whether the arm's message has a field that keeps which of several tags was used."""
        return len(self.tags) > 1


@dataclass(frozen=True, slots=True)
class Spelling:
    """A message's spelling: what kind of JSON it is, and which fields its members come from."""

    descriptor: Descriptor
    discriminator: str
    #: The name of the oneof that holds a union's arms; empty for other messages.
    oneof: str
    is_list: bool
    by_kind: bool
    constants: Mapping[str, str]
    members: Mapping[str, tuple[FieldDescriptor, ...]]
    arms: tuple[Arm, ...]
    fallback: FieldDescriptor | None
    catch_all: FieldDescriptor | None


def of_field(field: FieldDescriptor) -> options.FieldSpelling:
    """The spelling options of a field; all unset when it has none."""
    extensions: Any = field.GetOptions().Extensions
    spelling: options.FieldSpelling = extensions[options.field]
    return spelling


def member_name(field: FieldDescriptor) -> str:
    """The name of the member that a field is spelled as."""
    return of_field(field).member or field.name


@functools.cache
def of_message(descriptor: Descriptor) -> Spelling:
    """The spelling of a message type, read from its options once."""
    extensions: Any = descriptor.GetOptions().Extensions
    message: options.MessageSpelling = extensions[options.message]
    members: dict[str, tuple[FieldDescriptor, ...]] = {}
    arms: list[Arm] = []
    fallback = catch_all = None
    oneof = ""
    for field in descriptor.fields:
        spelled = of_field(field)
        oneof_of_field = _oneof(field)
        oneof = oneof_of_field or oneof
        if spelled.catch_all:
            catch_all = field
        elif spelled.fallback:
            fallback = field
        elif oneof_of_field and message.discriminator:
            arms.append(Arm(field, tuple(spelled.tags) or (field.name,), spelled.when_member))
        else:
            name = member_name(field)
            members[name] = (*members.get(name, ()), field)
    return Spelling(
        descriptor=descriptor,
        discriminator=message.discriminator,
        oneof=oneof,
        is_list=message.list,
        by_kind=message.by_kind,
        constants={constant.member: constant.value for constant in message.constants},
        members=members,
        arms=tuple(arms),
        fallback=fallback,
        catch_all=catch_all,
    )


@functools.cache
def of_enum(descriptor: EnumDescriptor) -> Mapping[int, str]:
    """The spelling of each value of an enum but its zero, which means unset."""
    prefix = "".join(f"_{c}" if c.isupper() else c.upper() for c in descriptor.name).lstrip("_") + "_"
    return {
        value.number: _own_word(value) or value.name.removeprefix(prefix).lower()
        for value in descriptor.values
        if value.number
    }


def _own_word(value: EnumValueDescriptor) -> str:
    extensions: Any = value.GetOptions().Extensions
    word: str = extensions[options.value]
    return word


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _oneof(field: FieldDescriptor) -> str:
    """The name of the oneof that the field is an arm of; empty for others, those that are `optional` included."""
    oneof = field.containing_oneof
    if oneof is None or (len(oneof.fields) == 1 and oneof.name == f"_{field.name}"):
        return ""
    return oneof.name


def below(field: FieldDescriptor) -> Descriptor | None:
    """The type of the messages that a field holds, singly, in a list or in a map; None when it holds scalars."""
    return map_value(field).message_type if is_map(field) else field.message_type


def map_value(field: FieldDescriptor) -> FieldDescriptor:
    """The field that stands for the values of a map."""
    assert field.message_type is not None, f"{field.full_name} is a map"
    return field.message_type.fields_by_name["value"]


def segment(field: FieldDescriptor, spelled: Spelling) -> str | None:
    """What a field adds to the path of a JSON member: the member's name, or None for fields that are no member."""
    options_of_field = of_field(field)
    if spelled.is_list or spelled.by_kind or options_of_field.catch_all or options_of_field.fallback:
        return None
    return None if any(arm.field.name == field.name for arm in spelled.arms) else member_name(field)
