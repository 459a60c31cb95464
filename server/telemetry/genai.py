"""What a trace says of one response, in the words of two conventions: OpenTelemetry's for generative AI, and
OpenInference.

The names of OpenTelemetry's are those of its registry at the end of 2026. Its Python package marks them all as moved
without naming where to, so they stand here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import orjson
from openinference.semconv.trace import OpenInferenceSpanKindValues
from openinference.semconv.trace import SpanAttributes as Inference

from antiphon.responses import v1
from server.errors import ServiceError
from server.telemetry.content import CAPS, Caps, content
from server.telemetry.record import NO_TOKENS, Attempt, Outcome, ResponseRecord
from server.telemetry.spans import Value

Attributes: TypeAlias = dict[str, Value]

#: The event at the first piece of the answer: text, refusal, reasoning or arguments.
FIRST_TOKEN: Final = "gen_ai.first_token"  # noqa: S105 - a name
ERROR_TYPE: Final = "error.type"
OPERATION: Final = "chat"

OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
OUTPUT_TYPE: Final = "gen_ai.output.type"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
OPENAI_API_TYPE: Final = "openai.api.type"
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"

#: Ours: what neither convention has a word for.
REQUEST_ID: Final = "antiphon.request.id"
TENANT: Final = "antiphon.tenant"
KEY: Final = "antiphon.key"
SAFETY_IDENTIFIER: Final = "antiphon.safety_identifier"
OUTCOME: Final = "antiphon.outcome"
ATTEMPTS: Final = "antiphon.attempts"
FAILOVERS: Final = "antiphon.failovers"
EVENTS: Final = "antiphon.events"
TOKENS_ESTIMATED: Final = "antiphon.tokens.estimated"
ATTEMPT_NUMBER: Final = "antiphon.attempt.number"
ATTEMPT_TARGET: Final = "antiphon.attempt.target"
ATTEMPT_PROVIDER: Final = "antiphon.attempt.provider"

#: By the kind of provider in the configuration; other kinds go by their own names.
_PROVIDER_NAMES: Final = {"gemini": "gcp.gemini", "bedrock": "aws.bedrock"}
_SYSTEMS: Final = {"chat_completions": "openai", "gemini": "vertexai"}
_PROVIDERS: Final = {"gemini": "google", "bedrock": "aws"}
_FINISH_REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}
#: What a name may look like that a caller made up and a trace shows although it shows no content.
_WORD: Final = re.compile(r"[\w.:/@+-]{1,128}\Z", re.ASCII)
_MAX_NAME: Final = 256
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})


def of_response(record: ResponseRecord, caps: Caps = CAPS) -> Attributes:
    """The attributes of a response's span, once it has ended.

    Without `record.captures_content` none of them holds anything of what was said: no text, no instructions, no tool
    and nothing of one, no value of `metadata`.
    """
    request, response = record.request, record.response
    found: Attributes = {
        OPERATION_NAME: OPERATION,
        OPENAI_API_TYPE: "responses",
        Inference.OPENINFERENCE_SPAN_KIND: OpenInferenceSpanKindValues.LLM.value,
        REQUEST_STREAM: record.incremental,
        REQUEST_ID: record.request_id,
        TENANT: record.tenant,
        Inference.LLM_INVOCATION_PARAMETERS: orjson.dumps(_parameters(request)).decode(),
    }
    if record.key:
        found[KEY] = record.key
    _tell_models(found, record)
    _tell_request(found, request)
    _tell_outcome(found, record)
    if response is not None:
        found[RESPONSE_ID] = response.id
        if _is_word(response.service_tier):
            found[OPENAI_RESPONSE_SERVICE_TIER] = response.service_tier
    elif record.response_id:
        found[RESPONSE_ID] = record.response_id
    if record.tokens is not NO_TOKENS:
        _tell_tokens(found, record)
    if record.captures_content:
        finish = None if response is None else finish_reason(response, record.outcome)
        found.update(content(record, caps, finish))
    return found


def of_attempt(attempt: Attempt, outcome: Outcome) -> Attributes:
    """The attributes of an attempt's span, once it has ended."""
    found: Attributes = {
        OPERATION_NAME: OPERATION,
        PROVIDER_NAME: _PROVIDER_NAMES.get(attempt.provider_kind, attempt.provider_kind),
        REQUEST_MODEL: attempt.model,
        ATTEMPT_NUMBER: attempt.number,
        ATTEMPT_TARGET: attempt.target,
        ATTEMPT_PROVIDER: attempt.provider,
        OUTCOME: outcome.value,
    }
    if (failure := error_type(attempt.error, outcome)) is not None:
        found[ERROR_TYPE] = failure
    if attempt.first_event is not None:
        found[RESPONSE_TIME_TO_FIRST_CHUNK] = attempt.first_event
    if attempt.tokens is not NO_TOKENS:
        found[USAGE_INPUT] = attempt.tokens.input
        found[USAGE_OUTPUT] = attempt.tokens.output
    return found


