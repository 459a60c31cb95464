"""Errors as gRPC statuses."""

from __future__ import annotations

import math
from typing import Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from antiphon.openai.v1 import options_pb2 as options
from antiphon.responses import v1
from server.errors import RateLimitExceeded, ServiceError

DOMAIN: Final = "antiphon"

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
#: Rich details travel in a trailer, and clients drop a call whose trailers exceed 8 KiB: longer texts are cut to
#: this many bytes. A text travels up to three times, once of them with three bytes for each that is not ASCII.
_MAX_TEXT: Final = 1000
_MAX_WORD: Final = 256


def code_of(error: ServiceError) -> grpc.StatusCode:
    """The status code of an error's reason."""
    value = v1.ErrorReason.DESCRIPTOR.values_by_number[error.reason]
    spelling: options.ErrorSpelling = value.GetOptions().Extensions[options.error]  # type: ignore[index]
    return _CODES[spelling.grpc_code]


def trailers(error: ServiceError, request_id: str) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata that says all there is to say of an error; `request_id` is the call's."""
    pairs: list[tuple[str, str | bytes]] = [
        ("grpc-status-details-bin", _status(error, request_id).SerializeToString()),
    ]
    if not error.retryable:
        pairs.append(("grpc-retry-pushback-ms", "-1"))
    elif error.retry_after is not None:
        pairs.append(("grpc-retry-pushback-ms", str(math.ceil(error.retry_after * 1000))))
    return tuple(pairs)


def text_of(error: ServiceError) -> str:
    """The status message of an error."""
    return _cut(error.message, _MAX_TEXT)


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def _status(error: ServiceError, request_id: str) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(reason=error.reason_name, domain=DOMAIN, metadata={"request_id": request_id})
    status = status_pb2.Status(code=code_of(error).value[0], message=text_of(error))
    details: list[Message] = [info]
    if error.param is not None:
        param = _cut(error.param, _MAX_WORD)
        info.metadata["param"] = param
        if status.code == code_pb2.INVALID_ARGUMENT:
            field = error_details_pb2.BadRequest.FieldViolation(field=param, description=text_of(error))
            details.append(error_details_pb2.BadRequest(field_violations=[field]))
    if error.code is not None:
        info.metadata["code"] = _cut(error.code, _MAX_WORD)
    if error.http_status is not None:
        info.metadata["http_status"] = str(error.http_status)
    if not error.retryable:
        info.metadata["retryable"] = "false"
    if isinstance(error, RateLimitExceeded) and error.quota is not None:
        subject, limit = error.quota
        violation = error_details_pb2.QuotaFailure.Violation(subject=_cut(subject, _MAX_WORD), description=limit)
        details.append(error_details_pb2.QuotaFailure(violations=[violation]))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(math.ceil(error.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status
