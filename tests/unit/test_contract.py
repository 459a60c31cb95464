"""What every message, union, error reason and method of the contract must have."""

from __future__ import annotations

import importlib
import keyword
import re
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from antiphon.openai.v1 import options_pb2
from antiphon.openai_json import spelling
from antiphon.responses import v1
from google.api import annotations_pb2

# Messages that only gRPC knows: requests whose members are parts of a path and a query, and batches of events.
NOT_SPELLED = {
    "CancelResponseRequest", "ConnectResponse", "DeleteConversationItemRequest", "DeleteConversationRequest",
    "DeleteResponseRequest", "GetConversationItemRequest", "GetConversationRequest", "GetModelRequest",
    "GetResponseRequest", "ListConversationItemsRequest", "ListInputItemsRequest", "ListModelsRequest",
    "ResponseStreamChunk",
}  # fmt: skip
FILES = [
    importlib.import_module(f"antiphon.responses.v1.{path.stem}").DESCRIPTOR
    for path in sorted(Path(v1.__file__).parent.glob("*_pb2.py"))
]


def messages(descriptors: Any = None) -> list[Descriptor]:
    found = []
    for descriptor in (
        [d for file in FILES for d in file.message_types_by_name.values()] if descriptors is None else descriptors
    ):
        if not descriptor.GetOptions().map_entry:
            found += [descriptor, *messages(descriptor.nested_types)]
    return found


MESSAGES = messages()
UNIONS = [descriptor for descriptor in MESSAGES if spelling.of_message(descriptor).discriminator]
METHODS = [m for file in FILES for service in file.services_by_name.values() for m in service.methods]
named = {"ids": lambda descriptor: descriptor.name}


def union(message_type: Any) -> set[str]:
    return {tag for arm in spelling.of_message(message_type.DESCRIPTOR).arms for tag in arm.tags}


def test_every_object_keeps_members_it_does_not_know():
    in_a_union_that_does = {
        arm.field.message_type.full_name
        for descriptor in UNIONS
        for arm in spelling.of_message(descriptor).arms
        if spelling.of_message(descriptor).catch_all
    }
    for descriptor in MESSAGES:
        spelled = spelling.of_message(descriptor)
        arms_do = spelled.arms and all(spelling.of_message(arm.field.message_type).catch_all for arm in spelled.arms)
        exempt = spelled.is_list or spelled.by_kind or descriptor.name in NOT_SPELLED
        needed = not (exempt or descriptor.full_name in in_a_union_that_does or arms_do)
        assert bool(spelled.catch_all) == needed, descriptor.full_name


@pytest.mark.parametrize("descriptor", UNIONS, **named)
def test_every_union_has_a_fallback_and_tells_its_arms_apart(descriptor):
    spelled = spelling.of_message(descriptor)
    assert spelled.fallback is not None
    assert spelled.fallback.containing_oneof is spelled.arms[0].field.containing_oneof
    tags = Counter(tag for arm in spelled.arms for tag in arm.tags)
    assert set(tags.values()) == {1}
    for arm in spelled.arms:
        inner = spelling.of_message(arm.field.message_type)
        keeps = inner.members.get(spelled.discriminator)
        assert (keeps is not None) == arm.keeps_tag, arm.field.name
        assert keeps is None or (keeps[0].type == FieldDescriptor.TYPE_STRING and not keeps[0].has_presence)
        # A member of both would be spelled twice.
        assert not set(inner.members) & set(spelled.members)
        assert not set(inner.constants) & set(spelled.members)


