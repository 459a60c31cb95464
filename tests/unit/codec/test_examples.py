"""Documents as OpenAI's API and its clients write them, each exactly as it must come back."""

from __future__ import annotations

import json

import pytest

from antiphon import openai_json
from antiphon.responses import v1

Tool, Item, Part, Event, Choice = v1.Tool, v1.Item, v1.ContentPart, v1.ResponseStreamEvent, v1.ToolChoice
CALL = '{"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\\"a\\": 1}"'

EXAMPLES = [
    (Tool, '{"type":"function","name":"f","description":null,"parameters":{"type":"object"},"strict":true}'),
    (Tool, '{"type":"function","name":"f","description":"d","parameters":null,"strict":null,"async":true}'),
    (Tool, '{"type":"web_search","external_web_access":false}'),
    (Tool, '{"type":"web_search_2025_08_26","filters":{"allowed_domains":["a.org"]},"search_context_size":"low"}'),
    (Tool, '{"type":"web_search_preview","user_location":{"type":"approximate","country":"DE"}}'),
    (Tool, '{"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark","definition":"start: /a/"}}'),
    (Tool, '{"type":"namespace","name":"n","description":"","tools":[{"type":"custom","name":"c"}]}'),
    (Tool, '{"type":"tool_search","execution":"client","description":"d","parameters":{"b":1,"a":2}}'),
    (Tool, '{"type":"shell","environment":{"type":"container_auto","network_policy":{"type":"disabled"}}}'),
    (Tool, '{"type":"code_interpreter","container":{"type":"auto","file_ids":["f"],"memory_limit":"4g"}}'),
    (Tool, '{"type":"computer_use_preview","display_width":1,"display_height":0,"environment":"browser"}'),
    (Tool, '{"type":"file_search","vector_store_ids":[],"filters":{"type":"in","key":"k","value":["a",1.50,true]}}'),
    (
        Tool,
        '{"type":"file_search","vector_store_ids":["v"],"filters":{"type":"or","filters":[{"type":"and","filters":'
        '[{"type":"ne","key":"k","value":"x"}]},{"type":"near","km":5.0}]}}',
    ),
    (
        Tool,
        '{"type":"mcp","server_label":"s","server_url":"https://a","headers":{"X-A":"b"},"require_approval":'
        '{"never":{"tool_names":["t"],"read_only":true}},"allowed_tools":["t"]}',
    ),
    (Tool, '{"type":"teleport","to":{"lat":1.00}}'),
    (Choice, '{"type":"allowed_tools","mode":"required","tools":[{"type":"mcp","server_label":"w"},{"z":1,"a":1}]}'),
    (Choice, '{"type":"function","name":"f"}'),
    (Choice, '{"type":"computer_use"}'),
    (Choice, '{"type":"file_search"}'),
    (Choice, '{"type":"mcp","server_label":"s","name":"t"}'),
    (Choice, '{"type":"programmatic_tool_calling"}'),
    (Item, '{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"e"}'),
    (Item, '{"type":"message","role":"user","content":[{"type":"input_image","image_url":"data:,"}]}'),
    (Item, '{"type":"message","id":"msg_1","status":"completed","role":"assistant","phase":"commentary","content":'
           '[{"type":"refusal","refusal":"no"}]}'),
    (Item, CALL + ',"status":"completed"}'),
    (Item, CALL + ',"caller":{"type":"program","caller_id":"p"},"namespace":"n","async":false}'),
    (Item, '{"type":"function_call_output","id":"fco_1","call_id":"call_1","output":"[1.0]"}'),
    (Item, '{"type":"item_reference","id":"msg_1"}'),
    (Item, '{"type":"compaction_trigger"}'),
    (Item, '{"type":"compaction","id":"cmp_1","encrypted_content":"x","created_by":"u"}'),
    (Item, '{"type":"additional_tools","role":"developer","tools":[{"type":"local_shell"}]}'),
    (Item, '{"type":"configuration_update","reasoning":{"effort":"low"},"text":{"format":{"type":"text"}}}'),
    (Item, '{"type":"tool_search_call","id":"t","call_id":null,"arguments":{"q":1e2},"execution":"server"}'),
    (Item, '{"type":"web_search_call","id":"ws","status":"searching","action":{"type":"search","query":"q","queries":'
           '["q"],"sources":[{"type":"url","url":"u"},{"type":"api","name":"n"}]}}'),
    (Item, '{"type":"code_interpreter_call","id":"ci","container_id":"c","code":"1","outputs":[],"status":"failed"}'),
    (Item, '{"type":"image_generation_call","id":"ig","result":"aGk=","action":"edit","status":"completed"}'),
    (Item, '{"type":"computer_call","id":"cu","call_id":"c","pending_safety_checks":[],"action":'
           '{"type":"double_click","x":1,"y":2,"keys":null}}'),
    (Item, '{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","image_url":"u"}}'),
    (Item, '{"type":"shell_call","call_id":"c","action":{"commands":["ls"],"timeout_ms":null,"max_output_length":9},'
           '"environment":{"type":"container_reference","container_id":"x"}}'),
    (Item, '{"type":"shell_call_output","call_id":"c","max_output_length":null,"output":[{"stdout":"","stderr":"",'
           '"outcome":{"type":"exit","exit_code":0}},{"stdout":"","stderr":"","outcome":{"type":"timeout"}}]}'),
    (Item, '{"type":"apply_patch_call","call_id":"c","operation":{"type":"delete_file","path":"a"}}'),
    (Item, '{"type":"mcp_list_tools","id":"m","server_label":"s","tools":[{"name":"t","input_schema":{"b":1,"a":2}}]}'),
    (Item, '{"type":"mcp_call","server_label":"s","name":"t","arguments":"","error":'
           '{"type":"mcp_tool_execution_error","content":[{"b":1.0}]}}'),
    (Item, '{"type":"local_shell_call","call_id":"c","action":{"type":"exec","command":["ls"],"env":{}}}'),
    (Item, '{"type":"multi_agent_call","call_id":"c","action":"spawn_agent","arguments":"{}",'
           '"agent":{"agent_name":"a"}}'),
    (Part, '{"type":"input_file","filename":"a","file_data":"x","prompt_cache_breakpoint":{"mode":"explicit"}}'),
    (Part, '{"type":"output_text","text":"t","annotations":[{"type":"url_citation","url":"","title":"","start_index":1,'
           '"end_index":1}],"logprobs":[{"token":"t","logprob":-0.5,"bytes":[116],"top_logprobs":[]}]}'),
    (Part, '{"type":"input_audio","input_audio":{"data":"","format":"wav"}}'),
    (Event, '{"type":"response.output_text.delta","sequence_number":0,"item_id":"m","output_index":0,"content_index":0,'
            '"delta":"","logprobs":[],"obfuscation":"x","stream_id":"lane"}'),
    (Event, '{"type":"response.output_text.annotation.added","sequence_number":1,"item_id":"m","output_index":0,'
            '"content_index":0,"annotation_index":0,"annotation":null}'),
    (Event, '{"type":"response.shell_call_output_content.delta","sequence_number":1,"item_id":"s","output_index":0,'
            '"command_index":0,"delta":{"stdout":"a"}}'),
    (Event, '{"type":"response.function_call_arguments.done","sequence_number":1,"item_id":"f","output_index":0,'
            '"arguments":"{"}'),
    (Event, '{"type":"error","sequence_number":0,"status":400,"code":null,"param":null,"error":{"type":"t",'
            '"message":"m","code":null,"param":null,"headers":{"retry-after":"1"}}}'),
    (Event, '{"type":"response.dream","sequence_number":3,"picture":{"b":1.0,"a":[]}}'),
    (Event, '{"type":"response.steer.pending","sequence_number":0,"reason":"waiting_for_required_input","steer":'
            '{"id":"s","previous_response_id":"r"},"required_input":[{"type":"shell_call_output","call_id":"c"}]}'),
    (v1.TextFormat, '{"type":"json_schema","name":"n","schema":{"z":1,"a":{"$ref":"#"}},"strict":false}'),
    (v1.TextFormat, '{"type":"json_object"}'),
    (v1.Prompt, '{"id":"p","version":"2","variables":{"a":"x","b":{"type":"input_file","file_url":"u"}}}'),
    (v1.ItemList, '{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'),
    (v1.Conversation, '{"id":"conv_1","object":"conversation","created_at":1,"metadata":{"a":""}}'),
    (v1.DeleteResponseResponse, '{"id":"resp_1","object":"response","deleted":true}'),
    (v1.DeleteConversationResponse, '{"id":"conv_1","object":"conversation.deleted","deleted":true}'),
    (v1.CountInputTokensResponse, '{"object":"response.input_tokens","input_tokens":7}'),
    (v1.ErrorResponse, '{"error":{"message":"m","type":"invalid_request_error","param":null,"code":null}}'),
    (v1.PromptCacheDiagnostics, '{"type":"cache_miss","reason":"tools_changed","cache_missed_tokens":3}'),
    (v1.ModerationOutcome, '{"type":"moderation_result","model":"m","flagged":false,"categories":{"a":false},'
                           '"category_scores":{"a":0.25},"category_applied_input_types":{"a":["text"]}}'),
]  # fmt: skip


