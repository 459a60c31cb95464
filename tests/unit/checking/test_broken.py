"""Each rule alone: a stream that breaks it, and no other, is found to break it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import checking_streams as streams
import pytest
from checking_streams import at, fresh, index_of, renumbered

from server.checking.rules import Rule
from server.testing import wire
from server.testing.wire import Json

Events = list[Json]
#: Of how a stream is carried: `test_sources.py`.
CARRIED: Final = {Rule.CONTENT_TYPE, Rule.BROKEN_OFF, Rule.EMPTY_CHUNK}


def setting(kind: str, path: str, value: Any, nth: int = 0) -> Callable[[Events], Events]:
    """Sets a member of the nth event of a type; a value of `...` takes it away."""

    def spoil(events: Events) -> Events:
        target: Any = at(events, kind, nth)
        *above, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in above:
            target = target[step]
        if value is ...:
            del target[last]
        else:
            target[last] = value
        return events

    return spoil


def without(kind: str, nth: int = 0) -> Callable[[Events], Events]:
    def spoil(events: Events) -> Events:
        del events[index_of(events, kind, nth)]
        return renumbered(events)

    return spoil


def twice(kind: str, nth: int = 0) -> Callable[[Events], Events]:
    def spoil(events: Events) -> Events:
        place = index_of(events, kind, nth)
        events.insert(place, events[place])
        return renumbered(events)

    return spoil


def swapped(kind: str, other: str, nth: int = 0) -> Callable[[Events], Events]:
    def spoil(events: Events) -> Events:
        one, two = index_of(events, kind, nth), index_of(events, other, nth)
        events[one], events[two] = events[two], events[one]
        return renumbered(events)

    return spoil


def both(*spoils: Callable[[Events], Events]) -> Callable[[Events], Events]:
    def spoil(events: Events) -> Events:
        for one in spoils:
            events = one(events)
        return events

    return spoil


def after(kind: str, *more: Json) -> Callable[[Events], Events]:
    def spoil(events: Events) -> Events:
        place = index_of(events, kind) + 1
        events[place:place] = [dict(event) for event in more]
        return renumbered(events)

    return spoil


def made(events: Events) -> Callable[[Events], Events]:
    return lambda _: fresh(events)


def interleaved_messages() -> Events:
    first, second = streams.message(["a"], 1), streams.message(["b"], 2)
    blocks = [[event | {"output_index": 0} for event in first], [event | {"output_index": 1} for event in second]]
    sound = wire.stream([], wire.ended("completed", [first[-1]["item"], second[-1]["item"]]))
    return renumbered([*sound[:2], *blocks[0][:-1], *blocks[1][:1], blocks[0][-1], *blocks[1][1:], sound[-1]])


def parallel_done_out_of_order() -> Events:
    events = fresh(wire.PARALLEL_CALLS)
    done = events.pop(index_of(events, "output_item.done"))
    events.insert(-1, done)
    return renumbered(events)


TEXT_ITEM: Final = "message"
MESSAGE_DONE: Final = streams.BLOCKS["message"][-1]["item"]
PLACE: Final = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
DELTA: Final = {"type": "response.output_text.delta", "delta": "", "logprobs": [], **PLACE}
GOING: Final = {"type": "response.in_progress", "response": wire.response("in_progress")}
SEARCHING: Final = {"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 0}
EMPTY: Final = wire.stream(
    [[{"type": "response.output_item.added", "item": MESSAGE_DONE | {"status": "in_progress", "content": []}}]],
    wire.ended("completed", [MESSAGE_DONE | {"content": []}]),
)
DONE_EMPTY: Final = {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE_DONE | {"content": []}}
NO_ERROR: Final = {"code": None, "message": "It broke.", "param": None, "type": "server_error"}

#: Rule, the name of a sound stream, and what is done to it.
CASES: Final[list[tuple[Rule, str, Callable[[Events], Events]]]] = [
    (Rule.EVENT_TYPE, TEXT_ITEM, after("in_progress", {"kind": "x"})),
    (Rule.EVENT_TYPE, TEXT_ITEM, after("in_progress", {"type": 7})),
    (Rule.UNKNOWN_EVENT, TEXT_ITEM, after("in_progress", {"type": "response.hologram"})),
    (
        Rule.UNKNOWN_ITEM,
        TEXT_ITEM,
        made(
            streams.whole(
                [
                    [
                        {"type": "response.output_item.added", "item": {"type": "hologram", "id": "h_1"}},
                        {"type": "response.output_item.done", "item": {"type": "hologram", "id": "h_1", "x": [1.50]}},
                    ]
                ]
            )
        ),
    ),
    (Rule.WRONG_TYPE, TEXT_ITEM, after("output_text.delta", DELTA | {"delta": 7})),
    (Rule.WRONG_TYPE, TEXT_ITEM, after("output_text.delta", DELTA | {"output_index": 1 << 40})),
    (Rule.MISSING_MEMBER, TEXT_ITEM, setting("output_text.delta", "logprobs", ...)),
    (Rule.MISSING_MEMBER, TEXT_ITEM, setting("output_text.delta", "logprobs", None)),
    (Rule.MISSING_MEMBER, TEXT_ITEM, setting("output_item.added", "output_index", ...)),
    (Rule.MISSING_MEMBER, TEXT_ITEM, setting("output_text.delta", "sequence_number", ...)),
    (Rule.MISSING_MEMBER, TEXT_ITEM, setting("created", "response.model", ...)),
    (Rule.MISSING_MEMBER, TEXT_ITEM, setting("completed", "response.usage.output_tokens_details", ...)),
    (Rule.MISSING_MEMBER, TEXT_ITEM, setting("content_part.done", "part.annotations", ...)),
    (Rule.MISSING_NULL, TEXT_ITEM, setting("completed", "response.incomplete_details", ...)),
    (Rule.NULL_MEMBER, "raw reasoning", setting("output_item.done", "item.encrypted_content", None)),
    # The stream
    (Rule.SEQUENCE_NUMBER, TEXT_ITEM, setting("output_text.delta", "sequence_number", 77)),
    (Rule.SEQUENCE_NUMBER, TEXT_ITEM, setting("created", "sequence_number", 1)),
    (Rule.SEQUENCE_NUMBER, TEXT_ITEM, lambda events: renumbered([{}, *events])[1:]),
    (Rule.SEQUENCE_NUMBER, TEXT_ITEM, lambda events: [event | {"sequence_number": 0} for event in events]),
    (Rule.FIRST_EVENT, TEXT_ITEM, without("created")),
    (Rule.LIFECYCLE_ORDER, TEXT_ITEM, twice("in_progress")),
    (Rule.LIFECYCLE_ORDER, TEXT_ITEM, twice("created")),
    (Rule.LIFECYCLE_ORDER, "background", twice("queued")),
    (Rule.OPENING, TEXT_ITEM, without("in_progress")),
    (Rule.OPENING, "background", without("queued")),
    (Rule.OPENING, "nothing", without("in_progress")),
    (Rule.OPENING_OUTPUT, TEXT_ITEM, setting("in_progress", "response.output", [MESSAGE_DONE])),
    (Rule.RESPONSE_ID, TEXT_ITEM, setting("completed", "response.id", "resp_other")),
    (Rule.RESPONSE_ID, TEXT_ITEM, setting("in_progress", "response.id", "")),
    (Rule.RESPONSE_STATUS, TEXT_ITEM, setting("created", "response.status", "completed")),
    (Rule.RESPONSE_STATUS, "background", setting("queued", "response.status", "in_progress")),
    (Rule.RESPONSE_STATUS, TEXT_ITEM, setting("completed", "response.status", "incomplete")),
    # Items
    (Rule.OUTPUT_INDEX, "function call", lambda e: [o | {"output_index": 1} if "output_index" in o else o for o in e]),
    (Rule.OUTPUT_INDEX, "two parts", twice("output_item.added")),
    (
        Rule.ITEM_ID,
        "compaction",
        lambda events: json.loads(json.dumps(events).replace("cmp_1", "")),
    ),
    (Rule.ITEM_ID, "parallel calls", lambda events: json.loads(json.dumps(events).replace("fc_2", "fc_1"))),
    (Rule.CALL_ID, "parallel calls", lambda events: json.loads(json.dumps(events).replace("call_2", "call_1"))),
    (Rule.CALL_ID, "custom call", lambda events: json.loads(json.dumps(events).replace("call_9", ""))),
    (Rule.CALL_ID, "custom call", lambda events: json.loads(json.dumps(events).replace('"sh"', '""'))),
    (Rule.UNANNOUNCED, "web search", after("web_search_call.searching", SEARCHING | {"output_index": 4})),
    (Rule.UNANNOUNCED, "web search", after("web_search_call.searching", SEARCHING | {"output_index": -1})),
    (Rule.UNANNOUNCED, TEXT_ITEM, after("output_text.delta", DELTA | {"content_index": 5})),
    (Rule.UNANNOUNCED, TEXT_ITEM, after("in_progress", DELTA)),
    (Rule.ITEM_IDENTITY, TEXT_ITEM, setting("output_text.delta", "item_id", "msg_other")),
    (Rule.ITEM_IDENTITY, "web search", setting("web_search_call.searching", "item_id", "ws_other")),
    (
        Rule.ITEM_IDENTITY,
        "function call",
        both(setting("output_item.done", "item.name", "x"), setting("completed", "response.output.0.name", "x")),
    ),
    (
        Rule.ITEM_IDENTITY,
        TEXT_ITEM,
        both(setting("output_item.done", "item.id", "x"), setting("completed", "response.output.0.id", "x")),
    ),
    (Rule.AFTER_DONE, TEXT_ITEM, twice("output_text.done")),
    (Rule.AFTER_DONE, TEXT_ITEM, twice("content_part.done")),
    (Rule.AFTER_DONE, TEXT_ITEM, twice("output_item.done")),
    (Rule.AFTER_DONE, "function call", twice("function_call_arguments.done")),
    (Rule.AFTER_DONE, "shell", twice("shell_call_command.done")),
    (Rule.AFTER_DONE, "shell output", twice("shell_call_output_content.done")),
    (Rule.AFTER_DONE, "web search", after("output_item.done", SEARCHING)),
    (Rule.AFTER_DONE, TEXT_ITEM, after("output_text.done", DELTA)),
    (Rule.ADDED_STATE, TEXT_ITEM, setting("output_item.added", "item.status", "completed")),
    (Rule.ADDED_STATE, TEXT_ITEM, setting("output_item.added", "item.content", MESSAGE_DONE["content"])),
    (
        Rule.ADDED_STATE,
        "function call",
        both(setting("output_item.added", "item.arguments", '{"city"'), without("function_call_arguments.delta")),
    ),
    (
        Rule.PART_NOT_EMPTY,
        TEXT_ITEM,
        both(setting("content_part.added", "part.text", "Hel"), without("output_text.delta")),
    ),
    (Rule.PART_INDEX, "refusal", lambda e: [o | {"content_index": 1} if "content_index" in o else o for o in e]),
    (Rule.PART_INDEX, "refusal", twice("content_part.added")),
    (Rule.PART_INDEX, "shell", twice("shell_call_command.added")),
    (
        Rule.PART_KIND,
        TEXT_ITEM,
        after("output_text.delta", {"type": "response.refusal.delta", "delta": "No", **PLACE}),
    ),
    (Rule.ANNOTATION_INDEX, "annotated", setting("output_text.annotation.added", "annotation_index", 3)),
    (Rule.TEXT_SUM, TEXT_ITEM, without("output_text.delta")),
    (Rule.TEXT_SUM, "refusal", twice("refusal.delta")),
    (Rule.TEXT_SUM, "custom call", without("custom_tool_call_input.delta")),
    (Rule.TEXT_SUM, "code interpreter", without("code_interpreter_call_code.delta")),
    (Rule.TEXT_SUM, "shell", without("shell_call_command.delta")),
    (Rule.TEXT_SUM, "shell output", without("shell_call_output_content.delta")),
    (Rule.TEXT_SUM, "patch", without("apply_patch_call_operation_diff.delta")),
    (Rule.PART_SUM, "annotated", without("output_text.annotation.added", 1)),
    (Rule.PART_SUM, "annotated", setting("output_text.delta", "logprobs", [])),
    (Rule.LEFT_OPEN, TEXT_ITEM, without("output_text.done")),
    (Rule.LEFT_OPEN, TEXT_ITEM, without("content_part.done")),
    (Rule.LEFT_OPEN, "function call", without("function_call_arguments.done")),
    (Rule.LEFT_OPEN, "MCP call", without("mcp_call_arguments.done")),
    (Rule.LEFT_OPEN, "shell", without("shell_call_command.done")),
    (Rule.LEFT_OPEN, "shell output", without("shell_call_output_content.done")),
    (Rule.DONE_ORDER, "parallel calls", made(parallel_done_out_of_order())),
    (
        Rule.ITEM_SUM,
        TEXT_ITEM,
        both(
            setting("output_item.done", "item.content.0.text", "Other"),
            setting("completed", "response.output.0.content.0.text", "Other"),
        ),
    ),
    (
        Rule.ITEM_SUM,
        "shell",
        both(
            setting("output_item.done", "item.action.commands.0", "ls"),
            setting("completed", "response.output.0.action.commands.0", "ls"),
        ),
    ),
    (
        Rule.ITEM_STATUS,
        "function call",
        both(
            setting("output_item.done", "item.status", "in_progress"),
            setting("completed", "response.output.0.status", "in_progress"),
        ),
    ),
    (
        Rule.TOOL_UNFINISHED,
        "web search",
        both(
            setting("output_item.done", "item.status", "searching"),
            setting("completed", "response.output.0.status", "searching"),
        ),
    ),
    (Rule.PROGRESS_ORDER, "web search", swapped("web_search_call.in_progress", "web_search_call.searching")),
    (Rule.PROGRESS_ORDER, "image", setting("image_generation_call.partial_image", "partial_image_index", 4)),
    (
        Rule.PROGRESS_ORDER,
        TEXT_ITEM,
        after("output_item.added", SEARCHING | {"item_id": "msg_1"}),
    ),
    (Rule.PROGRESS_MISSING, "web search", without("web_search_call.searching")),
    (Rule.PROGRESS_MISSING, "MCP call", without("mcp_call.in_progress")),
    (Rule.INTERLEAVED, TEXT_ITEM, made(interleaved_messages())),
    (Rule.EMPTY_MESSAGE, TEXT_ITEM, both(made(EMPTY), after("output_item.added", DONE_EMPTY))),
    # The end
    (Rule.NO_TERMINAL, TEXT_ITEM, without("completed")),
    (Rule.NO_TERMINAL, TEXT_ITEM, lambda events: events[:5]),
    (Rule.NO_TERMINAL, TEXT_ITEM, lambda events: []),
    (Rule.AFTER_TERMINAL, TEXT_ITEM, twice("completed")),
    (Rule.AFTER_TERMINAL, TEXT_ITEM, after("completed", GOING)),
    (Rule.ERROR_NOT_LAST, "failed", twice("error")),
    (
        Rule.ERROR_NOT_LAST,
        TEXT_ITEM,
        after("output_text.delta", {**NO_ERROR, "type": "error", "error": NO_ERROR}),
    ),
    (Rule.ERROR_FORM, "failed", setting("error", "error", ...)),
    (Rule.ERROR_FORM, "failed", setting("error", "message", ...)),
    (Rule.ERROR_FORM, "failed", setting("error", "error.code", "other")),
    (Rule.ERROR_BEFORE_FAILED, "failed", without("error")),
    (Rule.FAILED_ERROR, "failed", setting("failed", "response.error", None)),
    (Rule.FAILED_ERROR, TEXT_ITEM, setting("completed", "response.error", {"code": "server_error", "message": "x"})),
    (Rule.INCOMPLETE_REASON, "incomplete", setting("incomplete", "response.incomplete_details", None)),
    (Rule.INCOMPLETE_REASON, TEXT_ITEM, setting("completed", "response.incomplete_details", {"reason": "steered"})),
    (Rule.COMPLETED_AT, "incomplete", setting("incomplete", "response.completed_at", 1_795_256_232)),
    (
        Rule.DISHONEST_COMPLETED,
        "incomplete",
        made(streams.whole([streams.message(["So"], status="incomplete")])),
    ),
    (
        Rule.OPEN_ITEMS,
        TEXT_ITEM,
        both(without("output_item.done"), setting("completed", "response.output.0.status", "in_progress")),
    ),
    (Rule.FINAL_OUTPUT, TEXT_ITEM, setting("completed", "response.output.0.content.0.text", "Other")),
    (Rule.FINAL_OUTPUT, TEXT_ITEM, setting("completed", "response.output.0.shade", "blue")),
    (Rule.FINAL_OUTPUT, TEXT_ITEM, setting("completed", "response.output", [])),
    (Rule.FINAL_OUTPUT, "failed", setting("failed", "response.output.0.status", "completed")),
    (Rule.USAGE, TEXT_ITEM, setting("completed", "response.usage", None)),
    (Rule.USAGE, "incomplete", setting("incomplete", "response.usage", None)),
    (Rule.USAGE_SUM, TEXT_ITEM, setting("completed", "response.usage.total_tokens", 13)),
    (Rule.USAGE_SUM, TEXT_ITEM, setting("completed", "response.usage.input_tokens_details.cached_tokens", 8)),
]

NOT_JSON: Final = (b"{oops", b"[1]", b"null", b'{"a": "\xff"}', b"NaN", b"[" * 100_000, b'{"type": "\\ud800"}')
SOUND_BYTES: Final = streams.sse(streams.SOUND["message"])
#: The same of the bytes of a sound stream.
OF_BYTES: Final[list[tuple[Rule, Callable[[bytes], bytes]]]] = [
    (Rule.CRLF, lambda data: data.replace(b"\n", b"\r\n")),
    (Rule.CRLF, lambda data: data.replace(b"\n", b"\r")),
    (Rule.BYTE_ORDER_MARK, lambda data: b"\xef\xbb\xbf" + data),
    (Rule.EXTRA_FIELD, lambda data: data.replace(b"event:", b"id: 1\nevent:", 1)),
    (Rule.EXTRA_FIELD, lambda data: b"retry: 100\n\n" + data),
    (Rule.EXTRA_FIELD, lambda data: data.replace(b"event:", b"nonsense\nevent:", 1)),
    (Rule.EXTRA_FIELD, lambda data: data.replace(b"event: ", b"event: x\nevent: ", 1)),
    (Rule.SEVERAL_DATA_LINES, lambda data: data.replace(b', "response"', b',\ndata: "response"', 1)),
    (Rule.EMPTY_DATA, lambda data: b"event: response.ping\n\n" + data),
    (Rule.FINAL_BLANK_LINE, lambda data: data.removesuffix(b"\n")),
    (Rule.FINAL_BLANK_LINE, lambda data: data.removesuffix(b"\n\n")),
    (Rule.EVENT_NAME, lambda data: data.replace(b"event: response.created", b"event: response.creation")),
    (Rule.NO_EVENT_NAME, lambda data: data.replace(b"event: response.created\n", b"")),
    (Rule.DONE_MARKER, lambda data: data + b"data: [DONE]\n\n"),
    (Rule.EARLY_DONE, lambda data: b"data: [DONE]\n\n" + data),
    (Rule.AFTER_TERMINAL, lambda data: data + b'event: x\ndata: {"type": "x", "sequence_number": 11}\n\n'),
    *((Rule.JSON, lambda data, x=x: b"event: x\ndata: " + x + b"\n\n" + data) for x in NOT_JSON),
]


@pytest.mark.parametrize(
    ("rule", "name", "spoil"), CASES, ids=[f"{number}-{rule.id}" for number, (rule, *_) in enumerate(CASES)]
)
def test_a_stream_that_breaks_one_rule(rule: Rule, name: str, spoil: Callable[[Events], Events]) -> None:
    report = streams.report_of(streams.sse(spoil(fresh(streams.SOUND[name]))))
    assert {found.rule for found in report.findings} == {rule}, [str(found) for found in report.findings]


@pytest.mark.parametrize(
    ("rule", "spoil"), OF_BYTES, ids=[f"{number}-{rule.id}" for number, (rule, _) in enumerate(OF_BYTES)]
)
def test_bytes_that_break_one_rule(rule: Rule, spoil: Callable[[bytes], bytes]) -> None:
    report = streams.report_of(spoil(SOUND_BYTES))
    assert {found.rule for found in report.findings} == {rule}, [str(found) for found in report.findings]


def test_every_rule_is_broken_here_or_where_streams_are_carried() -> None:
    assert {rule for rule, *_ in (*CASES, *OF_BYTES)} | CARRIED == set(Rule)


def test_where_it_is_found_is_told() -> None:
    spoiled = setting("output_text.delta", "sequence_number", 77)(fresh(streams.SOUND["message"]))
    (found,) = streams.report_of(streams.sse(spoiled)).findings
    assert (found.event, found.type, found.sequence_number) == (5, "response.output_text.delta", 77)
    assert str(found) == (
        "event 5 (number 77) response.output_text.delta: error sequence-number: has the number 77, where 4 must follow"
    )


def test_nothing_of_the_text_is_quoted() -> None:
    canary = "canary-7d1f"
    spoiled = json.loads(json.dumps(streams.SOUND["several"]).replace("Hel", canary).replace("Think", canary))
    for event in spoiled:
        event.pop("logprobs", None)
        if "text" in event:
            event["text"] += canary
    report = streams.report_of(streams.sse(spoiled))
    assert report.findings
    assert canary not in "".join(map(str, report.findings))


def test_names_cannot_speak_to_the_terminal() -> None:
    report = streams.report_of(b'event: \x1b[2J\ndata: {"type": "\\u001b[31mx", "sequence_number": 0}\n\n')
    assert report.findings
    assert all(str(found).isprintable() for found in report.findings)
