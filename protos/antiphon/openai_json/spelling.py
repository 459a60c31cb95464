"""How a descriptor's options say that a message and its fields are spelled."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

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
    is_list: bool
    by_kind: bool
    constants: Mapping[str, str]
    members: Mapping[str, tuple[FieldDescriptor, ...]]
    arms: tuple[Arm, ...]
    fallback: FieldDescriptor | None
    catch_all: FieldDescriptor | None


def of_field(field: FieldDescriptor) -> options.FieldSpelling:
    """The spelling options of a field; all unset when it has none."""
    spelling: options.FieldSpelling = field.GetOptions().Extensions[options.field]
    return spelling


def member_name(field: FieldDescriptor) -> str:
    """The name of the member that a field is spelled as."""
    return of_field(field).member or field.name


@functools.cache
def of_message(descriptor: Descriptor) -> Spelling:
    """The spelling of a message type, read from its options once."""
    message: options.MessageSpelling = descriptor.GetOptions().Extensions[options.message]
    members: dict[str, tuple[FieldDescriptor, ...]] = {}
    arms: list[Arm] = []
    fallback = catch_all = None
    for field in descriptor.fields:
        spelled = of_field(field)
        in_oneof = field.containing_oneof is not None and not _is_optional(field)
        if spelled.catch_all:
            catch_all = field
        elif spelled.fallback:
            fallback = field
        elif in_oneof and message.discriminator:
            arms.append(Arm(field, tuple(spelled.tags) or (field.name,), spelled.when_member))
        else:
            name = member_name(field)
            members[name] = (*members.get(name, ()), field)
    return Spelling(
        descriptor=descriptor,
        discriminator=message.discriminator,
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
        value.number: value.GetOptions().Extensions[options.value] or value.name.removeprefix(prefix).lower()
        for value in descriptor.values
        if value.number
    }


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _is_optional(field: FieldDescriptor) -> bool:
    """Whether the field's oneof is the one that `optional` makes behind the scenes."""
    oneof = field.containing_oneof
    return len(oneof.fields) == 1 and oneof.name == f"_{field.name}"