def error_type(error: ServiceError | None, outcome: Outcome | None, response: v1.Response | None = None) -> str | None:
    """What went wrong, as one word out of few; None when nothing did."""
    if error is not None:
        return error.reason_name.lower()
    if outcome in (None, Outcome.COMPLETED, Outcome.INCOMPLETE):
        return None
    if outcome is Outcome.FAILED and response is not None and _is_word(response.error.code):
        return response.error.code
    return outcome.value


def span_name(record: ResponseRecord) -> str:
    """The name of a response's span: with the model where it is one of the configuration's, so that there are few."""
    return f"{OPERATION} {record.model}" if record.model_is_known else OPERATION


def _tell_models(found: Attributes, record: ResponseRecord) -> None:
    asked = record.model[:_MAX_NAME]
    if asked and record.model_is_known:  # what is no model of ours may be anything: a key, or a prompt
        found[REQUEST_MODEL] = found[Inference.LLM_REQUEST_MODEL_NAME] = found[Inference.LLM_MODEL_NAME] = asked
    attempt = record.served_by
    if attempt is None:
        return
    kind = attempt.provider_kind
    found[PROVIDER_NAME] = _PROVIDER_NAMES.get(kind, kind)
    found[Inference.LLM_SYSTEM] = _SYSTEMS.get(kind, kind)
    found[Inference.LLM_PROVIDER] = _PROVIDERS.get(kind, kind)
    found[ATTEMPT_TARGET] = attempt.target
    found[ATTEMPT_PROVIDER] = attempt.provider
    if record.response is not None:
        found[RESPONSE_MODEL] = found[Inference.LLM_RESPONSE_MODEL_NAME] = attempt.model
        found[Inference.LLM_MODEL_NAME] = attempt.model


def _tell_request(found: Attributes, request: v1.CreateResponseRequest) -> None:
    for name, attribute in _REQUEST_NUMBERS.items():
        if request.HasField(name):
            found[attribute] = getattr(request, name)
    if request.HasField("text") and request.text.HasField("format"):
        kind = request.text.format.WhichOneof("format")
        found[OUTPUT_TYPE] = "text" if kind == "text" else "json"
    if _is_word(request.reasoning.effort):
        found[REQUEST_REASONING_LEVEL] = request.reasoning.effort
    if _is_word(request.service_tier):
        found[OPENAI_REQUEST_SERVICE_TIER] = request.service_tier
    if _is_word(request.previous_response_id):
        found[REQUEST_PREVIOUS_RESPONSE_ID] = request.previous_response_id
    conversation = request.conversation_id or request.conversation.id
    if _is_word(conversation):
        found[CONVERSATION_ID] = found[Inference.SESSION_ID] = conversation
    if request.HasField("prompt"):
        if _is_word(request.prompt.id):
            found[PROMPT_NAME] = found[Inference.PROMPT_ID] = request.prompt.id
        if _is_word(request.prompt.version):
            found[PROMPT_VERSION] = request.prompt.version
    user = request.user or request.safety_identifier
    if _is_word(user):
        found[Inference.USER_ID] = user
    if _is_word(request.safety_identifier):
        found[SAFETY_IDENTIFIER] = request.safety_identifier


