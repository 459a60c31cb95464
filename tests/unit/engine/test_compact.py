"""Conversations that are condensed on request: natively, or by the same model."""

from __future__ import annotations

import asyncio
from typing import Any

import engine_streams as streams
import pytest
from engine_parts import FOREVER, Engine, ScriptedProvider, ask, output, says, target, user

from antiphon.responses import v1
from server.engine.input.compactions import is_ours
from server.errors import (
    DeadlinePassed,
    InvalidValue,
    MissingParameter,
    ModelAccessForbidden,
    ModelNotFound,
    PreviousResponseNotFound,
    RateLimitExceeded,
    UnsupportedParameter,
    UpstreamError,
    UpstreamUnavailable,
)
from server.limits.base import Kind, Limit
from server.providers.base import CallContext, NoCompaction, Retry, Route

SUMMARY = streams.Planned("message", [streams.Text("output_text", ["A summary."])], [])


class Native(ScriptedProvider):
    """A provider that compacts, or does what it is told instead."""

    def __init__(self, answer: Any, *script: Any) -> None:
        super().__init__(*(script or says(SUMMARY)))
        self.answer = answer
        self.compacted: list[v1.CompactResponseRequest] = []

    async def compact(self, request: v1.CompactResponseRequest, context: CallContext) -> v1.CompactResponseResponse:
        copy = v1.CompactResponseRequest()
        copy.CopyFrom(request)
        self.compacted.append(copy)
        assert not context.incremental
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is FOREVER:
            await asyncio.get_running_loop().create_future()
        told: v1.CompactResponseResponse = self.answer
        return told


def a_compaction(**fields: Any) -> v1.CompactResponseResponse:
    compaction = v1.Item(id="cmp_1", compaction=v1.CompactionBody(encrypted_content="theirs"))
    return v1.CompactResponseResponse(id="resp_theirs", created_at=7, output=[user("a"), compaction], **fields)


def engine(*providers: Any, **options: Any) -> Engine:
    targets = tuple(target(provider, f"t{number}") for number, provider in enumerate(providers))
    return Engine(route=lambda: Route("m", targets, retry=Retry(len(targets))), **options)


def wanted(*items: v1.Item, **fields: Any) -> v1.CompactResponseRequest:
    return v1.CompactResponseRequest(model="m", input=items, **fields)


def said(text: str, role: str = "assistant", **fields: Any) -> v1.Item:
    return v1.Item(message=v1.Message(role=role, content_text=text), **fields)


def text_of(item: v1.Item) -> str:
    return item.message.content_text or "".join(
        part.input_text.text or part.output_text.text for part in item.message.content
    )


async def read_after(at: Engine, *items: v1.Item) -> list[v1.Item]:
    """What a model reads of these items."""
    reader = Engine(store=at.store)
    await reader.create(v1.CreateResponseRequest(model="m", input=items))
    return list(reader.provider.requests[-1].input)


async def test_the_user_is_quoted_and_the_rest_is_summed_up() -> None:
    provider = ScriptedProvider(*says(SUMMARY))
    at = engine(provider)
    history = [said("rules", "developer"), said("a", "user", id="msg_0123456789abcdef"), said("b"), user("c")]
    made = await at.compact(wanted(*history, instructions="Be brief.", prompt_cache_key="k"))
    assert made.id.startswith("resp_")
    assert made.created_at == 1_000_000
    assert made.usage.total_tokens > 0
    *quoted, compaction = made.output
    assert [(item.message.role, item.status, text_of(item)) for item in quoted] == [
        ("user", "completed", "a"),
        ("user", "completed", "c"),
    ]
    assert all(item.id and item.message.content[0].HasField("input_text") for item in quoted)
    assert quoted[0].id == "msg_0123456789abcdef"
    assert is_ours(compaction)
    assert compaction.id.startswith("cmp_")
    (asked,) = provider.requests
    assert [text_of(item) for item in asked.input[:4]] == ["rules", "a", "b", "c"]
    assert asked.instructions.endswith("Be brief.")
    assert (asked.prompt_cache_key, len(asked.input), list(asked.tools)) == ("k", 5, [])
    assert provider.contexts[0].condenses
    read = [text_of(item) for item in await read_after(at, *made.output, user("d"))]
    assert [*read[:3], read[4]] == ["a", "c", "rules", "d"]
    assert "A summary." in read[3]


