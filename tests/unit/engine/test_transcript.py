"""Whatever a provider says and leaves out, callers see one stream in order, and a final response that equals it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import engine_streams as streams
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent as SdkEvent

from antiphon import openai_json
from antiphon.responses import v1
from server.engine.answer.event_rules import admit
from server.engine.answer.outline import outline
from server.engine.answer.transcript import Transcript
from server.errors import RateLimitExceeded, UpstreamError
from server.testing.order import accumulate, check_order

Event = v1.ResponseStreamEvent


def play(batches: Sequence[Sequence[Event]], *, incremental: bool = True) -> tuple[list[Event], v1.Response]:
    """What callers see of a provider's batches, copied as it is told, and the final response."""
    response = outline(v1.CreateResponseRequest(model="m", input_text="x"), "resp_ours", 1)
    transcript = Transcript(response, incremental=incremental)
    told = streams.copies(transcript.begin())
    for batch in batches:
        told += streams.copies(admit(transcript, streams.copies(batch)))
        if transcript.fault is not None or transcript.ended:
            break
    if transcript.fault is not None:
        told += streams.copies(transcript.fail(transcript.fault))
    elif transcript.ended:
        transcript.conclude()
        told += streams.copies(transcript.ending())
    else:
        told += streams.copies(transcript.fail(UpstreamError("The provider's answer ended before it was complete.")))
    return told, response


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.WhichOneof("event") or "" for event in events]


def without_ids(response: v1.Response) -> v1.Response:
    copy = v1.Response()
    copy.CopyFrom(response)
    copy.ClearField("completed_at")
    for number, item in enumerate(copy.output):
        item.id = str(number)
        kind = item.WhichOneof("item") or ""
        if kind in ("function_call", "custom_tool_call"):
            getattr(item, kind).call_id = ""
    return copy


@settings(max_examples=250, deadline=None)
@given(streams.defective())
def test_any_stream_is_told_in_order_and_adds_up_to_the_final_response(
    case: tuple[list[streams.Planned], list[list[Event]], str],
) -> None:
    _, batches, _ = case
    told, response = play(batches)
    assert check_order(told) == []
    assert streams.body_of(told[-1]).response == response
    if response.status != v1.Response.STATUS_FAILED:
        assert list(accumulate(told)) == list(response.output)
    _, at_once = play(batches, incremental=False)
    assert without_ids(at_once) == without_ids(response)


@settings(max_examples=150, deadline=None)
@given(streams.defective(fatal=False))
def test_nothing_of_what_was_said_is_lost(case: tuple[list[streams.Planned], list[list[Event]], str]) -> None:
    plan, batches, _ = case
    told, response = play(batches)
    assert kinds(told)[-1] in ("completed", "incomplete")
    assert sorted(map(texts_of, response.output)) == sorted(item.texts() for item in plan)


def texts_of(item: v1.Item) -> tuple[str, ...]:
    kind = item.WhichOneof("item") or ""
    match kind:
        case "message":
            parts = item.message.content
        case "reasoning":
            parts = [*item.reasoning.summary, *item.reasoning.content]
        case "function_call" | "mcp_call":
            return (kind, getattr(item, kind).arguments)
        case "custom_tool_call":
            return (kind, item.custom_tool_call.input)
        case "code_interpreter_call":
            return (kind, item.code_interpreter_call.code)
        case _:
            return (kind,)
    texts = []
    for part in parts:
        arm = part.WhichOneof("part") or ""
        texts.append(part.refusal.refusal if arm == "refusal" else getattr(part, arm).text)
    return (kind, *sorted(filter(None, texts)))


# The client warns of kinds that it does not know.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@settings(max_examples=60, deadline=None)
@given(streams.defective(fatal=False))
def test_the_official_client_adds_it_up_without_complaint(
    case: tuple[list[streams.Planned], list[list[Event]], str],
) -> None:
    told, response = play(case[1])
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)  # type: ignore[arg-type]
    for event in told:
        state.handle_event(construct_type(type_=SdkEvent, value=orjson.loads(openai_json.encode(event))))  # type: ignore[arg-type]
    if response.status == v1.Response.STATUS_COMPLETED:
        assert state._completed_response is not None
        assert [item.id for item in state._completed_response.output] == [item.id for item in response.output]


