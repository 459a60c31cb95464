"""Every span: those of the server, and those of a bridge in a process of its own."""

from __future__ import annotations

from typing import Final

from server.telemetry.registry.shapes import Attribute, Span, SpanEvent, SpanKind, Stability


def _ours(name: str, kind: str, meaning: str, *, content: bool = False) -> Attribute:
    return Attribute(name, kind, meaning, content=content, stability=Stability.STABLE)


def _content(name: str, kind: str, meaning: str) -> Attribute:
    return Attribute(name, kind, meaning, content=True)


_STATUS_CODE: Final = Attribute("rpc.response.status_code", "string", "The gRPC status code")
_RPC_ERROR: Final = Attribute(
    "error.type", "string", "The gRPC status code; where it is not `OK`", stability=Stability.STABLE
)
_ERROR: Final = Attribute(
    "error.type",
    "string",
    "The reason of the error, as `ErrorReason` in lower case; where the provider's own response failed its code, or "
    "else how it ended; where it was not completed",
    stability=Stability.STABLE,
)
_OPERATION: Final = Attribute("gen_ai.operation.name", "string", "`chat`")
_PROVIDER_NAME: Final = Attribute("gen_ai.provider.name", "string", "The provider's kind, by the conventions' name")
_TARGET: Final = _ours("antiphon.attempt.target", "string", "The model in the configuration that was asked, last")
_PROVIDER: Final = _ours("antiphon.attempt.provider", "string", "Its provider's name there")
_OUTCOME: Final = _ours("antiphon.outcome", "string", "How it ended, as in metrics")
_FIRST_CHUNK: Final = Attribute("gen_ai.response.time_to_first_chunk", "double", "Seconds to the first event")
_INPUT: Final = Attribute("gen_ai.usage.input_tokens", "int", "Tokens of the input")
_OUTPUT: Final = Attribute("gen_ai.usage.output_tokens", "int", "Tokens of the output")

RPC: Final = Span(
    "antiphon.{service}/{method}",
    SpanKind.SERVER,
    "One call of a method of ours, named by the method; `_OTHER` for one that does not exist. A child of the caller's "
    "span, where the call brought one.",
    (
        Attribute("rpc.system.name", "string", "`grpc`"),
        Attribute("rpc.method", "string", "The method's full name, as the span's"),
        _STATUS_CODE,
        _ours("antiphon.request.id", "string", "The id of the call"),
        _RPC_ERROR,
    ),
    bare_name="_OTHER",
)

_CONTENTS: Final = "message.contents.{j}.message_content"
_TOOL_CALL: Final = "message.tool_calls.{j}.tool_call"
_MESSAGE: Final = (
    ("message.role", "The role"),
    ("message.content", "The text, where that is all"),
    (f"{_CONTENTS}.type", "The kind of a part"),
    (f"{_CONTENTS}.text", "The text of a part"),
    (f"{_CONTENTS}.image.image.url", "An image's URL, its id, or what stands for its data"),
    (f"{_CONTENTS}.video.video.url", "A video's URL, or what stands for its data"),
    (f"{_CONTENTS}.audio.audio.url", "A transcript, or what stands for the data"),
    (f"{_CONTENTS}.audio.audio.mime_type", "The media type of audio"),
    (f"{_CONTENTS}.document.document.id", "A file's id"),
    (f"{_CONTENTS}.document.document.name", "A file's name"),
    (f"{_CONTENTS}.document.document.url", "A file's URL, or what stands for its data"),
    (f"{_CONTENTS}.document.document.mime_type", "A file's media type"),
    (f"{_TOOL_CALL}.id", "The id of a tool call"),
    (f"{_TOOL_CALL}.function.name", "The tool that is called"),
    (f"{_TOOL_CALL}.function.arguments", "Its arguments, JSON"),
)