@pytest.mark.parametrize("descriptor", MESSAGES, **named)
def test_options_are_used_where_the_codec_heeds_them(descriptor):
    spelled = spelling.of_message(descriptor)
    assert sum([spelled.is_list, spelled.by_kind, bool(spelled.discriminator)]) <= 1
    assert not spelled.is_list or (len(descriptor.fields) == 1 and descriptor.fields[0].is_repeated)
    assert not set(spelled.constants) & set(spelled.members)
    for field in descriptor.fields:
        options = spelling.of_field(field)
        is_text = field.type == FieldDescriptor.TYPE_STRING
        assert is_text or not (options.raw_json or options.catch_all or options.fallback), field.full_name
        assert field.is_repeated or not options.omit_when_empty, field.full_name
        # The encoder's source names fields as they are.
        assert not keyword.iskeyword(field.name), field.full_name
        assert field.message_type or not options.empty_when_unset, field.full_name
        assert not options.null_when_unset or field.has_presence or options.omit_when_empty, field.full_name
        assert not options.tags or field.containing_oneof is not None, field.full_name
        # A word that this version does not know is kept in the message's own catch-all.
        assert field.enum_type is None or spelled.catch_all is not None, field.full_name
        assert (
            not spelling.is_map(field) or field.message_type.fields_by_name["key"].type == FieldDescriptor.TYPE_STRING
        )
    for fields in spelled.members.values():
        kinds = Counter(
            "list" if f.is_repeated or (f.message_type and spelling.of_message(f.message_type).is_list)
            else "object" if f.message_type else "string"
            for f in fields
        )  # fmt: skip
        assert len(fields) == 1 or set(kinds.values()) == {1}, fields[0].full_name
        assert len(fields) == 1 or all(f.message_type or f.type == FieldDescriptor.TYPE_STRING for f in fields)


def words(text: str) -> list[str]:
    return text.split()


SSE_EVENTS = words("""
audio.delta audio.done audio.transcript.delta audio.transcript.done code_interpreter_call_code.delta
code_interpreter_call_code.done code_interpreter_call.completed code_interpreter_call.in_progress
code_interpreter_call.interpreting compaction.compacting completed content_part.added content_part.done created
file_search_call.completed file_search_call.in_progress file_search_call.searching function_call_arguments.delta
function_call_arguments.done shell_call_command.added shell_call_command.delta shell_call_command.done
shell_call_output_content.delta shell_call_output_content.done in_progress failed incomplete output_item.added
output_item.done reasoning_summary_part.added reasoning_summary_part.done reasoning_summary_text.delta
reasoning_summary_text.done reasoning_text.delta reasoning_text.done refusal.delta refusal.done output_text.delta
output_text.done web_search_call.completed web_search_call.in_progress web_search_call.searching
image_generation_call.completed image_generation_call.generating image_generation_call.in_progress
image_generation_call.partial_image mcp_call_arguments.delta mcp_call_arguments.done mcp_call.completed mcp_call.failed
mcp_call.in_progress mcp_list_tools.completed mcp_list_tools.failed mcp_list_tools.in_progress
output_text.annotation.added queued custom_tool_call_input.delta custom_tool_call_input.done
""")
# Sent by OpenAI but in none of its lists; by Open Responses' servers; by vLLM; beta; WebSocket only.
FURTHER_EVENTS = words("""
apply_patch_call_operation_diff.delta apply_patch_call_operation_diff.done reasoning.delta reasoning.done
reasoning_part.added reasoning_part.done inject.created inject.failed steer.accepted steer.pending steer.failed
""")
ITEMS = words("""
message file_search_call computer_call computer_call_output web_search_call function_call function_call_output
tool_search_call tool_search_output additional_tools configuration_update reasoning compaction image_generation_call
code_interpreter_call local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call
apply_patch_call_output mcp_list_tools mcp_approval_request mcp_approval_response mcp_call custom_tool_call_output
custom_tool_call compaction_trigger item_reference program program_output
""")
BETA_ITEMS = words("agent_message multi_agent_call multi_agent_call_output")
TOOLS = words("""
function file_search computer computer_use_preview web_search web_search_2025_08_26 mcp code_interpreter
programmatic_tool_calling image_generation local_shell shell custom namespace tool_search web_search_preview
web_search_preview_2025_03_11 apply_patch
""")


def test_every_event_item_and_tool_of_the_api_has_its_message():
    events = {f"response.{name}" for name in SSE_EVENTS} | {"error"}
    assert (len(events), len(ITEMS), len(TOOLS)) == (59, 31, 18)
    assert union(v1.ResponseStreamEvent) == events | {f"response.{name}" for name in FURTHER_EVENTS}
    assert union(v1.Item) == {*ITEMS, *BETA_ITEMS}
    assert union(v1.Tool) == set(TOOLS)
    assert len(spelling.of_message(v1.Tool.DESCRIPTOR).arms) == 16


