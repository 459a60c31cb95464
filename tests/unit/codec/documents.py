"""Strategies for JSON documents and messages of the contract, made from descriptors and their options alone.

A document is kept as a tree and written out in one of three ways: as `encode`
writes it (canonical), with what a sender may leave out or add (loose), and
without its nulls (bare).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

from antiphon.openai_json import spelling
from antiphon.responses import v1
from google.api import annotations_pb2

#: Levels of typed objects below the first one.
DEPTH = 3


@dataclass(frozen=True)
class Leaf:
    """JSON text. `raw` text must come out of the codec as it went in."""

    text: str
    raw: bool = False


@dataclass(frozen=True)
class Array:
    """A typed array."""

    elements: list[Node]


@dataclass(frozen=True)
class Object:
    """A typed object: its members in order, and how far a sender may depart from them."""

    members: dict[str, Node]
    #: Members that mean the same when left out.
    spare: set[str] = field(default_factory=set)
    #: Members that are not there, and the JSON texts which mean just that.
    absent: dict[str, list[str]] = field(default_factory=dict)


Node: TypeAlias = Leaf | Array | Object

NULL = Leaf("null")


def canonical(node: Node) -> str:
    """The document as `encode` writes it, but for the order of typed members."""
    return _write(node, lambda parent: parent.members)


def bare(node: Node) -> str:
    """The document as `encode` writes it with `nulls=False`."""
    return _write(node, lambda parent: {name: member for name, member in parent.members.items() if member != NULL})


def loose(node: Node, choose: Callable[[list[str]], str]) -> str:
    """The document as a sender may write it; `choose` picks one of several texts, "" being no member."""

    def depart(parent: Object) -> dict[str, Node]:
        added = {name: Leaf(choose(["", *texts])) for name, texts in parent.absent.items()}
        kept = {
            name: member
            for name, member in parent.members.items()
            if name not in parent.spare or choose(["", "keep"]) == "keep"
        }
        return {**{name: leaf for name, leaf in added.items() if leaf.text}, **kept}

    return _write(node, depart)


def raw_texts(node: Node) -> list[str]:
    """The parts of a document that are kept as text."""
    if isinstance(node, Leaf):
        return [node.text] if node.raw else []
    below = node.elements if isinstance(node, Array) else list(node.members.values())
    return [text for child in below for text in raw_texts(child)]


def exactly(text: str | bytes) -> Any:
    """What a JSON text says, with numbers as the digits they are written in."""
    return json.loads(text, parse_int=_Digits, parse_float=_Digits, parse_constant=_refuse)


class _Digits(str):
    """A number's digits, unlike any string."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Digits) and str.__eq__(self, other)

    __hash__ = str.__hash__


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} is not JSON")


def _write(node: Node, members_of: Callable[[Object], dict[str, Node]]) -> str:
    if isinstance(node, Leaf):
        return node.text
    if isinstance(node, Array):
        return "[" + ",".join(_write(element, members_of) for element in node.elements) + "]"
    return "{" + ",".join(f"{json.dumps(name)}:{_write(m, members_of)}" for name, m in members_of(node).items()) + "}"


# Which messages there are


@dataclass(frozen=True)
class Kind:
    """A message type that is spelled in JSON, and one arm (or the fallback) where it is a union."""

    descriptor: Descriptor
    arm: str = ""

    def __str__(self) -> str:
        name = self.descriptor.full_name.removeprefix("antiphon.responses.v1.")
        return f"{name}.{self.arm}" if self.arm else name

    @property
    def message_type(self) -> type[Message]:
        return GetMessageClass(self.descriptor)


@functools.cache
def spelled_messages() -> list[Descriptor]:
    """Every message type that is spelled in JSON: bodies, results and frames, and all they hold."""
    roots = [v1.ResponseStreamEvent, v1.ConnectRequest, v1.ErrorResponse]
    todo = [root.DESCRIPTOR for root in roots]
    for service in services():
        for method in service.methods:
            http = method.GetOptions().Extensions[annotations_pb2.http]
            if http.WhichOneof("pattern"):
                todo.append(method.output_type)
                if http.body:
                    todo.append(method.input_type)
    seen: dict[str, Descriptor] = {}
    while todo:
        descriptor = todo.pop()
        if descriptor.full_name not in seen:
            seen[descriptor.full_name] = descriptor
            todo += [below for f in descriptor.fields if (below := spelling.below(f)) is not None]
    return [seen[name] for name in sorted(seen)]


