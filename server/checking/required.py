"""Which members the specification requires, as the contract has it: those that its JSON always has."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from antiphon import openai_json
from antiphon.openai_json import spelling
from antiphon.responses import v1

#: By the name of a message (of an arm's, where it is one): what the contract spells always and the specification lets
#: be absent.
_OPTIONAL: Final[Mapping[str, frozenset[str]]] = {
    "OutputTextContent": frozenset({"logprobs"}),
    "LogProb": frozenset({"bytes", "top_logprobs"}),
    # It is told in two forms; that is a rule of its own.
    "ResponseErrorEvent": frozenset({"code", "param"}),
}
#: What may be null though the contract spells it otherwise.
_NULLABLE: Final[Mapping[str, frozenset[str]]] = {"Response": frozenset({"metadata"})}
#: What some client takes absent but not null, of an object or, in a union, of its arm.
_NOT_NULL: Final[Mapping[str, frozenset[str]]] = {
    "Message": frozenset({"phase", "status"}),
    "ReasoningItem": frozenset({"encrypted_content", "content", "status"}),
    "OutputTextContent": frozenset({"logprobs"}),
    "McpListTools": frozenset({"error"}),
    "McpListToolsTool": frozenset({"description", "annotations"}),
    "ErrorObject": frozenset({"headers"}),
}
#: Echoes of the request, which callers spell as they like.
_ECHOES: Final = frozenset({"instructions", "tools", "tool_choice", "text", "prompt", "metadata", "reasoning"})


class Lack(NamedTuple):
    """What an object lacks; `path` is its own, empty for the event."""

    path: str
    missing: list[str]
    missing_nulls: list[str]
    wrong_nulls: list[str]


class _Needs(NamedTuple):
    #: Members that must have a value.
    values: frozenset[str]
    #: Members that must be there, and may be null.
    nulls: frozenset[str]
    not_null: frozenset[str]
    #: What to look at below: members and the types of their objects.
    below: Mapping[str, Any]


def lacks(event: Mapping[str, Any]) -> Iterator[Lack]:
    """What an event that the codec takes, and the objects in it, lack or should not have; nothing of unknown ones."""
    yield from _lacks(event, v1.ResponseStreamEvent.DESCRIPTOR, "")


def _lacks(value: Any, descriptor: Any, path: str) -> Iterator[Lack]:
    spelled = spelling.of_message(descriptor)
    if not isinstance(value, dict) or spelled.is_list or spelled.by_kind:
        return
    arm = None
    if spelled.discriminator:
        tag = value.get(spelled.discriminator)
        arm = next((arm.field.name for arm in spelled.arms if tag in arm.tags), None)
        if arm is None:
            return
    needs = _needs(descriptor, arm)
    missing = [name for name in sorted(needs.values) if value.get(name) is None]
    nulls = [name for name in sorted(needs.nulls) if name not in value]
    wrong = [name for name in sorted(needs.not_null) if name in value and value[name] is None]
    if missing or nulls or wrong:
        yield Lack(path, missing, nulls, wrong)
    for name, below in needs.below.items():
        member = value.get(name)
        under = f"{path}.{name}" if path else name
        if isinstance(member, list):
            for index, element in enumerate(member):
                yield from _lacks(element, below, f"{under}[{index}]")
        else:
            yield from _lacks(member, below, under)


@functools.cache
def _needs(descriptor: Any, arm: str | None) -> _Needs:
    message = message_factory.GetMessageClass(descriptor)()
    spelled = spelling.of_message(descriptor)
    fields = [field for several in spelled.members.values() for field in several]
    name = descriptor.name
    if arm is not None:
        inner = descriptor.fields_by_name[arm].message_type
        getattr(message, arm).SetInParent()
        name = inner.name
        fields += [field for several in spelling.of_message(inner).members.values() for field in several]
    always = openai_json.spell(message)
    optional = _OPTIONAL.get(name, frozenset())
    nullable = _NULLABLE.get(name, frozenset())
    values = {member for member, value in always.items() if value is not None}
    if descriptor is v1.ResponseStreamEvent.DESCRIPTOR and name != "ResponseErrorEvent":
        # Protobuf has no word for a message that must be there; an event without what it is about means nothing.
        values |= {spelling.member_name(field) for field in fields if _is_its_own(field)}
    return _Needs(
        frozenset(values - optional - nullable),
        frozenset(({member for member, value in always.items() if value is None} - optional) | nullable),
        _NOT_NULL.get(name, frozenset()),
        {
            spelling.member_name(field): below
            for field in fields
            if spelling.member_name(field) not in _ECHOES
            and not spelling.is_map(field)
            and (below := field.message_type) is not None
        },
    )


def _is_its_own(field: FieldDescriptor) -> bool:
    is_shared = field.containing_type is v1.ResponseStreamEvent.DESCRIPTOR
    return (
        field.message_type is not None
        and not field.is_repeated
        and not is_shared
        and not spelling.of_field(field).null_when_unset
    )
