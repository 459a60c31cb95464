"""Any one change to a sound stream is found; rubbish is reported, and never brings the checker down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import checking_streams as streams
import pytest
from checking_streams import fresh, renumbered
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.checking.frames import frames
from server.checking.report import MAX_FINDINGS, Unreadable
from server.providers.sse import SseParser
from server.testing.wire import Json

Events = list[Json]
names = st.sampled_from(sorted(streams.SOUND))
#: Without which the others say the same: unfinished pictures, and that a compaction is under way.
_SPARE = ("response.image_generation_call.partial_image", "response.compaction.compacting")
#: Whose place among the pieces of the text says nothing.
_ANYWHERE = "response.output_text.annotation.added"


#: A sound stream, and an event of it.
places = st.sampled_from([(name, index) for name, events in streams.SOUND.items() for index in range(len(events))])
either_way = st.booleans()


@settings(max_examples=200, deadline=None)
@given(place=places, renumber=either_way)
def test_an_event_is_missing(place: tuple[str, int], renumber: bool) -> None:
    name, index = place
    events = fresh(streams.SOUND[name])
    dropped = events.pop(index)
    assume(not renumber or dropped["type"] not in _SPARE)
    assert streams.faults(renumbered(events) if renumber else events)


@settings(max_examples=200, deadline=None)
@given(place=places, renumber=either_way)
def test_an_event_comes_twice(place: tuple[str, int], renumber: bool) -> None:
    name, index = place
    events = fresh(streams.SOUND[name])
    events.insert(index, events[index])
    assert streams.faults(renumbered(events) if renumber else events)


@settings(max_examples=200, deadline=None)
@given(place=places, renumber=either_way)
def test_two_events_are_swapped(place: tuple[str, int], renumber: bool) -> None:
    name, index = place
    events = fresh(streams.SOUND[name])
    assume(index + 1 < len(events))
    one, two = events[index], events[index + 1]
    if renumber:
        assume(one | {"sequence_number": 0} != two | {"sequence_number": 0})
        # One call may begin while the other is under way.
        assume(not (one["type"].endswith("item.done") and two["type"].endswith("item.added") and _are_calls(one, two)))
        assume(_ANYWHERE not in (one["type"], two["type"]) or not {one["type"], two["type"]} & _DELTAS)
    events[index], events[index + 1] = two, one
    assert streams.faults(renumbered(events) if renumber else events)


_DELTAS = {"response.output_text.delta", _ANYWHERE}


def _are_calls(*events: Json) -> bool:
    return {event["item"]["type"] for event in events} <= {"function_call", "custom_tool_call"}


@settings(max_examples=200, deadline=None)
@given(place=places, number=st.integers(-3, 99))
def test_an_event_has_another_number(place: tuple[str, int], number: int) -> None:
    name, index = place
    events = fresh(streams.SOUND[name])
    assume(number != index)
    events[index]["sequence_number"] = number
    assert streams.faults(events)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from leaves(element, (*path, index))
    else:
        yield path


@settings(max_examples=200, deadline=None)
@given(place=places, data=st.data())
def test_an_id_or_index_is_another(place: tuple[str, int], data: st.DataObject) -> None:
    name, index = place
    events = fresh(streams.SOUND[name])
    ids = [
        path
        for path in leaves(events[index])
        if path[-1] in ("item_id", "id", "call_id", "output_index", "content_index", "summary_index", "command_index")
    ]
    assume(ids)
    *above, last = data.draw(st.sampled_from(ids))
    target: Any = events[index]
    for step in above:
        target = target[step]
    if isinstance(target[last], int):
        target[last] += data.draw(st.sampled_from([-1, 1, 7]))
    else:
        # With one event in all that has it, no other can tell that it is wrong.
        assume(len(events) > 3 or last != "id")
        target[last] += "x"
    assert streams.faults(events)


@settings(max_examples=200, deadline=None)
@given(place=places, data=st.data())
def test_a_text_is_another(place: tuple[str, int], data: st.DataObject) -> None:
    name, index = place
    events = fresh(streams.SOUND[name])
    texts = [
        path
        for path in leaves(events[index])
        if path[-1] in ("delta", "text", "refusal", "arguments", "input", "code", "command", "diff")
        and "error" not in path
        and events[index]["type"] not in ("response.created", "response.in_progress", "response.queued")
        # Announced with the text that it has when it is done.
        and not (events[index]["type"].endswith("item.added") and "call" not in str(events[index]["item"]["type"]))
    ]
    assume(texts)
    *above, last = data.draw(st.sampled_from(texts))
    target: Any = events[index]
    for step in above:
        target = target[step]
    assume(isinstance(target[last], str))
    target[last] += "!"
    assert streams.faults(events)


# Rubbish

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(place=places, data=st.data())
def test_any_member_may_be_rubbish(place: tuple[str, int], data: st.DataObject) -> None:
    events = fresh(streams.SOUND[place[0]])
    for _ in range(data.draw(st.integers(1, 4))):
        target: Any = events[data.draw(st.integers(0, len(events) - 1))]
        paths = list(leaves(target))
        assume(paths)
        path = data.draw(st.sampled_from(paths))
        for step in path[: data.draw(st.integers(0, len(path) - 1))]:
            target = target[step]
        key = data.draw(st.sampled_from(list(target) if isinstance(target, dict) else range(len(target))))
        target[key] = data.draw(values)
    after = data.draw(st.none() | st.integers(0, 5))
    for form in (streams.sse, streams.lines):
        streams.report_of(form(events), starting_after=after)


@settings(max_examples=200, deadline=None)
@given(place=places, data=st.data())
def test_events_may_come_in_any_order_from_any_streams(place: tuple[str, int], data: st.DataObject) -> None:
    events = fresh(streams.SOUND[place[0]]) + fresh(streams.SOUND[data.draw(names)])
    shuffled = data.draw(st.lists(st.sampled_from(events), max_size=40))
    after = data.draw(st.none() | st.integers(0, 5))
    for form in (streams.sse, streams.lines):
        streams.report_of(form(shuffled), starting_after=after)


@settings(max_examples=200, deadline=None)
@given(
    data=st.lists(
        st.sampled_from(
            [
                b"event:",
                b"data:",
                b" ",
                b"x",
                b"\n",
                b"\r",
                b"\r\n",
                b"\n\n",
                b":",
                b"\xef\xbb\xbf",
                b"{}",
                b"\xff",
                b"\0",
            ]
        ),
        max_size=30,
    ),
    cut=st.integers(1, 9),
)
def test_bytes_are_read_as_the_clients_of_this_server_read_them(data: list[bytes], cut: int) -> None:
    whole = b"".join(data) + b"\n\n"
    assume(not whole.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"))
    read = [
        (frame.name or "message", frame.data)
        for frame in frames(whole[at : at + cut] for at in range(0, len(whole), cut))
        if not frame.is_cut and not any(rule.id == "empty-data" for rule, _ in frame.faults)
    ]
    parser = SseParser()
    assert read == [(name.decode("utf-8", "replace"), told) for name, told in parser.feed(whole)]
    streams.report_of(whole, cut=cut)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    streams.report_of(data)
    streams.report_of(b"{" + data)
    streams.report_of(b"data: " + data + b"\n\n")


@pytest.mark.parametrize("begin", [b"data: ", b"", b"{", b"data: x\ndata: "])
def test_an_event_without_end_is_not_kept(begin: bytes) -> None:
    def endless() -> Iterator[bytes]:
        yield begin
        while True:
            yield b"x" * 1000

    with pytest.raises(Unreadable, match="longer than 5000 bytes"):
        list(frames(endless(), max_event_bytes=5000))


def test_lines_of_data_without_end_are_not_kept() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"data: x\n" * 100

    with pytest.raises(Unreadable, match="longer than 5000 bytes"):
        list(frames(endless(), max_event_bytes=5000))


def test_only_so_many_findings_are_kept() -> None:
    report = streams.report_of(b"data: x\n\n" * (MAX_FINDINGS + 7))
    assert len(report.findings) == MAX_FINDINGS
    assert report.left_out > 0


def test_only_so_many_lanes_are_kept() -> None:
    created = streams.SOUND["message"][0]
    with pytest.raises(Unreadable, match="lanes"):
        streams.report_of(streams.lines(created | {"stream_id": str(number)} for number in range(300)))
