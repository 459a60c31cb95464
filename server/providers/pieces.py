"""The parts and calls that an `EventWriter` has under way, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from antiphon.responses import v1

#: Kinds that have a status, but none for being under way.
_NEVER_IN_PROGRESS: Final = frozenset({"apply_patch_call_output", "program_output"})
#: What is told of a provider's own work while it goes on, by the item's kind: the beginnings of the events' names end
#: in these words, the last of them where the work came to something.
_STEPS: Final = {
    "web_search_call": ("in_progress", "searching", "completed"),
    "file_search_call": ("in_progress", "searching", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "code_interpreter_call": ("in_progress", "interpreting", "completed"),
}
#: What is not there yet when an item is announced.
_RESULTS: Final = {"image_generation_call": ("result",), "code_interpreter_call": ("code", "outputs")}


def whole_item(item: v1.Item, output_index: int) -> list[v1.ResponseStreamEvent]:
    """The events of an item that comes whole, in the canonical order of its kind. The item becomes theirs."""
    kind = item.WhichOneof("item") or ""
    added = v1.ResponseStreamEvent()
    added.output_item_added.output_index = output_index
    announced = added.output_item_added.item
    announced.CopyFrom(item)
    if item.HasField("status") and kind not in _NEVER_IN_PROGRESS:
        announced.status = "in_progress"
    for name in _RESULTS.get(kind, ()):
        getattr(announced, kind).ClearField(name)
    done = v1.ResponseStreamEvent()
    done.output_item_done.output_index = output_index
    done.output_item_done.item.CopyFrom(item)
    return [added, *_steps(item, kind, output_index), done]


def _steps(item: v1.Item, kind: str, output_index: int) -> Iterator[v1.ResponseStreamEvent]:
    for step in _STEPS.get(kind, ()):
        if step == "completed" and item.status != step:
            return
        if step == "interpreting" and item.code_interpreter_call.code:
            code = item.code_interpreter_call.code
            yield _step("code_interpreter_call_code_delta", item, output_index, delta=code)
            yield _step("code_interpreter_call_code_done", item, output_index, code=code)
        yield _step(f"{kind}_{step}", item, output_index)


def _step(name: str, item: v1.Item, output_index: int, **members: str) -> v1.ResponseStreamEvent:
    event = v1.ResponseStreamEvent()
    told: Any = getattr(event, name)
    told.item_id = item.id
    told.output_index = output_index
    for member, value in members.items():
        setattr(told, member, value)
    return event


class Part:
    """A part of a message or reasoning item."""

    __slots__ = ("annotations", "index", "kind", "length", "logprobs", "pieces")

    def __init__(self, kind: str, index: int) -> None:
        self.kind = kind
        self.index = index
        self.pieces: list[str] = []
        #: Of the text so far, in characters.
        self.length = 0
        self.logprobs: list[v1.LogProb] = []
        self.annotations: list[v1.Annotation] = []

    def done(
        self, item_id: str, output_index: int, *, cut: bool
    ) -> tuple[v1.ContentPart, tuple[v1.ResponseStreamEvent, v1.ResponseStreamEvent]]:
        """The whole part, and the events that end its text and it."""
        text = "".join(self.pieces)
        whole = v1.ContentPart()
        text_done = v1.ResponseStreamEvent()
        part_done = v1.ResponseStreamEvent()
        told: Any
        place: Any = part_done.content_part_done
        match self.kind:
            case "output_text":
                whole.output_text.text = text
                whole.output_text.annotations.extend(self.annotations)
                whole.output_text.logprobs.extend(self.logprobs)
                told = text_done.output_text_done
                told.text = text
                told.logprobs.extend(self.logprobs)
            case "refusal":
                whole.refusal.refusal = text
                told = text_done.refusal_done
                told.refusal = text
            case "reasoning_text":
                whole.reasoning_text.text = text
                told = text_done.reasoning_text_done
                told.text = text
            case _:
                whole.summary_text.text = text
                told = text_done.reasoning_summary_text_done
                told.text = text
                place = part_done.reasoning_summary_part_done
                if cut:
                    place.status = "incomplete"
        for message in (told, place):
            message.item_id = item_id
            message.output_index = output_index
            if self.kind == "summary_text":
                message.summary_index = self.index
            else:
                message.content_index = self.index
        place.part.CopyFrom(whole)
        return whole, (text_done, part_done)


class Call:
    """A call that is not done: waiting to be announced while it has no `item_id`."""

    __slots__ = ("call_id", "custom", "ended", "index", "item_id", "name", "namespace", "pieces")

    def __init__(self, custom: bool) -> None:
        self.custom = custom
        self.name = ""
        self.call_id = ""
        self.namespace: str | None = None
        self.item_id = ""
        self.index = -1
        self.pieces: list[str] = []
        self.ended = False

    def is_json(self) -> bool:
        """Whether its arguments are whole, as far as can be told from them."""
        try:
            orjson.loads("".join(self.pieces))
        except orjson.JSONDecodeError:
            return False
        return True

    def added(self) -> v1.ResponseStreamEvent:
        """The event that announces it."""
        event = v1.ResponseStreamEvent()
        event.output_item_added.output_index = self.index
        event.output_item_added.item.CopyFrom(self._item("", "in_progress"))
        return event

    def delta(self, delta: str) -> v1.ResponseStreamEvent:
        """The event that tells a piece."""
        event = v1.ResponseStreamEvent()
        told = event.custom_tool_call_input_delta if self.custom else event.function_call_arguments_delta
        told.item_id = self.item_id
        told.output_index = self.index
        told.delta = delta
        return event

    def done(self, status: str) -> tuple[v1.ResponseStreamEvent, v1.ResponseStreamEvent]:
        """The events that end its arguments and it."""
        text = "".join(self.pieces)
        text_done = v1.ResponseStreamEvent()
        told: Any
        if self.custom:
            told = text_done.custom_tool_call_input_done
            told.input = text
        else:
            told = text_done.function_call_arguments_done
            told.arguments = text
        told.item_id = self.item_id
        told.output_index = self.index
        item_done = v1.ResponseStreamEvent()
        item_done.output_item_done.output_index = self.index
        item_done.output_item_done.item.CopyFrom(self._item(text, status))
        return text_done, item_done

    def _item(self, text: str, status: str) -> v1.Item:
        item = v1.Item(id=self.item_id, status=status)
        call: Any
        if self.custom:
            call = item.custom_tool_call
            call.input = text
        else:
            call = item.function_call
            call.arguments = text
        call.call_id = self.call_id
        call.name = self.name
        if self.namespace is not None:
            call.namespace = self.namespace
        return item
