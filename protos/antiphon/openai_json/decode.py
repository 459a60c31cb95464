"""JSON to protobuf: a plan per message type, compiled from its descriptor when first used, then run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, NamedTuple, TypeAlias, TypeVar

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import scalars, spelling
from antiphon.openai_json.code import Code
from antiphon.openai_json.errors import DecodeError, MalformedJson, MissingMember, WrongValue, wrong_type
from antiphon.openai_json.source import Source

M = TypeVar("M", bound=Message)

#: Fills a message from the JSON value at a source.
Fill: TypeAlias = Callable[[Any, Any, Source], None]
#: Sets one field of a message from the value of a member; the source is the object's, the key the member's name.
Setter: TypeAlias = Callable[[Any, Any, Source, str], None]
#: Keeps the text of members that no field takes.
Keeper: TypeAlias = Callable[[Any, Iterable[str], Source], None]


class Entry(NamedTuple):
    """How a member is set."""

    #: A value of exactly this type is what protobuf takes: it is assigned as it is, without a call.
    native: type | None
    #: The field that takes it.
    field: str
    #: Sets the member from any other value but null.
    setter: Setter
    #: Whether the field is the arm's own, not one that all arms of the union share.
    own: bool
    #: Whether an empty array leaves the member as it is.
    has_elements: bool


def decode(text: bytes, message_type: type[M]) -> M:
    """Decode a JSON document into a new message.

    Raises `MalformedJson` when the text is not JSON by the package's policy,
    and `DecodeError`, which names the member, when it does not fit the type.
    """
    return decode_value(parse(text), text, message_type)


def decode_value(value: Any, text: bytes, message_type: type[M]) -> M:
    """Decode a document that `parse` has read already; `text` is what it was read from."""
    return decoder(message_type)(value, text)


def decoder(message_type: type[M]) -> Callable[[Any, bytes], M]:
    """What `decode_value` does for one type, found out beforehand: for those who decode many."""
    return _decoder(message_type)  # type: ignore[arg-type]  # classes are hashable


def arm_decoders(message_type: type[M]) -> Mapping[str, Callable[[Any, bytes], M]]:
    """What `decoder` makes, for each tag of a union, for those who have looked at the tag already."""
    fills = _arms(spelling.of_message(message_type.DESCRIPTOR))
    return {tag: _decoding(message_type, fill) for tag, fill in fills.items()}


@functools.cache
def _decoder(message_type: Any) -> Callable[[Any, bytes], Any]:
    compiled = plan(message_type.DESCRIPTOR)
    compiled.compile()
    return _decoding(message_type, compiled.fill)


def _decoding(message_type: Any, fill: Fill) -> Callable[[Any, bytes], Any]:
    def decode_value(value: Any, text: bytes) -> Any:
        message = message_type()
        try:
            fill(message, value, Source(text))
        except RecursionError:
            raise DecodeError("The JSON is nested too deeply.") from None
        return message

    return decode_value


def parse(text: bytes) -> Any:
    """Parse JSON by the package's policy.

    Raises `MalformedJson` on anything but one JSON value in strict UTF-8.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # The parser's words tell the place and the kind of fault; they quote nothing of the text.
        raise MalformedJson(f"The JSON could not be parsed: {error}.") from None


class Plan:
    """Fills messages of one type. Compiled on the first call, for types may hold themselves."""

    __slots__ = ("_descriptor", "fill")
    fill: Fill

    def __init__(self, descriptor: Descriptor) -> None:
        def compile_then_fill(message: Any, value: Any, source: Source) -> None:
            self.compile()
            self.fill(message, value, source)

        self.fill = compile_then_fill
        self._descriptor: Descriptor | None = descriptor

    def compile(self) -> None:
        """Compile now, unless that is done."""
        if self._descriptor is not None:
            self.fill = _compile(spelling.of_message(self._descriptor))
            self._descriptor = None


@functools.cache
def plan(descriptor: Descriptor) -> Plan:
    """The plan for messages of this type, one for all."""
    return Plan(descriptor)


def _compile(spelled: spelling.Spelling) -> Fill:
    if spelled.is_list:
        return _list(spelled)
    if spelled.by_kind:
        return _by_kind(spelled)
    if spelled.discriminator:
        return _union(spelled)
    return _object(spelled)


# Objects


def _object(spelled: spelling.Spelling) -> Fill:
    code = Code("fill", "message", "value", "source")
    code.add("if type(value) is not dict:", f"    raise {code.name(wrong_type)}('an object', value)")
    _members(code, _entries(spelled, own=False), spelled.constants, None, _keeper(spelled))
    return code.compiled()


