"""The scripted provider says back, calls, writes instances, and does what it is told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import (
    ContextLengthExceeded,
    InvalidRequest,
    InvalidValue,
    ModelNotFound,
    Timeout,
    UnsupportedParameter,
    UpstreamError,
)
from server.providers.base import CallContext, Timeouts
from server.providers.scripted import open_provider
from server.providers.scripted.pattern import UnsupportedPattern, sample
from server.providers.scripted.schema import SchemaError, instance_text
from server.testing.order import check_event_order

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
SHELL = {"type": "custom", "name": "run"}


def a_request(said: Any = "Hello, big  world!\n", **members: Any) -> v1.CreateResponseRequest:
    body = {"model": "echo", "input": said, **members}
    return openai_json.decode(json.dumps(body).encode(), v1.CreateResponseRequest)


def a_context(*, incremental: bool = True, timeouts: Timeouts | None = None) -> CallContext:
    return CallContext("req_1", "resp_1", incremental=incremental, timeouts=timeouts or Timeouts())


async def batches(
    request: v1.CreateResponseRequest, context: CallContext | None = None
) -> list[list[v1.ResponseStreamEvent]]:
    async with open_provider("demo", {}) as provider:
        return [list(batch) async for batch in provider.stream(request, context or a_context())]


async def answer(request: v1.CreateResponseRequest) -> tuple[list[v1.Item], v1.Response]:
    events = [event for batch in await batches(request) for event in batch]
    items = check_event_order(events)
    kind = events[-1].WhichOneof("event") or ""
    return items, getattr(events[-1], kind).response


async def text(request: v1.CreateResponseRequest) -> str:
    items, _ = await answer(request)
    return items[-1].message.content[0].output_text.text


def deltas(events: list[v1.ResponseStreamEvent]) -> list[str]:
    return [event.output_text_delta.delta for event in events if event.HasField("output_text_delta")]


def user(words: str) -> dict[str, Any]:
    return {"role": "user", "content": words}


async def test_the_last_words_come_back_word_by_word() -> None:
    told = await batches(a_request())
    assert all(told)
    words = [delta for batch in told for delta in deltas(batch)]
    assert words == ["Hello,", " big", "  world!\n"]
    assert await text(a_request()) == "Hello, big  world!\n"


async def test_parts_are_joined_and_what_is_not_text_is_passed_over() -> None:
    content = [
        {"type": "input_text", "text": "one"},
        {"type": "input_image", "image_url": "https://example.com/x.png"},
        {"type": "input_text", "text": "two"},
    ]
    assert await text(a_request([user("before"), {"role": "user", "content": content}])) == "one\ntwo"
    assert await text(a_request([{"role": "user", "content": content[1:2]}])) == "(no words)"


@pytest.mark.parametrize("members", [{}, {"tools": [WEATHER]}, {"reasoning": {"effort": "low"}}])
async def test_a_caller_who_does_not_stream_gets_the_same_events_in_one_batch(members: Mapping[str, Any]) -> None:
    request = a_request(**members)
    streamed = [event for batch in await batches(request) for event in batch]
    (whole,) = await batches(request, a_context(incremental=False))
    assert anonymous(streamed) == anonymous(whole)


async def test_a_long_answer_comes_in_few_batches_to_a_caller_who_does_not_stream() -> None:
    told = await batches(a_request("a " * 5000), a_context(incremental=False))
    assert len(told) == 2
    (item,) = check_event_order(event for batch in told for event in batch)
    assert item.message.content[0].output_text.text == "a " * 5000


async def test_answers_differ_in_ids_alone() -> None:
    request = a_request(tools=[WEATHER], reasoning={"effort": "low"}, include=["reasoning.encrypted_content"])
    first, second = await batches(request), await batches(request)
    assert first != second
    assert [anonymous(batch) for batch in first] == [anonymous(batch) for batch in second]


def anonymous(events: list[v1.ResponseStreamEvent]) -> list[str]:
    return [re.sub(r"(msg|fc|rs|ctc|call)_[0-9a-f]{32}", r"\1", str(event)) for event in events]


async def test_a_function_is_called_once_and_its_output_put_into_words() -> None:
    (call,), response = await answer(a_request("Weather in Oslo?", tools=[WEATHER, CLOCK]))
    assert call.function_call.name == "get_weather"
    assert json.loads(call.function_call.arguments) == {"city": "Weather in Oslo?"}
    assert response.status == v1.Response.STATUS_COMPLETED
    history = [
        user("Weather in Oslo?"),
        {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"},
    ]
    assert await text(a_request(history, tools=[WEATHER], tool_choice="required")) == "get_weather answered: rain"
    (call,), _ = await answer(a_request([*history, user("And now?")], tools=[WEATHER]))
    assert call.HasField("function_call")


@pytest.mark.parametrize(
    ("tool_choice", "called"),
    [
        ("auto", "get_weather"),
        ("required", "get_weather"),
        ("none", None),
        ({"type": "function", "name": "get_time"}, "get_time"),
        ({"type": "custom", "name": "run"}, "run"),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_time"}]},
            "get_time",
        ),
    ],
)
async def test_the_choice_of_tools_is_kept(tool_choice: Any, called: str | None) -> None:
    (item,), _ = await answer(a_request("x", tools=[WEATHER, CLOCK, SHELL], tool_choice=tool_choice))
    assert (item.function_call.name or item.custom_tool_call.name or None) == called


async def test_a_custom_tool_gets_the_words_and_a_namespace_is_named() -> None:
    (item,), _ = await answer(a_request("ls -l", tools=[SHELL]))
    assert item.custom_tool_call.input == "ls -l"
    (item,), _ = await answer(
        a_request("x", tools=[{"type": "namespace", "name": "n", "description": "", "tools": [CLOCK]}])
    )
    assert (item.function_call.namespace, item.function_call.arguments) == ("n", "{}")


@pytest.mark.parametrize(
    ("members", "error", "param"),
    [
        ({"tool_choice": {"type": "function", "name": "x"}, "tools": [CLOCK]}, InvalidValue, "tool_choice"),
        ({"tool_choice": "required"}, InvalidValue, "tool_choice"),
        ({"tool_choice": {"type": "file_search"}}, UnsupportedParameter, "tool_choice"),
        ({"tools": [CLOCK, {"type": "web_search"}]}, UnsupportedParameter, "tools[1].type"),
        ({"tools": [{**CLOCK, "parameters": {"not": {}}}]}, UnsupportedParameter, "tools[0].parameters"),
        ({"prompt": {"id": "pmpt_1"}}, UnsupportedParameter, "prompt"),
        ({"context_management": [{"type": "compaction"}]}, UnsupportedParameter, "context_management"),
        ({"moderation": {"model": "m"}}, UnsupportedParameter, "moderation"),
        ({"text": {"format": {"type": "yaml"}}}, UnsupportedParameter, "text.format.type"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, UnsupportedParameter, "input[0].type"),
        ({"input": "a " * 131_073}, ContextLengthExceeded, "input"),
        ({"model": "other"}, ModelNotFound, "model"),
    ],
)
async def test_what_it_cannot_do_is_refused_with_the_fields_path(
    members: dict[str, Any], error: type[Exception], param: str
) -> None:
    with pytest.raises(error) as caught:
        await batches(a_request(**members))
    assert caught.value.param == param  # type: ignore[attr-defined]


async def test_a_search_that_may_not_reach_the_web_is_left_out_and_named() -> None:
    # Codex offers one with every request.
    search = {"type": "web_search", "external_web_access": False}
    later = {"type": "additional_tools", "tools": [search]}
    context = a_context()
    request = a_request(input=[user("Hello"), later], tools=[CLOCK, search], tool_choice="none")
    await batches(request, context)
    assert context.omitted == ["tools[1]", "input[1].tools[0]"]


async def test_an_option_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="speed"):
        open_provider("demo", {"speed": 3})


async def test_a_second_turn_knows_the_first() -> None:
    history = [user("My name is Ada."), {"role": "assistant", "content": "My name is Ada."}]
    said = "You said 1 thing before this. The first was: My name is Ada."
    assert await text(a_request([*history, user("What did I say first?")])) == said
    assert await text(a_request([*history, user("Go on.")])) == "Go on."
    assert await text(a_request([*history, user("Go on.")], metadata={"scripted": "recall"})) == said
    assert await text(a_request("What did I say first?")) == "What did I say first?"


async def test_reasoning_comes_first_with_its_summary() -> None:
    request = a_request("Hi", reasoning={"effort": "low"}, include=["reasoning.encrypted_content"])
    (reasoning, message), response = await answer(request)
    assert reasoning.reasoning.summary[0].summary_text.text
    assert reasoning.reasoning.encrypted_content
    assert message.message.content[0].output_text.text == "Hi"
    details = response.usage.output_tokens_details
    assert details.reasoning_tokens == len(reasoning.reasoning.summary[0].summary_text.text.split())
    assert response.usage.output_tokens == details.reasoning_tokens + 1
    (reasoning, _), _ = await answer(a_request("Hi", reasoning={"summary": "auto"}))
    assert not reasoning.reasoning.HasField("encrypted_content")
    assert len((await answer(a_request("Hi", reasoning={"effort": "none"})))[0]) == 1


async def test_usage_counts_the_words() -> None:
    history = [user("one two"), {"role": "assistant", "content": "three"}, user("four five")]
    _, response = await answer(a_request(history, instructions="be brief"))
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (7, 2, 9)


async def test_log_probabilities_are_those_of_one_who_is_certain() -> None:
    (item,), _ = await answer(a_request("a b", include=["message.output_text.logprobs"], top_logprobs=2))
    told = item.message.content[0].output_text.logprobs
    assert [(entry.token, entry.logprob, bytes(entry.bytes)) for entry in told] == [("a", 0, b"a"), (" b", 0, b" b")]
    assert [len(entry.top_logprobs) for entry in told] == [1, 1]


@pytest.mark.parametrize(
    ("members", "kept"),
    [({"metadata": {"scripted": "max_tokens=2"}}, "a b"), ({"max_output_tokens": 3}, "a b c")],
)
async def test_the_answer_is_cut_at_its_limit(members: dict[str, Any], kept: str) -> None:
    (item,), response = await answer(a_request("a b c d", **members))
    assert item.status == "incomplete"
    assert item.message.content[0].output_text.text == kept
    assert response.status == v1.Response.STATUS_INCOMPLETE
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage.output_tokens == len(kept.split())


async def test_an_answer_as_long_as_its_limit_is_whole() -> None:
    _, response = await answer(a_request("a b c", max_output_tokens=3))
    assert response.status == v1.Response.STATUS_COMPLETED


async def test_a_limit_can_fall_within_reasoning_and_within_a_call() -> None:
    (reasoning,), _ = await answer(a_request("a", reasoning={"effort": "low"}, metadata={"scripted": "max_tokens=2"}))
    assert reasoning.status == "incomplete"
    (call,), _ = await answer(a_request("a b", tools=[WEATHER], metadata={"scripted": "max_tokens=2"}))
    assert (call.status, call.function_call.arguments) == ("incomplete", '{"city": "a')


async def test_told_to_refuse_it_refuses() -> None:
    (item,), response = await answer(a_request(metadata={"scripted": "refuse"}))
    assert item.message.content[0].refusal.refusal == "I was told to refuse."
    assert response.status == v1.Response.STATUS_COMPLETED


@pytest.mark.parametrize("incremental", [True, False])
@pytest.mark.parametrize(
    ("directive", "error"),
    [("fail=before", UpstreamError), ("fail=after:2", UpstreamError), ("fail=after:99", UpstreamError),
     ("stall=before", Timeout), ("stall=after:2", Timeout)],
)  # fmt: skip
async def test_told_to_fail_or_stall_it_does(directive: str, error: type[Exception], incremental: bool) -> None:
    told: list[v1.ResponseStreamEvent] = []
    context = a_context(incremental=incremental, timeouts=Timeouts(first_event=0.01, idle=0.01))
    async with open_provider("demo", {}) as provider:
        stream = provider.stream(a_request("a b c d", metadata={"scripted": directive}), context)

        async def read() -> None:
            async for batch in stream:
                told.extend(batch)

        with pytest.raises(error):
            await read()
    check_event_order(told, ended=False)
    expected = {"fail=before": 0, "stall=before": 0, "fail=after:99": 4}.get(directive, 2)
    assert len(deltas(told)) == (expected if incremental else 0)


async def test_told_to_drop_it_ends_without_a_last_event() -> None:
    told = [
        event for batch in await batches(a_request("a b c", metadata={"scripted": "drop=after:2"})) for event in batch
    ]
    assert deltas(told) == ["a", " b"]
    assert told[-1].HasField("output_text_delta")


async def test_told_to_trickle_it_waits_before_each_word_but_not_for_ever() -> None:
    request = a_request("a b", metadata={"scripted": "trickle=1ms"})
    assert [deltas(batch) for batch in await batches(request)] == [["a"], [" b"], []]
    slow = a_request("a b", metadata={"scripted": "trickle=2s"})
    with pytest.raises(Timeout):
        await batches(slow, a_context(timeouts=Timeouts(first_event=0.01)))


@pytest.mark.parametrize(
    "directive",
    ["dance", "refuse=1", "max_tokens", "max_tokens=0", "fail", "fail=later", "fail=after:0", "drop=before",
     "trickle=5", "trickle=0ms", "trickle=61s", "refuse,refuse", "fail=before,stall=before", "=3", "fail=after:²"],
)  # fmt: skip
async def test_what_is_no_directive_is_refused(directive: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        await batches(a_request(metadata={"scripted": directive}))
    assert caught.value.param == "metadata.scripted"


async def test_directives_go_together() -> None:
    (item,), response = await answer(a_request(metadata={"scripted": " refuse , max_tokens=2,"}))
    assert item.message.content[0].refusal.refusal == "I was"
    assert response.status == v1.Response.STATUS_INCOMPLETE


async def test_a_format_is_kept() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5}}, "required": ["n"]}
    written = await text(a_request(text={"format": {"type": "json_schema", "name": "s", "schema": schema}}))
    assert json.loads(written) == {"n": 5}
    assert json.loads(await text(a_request("x", text={"format": {"type": "json_object"}}))) == {"answer": "x"}


SCHEMAS: list[Any] = [
    {},
    True,
    {"type": ["string", "null"]},
    {"type": "string", "minLength": 200},
    {"type": "string", "maxLength": 2},
    {"type": "string", "pattern": "^[A-Z]{3}-\\d+(?:x|y)$", "minLength": 5},
    {"type": "string", "format": "date-time"},
    {"type": "integer", "exclusiveMinimum": 10, "multipleOf": 7},
    {"type": "number", "minimum": 0.25, "exclusiveMaximum": 0.5},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "exclusiveMinimum": 1},
    {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
    {"type": "integer", "exclusiveMaximum": 0},
    {"enum": [3, "a"], "type": "string"},
    {"const": {"a": [1]}},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "maxItems": 3},
    {"type": "array", "items": {"enum": [1, 2, 2, 3]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "null"}, {"type": "integer"}], "items": False},
    {"anyOf": [False, {"type": "integer"}], "minimum": 4},
    {"oneOf": [{"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}, {"type": "null"}]},
    {"allOf": [{"$ref": "#/$defs/n"}, {"$ref": "#/$defs/n"}, {"maximum": 9}], "$defs": {"n": {"type": "integer"}}},
    {"$ref": "#/$defs/node", "$defs": {"node": {
        "type": "object", "additionalProperties": False, "required": ["value", "next", "children"],
        "properties": {"value": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                       "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                       "parent": {"$ref": "#/$defs/node"}}}}},
    {"type": "object", "minProperties": 2, "required": ["b"], "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "required": ["c"], "maxProperties": 2},
    {"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "boolean"}}, "required": ["a", "b"]},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: json.dumps(schema)[:60])
@pytest.mark.parametrize("words", ["", "What is the weather in Paris? " * 20])
def test_instances_fit_their_schema(schema: Any, words: str) -> None:
    written = instance_text(json.dumps(schema), words)
    jsonschema.Draft202012Validator(schema).validate(json.loads(written))
    assert written == instance_text(json.dumps(schema), words)


def test_properties_keep_their_order() -> None:
    schema = {"properties": {"z": {"type": "null"}, "a": {"type": "null"}}, "required": ["a", "z"]}
    assert instance_text(json.dumps(schema), "") == '{"z": null, "a": null}'


@pytest.mark.parametrize(
    "schema",
    [
        "{",
        "false",
        '{"$ref": "#"}',
        '{"$ref": "#/nowhere"}',
        '{"$ref": "https://example.com/x"}',
        '{"type": "string", "minLength": 1000000000}',
        '{"type": "array", "minItems": 1000000000}',
        '{"type": "string", "pattern": "(?=a)b"}',
        '{"minimum": 2, "maximum": 1}',
        '{"properties": 3}',
        '{"minimum": "x"}',
        '{"enum": []}',
        '{"type": []}',
        '{"anyOf": 1}',
        '{"anyOf":[' * 500 + "{}" + "]}" * 500,
        # Two branches at each of forty levels.
        json.dumps({
            "$ref": "#/$defs/0",
            "$defs": {
                str(n): {"required": ["a", "b"], "properties": {key: {"$ref": f"#/$defs/{n + 1}"} for key in "ab"}}
                for n in range(40)
            } | {"40": {}},
        }),
    ],
    ids=lambda schema: schema[:40],
)  # fmt: skip
def test_a_schema_without_an_instance_is_refused(schema: str) -> None:
    with pytest.raises(SchemaError):
        instance_text(schema, "words")


async def test_a_schema_that_is_refused_is_named() -> None:
    schema = {"type": "integer", "minimum": 2, "maximum": 1}
    with pytest.raises(InvalidRequest) as caught:
        await batches(a_request(text={"format": {"type": "json_schema", "name": "s", "schema": schema}}))
    assert caught.value.param == "text.format.schema"


LEAVES = st.one_of(
    st.builds(lambda low, size: {"type": "integer", "minimum": low, "maximum": low + size},
              st.integers(-50, 50), st.integers(0, 9)),
    st.builds(lambda low, size: {"type": "string", "minLength": low, "maxLength": low + size},
              st.integers(0, 90), st.integers(0, 9)),
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"type": "number"}, {"enum": ["x", 1]}, {"const": None}]),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda properties, count: {
                "type": "object",
                "properties": properties,
                "required": list(properties)[:count],
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
            st.integers(0, 4),
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(schema=TREES, words=st.text(max_size=30))
def test_instances_of_any_tree_fit(schema: Any, words: str) -> None:
    jsonschema.Draft202012Validator(schema).validate(json.loads(instance_text(json.dumps(schema), words)))


@settings(max_examples=300, deadline=None)
@example("[^]]0")
@given(st.text(alphabet="ab1-^$|()[]{}?+*.\\dwsDWS,02", max_size=14))
def test_what_is_written_for_a_pattern_fits_it(pattern: str) -> None:
    try:
        written = sample(pattern)
    except UnsupportedPattern:
        return
    try:
        compiled = re.compile(pattern)
    except (re.error, FutureWarning):
        return
    assert compiled.search(written)


@pytest.mark.parametrize(
    ("said", "summary"),
    [
        ([], "The user has said nothing."),
        (["a\n b"], "The user has said 1 thing: a b"),
        (["a", "b", "c " * 200], "The user has said 3 things. The first: a The last: " + ("c " * 100).rstrip()),
    ],
)
async def test_a_summary_is_of_what_the_user_said(said: list[str], summary: str) -> None:
    items = [v1.Item(message=v1.Message(role="user", content_text=text)) for text in (*said, "Sum it up.")]
    request = v1.CreateResponseRequest(model="echo", input=items)
    context = CallContext("req_1", "resp_1", incremental=False, condenses=True)
    async with open_provider("scripted", {}) as provider:
        told = [event async for batch in provider.stream(request, context) for event in batch]
    text = "".join(event.output_text_delta.delta for event in told)
    assert text.rstrip() == summary
    assert told[-1].WhichOneof("event") == "completed"
