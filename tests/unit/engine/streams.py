"""Streams of a provider for tests of the transcript: canonical ones, and what providers make of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from antiphon.responses import v1

Event = v1.ResponseStreamEvent

_TEXT_EVENTS = {
    "output_text": ("output_text", "text", "content_index", "content_part"),
    "refusal": ("refusal", "refusal", "content_index", "content_part"),
    "reasoning_text": ("reasoning_text", "text", "content_index", "content_part"),
    "summary_text": ("reasoning_summary_text", "text", "summary_index", "reasoning_summary_part"),
}
_ARGUMENTS = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
    "mcp_call": ("mcp_call_arguments", "arguments"),
    "code_interpreter_call": ("code_interpreter_call_code", "code"),
}
_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}


def event(kind: str, **members: Any) -> Event:
    made = Event()
    body = getattr(made, kind)
    body.SetInParent()
    for name, value in members.items():
        if hasattr(value, "DESCRIPTOR"):
            getattr(body, name).CopyFrom(value)
        else:
            setattr(body, name, value)
    return made


def terminal(kind: str = "completed", output: Sequence[v1.Item] = ()) -> Event:
    status = getattr(v1.Response, f"STATUS_{kind.upper()}")
    return event(kind, response=v1.Response(id="resp_upstream", status=status, output=output))


@dataclass
class Text:
    """A part: its arm and its pieces."""

    arm: str
    pieces: list[str]
    annotations: int = 0

    def whole(self) -> v1.ContentPart:
        part = v1.ContentPart()
        body: Any = getattr(part, self.arm)
        body.SetInParent()
        setattr(body, _TEXT_EVENTS[self.arm][1], "".join(self.pieces))
        for number in range(self.annotations):
            body.annotations.add().url_citation.url = f"https://example.com/{number}"
        return part


@dataclass
class Planned:
    """An item that a provider makes."""

    kind: str
    parts: list[Text]
    pieces: list[str]

    def texts(self) -> tuple[str, ...]:
        """What of it must not be lost."""
        if self.kind in _ARGUMENTS:
            return (self.kind, "".join(self.pieces))
        return (self.kind, *sorted(filter(None, ("".join(part.pieces) for part in self.parts))))

    def whole(self, number: int) -> v1.Item:
        item = v1.Item(id=f"{_PREFIXES.get(self.kind, 'x')}_{number:032x}")
        if self.kind == "fallback":
            item.fallback = '{"type":"novel_call","x":1}'
            return item
        body: Any = getattr(item, self.kind)
        body.SetInParent()
        if self.kind == "message":
            body.role = "assistant"
            body.content.extend(part.whole() for part in self.parts)
        elif self.kind == "reasoning":
            body.summary.extend(part.whole() for part in self.parts if part.arm == "summary_text")
            body.content.extend(part.whole() for part in self.parts if part.arm != "summary_text")
            body.encrypted_content = "sealed"
        elif self.kind in _ARGUMENTS:
            setattr(body, _ARGUMENTS[self.kind][1], "".join(self.pieces))
        if self.kind in ("function_call", "custom_tool_call"):
            body.call_id = f"call_{number}"
            body.name = "f"
        if self.kind != "reasoning":
            item.status = "completed"
        return item

    def events(self, number: int) -> list[Event]:
        whole = self.whole(number)
        begun = v1.Item()
        begun.CopyFrom(whole)
        if self.kind == "message":
            del begun.message.content[:]
        elif self.kind == "reasoning":
            begun.ClearField("reasoning")
            begun.reasoning.SetInParent()
        elif self.kind in _ARGUMENTS:
            setattr(getattr(begun, self.kind), _ARGUMENTS[self.kind][1], "")
        if self.kind not in ("reasoning", "fallback"):
            begun.status = "in_progress"
        place = {"item_id": whole.id, "output_index": number}
        events = [event("output_item_added", output_index=number, item=begun)]
        indexes: dict[str, int] = {}
        for part in self.parts:
            name, member, index_field, part_event = _TEXT_EVENTS[part.arm]
            index = indexes.setdefault(index_field, 0)
            indexes[index_field] += 1
            at = {**place, index_field: index}
            events.append(event(f"{part_event}_added", part=Text(part.arm, []).whole(), **at))
            events += [event(f"{name}_delta", delta=piece, **at) for piece in part.pieces]
            for made, annotation in enumerate(part.whole().output_text.annotations):
                events.append(event("output_text_annotation_added", annotation=annotation, annotation_index=made, **at))
            events.append(event(f"{name}_done", **{member: "".join(part.pieces)}, **at))
            events.append(event(f"{part_event}_done", part=part.whole(), **at))
        if self.kind in _ARGUMENTS:
            name, member = _ARGUMENTS[self.kind]
            events += [event(f"{name}_delta", delta=piece, **place) for piece in self.pieces]
            events.append(event(f"{name}_done", **{member: "".join(self.pieces)}, **place))
        if self.kind == "web_search_call":
            events += [
                event(f"web_search_call_{state}", **place) for state in ("in_progress", "searching", "completed")
            ]
        events.append(event("output_item_done", output_index=number, item=whole))
        return events


_pieces = st.lists(st.text(alphabet="abc é{}\n", min_size=1, max_size=4), max_size=3)
_contents = st.lists(
    st.one_of(
        st.builds(Text, st.just("output_text"), _pieces, st.integers(0, 2)),
        st.builds(Text, st.just("refusal"), _pieces),
    ),
    max_size=3,
)
_thoughts = st.builds(
    lambda summary, raw: (
        [Text("summary_text", pieces) for pieces in summary] + [Text("reasoning_text", p) for p in raw]
    ),
    st.lists(_pieces, max_size=2),
    st.lists(_pieces, max_size=2),
)
planned = st.one_of(
    st.builds(Planned, st.just("message"), _contents, st.just([])),
    st.builds(Planned, st.just("reasoning"), _thoughts, st.just([])),
    st.builds(Planned, st.sampled_from(sorted(_ARGUMENTS)), st.just([]), _pieces),
    st.builds(Planned, st.sampled_from(["web_search_call", "fallback"]), st.just([]), st.just([])),
)
plans = st.lists(planned, max_size=4)


def canonical(plan: Sequence[Planned], end: str = "completed") -> list[Event]:
    opening = v1.Response(id="resp_upstream", status=v1.Response.STATUS_IN_PROGRESS)
    events = [event("created", response=opening), event("in_progress", response=opening)]
    for number, item in enumerate(plan):
        events += item.events(number)
    events.append(terminal(end))
    return events


def copies(events: Iterable[Event]) -> list[Event]:
    made = []
    for one in events:
        copy = Event()
        copy.CopyFrom(one)
        made.append(copy)
    return made


def body_of(one: Event) -> Any:
    return getattr(one, one.WhichOneof("event") or "")


#: How a provider numbers its items.
INDEXES = {
    "right": lambda n: n,
    "gapped": lambda n: 3 * n + 1,
    "backwards": lambda n: 9 - n,
    "all the same": lambda n: 0,
}
OMITTED = ("added", "part_added", "text_done", "part_done", "done")


def kind_of_step(one: Event) -> str:
    """Which of `OMITTED` an event is, or another word."""
    kind = one.WhichOneof("event") or ""
    if kind in ("output_item_added", "output_item_done"):
        return kind.removeprefix("output_item_")
    if kind.endswith(("part_added", "part_done")):
        return "part_" + kind.rpartition("_")[2]
    return "text_done" if kind.endswith("_done") else "other"


@st.composite
def defective(draw: st.DrawFn, *, fatal: bool = True) -> tuple[list[Planned], list[list[Event]], str]:
    """A plan, the batches that a provider makes of it, and how it numbers its items.

    Without `fatal` nothing is done that takes from the stream what cannot be known otherwise.
    """
    plan = draw(plans)
    events = copies(canonical(plan, draw(st.sampled_from(["completed", "incomplete"] + ["failed"] * fatal))))
    ids = draw(st.sampled_from(["right", "none", "one for all", "unsound", "fresh"]))
    indexes = draw(st.sampled_from(sorted(INDEXES) if fatal else ["right", "gapped", "backwards"]))
    omitted = draw(st.sets(st.sampled_from(OMITTED if fatal else OMITTED[1:])))
    if indexes == "all the same":
        # Then announcements and ids are all that tells one item from the next.
        omitted -= {"added"}
        ids = "right"
    events = [one for one in events if kind_of_step(one) not in omitted or draw(st.booleans())]
    # Nothing tells an item that is told again under another id from another item.
    repeated = draw(st.sets(st.sampled_from(OMITTED[:-1] if ids == "fresh" else OMITTED)))
    events = list(
        itertools.chain.from_iterable(
            copies([one] * (2 if kind_of_step(one) in repeated and draw(st.booleans()) else 1)) for one in events
        )
    )
    fresh = itertools.count()
    for one in events:
        one.sequence_number = draw(st.sampled_from([0, 7, 10**12]))
        body = body_of(one)
        if "output_index" in body.DESCRIPTOR.fields_by_name:
            body.output_index = INDEXES[indexes](body.output_index)
        holder = body.item if "item" in body.DESCRIPTOR.fields_by_name else body
        field = "id" if holder is not body else "item_id"
        if field in holder.DESCRIPTOR.fields_by_name and ids != "right":
            value = {"none": "", "one for all": f"msg_{0:032x}", "fresh": f"msg_{next(fresh):032x}"}
            setattr(holder, field, value.get(ids, "chatcmpl-" + getattr(holder, field)))
    if draw(st.booleans()):
        unknown = Event(fallback='{"type":"response.novel","x":1}')
        events.insert(draw(st.integers(0, len(events))), unknown)
    if fatal:
        match draw(st.sampled_from(["whole", "cut", "error", "more"])):
            case "cut":
                events = events[: draw(st.integers(0, len(events)))]
            case "error":
                broken = event("error", message="it broke", code="server_error")
                events.insert(draw(st.integers(0, len(events))), broken)
            case "more":
                events += copies(events[-3:])
    batches = []
    while events:
        size = draw(st.integers(1, len(events)))
        batches.append(events[:size])
        events = events[size:]
    return plan, batches, indexes