def _tell_outcome(found: Attributes, record: ResponseRecord) -> None:
    if record.outcome is not None:
        found[OUTCOME] = record.outcome.value
    failure = error_type(record.error, record.outcome, record.response)
    if failure is not None:
        found[ERROR_TYPE] = failure
    if record.attempts:
        found[ATTEMPTS] = len(record.attempts)
        found[FAILOVERS] = record.failovers
    if record.incremental:
        found[EVENTS] = record.events
        if record.first_event is not None:
            found[RESPONSE_TIME_TO_FIRST_CHUNK] = record.first_event
    if record.response is not None and (reason := finish_reason(record.response, record.outcome)) is not None:
        found[RESPONSE_FINISH_REASONS] = [reason]
        found[Inference.LLM_FINISH_REASON] = reason


def finish_reason(response: v1.Response, outcome: Outcome | None) -> str | None:
    """Why the model stopped, in OpenTelemetry's words; None where it was stopped."""
    match outcome:
        case Outcome.COMPLETED:
            calls = any(item.WhichOneof("item") in _CALLS for item in response.output)
            return "tool_call" if calls else "stop"
        case Outcome.INCOMPLETE:
            reason = response.incomplete_details.reason
            return _FINISH_REASONS.get(reason) or (reason if _is_word(reason) else "length")
        case Outcome.FAILED:
            return "error"
        case _:
            return None


def _tell_tokens(found: Attributes, record: ResponseRecord) -> None:
    tokens = record.tokens
    found[USAGE_INPUT] = found[Inference.LLM_TOKEN_COUNT_PROMPT] = tokens.input
    found[USAGE_OUTPUT] = found[Inference.LLM_TOKEN_COUNT_COMPLETION] = tokens.output
    found[Inference.LLM_TOKEN_COUNT_TOTAL] = tokens.total
    if tokens.cached:
        found[USAGE_CACHE_READ] = found[Inference.LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_READ] = tokens.cached
    if tokens.cache_write:
        found[USAGE_CACHE_WRITE] = found[Inference.LLM_TOKEN_COUNT_PROMPT_DETAILS_CACHE_WRITE] = tokens.cache_write
    if tokens.reasoning:
        found[USAGE_REASONING] = found[Inference.LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING] = tokens.reasoning
    if tokens.estimated:
        found[TOKENS_ESTIMATED] = True


_REQUEST_NUMBERS: Final[Mapping[str, str]] = {
    "max_output_tokens": REQUEST_MAX_TOKENS,
    "temperature": REQUEST_TEMPERATURE,
    "top_p": REQUEST_TOP_P,
    "frequency_penalty": REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": REQUEST_PRESENCE_PENALTY,
}
#: What of a request is a number, a yes or no, or one word: it says how a model was called, and not about what.
_PARAMETERS: Final = (
    *_REQUEST_NUMBERS,
    "top_logprobs",
    "max_tool_calls",
    "parallel_tool_calls",
    "truncation",
    "store",
    "background",
    "service_tier",
    "prompt_cache_retention",
)


def _parameters(request: v1.CreateResponseRequest) -> dict[str, Any]:
    """How the model was called."""
    found: dict[str, Any] = {}
    for name in _PARAMETERS:
        if request.HasField(name):
            value = getattr(request, name)
            if not isinstance(value, str) or _is_word(value):
                found[name] = value
    if _is_word(request.tool_choice_mode):
        found["tool_choice"] = request.tool_choice_mode
    elif (kind := request.tool_choice.WhichOneof("choice")) is not None:
        found["tool_choice"] = {"type": kind}
    if request.tools:
        found["tools"] = len(request.tools)
    if request.HasField("text"):
        text = {"format": request.text.format.WhichOneof("format"), "verbosity": request.text.verbosity}
        found["text"] = {name: value for name, value in text.items() if value and _is_word(value)}
    if request.HasField("reasoning"):
        reasoning = {"effort": request.reasoning.effort, "summary": request.reasoning.summary}
        found["reasoning"] = {name: value for name, value in reasoning.items() if _is_word(value)}
    return found


def _is_word(text: str) -> bool:
    return _WORD.match(text) is not None
