"""Every metric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.rpc import code_pb2

from antiphon.responses.v1 import conversations_service_pb2, models_service_pb2, responses_service_pb2
from server.errors import REASON_NAMES
from server.limits import base as limits
from server.telemetry.record import Outcome
from server.telemetry.registry.shapes import Kind, Label, Metric

METHODS: Final = tuple(
    f"{service.full_name}/{method.name}"
    for module in (responses_service_pb2, conversations_service_pb2, models_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
)
CODES: Final = tuple(code_pb2.Code.keys())
TOKEN_KINDS: Final = ("input", "output", "cached", "cache_write", "reasoning")
DECISIONS: Final = ("granted", "refused", "never_fits")
STORE_OPERATIONS: Final = (
    *("put", "get", "delete", "chain", "items"),
    *("begin_run", "log_events", "end_run", "drop_run", "told", "renew_runs"),
    *("ask_to_cancel", "asked_to_cancel", "adopt_runs", "claim", "unclaim"),
    *("create_conversation", "get_conversation", "update_conversation", "delete_conversation"),
    *("add_conversation_items", "page_conversation", "get_conversation_item", "delete_conversation_item"),
    *("read_conversation", "secret", "record_usage", "sum_usage", "forget_usage"),
)
RELOADS: Final = ("applied", "unchanged", "refused")


def _limit_names() -> Iterable[str]:
    for kind in (limits.Kind.REQUESTS, limits.Kind.TOKENS):
        for window in (1, 60, 86400):
            yield limits.Limit("", kind, 1, window).name
    yield limits.Limit("", limits.Kind.CONCURRENCY, 1, 0).name


_MODEL: Final = Label("model", "the model that was asked for; `other` for one that is not configured")
_PROVIDER: Final = Label(
    "provider", "the provider's name in the configuration; of a response, the last one's; empty when none was asked"
)
_TENANT: Final = Label("tenant", "the caller's tenant")
_TARGET: Final = Label("target", "the model in the configuration that an attempt was made with")
_STREAM: Final = Label("stream", "whether events were wanted as they happen", ("true", "false"))
_OUTCOME: Final = Label("outcome", "how it ended", tuple(Outcome))
_REASON: Final = Label(
    "reason",
    "the error's reason, as `ErrorReason` in the contract",
    tuple(name for number, name in REASON_NAMES.items() if number),
)
LABEL: Final = Label("label", "which label", ("model", "provider", "tenant", "target"))

#: For what may take from a cached answer's milliseconds to a model's minutes.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
_SHORT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STORE_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

RESPONSES: Final = Metric(
    "antiphon_responses_total",
    Kind.COUNTER,
    "{response}",
    "Responses that ended, however they did. Calls that authentication refused are not among them.",
    (_OUTCOME, _MODEL, _PROVIDER, _TENANT, _STREAM),
)
RESPONSE_ERRORS: Final = Metric(
    "antiphon_response_errors_total",
    Kind.COUNTER,
    "{response}",
    "Responses that ended with an error, by its reason.",
    (_REASON, _MODEL, _PROVIDER),
)
RESPONSE_DURATION: Final = Metric(
    "antiphon_response_duration_seconds",
    Kind.HISTOGRAM,
    "s",
    "From the request to the end of the response.",
    (_OUTCOME, _MODEL, _PROVIDER, _STREAM),
    _SECONDS,
    convention="gen_ai.server.request.duration",
)
FIRST_EVENT: Final = Metric(
    "antiphon_response_first_event_seconds",
    Kind.HISTOGRAM,
    "s",
    "From the request to the first event of any kind.",
    (_MODEL, _PROVIDER, _STREAM),
    _SECONDS,
)
FIRST_TOKEN: Final = Metric(
    "antiphon_response_first_token_seconds",
    Kind.HISTOGRAM,
    "s",
    "From the request to the first piece of the answer: text, refusal, reasoning or arguments. Streams only; counted "
    "when the response has ended.",
    (_MODEL, _PROVIDER),
    _SECONDS,
    convention="gen_ai.server.time_to_first_token",
)
GAP: Final = Metric(
    "antiphon_event_gap_seconds",
    Kind.HISTOGRAM,
    "s",
    "Between two batches of a provider's events: those that are read together are one batch.",
    (_MODEL, _PROVIDER),
    _SHORT_SECONDS,
)
TOKENS: Final = Metric(
    "antiphon_tokens_total",
    Kind.COUNTER,
    "{token}",
    "Tokens of responses that ended. Cached and cache-write tokens are among the input's, reasoning tokens among the "
    "output's.",
    (
        Label("kind", "what the tokens are", TOKEN_KINDS),
        _MODEL,
        _PROVIDER,
        _TENANT,
        Label("estimated", "whether the provider did not tell, so that they are an estimate", ("true", "false")),
    ),
    convention="gen_ai.client.token.usage",
)
IN_FLIGHT: Final = Metric(
    "antiphon_responses_in_flight",
    Kind.GAUGE,
    "{response}",
    "Responses that are being made now.",
    (_STREAM,),
)
ATTEMPTS: Final = Metric(
    "antiphon_attempts_total",
    Kind.COUNTER,
    "{attempt}",
    "Requests to providers that ended.",
    (_TARGET, _PROVIDER, _OUTCOME),
)
ATTEMPT_ERRORS: Final = Metric(
    "antiphon_attempt_errors_total",
    Kind.COUNTER,
    "{attempt}",
    "Requests to providers that ended with an error, by its reason; also those that another attempt made good.",
    (_REASON, _TARGET, _PROVIDER),
)
ATTEMPT_DURATION: Final = Metric(
    "antiphon_attempt_duration_seconds",
    Kind.HISTOGRAM,
    "s",
    "One request to a provider, from its beginning to its end, without those before it.",
    (_TARGET, _PROVIDER),
    _SECONDS,
    convention="gen_ai.client.operation.duration",
)
RETRIES: Final = Metric(
    "antiphon_retries_total",
    Kind.COUNTER,
    "{attempt}",
    "Attempts at the same target as the attempt before.",
    (_TARGET, _PROVIDER),
)
FAILOVERS: Final = Metric(
    "antiphon_failovers_total",
    Kind.COUNTER,
    "{attempt}",
    "Attempts at another target than the attempt before; `target` is the one that was left.",
    (_MODEL, _TARGET),
)
RPC_DURATION: Final = Metric(
    "antiphon_rpc_duration_seconds",
    Kind.HISTOGRAM,
    "s",
    "Calls of any method, over gRPC and the bridge alike, authenticated or not.",
    (
        Label("method", "the method's full name; `other` for one that does not exist", METHODS),
        Label("code", "the name of the gRPC status code", CODES),
    ),
    _SECONDS,
    convention="rpc.server.call.duration",
)
LIMIT_DECISIONS: Final = Metric(
    "antiphon_limit_decisions_total",
    Kind.COUNTER,
    "{decision}",
    "What limiters decided, for a response or for an attempt at one target. `never_fits`: more was asked for than the "
    "limit ever allows.",
    (
        Label("decision", "what was decided", DECISIONS),
        Label("limit", "the limit that refused; empty where none did", ("", *_limit_names())),
        Label("subject", "what kind of subject it limits, never which", ("", "key", "tenant", "model", "target")),
    ),
)
STORE_DURATION: Final = Metric(
    "antiphon_store_duration_seconds",
    Kind.HISTOGRAM,
    "s",
    "Operations of the store. That a response is unknown is an answer, and `ok`; `cancelled` is one whose caller did "
    "not wait for its end.",
    (
        Label("operation", "the store's operation", STORE_OPERATIONS),
        Label("outcome", "how it ended", ("ok", "error", "cancelled")),
    ),
    _STORE_SECONDS,
)
LOOP_LAG: Final = Metric(
    "antiphon_event_loop_lag_seconds",
    Kind.HISTOGRAM,
    "s",
    "How late a timer fires on the event loop: how long all calls wait for whatever blocks it.",
    (),
    _SHORT_SECONDS,
)
RELOAD_RESULTS: Final = Metric(
    "antiphon_config_reloads_total",
    Kind.COUNTER,
    "{reload}",
    "Attempts at reading the configuration anew. After a `refused` one the old configuration stays.",
    (Label("result", "what came of it", RELOADS),),
)
FOLDED: Final = Metric(
    "antiphon_metric_values_folded_total",
    Kind.COUNTER,
    "{value}",
    "Times that a label was given a value which has no place any more, and said `other` in its stead.",
    (LABEL,),
)
_WATCHED: Final = (
    ("antiphon_connections_open", "{connection}", "WebSockets and calls of Connect that are open now."),
    ("antiphon_background_responses", "{response}", "Responses in the background that are being made, or wait."),
    ("antiphon_targets_cooling", "{target}", "Targets that are left alone for now, because they failed."),
    ("antiphon_limiter_failures_total", "{failure}", "Failures of the limiter's backend."),
    ("antiphon_limiter_fallbacks_total", "{decision}", "Decisions that were made without the limiter's backend."),
    ("antiphon_limiter_unsent_total", "{settlement}", "Settlements that the limiter's backend was never told."),
    ("antiphon_usage_queue_entries", "{entry}", "Usage entries that wait to be written."),
    ("antiphon_usage_dropped_total", "{entry}", "Usage entries that were lost because the queue was full."),
    ("antiphon_span_queue_spans", "{span}", "Spans that wait to be exported."),
    ("antiphon_spans_dropped_total", "{span}", "Spans that were lost, because the queue was full or at export."),
    ("antiphon_log_queue_lines", "{line}", "Log lines that wait to be written."),
    ("antiphon_log_lines_dropped_total", "{line}", "Log lines that were lost: nobody reads them, or the disk is full."),
    ("antiphon_metric_exports_failed_total", "{export}", "Exports of metrics over OTLP that did not succeed."),
)
_FOREIGN: Final = (
    ("process_virtual_memory_bytes", Kind.GAUGE, "By", "Virtual memory."),
    ("process_resident_memory_bytes", Kind.GAUGE, "By", "Resident memory."),
    ("process_start_time_seconds", Kind.GAUGE, "s", "When the process started, since 1970."),
    ("process_cpu_seconds_total", Kind.COUNTER, "s", "CPU time, user and system."),
    ("process_open_fds", Kind.GAUGE, "{fd}", "Open file descriptors."),
    ("process_max_fds", Kind.GAUGE, "{fd}", "The most file descriptors that may be open."),
    ("python_gc_objects_collected_total", Kind.COUNTER, "{object}", "Objects that the garbage collector freed."),
    ("python_gc_objects_uncollectable_total", Kind.COUNTER, "{object}", "Objects that it found and could not free."),
    ("python_gc_collections_total", Kind.COUNTER, "{run}", "How often it ran, by generation."),
    ("python_info", Kind.GAUGE, "1", "Always 1; the labels say which Python this is."),
)
_FOREIGN_LABELS: Final = {
    "python_info": ("implementation", "major", "minor", "patchlevel", "version"),
    **dict.fromkeys([name for name, *_ in _FOREIGN if name.startswith("python_gc_")], ("generation",)),
}

METRICS: Final[tuple[Metric, ...]] = (
    RESPONSES,
    RESPONSE_ERRORS,
    RESPONSE_DURATION,
    FIRST_EVENT,
    FIRST_TOKEN,
    GAP,
    TOKENS,
    IN_FLIGHT,
    ATTEMPTS,
    ATTEMPT_ERRORS,
    ATTEMPT_DURATION,
    RETRIES,
    FAILOVERS,
    RPC_DURATION,
    LIMIT_DECISIONS,
    STORE_DURATION,
    LOOP_LAG,
    RELOAD_RESULTS,
    FOLDED,
    *(
        Metric(name, Kind.COUNTER if name.endswith("_total") else Kind.GAUGE, unit, meaning, watched=True)
        for name, unit, meaning in _WATCHED
    ),
    *(
        Metric(
            name,
            kind,
            unit,
            meaning,
            tuple(Label(label, "", ()) for label in _FOREIGN_LABELS.get(name, ())),
            foreign=True,
        )
        for name, kind, unit, meaning in _FOREIGN
    ),
)
