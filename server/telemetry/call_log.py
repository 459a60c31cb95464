"""One log line for each call, at its end."""

from __future__ import annotations

from typing import Any, Final

import structlog

from antiphon.openai.v1 import options_pb2 as options
from antiphon.responses import v1
from server.errors import ServiceError
from server.telemetry.record import NO_TOKENS, Observer, Outcome, ResponseRecord
from server.telemetry.registry import OTHER
from server.telemetry.registry.metrics import METHODS

_log = structlog.get_logger()

_KNOWN_METHODS: Final = frozenset(METHODS)
#: Codes that are the server's fault, or its providers', where no reason is known.
_SERVER_CODES: Final = frozenset({"UNKNOWN", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


def _server_reasons() -> frozenset[int]:
    found = set()
    for value in v1.ErrorReason.DESCRIPTOR.values:
        spelling: options.ErrorSpelling = value.GetOptions().Extensions[options.error]  # type: ignore[index]
        if spelling.type == "server_error":
            found.add(value.number)
    return frozenset(found)


_SERVER_REASONS: Final = _server_reasons()


def log_call(
    method: str,
    code: str,
    seconds: float,
    record: ResponseRecord | None = None,
    *,
    request_id: str = "",
    tenant: str = "",
    key: str = "",
    error: ServiceError | None = None,
) -> None:
    """Log that a call ended.

    `method` is as gRPC names it, known or not, and `code` the name of its
    status code. The keywords are for calls that asked for no response; what a
    `record` knows is taken from it. The line holds no secret, no content and no
    words of an error.
    """
    name = method.removeprefix("/")
    fields: dict[str, Any] = {
        "request_id": request_id if record is None else record.request_id,
        "method": name if name in _KNOWN_METHODS else OTHER,
        "code": code,
        "duration_ms": _ms(seconds),
    }
    if record is None:
        if tenant:
            fields["tenant"] = tenant
            fields["key"] = key
    else:
        error = error or record.error
        _describe(fields, record)
    if error is not None:
        fields["reason"] = error.reason_name
    if _failed(code, error, record):
        _log.warning("call", **fields)
    else:
        _log.info("call", **fields)


class DetachedLog(Observer):
    """Logs the end of responses that go on without their callers: the line of the call came before it."""

    def ended(self, record: ResponseRecord) -> None:
        if not record.is_detached:
            return
        fields: dict[str, Any] = {"request_id": record.request_id, "duration_ms": _ms(record.duration or 0.0)}
        _describe(fields, record)
        if record.error is not None:
            fields["reason"] = record.error.reason_name
        if _failed("OK", record.error, record):
            _log.warning("response", **fields)
        else:
            _log.info("response", **fields)


def _describe(fields: dict[str, Any], record: ResponseRecord) -> None:
    fields["tenant"] = record.tenant
    fields["key"] = record.key
    # What is no model of ours may be anything: a key, or a prompt.
    fields["model"] = record.model if record.model_is_known else OTHER
    fields["stream"] = record.incremental
    if record.outcome is not None:
        fields["outcome"] = record.outcome
    if record.response_id:
        fields["response_id"] = record.response_id
    if record.attempts:
        last = record.attempts[-1]
        fields["target"] = last.target
        fields["provider"] = last.provider
        if last.omitted:
            # How many, not which: members that nobody knows may be called anything.
            fields["omitted"] = len(last.omitted)
    fields["attempts"] = len(record.attempts)
    fields["events"] = record.events
    tokens = record.tokens
    if tokens is not NO_TOKENS:
        fields["input_tokens"] = tokens.input
        fields["output_tokens"] = tokens.output
        fields["cached_tokens"] = tokens.cached
        fields["cache_write_tokens"] = tokens.cache_write
        fields["reasoning_tokens"] = tokens.reasoning
        fields["estimated"] = tokens.estimated
    if record.first_event is not None:
        fields["first_event_ms"] = _ms(record.first_event)
    if record.first_token is not None:
        fields["first_token_ms"] = _ms(record.first_token)


def _failed(code: str, error: ServiceError | None, record: ResponseRecord | None) -> bool:
    """Whether it is the server's or a provider's fault, rather than the caller's or nobody's."""
    outcome = None if record is None else record.outcome
    if outcome in (Outcome.CANCELLED, Outcome.DEADLINE):
        return False
    if error is not None:
        return error.reason in _SERVER_REASONS
    return code in _SERVER_CODES or outcome in (Outcome.FAILED, Outcome.SHUTDOWN)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
