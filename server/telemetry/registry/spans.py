"""Every span."""

from __future__ import annotations

from typing import Final

from server.telemetry.registry.shapes import Attribute, Span, SpanEvent, SpanKind, Stability

_STABLE: Final = Stability.STABLE
_PROVIDER_NAME: Final = Attribute("gen_ai.provider.name", "string", "The provider's kind, by the conventions' name")
_OUTCOME: Final = Attribute(
    "antiphon.outcome", "string", "How it ended: see `outcome` among the labels", stability=_STABLE
)
_REQUEST_ID: Final = Attribute("antiphon.request.id", "string", "The id of the call", stability=_STABLE)
_TARGET: Final = Attribute("antiphon.attempt.target", "string", "The model in the configuration", stability=_STABLE)
_PROVIDER: Final = Attribute("antiphon.attempt.provider", "string", "The provider's name there", stability=_STABLE)
_REASON: Final = Attribute(
    "error.type",
    "string",
    "Where it did not succeed: the reason, as `ErrorReason` in lower case, or what stands for it",
    stability=_STABLE,
)

RPC: Final = Span(
    "{rpc.method}",
    SpanKind.SERVER,
    "One call of a method of ours, named by the method; `_OTHER` for one that does not exist. A child of the caller's "
    "span, where the call brought one.",
    (
        Attribute("rpc.system.name", "string", "`grpc`"),
        Attribute("rpc.method", "string", "The method's full name, or `_OTHER`"),
        Attribute("rpc.response.status_code", "string", "The name of the gRPC status code"),
        Attribute("error.type", "string", "The same, where it is not `OK`", stability=_STABLE),
        _REQUEST_ID,
    ),
)

