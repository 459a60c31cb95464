"""Single members: which must be there, which must not, which have several spellings, and where faults are seen."""

from __future__ import annotations

import json

import pytest

from antiphon import openai_json
from antiphon.responses import v1

SKELETON = """
{"id":"resp_1","object":"response","created_at":1795256231,"status":"completed","access_programs":null,
"background":false,"completed_at":1795256232,"error":null,"frequency_penalty":0.0,"incomplete_details":null,
"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"metadata":{},"model":"m","output":[{"id":"msg_1",
"type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello",
"annotations":[],"logprobs":[]}]}],"parallel_tool_calls":true,"presence_penalty":0.0,"previous_response_id":null,
"prompt_cache_key":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"service_tier":"default",
"store":true,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],
"top_logprobs":0,"top_p":1.0,"truncation":"disabled","usage":{"input_tokens":7,"input_tokens_details":
{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":0},
"total_tokens":12}}
"""
ERROR = (
    '{"type":"error","sequence_number":9,"code":"server_error","message":"no","param":null,'
    '"error":{"type":"server_error","code":"server_error","message":"no","param":null}}'
)
FAILED = '{"type":"response.failed","sequence_number":10,"response":' + SKELETON.replace("completed", "failed", 1) + "}"


def spelled(message, **options):
    return json.loads(openai_json.encode(message, **options))


@pytest.mark.parametrize(
    ("message_type", "text"),
    [
        pytest.param(v1.Response, SKELETON, id="response"),
        pytest.param(v1.ResponseStreamEvent, ERROR, id="error event"),
        pytest.param(v1.ResponseStreamEvent, FAILED, id="failed event"),
    ],
)
def test_the_wire_that_all_clients_take_comes_back_as_it_was(message_type, text):
    assert spelled(openai_json.decode(text.encode(), message_type)) == json.loads(text)


# Each row: a message with nothing set, as JSON, and the members that must still be there as null.
NULL_MEMBERS = [
    (
        v1.Response,
        "{}",
        "access_programs error incomplete_details instructions temperature top_p completed_at previous_response_id "
        "reasoning usage max_output_tokens max_tool_calls safety_identifier prompt_cache_key",
    ),
    (v1.Tool, '{"type":"function","name":"f"}', "parameters strict description"),
    (v1.ResponseStreamEvent, '{"type":"error"}', "code param"),
    (v1.ErrorObject, "{}", "code param"),
    (v1.Item, '{"type":"code_interpreter_call"}', "code outputs"),
    (v1.Item, '{"type":"shell_call"}', "environment"),
    (v1.FunctionShellAction, "{}", "timeout_ms max_output_length"),
    (v1.Item, '{"type":"shell_call_output"}', "max_output_length"),
    (v1.Item, '{"type":"image_generation_call"}', "result"),
    (v1.ImageGenToolCallError, "{}", "code param"),
    (v1.Item, '{"type":"tool_search_call"}', "call_id"),
    (v1.Item, '{"type":"tool_search_output"}', "call_id"),
    (v1.ComputerAction, '{"type":"double_click"}', "keys"),
    (v1.ResponseStreamEvent, '{"type":"response.output_text.annotation.added"}', "annotation"),
    (v1.CompactResponseRequest, "{}", "model"),
    (v1.ItemList, "{}", "first_id last_id"),
    (v1.ContentPart, '{"type":"computer_screenshot"}', "file_id image_url"),
    (v1.Reasoning, "{}", "effort summary"),
]


@pytest.mark.parametrize(
    ("message_type", "text", "members"), NULL_MEMBERS, ids=[f"{t.__name__} {m}"[:60] for t, _, m in NULL_MEMBERS]
)
def test_a_required_member_without_a_value_is_null(message_type, text, members):
    message = openai_json.decode(text.encode(), message_type)
    out = spelled(message)
    assert {member: out[member] for member in members.split()} == dict.fromkeys(members.split())
    assert not set(members.split()) & set(spelled(message, nulls=False))


# Each row: a message whose optional members are not set, as JSON, and the members that some client cannot see as null.
ABSENT_MEMBERS = [
    (v1.Item, '{"type":"reasoning"}', "encrypted_content content status"),
    (v1.Item, '{"type":"message","role":"assistant"}', "phase status id"),
    (v1.ErrorObject, "{}", "headers misalignment"),
    (v1.Item, '{"type":"mcp_list_tools"}', "error"),
    (v1.McpListToolsTool, "{}", "description annotations"),
    (v1.Item, '{"type":"function_call"}', "namespace async caller id status"),
    (v1.ResponseStreamEvent, '{"type":"error"}', "error status stream_id obfuscation agent"),
    (v1.Response, "{}", "conversation prompt user moderation status tool_choice text input_transformations"),
]