def _members(
    code: Code, entries: Mapping[str, Entry], constants: Mapping[str, str], discriminator: str | None, keep: Keeper
) -> None:
    """Adds the code that sets the fields of a message, and of its arm if it is a union, from an object's members."""
    code.add("get = value.get", "known = 0")
    if discriminator and discriminator not in entries:
        code.add(f"if get({discriminator!r}) is not None:", "    known += 1")
    for name, expected in constants.items():
        code.add(f"if get({name!r}) == {expected!r}:", "    known += 1")
    for name, (native, field, setter, own, has_elements) in entries.items():
        target = "arm" if own else "message"
        assign = [f"{code.name(setter)}({target}, member, source, {name!r})"]
        if has_elements:
            assign = ["if member or type(member) is not list:", f"    {assign[0]}"]
        if native is not None:
            assign = [
                f"if type(member) is {native.__name__}:",
                f"    {target}.{field} = member",
                "else:",
                *(f"    {line}" for line in assign),
            ]
        code.add(f"member = get({name!r})", "if member is not None:", "    known += 1", "    try:")
        code.add(*(f"        {line}" for line in assign))
        code.add(f"    except {code.name(DecodeError)} as error:", f"        error.under({name!r})", "        raise")
        if native is int:
            code.add("    except ValueError:")
            code.add(f"        raise {code.name(_out_of_range)}({target}, {field!r}, {name!r}) from None")
    others = code.name(_unknown_members({*entries, discriminator}, constants, keep))
    code.add("if known != len(value):", f"    {others}(message, value, source)")


def _out_of_range(message: Any, field: str, member: str) -> DecodeError:
    return scalars.out_of_range(message.DESCRIPTOR.fields_by_name[field], member)


def _unknown_members(
    known: Set[str | None], constants: Mapping[str, str], keep: Keeper
) -> Callable[[Any, dict[str, Any], Source], None]:
    def keep_unknown(message: Any, value: dict[str, Any], source: Source) -> None:
        unknown = [
            name
            for name, member in value.items()
            if member is not None and name not in known and constants.get(name) != member
        ]
        if unknown:
            keep(message, unknown, source)

    return keep_unknown


def _arms(spelled: spelling.Spelling) -> dict[str, Fill]:
    """What fills a union of this type, by the tag of its arm."""
    return {tag: fill for arm in spelled.arms for fill in (_arm(arm, spelled),) for tag in arm.tags}


def _union(spelled: spelling.Spelling) -> Fill:
    discriminator = spelled.discriminator
    arms = _arms(spelled)
    untagged = [(arm.when_member, arms[arm.tags[0]]) for arm in spelled.arms if arm.when_member]
    fallback = spelled.fallback.name if spelled.fallback else None
    # Of an object nobody here knows, a member of the same name may mean something else: only what fits is taken.
    scalars_of_all = [
        (name, field, native)
        for name, (native, field, *_) in _entries(spelled, own=False).items()
        if native is not None
    ]

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
            for name, field, native in scalars_of_all:
                if type(value.get(name)) is native:
                    try:
                        setattr(message, field, value[name])
                    except ValueError:  # an integer out of range: it stays in the text
                        continue
        else:
            raise WrongValue(f"expected one of {', '.join(sorted(arms))}.", discriminator)

    return fill


def _arm(arm: spelling.Arm, union: spelling.Spelling) -> Fill:
    name = arm.field.name
    inner = spelling.of_message(arm.field.message_type)
    entries = {**_entries(union, own=False), **_entries(inner, own=True)}
    keep = _keeper(union) if union.catch_all else _keep_in_arm(name, _keeper(inner))
    code = Code("fill", "message", "value", "source")
    code.add(f"arm = message.{name}", "arm.SetInParent()")
    _members(code, entries, inner.constants, union.discriminator, keep)
    return code.compiled()


def _keeper(spelled: spelling.Spelling) -> Keeper:
    """What to do with members that no field takes: keep their text."""
    if spelled.catch_all is None:
        return lambda message, names, source: None
    field = spelled.catch_all.name

    def keep(message: Any, names: Iterable[str], source: Source) -> None:
        members = [f"{orjson.dumps(name).decode()}:{source.text(name)}" for name in names]
        kept = getattr(message, field)
        if kept:
            members.insert(0, kept[1:-1])
        setattr(message, field, "{" + ",".join(members) + "}")

    return keep


def _keep_in_arm(name: str, keep: Keeper) -> Keeper:
    return lambda message, names, source: keep(getattr(message, name), names, source)


# Values that are not objects


