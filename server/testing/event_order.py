"""Checks that events come in the canonical order of every kind of item, as the official clients insist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from antiphon.responses import v1

_TERMINAL = {
    "completed": v1.Response.STATUS_COMPLETED,
    "incomplete": v1.Response.STATUS_INCOMPLETE,
    "failed": v1.Response.STATUS_FAILED,
}
#: Of each kind of text: its delta, its done event, the member that holds it there, and the kind of its part.
_TEXTS = {
    "output_text_delta": ("output_text_done", "text", "output_text"),
    "refusal_delta": ("refusal_done", "refusal", "refusal"),
    "reasoning_text_delta": ("reasoning_text_done", "text", "reasoning_text"),
    "reasoning_summary_text_delta": ("reasoning_summary_text_done", "text", "summary_text"),
}
_TEXT_DONE = {done: (member, part) for done, member, part in _TEXTS.values()}
_PART_TEXT = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "summary_text": "text"}
_HOMES = {"output_text": "message", "refusal": "message", "reasoning_text": "reasoning", "summary_text": "reasoning"}
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_CALL_DELTAS = {"function_call_arguments_delta": "function_call", "custom_tool_call_input_delta": "custom_tool_call"}
_RUN = "code_interpreter_call"
_CALL_DONE = {"function_call_arguments_done": "function_call", "custom_tool_call_input_done": "custom_tool_call"}


@dataclass
class _Open:
    """An item that was added and is not done."""

    item: v1.Item
    kind: str
    parts: dict[str, list[v1.ContentPart]] = field(default_factory=lambda: {"content": [], "summary": []})
    part: str | None = None
    text: str = ""
    text_done: bool = False
    annotations: list[v1.Annotation] = field(default_factory=list)
    logprobs: list[v1.LogProb] = field(default_factory=list)


def check_event_order(events: Iterable[v1.ResponseStreamEvent], *, ended: bool = True) -> list[v1.Item]:
    """Assert that a provider's events are in order; return the items that are done.

    With `ended` the last event must be a terminal one and nothing may be left
    open; without, the events may stop anywhere.
    """
    checker = _Checker()
    for event in events:
        checker.check(event)
    if ended:
        assert checker.terminal is not None, "no terminal event"
    return checker.items


class _Checker:
    def __init__(self) -> None:
        self.items: list[v1.Item] = []
        self.terminal: str | None = None
        self._added = 0
        self._open: dict[int, _Open] = {}

    def check(self, event: v1.ResponseStreamEvent) -> None:
        kind = event.WhichOneof("event")
        assert kind is not None, "an event without a kind"
        assert self.terminal is None, f"{kind} after the terminal event"
        told: Any = getattr(event, kind)
        if kind in ("created", "in_progress", "queued"):
            assert self._added == 0, f"{kind} after an item"
        elif kind in _TERMINAL:
            self._end(kind, told.response)
        elif kind == "output_item_added":
            self._item_added(told.output_index, told.item)
        elif kind == "output_item_done":
            self._item_done(told.output_index, told.item)
        else:
            item = self._open.get(told.output_index)
            assert item is not None, f"{kind} for an item that is not open"
            if told.DESCRIPTOR.fields_by_name.get("item_id") is not None:
                assert told.item_id == item.item.id, f"{kind} names another item"
            self._within(kind, told, item)

    def _item_added(self, index: int, item: v1.Item) -> None:
        kind = item.WhichOneof("item") or ""
        assert index == self._added, "items must be added with rising output_index"
        assert item.id or kind == "fallback", "an item without an id"
        assert all(kind in _CALLS and other.kind in _CALLS for other in self._open.values()), (
            f"{kind} added while another item is open"
        )
        if kind in _CALLS:
            call = getattr(item, kind)
            assert call.name, "a call without a name"
            assert call.call_id, "a call without a call_id"
            assert not getattr(call, _CALLS[kind]), "a call added with arguments"
            assert item.status == "in_progress"
        elif kind == "message":
            assert item.status == "in_progress"
            assert item.message.role == "assistant"
            assert not item.message.content, "a message added with content"
        elif kind == "reasoning":
            assert not item.reasoning.summary, "reasoning added with a summary"
            assert not item.reasoning.content, "reasoning added with content"
        added = v1.Item()
        added.CopyFrom(item)
        self._open[index] = _Open(added, kind)
        self._added += 1

    def _item_done(self, index: int, item: v1.Item) -> None:
        assert index == len(self.items), "items must be done in the order of output_index"
        was = self._open.pop(index, None)
        assert was is not None, "an item is done that was not added"
        assert item.id == was.item.id, "another id than when it was added"
        assert item.WhichOneof("item") == (was.kind or None), "another kind than when it was added"
        assert was.part is None, "an item is done whose part is not"
        if was.kind in _CALLS:
            call, before = getattr(item, was.kind), getattr(was.item, was.kind)
            assert (call.name, call.call_id) == (before.name, before.call_id)
            assert was.text_done, "a call is done whose arguments are not"
            assert getattr(call, _CALLS[was.kind]) == was.text
            assert item.status in ("completed", "incomplete")
        elif was.kind == "message":
            assert list(item.message.content) == was.parts["content"]
            assert item.message.content, "a message without content"
            assert item.status in ("completed", "incomplete")
        elif was.kind == "reasoning":
            assert list(item.reasoning.content) == was.parts["content"]
            assert list(item.reasoning.summary) == was.parts["summary"]
            assert item.status in ("", "incomplete")
        done = v1.Item()
        done.CopyFrom(item)
        self.items.append(done)

    def _within(self, kind: str, told: Any, item: _Open) -> None:
        if kind in ("content_part_added", "reasoning_summary_part_added"):
            assert item.part is None, "a part added while another is open"
            part = told.part.WhichOneof("part")
            assert item.kind == _HOMES[part], f"a part of kind {part} in a {item.kind}"
            assert (part == "summary_text") == (kind == "reasoning_summary_part_added")
            assert self._place(told, part) == len(self._parts(item, part)), "parts must be added with rising index"
            assert not getattr(getattr(told.part, part), _PART_TEXT[part]), "a part added with text"
            item.part, item.text, item.text_done, item.annotations, item.logprobs = part, "", False, [], []
        elif kind in _TEXTS:
            self._in_part(told, item, _TEXTS[kind][2])
            item.text += told.delta
            if kind == "output_text_delta":
                item.logprobs += told.logprobs
        elif kind == "output_text_annotation_added":
            self._in_part(told, item, "output_text")
            assert told.annotation_index == len(item.annotations)
            item.annotations.append(told.annotation)
        elif kind in _TEXT_DONE:
            member, part = _TEXT_DONE[kind]
            self._in_part(told, item, part)
            assert getattr(told, member) == item.text, "another text than the deltas"
            if part == "output_text":
                assert list(told.logprobs) == item.logprobs
            item.text_done = True
        elif kind in ("content_part_done", "reasoning_summary_part_done"):
            part = told.part.WhichOneof("part")
            assert item.part == part, "a part done that is not open"
            assert item.text_done, "a part done before its text"
            assert self._place(told, part) == len(self._parts(item, part))
            assert getattr(getattr(told.part, part), _PART_TEXT[part]) == item.text
            if part == "output_text":
                assert list(told.part.output_text.annotations) == item.annotations
                assert list(told.part.output_text.logprobs) == item.logprobs
            self._parts(item, part).append(told.part)
            item.part = None
        elif kind in _CALL_DELTAS:
            assert item.kind == _CALL_DELTAS[kind]
            assert not item.text_done, "arguments after they were done"
            item.text += told.delta
        elif kind in _CALL_DONE:
            assert item.kind == _CALL_DONE[kind]
            assert not item.text_done, "arguments done twice"
            assert getattr(told, _CALLS[item.kind]) == item.text, "other arguments than the deltas"
            item.text_done = True

    def _in_part(self, told: Any, item: _Open, part: str) -> None:
        assert item.part == part, f"{part} outside a part of its kind"
        assert not item.text_done, "more of a text that was done"
        assert self._place(told, part) == len(self._parts(item, part))

    def _place(self, told: Any, part: str) -> int:
        return int(told.summary_index if part == "summary_text" else told.content_index)

    def _parts(self, item: _Open, part: str) -> list[v1.ContentPart]:
        return item.parts["summary" if part == "summary_text" else "content"]

    def _end(self, kind: str, response: v1.Response) -> None:
        assert not self._open, "items are left open at the end"
        assert response.status == _TERMINAL[kind]
        if kind == "completed":
            # A run of code may have been stopped for itself, and told of after.
            cut = [item for item in self.items if item.status == "incomplete" and not item.HasField(_RUN)]
            assert not cut, "an incomplete item in a completed answer"
        self.terminal = kind