async def test_nothing_is_kept_and_it_counts_once() -> None:
    at = engine(ScriptedProvider(*says(SUMMARY)))
    made = await at.compact(wanted(user("a")), limits=(Limit("key:k", Kind.REQUESTS, 5, 60.0),), key="again")
    assert at.store.puts == []
    (record,) = at.observer.records
    assert (record.response_id, str(record.outcome), len(record.attempts)) == (made.id, "completed", 1)
    assert record.tokens.total == made.usage.total_tokens > 0
    assert at.observer.told.count("limited") == 1


async def test_a_chain() -> None:
    at = Engine()
    first = await at.create(ask("a"))
    second = await at.create(ask("b", previous_response_id=first.id))
    at.provider.script = says(SUMMARY)
    made = await at.compact(v1.CompactResponseRequest(model="m", previous_response_id=second.id))
    assert [text_of(item) for item in at.provider.requests[-1].input[:4]] == ["a", "Hello", "b", "Hello"]
    assert [text_of(item) for item in made.output[:-1]] == ["a", "b"]
    made = await at.compact(v1.CompactResponseRequest(model="m", previous_response_id=first.id, input_text="more"))
    assert [text_of(item) for item in made.output[:-1]] == ["a", "more"]


async def test_a_text() -> None:
    at = engine(ScriptedProvider(*says(SUMMARY)))
    made = await at.compact(v1.CompactResponseRequest(model="m", input_text="a"))
    assert [item.WhichOneof("item") for item in made.output] == ["message", "compaction"]


async def test_what_is_compacted_is_compacted_again() -> None:
    provider = ScriptedProvider(*says(SUMMARY))
    at = engine(provider)
    first = await at.compact(wanted(user("a"), said("b")))
    second = await at.compact(wanted(*first.output, user("c"), said("d")))
    assert "A summary." in text_of(provider.requests[1].input[1])
    # The summary is no message of the user's.
    assert [text_of(item) for item in second.output[:-1]] == ["a", "c"]
    read = await read_after(at, *second.output, user("e"))
    assert [text_of(item) for item in (*read[:2], read[3])] == ["a", "c", "e"]
    assert "A summary." in text_of(read[2])


async def test_a_call_that_is_open_can_be_answered_afterwards() -> None:
    at = engine(ScriptedProvider(*says(SUMMARY)))
    call = v1.Item(function_call=v1.FunctionToolCall(call_id="call_1", name="f", arguments="{}"))
    made = await at.compact(wanted(user("a"), call))
    read = await read_after(at, *made.output, output("call_1"))
    assert [item.WhichOneof("item") for item in read] == ["message", "message", "function_call", "function_call_output"]


@pytest.mark.parametrize(
    ("request_", "error", "param"),
    [
        (v1.CompactResponseRequest(input_text="a"), MissingParameter, "model"),
        (v1.CompactResponseRequest(model="m"), MissingParameter, "input"),
        (v1.CompactResponseRequest(model="m", input_text="a", input=[user("b")]), InvalidValue, "input"),
        (wanted(said("a", "robot")), InvalidValue, "input[0].role"),
        (v1.CompactResponseRequest(model="unknown", input_text="a"), ModelNotFound, "model"),
        (wanted(user("a"), previous_response_id="resp_0"), PreviousResponseNotFound, "previous_response_id"),
        (wanted(user("a"), catch_all='{"models":["x"]}'), UnsupportedParameter, "models"),
        (wanted(user("a"), catch_all='{"conversation":"conv_1"}'), UnsupportedParameter, "conversation"),
        (wanted(output("call_1")), InvalidValue, "input[0].call_id"),
        (wanted(user("a"), catch_all="{"), InvalidValue, None),
        (wanted(*[user("a")] * 20_001), InvalidValue, "input"),
    ],
)
@pytest.mark.parametrize("native", [False, True])
async def test_what_cannot_be_is_refused(
    request_: v1.CompactResponseRequest, error: type[Exception], param: str | None, native: bool
) -> None:
    provider = Native(a_compaction()) if native else ScriptedProvider()
    at = Engine()
    at.route = lambda: Route("m", (target(provider),))
    with pytest.raises(error) as caught:
        await at.compact(request_)
    assert getattr(caught.value, "param", None) == param
    assert provider.begun == 0