def _list(spelled: spelling.Spelling) -> Fill:
    (field,) = spelled.descriptor.fields
    setter = _repeated(field)

    def fill(message: Any, value: Any, source: Source) -> None:
        if type(value) is not list:
            raise wrong_type("an array", value)
        setter(message, value, source, "")

    return fill


def _by_kind(spelled: spelling.Spelling) -> Fill:
    setters: dict[type, Fill] = {}
    for field in spelled.descriptor.fields:
        if field.message_type is None:
            setters[str] = functools.partial(_set_value, field.name)
        else:
            setters[_kind(field)] = functools.partial(_fill_value, field.name, plan(field.message_type))
    expected = _either(setters)

    def fill(message: Any, value: Any, source: Source) -> None:
        setter = setters.get(type(value))
        if setter is None:
            raise wrong_type(expected, value)
        setter(message, value, source)

    return fill


def _set_value(name: str, message: Any, value: Any, source: Source) -> None:
    setattr(message, name, value)


def _fill_value(name: str, below: Plan, message: Any, value: Any, source: Source) -> None:
    child = getattr(message, name)
    child.SetInParent()
    below.fill(child, value, source)


# Members


def _entries(spelled: spelling.Spelling, *, own: bool) -> dict[str, Entry]:
    return {name: _entry(fields, spelled, own) for name, fields in spelled.members.items()}


def _entry(fields: tuple[FieldDescriptor, ...], spelled: spelling.Spelling, own: bool) -> Entry:
    """Sets whichever of the fields spelled as one member takes JSON of the value's kind."""
    scalar = next((field for field in fields if _is_scalar(field)), None)
    native = scalars.native_type(scalar) if scalar else None
    name = scalar.name if scalar else fields[0].name
    has_elements = any(field.is_repeated and not spelling.is_map(field) for field in fields)
    if len(fields) == 1:
        return Entry(native, name, _field(fields[0], spelled), own, has_elements)
    by_kind = {_kind(field): _field(field, spelled) for field in fields}
    expected = _either(by_kind)

    def choose(message: Any, value: Any, source: Source, member: str) -> None:
        setter = by_kind.get(type(value))
        if setter is None:
            raise wrong_type(expected, value)
        setter(message, value, source, member)

    return Entry(native, name, choose, own, has_elements)


def _is_scalar(field: FieldDescriptor) -> bool:
    """Whether the field takes JSON scalars as they are parsed."""
    raw = spelling.of_field(field).raw_json
    return not (field.is_repeated or field.message_type or field.enum_type or raw)


def _field(field: FieldDescriptor, spelled: spelling.Spelling) -> Setter:
    if spelling.is_map(field):
        return _map(field)
    if field.is_repeated:
        return _repeated(field)
    if field.message_type is not None:
        return _message(field)
    if field.enum_type is not None:
        return _enum(field, _keeper(spelled))
    name = field.name
    if spelling.of_field(field).raw_json:

        def set_raw(message: Any, value: Any, source: Source, member: str) -> None:
            setattr(message, name, source.text(member))

        return set_raw
    scalar = scalars.of_field(field)

    def set_scalar(message: Any, value: Any, source: Source, member: str) -> None:
        setattr(message, name, scalar(value))

    return set_scalar


def _enum(field: FieldDescriptor, keep: Keeper) -> Setter:
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
    below = plan(field.message_type)

    def set_message(message: Any, value: Any, source: Source, member: str) -> None:
        child = getattr(message, name)
        child.SetInParent()
        below.fill(child, value, source[member])

    return set_message


def _repeated(field: FieldDescriptor) -> Setter:
    """Appends an array's elements. The source is the object's and `member` its name; with no name, the array's own."""
    name = field.name
    if field.message_type is not None:
        below = plan(field.message_type)

        def add_messages(message: Any, value: Any, source: Source, member: str) -> None:
            if type(value) is not list:
                raise wrong_type("an array", value)
            if not value:
                return
            elements = source[member] if member else source
            add = getattr(message, name).add
            for index, element in enumerate(value):
                try:
                    below.fill(add(), element, elements[index])
                except DecodeError as error:
                    error.under(index)
                    raise

        return add_messages

    raw = spelling.of_field(field).raw_json
    scalar = scalars.of_field(field)

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
    entry = spelling.map_value(field)
    if entry.message_type is not None:
        below = plan(entry.message_type)

        def set_value(mapping: Any, key: str, value: Any, source: Source) -> None:
            child = mapping[key]
            child.SetInParent()
            below.fill(child, value, source[key])

    else:
        scalar = scalars.of_field(entry)

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