def services() -> list[Any]:
    """The services of the contract."""
    files = {getattr(v1, name).DESCRIPTOR.file for name in v1.__all__ if hasattr(getattr(v1, name), "DESCRIPTOR")}
    return [
        service
        for file in sorted(files, key=lambda file: file.name)
        for _, service in sorted(file.services_by_name.items())
    ]


def kinds() -> list[Kind]:
    """Every message type that is spelled in JSON, unions once per arm; arms stand for their own messages."""
    unions = [d for d in spelled_messages() if spelling.of_message(d).discriminator]
    arms = {arm.field.message_type.full_name for union in unions for arm in spelling.of_message(union).arms}
    found: list[Kind] = []
    for descriptor in spelled_messages():
        spelled = spelling.of_message(descriptor)
        if spelled.discriminator:
            found += [Kind(descriptor, arm.field.name) for arm in spelled.arms]
            found += [Kind(descriptor, spelled.fallback.name)] if spelled.fallback else []
        elif spelled.catch_all or descriptor.full_name not in arms:
            found.append(Kind(descriptor))
    return found


# Free JSON

_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_names = st.sampled_from(["b", "a", "$schema", "type", "z z", "ä", "1", ""])


@st.composite
def raw_json(draw: st.DrawFn, depth: int = 2, *, null: bool = False) -> str:
    """JSON text that parsing and writing again would change: spacing, order of keys, digits, escapes."""
    shapes = ["scalar", "scalar", "object", "array"] if depth else ["scalar"]
    shape = draw(st.sampled_from(shapes))
    if shape == "scalar":
        odd = ["1.00", "1E+2", "-0", "-0.0", "123456789012345678901234567890", "9007199254740993", "true", '"\\u0041"']
        return draw(st.sampled_from([*odd, "null"] if null else odd))
    gap = draw(st.sampled_from(["", " ", "\n  ", "\r\n\t"]))
    children = draw(st.lists(raw_json(depth - 1, null=True), max_size=3))
    if shape == "array":
        return f"[{gap}" + f",{gap}".join(children) + f"{gap}]"
    names = draw(st.lists(_names, min_size=len(children), max_size=len(children), unique=True))
    return "{" + gap + f",{gap}".join(f"{json.dumps(n)}:{c}" for n, c in zip(names, children, strict=True)) + "}"


def _unknown_members() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(["x_new", "x_ü", 'x"q"', "X"]), raw_json(), max_size=2)


# Documents


@st.composite
def documents(draw: st.DrawFn, kind: Kind) -> Node:
    """Documents of one message type in canonical form."""
    return draw(_document(kind.descriptor, DEPTH, kind.arm))


def _document(descriptor: Descriptor, depth: int, arm: str = "") -> st.SearchStrategy[Node]:
    spelled = spelling.of_message(descriptor)
    if spelled.is_list:
        return _array(descriptor.fields[0], depth, empty=True)
    if spelled.by_kind:
        return st.sampled_from(list(descriptor.fields)).flatmap(lambda f: _value(f, depth))
    if spelled.discriminator:
        return _union(spelled, depth, arm)
    return _object(spelled, depth)


@st.composite
def _object(draw: st.DrawFn, spelled: spelling.Spelling, depth: int) -> Node:
    out = Object({})
    for name, value in spelled.constants.items():
        if draw(st.integers(0, 7)):
            out.members[name] = Leaf(json.dumps(value))
            out.spare.add(name)
        else:
            out.members[name] = Leaf('"newer"')
    draw(_fill(out, spelled, depth))
    if spelled.catch_all:
        for name, text in draw(_unknown_members()).items():
            out.members[name] = Leaf(text, raw=True)
    return out


