"""The events that an EventWriter makes are in order whatever is written, and lose nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.responses import v1
from server.errors import UpstreamError
from server.providers.writer import EventWriter
from server.testing.order import check_event_order
from server.testing.provider_contract.asking import Answered


def kinds(events: list[v1.ResponseStreamEvent]) -> list[str]:
    return [event.WhichOneof("event") or "" for event in events]


def written(*writes: Callable[[EventWriter], None], status: str = "completed") -> list[v1.ResponseStreamEvent]:
    writer = EventWriter()
    for write in writes:
        write(writer)
    writer.finish(status)  # type: ignore[arg-type]
    return writer.take()


def test_text_comes_in_the_canonical_order() -> None:
    annotation = v1.Annotation(url_citation=v1.UrlCitationBody(url="https://example.com", title="x"))
    logprob = v1.LogProb(token="Hello", logprob=-0.5)
    events = written(lambda w: w.text("Hello", [logprob]), lambda w: w.text(" world"), lambda w: w.annotate(annotation))
    assert kinds(events) == [
        "output_item_added",
        "content_part_added",
        "output_text_delta",
        "output_text_delta",
        "output_text_annotation_added",
        "output_text_done",
        "content_part_done",
        "output_item_done",
        "completed",
    ]
    (item,) = check_event_order(events)
    assert item.status == "completed"
    assert item.message.content[0].output_text == v1.ResponseOutputText(
        text="Hello world", annotations=[annotation], logprobs=[logprob]
    )


def test_reasoning_comes_before_the_message_and_keeps_its_parts() -> None:
    def reason(writer: EventWriter) -> None:
        writer.reasoning_summary("one")
        writer.end_part()
        writer.reasoning_summary("two")
        writer.reasoning_text("raw")
        writer.encrypted_reasoning("sealed")

    reasoning, message = check_event_order(written(reason, lambda w: w.text("so")))
    assert [part.summary_text.text for part in reasoning.reasoning.summary] == ["one", "two"]
    assert [part.reasoning_text.text for part in reasoning.reasoning.content] == ["raw"]
    assert reasoning.reasoning.encrypted_content == "sealed"
    assert not reasoning.HasField("status")
    assert message.message.content[0].output_text.text == "so"


def test_a_second_proof_begins_another_reasoning_item() -> None:
    items = check_event_order(
        written(lambda w: w.encrypted_reasoning("first"), lambda w: w.encrypted_reasoning("second"))
    )
    assert [item.reasoning.encrypted_content for item in items] == ["first", "second"]


def test_a_refusal_after_text_is_a_part_of_the_same_message() -> None:
    (item,) = check_event_order(written(lambda w: w.text("Well. "), lambda w: w.refusal("No.")))
    assert [part.WhichOneof("part") for part in item.message.content] == ["output_text", "refusal"]


def test_parallel_calls_interleave_and_are_done_in_order() -> None:
    writer = EventWriter()
    writer.call(0, name="a", call_id="call_a")
    writer.call(1, name="b", call_id="call_b", custom=True)
    writer.arguments(0, '{"x"')
    writer.arguments(1, "free ")
    writer.end_call(1)
    writer.arguments(0, ": 1}")
    before = writer.take()
    assert "output_item_done" not in kinds(before)
    writer.end_call(0)
    done = writer.take()
    assert kinds(done) == [
        "function_call_arguments_done",
        "output_item_done",
        "custom_tool_call_input_done",
        "output_item_done",
    ]
    writer.finish("completed")
    first, second = check_event_order(before + done + writer.take())
    assert first.function_call == v1.FunctionToolCall(call_id="call_a", name="a", arguments='{"x": 1}')
    assert second.custom_tool_call == v1.CustomToolCall(call_id="call_b", name="b", input="free ")


def test_a_call_is_announced_once_it_is_known() -> None:
    writer = EventWriter()
    writer.call("k", call_id="call_1")
    writer.arguments("k", "{")
    assert writer.take() == []
    writer.call("k", name="f")
    assert kinds(writer.take()) == ["output_item_added", "function_call_arguments_delta"]


def test_another_call_id_under_the_same_key_is_another_call() -> None:
    def calls(writer: EventWriter) -> None:
        for call_id in ("call_1", "call_2"):
            writer.call(0, name="f", call_id=call_id)
            writer.arguments(0, "{}")

    items = check_event_order(written(calls))
    assert [item.function_call.call_id for item in items] == ["call_1", "call_2"]


def test_what_comes_amid_a_call_waits_for_its_end() -> None:
    writer = EventWriter()
    writer.call(0, name="f", call_id="call_1")
    writer.text("and ")
    writer.arguments(0, "{}")
    writer.text("so on")
    assert "output_text_delta" not in kinds(writer.take())
    writer.end_call(0)
    assert kinds(writer.take())[:2] == ["function_call_arguments_done", "output_item_done"]


def test_a_call_without_a_name_is_the_providers_error() -> None:
    writer = EventWriter()
    writer.call(0, call_id="call_1")
    with pytest.raises(UpstreamError):
        writer.finish("completed")


def test_arguments_of_an_unknown_call_are_the_providers_error() -> None:
    with pytest.raises(UpstreamError):
        EventWriter().arguments(7, "{}")


@pytest.mark.parametrize("status", ["incomplete", "failed"])
def test_what_is_cut_is_incomplete(status: str) -> None:
    (item,) = check_event_order(written(lambda w: w.text("Hel"), status=status))
    assert item.status == "incomplete"
    assert item.message.content[0].output_text.text == "Hel"
    events = written(lambda w: w.reasoning_summary("Hm"), status=status)
    (item,) = check_event_order(events)
    assert item.status == "incomplete"
    (part,) = [e for e in events if e.WhichOneof("event") == "reasoning_summary_part_done"]
    assert part.reasoning_summary_part_done.status == "incomplete"


def test_only_the_call_that_was_cut_is_incomplete() -> None:
    def calls(writer: EventWriter) -> None:
        writer.call(0, name="f", call_id="call_1")
        writer.arguments(0, '{"a": 1}')
        writer.call(1, name="f", call_id="call_2")
        writer.arguments(1, '{"a"')

    items = check_event_order(written(calls, status="incomplete"))
    assert [item.status for item in items] == ["completed", "incomplete"]


def ran(code: str = "print(1)") -> v1.Item:
    call = v1.CodeInterpreterToolCall(container_id="c", code=code)
    call.outputs.items.add().logs.logs = "1"
    return v1.Item(status="completed", code_interpreter_call=call)


@pytest.mark.parametrize(
    ("item", "steps"),
    [
        (
            v1.Item(status="completed", web_search_call=v1.WebSearchToolCall()),
            ["web_search_call_in_progress", "web_search_call_searching", "web_search_call_completed"],
        ),
        (
            v1.Item(status="failed", web_search_call=v1.WebSearchToolCall()),
            ["web_search_call_in_progress", "web_search_call_searching"],
        ),
        (
            v1.Item(status="completed", file_search_call=v1.FileSearchToolCall(queries=["q"])),
            ["file_search_call_in_progress", "file_search_call_searching", "file_search_call_completed"],
        ),
        (
            v1.Item(status="completed", image_generation_call=v1.ImageGenToolCall(result="AAAA")),
            [
                "image_generation_call_in_progress",
                "image_generation_call_generating",
                "image_generation_call_completed",
            ],
        ),
        (
            ran(),
            [
                "code_interpreter_call_in_progress",
                "code_interpreter_call_code_delta",
                "code_interpreter_call_code_done",
                "code_interpreter_call_interpreting",
                "code_interpreter_call_completed",
            ],
        ),
        (
            ran(code=""),
            [
                "code_interpreter_call_in_progress",
                "code_interpreter_call_interpreting",
                "code_interpreter_call_completed",
            ],
        ),
        (v1.Item(status="completed", mcp_call=v1.McpToolCall(name="m")), []),
    ],
)
def test_a_whole_item_comes_in_the_order_of_its_kind(item: v1.Item, steps: list[str]) -> None:
    answered = Answered(written(lambda w: w.text("So."), lambda w: w.item(item), lambda w: w.text("There.")))
    whole = answered.response.output[1]  # as the engine keeps it, and clients add it up
    told = kinds(answered.events)
    begin = told.index("output_item_added", 1) + 1
    assert told[begin : begin + len(steps) + 1] == [*steps, "output_item_done"]
    announced = answered.events[begin - 1].output_item_added.item
    assert announced.status == "in_progress"
    assert not announced.code_interpreter_call.code
    assert not announced.image_generation_call.result
    item.id = whole.id
    assert whole == item


def test_what_is_written_piece_by_piece_is_no_whole_item() -> None:
    with pytest.raises(ValueError, match="piece by piece"):
        EventWriter().item(v1.Item(message=v1.Message(role="assistant")))


def test_ids_have_their_kinds_prefix_and_128_random_bits() -> None:
    def write(writer: EventWriter) -> None:
        writer.reasoning_summary("r")
        writer.text("t")
        writer.call(0, name="f", call_id="c")
        writer.call(1, name="g", call_id="d", custom=True)

    ids = [item.id for item in check_event_order(written(write))]
    assert [i.partition("_")[0] for i in ids] == ["rs", "msg", "fc", "ctc"]
    assert all(re.fullmatch(r"[a-z]+_[0-9a-f]{32}", i) for i in ids)


def test_empty_pieces_open_nothing() -> None:
    assert kinds(written(lambda w: w.text(""), lambda w: w.refusal(""), lambda w: w.reasoning_text(""))) == [
        "completed"
    ]


def test_the_end_carries_usage_reason_and_error() -> None:
    writer = EventWriter()
    usage = v1.ResponseUsage(input_tokens=1, output_tokens=2, total_tokens=3)
    writer.finish("incomplete", usage=usage, incomplete_reason="max_output_tokens")
    (event,) = writer.take()
    assert event.incomplete.response.usage == usage
    assert event.incomplete.response.incomplete_details.reason == "max_output_tokens"
    for write in (lambda: writer.text("x"), lambda: writer.call(0, name="f"), lambda: writer.finish("completed")):
        with pytest.raises(RuntimeError):
            write()
    writer = EventWriter()
    writer.finish("failed", error=v1.ResponseError(code="server_error", message="m"))
    assert writer.take()[0].failed.response.error.code == "server_error"


PIECES = st.sampled_from(["", "a", " b", "{", "}", "{}", "\n", "é𝄞"])
KEYS = st.integers(0, 2)
WRITES = st.one_of(
    st.tuples(st.just("text"), PIECES),
    st.tuples(st.just("refusal"), PIECES),
    st.tuples(st.just("reasoning_summary"), PIECES),
    st.tuples(st.just("reasoning_text"), PIECES),
    st.tuples(st.just("encrypted_reasoning"), PIECES),
    st.tuples(st.just("annotate"), st.just(v1.Annotation(file_path=v1.FilePath(file_id="f")))),
    st.tuples(st.just("item"), st.just(v1.Item(status="completed", mcp_call=v1.McpToolCall(name="m")))),
    st.tuples(st.just("end_part")),
    st.tuples(st.just("end_item")),
    st.tuples(st.just("call"), KEYS, st.sampled_from([None, "f", "g"]), st.sampled_from([None, "c1", "c2"])),
    st.tuples(st.just("arguments"), KEYS, PIECES),
    st.tuples(st.just("end_call"), KEYS),
)


@settings(max_examples=400, deadline=None)
@given(
    writes=st.lists(WRITES, max_size=25),
    status=st.sampled_from(["completed", "incomplete", "failed"]),
    custom=st.sets(KEYS),
)
def test_any_sequence_is_in_order_and_loses_nothing(
    writes: list[tuple[object, ...]], status: str, custom: set[int]
) -> None:
    writer = EventWriter()
    events: list[v1.ResponseStreamEvent] = []
    told: dict[str, str] = {"text": "", "refusal": "", "reasoning_summary": "", "reasoning_text": ""}
    arguments = 0
    refused = False
    for name, *args in writes:
        try:
            if name == "call":
                writer.call(args[0], name=args[1], call_id=args[2], custom=args[0] in custom)  # type: ignore[arg-type]
            else:
                getattr(writer, str(name))(*args)
        except UpstreamError:
            refused = refused or name != "arguments"
            continue
        if name in told:
            told[str(name)] += str(args[0])
        elif name == "arguments":
            arguments += len(str(args[1]))
        events += writer.take()
    try:
        writer.finish(status)  # type: ignore[arg-type]
    except UpstreamError:
        check_event_order(events + writer.take(), ended=False)
        return
    events += writer.take()
    items = check_event_order(events)
    found = dict.fromkeys(told, "")
    lengths = 0
    for item in items:
        for part in item.message.content:
            found["text"] += part.output_text.text
            found["refusal"] += part.refusal.refusal
        for part in item.reasoning.summary:
            found["reasoning_summary"] += part.summary_text.text
        for part in item.reasoning.content:
            found["reasoning_text"] += part.reasoning_text.text
        lengths += len(item.function_call.arguments) + len(item.custom_tool_call.input)
    assert found == told
    if status == "completed" and not refused:
        assert lengths == arguments
