"""Every log line."""

from __future__ import annotations

from typing import Final

from server.telemetry.registry.shapes import Field, LogEvent

_OF_RESPONSE: Final = (
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
    Field("omitted", "integer", "Fields of the request that its provider could not carry.", optional=True),
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
)

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
        *_OF_RESPONSE,
    ),
)

#: Of a response that ended after its call.
RESPONSE: Final = LogEvent(
    "response",
    ("info", "warning"),
    "A response ended that went on without its caller, in the background or because its model says so. What its call's "
    "own line could not tell yet.",
    (
        Field("request_id", "string", "The id of the call that began it."),
        Field("duration_ms", "number", "From the beginning of the call to the end of the response."),
        Field("reason", "string", "The reason of the error, as `ErrorReason`.", optional=True),
        *_OF_RESPONSE,
    ),
)

LOG_EVENTS: Final[tuple[LogEvent, ...]] = (
    CALL,
    RESPONSE,
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
            Field("doing", "string", "What was being done behind the calls' backs.", optional=True),
            Field("entries", "integer", "The usage entries that it was about.", optional=True),
        ),
    ),
    LogEvent(
        "failed response not kept",
        ("warning",),
        "A response failed, and the store could not be used to keep that.",
        (Field("response_id", "string", "The response."),),
    ),
    LogEvent(
        "failed response not dropped",
        ("warning",),
        "A response came to nothing, and the store could not be used to forget it: it will be ended as failed.",
        (Field("response_id", "string", "The response."),),
    ),
    LogEvent(
        "cancelled response not kept",
        ("warning",),
        "A response was cancelled, and the store could not be used to keep that: it will be ended as failed.",
        (Field("response_id", "string", "The response."),),
    ),
    LogEvent(
        "response of a stopped process ended",
        ("warning",),
        "A response was left by a process that stopped, and was ended as failed.",
        (Field("response_id", "string", "The response."),),
    ),
    LogEvent(
        "runs not watched",
        ("warning",),
        "The store could not be asked for responses that were left or are to be cancelled; it is tried again.",
        (Field("reason", "string", "The reason of the error, as `ErrorReason`."),),
    ),
    LogEvent(
        "responses abandoned",
        ("warning",),
        "The server stopped before all responses that go on by themselves had ended.",
        (Field("count", "integer", "How many."),),
    ),
    LogEvent(
        "limiter down",
        ("warning",),
        "The limiter's backend does not answer. Told once, until it does again.",
        (
            Field("address", "string", "Where it is looked for."),
            Field("error", "string", "The type of the exception."),
            Field("when_down", "string", "What decides meanwhile: `local`, `refuse` or `allow`."),
        ),
    ),
    LogEvent(
        "limiter back",
        ("info",),
        "The limiter's backend answers again.",
        (
            Field("address", "string", "Where it is."),
            Field("seconds", "number", "How long it did not."),
        ),
    ),
    LogEvent(
        "usage cannot be written",
        ("warning",),
        "The store does not take usage. It is tried again; told once, until the store does.",
        (Field("waiting", "integer", "Entries that wait."),),
    ),
    LogEvent(
        "usage is written again",
        ("info",),
        "The store takes usage again.",
        (
            Field("waiting", "integer", "Entries that still wait."),
            Field("dropped", "integer", "Entries that were lost since the start, because too many waited."),
        ),
    ),
    LogEvent(
        "old usage cannot be forgotten", ("warning",), "The store could not be used; it is tried again later.", ()
    ),
    LogEvent(
        "telemetry trouble",
        ("warning",),
        "What OpenTelemetry's library has to say, a line now and then.",
        (
            Field("source", "string", "Which part of it."),
            Field("words", "array of strings", "The codes that it named; nothing else of its words."),
            Field("more_since_last", "integer", "How often it had something to say and was not let."),
        ),
    ),
    LogEvent(
        "configuration reloaded",
        ("info",),
        "A configuration that was read again is in force.",
        (
            Field("generation", "integer", "Counts the configurations of this process."),
            Field("changes", "object", "By section, the names that were added, removed and changed."),
            Field("revoked", "array of strings", "The names of the keys that are accepted no longer."),
            Field(
                "interrupted",
                "integer",
                "How many responses that were being made for them, and connections of theirs, were ended.",
            ),
        ),
    ),
    LogEvent(
        "configuration unchanged",
        ("info",),
        "A configuration that was read again says what is in force already.",
        (Field("generation", "integer", "The one in force."),),
    ),
    LogEvent(
        "configuration warning",
        ("warning",),
        "What is allowed but unwise, or has to wait for the next start.",
        (Field("warning", "string", "What, by the name of its key."),),
    ),
    LogEvent(
        "configuration refused",
        ("error",),
        "A configuration that was read again cannot be used. What was in force stays so.",
        (
            Field("generation", "integer", "The one in force."),
            Field("problems", "array of strings", "All that is wrong with it, without secrets."),
        ),
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