@pytest.mark.parametrize(
    ("message_type", "text", "members"), ABSENT_MEMBERS, ids=[f"{t.__name__} {m}"[:60] for t, _, m in ABSENT_MEMBERS]
)
def test_an_optional_member_without_a_value_is_absent_and_null_means_the_same(message_type, text, members):
    message = openai_json.decode(text.encode(), message_type)
    assert not set(members.split()) & set(spelled(message))
    nulls = json.dumps({**json.loads(text), **dict.fromkeys(members.split())})
    assert openai_json.decode(nulls.encode(), message_type) == message


# Each row: a message with nothing set, as JSON, and what must be there all the same.
EMPTY_MEMBERS = [
    (v1.Response, "{}", {"metadata": {}, "output": [], "tools": [], "id": "", "object": "response"}),
    (v1.Item, '{"type":"message","role":"user"}', {"content": []}),
    (v1.Item, '{"type":"function_call"}', {"arguments": "", "call_id": "", "name": ""}),
    (v1.Item, '{"type":"function_call_output"}', {"output": []}),
    (v1.Item, '{"type":"reasoning"}', {"summary": []}),
    (v1.ContentPart, '{"type":"output_text"}', {"text": "", "annotations": [], "logprobs": []}),
    (
        v1.ResponseStreamEvent,
        '{"type":"response.output_text.delta"}',
        {"sequence_number": 0, "output_index": 0, "content_index": 0, "item_id": "", "delta": "", "logprobs": []},
    ),
    (
        v1.ResponseUsage,
        '{"input_tokens":3}',
        {
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
    ),
]


@pytest.mark.parametrize(
    ("message_type", "text", "members"), EMPTY_MEMBERS, ids=[t.__name__ for t, _, _ in EMPTY_MEMBERS]
)
def test_an_empty_value_of_a_required_member_is_spelled(message_type, text, members):
    out = spelled(openai_json.decode(text.encode(), message_type))
    assert {member: out.get(member) for member in members} == members


# Members with several kinds of JSON, each once in every kind.
SEVERAL_KINDS = [
    (v1.CreateResponseRequest, '{"input":"hi"}', "input_text"),
    (v1.CreateResponseRequest, '{"input":[{"type":"message","role":"user","content":"hi"}]}', "input"),
    (v1.CreateResponseRequest, '{"conversation":"conv_1"}', "conversation_id"),
    (v1.CreateResponseRequest, '{"conversation":{"id":"conv_1"}}', "conversation"),
    (v1.CreateResponseRequest, '{"tool_choice":"required"}', "tool_choice_mode"),
    (v1.CreateResponseRequest, '{"tool_choice":{"type":"function","name":"f"}}', "tool_choice"),
    (v1.CreateResponseRequest, '{"tool_choice":{"type":"web_search_preview_2025_03_11"}}', "tool_choice"),
    (
        v1.CreateResponseRequest,
        '{"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"a":1}]}}',
        "tool_choice",
    ),
    (
        v1.CreateResponseRequest,
        '{"prompt":{"id":"p","variables":{"a":"x","b":{"type":"input_text","text":"y"}}}}',
        "prompt",
    ),
    (v1.Response, '{"instructions":"be brief"}', "instructions_text"),
    (v1.Response, '{"instructions":[{"type":"message","role":"developer","content":[]}]}', "instructions"),
    (v1.Item, '{"type":"message","role":"user","content":"hi"}', "message.content_text"),
    (v1.Item, '{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}', "message.content"),
    (v1.Item, '{"type":"message","role":"assistant","content":""}', "message.content_text"),
    (v1.Item, '{"type":"function_call_output","output":"42"}', "function_call_output.output_text"),
    (
        v1.Item,
        '{"type":"function_call_output","output":[{"type":"input_image","file_id":"f"}]}',
        "function_call_output.output",
    ),
    (v1.Item, '{"type":"custom_tool_call_output","output":"ok","call_id":"c"}', "custom_tool_call_output.output_text"),
    (v1.Item, '{"type":"mcp_call","error":"old"}', "mcp_call.error_text"),
    (v1.Item, '{"type":"mcp_call","error":{"type":"http_error","code":500,"message":"x"}}', "mcp_call.error"),
    (v1.Tool, '{"type":"mcp","server_label":"s","allowed_tools":["a"]}', "mcp.allowed_tools"),
    (v1.Tool, '{"type":"mcp","server_label":"s","allowed_tools":[]}', "mcp.allowed_tools"),
    (v1.Tool, '{"type":"mcp","server_label":"s","allowed_tools":{"read_only":true}}', "mcp.allowed_tools_filter"),
    (v1.Tool, '{"type":"mcp","server_label":"s","require_approval":"never"}', "mcp.require_approval_mode"),
    (
        v1.Tool,
        '{"type":"mcp","server_label":"s","require_approval":{"always":{"tool_names":[]}}}',
        "mcp.require_approval",
    ),
    (v1.Tool, '{"type":"code_interpreter","container":"cntr_1"}', "code_interpreter.container_id"),
    (v1.Tool, '{"type":"code_interpreter","container":{"type":"auto"}}', "code_interpreter.container"),
    (v1.ConnectRequest, '{"type":"response.steer","previous_response_id":"r","input":"stop"}', "steer.input_text"),
]


@pytest.mark.parametrize(("message_type", "text", "path"), SEVERAL_KINDS, ids=[path for _, _, path in SEVERAL_KINDS])
def test_a_member_of_several_kinds_sets_the_field_of_its_kind(message_type, text, path):
    message = openai_json.decode(text.encode(), message_type)
    *arms, field = path.split(".")
    holder = message
    for arm in arms:
        assert holder.WhichOneof(holder.DESCRIPTOR.oneofs[0].name) == arm
        holder = getattr(holder, arm)
    assert field in {descriptor.name for descriptor, _ in holder.ListFields()}
    assert json.loads(text).items() <= spelled(message, nulls=False).items()


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ('{"role":"user","content":"hi"}', "message"),
        ('{"type":null,"role":"user","content":"hi"}', "message"),
        ('{"id":"msg_1","role":"assistant","content":[]}', "message"),
        ('{"id":"msg_1"}', "item_reference"),
        ('{"type":null,"id":"msg_1"}', "item_reference"),
        ('{"type":"item_reference","id":"msg_1"}', "item_reference"),
        ('{"type":"hologram","role":"user"}', "fallback"),
    ],
)
def test_an_item_is_told_by_its_type_else_by_its_members(text, arm):
    assert openai_json.decode(text.encode(), v1.Item).WhichOneof("item") == arm


