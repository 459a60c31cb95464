"""A provider's refusals, as the server's errors: none of its texts goes out but those meant for the caller."""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, TypeAlias

import orjson

from server.errors import (
    ContextLengthExceeded,
    InsufficientQuota,
    RateLimitExceeded,
    ServiceError,
    UpstreamAuthentication,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.providers.upstream.mask import Mask

#: Of an error's body, what is longer than that is not read.
MAX_ERROR_BYTES: Final = 64 * 1024
_MAX_RETRY_AFTER: Final = 120.0
_REJECTIONS: Final = frozenset({400, 404, 409, 413, 422})
_OUTAGES: Final = frozenset({502, 503, 504, 529})
_NOT_SERVED: Final = frozenset({405, 501})
_EMPTY_ACCOUNT: Final = frozenset({"insufficient_quota", "credit_balance_exhausted"})
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}\Z")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a provider says of an error, as far as it says it. Its texts are as they came."""

    message: str | None = None
    code: str | None = None
    param: str | None = None
    #: The request is longer than the model can read.
    is_too_long: bool = False
    #: The account is empty, which waiting does not mend.
    is_out_of_quota: bool = False
    #: Seconds to wait, where the body says so.
    retry_after: float | None = None


class NotServed(UpstreamError):
    """The provider has no such method at that address."""


#: Reads the value of an error's JSON.
Read: TypeAlias = Callable[[Any], Verdict]


def openai_verdict(value: Any) -> Verdict:
    """The verdict in an error as OpenAI spells it, and most others do."""
    error = value.get("error", value) if isinstance(value, dict) else None
    if isinstance(error, str):
        return Verdict(error)
    if not isinstance(error, dict):
        return Verdict()
    message, code, param = (_text(error.get(name)) for name in ("message", "code", "param"))
    return Verdict(
        message,
        code,
        param,
        is_too_long=code == "context_length_exceeded",
        is_out_of_quota=code in _EMPTY_ACCOUNT,
    )


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, mask: Mask, *, now: float, read: Read = openai_verdict
) -> ServiceError:
    """The error for an answer that is not a success; `now` is the time in seconds since 1970."""
    try:
        verdict = read(orjson.loads(body))
    except orjson.JSONDecodeError:
        verdict = Verdict()
    wait = retry_after(headers, now=now)
    return error_of(status, verdict, mask, wait if wait is not None else _bounded(verdict.retry_after))


def error_of(status: int, verdict: Verdict, mask: Mask, wait: float | None = None) -> ServiceError:
    """The error for a status and what was said beside it, in the head of an answer or in the midst of a stream."""
    message = mask(verdict.message) if verdict.message else None
    code = verdict.code if verdict.code and _CODE.match(verdict.code) and mask(verdict.code) == verdict.code else None
    param = mask(verdict.param)[:200] if verdict.param else None
    if status in _REJECTIONS:
        kind = ContextLengthExceeded if verdict.is_too_long else UpstreamRejected
        return kind(message or "The provider rejected the request.", code=code, param=param, http_status=status)
    if status in (401, 403):
        return UpstreamAuthentication("The provider refused the server's credentials.")
    if status == 402 or (status == 429 and verdict.is_out_of_quota):
        return InsufficientQuota("The server's quota at the provider is used up.", code=code, retry_after=wait)
    if status == 429:
        return RateLimitExceeded("The provider's rate limit is reached. Try again later.", retry_after=wait)
    if status in _OUTAGES:
        return UpstreamUnavailable("The provider is not available. Try again later.", retry_after=wait)
    if status in _NOT_SERVED:
        return NotServed("The provider failed to answer the request.", retry_after=wait)
    if 300 <= status < 400:
        return UpstreamError("The provider answered with a redirect, which is not followed.")
    return UpstreamError("The provider failed to answer the request.", retry_after=wait)


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """How many seconds to wait by the provider's word, within reason; None when it says nothing that can be read."""
    seconds = _number(headers.get("retry-after-ms"))
    if seconds is not None:
        seconds /= 1000
    else:
        text = headers.get("retry-after")
        seconds = _number(text)
        if seconds is None and text is not None:
            seconds = _until(text, now)
    return _bounded(seconds)


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), _MAX_RETRY_AFTER)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(date: str, now: float) -> float | None:
    try:
        when = email.utils.parsedate_to_datetime(date)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
