"""What each kind of a provider's events does to a transcript, so that callers see them all in the canonical order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from antiphon.responses import v1
from server.engine.answer import faults
from server.engine.answer.open_item import ARGUMENTS
from server.engine.answer.open_part import Events, PartKind
from server.engine.answer.transcript import Transcript
from server.errors import ServiceError, UpstreamError

#: Takes an event, the arm of it that is set, and the list of what callers are told.
Rule: TypeAlias = Callable[[Transcript, v1.ResponseStreamEvent, Any, Events], None]


def admit(transcript: Transcript, batch: Sequence[v1.ResponseStreamEvent]) -> Events:
    """Take in what a provider said, and return what callers are told of it. The events become the transcript's.

    What the provider left out of the canonical order is put in. An `error`
    event, or one that makes no sense, sets the transcript's `fault`. The
    provider's end is told by `ending`, after `conclude`.
    """
    out: Events = []
    if transcript.ended or transcript.fault is not None:
        return out
    rule_of = _RULES.get
    try:
        for event in batch:
            kind = event.WhichOneof("event")
            if event.obfuscation:
                event.ClearField("obfuscation")  # for whoever may listen between the provider and here
            if kind is not None:
                rule_of(kind, _other)(transcript, event, getattr(event, kind), out)
                if kind in _ENDS:
                    break
    except ServiceError as fault:
        transcript.fault = fault
    return out


def _dropped(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    """The provider's own opening: callers were told ours."""


