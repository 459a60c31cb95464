"""Errors as OpenAI's objects spell them: in an `error` event, and in a failed response."""

from __future__ import annotations

from typing import Final

from antiphon.openai.v1 import options_pb2 as options
from antiphon.responses import v1
from server.errors import InsufficientQuota, RateLimitExceeded, ServiceError, UpstreamError, UpstreamRejected

#: The codes that a failed response may have (`ResponseError.code`), beside `server_error`.
_RESPONSE_CODES: Final = frozenset(
    {
        "rate_limit_exceeded",
        "invalid_prompt",
        "data_residency_mismatch",
        "bio_policy",
        "misalignment_policy_violation",
        "vector_store_timeout",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)

_UPSTREAM_ERRORS: Final[dict[str, type[ServiceError]]] = {
    "rate_limit_exceeded": RateLimitExceeded,
    "insufficient_quota": InsufficientQuota,
    "credit_balance_exhausted": InsufficientQuota,
    "invalid_prompt": UpstreamRejected,
}


def spelling(error: ServiceError) -> options.ErrorSpelling:
    """How the error's reason is told, from the options on `ErrorReason`."""
    value = v1.ErrorReason.DESCRIPTOR.values_by_number[error.reason]
    told: options.ErrorSpelling = value.GetOptions().Extensions[options.error]  # type: ignore[index]
    return told


def code(error: ServiceError) -> str | None:
    return error.code or spelling(error).code or None


def status(error: ServiceError) -> int:
    """The HTTP status that an error has. A provider's verdict may choose among those that blame the caller only."""
    if error.http_status is not None and 400 <= error.http_status < 500:
        return error.http_status
    return spelling(error).http_status


def event(error: ServiceError) -> v1.ResponseErrorEvent:
    """The `error` event, in the form that every client understands: nested, and flat beside it."""
    told = v1.ResponseErrorEvent(message=error.message, code=code(error), param=error.param)
    told.error.type = spelling(error).type
    told.error.message = error.message
    if told.HasField("code"):
        told.error.code = told.code
    if told.HasField("param"):
        told.error.param = told.param
    return told


def event_of_response(error: v1.ResponseError) -> v1.ResponseErrorEvent:
    """The `error` event that goes before a response which the provider said has failed."""
    told = v1.ResponseErrorEvent(message=error.message, code=error.code)
    told.error.type = error.type or "server_error"
    told.error.message = error.message
    told.error.code = error.code
    if error.HasField("param"):
        told.param = told.error.param = error.param
    if error.HasField("misalignment"):
        told.error.misalignment.CopyFrom(error.misalignment)
    return told


def response_error(error: ServiceError) -> v1.ResponseError:
    """The `error` of a failed response."""
    exact = code(error)
    return v1.ResponseError(code=exact if exact in _RESPONSE_CODES else "server_error", message=error.message)


def error_of_event(told: v1.ResponseErrorEvent) -> ServiceError:
    """The error that a provider's `error` event stands for, nested or flat."""
    nested = told.error
    exact = nested.code or told.code or None
    message = nested.message or told.message or "The provider failed without saying why."
    kind = _UPSTREAM_ERRORS.get(exact or "", UpstreamError)
    return kind(clean(message), code=exact, param=nested.param or told.param or None)


def clean(text: str) -> str:
    """A provider's text, fit to be passed on: one line, and not too long."""
    return "".join(c if c.isprintable() else " " for c in text[:1000]).strip()
