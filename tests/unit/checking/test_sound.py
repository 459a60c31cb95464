"""A sound stream is found sound, in whichever form it comes."""

from __future__ import annotations

import checking_streams as streams
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon import openai_json
from antiphon.responses import v1
from server.checking import Rule, check_events
from server.checking.kinds import (
    ARGUMENT_DELTAS,
    ARGUMENT_DONES,
    FINAL_STATUSES,
    PART_ADDED,
    PART_DONE,
    STEPS,
    TEXT_DELTAS,
    TEXT_DONES,
    TEXTS,
)

EVENTS = {field.name for field in v1.ResponseStreamEvent.DESCRIPTOR.oneofs_by_name["event"].fields}
ITEMS = {field.name for field in v1.Item.DESCRIPTOR.oneofs_by_name["item"].fields}
each = pytest.mark.parametrize("name", streams.SOUND)


@each
def test_every_kind_is_sound(name: str) -> None:
    assert streams.report_of(streams.sse(streams.SOUND[name])).findings == []


@each
def test_one_event_as_json_in_each_line(name: str) -> None:
    assert streams.report_of(streams.lines(streams.SOUND[name])).findings == []


@each
def test_as_messages(name: str) -> None:
    events = [openai_json.decode(orjson.dumps(event), v1.ResponseStreamEvent) for event in streams.SOUND[name]]
    assert check_events(events) == []


@each
@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, 700))
def test_however_the_bytes_are_cut(name: str, cut: int) -> None:
    assert streams.report_of(streams.sse(streams.SOUND[name]), cut=cut).findings == []


@each
def test_resumed_anywhere(name: str) -> None:
    events = streams.SOUND[name]
    for number in range(len(events) - 1):
        report = streams.report_of(streams.sse(events[number + 1 :]), starting_after=number)
        assert [str(found) for found in report.findings] == []


def test_many_responses_in_lanes_of_one_connection() -> None:
    first, second, third = (
        [event | {"stream_id": lane} if lane else event for event in streams.SOUND[name]]
        for name, lane in (("message", ""), ("function call", "a"), ("several", "a"))
    )
    refused = {"type": "error", "status": 400, "error": {"type": "x", "code": "y", "message": "z", "param": None}}
    mixed = [event for pair in zip(first, second, strict=False) for event in pair]
    mixed += [*first[len(second) :], refused, *third]
    assert streams.broken(streams.lines(mixed)) == set()
    assert streams.broken(streams.sse(mixed)) != set()


def test_a_cancelled_response_has_no_end() -> None:
    events = streams.SOUND["message"][:5]
    assert streams.faults(events, is_cancelled=True) == set()
    assert streams.faults(events) == {Rule.NO_TERMINAL}


def test_a_stream_resumed_after_its_last_event_is_empty() -> None:
    assert streams.broken(b"", starting_after=9) == set()
    assert streams.broken(b"data: [DONE]\n\n", starting_after=9) == {Rule.DONE_MARKER}
    assert streams.broken(b"") == {Rule.NO_TERMINAL}


def test_a_connection_on_which_all_was_refused() -> None:
    refused = {"type": "error", "status": 400, "error": {"type": "x", "code": "y", "message": "z", "param": None}}
    assert streams.broken(streams.lines([refused])) == set()
    assert len(streams.report_of(streams.sse([refused])).findings) > 1


def test_done_between_the_responses_of_a_connection() -> None:
    one = streams.lines(streams.SOUND["message"]) + b"[DONE]\n"
    assert streams.broken(one + one) == {Rule.DONE_MARKER}


def test_a_run_of_code_may_be_stopped_for_itself() -> None:
    events = streams.fresh(streams.SOUND["code interpreter"])
    for item in (events[-2]["item"], events[-1]["response"]["output"][0]):
        item["status"] = "incomplete"
    assert streams.faults(events) == set()


def test_keep_alives_are_nothing() -> None:
    frames = [streams.sse([event]) for event in streams.SOUND["message"]]
    assert streams.broken(b": hi\n\n" + b": keep-alive\n\n".join(frames) + b": bye\n") == set()


def test_the_tables_name_what_is_in_the_contract() -> None:
    told = {*TEXT_DELTAS, *TEXT_DONES, *PART_ADDED, *PART_DONE, *ARGUMENT_DELTAS, *ARGUMENT_DONES, *STEPS}
    assert told <= EVENTS
    homes = {kind.home for kind in TEXTS.values()} | {step.home for step in STEPS.values()} | FINAL_STATUSES.keys()
    homes |= {argument.home for argument in (*ARGUMENT_DELTAS.values(), *ARGUMENT_DONES.values())}
    assert homes <= ITEMS


def test_every_rule_has_a_text_and_a_name_of_its_own() -> None:
    assert len(Rule) == len(Rule.__members__)
    assert all(rule.text.endswith((".", "...")) for rule in Rule)