@st.composite
def _union(draw: st.DrawFn, spelled: spelling.Spelling, depth: int, arm_name: str) -> Node:
    names = [arm.field.name for arm in spelled.arms] + ([spelled.fallback.name] if spelled.fallback else [])
    chosen = arm_name or draw(st.sampled_from(names))
    out = Object({})
    if spelled.fallback and chosen == spelled.fallback.name:
        out.members[spelled.discriminator] = Leaf('"x.unknown"', raw=True)
        draw(_fill(out, spelled, 0))
        if draw(st.booleans()):
            # A member that all arms share, meant in another way by the unknown type.
            out.members.update({name: Leaf('{"odd":[1.0]}', raw=True) for name in spelled.members if name == "id"})
        for name, text in draw(_unknown_members()).items():
            out.members[name] = Leaf(text, raw=True)
        return Leaf(canonical(out)) if draw(st.booleans()) else Object(out.members)
    (arm,) = (arm for arm in spelled.arms if arm.field.name == chosen)
    inner = spelling.of_message(arm.field.message_type)
    tag = draw(st.sampled_from(arm.tags))
    draw(_fill(out, spelled, depth))
    draw(_fill(out, inner, depth))
    out.members[spelled.discriminator] = Leaf(json.dumps(tag))
    out.absent.pop(spelled.discriminator, None)
    if arm.when_member in out.members and tag == arm.tags[0]:
        out.spare.add(spelled.discriminator)
    if spelled.catch_all or inner.catch_all:
        for name, text in draw(_unknown_members()).items():
            out.members[name] = Leaf(text, raw=True)
    return out


@st.composite
def _fill(draw: st.DrawFn, out: Object, spelled: spelling.Spelling, depth: int) -> None:
    """Add the members that fields declare."""
    wanted = draw(st.sets(st.sampled_from(sorted(spelled.members)))) if spelled.members else set()
    if draw(st.integers(0, 5)) == 0:
        wanted = set(spelled.members)
    for name, fields in spelled.members.items():
        draw(_member(out, name, fields, spelled, depth if name in wanted else -1))


@st.composite
def _member(
    draw: st.DrawFn,
    out: Object,
    name: str,
    fields: tuple[FieldDescriptor, ...],
    spelled: spelling.Spelling,
    depth: int,
) -> None:
    """Add one member: with a value where the depth allows one, else as it is spelled without."""
    options = [spelling.of_field(f) for f in fields]
    wanted = depth >= 0
    usable = [f for f in fields if spelling.below(f) is None or depth > 0]
    required = len(fields) == 1 and _is_required(fields[0])
    if required or (wanted and usable):
        chosen = draw(st.sampled_from(usable or list(fields)))
        if chosen.is_repeated:
            out.members[name] = draw(_array_or_map(chosen, depth))
        elif chosen.enum_type is not None:
            words = [*spelling.of_enum(chosen.enum_type).values(), *(["newer"] if spelled.catch_all else [])]
            out.members[name] = Leaf(json.dumps(draw(st.sampled_from(words))))
        else:
            out.members[name] = draw(_value(chosen, max(depth, 0)))
        return
    lists = [f for f, o in zip(fields, options, strict=True) if f.is_repeated and not o.omit_when_empty]
    if lists:
        out.members[name] = Leaf("{}" if spelling.is_map(lists[0]) else "[]")
        out.spare.add(name)
    elif any(o.null_when_unset for o in options):
        out.members[name] = NULL
        out.spare.add(name)
    else:
        empty = [("{}" if spelling.is_map(f) else "[]") for f in fields if f.is_repeated]
        out.absent[name] = ["null", *empty]


def _is_required(f: FieldDescriptor) -> bool:
    options = spelling.of_field(f)
    plain = not (f.has_presence or f.is_repeated or f.enum_type or options.raw_json)
    return plain or options.empty_when_unset


def _array_or_map(f: FieldDescriptor, depth: int) -> st.SearchStrategy[Node]:
    if spelling.is_map(f):
        values = st.dictionaries(_words, _value(spelling.map_value(f), depth), min_size=1, max_size=2)
        return values.map(lambda members: Object(dict(members)))
    return _array(f, depth, empty=False)


def _array(f: FieldDescriptor, depth: int, *, empty: bool) -> st.SearchStrategy[Node]:
    element = raw_json(null=True).map(_raw_leaf) if spelling.of_field(f).raw_json else _value(f, depth)
    return st.lists(element, min_size=0 if empty else 1, max_size=2).map(Array)


def _raw_leaf(text: str) -> Node:
    return Leaf(text, raw=True)


