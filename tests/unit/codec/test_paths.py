"""Field paths, as validation reports them, in the words of OpenAI's API."""

from __future__ import annotations

import pytest

from antiphon import openai_json
from antiphon.responses import v1


@pytest.mark.parametrize(
    ("segments", "path"),
    [
        ((), ""),
        (("temperature",), "temperature"),
        (("input_text",), "input"),
        (("tool_choice_mode",), "tool_choice"),
        (("input",), "input"),
        (("input", 2, "message", "content", 0, "input_text", "text"), "input[2].content[0].text"),
        (("input", 0, "function_call_output", "output_text"), "input[0].output"),
        (("input", 0, "id"), "input[0].id"),
        (("input", 0, "item"), "input[0]"),
        (("input", 1, "catch_all"), "input[1]"),
        (("input", 0, "file_search_call", "results", "items", 3, "text"), "input[0].results[3].text"),
        (("tools", 0, "mcp", "allowed_tools", "names", 1), "tools[0].allowed_tools[1]"),
        (("tools", 0, "mcp", "allowed_tools_filter", "tool_names"), "tools[0].allowed_tools.tool_names"),
        (("tools", 0, "function", "is_async"), "tools[0].async"),
        (("tools", 0, "file_search", "filters", "compound", "filters", 1), "tools[0].filters.filters[1]"),
        (("tools", 0, "fallback"), "tools[0]"),
        (("metadata", "a b"), 'metadata["a b"]'),
        (("metadata", "plain"), "metadata.plain"),
        (("prompt", "variables", "v", "part", "input_text", "text"), "prompt.variables.v.text"),
        (("text", "format", "json_schema", "name"), "text.format.name"),
    ],
)
def test_a_field_path_is_spelled_as_a_member_path(segments, path):
    assert openai_json.json_path(v1.CreateResponseRequest.DESCRIPTOR, segments) == path


def test_a_frame_is_spelled_without_its_arm():
    assert openai_json.json_path(v1.ConnectRequest.DESCRIPTOR, ("create", "tools", 0, "type")) == "tools[0]"
    assert openai_json.json_path(v1.ConnectRequest.DESCRIPTOR, ("stream_id",)) == "stream_id"
