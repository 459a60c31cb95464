"""Turns what a provider sends, piece by piece, into events in the canonical order of every kind of item."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, Literal

from antiphon.responses import v1
from server.errors import UpstreamError
from server.providers.pieces import Call, Part, whole_item

Status = Literal["completed", "incomplete", "failed"]

_STATUSES: Final = {
    "completed": v1.Response.STATUS_COMPLETED,
    "incomplete": v1.Response.STATUS_INCOMPLETE,
    "failed": v1.Response.STATUS_FAILED,
}
#: Kinds that are written piece by piece; the rest come whole.
_PIECEWISE: Final = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})


def new_call_id() -> str:
    """A fresh `call_id`, for a provider that gives its calls none."""
    return f"call_{secrets.token_hex(16)}"


def _new_item_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


class EventWriter:
    """Writes the events of one answer; `take` hands out those written since it was last called.

    Items follow one another: what belongs to another item closes the one under
    way. Calls alone can be under way side by side; they are done in the order
    they were announced. What is not a call and comes while a call is under way
    is held back until every call has ended (`end_call`, `finish`), so that
    nothing stands between a call's pieces and nothing is lost.

    Empty pieces write nothing, and so open no item. Sequence numbers are the
    engine's. Nothing may be written after `finish`.
    """

    __slots__ = (
        "_by_key",
        "_calls",
        "_events",
        "_held",
        "_item",
        "_item_id",
        "_next_index",
        "_output_index",
        "_part",
        "finished",
    )

    def __init__(self) -> None:
        self._events: list[v1.ResponseStreamEvent] = []
        self._next_index = 0
        #: The message or reasoning item under way, with its finished parts.
        self._item: v1.Item | None = None
        self._item_id = ""
        self._output_index = 0
        self._part: Part | None = None
        #: Calls announced and not done, by rising index.
        self._calls: list[Call] = []
        #: The calls that may still get pieces, announced or not.
        self._by_key: dict[Hashable, Call] = {}
        self._held: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        #: Whether the last event has been written.
        self.finished = False

    def take(self) -> list[v1.ResponseStreamEvent]:
        """Hand out the events written since the last time."""
        events, self._events = self._events, []
        return events

    # Messages

    def text(self, delta: str, logprobs: Sequence[v1.LogProb] = ()) -> None:
        """Add to the answer's text."""
        part = self._part
        if part is None or part.kind != "output_text":
            if not delta and not logprobs:
                return
            if self._hold(self.text, delta, logprobs):
                return
            part = self._open_part("message", "output_text")
        elif not delta and not logprobs:
            return
        event = v1.ResponseStreamEvent()
        told = event.output_text_delta
        told.item_id = self._item_id
        told.output_index = self._output_index
        told.content_index = part.index
        told.delta = delta
        if logprobs:
            told.logprobs.extend(logprobs)
            part.logprobs.extend(logprobs)
        part.pieces.append(delta)
        part.length += len(delta)
        self._events.append(event)

    @property
    def text_length(self) -> int:
        """How many characters the text under way has: where an annotation of what comes next begins."""
        part = self._part
        return part.length if part is not None and part.kind == "output_text" else 0

    def annotate(self, annotation: v1.Annotation) -> None:
        """Annotate the text under way."""
        part = self._part
        if part is None or part.kind != "output_text":
            if self._hold(self.annotate, annotation):
                return
            part = self._open_part("message", "output_text")
        event = v1.ResponseStreamEvent()
        told = event.output_text_annotation_added
        told.item_id = self._item_id
        told.output_index = self._output_index
        told.content_index = part.index
        told.annotation_index = len(part.annotations)
        told.annotation.CopyFrom(annotation)
        part.annotations.append(told.annotation)
        self._events.append(event)

    def refusal(self, delta: str) -> None:
        """Add to the words with which the model refuses."""
        if delta and not self._hold(self.refusal, delta):
            part = self._open_part("message", "refusal")
            event = v1.ResponseStreamEvent()
            told = event.refusal_delta
            told.content_index = part.index
            self._delta(event, told, part, delta)

    # Reasoning

    def reasoning(self) -> None:
        """Open a reasoning item, unless one is under way: the model has begun to think, and may tell nothing of it."""
        if not self._hold(self.reasoning):
            self._open_item("reasoning")

    def reasoning_summary(self, delta: str) -> None:
        """Add to the summary's part under way."""
        if delta and not self._hold(self.reasoning_summary, delta):
            part = self._open_part("reasoning", "summary_text")
            event = v1.ResponseStreamEvent()
            told = event.reasoning_summary_text_delta
            told.summary_index = part.index
            self._delta(event, told, part, delta)

    def reasoning_text(self, delta: str) -> None:
        """Add to the model's reasoning as it is, unsummarized."""
        if delta and not self._hold(self.reasoning_text, delta):
            part = self._open_part("reasoning", "reasoning_text")
            event = v1.ResponseStreamEvent()
            told = event.reasoning_text_delta
            told.content_index = part.index
            self._delta(event, told, part, delta)

    def end_part(self) -> None:
        """End the part under way: more of its kind begins another part of the same item."""
        if not self._hold(self.end_part):
            self._close_part(cut=False)

    def encrypted_reasoning(self, content: str) -> None:
        """Give the reasoning item under way its `encrypted_content`; one that has it already is closed before."""
        if not content or self._hold(self.encrypted_reasoning, content):
            return
        if self._item is not None and self._item.reasoning.HasField("encrypted_content"):
            self._close_item()
        self._open_item("reasoning").reasoning.encrypted_content = content

    def end_item(self) -> None:
        """End the message or reasoning item under way."""
        if not self._hold(self.end_item):
            self._close_item()

    # Calls

    def call(
        self,
        key: Hashable,
        *,
        name: str | None = None,
        call_id: str | None = None,
        namespace: str | None = None,
        custom: bool = False,
    ) -> None:
        """Begin a call, or tell more of one; `key` tells the calls of this answer apart.

        It is announced once its name and its `call_id` are known; pieces that
        come earlier wait. What is known of it does not change, but another
        `call_id` under the same key begins another call.
        """
        self._assert_unfinished()
        call = self._by_key.get(key)
        if call is not None and call_id and call.call_id and call_id != call.call_id:
            self.end_call(key)
            call = None
        if call is None:
            call = self._by_key[key] = Call(custom)
        if call.item_id:
            return
        call.name = call.name or name or ""
        call.call_id = call.call_id or call_id or ""
        call.namespace = namespace if call.namespace is None else call.namespace
        if call.name and call.call_id:
            self._announce(call)

    def arguments(self, key: Hashable, delta: str) -> None:
        """Add to a call's arguments, or to a custom call's input."""
        call = self._by_key.get(key)
        if call is None:
            raise UpstreamError("The provider sent arguments for a call that it had not begun, or had ended.")
        if not delta:
            return
        call.pieces.append(delta)
        if call.item_id:
            self._events.append(call.delta(delta))

    def end_call(self, key: Hashable) -> None:
        """End a call: nothing more of it will come."""
        call = self._by_key.get(key)
        if call is None:
            return
        if not call.name:
            raise UpstreamError("The provider sent a call that names no tool.")
        if not call.item_id:
            self._announce(call)
        del self._by_key[key]
        call.ended = True
        while self._calls and self._calls[0].ended:
            self._events += self._calls.pop(0).done("completed")
        if not self._calls:
            self._release()

    # Everything else

    def item(self, item: v1.Item) -> None:
        """Write a whole item of a kind that has no pieces here; without an id it gets one that the engine replaces."""
        kind = item.WhichOneof("item") or ""
        if kind in _PIECEWISE:
            raise ValueError(f"a {kind} is written piece by piece")
        if self._hold(self.item, item):
            return
        self._close_item()
        whole = v1.Item()
        whole.CopyFrom(item)
        if not whole.id and kind != "fallback":
            whole.id = _new_item_id("item")
        self._events += whole_item(whole, self._next_index)
        self._next_index += 1

    def finish(
        self,
        status: Status,
        *,
        usage: v1.ResponseUsage | None = None,
        incomplete_reason: str | None = None,
        error: v1.ResponseError | None = None,
        told: v1.Response | None = None,
    ) -> None:
        """End the answer; `told` is what else the provider says of it, such as its service tier.

        Unless it completed, what is under way counts as cut: it is done with
        the status `incomplete`. A call that never got a name is an error in a
        completed answer, and is left out of one that was cut.
        """
        self._assert_unfinished()
        cut = status != "completed"
        for key, call in list(self._by_key.items()):
            if not cut:
                self.end_call(key)
            elif call.name and not call.item_id:
                call.call_id = call.call_id or new_call_id()
                self._announce(call)
        self._by_key.clear()
        # What was held back came after the calls, so that they cannot be the place of the cut.
        last = None if self._held else self._calls[-1] if self._calls else None
        calls, self._calls = self._calls, []
        for call in calls:
            whole = call.ended or (call is not last and not call.custom and call.is_json())
            self._events += call.done("completed" if whole else "incomplete")
        self._release()
        self._close_item(cut=cut)
        self.finished = True
        event = v1.ResponseStreamEvent()
        response: v1.Response = getattr(event, status).response
        if told is not None:
            response.CopyFrom(told)
        response.status = _STATUSES[status]
        if usage is not None:
            response.usage.CopyFrom(usage)
        if incomplete_reason is not None:
            response.incomplete_details.reason = incomplete_reason
        if error is not None:
            response.error.CopyFrom(error)
        self._events.append(event)

    # How it is done

    def _assert_unfinished(self) -> None:
        if self.finished:
            raise RuntimeError("nothing may be written after the end")

    def _hold(self, write: Callable[..., None], *args: Any) -> bool:
        """Keep a piece for later while calls are under way."""
        if self._calls:
            self._held.append((write, args))
            return True
        self._assert_unfinished()
        return False

    def _release(self) -> None:
        held, self._held = self._held, []
        for write, args in held:
            write(*args)

    def _delta(self, event: v1.ResponseStreamEvent, told: Any, part: Part, delta: str) -> None:
        told.item_id = self._item_id
        told.output_index = self._output_index
        told.delta = delta
        part.pieces.append(delta)
        self._events.append(event)

    def _open_item(self, kind: Literal["message", "reasoning"]) -> v1.Item:
        item = self._item
        if item is not None:
            if item.WhichOneof("item") == kind:
                return item
            self._close_item()
        if kind == "message":
            item = v1.Item(id=_new_item_id("msg"), status="in_progress", message=v1.Message(role="assistant"))
        else:
            item = v1.Item(id=_new_item_id("rs"), reasoning=v1.ReasoningItem())
        self._item = item
        self._item_id = item.id
        self._output_index = self._next_index
        self._next_index += 1
        event = v1.ResponseStreamEvent()
        event.output_item_added.output_index = self._output_index
        event.output_item_added.item.CopyFrom(item)
        self._events.append(event)
        return item

    def _open_part(self, item_kind: Literal["message", "reasoning"], kind: str) -> Part:
        part = self._part
        if part is not None and part.kind == kind:
            return part
        item = self._open_item(item_kind)
        self._close_part(cut=False)
        event = v1.ResponseStreamEvent()
        told: Any
        if kind == "summary_text":
            part = Part(kind, len(item.reasoning.summary))
            told = event.reasoning_summary_part_added
            told.summary_index = part.index
        else:
            part = Part(kind, len(item.message.content if item_kind == "message" else item.reasoning.content))
            told = event.content_part_added
            told.content_index = part.index
        told.item_id = self._item_id
        told.output_index = self._output_index
        getattr(told.part, kind).SetInParent()
        self._events.append(event)
        self._part = part
        return part

    def _close_part(self, *, cut: bool) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        assert self._item is not None
        whole, events = part.done(self._item_id, self._output_index, cut=cut)
        if part.kind == "summary_text":
            self._item.reasoning.summary.append(whole)
        elif part.kind == "reasoning_text":
            self._item.reasoning.content.append(whole)
        else:
            self._item.message.content.append(whole)
        self._events += events

    def _close_item(self, *, cut: bool = False) -> None:
        item = self._item
        if item is None:
            return
        self._close_part(cut=cut)
        self._item = None
        if cut:
            item.status = "incomplete"
        elif item.HasField("message"):
            item.status = "completed"
        event = v1.ResponseStreamEvent()
        event.output_item_done.output_index = self._output_index
        event.output_item_done.item.CopyFrom(item)
        self._events.append(event)

    def _announce(self, call: Call) -> None:
        self._close_item()
        call.call_id = call.call_id or new_call_id()
        call.item_id = _new_item_id("ctc" if call.custom else "fc")
        call.index = self._next_index
        self._next_index += 1
        self._calls.append(call)
        self._events.append(call.added())
        if call.pieces:
            self._events.append(call.delta("".join(call.pieces)))
