"""Every span."""

from __future__ import annotations

from typing import Final

from server.telemetry.registry.shapes import Attribute, Span, SpanEvent, SpanKind, Stability

_ERROR_TYPE: Final = Attribute(
    "error.type", "string", "The reason of the error, as `ErrorReason`; where it failed", stability=Stability.STABLE
)
_PROVIDER_NAME: Final = Attribute("gen_ai.provider.name", "string", "The provider, by the conventions' name for it")

RPC: Final = Span(
    "{rpc.method}",
    SpanKind.SERVER,
    "One call of a method of ours, named by the method. A child of the caller's span, where the call brought one.",
    (
        Attribute("rpc.system.name", "string", "`grpc`"),
        Attribute("rpc.method", "string", "The method's full name"),
        Attribute("rpc.response.status_code", "string", "The gRPC status code"),
        Attribute("antiphon.request_id", "string", "The id of the call", stability=Stability.STABLE),
        _ERROR_TYPE,
    ),
)

_MESSAGE: Final = (
    ("message.role", "string", "The role"),
    ("message.content", "string", "The text"),
    ("message.tool_call_id", "string", "The call that a tool's output answers"),
    ("message.contents.{j}.message_content.type", "string", "The kind of a part"),
    ("message.contents.{j}.message_content.text", "string", "The text of a part"),
    ("message.tool_calls.{j}.tool_call.id", "string", "The id of a tool call"),
    ("message.tool_calls.{j}.tool_call.function.name", "string", "The tool that is called"),
    ("message.tool_calls.{j}.tool_call.function.arguments", "string", "Its arguments, JSON"),
)

INFERENCE: Final = Span(
    "chat {model}",
    SpanKind.CLIENT,
    "One response, from the request that passed authentication to its end, named by the model that was asked for. In "
    "the vocabularies of OpenTelemetry's GenAI conventions and of OpenInference.",
    (
        Attribute("gen_ai.operation.name", "string", "`chat`"),
        _PROVIDER_NAME,
        Attribute("gen_ai.request.model", "string", "The model that was asked for"),
        Attribute("gen_ai.request.stream", "boolean", "Whether events were wanted as they happen"),
        Attribute("gen_ai.request.max_tokens", "int", "The most tokens of output"),
        Attribute("gen_ai.request.temperature", "double", "The temperature"),
        Attribute("gen_ai.request.top_p", "double", "The share of nucleus sampling"),
        Attribute("gen_ai.request.reasoning.level", "string", "The effort of reasoning"),
        Attribute("gen_ai.request.previous_response.id", "string", "The response that is continued"),
        Attribute("gen_ai.conversation.id", "string", "The conversation"),
        Attribute("gen_ai.output.type", "string", "`text` or `json`"),
        Attribute("gen_ai.response.id", "string", "The response's id"),
        Attribute("gen_ai.response.model", "string", "The provider's own name for the model"),
        Attribute("gen_ai.response.finish_reasons", "string[]", "Why it ended"),
        Attribute("gen_ai.response.time_to_first_chunk", "double", "Seconds to the first event"),
        Attribute("gen_ai.usage.input_tokens", "int", "Tokens of the input"),
        Attribute("gen_ai.usage.output_tokens", "int", "Tokens of the output"),
        Attribute("gen_ai.usage.cache_read.input_tokens", "int", "Input tokens that were cached"),
        Attribute("gen_ai.usage.cache_write.input_tokens", "int", "Input tokens that were written to a cache"),
        Attribute("gen_ai.usage.reasoning.output_tokens", "int", "Output tokens of reasoning"),
        Attribute("gen_ai.system_instructions", "string", "The instructions, JSON", content=True),
        Attribute("gen_ai.input.messages", "string", "The whole input, JSON", content=True),
        Attribute("gen_ai.output.messages", "string", "The output, JSON", content=True),
        Attribute("gen_ai.tool.definitions", "string", "The tools, JSON", content=True),
        Attribute("openai.api.type", "string", "`responses`"),
        Attribute("openinference.span.kind", "string", "`LLM`"),
        Attribute("llm.system", "string", "The provider's kind"),
        Attribute("llm.provider", "string", "The provider"),
        Attribute("llm.model_name", "string", "The provider's own name for the model"),
        Attribute("llm.invocation_parameters", "string", "The parameters of the request, JSON, without content"),
        Attribute("llm.token_count.prompt", "int", "Tokens of the input"),
        Attribute("llm.token_count.completion", "int", "Tokens of the output"),
        Attribute("llm.token_count.total", "int", "Tokens of both"),
        Attribute("llm.token_count.prompt_details.cache_read", "int", "Input tokens that were cached"),
        Attribute("llm.token_count.prompt_details.cache_write", "int", "Input tokens that were written to a cache"),
        Attribute("llm.token_count.completion_details.reasoning", "int", "Output tokens of reasoning"),
        Attribute("input.value", "string", "The request, JSON", content=True),
        Attribute("input.mime_type", "string", "`application/json`", content=True),
        Attribute("output.value", "string", "The response, JSON", content=True),
        Attribute("output.mime_type", "string", "`application/json`", content=True),
        *(
            Attribute(f"llm.{side}_messages.{{i}}.{name}", kind, meaning, content=True)
            for side in ("input", "output")
            for name, kind, meaning in _MESSAGE
        ),
        Attribute("llm.tools.{i}.tool.json_schema", "string", "A tool, JSON", content=True),
        Attribute("antiphon.request_id", "string", "The id of the call", stability=Stability.STABLE),
        Attribute("antiphon.tenant", "string", "The caller's tenant", stability=Stability.STABLE),
        Attribute("antiphon.key", "string", "The name of the caller's key, never the key", stability=Stability.STABLE),
        Attribute("antiphon.outcome", "string", "How the response ended", stability=Stability.STABLE),
        _ERROR_TYPE,
    ),
    (
        SpanEvent(
            "first token",
            "The first piece of the answer (text, refusal, reasoning, arguments) is about to be told. Streams only.",
        ),
    ),
)

ATTEMPT: Final = Span(
    "attempt",
    SpanKind.CLIENT,
    "One request to one provider, within `chat {model}`. The provider gets it as the parent of its own spans.",
    (
        _PROVIDER_NAME,
        Attribute("gen_ai.request.model", "string", "The provider's own name for the model"),
        Attribute("gen_ai.usage.input_tokens", "int", "Tokens of the input"),
        Attribute("gen_ai.usage.output_tokens", "int", "Tokens of the output"),
        Attribute("antiphon.attempt.number", "int", "Counts from 1", stability=Stability.STABLE),
        Attribute("antiphon.attempt.target", "string", "The model in the configuration", stability=Stability.STABLE),
        Attribute("antiphon.attempt.provider", "string", "The provider's name there", stability=Stability.STABLE),
        Attribute("antiphon.attempt.outcome", "string", "How the attempt ended", stability=Stability.STABLE),
        _ERROR_TYPE,
    ),
)

SPANS: Final[tuple[Span, ...]] = (RPC, INFERENCE, ATTEMPT)