def _value(f: FieldDescriptor, depth: int) -> st.SearchStrategy[Node]:
    """One JSON value of a field, an element of a repeated one."""
    if f.message_type is not None:
        return _document(f.message_type, max(depth - 1, 0))
    if spelling.of_field(f).raw_json:
        return raw_json().map(_raw_leaf)
    return _scalars(f).map(lambda value: Leaf(orjson.dumps(value).decode()))


def _scalars(f: FieldDescriptor) -> st.SearchStrategy[Any]:
    if f.type == f.TYPE_STRING:
        return _words
    if f.type == f.TYPE_BOOL:
        return st.booleans()
    if f.type == f.TYPE_DOUBLE:
        return st.floats(allow_nan=False, allow_infinity=False)
    bits = 32 if f.type == f.TYPE_INT32 else 64
    return st.sampled_from([0, 1, -1, 7, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))])


# Messages


@st.composite
def messages(draw: st.DrawFn, kind: Kind) -> Message:
    """Messages of one type whose every field has a spelling; no fallbacks, whose text is not one of a kind."""
    message = kind.message_type()
    draw(_populate(message, DEPTH, kind.arm))
    return message


@st.composite
def _populate(draw: st.DrawFn, message: Message, depth: int, arm: str = "") -> None:
    spelled = spelling.of_message(message.DESCRIPTOR)
    if spelled.discriminator or spelled.by_kind:
        choices = [a.field for a in spelled.arms] or list(message.DESCRIPTOR.fields)
        chosen = next((f for f in choices if f.name == arm), None) or draw(st.sampled_from(choices))
        draw(_set(message, chosen, depth))
    for fields in () if spelled.by_kind else spelled.members.values():
        f = draw(st.sampled_from(fields))
        below = spelling.below(f)
        must = spelling.of_field(f).empty_when_unset or (f.name == "type" and bool(_tags_of(message.DESCRIPTOR)))
        if must or (draw(st.booleans()) and (below is None or depth > 0)):
            draw(_set(message, f, depth))
    if spelled.catch_all and draw(st.booleans()):
        members = draw(_unknown_members())
        text = "{" + ",".join(f"{orjson.dumps(n).decode()}:{t}" for n, t in members.items()) + "}"
        setattr(message, spelled.catch_all.name, one_line(text) if members else "")


@st.composite
def _set(draw: st.DrawFn, message: Any, f: FieldDescriptor, depth: int) -> None:
    if spelling.is_map(f):
        value = spelling.map_value(f)
        for key in draw(st.lists(_words, max_size=2)):
            if value.message_type is None:
                getattr(message, f.name)[key] = draw(_scalars(value))
            else:
                draw(_populate(getattr(message, f.name)[key], depth - 1))
    elif f.message_type is not None and f.is_repeated:
        for _ in range(draw(st.integers(0, 2))):
            draw(_populate(getattr(message, f.name).add(), depth - 1))
    elif f.message_type is not None:
        getattr(message, f.name).SetInParent()
        draw(_populate(getattr(message, f.name), depth - 1))
    elif f.is_repeated:
        raw = spelling.of_field(f).raw_json
        elements = raw_json(null=True).map(one_line) if raw else _scalars(f)
        getattr(message, f.name).extend(draw(st.lists(elements, max_size=2)))
    elif f.enum_type is not None:
        setattr(message, f.name, draw(st.sampled_from([value.number for value in f.enum_type.values])))
    elif spelling.of_field(f).raw_json:
        setattr(message, f.name, one_line(draw(raw_json())))
    elif f.name == "type" and not f.has_presence:
        setattr(message, f.name, draw(st.sampled_from(_tags_of(f.containing_type) or ["", "other"])))
    else:
        setattr(message, f.name, draw(_scalars(f)))


@functools.cache
def _tags_of(descriptor: Descriptor) -> list[str]:
    """The tags that an arm's message keeps one of; none for most messages."""
    for union in spelled_messages():
        for arm in spelling.of_message(union).arms:
            if arm.field.message_type is descriptor and arm.keeps_tag:
                return list(arm.tags)
    return []


def one_line(text: str) -> str:
    """Raw text as `encode` writes it: every line break a space."""
    return text.replace("\r", " ").replace("\n", " ")
