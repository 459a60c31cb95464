"""Checks a response's whole stream as its callers see it: numbers, ids, order, its one end, and what adds up to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from antiphon.responses import v1

_TERMINAL: Final = {
    "completed": v1.Response.STATUS_COMPLETED,
    "incomplete": v1.Response.STATUS_INCOMPLETE,
    "failed": v1.Response.STATUS_FAILED,
}
_LIFECYCLE: Final = ("created", "queued", "in_progress")
#: By the arm of a content part: how the names of its text's events begin, and the member that holds its text.
_TEXTS: Final = {
    "output_text": ("output_text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning_text", "text"),
    "summary_text": ("reasoning_summary_text", "text"),
}
_DELTAS: Final = {f"{event}_delta": arm for arm, (event, _) in _TEXTS.items()}
_DONES: Final = {f"{event}_done": arm for arm, (event, _) in _TEXTS.items()}
_ARGUMENTS: Final = {
    "function_call_arguments": ("function_call", "arguments"),
    "mcp_call_arguments": ("mcp_call", "arguments"),
    "custom_tool_call_input": ("custom_tool_call", "input"),
    "code_interpreter_call_code": ("code_interpreter_call", "code"),
}
_CALLS: Final = ("function_call", "custom_tool_call")


@dataclass
class _Part:
    arm: str
    body: v1.ContentPart
    text_done: bool = False
    done: bool = False


@dataclass
class _Item:
    item: v1.Item
    kind: str
    parts: dict[bool, list[_Part]] = field(default_factory=lambda: {False: [], True: []})
    argument_done: bool = False
    done: v1.Item | None = None

    def so_far(self) -> v1.Item:
        """What a client that adds up the events has of it."""
        if self.done is not None:
            return self.done
        item = v1.Item()
        item.CopyFrom(self.item)
        if self.kind == "message":
            item.message.content.extend(part.body for part in self.parts[False])
        elif self.kind == "reasoning":
            item.reasoning.content.extend(part.body for part in self.parts[False])
            item.reasoning.summary.extend(part.body for part in self.parts[True])
        return item


def check_order(events: Iterable[v1.ResponseStreamEvent]) -> list[str]:
    """Return what is wrong with a stream, in words; nothing for one that is in order from its first event to its last.

    The rules are those of the official clients, and those that others were
    found to rely on; the final response must be what a client adds up.
    """
    checker = _Checker()
    for event in events:
        checker.take(event)
    if checker.terminal is None:
        checker.problems.append("no terminal event")
    return checker.problems


def accumulate(events: Iterable[v1.ResponseStreamEvent]) -> Sequence[v1.Item]:
    """Return the items that a client has when it adds up a stream that is in order."""
    checker = _Checker()
    for event in events:
        checker.take(event)
    return [opened.so_far() for opened in checker.items]


class _Checker:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self.items: list[_Item] = []
        self.terminal: str | None = None
        self._number = 0
        self._response_id = ""
        self._error_told = False
        self._done = -1
        self._ids: set[str] = set()
        self._call_ids: set[str] = set()

    def take(self, event: v1.ResponseStreamEvent) -> None:
        kind = event.WhichOneof("event") or ""
        self._kind = kind
        self._expect(event.sequence_number == self._number, f"has the number {event.sequence_number}")
        self._expect(self.terminal is None, "comes after the terminal event")
        self._expect((kind == "created") == (self._number == 0), "and `created` is not the first")
        self._expect(not self._error_told or kind == "failed", "comes between `error` and `failed`")
        self._number += 1
        told: Any = getattr(event, kind, None)
        if kind in _LIFECYCLE or kind in _TERMINAL:
            self._lifecycle(kind, told.response)
        elif kind == "error":
            self._error_told = True
            self._expect(told.error.message == told.message != "", "is not told nested and flat alike")
        elif kind == "output_item_added":
            self._item_added(told.output_index, told.item)
        elif isinstance(told, str) or "output_index" not in told.DESCRIPTOR.fields_by_name:
            return
        elif not 0 <= told.output_index < len(self.items):
            self._expect(False, "is of an item that was not added")
        else:
            opened = self.items[told.output_index]
            self._expect(opened.done is None, "is of an item that is done")
            if "item_id" in told.DESCRIPTOR.fields_by_name:
                self._expect(told.item_id == opened.item.id, "has another id than its item")
            self._within(kind, told, opened)

    def _expect(self, held: bool, problem: str) -> None:
        if not held:
            self.problems.append(f"{self._number}: {self._kind} {problem}")

    def _lifecycle(self, kind: str, response: v1.Response) -> None:
        self._response_id = self._response_id or response.id
        self._expect(response.id == self._response_id != "", "has another response id")
        if kind in _LIFECYCLE:
            self._expect(not self.items and not response.output, "has output")
            return
        self.terminal = kind
        self._expect(response.status == _TERMINAL[kind], "has another status")
        self._expect(self._error_told == (kind == "failed"), "and `error` do not go together")
        self._expect(response.HasField("error") == (kind == "failed"), "and the response's error do not go together")
        self._expect(response.HasField("completed_at") == (kind == "completed"), "does not go with completed_at")
        self._expect(len(response.output) == len(self.items), "has more or fewer items than were told")
        for opened, final in zip(self.items, response.output, strict=False):
            self._expect(opened.done is not None or kind == "failed", "leaves items open")
            told = opened.so_far()
            if opened.done is None:
                self._expect(final.status != "completed", "calls an item complete that is not done")
                told.status = final.status
                if not final.HasField("status"):
                    told.ClearField("status")
            self._expect(told == final, f"has another item {told.id} than was told")

    def _item_added(self, index: int, item: v1.Item) -> None:
        kind = item.WhichOneof("item") or ""
        self._expect(index == len(self.items), "does not have the next output_index")
        self._expect(bool(item.id), "has no id")
        self._expect(item.id not in self._ids, "has an id that another item has")
        self._ids.add(item.id)
        if kind in _CALLS:
            call = getattr(item, kind)
            self._expect(bool(call.call_id), "has no call_id")
            self._expect(call.call_id not in self._call_ids, "has a call_id that another call has")
            self._expect(not (call.arguments if kind == "function_call" else call.input), "has arguments")
            self._call_ids.add(call.call_id)
        elif kind == "message":
            self._expect(not item.message.content and item.message.role == "assistant", "is no empty message")
        elif kind == "reasoning":
            self._expect(not item.reasoning.content and not item.reasoning.summary, "has content")
        if kind in _CALLS or kind == "message":
            self._expect(item.status == "in_progress", "is not in progress")
        copy = v1.Item()
        copy.CopyFrom(item)
        self.items.append(_Item(copy, kind))

    def _item_done(self, index: int, item: v1.Item, opened: _Item) -> None:
        self._expect(index > self._done, "is not told in the order of output_index")
        self._done = index
        self._expect(item.id == opened.item.id, "has another id than when added")
        self._expect((item.WhichOneof("item") or "") == opened.kind, "is of another kind than when added")
        self._expect(all(part.done for parts in opened.parts.values() for part in parts), "leaves parts open")
        if opened.kind == "message":
            self._expect(_same(item.message.content, opened.parts[False]), "has other content than was told")
        elif opened.kind == "reasoning":
            self._expect(_same(item.reasoning.content, opened.parts[False]), "has other content than was told")
            self._expect(_same(item.reasoning.summary, opened.parts[True]), "has another summary than was told")
        elif opened.kind in _CALLS:
            mine, told = getattr(item, opened.kind), getattr(opened.item, opened.kind)
            self._expect(mine.call_id == told.call_id, "has another call_id than when added")
            self._expect(opened.argument_done, "leaves its arguments open")
            member = "arguments" if opened.kind == "function_call" else "input"
            self._expect(getattr(mine, member) == getattr(told, member), "has other arguments than were told")
        if opened.kind in _CALLS or opened.kind == "message":
            self._expect(item.status in ("completed", "incomplete"), "has not ended")
        opened.done = v1.Item()
        opened.done.CopyFrom(item)

    def _within(self, kind: str, told: Any, opened: _Item) -> None:
        if kind == "output_item_done":
            self._item_done(told.output_index, told.item, opened)
        elif kind in ("content_part_added", "reasoning_summary_part_added"):
            parts = opened.parts[kind == "reasoning_summary_part_added"]
            self._expect(_place(told) == len(parts), "does not have the next index")
            copy = v1.ContentPart()
            copy.CopyFrom(told.part)
            parts.append(_Part(told.part.WhichOneof("part") or "", copy))
        elif kind in ("content_part_done", "reasoning_summary_part_done"):
            part = self._part(told, opened, kind == "reasoning_summary_part_done")
            if part is not None:
                self._expect(part.arm not in _TEXTS or part.text_done, "comes before its text is done")
                self._expect(told.part == part.body, "has other content than was told")
                part.done = True
        elif kind in _DELTAS or kind in _DONES or kind == "output_text_annotation_added":
            arm = _DELTAS.get(kind) or _DONES.get(kind) or "output_text"
            part = self._part(told, opened, arm == "summary_text")
            if part is None:
                return
            self._expect(part.arm == arm, f"is in a part of the kind {part.arm}")
            body, member = getattr(part.body, arm), _TEXTS[arm][1]
            if kind in _DELTAS:
                self._expect(not part.text_done, "comes after its text is done")
                setattr(body, member, getattr(body, member) + told.delta)
                if arm == "output_text":
                    body.logprobs.extend(told.logprobs)
            elif kind in _DONES:
                self._expect(not part.text_done, "comes twice")
                self._expect(getattr(told, member) == getattr(body, member), "has another text than the pieces")
                part.text_done = True
            else:
                self._expect(told.annotation_index == len(body.annotations), "does not have the next index")
                body.annotations.append(told.annotation)
        else:
            name, _, end = kind.rpartition("_")
            if name in _ARGUMENTS:
                self._argument(told, opened, *_ARGUMENTS[name], is_delta=end == "delta")

    def _argument(self, told: Any, opened: _Item, home: str, member: str, *, is_delta: bool) -> None:
        self._expect(opened.kind == home, f"is of a {opened.kind}")
        self._expect(not opened.argument_done, "comes after its text is done")
        if opened.kind != home:
            return
        body = getattr(opened.item, home)
        if is_delta:
            setattr(body, member, getattr(body, member) + told.delta)
        else:
            self._expect(getattr(told, member) == getattr(body, member), "has another text than the pieces")
            opened.argument_done = True

    def _part(self, told: Any, opened: _Item, is_summary: bool) -> _Part | None:
        parts = opened.parts[is_summary]
        if not 0 <= _place(told) < len(parts):
            self._expect(False, "is of a part that was not added")
            return None
        part = parts[_place(told)]
        self._expect(not part.done, "is of a part that is done")
        return part


def _place(told: Any) -> int:
    is_summary = "summary_index" in told.DESCRIPTOR.fields_by_name
    return int(told.summary_index if is_summary else told.content_index)


def _same(told: Iterable[v1.ContentPart], parts: Iterable[_Part]) -> bool:
    return list(told) == [part.body for part in parts]
