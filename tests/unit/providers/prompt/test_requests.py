"""A request, read as turns, tools and settings; and what of it is refused, named, or asks for nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import InvalidValue, UnsupportedParameter
from server.providers.base import CallContext, Places, Unsupported
from server.providers.prompt.blocks import Call, HostedCall, Image, Output, Prompt, Reasoning, Refusal, Text
from server.providers.prompt.calls import fitting, object_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.reading import read
from server.providers.prompt.settings import Settings, read_settings
from server.providers.prompt.tools import Calls, Function, Tools
from server.providers.writer import EventWriter

F = {"type": "function", "name": "f", "parameters": {"b": 1.50, "a": {}}}


@dataclass
class Read:
    prompt: Prompt
    tools: Tools
    settings: Settings
    omitted: list[str]


def reading(
    members: dict[str, Any],
    *,
    carried: Collection[str] = (),
    caching: bool = False,
    inherited: int = 0,
    report: bool = True,
    **more: Any,
) -> Read:
    request = openai_json.decode(json.dumps({"model": "m"} | members).encode(), v1.CreateResponseRequest)
    policy = Unsupported.REPORT if report else Unsupported.REFUSE
    context = CallContext("req", "resp", True, unsupported=policy, places=Places(inherited))
    loss = Loss(context, "The test's API")
    tools = Tools(request, loss, **more)
    prompt = read(request, tools, loss, caching=caching)
    return Read(prompt, tools, read_settings(request, loss, carried), context.omitted)


def said(members: dict[str, Any], **more: Any) -> list[tuple[str, list[str]]]:
    turns = reading(members, **more).prompt.turns
    return [(turn.role, [type(block).__name__ for block in turn.blocks]) for turn in turns]


# Items


def test_items_become_turns() -> None:
    items = [
        {"role": "developer", "content": "Be exact."},
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"role": "user", "content": "b"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{ }"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "x\n"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "o"}]},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "p"},
        {"role": "user", "content": "c"},
    ]
    got = reading({"instructions": "Be kind.", "input": items})
    assert [(turn.role, len(turn.blocks)) for turn in got.prompt.turns] == [
        ("developer", 1), ("user", 2), ("assistant", 4), ("tool", 2), ("user", 1),
    ]  # fmt: skip
    opening, rest = got.prompt.opening()
    assert [text.text for text in opening] == ["Be kind.", "Be exact."]
    assert rest[0].role == "user"
    thought, refusal, call, custom = got.prompt.turns[2].blocks
    assert isinstance(thought, Reasoning)
    assert thought.text == "t"
    assert isinstance(refusal, Refusal)
    assert isinstance(call, Call)
    assert call.arguments == "{ }"
    assert isinstance(custom, Call)
    assert custom.arguments == '{"input":"x\\n"}'
    first, second = got.prompt.turns[3].blocks
    assert isinstance(first, Output)
    assert (first.call_id, first.wire_name, first.text, first.custom) == ("c1", "f", "o", False)
    assert isinstance(second, Output)
    assert (second.wire_name, second.text, second.custom) == ("g", "p", True)
    assert got.omitted == []


def test_calls_whose_id_is_repeated_are_told_apart_with_their_outputs() -> None:
    """Some providers begin their ids anew in each answer; others take no id twice."""

    def call(arguments: str) -> dict[str, Any]:
        return {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}

    def output(text: str, call_id: str = "c") -> dict[str, Any]:
        return {"type": "function_call_output", "call_id": call_id, "output": text}

    items = [call("1"), output("one"), call("2"), call("3"), output("two"), output("three")]
    blocks = [block for turn in reading({"input": items}).prompt.turns for block in turn.blocks]
    assert [(one.call_id, one.given_id, one.arguments) for one in blocks if isinstance(one, Call)] == [
        ("c", "c", "1"), ("c_2", "c", "2"), ("c_3", "c", "3"),
    ]  # fmt: skip
    assert [(one.call_id, one.wire_name, one.text) for one in blocks if isinstance(one, Output)] == [
        ("c", "f", "one"), ("c_2", "f", "two"), ("c_3", "f", "three"),
    ]  # fmt: skip


def called(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}


def came_to(call_id: str, text: str = "o") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def test_outputs_stand_right_after_their_calls() -> None:
    hello = {"role": "user", "content": "hello"}
    items = [called("a"), called("b"), came_to("a"), hello, came_to("b"), called("c"), hello, called("d"), came_to("d")]
    turns = reading({"input": [*items, came_to("c")]}).prompt.turns
    assert [(turn.role, [getattr(block, "call_id", "") for block in turn.blocks]) for turn in turns] == [
        ("assistant", ["a", "b"]), ("tool", ["a", "b"]), ("user", [""]),
        ("assistant", ["c"]), ("tool", ["c"]), ("user", [""]), ("assistant", ["d"]), ("tool", ["d"]),
    ]  # fmt: skip


def test_an_output_that_is_told_again_is_named_and_another_one_refused() -> None:
    """In a conversation, the AI SDK sends the outputs of earlier steps again."""
    items = [called("a"), came_to("a"), called("b"), came_to("a"), came_to("b")]
    got = reading({"input": items}, report=False)
    blocks = [block for turn in got.prompt.turns for block in turn.blocks]
    assert [block.path for block in blocks if isinstance(block, Output)] == ["input[1]", "input[4]"]
    assert got.omitted == ["input[3]"]
    changed = {"input": [called("a"), came_to("a"), came_to("a", "p")]}
    with pytest.raises(UnsupportedParameter, match="has an output already") as refused:
        reading(changed, report=False)
    assert refused.value.param == "input[2]"
    assert reading(changed).omitted == ["input[2]"]


def test_no_id_that_is_made_is_given_to_another_call() -> None:
    ids = ("c", "c", "c_2", "c")
    items = [{"type": "function_call", "call_id": call_id, "name": "f", "arguments": ""} for call_id in ids]
    (turn,) = reading({"input": items}).prompt.turns
    assert [block.call_id for block in turn.blocks if isinstance(block, Call)] == ["c", "c_2", "c_2_2", "c_3"]


def test_a_text_is_a_message_of_the_user() -> None:
    assert said({"input": "hi"}) == [("user", ["Text"])]


def test_what_a_provider_did_itself_stays_in_its_place() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    (turn,) = reading({"input": [search]}).prompt.turns
    (block,) = turn.blocks
    assert isinstance(block, HostedCall)
    assert (block.kind, block.path) == ("web_search_call", "input[0]")


def test_what_a_provider_keeps_in_its_own_items_is_for_its_adapter_to_account_for() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}, "encrypted_content": "sealed"}
    got = reading({"input": [search]})
    (block,) = got.prompt.turns[0].blocks
    assert isinstance(block, HostedCall)
    assert block.item.catch_all == '{"encrypted_content":"sealed"}'
    assert got.omitted == []


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"type": "hologram"}, "input[1].type"),
        ({"type": "computer_call", "call_id": "c", "action": {"type": "wait"}}, "input[1]"),
        ({"type": "compaction", "encrypted_content": "x"}, "input[1]"),
        ({"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "x"}]}, "input[1].content[1].type"),
        ({"role": "user", "content": "a", "agent": {"agent_name": "b"}}, "input[1].agent"),
        ({"role": "user", "content": "a", "phase": "commentary"}, "input[1].phase"),
        ({"role": "user", "content": "a", "mood": 1}, "input[1].mood"),
        (
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "", "async": True},
            "input[1].async",
        ),
    ],
)
def test_what_no_other_api_knows_is_named(item: dict[str, Any], path: str) -> None:
    assert reading({"input": [{"role": "user", "content": "hi"}, item]}).omitted == [path]


def test_items_of_earlier_responses_are_named_by_what_brought_them_in() -> None:
    items = [{"type": "hologram"}, {"role": "user", "content": "hi"}, {"type": "hologram"}]
    assert reading({"input": items}, inherited=1).omitted == ["previous_response_id.type", "input[1].type"]
    with pytest.raises(UnsupportedParameter) as refused:
        reading({"input": items}, inherited=3, report=False)
    assert refused.value.param == "previous_response_id.type"


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (
            {"type": "compaction", "encrypted_content": "x"},
            "The test's API has no place for 'input[0]'. It is of the type 'compaction'.",
        ),
        (
            {"role": "user", "content": [{"type": "summary_text", "text": "a"}]},
            "The test's API has no place for 'input[0].content[0]'. It is of the type 'summary_text'.",
        ),
    ],
)
def test_a_refusal_says_what_it_is_that_has_no_place(item: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        reading({"input": [item]}, report=False)
    assert str(refused.value) == told


def test_cache_hints_are_kept_where_the_provider_takes_them_and_else_named() -> None:
    part = {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}
    request = {"input": [{"role": "user", "content": [part]}]}
    assert reading(request, report=False).omitted == ["input[0].content[0].prompt_cache_breakpoint"]
    kept = reading(request, caching=True)
    (text,) = kept.prompt.turns[0].blocks
    assert isinstance(text, Text)
    assert text.cache is not None
    assert text.cache.ttl == "12h"
    assert kept.omitted == []


def test_the_detail_of_an_image_is_a_wish_only_where_it_is_one() -> None:
    def detail(**members: Any) -> str | None:
        part = {"type": "input_image", "image_url": "https://e.org/a.png"} | members
        (block,) = reading({"input": [{"role": "user", "content": [part]}]}).prompt.turns[0].blocks
        assert isinstance(block, Image)
        return block.detail

    assert [detail(), detail(detail="auto"), detail(detail="low")] == [None, None, "low"]


# Tools


def test_tools_in_their_order_with_those_of_namespaces() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "x"}
    custom = {"type": "custom", "name": "g", "description": "D.", "format": grammar}
    space = {"type": "namespace", "name": "n", "description": "", "tools": [F | {"name": "h.i"}]}
    tools = reading({"input": "a", "tools": [F, space, {"type": "web_search"}, custom]}).tools
    assert [function.wire_name for function in tools.functions][:1] == ["f"]
    nested = tools.functions[1]
    assert nested.wire_name.startswith("n__h_i_")
    assert (nested.namespace, nested.name, nested.path) == ("n", "h.i", "tools[1].tools[0]")
    assert tools.called(nested.wire_name) is nested
    stand_in = tools.functions[2]
    assert stand_in.custom
    assert "lark" in stand_in.description
    assert [one.path for one in tools.hosted] == ["tools[2]"]


def test_a_name_that_is_too_long_is_shortened_the_same_way_every_time() -> None:
    tools = reading({"input": "a", "tools": [F | {"name": "x" * 80}]}, max_name=64).tools
    (function,) = tools.functions
    assert len(function.wire_name) == 64
    assert tools.wire_name("x" * 80) == function.wire_name
    assert tools.wire_name("x" * 79 + "y") != function.wire_name


def test_tools_that_an_item_brings_along() -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": [F]}
    read_in = reading({"input": [item, {"role": "user", "content": "a"}]})
    assert [function.path for function in read_in.tools.functions] == ["input[0].tools[0]"]
    assert read_in.omitted == []


INDEXED = {"type": "web_search", "external_web_access": False}


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ({"type": "file_search", "vector_store_ids": ["vs_1"]}, "It has no tool of the type 'file_search'."),
        ({"type": "hologram"}, "It has no tool of this type."),
    ],
)
def test_a_tool_of_a_provider_says_what_it_is_where_there_is_none(tool: dict[str, Any], told: str) -> None:
    (hosted,) = reading({"input": "a", "tools": [tool]}).tools.hosted
    assert hosted.unknown == told


def test_a_search_that_may_not_reach_the_web_is_not_offered_and_refuses_nothing() -> None:
    got = reading({"input": "a", "tools": [F, INDEXED]}, report=False)
    assert [tool.path for tool in got.tools.offered] == ["tools[0]"]
    assert got.omitted == ["tools[1]"]
    item = {"type": "additional_tools", "role": "developer", "tools": [INDEXED]}
    assert reading({"input": [item, {"role": "user", "content": "a"}]}, report=False).omitted == ["input[0].tools[0]"]


@pytest.mark.parametrize("choice", ["required", {"type": "web_search"}])
def test_a_search_that_may_not_reach_the_web_cannot_be_required(choice: Any) -> None:
    members = {"input": "a", "tools": [INDEXED], "tool_choice": choice}
    with pytest.raises(UnsupportedParameter) as refused:
        reading(members, report=False)
    assert refused.value.param == "tool_choice"
    got = reading(members)
    assert (got.tools.choice.mode, got.omitted) == ("auto", ["tools[0]", "tool_choice"])


@pytest.mark.parametrize(
    ("choice", "mode", "function", "offered"),
    [
        ("required", "required", None, ["f", "g"]),
        ("none", "none", None, ["f", "g"]),
        ({"type": "function", "name": "g"}, "required", "g", ["f", "g"]),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]},
            "auto", None, ["g"],
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            "required", None, ["f"],
        ),
    ],
)  # fmt: skip
def test_tool_choice(choice: Any, mode: str, function: str | None, offered: list[str]) -> None:
    tools = reading({"input": "a", "tools": [F, F | {"name": "g"}], "tool_choice": choice}).tools
    chosen = tools.choice.function
    assert (tools.choice.mode, chosen.name if chosen else None) == (mode, function)
    assert [one.wire_name for one in tools.functions] == offered


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [F, F]}, "tools[1].name"),
        ({"tools": [F], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice.name"),
        (
            {
                "tools": [F],
                "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]},
            },
            "tool_choice.tools[0].name",
        ),
    ],
)  # fmt: skip
def test_tools_that_make_no_sense(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        reading({"input": "a"} | members)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("more", "omitted"),
    [
        ({"defer_loading": True}, ["tools[0].defer_loading"]),
        ({"defer_loading": False, "allowed_callers": ["direct"]}, []),
        ({"allowed_callers": ["programmatic"]}, ["tools[0].allowed_callers"]),
        ({"output_schema": {}}, ["tools[0].output_schema"]),
        ({"colour": "red"}, ["tools[0].colour"]),
    ],
)
def test_what_else_a_tool_says(more: dict[str, Any], omitted: list[str]) -> None:
    assert reading({"input": "a", "tools": [F | more]}).omitted == omitted


def calls(tools: list[Any]) -> tuple[Calls, EventWriter]:
    writer = EventWriter()
    return Calls(reading({"input": "a", "tools": tools}).tools, writer), writer


def made(writer: EventWriter) -> list[tuple[str, str, str]]:
    writer.finish("completed")
    items = [event.output_item_done.item for event in writer.take() if event.HasField("output_item_done")]
    bodies: list[Any] = [getattr(item, item.WhichOneof("item") or "") for item in items]
    return [
        (body.call_id, body.name, getattr(body, "arguments", None) or getattr(body, "input", "")) for body in bodies
    ]


def test_calls_whose_names_come_late_and_whose_keys_come_twice() -> None:
    told, writer = calls([F])
    told.begin(0, name=None, call_id="c1")
    told.arguments(0, '{"x"')
    told.begin(0, name="f", call_id=None)
    told.arguments(0, ":1}")
    told.begin(0, name="f", call_id="c2")
    told.arguments(0, "{}")
    told.begin(0, name="f", call_id="c2")
    told.end(0)
    assert made(writer) == [("c1", "f", '{"x":1}'), ("c2", "f", "{}")]


def test_a_custom_call_that_is_cut_is_told_as_far_as_it_came() -> None:
    told, writer = calls([{"type": "custom", "name": "g"}])
    told.begin("k", name="g", call_id="c1")
    told.arguments("k", '{"input": "half')
    told.cut()
    assert made(writer) == [("c1", "g", "half")]


def test_a_call_of_what_was_not_offered_is_told_as_it_is() -> None:
    told, writer = calls([F])
    told.begin(1, name="other", call_id="c1")
    told.end(1)
    assert made(writer) == [("c1", "other", "")]


# Settings


@pytest.mark.parametrize(
    ("members", "omitted"),
    [
        ({"temperature": 1.0}, ["temperature"]),
        ({"truncation": "disabled", "parallel_tool_calls": True, "service_tier": "auto", "top_logprobs": 0}, []),
        ({"truncation": "auto"}, ["truncation"]),
        ({"text": {"verbosity": "medium"}}, []),
        ({"text": {"verbosity": "low"}}, ["text.verbosity"]),
        ({"text": {"format": {"type": "hologram"}}}, ["text.format.type"]),
        ({"include": ["reasoning.encrypted_content", "file_search_call.results"]}, []),
        ({"include": ["message.output_text.logprobs"]}, ["include[0]"]),
        ({"include": ["hologram"]}, ["include[0]"]),
        ({"top_logprobs": 2}, ["top_logprobs"]),
        ({"reasoning": {"effort": "low", "context": "auto", "mode": "standard"}}, []),
        ({"reasoning": {"context": "all_turns"}}, ["reasoning.context"]),
        ({"max_tool_calls": 3}, []),
        ({"metadata": {"a": "b"}, "stream": True, "stream_options": {"include_obfuscation": False}}, []),
        ({"client_metadata": {}, "seed": 1}, ["client_metadata", "seed"]),
        ({"background_options": {"completion_window": "8h"}}, ["background_options.completion_window"]),
        (
            {"background_options": {"completion_window": "soonest", "continuation_id": "c"}},
            ["background_options.continuation_id"],
        ),
        ({"multi_agent": {"enabled": False, "max_concurrent_subagents": 2}}, []),
        ({"multi_agent": {"enabled": True}}, ["multi_agent"]),
        ({"image": {"context_compression": "disabled"}, "access_programs": {"cyber": "standard"}}, []),
        ({"image": {"context_compression": "enabled"}}, ["image.context_compression"]),
        ({"access_programs": {"cyber": "daybreak_blue"}}, ["access_programs.cyber"]),
        ({"image": {}, "background_options": {}}, []),
        ({"prompt_cache_options": {"mode": "implicit", "prewarm": False}}, ["prompt_cache_options"]),
        (
            {"prompt_cache_options": {"prewarm": True}},
            ["prompt_cache_options.prewarm", "prompt_cache_options"],
        ),
        ({"personality": "friendly", "seed": 1}, ["personality", "seed"]),
    ],
)
def test_settings_that_nobody_carries(members: dict[str, Any], omitted: list[str]) -> None:
    assert reading({"input": "a"} | members).omitted == omitted


@pytest.mark.parametrize(
    "name", ["user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier"]
)
def test_hints_are_named_and_never_refused(name: str) -> None:
    assert reading({"input": "a", name: "x"}, report=False).omitted == [name]


def test_a_wish_for_all_earlier_reasoning_only_hints_and_one_for_less_does_not() -> None:
    omitted = reading({"input": "a", "reasoning": {"context": "all_turns"}}, report=False).omitted
    assert omitted == ["reasoning.context"]
    with pytest.raises(UnsupportedParameter) as refused:
        reading({"input": "a", "reasoning": {"context": "current_turn"}}, report=False)
    assert refused.value.param == "reasoning.context"


@pytest.mark.parametrize("member", [{"personality": "friendly"}, {"prompt_cache_options": {"prewarm": True}}])
def test_what_would_change_the_answer_is_no_hint(member: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParameter):
        reading({"input": "a"} | member, report=False)


def test_the_continuation_of_a_run_only_hints() -> None:
    options = {"background_options": {"continuation_id": "c"}}
    assert reading({"input": "a"} | options, report=False).omitted == ["background_options.continuation_id"]


def test_a_wish_for_summaries_only_hints() -> None:
    assert reading({"input": "a", "reasoning": {"summary": "auto"}}, report=False).omitted == ["reasoning.summary"]
    kept = reading({"input": "a", "reasoning": {"generate_summary": "concise"}}, carried={"reasoning.summary"})
    assert kept.settings.summary == "concise"
    assert kept.omitted == []


def test_what_is_carried_is_not_named() -> None:
    got = reading(
        {"input": "a", "temperature": 0.5, "top_logprobs": 2, "text": {"verbosity": "high"}},
        carried={"temperature", "top_logprobs", "text.verbosity"},
    )
    assert got.omitted == []
    assert (got.settings.logprobs, got.settings.top_logprobs, got.settings.verbosity) == (True, 2, "high")


def test_settings_that_an_item_changes() -> None:
    update = {
        "type": "configuration_update",
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_object"}},
    }
    items = [{"role": "user", "content": "a"}, update]
    got = reading({"input": items, "reasoning": {"effort": "high"}})
    assert got.settings.effort == "low"
    assert got.settings.format is not None
    assert got.settings.format.HasField("json_object")
    assert got.omitted == []


def test_a_refusal_names_the_field_and_who_has_no_place_for_it() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        reading({"input": "a", "moderation": {"model": "m"}}, report=False)
    assert refused.value.param == "moderation"
    assert refused.value.message == "The test's API has no place for 'moderation'."


def test_functions_keep_their_schemas_text() -> None:
    schema = '{"type":"object","b":1.50,"a":12345678901234567890}'
    text = f'{{"model":"m","input":"a","tools":[{{"type":"function","name":"f","parameters":{schema}}}]}}'
    request = openai_json.decode(text.encode(), v1.CreateResponseRequest)
    (function,) = Tools(request, Loss(CallContext("r", "r", True), "X")).functions
    assert isinstance(function, Function)
    assert function.schema == schema


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, '{"type":"object","properties":{}}'),
        ("{}", '{"type":"object"}'),
        ('{ "properties": {"a": {"maximum": 1.50}} }', '{"type":"object","properties": {"a": {"maximum": 1.50}} }'),
        ('{"anyOf":[{"type":"object"}]}', '{"type":"object","anyOf":[{"type":"object"}]}'),
        ('{"type": ["object", "null"]}', '{"type": ["object", "null"]}'),
        ("true", "true"),
    ],
)
def test_schemas_are_of_objects(parameters: str | None, schema: str) -> None:
    request = v1.CreateResponseRequest(model="m")
    request.tools.add().function.name = "f"
    if parameters is not None:
        request.tools[0].function.parameters = parameters
    (function,) = Tools(request, Loss(CallContext("r", "r", True), "X")).functions
    assert function.schema == schema
    assert isinstance(json.loads(schema), dict | bool)


# Calls


@pytest.mark.parametrize(
    ("arguments", "spelled"),
    [
        ('{"b": 1.50, "a": 12345678901234567890}', b'{"b": 1.50, "a": 12345678901234567890}'),
        ("", b"{}"),
        (" \n", b"{}"),
        ("[1]", b'{"INVALID_JSON":"[1]"}'),
        ('{"a": "cu', b'{"INVALID_JSON":"{\\"a\\": \\"cu"}'),
    ],
)
def test_arguments_become_an_object(arguments: str, spelled: bytes) -> None:
    assert orjson.dumps(object_of(arguments)) == spelled


def test_ids_fit_and_stay_apart() -> None:
    fit = re.compile("[a-z0-9]{1,32}")
    assert fitting("abc", fit, 32) == "abc"
    made = [fitting(call_id, fit, 32) for call_id in ("call_1", "call_2", "", "x" * 33, "abc\n")]
    assert len(set(made)) == 5
    assert all(fit.fullmatch(one) for one in made)
    assert fitting("call_1", fit, 32) == made[0]
