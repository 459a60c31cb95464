"""An item of a stream, from its announcement on, as the events add it up."""

from __future__ import annotations

from dataclasses import dataclass, field

from antiphon.responses import v1
from server.checking.kinds import CALLS
from server.checking.parts import Parts, Text


@dataclass(slots=True)
class Printed:
    """What a command printed, in pieces."""

    out: list[str] = field(default_factory=list)
    error: list[str] = field(default_factory=list)
    is_done: bool = False


@dataclass(slots=True)
class OpenItem:
    """An item, and what was told of it so far."""

    index: int
    #: As it was added; empty where that was before the stream began.
    item: v1.Item
    id: str
    #: The arm of `Item`; empty for one that is not known here, or not yet.
    kind: str
    content: Parts
    summary: Parts
    #: Whether it was seen to begin.
    is_known: bool = True
    #: The text that the item itself is made with, if it is one of that kind.
    argument: Text = field(default_factory=Text)
    has_argument: bool = False
    #: The commands of a shell call, and what they printed on standard output and error.
    commands: dict[int, Text] = field(default_factory=dict)
    printed: dict[int, Printed] = field(default_factory=dict)
    #: How many unfinished pictures were told.
    pictures: int = 0
    rank: int = -1
    ranks: set[int] = field(default_factory=set)
    done: v1.Item | None = None

    def so_far(self) -> v1.Item:
        """What a client has of it that adds up the events."""
        if self.done is not None:
            return self.done
        item = v1.Item()
        item.CopyFrom(self.item)
        if self.kind == "message":
            del item.message.content[:]
            item.message.content.extend(part.so_far() for part in self.content.all.values())
        elif self.kind == "reasoning":
            del item.reasoning.content[:]
            del item.reasoning.summary[:]
            item.reasoning.content.extend(part.so_far() for part in self.content.all.values())
            item.reasoning.summary.extend(part.so_far() for part in self.summary.all.values())
        elif self.has_argument:
            _set_argument(item, self.kind, self.argument.whole)
        return item


def wrong_at_first(item: v1.Item, kind: str) -> str:
    """What is wrong with an item as it is added; empty for nothing."""
    if kind == "message":
        if item.message.content or item.message.content_text:
            return "is a message with content"
        if item.message.role != "assistant":
            return "is a message that is not the assistant's"
    if kind == "reasoning" and (item.reasoning.content or item.reasoning.summary):
        return "is reasoning with content"
    if kind in CALLS and getattr(getattr(item, kind), CALLS[kind]):
        return "is a call with arguments"
    if (kind in CALLS or kind == "message") and item.status != "in_progress":
        return f"is {item.status or 'without a status'}, not in progress"
    return ""


def argument_of(item: v1.Item, kind: str) -> str | None:
    """The text that an item is made with; None for kinds that are made with none."""
    if kind in CALLS:
        return str(getattr(getattr(item, kind), CALLS[kind]))
    if kind == "mcp_call":
        return str(item.mcp_call.arguments)
    if kind == "code_interpreter_call":
        return str(item.code_interpreter_call.code)
    if kind == "apply_patch_call":
        operation = item.apply_patch_call.operation
        name = operation.WhichOneof("operation")
        return str(getattr(operation, name).diff) if name in ("create_file", "update_file") else None
    return None


def _set_argument(item: v1.Item, kind: str, text: str) -> None:
    if kind in CALLS:
        setattr(getattr(item, kind), CALLS[kind], text)
    elif kind == "mcp_call":
        item.mcp_call.arguments = text
    elif kind == "code_interpreter_call":
        item.code_interpreter_call.code = text
    elif kind == "apply_patch_call":
        operation = item.apply_patch_call.operation
        name = operation.WhichOneof("operation")
        if name in ("create_file", "update_file"):
            getattr(operation, name).diff = text


def names_of(item: v1.Item, kind: str) -> list[str]:
    """What an item is called by beside its id: the name and `call_id`, of kinds that have them."""
    if not kind:
        return []
    body = getattr(item, kind)
    return [getattr(body, name) for name in ("name", "call_id") if name in body.DESCRIPTOR.fields_by_name]
