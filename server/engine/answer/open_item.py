"""An item that a provider is still making: what was said of it so far, and the events that end it."""

from __future__ import annotations

from typing import Any, Final

from antiphon.responses import v1
from server.engine.answer.open_part import Events, OpenPart, PartKind

#: The kinds that are made with a text which comes in pieces: its field, and how its events' names begin.
ARGUMENTS: Final = {
    "function_call": ("arguments", "function_call_arguments"),
    "custom_tool_call": ("input", "custom_tool_call_input"),
    "mcp_call": ("arguments", "mcp_call_arguments"),
    "code_interpreter_call": ("code", "code_interpreter_call_code"),
}
#: The kinds that callers answer, by the call's id.
CALLS: Final = frozenset({"function_call", "custom_tool_call"})

#: Kinds whose status every reader expects.
_WITH_STATUS: Final = CALLS | {"message"}
#: What an item that was cut is, for the kinds that cannot be `incomplete`; empty where there is no word for it.
_CUT: Final = {"web_search_call": "failed", "image_generation_call": "failed", "apply_patch_call": ""}


class OpenItem:
    """An item from its announcement to its end.

    `item` is what is announced: it is stripped of the content that events are
    to tell. `final` is set once the item has ended; `done` is the event that
    says so, until it is told.
    """

    __slots__ = (
        "_contents",
        "_last_word",
        "_parts",
        "_summaries",
        "_told_call_id",
        "_whole",
        "argument",
        "argument_done",
        "done",
        "final",
        "id",
        "index",
        "item",
        "kind",
        "live",
        "progressed",
        "told_id",
    )

    def __init__(self, index: int, item: v1.Item, told_id: str, told_call_id: str = "") -> None:
        """`item` has the ids that callers see, the others are the provider's."""
        self.index = index
        self.id = item.id
        self.told_id = told_id
        self._told_call_id = told_call_id
        #: What the provider said of it at the end, where no id tells that from what it may say of another.
        self._last_word = b""
        self.item = item
        self.kind = item.WhichOneof("item") or ""
        #: Parts that take more text, by their arm and the index that the provider gives them.
        self.live: dict[tuple[str, int], OpenPart] = {}
        self.argument: list[str] = []
        self.argument_done = False
        #: Whether the provider told a step of its progress.
        self.progressed = False
        self.final: v1.Item | None = None
        self.done: v1.ResponseStreamEvent | None = None
        self._parts: dict[tuple[str, int], OpenPart] = {}
        self._contents: list[OpenPart] = []
        self._summaries: list[OpenPart] = []
        #: The item as announced, where the provider announced it with content.
        self._whole = _strip(item)

    def may_be(self, item: v1.Item) -> bool:
        """Whether nothing but its id tells an item that the provider speaks of from this one."""
        if self.kind != (item.WhichOneof("item") or ""):
            return False
        if self.kind not in CALLS:
            return True
        other = getattr(item, self.kind).call_id
        return not self._told_call_id or not other or other == self._told_call_id

    def is_same(self, item: v1.Item) -> bool:
        """Whether an item that the provider speaks of is this one, as far as ids can tell."""
        if not self.may_be(item):
            return False
        if self.final is not None:
            return item.id == self.told_id and (bool(item.id) or _bytes(item) == self._last_word)
        return not item.id or not self.told_id or item.id == self.told_id or not (self._is_begun or self.progressed)

    @property
    def _is_begun(self) -> bool:
        return bool(self._parts or self.argument or self.argument_done)

    # Parts

    def part(self, arm: str, told_index: int) -> OpenPart | None:
        """A part that was begun, whether it has ended or not."""
        return self._parts.get((arm, told_index))

    def open_part(
        self, arm: str, told_index: int, *, is_summary: bool, whole: v1.ContentPart | None = None
    ) -> tuple[OpenPart, Events]:
        """Begin a part; also returns the events that say so. Parts before it may go on beside it."""
        section = self._summaries if is_summary else self._contents
        part = OpenPart(PartKind.of(arm), is_summary, self.id, self.index, len(section))
        part.whole = whole if part.kind is None else None
        section.append(part)
        self._parts[arm, told_index] = self.live[arm, told_index] = part
        return part, [part.added()]

    def end_part(self, part: OpenPart, told: v1.ContentPart) -> Events:
        """The events that come before the one that ends a part as `told`, which is completed."""
        part.complete(told)
        events = part.close_text(told)
        part.final = told
        self._bury(part)
        return events

    def end_text(self, part: OpenPart) -> None:
        """No more of a part's text is to come."""
        part.text_done = True
        self._bury(part)

    def _close(self, part: OpenPart, whole: v1.ContentPart) -> Events:
        events = part.close(whole)
        self._bury(part)
        return events

    def _bury(self, part: OpenPart) -> None:
        self.live = {key: live for key, live in self.live.items() if live is not part}

    # The end

    def so_far(self, status: str = "incomplete") -> v1.Item:
        """The item as it stands; with `status` where it has not ended."""
        if self.final is not None:
            return self.final
        item = v1.Item()
        item.CopyFrom(self.item if self._whole is None or self._is_begun else self._whole)
        if self.kind in _WITH_STATUS or item.HasField("status"):
            item.status = (status if status == "completed" else _CUT.get(self.kind, status)) or item.status
        if self._is_begun:
            if self.kind == "message":
                item.message.content.extend(part.so_far() for part in self._contents)
            elif self.kind == "reasoning":
                item.reasoning.content.extend(part.so_far() for part in self._contents)
                item.reasoning.summary.extend(part.so_far() for part in self._summaries)
            elif self.argument:
                setattr(getattr(item, self.kind), ARGUMENTS[self.kind][0], "".join(self.argument))
        return item

    def finish(self, item: v1.Item, done: v1.ResponseStreamEvent | None = None, *, is_own: bool = False) -> Events:
        """End as `item`, which gets what the provider left out of it; returns what is to be told before its end.

        What was streamed is not lost where the last word on it is empty, and
        what only the last word says is streamed first. `done` is the provider's
        event that says so, with the item in it; `is_own` says that the item is
        what `so_far` returned.
        """
        if not item.id:
            self._last_word = _bytes(item)
        item.id = self.id
        if self.kind in _WITH_STATUS and item.status in ("", "in_progress"):
            item.status = "completed"
        events: Events = []
        if self.kind == "message":
            _one_spelling(item.message)
            item.message.role = item.message.role or "assistant"
            events = self._finish_section(item.message.content, self._contents, is_own, is_summary=False)
        elif self.kind == "reasoning":
            events = self._finish_section(item.reasoning.summary, self._summaries, is_own, is_summary=True)
            events += self._finish_section(item.reasoning.content, self._contents, is_own, is_summary=False)
        elif self.kind in ARGUMENTS:
            events = self._finish_argument(item)
        self.final = item
        self.live.clear()
        self.done = v1.ResponseStreamEvent() if done is None else done
        self.done.output_item_done.output_index = self.index
        if done is None:
            self.done.output_item_done.item.CopyFrom(item)
        return events

    def _finish_section(self, told: Any, section: list[OpenPart], is_own: bool, *, is_summary: bool) -> Events:
        events: Events = []
        wholes: dict[int, v1.ContentPart] = {}
        arms = [whole.WhichOneof("part") or "" for whole in told]
        known = [self._parts.get((arm, index)) for index, arm in enumerate(arms)]
        if is_own and section:
            known = list(section)
        taken = {id(part) for part in known}
        for index, whole in enumerate(told):
            arm, part = arms[index], known[index]
            if part is None:
                # Perhaps it was streamed at another place.
                kind = PartKind.of(arm)
                part = next((one for one in section if one.kind is kind and id(one) not in taken), None)
            if part is None:
                part, opening = self.open_part(arm, index, is_summary=is_summary, whole=whole)
                events += opening
            taken.add(id(part))
            part.complete(whole)
            wholes[part.index] = whole
            events += self._close(part, whole)
        for part in section:
            if part.index not in wholes:
                wholes[part.index] = part.so_far()
                events += self._close(part, wholes[part.index])
        if list(wholes) != list(range(len(told))):
            # The parts stand where their events said, though that is not where the provider's last word has them.
            parts = v1.Message(content=[wholes[index] for index in sorted(wholes)]).content
            del told[:]
            told.extend(parts)
        return events

    def _finish_argument(self, item: v1.Item) -> Events:
        field, name = ARGUMENTS[self.kind]
        body = getattr(item, self.kind)
        announced = getattr(self.item, self.kind)
        if self.kind in CALLS:
            body.call_id = announced.call_id
            body.name = body.name or announced.name
        told = "".join(self.argument)
        whole = getattr(body, field)
        if not whole and told:
            setattr(body, field, told)
            whole = told
        if self.argument_done or (self.kind not in CALLS and not told):
            return []
        events = self.rest_of_argument(whole)
        event = v1.ResponseStreamEvent()
        done = getattr(event, f"{name}_done")
        done.item_id = self.id
        done.output_index = self.index
        setattr(done, field, whole)
        events.append(event)
        self.argument_done = True
        return events

    def rest_of_argument(self, whole: str) -> Events:
        """The event that tells what is new in `whole`, where that goes on from what was told."""
        told = "".join(self.argument)
        if len(whole) <= len(told) or not whole.startswith(told):
            return []
        self.argument = [whole]
        event = v1.ResponseStreamEvent()
        delta = getattr(event, f"{ARGUMENTS[self.kind][1]}_delta")
        delta.item_id = self.id
        delta.output_index = self.index
        delta.delta = whole[len(told) :]
        return [event]


