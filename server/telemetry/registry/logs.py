"""Every log line."""

from __future__ import annotations

from typing import Final

from server.telemetry.registry.shapes import Field, LogEvent

CALL: Final = LogEvent(
    "call",
    ("info", "warning"),
    "A call ended. One line for each call of a method of ours, at its end; a warning where it failed through no fault "
    "of the caller's. What is said of a response is there only where one was asked for.",
    (
        Field("request_id", "string", "The id of the call, which the caller was told."),
        Field("method", "string", "The method's full name, or `other` for one that does not exist."),
        Field("code", "string", "The gRPC status code. A stream that began is `OK` even if its response failed."),
        Field("duration_ms", "number", "From the beginning of the call to its end."),
        Field("reason", "string", "The reason of the error, as `ErrorReason`.", optional=True),
        Field("tenant", "string", "The caller's tenant.", optional=True),
        Field("key", "string", "The name of the caller's key, never the key.", optional=True),
        Field(
            "model",
            "string",
            "The model that was asked for, or `other` for one that is not configured.",
            optional=True,
        ),
        Field("stream", "boolean", "Whether events were wanted as they happen.", optional=True),
        Field("outcome", "string", "How the response ended.", optional=True),
        Field("response_id", "string", "The response's id, once the request was found sound.", optional=True),
        Field("target", "string", "The model in the configuration of the last attempt.", optional=True),
        Field("provider", "string", "The provider of the last attempt.", optional=True),
        Field("attempts", "integer", "Requests to providers.", optional=True),
        Field("events", "integer", "Events that the caller was told.", optional=True),
        Field("input_tokens", "integer", "Tokens of the input.", optional=True),
        Field("output_tokens", "integer", "Tokens of the output.", optional=True),
        Field("cached_tokens", "integer", "Input tokens that were cached.", optional=True),
        Field("cache_write_tokens", "integer", "Input tokens that were written to a cache.", optional=True),
        Field("reasoning_tokens", "integer", "Output tokens of reasoning.", optional=True),
        Field("estimated", "boolean", "Whether the tokens are an estimate.", optional=True),
        Field("first_event_ms", "number", "From the beginning of the response to its first event.", optional=True),
        Field(
            "first_token_ms",
            "number",
            "From the beginning of the response to the first piece of the answer.",
            optional=True,
        ),
    ),
)

LOG_EVENTS: Final[tuple[LogEvent, ...]] = (
    CALL,
    LogEvent(
        "unexpected error",
        ("error",),
        "An error that nobody foresaw: the type and where it was, not its words.",
        (
            Field("error", "string", "The type of the exception."),
            Field("where", "array of strings", "The innermost frames, as `FILE:LINE function`."),
            Field("request_id", "string", "The call that it ended.", optional=True),
            Field("provider", "string", "The provider that was being asked.", optional=True),
            Field("metric", "string", "The metric that could not be read.", optional=True),
        ),
    ),
    LogEvent(
        "failed response not kept",
        ("warning",),
        "A response failed, and the store could not be used to keep that.",
        (Field("response_id", "string", "The response."),),
    ),
    LogEvent(
        "log lines dropped",
        ("warning",),
        "Lines were lost around this one: more came than were read, or they could not be written.",
        (Field("count", "integer", "How many, since the last such line."),),
    ),
    LogEvent(
        "metrics not exported",
        ("warning",),
        "The OTLP collector did not take metrics. Told once, until it takes them again.",
        (Field("code", "string", "The gRPC status code."),),
    ),
    LogEvent(
        "metrics exported again",
        ("info",),
        "The OTLP collector takes metrics again.",
        (Field("failed", "integer", "How many exports in a row did not succeed."),),
    ),
)
