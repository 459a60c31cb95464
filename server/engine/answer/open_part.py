"""A part of an item's content or summary that a provider is still making, and the events that tell of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from antiphon.responses import v1

Events: TypeAlias = list[v1.ResponseStreamEvent]


class PartKind(enum.Enum):
    """The kinds of text that come in pieces. The value is the arm of `ContentPart` that holds it."""

    OUTPUT_TEXT = "output_text"
    REFUSAL = "refusal"
    REASONING_TEXT = "reasoning_text"
    SUMMARY_TEXT = "summary_text"

    @classmethod
    def of(cls, arm: str) -> PartKind | None:
        """The kind of a content part; None for those that come whole."""
        return _BY_ARM.get(arm)

    @property
    def is_summary(self) -> bool:
        return self is PartKind.SUMMARY_TEXT

    @property
    def home(self) -> str:
        """The kind of item that holds it."""
        return "message" if self in (PartKind.OUTPUT_TEXT, PartKind.REFUSAL) else "reasoning"

    @property
    def event(self) -> str:
        """What the names of its text's events begin with."""
        return "reasoning_summary_text" if self.is_summary else self.value

    @property
    def index_field(self) -> str:
        return "summary_index" if self.is_summary else "content_index"

    @property
    def text_field(self) -> str:
        """The field that holds the text, in the part and in the event that ends it."""
        return "refusal" if self is PartKind.REFUSAL else "text"


_BY_ARM: Final = {kind.value: kind for kind in PartKind}


@dataclass(slots=True)
class OpenPart:
    """What was said of one part; `final` once it has ended."""

    #: None for a part without pieces, which is told whole.
    kind: PartKind | None
    is_summary: bool
    item_id: str
    output_index: int
    index: int
    pieces: list[str] = field(default_factory=list)
    annotations: list[v1.Annotation] = field(default_factory=list)
    logprobs: list[v1.LogProb] = field(default_factory=list)
    text_done: bool = False
    #: What was announced of a part without pieces.
    whole: v1.ContentPart | None = None
    final: v1.ContentPart | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def so_far(self) -> v1.ContentPart:
        if self.final is not None:
            return self.final
        part = v1.ContentPart()
        if self.kind is None:
            if self.whole is not None:
                part.CopyFrom(self.whole)
        else:
            body: Any = getattr(part, self.kind.value)
            body.SetInParent()
            setattr(body, self.kind.text_field, self.text)
            if self.kind is PartKind.OUTPUT_TEXT:
                body.annotations.extend(self.annotations)
                body.logprobs.extend(self.logprobs)
        return part

    def complete(self, told: v1.ContentPart) -> None:
        """Give the whole part that a provider told what it left out of it."""
        if self.kind is None:
            if not told.WhichOneof("part"):
                told.CopyFrom(self.so_far())
            return
        if told.WhichOneof("part") != self.kind.value:
            told.CopyFrom(self.so_far())
            return
        body: Any = getattr(told, self.kind.value)
        if not getattr(body, self.kind.text_field):
            setattr(body, self.kind.text_field, self.text)
        if self.kind is PartKind.OUTPUT_TEXT:
            if not body.annotations:
                body.annotations.extend(self.annotations)
            if not body.logprobs:
                body.logprobs.extend(self.logprobs)

    def added(self) -> v1.ResponseStreamEvent:
        """The event that announces it."""
        event = v1.ResponseStreamEvent()
        body = event.reasoning_summary_part_added if self.is_summary else event.content_part_added
        self._place(body)
        body.part.CopyFrom(self.so_far())
        return event

    def rest(self, text: str) -> Events:
        """The event that tells what is new in `text`, where that goes on from what was told."""
        told = self.text
        if self.kind is None or self.text_done or len(text) <= len(told) or not text.startswith(told):
            return []
        self.pieces = [text]
        event = v1.ResponseStreamEvent()
        body = getattr(event, f"{self.kind.event}_delta")
        self._place(body)
        body.delta = text[len(told) :]
        return [event]

    def close_text(self, whole: v1.ContentPart) -> Events:
        """The events that tell the whole text and its annotations, as far as they were not told."""
        if self.kind is None or self.text_done:
            return []
        content: Any = getattr(whole, self.kind.value)
        text = getattr(content, self.kind.text_field)
        events = self.rest(text)
        if self.kind is PartKind.OUTPUT_TEXT:
            for event in events:
                event.output_text_delta.logprobs.extend(content.logprobs[len(self.logprobs) :])
            for number in range(len(self.annotations), len(content.annotations)):
                event = v1.ResponseStreamEvent()
                added = event.output_text_annotation_added
                self._place(added)
                added.annotation_index = number
                added.annotation.CopyFrom(content.annotations[number])
                events.append(event)
        self.text_done = True
        event = v1.ResponseStreamEvent()
        done = getattr(event, f"{self.kind.event}_done")
        self._place(done)
        setattr(done, self.kind.text_field, text)
        if self.kind is PartKind.OUTPUT_TEXT:
            done.logprobs.extend(content.logprobs)
        events.append(event)
        return events

    def close(self, whole: v1.ContentPart) -> Events:
        """The events that end it as `whole`."""
        if self.final is not None:
            return []
        events = self.close_text(whole)
        self.final = whole
        event = v1.ResponseStreamEvent()
        done = event.reasoning_summary_part_done if self.is_summary else event.content_part_done
        self._place(done)
        done.part.CopyFrom(whole)
        events.append(event)
        return events

    def _place(self, body: Any) -> None:
        body.item_id = self.item_id
        body.output_index = self.output_index
        setattr(body, "summary_index" if self.is_summary else "content_index", self.index)
