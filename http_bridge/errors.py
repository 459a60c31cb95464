"""What a call can end with, and how OpenAI's HTTP API spells it."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import grpc
from google.rpc import error_details_pb2, status_pb2

from antiphon.openai.v1 import options_pb2 as options
from antiphon.openai_json import CodecError, DecodeError, MissingMember, WrongType
from antiphon.responses import v1

_Reason = v1.ErrorReason
_DETAILS: Final = "grpc-status-details-bin"
_PUSHBACK: Final = "grpc-retry-pushback-ms"
_DOMAIN: Final = "antiphon"
_PREFIX: Final = "ERROR_REASON_"
_REASONS: Final[Mapping[str, Any]] = {name: reason for name, reason in _Reason.items() if reason}


class Fault(Exception):
    """What a client is told when its call does not succeed.

    `code`, `http_status` and `retryable` stand in for those of the reason;
    `retry_after` is in seconds. The message is for the client: it holds no text
    of an exception.
    """

    def __init__(
        self,
        reason: v1.ErrorReason,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        http_status: int | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.param = param
        self.retry_after = retry_after
        self._spelling = spelling(reason)
        self.code = code or self._spelling.code or None
        self.http_status = http_status or self._spelling.http_status
        self.retryable = self._spelling.retryable if retryable is None else retryable
        #: Headers that the server has told beside.
        self.told: Mapping[str, str] = {}

    def error(self) -> v1.ErrorObject:
        """OpenAI's error object."""
        return v1.ErrorObject(message=self.message, type=self._spelling.type, param=self.param, code=self.code)

    def event(self) -> v1.ResponseErrorEvent:
        """The error as an event tells it."""
        return v1.ResponseErrorEvent(code=self.code, message=self.message, param=self.param, error=self.error())

    def headers(self) -> dict[str, str]:
        """Those by which OpenAI's SDKs decide whether and when to try again, and what the server has told beside."""
        headers = {**self.told, "x-should-retry": "true" if self.retryable else "false"}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, math.ceil(self.retry_after)))
            headers["retry-after-ms"] = str(math.ceil(self.retry_after * 1000))
        return headers


@functools.cache
def spelling(reason: v1.ErrorReason) -> options.ErrorSpelling:
    """How the contract says that a reason is spelled."""
    value: Any = _Reason.DESCRIPTOR.values_by_number[reason]
    spelled: options.ErrorSpelling = value.GetOptions().Extensions[options.error]
    return spelled


def internal() -> Fault:
    """The fault for whatever should not happen."""
    return Fault(_Reason.ERROR_REASON_INTERNAL, "The server failed. Quote the request id when reporting it.")


def unavailable() -> Fault:
    """The fault for a call that was ended from the server's side, or never reached it."""
    return Fault(
        _Reason.ERROR_REASON_OVERLOADED,
        "The server cannot be reached, or is about to stop. Try again shortly.",
        retry_after=1.0,
    )


def too_large() -> Fault:
    """The fault for a request beyond a limit of the bridge's or the server's."""
    return Fault(_Reason.ERROR_REASON_REQUEST_TOO_LARGE, "The request is larger than the server takes.")


def of_codec(error: CodecError) -> Fault:
    """The fault for a body that does not fit the contract."""
    if not isinstance(error, DecodeError):
        return Fault(_Reason.ERROR_REASON_MALFORMED_REQUEST, str(error))
    reason = _Reason.ERROR_REASON_INVALID_VALUE
    if isinstance(error, WrongType):
        reason = _Reason.ERROR_REASON_INVALID_TYPE
    elif isinstance(error, MissingMember):
        reason = _Reason.ERROR_REASON_MISSING_REQUIRED_PARAMETER
    return Fault(reason, str(error), param=error.param or None)


def of_rpc(error: grpc.aio.AioRpcError) -> Fault:
    """The fault for a call's status: as its details tell it, else by its code, in words of our own."""
    trailing = tuple(error.trailing_metadata() or ())
    fault = _told(trailing) or _untold(error.code())
    if any(key == _PUSHBACK and _is_final(value) for key, value in trailing):
        fault.retryable = False
    return fault


def _is_final(pushback: Any) -> bool:
    """Whether gRPC's own clients would not try again after that: it is no number, or one below 0."""
    return not (isinstance(pushback, str) and pushback.isascii() and pushback.isdigit())


def _told(trailing: Iterable[tuple[str, Any]] | None) -> Fault | None:
    packed = next((value for key, value in trailing or () if key == _DETAILS), None)
    if packed is None:
        return None
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    violations = error_details_pb2.BadRequest()
    try:
        status = status_pb2.Status.FromString(packed)
        for detail in status.details:
            for message in (info, retry, violations):
                detail.Unpack(message)
    except Exception:  # protobuf has one error per implementation for bytes that are no message
        return None
    if info.domain != _DOMAIN:
        return None
    reason = _REASONS.get(_PREFIX + info.reason)
    if reason is None:
        return None
    param = info.metadata.get("param") or next((v.field for v in violations.field_violations), "")
    delay = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return Fault(
        reason,
        status.message,
        param=param or None,
        code=info.metadata.get("code"),
        http_status=_client_error(info.metadata.get("http_status", "")),
        retry_after=delay if delay > 0 else None,
        retryable=False if info.metadata.get("retryable") == "false" else None,
    )


def _client_error(text: str) -> int | None:
    """A verdict passed on from a provider may choose among the statuses that blame the client only."""
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and text[0] == "4" else None


def _untold(code: grpc.StatusCode) -> Fault:
    match code:
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return unavailable()
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Fault(_Reason.ERROR_REASON_TIMEOUT, "The call took longer than its deadline allows.")
        case grpc.StatusCode.UNIMPLEMENTED:
            return Fault(_Reason.ERROR_REASON_UNIMPLEMENTED, "The server does not offer this method.")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return too_large()
        case _:
            return internal()
