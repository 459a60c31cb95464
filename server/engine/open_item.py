"""An item that a provider is still making: what was said of it so far."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from antiphon.responses import v1


class PartKind(enum.Enum):
    """The kinds of text that come in pieces. The value is the arm of `ContentPart` that holds it."""

    OUTPUT_TEXT = "output_text"
    REFUSAL = "refusal"
    REASONING_TEXT = "reasoning_text"
    SUMMARY_TEXT = "summary_text"

    @classmethod
    def of(cls, arm: str) -> PartKind:
        """The kind of a content part; parts of other kinds have no pieces, and count as text without any."""
        return _BY_ARM.get(arm, cls.OUTPUT_TEXT)

    @property
    def is_summary(self) -> bool:
        return self is PartKind.SUMMARY_TEXT

    @property
    def index_field(self) -> str:
        return "summary_index" if self.is_summary else "content_index"

    @property
    def text_field(self) -> str:
        """The field that holds the text, in the part and in the event that ends it."""
        return "refusal" if self is PartKind.REFUSAL else "text"


_BY_ARM: Final = {kind.value: kind for kind in PartKind}

#: Kinds whose status every reader expects.
_WITH_STATUS: Final = frozenset({"message", "function_call", "custom_tool_call"})


@dataclass(slots=True)
class OpenPart:
    """A part of an item's content or summary, under way."""

    kind: PartKind
    index: int
    pieces: list[str] = field(default_factory=list)
    annotations: list[v1.Annotation] = field(default_factory=list)
    text_done: bool = False
    final: v1.ContentPart | None = None

    def so_far(self) -> v1.ContentPart:
        if self.final is not None:
            return self.final
        part = v1.ContentPart()
        body = getattr(part, self.kind.value)
        setattr(body, self.kind.text_field, "".join(self.pieces))
        if self.kind is PartKind.OUTPUT_TEXT:
            body.annotations.extend(self.annotations)
        return part


class OpenItem:
    """An item from its announcement to its end; `final` once it has ended."""

    __slots__ = ("argument", "argument_field", "final", "id", "index", "item", "parts")

    def __init__(self, index: int, item: v1.Item) -> None:
        self.index = index
        self.id = item.id
        self.item = item
        #: By whether they are of the summary, and their index.
        self.parts: dict[tuple[bool, int], OpenPart] = {}
        self.argument: list[str] = []
        self.argument_field = ""
        self.final: v1.Item | None = None

    def open_part(self, kind: PartKind, index: int) -> tuple[OpenPart, v1.ResponseStreamEvent]:
        """Begin a part; also returns the event that says so, for a provider that did not."""
        part = OpenPart(kind, index)
        self.parts[kind.is_summary, index] = part
        if kind.is_summary:
            added = v1.ResponseReasoningSummaryPartAddedEvent(
                item_id=self.id, output_index=self.index, summary_index=index, part=part.so_far()
            )
            return part, v1.ResponseStreamEvent(reasoning_summary_part_added=added)
        content = v1.ResponseContentPartAddedEvent(
            item_id=self.id, output_index=self.index, content_index=index, part=part.so_far()
        )
        return part, v1.ResponseStreamEvent(content_part_added=content)

    def close_text(self, part: OpenPart) -> list[v1.ResponseStreamEvent]:
        """The event that tells a part's whole text, unless it was told."""
        if part.text_done or part.final is not None:
            return []
        part.text_done = True
        event = v1.ResponseStreamEvent()
        body = getattr(event, "reasoning_summary_text_done" if part.kind.is_summary else f"{part.kind.value}_done")
        body.item_id = self.id
        body.output_index = self.index
        setattr(body, part.kind.index_field, part.index)
        setattr(body, part.kind.text_field, "".join(part.pieces))
        return [event]

    def close_parts(self) -> list[v1.ResponseStreamEvent]:
        """The events that end every part still open."""
        events: list[v1.ResponseStreamEvent] = []
        for part in self.parts.values():
            if part.final is not None:
                continue
            events += self.close_text(part)
            part.final = part.so_far()
            if part.kind.is_summary:
                summary = v1.ResponseReasoningSummaryPartDoneEvent(
                    item_id=self.id, output_index=self.index, summary_index=part.index, part=part.final
                )
                events.append(v1.ResponseStreamEvent(reasoning_summary_part_done=summary))
            else:
                content = v1.ResponseContentPartDoneEvent(
                    item_id=self.id, output_index=self.index, content_index=part.index, part=part.final
                )
                events.append(v1.ResponseStreamEvent(content_part_done=content))
        return events

    def so_far(self, status: str = "incomplete") -> v1.Item:
        """The item as it stands; with `status` where it has not ended."""
        if self.final is not None:
            if self.final.WhichOneof("item") in _WITH_STATUS and not self.final.HasField("status"):
                self.final.status = "completed"
            return self.final
        item = v1.Item()
        item.CopyFrom(self.item)
        kind = item.WhichOneof("item")
        if kind in _WITH_STATUS or item.HasField("status"):
            item.status = status
        parts = [part.so_far() for _, part in sorted(self.parts.items())]
        if kind == "message":
            del item.message.content[:]
            item.message.content.extend(parts)
        elif kind == "reasoning":
            del item.reasoning.content[:]
            del item.reasoning.summary[:]
            for part in parts:
                is_summary = part.WhichOneof("part") == "summary_text"
                (item.reasoning.summary if is_summary else item.reasoning.content).append(part)
        if self.argument_field and kind is not None:
            setattr(getattr(item, kind), self.argument_field, "".join(self.argument))
        return item