INFERENCE: Final = Span(
    "chat {model}",
    SpanKind.CLIENT,
    "One response, from the request that passed authentication to its end, named by the model that was asked for; "
    "`chat` where no such model is configured. In the vocabularies of OpenTelemetry's GenAI conventions and of "
    "OpenInference.",
    (
        _OPERATION,
        _PROVIDER_NAME,
        Attribute("gen_ai.request.model", "string", "The model that was asked for, where it is configured"),
        Attribute("gen_ai.request.stream", "boolean", "Whether events were wanted as they happen"),
        Attribute("gen_ai.request.max_tokens", "int", "The most tokens of output"),
        Attribute("gen_ai.request.temperature", "double", "The temperature"),
        Attribute("gen_ai.request.top_p", "double", "The share of nucleus sampling"),
        Attribute("gen_ai.request.frequency_penalty", "double", "The penalty for what was said often"),
        Attribute("gen_ai.request.presence_penalty", "double", "The penalty for what was said at all"),
        Attribute("gen_ai.request.reasoning.level", "string", "The effort of reasoning"),
        Attribute("gen_ai.request.previous_response.id", "string", "The response that is continued"),
        Attribute("gen_ai.conversation.id", "string", "The conversation"),
        Attribute("gen_ai.prompt.name", "string", "The id of a prompt template"),
        Attribute("gen_ai.prompt.version", "string", "Its version"),
        Attribute("gen_ai.output.type", "string", "`text` or `json`"),
        Attribute("gen_ai.response.id", "string", "The response's id, once the request was found sound"),
        Attribute("gen_ai.response.model", "string", "The provider's own name for the model"),
        Attribute("gen_ai.response.finish_reasons", "string[]", "Why the model stopped: one reason"),
        _FIRST_CHUNK,
        _INPUT,
        _OUTPUT,
        Attribute("gen_ai.usage.cache_read.input_tokens", "int", "Input tokens that were cached"),
        Attribute("gen_ai.usage.cache_write.input_tokens", "int", "Input tokens that were written to a cache"),
        Attribute("gen_ai.usage.reasoning.output_tokens", "int", "Output tokens of reasoning"),
        _content("gen_ai.system_instructions", "string", "The instructions, JSON"),
        _content("gen_ai.input.messages", "string", "The whole input, JSON"),
        _content("gen_ai.output.messages", "string", "The output, JSON"),
        _content("gen_ai.tool.definitions", "string", "The tools, JSON"),
        Attribute("openai.api.type", "string", "`responses`"),
        Attribute("openai.request.service_tier", "string", "The service tier that was asked for"),
        Attribute("openai.response.service_tier", "string", "The one that there was"),
        Attribute("openinference.span.kind", "string", "`LLM`"),
        Attribute("llm.system", "string", "The provider's kind, by OpenInference's name for the API"),
        Attribute("llm.provider", "string", "The provider's kind, by OpenInference's name for the company"),
        Attribute("llm.model_name", "string", "The provider's own name for the model; else what was asked for"),
        Attribute("llm.request.model_name", "string", "The model that was asked for, where it is configured"),
        Attribute("llm.response.model_name", "string", "The provider's own name for the model"),
        Attribute("llm.finish_reason", "string", "Why the model stopped"),
        Attribute("llm.invocation_parameters", "string", "The parameters of the request, JSON, without content"),
        Attribute("llm.token_count.prompt", "int", "Tokens of the input"),
        Attribute("llm.token_count.completion", "int", "Tokens of the output"),
        Attribute("llm.token_count.total", "int", "Tokens of both"),
        Attribute("llm.token_count.prompt_details.cache_read", "int", "Input tokens that were cached"),
        Attribute("llm.token_count.prompt_details.cache_write", "int", "Input tokens that were written to a cache"),
        Attribute("llm.token_count.completion_details.reasoning", "int", "Output tokens of reasoning"),
        Attribute("session.id", "string", "The conversation"),
        Attribute("user.id", "string", "The caller's word for its user: `user`, or else `safety_identifier`"),
        Attribute("prompt.id", "string", "The id of a prompt template"),
        _content("input.value", "string", "The text of the newest message"),
        _content("input.mime_type", "string", "`text/plain`"),
        _content("output.value", "string", "The text of the output"),
        _content("output.mime_type", "string", "`text/plain`"),
        _content("llm.input_messages.{i}.message.tool_call_id", "string", "The call that a tool's output answers"),
        *(
            _content(f"llm.{side}_messages.{{i}}.{name}", "string", meaning)
            for side in ("input", "output")
            for name, meaning in _MESSAGE
        ),
        _content("llm.tools.{i}.tool.json_schema", "string", "A tool, JSON"),
        _content("metadata", "string", "The request's metadata, JSON"),
        _ours("antiphon.content.size", "int", "The characters of content in this span", content=True),
        _ours("antiphon.content.left_out", "string[]", "The content that there was no room for", content=True),
        _ours("antiphon.request.id", "string", "The id of the call"),
        _ours("antiphon.tenant", "string", "The caller's tenant"),
        _ours("antiphon.key", "string", "The name of the caller's key, never the key"),
        _ours("antiphon.safety_identifier", "string", "The caller's word for its user"),
        _TARGET,
        _PROVIDER,
        _OUTCOME,
        _ours("antiphon.attempts", "int", "Requests to providers"),
        _ours("antiphon.failovers", "int", "How often the next was to another target"),
        _ours("antiphon.events", "int", "Events that the caller was told; of streams"),
        _ours("antiphon.tokens.estimated", "boolean", "Whether the tokens are an estimate; only where they are"),
        _ERROR,
    ),
    (
        SpanEvent(
            "gen_ai.first_token",
            "The first piece of the answer (text, refusal, reasoning, arguments) is about to be told. Streams only.",
        ),
    ),
    bare_name="chat",
)

