"""What is wrong with a request is told with the path of the first field at fault, before anything is done for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf import text_format

from antiphon.responses import v1
from server.engine.input.validate import check_create
from server.errors import InvalidRequest, InvalidType, InvalidValue, MissingParameter, UnsupportedParameter

OK = 'model: "m" input_text: "x" '


def request(text: str) -> v1.CreateResponseRequest:
    parsed: v1.CreateResponseRequest = text_format.Parse(text, v1.CreateResponseRequest())
    return parsed


GOOD = [
    OK,
    'model: "m" input_text: ""',
    'model: "m" previous_response_id: "resp_1"',
    'model: "m" conversation_id: "conv_1"',
    'model: "m" conversation { id: "conv_1" }',
    'model: "m" prompt { id: "p" }',
    OK + "background: false",
    OK + 'tools { function { name: "f" } }',
    OK + 'tools { function { name: "f" parameters: "{\\"type\\":\\"object\\"}" } }',
    OK + "temperature: 0 top_p: 0",
    OK + 'catch_all: "{\\"seed\\":1}"',
    OK + f"catch_all: '{{\"a\":{'[' * 499}{']' * 499}}}'",
    OK + f"catch_all: '{{\"a\":[{'[],' * 999}[]]}}'",
    'model: "m" input { message { role: "user" content_text: "x" } }',
    'model: "m" input { fallback: "{\\"type\\":\\"novel\\"}" }',
]


@pytest.mark.parametrize("text", GOOD)
def test_a_request_that_can_be_served_passes(text: str) -> None:
    check_create(request(text))


ITEM = 'model: "m" input { message { role: "user" content_text: "x" } } input '

BAD: list[tuple[str, type[InvalidRequest], str]] = [
    ('input_text: "x"', MissingParameter, "model"),
    ('model: "m"', MissingParameter, "input"),
    (OK + 'catch_all: "{\\"seed\\":1,\\"models\\":[]}"', UnsupportedParameter, "models"),
    (OK + 'catch_all: "{\\"fallbacks\\":[\\"big\\"]}"', UnsupportedParameter, "fallbacks"),
    ('model: "m" previous_response_id: ""', MissingParameter, "input"),
    (OK + "background: true store: false", InvalidValue, "background"),
    (OK + "conversation {}", MissingParameter, "conversation.id"),
    (OK + 'conversation_id: "conv_1" conversation { id: "conv_1" }', InvalidValue, "conversation"),
    (OK + 'conversation_id: "conv_1" previous_response_id: "resp_1"', InvalidValue, "conversation"),
    (OK + 'conversation { id: "conv_1" } previous_response_id: "resp_1"', InvalidValue, "conversation"),
    # Both spellings of one member
    (OK + 'input { message { role: "user" content_text: "x" } }', InvalidValue, "input"),
    (OK + 'tool_choice_mode: "auto" tool_choice { function { name: "f" } }', InvalidValue, "tool_choice"),
    (
        ITEM + '{ message { role: "user" content_text: "x" content { input_text { text: "y" } } } }',
        InvalidValue,
        "input[1].content",
    ),
    (
        ITEM + '{ function_call_output { call_id: "c" output_text: "x" output { input_text { text: "y" } } } }',
        InvalidValue,
        "input[1].output",
    ),
    (
        OK + 'tools { mcp { require_approval_mode: "never" require_approval { } } }',
        InvalidValue,
        "tools[0].require_approval",
    ),
    # Items
    (ITEM + "{ }", MissingParameter, "input[1].type"),
    (ITEM + '{ message { content_text: "x" } }', MissingParameter, "input[1].role"),
    (ITEM + '{ message { role: "tool" content_text: "x" } }', InvalidValue, "input[1].role"),
    (ITEM + '{ message { role: "user" content { } } }', MissingParameter, "input[1].content[0].type"),
    (ITEM + '{ function_call { name: "f" } }', MissingParameter, "input[1].call_id"),
    (ITEM + '{ function_call { call_id: "c" } }', MissingParameter, "input[1].name"),
    (ITEM + '{ function_call_output { output_text: "x" } }', MissingParameter, "input[1].call_id"),
    (ITEM + "{ item_reference { } }", MissingParameter, "input[1].id"),
    (ITEM + "{ compaction { } }", MissingParameter, "input[1].encrypted_content"),
    # Tools
    (OK + "tools { }", MissingParameter, "tools[0].type"),
    (OK + "tools { function { } }", MissingParameter, "tools[0].name"),
    (OK + 'tools { namespace { name: "n" tools { custom { } } } }', MissingParameter, "tools[0].tools[0].name"),
    (OK + "tool_choice { function { } }", MissingParameter, "tool_choice.name"),
    (OK + "text { format { json_schema { } } }", MissingParameter, "text.format.name"),
    (OK + 'text { format { json_schema { name: "n" } } }', MissingParameter, "text.format.schema"),
    (
        ITEM + "{ configuration_update { text { format { json_schema { } } } } }",
        MissingParameter,
        "input[1].text.format.name",
    ),
    (
        ITEM + '{ configuration_update { text { format { json_schema { name: "n" } } } } }',
        MissingParameter,
        "input[1].text.format.schema",
    ),
    # Of what has types, one without any: no JSON can hold it, so it comes over gRPC alone
    (OK + "tool_choice { }", MissingParameter, "tool_choice.type"),
    (OK + "text { format { } }", MissingParameter, "text.format.type"),
    (ITEM + "{ web_search_call { action { } } }", MissingParameter, "input[1].action.type"),
    # Ranges of the contract
    (OK + "temperature: 2.5", InvalidValue, "temperature"),
    (OK + "top_p: -0.1", InvalidValue, "top_p"),
    (OK + "top_logprobs: 21", InvalidValue, "top_logprobs"),
    # JSON that a gRPC caller wrote
    (OK + 'tools { function { name: "f" parameters: "{" } }', InvalidValue, "tools[0].parameters"),
    (
        OK + 'text { format { json_schema { name: "n" schema: "nope" } } }',
        InvalidValue,
        "text.format.schema",
    ),
    (ITEM + '{ fallback: "[1]" }', InvalidType, "input[1]"),
    (OK + 'catch_all: "7"', InvalidType, ""),
    (OK + f"catch_all: '{{\"a\":{'[' * 500}{']' * 500}}}'", InvalidValue, ""),
    (ITEM + f'{{ fallback: \'{{"type":"x","a":{"[" * 500}{"]" * 500}}}\' }}', InvalidValue, "input[1]"),
    # What is refused or the gateway's own must not go by as an unknown member
    (OK + "catch_all: '{\"background\": true}'", InvalidValue, "background"),
    (OK + 'conversation_id: ""', InvalidValue, "conversation"),
]


@pytest.mark.parametrize(("text", "kind", "param"), BAD, ids=[f"{number}-{row[2]}" for number, row in enumerate(BAD)])
def test_what_is_wrong_is_named(text: str, kind: type[InvalidRequest], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_create(request(text))
    assert type(caught.value) is kind
    assert (caught.value.param or "") == param
    assert param in caught.value.message


LIMITS: list[tuple[Callable[[v1.CreateResponseRequest], None], str]] = [
    (lambda asked: asked.metadata.update({f"k{number}": "" for number in range(17)}), "metadata"),
    (lambda asked: asked.metadata.update({"k": "v" * 513}), "metadata.k"),
    (lambda asked: asked.input.extend([v1.Item()] * 20_001), "input"),
    (
        lambda asked: asked.input.add().message.MergeFrom(v1.Message(role="user", content=[v1.ContentPart()] * 20_000)),
        "input",
    ),
    (lambda asked: asked.tools.extend([v1.Tool()] * 10_001), "tools"),
    (lambda asked: asked.tools.add().namespace.tools.extend([v1.Tool()] * 10_000), "tools"),
    (lambda asked: asked.input.add().additional_tools.tools.extend([v1.Tool()] * 10_001), "tools"),
]


@pytest.mark.parametrize(("break_", "param"), LIMITS, ids=[f"{number}-{row[1]}" for number, row in enumerate(LIMITS)])
def test_sizes_are_bounded(break_: Callable[[v1.CreateResponseRequest], None], param: str) -> None:
    asked = request(OK)
    break_(asked)
    with pytest.raises(InvalidValue) as caught:
        check_create(asked)
    assert caught.value.param == param
    assert "v" * 513 not in caught.value.message


@pytest.mark.parametrize("text", ['fallback: \'{"type":"x"}\'', "item_reference: {}", "reasoning: {}"])
def test_ids_of_items_are_bounded(text: str) -> None:
    asked = request(ITEM + "{ " + text + " }")
    asked.input[-1].id = "i" * 512
    check_create(asked)
    asked.input[-1].id = "i" * 513
    with pytest.raises(InvalidValue) as caught:
        check_create(asked)
    assert caught.value.param == "input[1].id"