#: Of messages, by OpenInference.
_CONTENTS: Final = "message.contents.{j}.message_content"
_CALLS: Final = "message.tool_calls.{j}.tool_call"
_OF_MESSAGES: Final = (
    ("message.role", "The role"),
    ("message.content", "The text"),
    (f"{_CONTENTS}.type", "The kind of a part"),
    (f"{_CONTENTS}.text", "The text of a part"),
    (f"{_CONTENTS}.image.image.url", "Where an image is; of data, only the kind and size"),
    (f"{_CONTENTS}.video.video.url", "Where a video is"),
    (f"{_CONTENTS}.audio.audio.url", "Of audio, only the kind and size, or what was said"),
    (f"{_CONTENTS}.audio.audio.mime_type", "The kind of audio"),
    (f"{_CONTENTS}.document.document.id", "A file's id"),
    (f"{_CONTENTS}.document.document.name", "Its name"),
    (f"{_CONTENTS}.document.document.url", "Where it is; of data, only the kind and size"),
    (f"{_CONTENTS}.document.document.mime_type", "Its kind"),
    (f"{_CALLS}.id", "The id of a tool call"),
    (f"{_CALLS}.function.name", "The tool that is called"),
    (f"{_CALLS}.function.arguments", "Its arguments, JSON"),
)
INFERENCE: Final = Span(
    "chat {model}",
    SpanKind.CLIENT,
    "One response, from the request that passed authentication to its end, named by the model that was asked for, or "
    "`chat` alone if that is not configured. In the vocabularies of OpenTelemetry's GenAI conventions and of "
    "OpenInference.",
    (
        Attribute("gen_ai.operation.name", "string", "`chat`"),
        _PROVIDER_NAME,
        Attribute("gen_ai.request.model", "string", "The model that was asked for"),
        Attribute("gen_ai.request.stream", "boolean", "Whether events were wanted as they happen"),
        Attribute("gen_ai.request.max_tokens", "int", "The most tokens of output"),
        Attribute("gen_ai.request.temperature", "double", "The temperature"),
        Attribute("gen_ai.request.top_p", "double", "The share of nucleus sampling"),
        Attribute("gen_ai.request.frequency_penalty", "double", "The penalty for frequent tokens"),
        Attribute("gen_ai.request.presence_penalty", "double", "The penalty for tokens that occurred"),
        Attribute("gen_ai.request.reasoning.level", "string", "The effort of reasoning"),
        Attribute("gen_ai.request.previous_response.id", "string", "The response that is continued"),
        Attribute("gen_ai.conversation.id", "string", "The conversation"),
        Attribute("gen_ai.prompt.name", "string", "The id of the stored prompt"),
        Attribute("gen_ai.prompt.version", "string", "Its version"),
        Attribute("gen_ai.output.type", "string", "`text` or `json`"),
        Attribute("gen_ai.response.id", "string", "The response's id"),
        Attribute("gen_ai.response.model", "string", "The provider's own name for the model"),
        Attribute("gen_ai.response.finish_reasons", "string[]", "Why it ended"),
        Attribute("gen_ai.response.time_to_first_chunk", "double", "Seconds to the first event; streams only"),
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
        Attribute("openai.request.service_tier", "string", "The service tier that was asked for"),
        Attribute("openai.response.service_tier", "string", "The service tier that it got"),
        Attribute("openinference.span.kind", "string", "`LLM`"),
        Attribute("llm.system", "string", "The provider's kind"),
        Attribute("llm.provider", "string", "Who hosts it, as far as its kind tells"),
        Attribute("llm.model_name", "string", "The provider's own name for the model, or the one that was asked for"),
        Attribute("llm.request.model_name", "string", "The model that was asked for"),
        Attribute("llm.response.model_name", "string", "The provider's own name for the model"),
        Attribute("llm.invocation_parameters", "string", "The parameters of the request, JSON, without content"),
        Attribute("llm.finish_reason", "string", "Why it ended"),
        Attribute("llm.token_count.prompt", "int", "Tokens of the input"),
        Attribute("llm.token_count.completion", "int", "Tokens of the output"),
        Attribute("llm.token_count.total", "int", "Tokens of both"),
        Attribute("llm.token_count.prompt_details.cache_read", "int", "Input tokens that were cached"),
        Attribute("llm.token_count.prompt_details.cache_write", "int", "Input tokens that were written to a cache"),
        Attribute("llm.token_count.completion_details.reasoning", "int", "Output tokens of reasoning"),
        Attribute("session.id", "string", "The conversation"),
        Attribute("user.id", "string", "The caller's `user`, or its `safety_identifier`, if it is one word"),
        Attribute("prompt.id", "string", "The id of the stored prompt"),
        Attribute("metadata", "string", "The request's `metadata`, JSON", content=True),
        Attribute("input.value", "string", "The text of the last message of the input", content=True),
        Attribute("input.mime_type", "string", "`text/plain`", content=True),
        Attribute("output.value", "string", "The text of the output", content=True),
        Attribute("output.mime_type", "string", "`text/plain`", content=True),
        *(
            Attribute(f"llm.input_messages.{{i}}.{name}", "string", meaning, content=True)
            for name, meaning in (*_OF_MESSAGES, ("message.tool_call_id", "The call that a tool's output answers"))
        ),
        *(
            Attribute(f"llm.output_messages.{{i}}.{name}", "string", meaning, content=True)
            for name, meaning in _OF_MESSAGES
        ),
        Attribute("llm.tools.{i}.tool.json_schema", "string", "A tool, JSON", content=True),
        _REQUEST_ID,
        Attribute("antiphon.tenant", "string", "The caller's tenant", stability=_STABLE),
        Attribute("antiphon.key", "string", "The name of the caller's key, never the key", stability=_STABLE),
        Attribute("antiphon.safety_identifier", "string", "The caller's `safety_identifier`", stability=_STABLE),
        _OUTCOME,
        _REASON,
        Attribute("antiphon.attempts", "int", "Requests to providers", stability=_STABLE),
        Attribute("antiphon.failovers", "int", "How often the next of these was at another target", stability=_STABLE),
        Attribute("antiphon.events", "int", "Events that the caller was told; streams only", stability=_STABLE),
        Attribute("antiphon.tokens.estimated", "boolean", "Set where the tokens are an estimate", stability=_STABLE),
        Attribute(_TARGET.name, "string", f"{_TARGET.meaning} of the last attempt", stability=_STABLE),
        Attribute(_PROVIDER.name, "string", f"{_PROVIDER.meaning} of the last attempt", stability=_STABLE),
        Attribute(
            "antiphon.content.size",
            "int",
            "How many characters of content the span holds",
            content=True,
            stability=_STABLE,
        ),
        Attribute(
            "antiphon.content.left_out",
            "string[]",
            "Which attributes there was no room for",
            content=True,
            stability=_STABLE,
        ),
    ),
    (
        SpanEvent(
            "gen_ai.first_token",
            "The first piece of the answer (text, refusal, reasoning, arguments) is about to be told. Streams only.",
        ),
    ),
)

ATTEMPT: Final = Span(
    "attempt {number}",
    SpanKind.CLIENT,
    "One request to one provider, within `chat {model}`. The provider gets it as the parent of its own spans.",
    (
        Attribute("gen_ai.operation.name", "string", "`chat`"),
        _PROVIDER_NAME,
        Attribute("gen_ai.request.model", "string", "The provider's own name for the model"),
        Attribute(
            "gen_ai.response.time_to_first_chunk", "double", "Seconds from the attempt's start to its first event"
        ),
        Attribute("gen_ai.usage.input_tokens", "int", "Tokens of the input"),
        Attribute("gen_ai.usage.output_tokens", "int", "Tokens of the output"),
        Attribute("antiphon.attempt.number", "int", "Counts from 1", stability=_STABLE),
        _TARGET,
        _PROVIDER,
        _OUTCOME,
        _REASON,
    ),
)

SPANS: Final[tuple[Span, ...]] = (RPC, INFERENCE, ATTEMPT)