async def test_who_may_not_use_the_model_may_not_compact_with_it() -> None:
    with pytest.raises(ModelAccessForbidden):
        await engine(Native(a_compaction())).compact(wanted(user("a")), models=("other",))


# Natively


async def test_who_can_is_asked() -> None:
    took = v1.ResponseUsage(input_tokens=9, output_tokens=3, total_tokens=12)
    provider = Native(a_compaction(usage=took, catch_all='{"more":1}'))
    at = engine(provider)
    chained = await at.create(ask("before"))
    made = await at.compact(
        wanted(
            user("a"),
            previous_response_id=chained.id,
            instructions="i",
            service_tier="flex",
            catch_all='{"tools":[],"new":{"a":1}}',
        )
    )
    (asked,) = provider.compacted
    assert [text_of(item) for item in asked.input] == ["before", "A summary.", "a"]
    assert (asked.model, asked.instructions, asked.service_tier) == ("upstream-t0", "i", "flex")
    assert (asked.previous_response_id, asked.catch_all) == ("", '{"tools":[],"new":{"a":1}}')
    assert list(made.output) == list(a_compaction().output)
    assert (made.usage.total_tokens, made.catch_all) == (12, '{"more":1}')
    assert made.id != "resp_theirs"
    assert (made.created_at, at.observer.records[-1].tokens.total) == (1_000_000, 12)


async def test_a_provider_that_does_not_tell_what_it_took() -> None:
    made = await engine(Native(a_compaction())).compact(wanted(user("word " * 100)))
    assert made.usage.catch_all == '{"estimated":true}'
    assert made.usage.input_tokens > 100


async def test_where_there_is_no_such_method_the_gateway_compacts() -> None:
    provider = Native(NoCompaction())
    at = engine(provider)
    made = await at.compact(wanted(user("a"), catch_all='{"tools":[],"new":1}'))
    assert is_ours(made.output[-1])
    assert provider.requests[0].catch_all == '{"new":1}'
    assert at.record.attempts[0].omitted == ["tools"]


@pytest.mark.parametrize("error", [UpstreamUnavailable("down"), RateLimitExceeded("slow"), UpstreamError("broken")])
async def test_an_outage_is_no_reason_to_go_another_way(error: Exception) -> None:
    provider = Native(error)
    with pytest.raises(type(error)):
        await engine(provider).compact(wanted(user("a")))
    assert provider.begun == 0


async def test_another_target_takes_over() -> None:
    down = Native(UpstreamUnavailable("down"))
    at = engine(down, ScriptedProvider(*says(SUMMARY)))
    assert is_ours((await at.compact(wanted(user("a")))).output[-1])
    assert [attempt.target for attempt in at.record.attempts] == ["t0", "t1"]
    at = engine(ScriptedProvider(UpstreamUnavailable("down")), Native(a_compaction()))
    assert (await at.compact(wanted(user("a")))).output[-1].compaction.encrypted_content == "theirs"


@pytest.mark.parametrize("provider", [Native(FOREVER), ScriptedProvider(FOREVER)])
async def test_it_ends_with_its_callers_patience(provider: Any) -> None:
    with pytest.raises(DeadlinePassed):
        await engine(provider).compact(wanted(user("a")), patience=0.01)


async def test_a_summary_that_is_cut_is_none() -> None:
    at = engine(ScriptedProvider(*says(SUMMARY, end="incomplete")))
    with pytest.raises(UpstreamError, match="was cut"):
        await at.compact(wanted(user("a")))
    assert at.observer.told[-1] == "ended failed"
