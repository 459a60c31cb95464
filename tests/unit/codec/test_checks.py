"""Raw JSON in messages that no JSON was decoded into."""

from __future__ import annotations

import pytest

from antiphon import openai_json
from antiphon.responses import v1


def request(**fields) -> v1.CreateResponseRequest:
    return v1.CreateResponseRequest(model="m", **fields)


def tool(**arm) -> v1.CreateResponseRequest:
    return request(tools=[v1.Tool(custom=v1.CustomTool(name="c")), v1.Tool(**arm)])


def item(**arm) -> v1.CreateResponseRequest:
    return request(input=[v1.Item(**arm)])


FUNCTION = v1.FunctionTool
NOT_JSON = ["", "{", "{'a':1}", "NaN", "1e400", '"\\ud800"', "{} {}", "[" * 5000]


@pytest.mark.parametrize("text", NOT_JSON)
def test_raw_text_that_is_not_json_is_named(text):
    with pytest.raises(openai_json.WrongValue) as caught:
        openai_json.check(tool(function=FUNCTION(name="f", parameters=text)))
    assert caught.value.param == "tools[1].parameters"
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "error", "param"),
    [
        (request(catch_all="[]"), openai_json.WrongType, ""),
        (request(catch_all="{"), openai_json.WrongValue, ""),
        (
            request(catch_all='{"new": 1, "previous_response_id": "resp_1"}'),
            openai_json.WrongValue,
            "previous_response_id",
        ),
        (request(reasoning=v1.Reasoning(effort="low"), catch_all='{"input": "x"}'), openai_json.WrongValue, "input"),
        (tool(fallback="[]"), openai_json.WrongType, "tools[1]"),
        (tool(fallback=""), openai_json.WrongValue, "tools[1]"),
        (tool(function=FUNCTION(name="f"), catch_all='"x"'), openai_json.WrongType, "tools[1]"),
        (item(tool_search_call=v1.ToolSearchCall(arguments="oops")), openai_json.WrongValue, "input[0].arguments"),
        (
            item(additional_tools=v1.AdditionalTools(tools=[v1.Tool(function=FUNCTION(parameters="x"))])),
            openai_json.WrongValue,
            "input[0].tools[0].parameters",
        ),
        (
            item(file_search_call=v1.FileSearchToolCall(results={"items": [{}, {"attributes": "x"}]})),
            openai_json.WrongValue,
            "input[0].results[1].attributes",
        ),
        (
            request(tool_choice=v1.ToolChoice(allowed_tools={"tools": ["{}", "x"]})),
            openai_json.WrongValue,
            "tool_choice.tools[1]",
        ),
        (
            request(prompt=v1.Prompt(variables={"v": v1.PromptVariable(part=v1.ContentPart(fallback="1"))})),
            openai_json.WrongType,
            "prompt.variables.v",
        ),
    ],
)
def test_the_first_wrong_text_is_named_as_json_names_it(message, error, param):
    with pytest.raises(openai_json.DecodeError) as caught:
        openai_json.check(message)
    assert (type(caught.value), caught.value.param) == (error, param)


@pytest.mark.parametrize(
    "message",
    [
        request(input_text="{not json, and not meant to be"),
        request(catch_all=' {"a": 1} '),
        tool(function=FUNCTION(name="f", parameters="true", output_schema="null")),
        item(function_call=v1.FunctionToolCall(arguments='{"cut')),
        v1.CreateResponseRequest(),
    ],
)
def test_text_that_is_json_or_is_no_raw_text_passes(message):
    openai_json.check(message)
    openai_json.encode(message)


def test_a_message_type_without_raw_text_passes():
    openai_json.check(v1.DeleteResponseRequest(response_id="{"))
