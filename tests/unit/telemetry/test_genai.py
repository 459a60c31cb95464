"""The attributes of a response's span: whole sets, as they are sent."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server import errors
from server.telemetry.content import CAPS, Caps
from server.telemetry.genai import error_type, of_response, span_name
from server.telemetry.record import Attempt, Outcome, ResponseRecord, Tokens

REQUEST = {"model": "fast", "input": "What is the weather?"}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "fast",
    "parallel_tool_calls": True,
    "service_tier": "default",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Sunny.", "annotations": []}],
        }
    ],
}


def record(
    request: dict[str, Any] | None = None,
    response: dict[str, Any] | None = None,
    *,
    outcome: Outcome = Outcome.COMPLETED,
    content: bool = True,
    **more: Any,
) -> ResponseRecord:
    """A response that has ended."""
    asked = openai_json.decode(orjson.dumps({**REQUEST, **(request or {})}), v1.CreateResponseRequest)
    made = ResponseRecord("req_1", "acme", "dev", asked.model, False, asked, captures_content=content)
    made.model_is_known = True
    made.outcome = outcome
    if outcome is not Outcome.REFUSED:
        made.attempts = [Attempt(1, "fast", "mock", "openai", "gpt-5-mini")]
        made.response = openai_json.decode(orjson.dumps({**RESPONSE, **(response or {})}), v1.Response)
        made.response_id = made.response.id
        made.tokens = Tokens(12, 34)
    for name, value in more.items():
        setattr(made, name, value)
    return made


#: What every span says of the request and the answer above, with or without content.
ALWAYS = {
    "gen_ai.operation.name": "chat",
    "openai.api.type": "responses",
    "openinference.span.kind": "LLM",
    "gen_ai.request.stream": False,
    "antiphon.request.id": "req_1",
    "antiphon.tenant": "acme",
    "antiphon.key": "dev",
    "llm.invocation_parameters": "{}",
    "gen_ai.request.model": "fast",
    "llm.request.model_name": "fast",
    "llm.model_name": "gpt-5-mini",
    "gen_ai.provider.name": "openai",
    "llm.system": "openai",
    "llm.provider": "openai",
    "antiphon.attempt.target": "fast",
    "antiphon.attempt.provider": "mock",
    "gen_ai.response.model": "gpt-5-mini",
    "llm.response.model_name": "gpt-5-mini",
    "antiphon.outcome": "completed",
    "antiphon.attempts": 1,
    "antiphon.failovers": 0,
    "gen_ai.response.finish_reasons": ["stop"],
    "llm.finish_reason": "stop",
    "gen_ai.response.id": "resp_1",
    "openai.response.service_tier": "default",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 34,
    "llm.token_count.prompt": 12,
    "llm.token_count.completion": 34,
    "llm.token_count.total": 46,
}
ANSWER = {
    "gen_ai.output.messages": [
        {"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}], "finish_reason": "stop"}
    ],
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "Sunny.",
    "output.value": "Sunny.",
    "output.mime_type": "text/plain",
}
JSON = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions")


def shown(made: ResponseRecord, caps: Caps = CAPS) -> dict[str, Any]:
    """The attributes, with those that hold JSON read."""
    found: dict[str, Any] = dict(of_response(made, caps))
    size = found.pop("antiphon.content.size", None)
    if size is not None:
        assert 0 < size <= caps.total
    return {name: json.loads(value) if name in JSON else value for name, value in found.items()}


def test_without_capture_nothing_of_what_was_said_is_there() -> None:
    assert shown(record(content=False)) == ALWAYS


def test_text() -> None:
    assert shown(record({"instructions": "Be brief.", "metadata": {"team": "a"}})) == {
        **ALWAYS,
        **ANSWER,
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "What is the weather?"}]}],
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be brief.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": "What is the weather?",
        "input.value": "What is the weather?",
        "input.mime_type": "text/plain",
        "metadata": '{"team":"a"}',
    }


def test_parts_of_a_message_go_by_their_index() -> None:
    content = [
        {"type": "input_text", "text": "Compare."},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
        {"type": "input_image", "image_url": "data:image/png;base64," + "QUJD" * 400, "detail": "auto"},
        {"type": "input_file", "file_id": "file_1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJDRA=="},
        {"type": "input_file", "filename": "b.txt", "file_url": "https://example.com/b.txt"},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
    ]
    contents = "llm.input_messages.0.message.contents"
    assert shown(record({"input": [{"type": "message", "role": "user", "content": content}]})) == {
        **ALWAYS,
        **ANSWER,
        "gen_ai.input.messages": [
            {
                "role": "user",
                "parts": [
                    {"type": "text", "content": "Compare."},
                    {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
                    {
                        "type": "blob",
                        "modality": "image",
                        "mime_type": "image/png",
                        "content": "[image/png, 1200 bytes]",
                    },
                    {"type": "file", "modality": "document", "file_id": "file_1"},
                    {
                        "type": "blob",
                        "modality": "document",
                        "mime_type": "application/pdf",
                        "name": "a.pdf",
                        "content": "[application/pdf, 4 bytes]",
                    },
                    {"type": "uri", "modality": "document", "name": "b.txt", "uri": "https://example.com/b.txt"},
                    {"type": "blob", "modality": "audio", "mime_type": "audio/mp3", "content": "[audio/mp3, 3 bytes]"},
                ],
            }
        ],
        "llm.input_messages.0.message.role": "user",
        f"{contents}.0.message_content.type": "text",
        f"{contents}.0.message_content.text": "Compare.",
        f"{contents}.1.message_content.type": "image",
        f"{contents}.1.message_content.image.image.url": "https://example.com/a.png",
        f"{contents}.2.message_content.type": "image",
        f"{contents}.2.message_content.image.image.url": "[image/png, 1200 bytes]",
        f"{contents}.3.message_content.type": "document",
        f"{contents}.3.message_content.document.document.id": "file_1",
        f"{contents}.4.message_content.type": "document",
        f"{contents}.4.message_content.document.document.name": "a.pdf",
        f"{contents}.4.message_content.document.document.url": "[application/pdf, 4 bytes]",
        f"{contents}.4.message_content.document.document.mime_type": "application/pdf",
        f"{contents}.5.message_content.type": "document",
        f"{contents}.5.message_content.document.document.name": "b.txt",
        f"{contents}.5.message_content.document.document.url": "https://example.com/b.txt",
        f"{contents}.6.message_content.type": "audio",
        f"{contents}.6.message_content.audio.audio.mime_type": "audio/mp3",
        f"{contents}.6.message_content.audio.audio.url": "[audio/mp3, 3 bytes]",
        "input.value": "Compare.",
        "input.mime_type": "text/plain",
    }


TOOL = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": True,
}


def call(number: int, city: str) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}",
        "name": "weather",
        "arguments": json.dumps({"city": city}),
        "status": "completed",
    }


def test_tools_offered_calls_side_by_side_and_results() -> None:
    asked = [
        {"type": "message", "role": "user", "content": "Where is it warm?"},
        call(1, "Oslo"),
        call(2, "Rome"),
        {"type": "function_call_output", "call_id": "call_1", "output": "3"},
        {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "21"}]},
    ]
    made = record({"input": asked, "tools": [TOOL], "tool_choice": "auto"}, {"output": [call(3, "Bonn")]})
    calls = [
        {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": '{"city": "Oslo"}'},
        {"type": "tool_call", "id": "call_2", "name": "weather", "arguments": '{"city": "Rome"}'},
        {"type": "tool_call", "id": "call_3", "name": "weather", "arguments": '{"city": "Bonn"}'},
    ]

    def flat(prefix: str, index: int, number: int, city: str) -> dict[str, str]:
        tool_call = f"{prefix}.message.tool_calls.{index}.tool_call"
        return {
            f"{tool_call}.id": f"call_{number}",
            f"{tool_call}.function.name": "weather",
            f"{tool_call}.function.arguments": json.dumps({"city": city}),
        }

    assert shown(made) == {
        **ALWAYS,
        "llm.invocation_parameters": '{"tool_choice":"auto","tools":1}',
        "gen_ai.response.finish_reasons": ["tool_call"],
        "llm.finish_reason": "tool_call",
        "gen_ai.tool.definitions": [TOOL],
        "llm.tools.0.tool.json_schema": json.dumps(TOOL, separators=(",", ":")),
        "gen_ai.output.messages": [{"role": "assistant", "parts": calls[2:], "finish_reason": "tool_call"}],
        "llm.output_messages.0.message.role": "assistant",
        **flat("llm.output_messages.0", 0, 3, "Bonn"),
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": "Where is it warm?"}]},
            {"role": "assistant", "parts": calls[:2]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "3"}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_2", "response": "21"}]},
        ],
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Where is it warm?",
        "llm.input_messages.1.message.role": "assistant",
        **flat("llm.input_messages.1", 0, 1, "Oslo"),
        **flat("llm.input_messages.1", 1, 2, "Rome"),
        "llm.input_messages.2.message.role": "tool",
        "llm.input_messages.2.message.tool_call_id": "call_1",
        "llm.input_messages.2.message.content": "3",
        "llm.input_messages.3.message.role": "tool",
        "llm.input_messages.3.message.tool_call_id": "call_2",
        "llm.input_messages.3.message.content": "21",
        "input.value": "21",
        "input.mime_type": "text/plain",
    }


def test_reasoning_and_a_refusal() -> None:
    output = [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Thinking."}],
            "encrypted_content": "gAAAAsealed",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "refusal", "refusal": "I cannot."}],
        },
    ]
    made = record(
        {"reasoning": {"effort": "low"}},
        {"output": output},
        tokens=Tokens(12, 34, cached=5, cache_write=2, reasoning=30, estimated=True),
    )
    contents = "llm.output_messages.0.message.contents"
    found = shown(made)
    assert "sealed" not in str(found)
    asked = [name for name in found if name.startswith(("llm.input", "gen_ai.input", "input."))]
    assert {name: value for name, value in found.items() if name not in asked} == {
        **ALWAYS,
        "llm.invocation_parameters": '{"reasoning":{"effort":"low"}}',
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.usage.cache_read.input_tokens": 5,
        "llm.token_count.prompt_details.cache_read": 5,
        "gen_ai.usage.cache_write.input_tokens": 2,
        "llm.token_count.prompt_details.cache_write": 2,
        "gen_ai.usage.reasoning.output_tokens": 30,
        "llm.token_count.completion_details.reasoning": 30,
        "antiphon.tokens.estimated": True,
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "Thinking."},
                    {"type": "refusal", "content": "I cannot."},
                ],
                "finish_reason": "stop",
            }
        ],
        "llm.output_messages.0.message.role": "assistant",
        f"{contents}.0.message_content.type": "reasoning",
        f"{contents}.0.message_content.text": "Thinking.",
        f"{contents}.1.message_content.type": "text",
        f"{contents}.1.message_content.text": "I cannot.",
        "output.value": "I cannot.",
        "output.mime_type": "text/plain",
    }


def test_failed_by_the_provider() -> None:
    made = record(
        response={"status": "failed", "output": [], "error": {"code": "server_error", "message": "It broke."}},
        outcome=Outcome.FAILED,
        content=False,
    )
    assert shown(made) == {
        **ALWAYS,
        "antiphon.outcome": "failed",
        "error.type": "server_error",
        "gen_ai.response.finish_reasons": ["error"],
        "llm.finish_reason": "error",
    }


def test_refused() -> None:
    error = errors.RateLimitExceeded("Wait.")
    assert shown(record(outcome=Outcome.REFUSED, content=False, error=error)) == {
        name: value
        for name, value in {**ALWAYS, "antiphon.outcome": "refused", "error.type": "rate_limit_exceeded"}.items()
        if not name.startswith(("gen_ai.response", "gen_ai.usage", "gen_ai.provider", "llm.token", "llm.response"))
        and name
        not in (
            "llm.system",
            "llm.provider",
            "llm.finish_reason",
            "openai.response.service_tier",
            "antiphon.attempts",
            "antiphon.failovers",
            "antiphon.attempt.target",
            "antiphon.attempt.provider",
        )
    } | {"llm.model_name": "fast"}


def test_a_stream_tells_of_its_events_and_every_parameter_is_told() -> None:
    request = {
        "temperature": 0.5,
        "top_p": 0.25,
        "max_output_tokens": 64,
        "frequency_penalty": 1.0,
        "presence_penalty": -1.0,
        "top_logprobs": 2,
        "service_tier": "flex",
        "user": "u-1",
        "safety_identifier": "s-1",
        "previous_response_id": "resp_0",
        "conversation": "conv_1",
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Canary"}},
        "tool_choice": {"type": "function", "name": "canary"},
    }
    made = record(request, content=False, incremental=True, events=9, first_event=0.25)
    found = shown(made)
    assert {name: value for name, value in found.items() if ALWAYS.get(name) != value} == {
        "gen_ai.request.stream": True,
        "antiphon.events": 9,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.25,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.frequency_penalty": 1.0,
        "gen_ai.request.presence_penalty": -1.0,
        "openai.request.service_tier": "flex",
        "user.id": "u-1",
        "antiphon.safety_identifier": "s-1",
        "gen_ai.request.previous_response.id": "resp_0",
        "gen_ai.conversation.id": "conv_1",
        "session.id": "conv_1",
        "gen_ai.output.type": "json",
        "gen_ai.prompt.name": "pmpt_1",
        "prompt.id": "pmpt_1",
        "gen_ai.prompt.version": "2",
        "llm.invocation_parameters": found["llm.invocation_parameters"],
    }
    assert json.loads(found["llm.invocation_parameters"]) == {
        "max_output_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.25,
        "frequency_penalty": 1.0,
        "presence_penalty": -1.0,
        "top_logprobs": 2,
        "service_tier": "flex",
        "tool_choice": {"type": "function"},
        "text": {"format": "json_object", "verbosity": "low"},
    }


@pytest.mark.parametrize(
    ("outcome", "reason", "finish"),
    [
        (Outcome.INCOMPLETE, "max_output_tokens", ["length"]),
        (Outcome.INCOMPLETE, "content_filter", ["content_filter"]),
        (Outcome.CANCELLED, None, None),
        (Outcome.DEADLINE, None, None),
    ],
)
def test_why_it_stopped(outcome: Outcome, reason: str | None, finish: Any) -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}} if reason else {}
    found = shown(record(response=response, outcome=outcome, content=False))
    assert found.get("gen_ai.response.finish_reasons") == finish
    assert found.get("error.type") == (None if outcome is Outcome.INCOMPLETE else outcome.value)


def test_errors_are_few_words() -> None:
    assert error_type(errors.Timeout("secret words"), Outcome.FAILED) == "timeout"
    assert error_type(None, Outcome.SHUTDOWN) == "shutdown"
    odd = v1.Response(error=v1.ResponseError(code="no word, but\na text"))
    assert error_type(None, Outcome.FAILED, odd) == "failed"


def test_models_that_there_are_not_are_not_told() -> None:
    assert span_name(record()) == "chat fast"
    unknown = record({"model": "sk-pasted-by-mistake"}, model_is_known=False, outcome=Outcome.REFUSED, content=False)
    assert span_name(unknown) == "chat"
    assert "pasted" not in str(of_response(unknown))
    assert len(of_response(record({"model": "m" * 9000}, content=False))["gen_ai.request.model"]) == 256


@pytest.mark.parametrize(
    ("kind", "name", "system", "provider"),
    [
        ("anthropic", "anthropic", "anthropic", "anthropic"),
        ("gemini", "gcp.gemini", "vertexai", "google"),
        ("bedrock", "aws.bedrock", "bedrock", "aws"),
        ("chat_completions", "chat_completions", "openai", "chat_completions"),
        ("scripted", "scripted", "scripted", "scripted"),
    ],
)
def test_providers_go_by_the_conventions_names(kind: str, name: str, system: str, provider: str) -> None:
    found = of_response(record(content=False, attempts=[Attempt(1, "fast", "mine", kind, "m")]))
    told = (found["gen_ai.provider.name"], found["llm.system"], found["llm.provider"])
    assert told == (name, system, provider)


def test_a_history_is_the_input() -> None:
    earlier = v1.Item(message=v1.Message(role="user", content_text="Earlier."))
    later = v1.Item(message=v1.Message(role="user", content_text="Later."))
    found = shown(record(history=[earlier, later]))
    assert [message["parts"][0]["content"] for message in found["gen_ai.input.messages"]] == ["Earlier.", "Later."]