@pytest.mark.parametrize(
    ("message_type", "types"),
    [
        (v1.Annotation, "file_citation url_citation container_file_citation file_path"),
        (v1.TextFormat, "text json_schema json_object"),
        (v1.Filter, "eq ne gt gte lt lte in nin and or"),
        (v1.ToolCallCaller, "direct program"),
        (v1.ApplyPatchOperation, "create_file update_file delete_file"),
        (v1.WebSearchAction, "search open_page find_in_page"),
        (v1.ComputerAction, "click double_click drag keypress move screenshot scroll type wait"),
        (v1.McpToolCallError, "mcp_protocol_error mcp_tool_execution_error http_error"),
        (v1.ShellEnvironment, "container_auto local container_reference"),
        (v1.ConnectRequest, "response.create response.steer response.inject"),
        (
            v1.ToolChoice,
            "allowed_tools function mcp custom programmatic_tool_calling apply_patch shell file_search web_search "
            "web_search_preview web_search_preview_2025_03_11 computer computer_use_preview computer_use "
            "image_generation code_interpreter local_shell",
        ),
    ],
)
def test_a_union_has_the_types_of_the_api(message_type, types):
    assert union(message_type) == set(types.split())


def test_free_json_is_kept_as_text_and_text_that_holds_json_is_not_read():
    raw = {f"{d.name}.{f.name}" for d in MESSAGES for f in d.fields if spelling.of_field(f).raw_json}
    assert raw == {
        "FunctionTool.parameters", "FunctionTool.output_schema", "ToolSearchTool.parameters",
        "ResponseFormatTextJsonSchemaConfig.schema", "ToolSearchCall.arguments", "McpListToolsTool.input_schema",
        "McpListToolsTool.annotations", "McpToolExecutionError.content", "ToolChoiceAllowed.tools",
        "FileSearchResult.attributes", "ComparisonFilter.value",
    }  # fmt: skip


def test_secrets_are_marked():
    marked = {f"{d.name}.{f.name}" for d in MESSAGES for f in d.fields if spelling.of_field(f).sensitive}
    assert marked == {
        "McpTool.authorization", "McpTool.headers", "ContainerNetworkPolicyDomainSecret.value",
        "LocalShellExecAction.env",
    }  # fmt: skip


REASONS = [value for value in v1.ErrorReason.DESCRIPTOR.values if value.number]


@pytest.mark.parametrize("value", REASONS, ids=lambda value: value.name)
def test_every_error_reason_says_how_it_is_told(value):
    error = value.GetOptions().Extensions[options_pb2.error]
    assert error.grpc_code in {code.value[0] for code in grpc.StatusCode if code is not grpc.StatusCode.OK}
    assert 400 <= error.http_status < 600
    assert re.fullmatch(r"[a-z_]+", error.type)
    assert re.fullmatch(r"[a-z_]*", error.code)
    # What OpenAI's SDKs retry by themselves and what they are told to retry: the second is part of the first.
    assert not error.retryable or error.http_status in {408, 409, 429} or error.http_status >= 500
    assert (error.type == "server_error") == (error.http_status >= 500) or value.name.endswith("_UNIMPLEMENTED")


def test_no_error_reason_stands_for_nothing():
    zero = v1.ErrorReason.DESCRIPTOR.values_by_number[0]
    assert not zero.GetOptions().HasExtension(options_pb2.error)


def http_rule(method: Any) -> Any:
    return method.GetOptions().Extensions[annotations_pb2.http]


def test_every_unary_method_has_a_path_of_its_own_and_no_stream_has():
    routes = []
    for method in METHODS:
        rule = http_rule(method)
        verb = rule.WhichOneof("pattern")
        is_stream = method.client_streaming or method.server_streaming
        assert (verb is None) == is_stream, method.full_name
        if verb is None:
            continue
        # Envoy refuses to load a rule with `response_body`.
        assert not rule.response_body, method.full_name
        assert not rule.additional_bindings, method.full_name
        assert rule.body in ({"", "*"} if verb == "post" else {""}), method.full_name
        path = getattr(rule, verb)
        for field in re.findall(r"{(\w+)", path):
            assert field in method.input_type.fields_by_name, method.full_name
        routes.append((verb, re.sub(r"{\w+", "{", path)))
    assert len(routes) == len(set(routes)) == 17


def test_fields_of_a_body_are_no_query_and_messages_without_a_body_are_not_spelled():
    unspelled = {m.input_type.name for m in METHODS if http_rule(m).WhichOneof("pattern") and not http_rule(m).body}
    assert unspelled | {"ConnectResponse", "ResponseStreamChunk"} == NOT_SPELLED