WRONG = [
    ("input", 5, openai_json.WrongType, "input"),
    ("input", {"a": 1}, openai_json.WrongType, "input"),
    ("input", [5], openai_json.WrongType, "input[0]"),
    ("input", [{}], openai_json.MissingMember, "input[0].type"),
    ("input", [{"type": 5}], openai_json.WrongType, "input[0].type"),
    (
        "input",
        [
            {"role": "user", "content": "a"},
            {"role": "user", "content": []},
            {"role": "user", "content": [{"text": "x"}]},
        ],
        openai_json.MissingMember,
        "input[2].content[0].type",
    ),
    ("input", [{"role": 1, "content": "a"}], openai_json.WrongType, "input[0].role"),
    ("input", [{"role": "user", "content": {}}], openai_json.WrongType, "input[0].content"),
    ("input", [{"role": "user", "content": [None]}], openai_json.WrongType, "input[0].content[0]"),
    (
        "input",
        [{"role": "user", "content": [{"type": "input_text", "text": 1}]}],
        openai_json.WrongType,
        "input[0].content[0].text",
    ),
    ("tools", {}, openai_json.WrongType, "tools"),
    ("tools", [{"name": "f"}], openai_json.MissingMember, "tools[0].type"),
    ("tools", [{"type": "function", "name": ["f"]}], openai_json.WrongType, "tools[0].name"),
    ("tools", [{"type": "function", "name": "f", "strict": "yes"}], openai_json.WrongType, "tools[0].strict"),
    ("tools", [{"type": "mcp", "headers": {"a b": 1}}], openai_json.WrongType, 'tools[0].headers["a b"]'),
    ("tools", [{"type": "mcp", "allowed_tools": [1]}], openai_json.WrongType, "tools[0].allowed_tools[0]"),
    (
        "tools",
        [{"type": "file_search", "filters": {"type": "and", "filters": [{"type": "eq", "key": 1}]}}],
        openai_json.WrongType,
        "tools[0].filters.filters[0].key",
    ),
    ("metadata", {"a": None}, openai_json.WrongType, "metadata.a"),
    ("metadata", [], openai_json.WrongType, "metadata"),
    ("temperature", "1", openai_json.WrongType, "temperature"),
    ("temperature", True, openai_json.WrongType, "temperature"),
    ("max_output_tokens", True, openai_json.WrongType, "max_output_tokens"),
    ("max_output_tokens", 1.5, openai_json.WrongType, "max_output_tokens"),
    ("max_output_tokens", 2**63, openai_json.WrongValue, "max_output_tokens"),
    ("max_output_tokens", 2**70, openai_json.WrongValue, "max_output_tokens"),
    ("max_output_tokens", float(2**54), openai_json.WrongValue, "max_output_tokens"),
    ("store", 1, openai_json.WrongType, "store"),
    ("text", {"format": "text"}, openai_json.WrongType, "text.format"),
    ("prompt", {"id": "p", "variables": {"v": 1}}, openai_json.WrongType, "prompt.variables.v"),
    ("tool_choice", ["auto"], openai_json.WrongType, "tool_choice"),
]


