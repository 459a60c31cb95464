"""Errors as gRPC statuses."""

from __future__ import annotations

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

from antiphon.openai.v1 import options_pb2 as options
from antiphon.responses import v1
from server.errors import ServiceError

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
    """The trailing metadata that says all there is to say of an error."""
    pairs: list[tuple[str, str | bytes]] = [
        ("x-request-id", request_id),
        ("grpc-status-details-bin", _status(error, request_id).SerializeToString()),
    ]
    if error.retry_after is not None:
        pairs.append(("grpc-retry-pushback-ms", str(int(error.retry_after * 1000))))
    return tuple(pairs)


def text_of(error: ServiceError) -> str:
    """The status message of an error."""
    return _cut(error.message, _MAX_TEXT)


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def _status(error: ServiceError, request_id: str) -> status_pb2.Status:
    reason = v1.ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata={"request_id": request_id})
    status = status_pb2.Status(code=code_of(error).value[0], message=text_of(error))
    details = [info]
    if error.param is not None:
        param = _cut(error.param, _MAX_WORD)
        info.metadata["param"] = param
        violation = error_details_pb2.BadRequest.FieldViolation(field=param, description=text_of(error))
        if status.code == code_pb2.INVALID_ARGUMENT:
            details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if error.code is not None:
        info.metadata["code"] = _cut(error.code, _MAX_WORD)
    if error.http_status is not None:
        info.metadata["http_status"] = str(error.http_status)
    if error.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status