@pytest.mark.parametrize(("message_type", "text"), EXAMPLES, ids=[f"{t.__name__} {text[:40]}" for t, text in EXAMPLES])
def test_an_example_comes_back_as_it_was(message_type, text):
    def numbers_as_written(text: str | bytes) -> object:
        return json.loads(text, parse_float=lambda digits: f"number {digits}")

    written = openai_json.encode(openai_json.decode(text.encode(), message_type))
    assert numbers_as_written(written) == numbers_as_written(text)


def test_a_request_as_a_coding_agent_sends_it_reaches_an_upstream_unchanged():
    text = (
        '{"model":"m","instructions":"i","input":[{"type":"message","id":"m1","role":"developer","content":[{"type":'
        '"input_text","text":"a"}]},{"type":"reasoning","id":"rs","summary":[],"encrypted_content":"e"},'
        '{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"f","parameters":{"z":'
        '{"encrypted":true},"a":1}}]}],"tool_choice":"auto","parallel_tool_calls":false,"reasoning":{"effort":"high",'
        '"context":"all_turns"},"store":false,"stream":true,"include":["reasoning.encrypted_content"],'
        '"prompt_cache_key":"k","text":{"verbosity":"low"},"client_metadata":{"x":1.00}}'
    )
    request = openai_json.decode(text.encode(), v1.CreateResponseRequest)
    assert json.loads(openai_json.encode(request, nulls=False)) == json.loads(text)
    with_nulls = text.replace('"summary":[]', '"summary":[],"content":null,"status":null')
    assert openai_json.decode(with_nulls.encode(), v1.CreateResponseRequest) == request
