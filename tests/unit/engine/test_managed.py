"""Contexts that are managed: condensed before the model answers, in whichever way it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import engine_streams as streams
import pytest
from engine_parts import FOREVER, Engine, ScriptedProvider, ask, ask_items, output, says, target, user

from antiphon.responses import v1
from server.engine.input.compactions import is_ours
from server.errors import (
    FirstEventTimeout,
    InvalidValue,
    RateLimitExceeded,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.limits.base import Kind, Limit
from server.providers.base import CallContext, Retry, Route, Timeouts
from server.testing.order import check_order

SUMMARY = streams.Planned("message", [streams.Text("output_text", ["A ", "summary."])], [])
LONG = "word " * 1000
MANAGED = [v1.ContextManagement(type="compaction", compact_threshold=1000)]


class Summing:
    """A provider that sums up when it is asked to, and plays a script otherwise."""

    def __init__(self, *script: Any, summary: Any = None) -> None:
        self.answers = ScriptedProvider(*(script or says()))
        self.summaries = ScriptedProvider(*(summary or says(SUMMARY)))

    def stream(self, request: v1.CreateResponseRequest, context: CallContext) -> Any:
        return (self.summaries if context.condenses else self.answers).stream(request, context)


class Native(Summing):
    """A provider that manages contexts itself."""

    async def compact(self, request: v1.CompactResponseRequest, context: CallContext) -> v1.CompactResponseResponse:
        raise AssertionError("nobody asks for it here")


def engine(*providers: Any, **options: Any) -> Engine:
    targets = tuple(target(provider, f"t{number}") for number, provider in enumerate(providers))
    return Engine(route=lambda: Route("m", targets, retry=Retry(len(targets))), **options)


def usage(read: int, written: int, reasoning: int = 0) -> v1.ResponseUsage:
    return v1.ResponseUsage(
        input_tokens=read,
        input_tokens_details=v1.InputTokensDetails(cached_tokens=read // 2),
        output_tokens=written,
        output_tokens_details=v1.OutputTokensDetails(reasoning_tokens=reasoning),
        total_tokens=read + written,
    )


def taking(took: v1.ResponseUsage, *plan: streams.Planned) -> list[list[v1.ResponseStreamEvent]]:
    told = says(*plan)
    told[-1][0].completed.response.usage.CopyFrom(took)
    return told


def text_of(item: v1.Item) -> str:
    return item.message.content_text or "".join(
        part.input_text.text or part.output_text.text for part in item.message.content
    )


def long(**fields: Any) -> v1.CreateResponseRequest:
    answer = v1.Item(message=v1.Message(role="assistant", content_text=LONG))
    return ask_items(user("first"), answer, user("last"), context_management=MANAGED, **fields)


async def test_in_a_stream() -> None:
    provider = Summing()
    at = engine(provider)
    events = await at.read(long())
    assert check_order(events) == []
    assert [event.WhichOneof("event") for event in events[:6]] == [
        "created", "in_progress", "output_item_added", "compaction_compacting", "output_item_done", "output_item_added",
    ]  # fmt: skip
    added, compacting, done, answer = (getattr(e, str(e.WhichOneof("event"))) for e in events[2:6])
    assert (added.output_index, compacting.output_index, done.output_index, answer.output_index) == (0, 0, 0, 1)
    assert added.item.id == compacting.item_id == done.item.id
    assert (added.item.compaction.encrypted_content, is_ours(done.item)) == ("", True)
    final = events[-1].completed.response
    assert [item.WhichOneof("item") for item in final.output] == ["compaction", "message"]
    assert final.output[0] == done.item
    (asked,) = provider.summaries.requests
    assert [text_of(item) for item in asked.input[:2]] == ["first", LONG]
    assert (len(asked.input), asked.context_management, asked.model) == (3, [], "upstream-t0")
    (read,) = provider.answers.requests
    said = [text_of(item) for item in read.input]
    assert (said[0], said[2]) == ("first", "last")
    assert "A summary." in said[1]
    assert not read.context_management
    assert [context.condenses for context in provider.answers.contexts] == [False]


async def test_all_at_once_and_when_the_answer_comes_whole() -> None:
    message = v1.Item(id="msg_1", message=v1.Message(role="assistant", content_text="Hello"))
    for script in (says(), [[streams.terminal("completed", [message])]]):
        response = await engine(Summing(*script)).create(long())
        assert [item.WhichOneof("item") for item in response.output] == ["compaction", "message"]
        assert text_of(response.output[1]) == "Hello"
        events = await engine(Summing(*script)).read(long())
        assert check_order(events) == []
        assert len(events[-1].completed.response.output) == 2


async def test_in_the_background() -> None:
    at = engine(Summing())
    queued = await at.create(long(background=True))
    events = await at.follow(queued.id)
    await at.ended()
    assert check_order(events) == []
    made = await at.get(queued.id)
    assert [item.WhichOneof("item") for item in made.output] == ["compaction", "message"]


async def test_the_next_turn_goes_on_from_it() -> None:
    provider = Summing()
    at = engine(provider)
    first = await at.create(long())
    await at.create(ask("next", previous_response_id=first.id))
    said = [text_of(item) for item in provider.answers.requests[-1].input]
    assert [said[0], *said[2:]] == ["first", "last", "Hello", "next"]
    # As do callers who send all of it again.
    again = [user("first"), v1.Item(message=v1.Message(role="assistant", content_text=LONG)), user("last")]
    await at.create(ask_items(*again, *first.output, user("next")))
    assert [text_of(item) for item in provider.answers.requests[-1].input] == said


async def test_what_tools_answered_is_answered() -> None:
    provider = Summing()
    call = v1.Item(function_call=v1.FunctionToolCall(call_id="call_1", name="f", arguments="{}"))
    thought = v1.Item(reasoning=v1.ReasoningItem(encrypted_content="proof"))
    answer = v1.Item(message=v1.Message(role="assistant", content_text=LONG))
    at = engine(provider)
    first = await at.create(
        ask_items(user("a"), answer, user("b"), thought, call, output("call_1"), context_management=MANAGED)
    )
    (read,) = provider.answers.requests
    kinds = ["message", "message", "message", "reasoning", "function_call", "function_call_output"]
    assert [item.WhichOneof("item") for item in read.input] == kinds
    context: CallContext = provider.answers.contexts[0]
    assert context.places.paths == ["input[0]", "input[2]", "input[2]", "input[3]", "input[4]", "input[5]"]
    await at.create(ask("next", previous_response_id=first.id))
    assert [item.WhichOneof("item") for item in provider.answers.requests[-1].input] == [*kinds, "message", "message"]


async def test_below_the_threshold_nothing_happens() -> None:
    provider = Summing()
    request = long()
    request.context_management[0].compact_threshold = 5000
    response = await engine(provider).create(request)
    assert [item.WhichOneof("item") for item in response.output] == ["message"]
    assert provider.summaries.begun == 0
    assert len(provider.answers.requests[0].input) == 3
    assert not provider.answers.requests[0].context_management


@pytest.mark.parametrize("request_", [ask(LONG), ask_items(user(LONG)), ask_items(user("a"), user(LONG))])
async def test_where_all_is_to_be_answered_nothing_can_be_summed_up(request_: v1.CreateResponseRequest) -> None:
    provider = Summing()
    request_.context_management.extend(MANAGED)
    await engine(provider).create(request_)
    assert provider.summaries.begun == 0


async def test_a_threshold_that_is_not_given() -> None:
    provider = Summing()
    request = long()
    request.context_management[0].ClearField("compact_threshold")
    await engine(provider).create(request)
    assert provider.summaries.begun == 0
    request.input[1].message.content_text = "word " * 90_000
    await engine(provider).create(request)
    assert provider.summaries.begun == 1


async def test_who_manages_it_is_left_to_it() -> None:
    provider = Native()
    await engine(provider).create(long())
    assert provider.summaries.begun == 0
    assert list(provider.answers.requests[0].context_management) == MANAGED


async def test_another_type_is_refused() -> None:
    at = engine(Summing())
    with pytest.raises(InvalidValue) as caught:
        await at.create(ask(context_management=[*MANAGED, v1.ContextManagement(type="magic")]))
    assert caught.value.param == "context_management[1].type"


async def test_what_both_took_is_told_and_settled_once() -> None:
    provider = Summing(*taking(usage(100, 20, 7)), summary=taking(usage(1000, 50, 3), SUMMARY))
    at = engine(provider)
    response = await at.create(long(), limits=(Limit("key:k", Kind.TOKENS, 10_000, 60.0),))
    told = response.usage
    assert (told.input_tokens, told.output_tokens, told.total_tokens) == (1100, 70, 1170)
    assert (told.input_tokens_details.cached_tokens, told.output_tokens_details.reasoning_tokens) == (550, 10)
    assert not told.catch_all
    (record,) = at.observer.records
    (attempt,) = record.attempts
    assert (record.tokens.total, attempt.tokens.total) == (1170, 1170)


async def test_what_is_not_told_is_estimated_as_a_whole() -> None:
    response = await engine(Summing(*taking(usage(100, 20)))).create(long())
    assert response.usage.catch_all == '{"estimated":true}'
    assert response.usage.input_tokens > 1000


@pytest.mark.parametrize("error", [UpstreamUnavailable("down"), RateLimitExceeded("slow")])
async def test_another_target_sums_up_where_the_first_cannot(error: Exception) -> None:
    first, second = Summing(summary=[error]), Summing()
    at = engine(first, second)
    events = await at.read(long())
    assert check_order(events) == []
    assert (first.answers.begun, second.summaries.begun, second.answers.begun) == (0, 1, 1)
    assert [attempt.target for attempt in at.record.attempts] == ["t0", "t1"]


@pytest.mark.parametrize("incremental", [False, True])
async def test_another_target_goes_on_with_the_summary_there_is(incremental: bool) -> None:
    first = Summing(UpstreamError("failed"), summary=taking(usage(1000, 50), SUMMARY))
    second = Summing(*taking(usage(100, 20)))
    at = engine(first, second)
    response = (await at.read(long()))[-1].completed.response if incremental else await at.create(long())
    assert second.summaries.begun == 0
    assert "A summary." in text_of(second.answers.requests[0].input[1])
    assert response.usage.total_tokens == 1170


async def test_an_error_instead_of_an_answer_can_be_made_good_elsewhere() -> None:
    error = v1.ResponseStreamEvent(error=v1.ResponseErrorEvent(message="overloaded"))
    at = engine(Summing([error]), Summing())
    events = await at.read(long())
    assert check_order(events) == []
    assert events[-1].WhichOneof("event") == "completed"


async def test_what_an_answer_says_of_an_item_that_it_never_announced_is_not_taken_for_the_compaction() -> None:
    stray = v1.ResponseStreamEvent()
    stray.web_search_call_searching.output_index = 0
    events = await engine(Summing([stray], *says())).read(long())
    assert events[-1].WhichOneof("event") == "failed"


CUT = says(SUMMARY, end="incomplete")
SILENT = [[streams.terminal()]]


@pytest.mark.parametrize(
    ("summary", "error", "match"),
    [
        ([UpstreamRejected("no")], UpstreamRejected, "no"),
        (CUT, UpstreamError, "was cut"),
        (SILENT, UpstreamError, "wrote no summary"),
        (says(SUMMARY)[:-1], UpstreamError, "before it was complete"),
        (says(SUMMARY, end="failed"), UpstreamError, "without saying why"),
    ],
)
@pytest.mark.parametrize("incremental", [False, True])
async def test_one_that_fails_fails_the_response(
    summary: Any, error: type[Exception], match: str, incremental: bool
) -> None:
    provider = Summing(summary=summary)
    at = engine(provider)
    with pytest.raises(error, match=match):
        await (at.read(long()) if incremental else at.create(long()))
    assert provider.answers.begun == 0
    assert provider.summaries.closed == provider.summaries.begun == 1
    assert at.store.puts == []


async def test_until_the_answer_begins_its_first_event_is_waited_for() -> None:
    timeouts = Timeouts(first_event=0.01, idle=600.0)
    provider = Summing(summary=[*says(SUMMARY)[:3], FOREVER])
    at = Engine(route=lambda: Route("m", (target(provider, timeouts=timeouts),), retry=Retry(1)))
    with pytest.raises(FirstEventTimeout):
        await at.read(long())


async def test_in_the_background_a_failure_is_told() -> None:
    at = engine(Summing(summary=[UpstreamRejected("no")]))
    queued = await at.create(long(background=True))
    await at.ended()
    assert (await at.get(queued.id)).status == v1.Response.STATUS_FAILED


async def test_whoever_leaves_while_it_is_summed_up_ends_that() -> None:
    provider = Summing(summary=[*says(SUMMARY)[:3], FOREVER])
    at = engine(provider)
    queued = await at.create(long(background=True))
    while not provider.summaries.begun:
        await asyncio.sleep(0)
    await at.cancel(queued.id)
    await at.ended()
    assert (provider.summaries.closed, provider.answers.begun) == (1, 0)