def _bytes(item: v1.Item) -> bytes:
    written: bytes = item.SerializeToString(deterministic=True)
    return written


def _strip(item: v1.Item) -> v1.Item | None:
    """Leave of an item what its announcement says; returns it as it was, where there was more."""
    kind = item.WhichOneof("item") or ""
    whole = v1.Item()
    whole.CopyFrom(item)
    has_content = False
    if kind == "message":
        _one_spelling(whole.message)
        has_content = bool(whole.message.content)
        item.message.role = item.message.role or "assistant"
        item.message.ClearField("content_text")
        del item.message.content[:]
    elif kind == "reasoning":
        has_content = bool(item.reasoning.content or item.reasoning.summary)
        del item.reasoning.content[:]
        del item.reasoning.summary[:]
    elif kind in CALLS:
        body = getattr(item, kind)
        field = ARGUMENTS[kind][0]
        has_content = bool(getattr(body, field))
        setattr(body, field, "")
    if kind in _WITH_STATUS:
        item.status = "in_progress"
    return whole if has_content else None


def _one_spelling(message: v1.Message) -> None:
    """Spell a message's content as parts."""
    if message.HasField("content_text"):
        text = message.content_text
        message.ClearField("content_text")
        if text and not message.content:
            message.content.add().output_text.text = text