@pytest.mark.parametrize(
    ("member", "value", "error", "param"), WRONG, ids=[f"{p} {json.dumps(v)[:30]}" for _, v, _, p in WRONG]
)
def test_a_wrong_member_is_named_by_its_path(member, value, error, param):
    with pytest.raises(openai_json.DecodeError) as caught:
        openai_json.decode(json.dumps({member: value}).encode(), v1.CreateResponseRequest)
    assert (type(caught.value), caught.value.param) == (error, param)
    assert param in str(caught.value)


def test_a_whole_decimal_number_is_an_integer_and_times_lose_their_fraction():
    request = openai_json.decode(b'{"max_output_tokens":32.0}', v1.CreateResponseRequest)
    assert request.max_output_tokens == 32
    assert openai_json.decode(b'{"created_at":17.75}', v1.Response).created_at == 17


def test_null_of_an_unknown_member_means_absent_but_not_within_a_raw_part():
    response = openai_json.decode(b'{"new":null,"newer":{"a":null},"object":null}', v1.Response)
    assert response.catch_all == '{"newer":{"a":null}}'


def test_what_a_newer_version_adds_is_kept_beside_each_other():
    text = b'{"id":"r","new":{"a":1.0},"status":"paused","newer":[1],"object":"response.v2"}'
    out = spelled(openai_json.decode(text, v1.Response))
    assert json.loads(text).items() <= out.items()


def test_an_enum_number_of_a_newer_version_is_left_out():
    response = v1.Response()
    response.MergeFromString(b"\x18\x63")
    assert response.status == 99
    assert "status" not in spelled(response)


def test_shared_fields_of_an_unknown_event_count_over_its_text():
    text = b'{"type":"response.dream","sequence_number":7,"stream_id":"a","mood":1.00}'
    event = openai_json.decode(text, v1.ResponseStreamEvent)
    assert (event.WhichOneof("event"), event.sequence_number, event.stream_id) == ("fallback", 7, "a")
    event.sequence_number = 8
    event.ClearField("stream_id")
    written = openai_json.encode(event)
    assert spelled(event) == {"type": "response.dream", "sequence_number": 8, "stream_id": "a", "mood": 1.0}
    assert b"1.00" in written


def test_a_union_without_an_arm_cannot_be_spelled():
    with pytest.raises(ValueError, match="no item is set"):
        openai_json.encode(v1.Response(output=[v1.Item(id="msg_1")]))


def test_raw_json_with_line_breaks_is_written_in_one_line():
    text = b'{"tools":[{"type":"function","name":"f","parameters":{\n "z":1.00,\r\n "a":"x\\n"}}],"new":[\n1]}'
    request = openai_json.decode(text, v1.CreateResponseRequest)
    assert request.tools[0].function.parameters == '{\n "z":1.00,\r\n "a":"x\\n"}'
    written = openai_json.encode(request, nulls=False)
    assert b'{  "z":1.00,   "a":"x\\n"}' in written
    assert not {b"\n", b"\r"} & {bytes([byte]) for byte in written}


def test_a_field_counts_over_a_member_of_the_same_name_in_the_catch_all():
    response = v1.Response(id="mine", catch_all='{"id":"theirs","completed_at":1,"new":2}')
    out = spelled(response)
    assert (out["id"], out["completed_at"], out["new"]) == ("mine", None, 2)


def test_equal_messages_are_spelled_alike():
    first, second = v1.Response(), v1.Response()
    first.metadata.update({"a": "1", "b": "2", "c": "3"})
    second.metadata.update({"c": "3", "b": "2", "a": "1"})
    assert list(spelled(first)["metadata"]) == list(spelled(second)["metadata"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("message", "tag"),
    [
        (v1.Tool(web_search=v1.WebSearchTool()), "web_search"),
        (v1.Tool(web_search=v1.WebSearchTool(type="web_search_2025_08_26")), "web_search_2025_08_26"),
        (v1.ToolChoice(hosted=v1.HostedToolChoice()), "file_search"),
        (v1.Filter(compound=v1.CompoundFilter()), "and"),
        (v1.Item(message=v1.Message(role="user")), "message"),
    ],
)
def test_an_arm_is_spelled_with_the_tag_it_keeps_or_its_usual_one(message, tag):
    assert spelled(message)["type"] == tag
