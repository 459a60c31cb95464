"""The items of a stream: announced, made, done, each in the order of its kind and equal to what was told of it."""

from __future__ import annotations

from typing import Any, Final

from antiphon.responses import v1
from server.checking.item import OpenItem, argument_of, names_of, wrong_at_first
from server.checking.kinds import (
    ARGUMENT_DELTAS,
    ARGUMENT_DONES,
    CALLS,
    FINAL_STATUSES,
    PART_ADDED,
    PART_DONE,
    STEPS,
    TEXT_DELTAS,
    TEXT_DONES,
    UNDER_WAY,
    needed_ranks,
)
from server.checking.parts import Parts, Text
from server.checking.report import Report
from server.checking.rules import Rule
from server.checking.shell import SHELL

_OF_PARTS: Final = PART_ADDED | PART_DONE | TEXT_DELTAS.keys() | TEXT_DONES.keys() | {"output_text_annotation_added"}


class Items:
    """Checks the events about items, and keeps the items.

    `starting_late` says that items may have been added before the stream began.
    Without `unique_ids` two may have the same id: those of a provider are not
    the last word.
    """

    def __init__(self, report: Report, *, starting_late: bool = False, unique_ids: bool = True) -> None:
        #: By `output_index`.
        self.all: dict[int, OpenItem] = {}
        self._report = report
        self._is_resumed = starting_late
        self._unique_ids = unique_ids
        self._open: dict[int, OpenItem] = {}
        #: Those that are open and must be done before another begins.
        self._alone: set[int] = set()
        self._any_added = False
        self._next = 0
        self._last_done = -1
        self._ids: set[str] = set()
        self._call_ids: set[str] = set()

    @property
    def count(self) -> int:
        return len(self.all)

    def so_far(self) -> list[v1.Item]:
        """The items, in order, as a client has them that adds up the events."""
        return [self.all[index].so_far() for index in sorted(self.all)]

    def take(self, kind: str, told: Any) -> None:
        """Take an event, if it is about an item."""
        if kind == "output_item_added":
            self._added(told.output_index, told.item)
            return
        if "output_index" not in told.DESCRIPTOR.fields_by_name:
            return
        item = self._find(told)
        if item is None:
            return
        if item.done is not None:
            self._report.tell(Rule.AFTER_DONE, f"is about item {item.index}, which is done")
            return
        if kind == "output_item_done":
            self._done(item, told.item)
            return
        if "item_id" in told.DESCRIPTOR.fields_by_name and told.item_id != item.id:
            self._report.tell(Rule.ITEM_IDENTITY, f"has another id than item {item.index}")
        if kind in STEPS:
            self._step(kind, told, item)
        if kind in _OF_PARTS:
            parts = item.summary if "summary_index" in told.DESCRIPTOR.fields_by_name else item.content
            parts.take(kind, told)
        elif kind in ARGUMENT_DELTAS or kind in ARGUMENT_DONES:
            self._argument(kind, told, item)
        elif kind in SHELL:
            SHELL[kind](told, item, self._report)

    def end(self, *, completed: bool, failed: bool) -> None:
        """Check the items as the response ends; those of a failed one may be left as they are."""
        if failed:
            return
        for index in self._open:
            self._report.tell(Rule.OPEN_ITEMS, f"item {index} is not done")
        if completed:
            for item in self.all.values():
                # A run of code may have been stopped for itself, and told of after.
                is_cut = item.done is not None and item.done.status == "incomplete"
                if is_cut and item.kind != "code_interpreter_call":
                    self._report.tell(Rule.DISHONEST_COMPLETED, f"item {item.index} is incomplete")

    def _find(self, told: Any) -> OpenItem | None:
        index = told.output_index
        item = self.all.get(index)
        if item is None and self._is_resumed and index >= 0:
            # It was added before the stream began.
            item = self.all[index] = self._open[index] = self._new(index, v1.Item(), is_known=False)
            item.id = told.item_id if "item_id" in told.DESCRIPTOR.fields_by_name else ""
            item.id = item.id or (told.item.id if "item" in told.DESCRIPTOR.fields_by_name else "")
            self._alone.add(index)
            self._next = max(self._next, index + 1)
        if item is None:
            self._report.tell(Rule.UNANNOUNCED, f"is about item {index}, which was not added")
        elif not item.id and not item.is_known and "item_id" in told.DESCRIPTOR.fields_by_name:
            item.id = told.item_id
        return item

    def _new(self, index: int, item: v1.Item, *, is_known: bool) -> OpenItem:
        kind = item.WhichOneof("item") or ""
        kind = "" if kind == "fallback" else kind
        content, summary = (
            Parts(kind, self._report, of_summary=of_summary, is_resumed=not is_known) for of_summary in (False, True)
        )
        return OpenItem(index, item, item.id, kind, content, summary, is_known, Text(is_known=is_known))

    def _added(self, index: int, item: v1.Item) -> None:
        report = self._report
        if index in self.all:
            report.tell(Rule.OUTPUT_INDEX, f"has the index {index}, which another item has")
            return
        if self._is_resumed and index > self._next and not self._any_added:
            self._next = index
        self._any_added = True
        if index != self._next:
            report.tell(Rule.OUTPUT_INDEX, f"has the index {index}, where {self._next} must follow")
        copy = v1.Item()
        copy.CopyFrom(item)
        opened = self._new(index, copy, is_known=True)
        if not opened.kind:
            report.tell(Rule.UNKNOWN_ITEM, f"item {index} is of a type that is not known here")
        if not item.id:
            report.tell(Rule.ITEM_ID, f"item {index} has no id")
        elif item.id in self._ids and self._unique_ids:
            report.tell(Rule.ITEM_ID, f"item {index} has an id that another item has")
        self._ids.add(item.id)
        if self._alone if opened.kind in CALLS else self._open:
            report.tell(Rule.INTERLEAVED, "is added while another item is open")
        if opened.kind in CALLS:
            self._check_call(getattr(item, opened.kind), index)
        wrong = wrong_at_first(item, opened.kind)
        if wrong:
            report.tell(Rule.ADDED_STATE, wrong)
        begun = argument_of(item, opened.kind)
        if begun:
            # Clients take it for the first piece.
            opened.argument.pieces.append(begun)
        self.all[index] = self._open[index] = opened
        if opened.kind not in CALLS:
            self._alone.add(index)
        self._next = max(self._next, index) + 1

    def _check_call(self, call: Any, index: int) -> None:
        if not call.name:
            self._report.tell(Rule.CALL_ID, f"item {index} has no name")
        if not call.call_id:
            self._report.tell(Rule.CALL_ID, f"item {index} has no call_id")
        elif call.call_id in self._call_ids and self._unique_ids:
            self._report.tell(Rule.CALL_ID, f"item {index} has a call_id that another call has")
        self._call_ids.add(call.call_id)

    def _step(self, kind: str, told: Any, item: OpenItem) -> None:
        step = STEPS[kind]
        if item.is_known and item.kind != step.home:
            # Of an argument that is told already, as that of another kind.
            if kind not in ARGUMENT_DELTAS and kind not in ARGUMENT_DONES:
                self._report.tell(Rule.PROGRESS_ORDER, f"is about a {item.kind or 'item of unknown type'}")
            return
        # An argument that goes on after its end is told as that.
        is_told = item.argument.is_done and (kind in ARGUMENT_DELTAS or kind in ARGUMENT_DONES)
        if (step.rank < item.rank or (step.rank == item.rank and not step.is_repeated)) and not is_told:
            self._report.tell(Rule.PROGRESS_ORDER, "comes after a later step, or a second time")
        elif kind == "image_generation_call_partial_image":
            if item.is_known and told.partial_image_index != item.pictures:
                self._report.tell(Rule.PROGRESS_ORDER, f"is picture {told.partial_image_index}, not {item.pictures}")
            item.pictures += 1
        item.rank = max(item.rank, step.rank)
        item.ranks.add(step.rank)

    def _argument(self, kind: str, told: Any, item: OpenItem) -> None:
        argument = ARGUMENT_DELTAS.get(kind) or ARGUMENT_DONES[kind]
        if item.is_known and item.kind != argument.home:
            self._report.tell(Rule.PART_KIND, f"is about a {item.kind or 'item of unknown type'}")
            return
        item.has_argument = True
        if kind in ARGUMENT_DELTAS:
            item.argument.add(told.delta, self._report)
        else:
            item.argument.end(getattr(told, argument.member), self._report)

    def _done(self, opened: OpenItem, item: v1.Item) -> None:
        report = self._report
        kind = item.WhichOneof("item") or ""
        kind = "" if kind == "fallback" else kind
        if opened.index < self._last_done:
            report.tell(Rule.DONE_ORDER, f"item {opened.index} is done after item {self._last_done}")
        self._last_done = max(self._last_done, opened.index)
        if not opened.is_known:
            opened.kind = kind
        if item.id != opened.id and (opened.is_known or opened.id):
            report.tell(Rule.ITEM_IDENTITY, f"has another id than item {opened.index}")
        if kind != opened.kind:
            report.tell(Rule.ITEM_IDENTITY, f"is a {kind}, and item {opened.index} is a {opened.kind}")
        else:
            opened.content.end()
            opened.summary.end()
            self._check_sum(opened, item)
        statuses = FINAL_STATUSES.get(kind)
        if item.status in UNDER_WAY if statuses is None else item.status not in statuses:
            rule = Rule.ITEM_STATUS if kind in CALLS or kind in ("message", "reasoning") else Rule.TOOL_UNFINISHED
            report.tell(rule, f"is {item.status or 'without a status'}")
        missing = needed_ranks(kind, item.status) - opened.ranks if opened.is_known else ()
        if missing:
            report.tell(Rule.PROGRESS_MISSING, f"lacks {len(missing)} of the steps of a {kind}")
        if kind == "message" and item.status == "completed" and not item.message.content:
            report.tell(Rule.EMPTY_MESSAGE, "has no content")
        opened.done = v1.Item()
        opened.done.CopyFrom(item)
        del self._open[opened.index]
        self._alone.discard(opened.index)

    def _check_sum(self, opened: OpenItem, item: v1.Item) -> None:
        kind = opened.kind
        paths: list[str | None] = []
        if kind == "message":
            paths = [_under("content", opened.content.difference(item.message.content))]
            if opened.is_known and item.message.role != opened.item.message.role:
                paths.append("role")
        elif kind == "reasoning":
            paths = [
                _under("content", opened.content.difference(item.reasoning.content)),
                _under("summary", opened.summary.difference(item.reasoning.summary)),
            ]
        if opened.is_known and names_of(item, kind) != names_of(opened.item, kind):
            self._report.tell(Rule.ITEM_IDENTITY, f"has another name or call_id than item {opened.index}")
        if opened.argument.is_known and (kind in CALLS or opened.has_argument):
            if not opened.argument.is_done:
                self._report.tell(Rule.LEFT_OPEN, "is done before its arguments")
            elif (argument_of(item, kind) or "") != opened.argument.whole:
                paths.append("arguments")
        for index, command in opened.commands.items():
            commands = item.shell_call.action.commands
            if not command.is_done:
                self._report.tell(Rule.LEFT_OPEN, f"is done before its command {index}")
            elif not 0 <= index < len(commands) or commands[index] != command.whole:
                paths.append(f"action.commands[{index}]")
        for index, printed in opened.printed.items():
            if not printed.is_done:
                self._report.tell(Rule.LEFT_OPEN, f"is done before what command {index} printed")
        for path in paths:
            if path is not None:
                self._report.tell(Rule.ITEM_SUM, f"`{path}` is not what was told")


def _under(member: str, path: str | None) -> str | None:
    return None if path is None else f"{member}{path}"