ATTEMPT: Final = Span(
    "attempt {number}",
    SpanKind.CLIENT,
    "One request to one provider, within `chat {model}`, counted from 1. The provider gets it as the parent of its own "
    "spans.",
    (
        _OPERATION,
        _PROVIDER_NAME,
        Attribute("gen_ai.request.model", "string", "The provider's own name for the model"),
        _FIRST_CHUNK,
        _INPUT,
        _OUTPUT,
        _ours("antiphon.attempt.number", "int", "Counts from 1"),
        _TARGET,
        _PROVIDER,
        _OUTCOME,
        _ERROR,
    ),
)

#: Those of the server.
SPANS: Final[tuple[Span, ...]] = (INFERENCE, ATTEMPT, RPC)

BRIDGE_REQUEST: Final = Span(
    "{http.request.method} {http.route}",
    SpanKind.SERVER,
    "One HTTP request, named by its method and route; by the method alone where no route fits. A child of the "
    "client's span, where the request brought one.",
    (
        Attribute(
            "http.request.method", "string", "The method; `_OTHER` for an unusual one", stability=Stability.STABLE
        ),
        Attribute(
            "http.route", "string", "The route, such as `/v1/responses/{response_id}`", stability=Stability.STABLE
        ),
        Attribute(
            "http.response.status_code", "int", "The status; none where the client left", stability=Stability.STABLE
        ),
        Attribute("url.scheme", "string", "`http`", stability=Stability.STABLE),
        Attribute("url.path", "string", "The path, without the query", stability=Stability.STABLE),
        Attribute("user_agent.original", "string", "The client's word for itself", stability=Stability.STABLE),
        Attribute(
            "error.type",
            "string",
            "The status, from 500 on; `cancelled` where the client left",
            stability=Stability.STABLE,
        ),
    ),
    bare_name="{http.request.method}",
)

BRIDGE_CALL: Final = Span(
    "antiphon.{service}/{method}",
    SpanKind.CLIENT,
    "The call of the server that a request makes. The server's own span of it is a child.",
    (
        Attribute("rpc.system.name", "string", "`grpc`"),
        Attribute("rpc.method", "string", "The method's full name"),
        _STATUS_CODE,
        _RPC_ERROR,
    ),
)

#: Those of a bridge that was told of a collector.
BRIDGE_SPANS: Final[tuple[Span, ...]] = (BRIDGE_CALL, BRIDGE_REQUEST)