def _item_added(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    known = transcript.latest.get(body.output_index)
    if known is not None and known.is_same(body.item):
        return  # announced twice
    body.output_index = transcript.announce(body.item, body.output_index).index
    transcript.emit(event, out)


def _item_done(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    item = body.item
    placed = transcript.by_index.get(body.output_index)
    if placed is not None and placed.final is None and placed.may_be(item):
        transcript.finish(placed, item, event, out)
        return
    by_id = transcript.by_told_id.get(item.id)
    for opened in (placed, by_id, transcript.latest.get(body.output_index)):
        if opened is None or not opened.is_same(item):
            continue
        if opened.final is None:
            transcript.finish(opened, item, event, out)
        return  # or ended twice
    transcript.add_whole(item, body.output_index, out)


def _delta(kind: PartKind) -> Rule:
    """A piece of a part's text."""
    arm = kind.value
    index_field = kind.index_field
    has_logprobs = kind is PartKind.OUTPUT_TEXT

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        told_index = body.output_index
        opened = transcript.by_index.get(told_index)
        part_index = getattr(body, index_field)
        part = None if opened is None else opened.live.get((arm, part_index))
        if part is None:
            part = transcript.open_part(kind, body, out)
            if part is None or part.text_done or part.final is not None:
                raise UpstreamError("The provider went on with something that it had ended.")
        part.pieces.append(body.delta)
        if has_logprobs and body.logprobs:
            part.logprobs.extend(body.logprobs)
        if told_index != part.output_index:
            body.output_index = part.output_index
        if part_index != part.index:
            setattr(body, index_field, part.index)
        if body.item_id != part.item_id:
            body.item_id = part.item_id
        event.sequence_number = number = transcript.next_number
        transcript.next_number = number + 1
        out.append(event)

    return take


def _text_done(kind: PartKind) -> Rule:
    """A part's whole text."""

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        part = transcript.open_part(kind, body, out)
        if part is None or part.text_done or part.final is not None:
            return  # ended twice
        if not getattr(body, kind.text_field):
            setattr(body, kind.text_field, part.text)
        transcript.tell(part.rest(getattr(body, kind.text_field)), out)
        part.pieces = [getattr(body, kind.text_field)]
        if kind is PartKind.OUTPUT_TEXT:
            if not body.logprobs:
                body.logprobs.extend(part.logprobs)
            part.logprobs = list(body.logprobs)
        body.output_index = part.output_index
        setattr(body, kind.index_field, part.index)
        transcript.items[part.output_index].end_text(part)
        transcript.emit(event, out)

    return take


def _part_added(is_summary: bool) -> Rule:
    index_field = "summary_index" if is_summary else "content_index"

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        arm = "summary_text" if is_summary else body.part.WhichOneof("part") or ""
        kind = PartKind.of(arm)
        told_index = getattr(body, index_field)
        home = "message" if kind is None else kind.home
        opened = transcript.find(body, home)
        if opened is None:
            if transcript.has_ended(body.output_index, home):
                raise UpstreamError("The provider went on with something that it had ended.")
            item = v1.Item()
            getattr(item, home).SetInParent()
            opened = transcript.announced(item, body.output_index, out)
        if opened.part(arm, told_index) is not None:
            return  # announced twice
        part, events = opened.open_part(arm, told_index, is_summary=is_summary, whole=body.part)
        transcript.tell(events, out)
        if kind is not None:
            # Whoever adds up the pieces takes a text told here for the first of them.
            transcript.tell(part.rest(getattr(getattr(body.part, arm), kind.text_field)), out)

    return take


def _part_done(is_summary: bool) -> Rule:
    index_field = "summary_index" if is_summary else "content_index"

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        arm = "summary_text" if is_summary else body.part.WhichOneof("part") or ""
        kind = PartKind.of(arm)
        if kind is not None:
            part = transcript.open_part(kind, body, out)
        else:
            opened = transcript.find(body)
            part = None if opened is None else opened.part(arm, getattr(body, index_field))
        if part is None or part.final is not None:
            return  # ended twice, or told whole when its item is done
        transcript.tell(transcript.items[part.output_index].end_part(part, body.part), out)
        body.item_id = part.item_id
        body.output_index = part.output_index
        setattr(body, index_field, part.index)
        transcript.emit(event, out)

    return take


def _argument(kind: str, *, whole: bool) -> Rule:
    """A piece of, or all of, the text that a call is made with."""
    field = ARGUMENTS[kind][0]

    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        opened = transcript.by_index.get(body.output_index)
        if opened is None or opened.kind != kind or opened.final is not None:
            opened = transcript.find(body, kind)
        if opened is None:
            if whole and transcript.has_ended(body.output_index, kind):
                return  # ended twice
            raise UpstreamError("The provider sent arguments of a call that it never announced, or had ended.")
        if whole:
            if opened.argument_done:
                return  # ended twice
            if not getattr(body, field):
                setattr(body, field, "".join(opened.argument))
            transcript.tell(opened.rest_of_argument(getattr(body, field)), out)
            opened.argument = [getattr(body, field)]
            opened.argument_done = True
        elif opened.argument_done:
            raise UpstreamError("The provider went on with something that it had ended.")
        else:
            opened.argument.append(body.delta)
        body.output_index = opened.index
        body.item_id = opened.id
        transcript.emit(event, out)

    return take


def _annotation_added(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    part = transcript.open_part(PartKind.OUTPUT_TEXT, body, out)
    if part is None or part.final is not None:
        return  # its part or item, which is done, has the annotation
    if body.HasField("annotation"):
        body.annotation_index = len(part.annotations)
        part.annotations.append(body.annotation)
    body.output_index = part.output_index
    body.content_index = part.index
    transcript.emit(event, out)


def _ended(kind: str) -> Rule:
    def take(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
        transcript.end(kind, body.response, out)

    return take


def _error(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    raise faults.error_of_event(body)


def _other(transcript: Transcript, event: v1.ResponseStreamEvent, body: Any, out: Events) -> None:
    if not isinstance(body, str) and "output_index" in body.DESCRIPTOR.fields_by_name:
        opened = transcript.find(body, _HOMES.get(body.DESCRIPTOR.name))
        if opened is None:
            if body.output_index in transcript.latest:
                return  # of an item that is done, and has what this tells, or of one of another kind
            raise UpstreamError("The provider sent an event of an item that it never announced.")
        opened.progressed = True
        body.output_index = opened.index
        if "item_id" in body.DESCRIPTOR.fields_by_name:
            body.item_id = opened.id
    transcript.emit(event, out)


def _homes() -> dict[str, str]:
    """By the message of an event that begins with the name of a kind of item: that kind, the longest that fits."""
    kinds = sorted((arm.name for arm in v1.Item.DESCRIPTOR.oneofs_by_name["item"].fields), key=len)
    events = v1.ResponseStreamEvent.DESCRIPTOR.oneofs_by_name["event"].fields
    return {
        event.message_type.name: kind
        for kind in kinds
        for event in events
        if event.message_type is not None and event.name.startswith(f"{kind}_")
    }


_ENDS: Final = frozenset({"completed", "incomplete", "failed"})

#: Which kind of item an event can be about, for those that no rule says it of.
_HOMES: Final = _homes()

_RULES: Final[dict[str, Rule]] = {
    "created": _dropped,
    "in_progress": _dropped,
    "queued": _dropped,
    "output_item_added": _item_added,
    "output_item_done": _item_done,
    "content_part_added": _part_added(is_summary=False),
    "content_part_done": _part_done(is_summary=False),
    "reasoning_summary_part_added": _part_added(is_summary=True),
    "reasoning_summary_part_done": _part_done(is_summary=True),
    "output_text_delta": _delta(PartKind.OUTPUT_TEXT),
    "output_text_done": _text_done(PartKind.OUTPUT_TEXT),
    "refusal_delta": _delta(PartKind.REFUSAL),
    "refusal_done": _text_done(PartKind.REFUSAL),
    "reasoning_text_delta": _delta(PartKind.REASONING_TEXT),
    "reasoning_text_done": _text_done(PartKind.REASONING_TEXT),
    "reasoning_summary_text_delta": _delta(PartKind.SUMMARY_TEXT),
    "reasoning_summary_text_done": _text_done(PartKind.SUMMARY_TEXT),
    "output_text_annotation_added": _annotation_added,
    "function_call_arguments_delta": _argument("function_call", whole=False),
    "function_call_arguments_done": _argument("function_call", whole=True),
    "mcp_call_arguments_delta": _argument("mcp_call", whole=False),
    "mcp_call_arguments_done": _argument("mcp_call", whole=True),
    "custom_tool_call_input_delta": _argument("custom_tool_call", whole=False),
    "custom_tool_call_input_done": _argument("custom_tool_call", whole=True),
    "code_interpreter_call_code_delta": _argument("code_interpreter_call", whole=False),
    "code_interpreter_call_code_done": _argument("code_interpreter_call", whole=True),
    "completed": _ended("completed"),
    "incomplete": _ended("incomplete"),
    "failed": _ended("failed"),
    "error": _error,
}