@settings(max_examples=50, deadline=None)
@given(streams.plans, st.sampled_from(["completed", "incomplete"]))
def test_an_answer_told_in_the_last_event_alone_equals_the_same_told_in_pieces(
    plan: list[streams.Planned], end: str
) -> None:
    whole = streams.terminal(end, [item.whole(number) for number, item in enumerate(plan)])
    told, response = play([[whole]])
    assert check_order(told) == []
    _, in_pieces = play([streams.canonical(plan, end)])
    assert without_ids(response) == without_ids(in_pieces)


def message(*pieces: str) -> streams.Planned:
    return streams.Planned("message", [streams.Text("output_text", list(pieces))], [])


def call(*pieces: str) -> streams.Planned:
    return streams.Planned("function_call", [], list(pieces))


def test_a_canonical_stream_passes_as_it_is() -> None:
    upstream = streams.canonical([message("Hel", "lo"), call("{}")])
    told, response = play([upstream])
    assert kinds(told) == kinds(upstream)
    assert [item.id for item in response.output] == [f"msg_{0:032x}", f"fc_{1:032x}"]
    assert {event.created.response.id for event in told if event.HasField("created")} == {"resp_ours"}


def test_parts_that_go_on_beside_each_other_stay_apart() -> None:
    opening = streams.canonical([message()])
    deltas = []
    for part, piece in ((0, "l"), (1, "r"), (0, "eft"), (1, "ight")):
        delta = v1.ResponseTextDeltaEvent(output_index=0, content_index=part, delta=piece)
        deltas.append(Event(output_text_delta=delta))
    added = next(event for event in opening if event.HasField("output_item_added"))
    told, response = play([[added, *deltas, streams.terminal()]])
    assert check_order(told) == []
    assert [part.output_text.text for part in response.output[0].message.content] == ["left", "right"]


def test_calls_that_end_out_of_order_are_told_in_order() -> None:
    first, second = call("1").events(0), call("2").events(1)
    told, response = play([[first[0], second[0], *second[1:], *first[1:], streams.terminal()]])
    assert check_order(told) == []
    done = [event.output_item_done.output_index for event in told if event.HasField("output_item_done")]
    assert done == [0, 1]
    assert [item.function_call.arguments for item in response.output] == ["1", "2"]


def test_parallel_calls_at_one_place_are_told_apart_by_their_ids() -> None:
    first, second = call("1").events(0), call("2").events(1)
    for event in second:
        streams.body_of(event).output_index = 0
    told, response = play([[first[0], second[0], *first[1:-1], *second[1:-1], first[-1], second[-1]]])
    assert kinds(told)[-1] == "failed"  # cut, but nothing was mixed up
    assert [item.function_call.arguments for item in response.output] == ["1", "2"]


def test_two_searches_at_one_place_stay_two_though_the_first_is_not_told_to_end() -> None:
    first, second = (streams.Planned("web_search_call", [], []).events(number) for number in range(2))
    for event in second:
        streams.body_of(event).output_index = 0
    told, response = play([[*first[:-1], *second, streams.terminal()]])
    assert check_order(told) == []
    assert len(response.output) == 2


def test_a_step_of_a_tool_is_told_of_no_other_item() -> None:
    step = streams.event("web_search_call_searching", output_index=0)
    told, _ = play([[message("x").events(0)[0], step, streams.terminal()]])
    assert check_order(told) == []
    assert "web_search_call_searching" not in kinds(told)


def test_a_call_without_a_call_id_gets_one_that_stays() -> None:
    events = call("{}").events(0)
    events[0].output_item_added.item.function_call.call_id = ""
    events[-1].output_item_done.item.function_call.call_id = "call_late"
    told, response = play([[*events, streams.terminal()]])
    assert check_order(told) == []
    assert response.output[0].function_call.call_id.startswith("call_")


def test_two_calls_with_one_call_id_become_two() -> None:
    events = call("1").events(0) + call("2").events(1)
    for event in events:
        for name in ("output_item_added", "output_item_done"):
            if event.HasField(name):
                getattr(event, name).item.function_call.call_id = "call_0"
    told, response = play([[*events, streams.terminal()]])
    assert check_order(told) == []
    first, second = (item.function_call.call_id for item in response.output)
    assert first == "call_0" != second


def test_an_empty_last_word_does_not_take_back_what_was_streamed() -> None:
    events = [*message("text").events(0), *call('{"a":1}').events(1), streams.terminal()]
    for event in events:
        if event.HasField("output_item_done"):
            item = event.output_item_done.item
            if item.HasField("message"):
                del item.message.content[:]
            else:
                item.function_call.arguments = ""
    _, response = play([events])
    assert response.output[0].message.content[0].output_text.text == "text"
    assert response.output[1].function_call.arguments == '{"a":1}'


def test_an_answer_that_comes_whole_is_streamed_with_its_logprobs() -> None:
    last = streams.terminal()
    item = last.completed.response.output.add(status="completed")
    item.message.role = "assistant"
    part = item.message.content.add().output_text
    part.text = "ab"
    for token in part.text:
        part.logprobs.add(token=token, logprob=-1)
    told, response = play([[last]])
    assert check_order(told) == []
    deltas = [event.output_text_delta for event in told if event.HasField("output_text_delta")]
    assert [(one.token, one.logprob) for delta in deltas for one in delta.logprobs] == [("a", -1), ("b", -1)]
    assert response.output[0].message.content[0].output_text == part


def test_logprobs_survive_a_provider_that_never_ends_its_parts() -> None:
    events = [e for e in message("a", "b").events(0) if streams.kind_of_step(e) in ("added", "other")]
    for event in events:
        if event.HasField("output_text_delta"):
            event.output_text_delta.logprobs.add(token=event.output_text_delta.delta, logprob=-1)
    told, response = play([[*events, streams.terminal()]])
    assert check_order(told) == []
    assert [one.token for one in response.output[0].message.content[0].output_text.logprobs] == ["a", "b"]


@pytest.mark.parametrize(
    "late",
    [
        streams.event("output_text_delta", output_index=0, delta="more"),
        streams.event("function_call_arguments_delta", output_index=0, delta="more"),
        streams.event("web_search_call_searching", output_index=5),
        streams.event("content_part_added", output_index=0, part=streams.Text("output_text", []).whole()),
    ],
    ids=["text", "arguments", "progress of nothing", "part"],
)
def test_what_makes_no_sense_ends_the_response_as_failed(late: Event) -> None:
    told, response = play([[*message("done").events(0), late, streams.terminal()]])
    assert check_order(told) == []
    if late.HasField("content_part_added"):
        late.content_part_added.content_index = 1
        told, response = play([[*message("done").events(0), late, streams.terminal()]])
    assert response.status == v1.Response.STATUS_FAILED
    assert response.output[0].message.content[0].output_text.text == "done"


def test_an_item_cut_by_the_end_is_incomplete_and_a_call_that_was_cut_is_not_told_done() -> None:
    told, response = play([call("{", "}").events(0)[:2]])
    assert "output_item_done" not in kinds(told)
    assert response.output[0].status == "incomplete"
    assert response.output[0].function_call.arguments == "{"


def test_an_item_without_an_end_takes_what_the_last_event_says_of_it() -> None:
    plan = streams.Planned("reasoning", [streams.Text("summary_text", ["so"])], [])
    events = [event for event in plan.events(0) if streams.kind_of_step(event) != "done"]
    _, response = play([[*events, streams.terminal(output=[plan.whole(0)])]])
    assert response.output[0].reasoning.encrypted_content == "sealed"


def test_an_error_event_keeps_its_code_nested_or_flat() -> None:
    flat = streams.event("error", message="slow\ndown", code="rate_limit_exceeded")
    nested = Event(error=v1.ResponseErrorEvent(error=v1.ErrorObject(message="slow\ndown", code="rate_limit_exceeded")))
    for event in (flat, nested):
        transcript = Transcript(v1.Response(id="resp_1"), incremental=True)
        assert admit(transcript, [event]) == []
        assert isinstance(transcript.fault, RateLimitExceeded)
        assert transcript.fault.message == "slow down"
        told = transcript.fail(transcript.fault)
        assert [event.WhichOneof("event") for event in told] == ["error", "failed"]
        assert transcript.response.error.code == "rate_limit_exceeded"


def test_a_provider_that_failed_without_saying_why_still_fails() -> None:
    told, response = play([[streams.terminal("failed")]])
    assert check_order(told) == []
    assert response.error.code == "server_error"


def test_what_only_the_gateway_knows_is_not_taken_over() -> None:
    end = streams.terminal()
    end.completed.response.model = "upstream-name"
    end.completed.response.store = False
    end.completed.response.metadata["theirs"] = "1"
    end.completed.response.usage.input_tokens = 3
    end.completed.response.error.message = "not in a completed one"
    _, response = play([[end]])
    assert (response.id, response.model, response.store, dict(response.metadata)) == ("resp_ours", "m", True, {})
    assert response.usage.input_tokens == 3
    assert response.usage.HasField("output_tokens_details")
    assert not response.HasField("error")
