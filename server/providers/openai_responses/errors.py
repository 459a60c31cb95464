"""The provider's refusals, as the server's errors: none of its texts goes out but those meant for the caller."""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, Final

from antiphon import openai_json
from server import masking
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

#: Of an error's body, what is longer than that is not read.
MAX_ERROR_BYTES: Final = 64 * 1024
_MAX_MESSAGE: Final = 1000
_MAX_RETRY_AFTER: Final = 120.0
_REJECTIONS: Final = frozenset({400, 404, 409, 413, 422})
_OUTAGES: Final = frozenset({502, 503, 504, 529})
_EMPTY_ACCOUNT: Final = frozenset({"insufficient_quota", "credit_balance_exhausted"})
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}\Z")


class Mask:
    """Takes what must not be seen out of a provider's texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first: one secret may begin with another.
        words = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self._own = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, text: str) -> str:
        """The text in one line of printable characters, without secrets and not too long."""
        text = " ".join("".join(c if c.isprintable() else " " for c in text[: 16 * _MAX_MESSAGE]).split())
        if self._own is not None:
            text = self._own.sub(masking.MASK, text)
        text = masking.mask(text)
        return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"


def refusal(status: int, headers: Mapping[str, str], body: bytes, mask: Mask, *, now: float) -> ServiceError:
    """The error for an answer that is not a success; `now` is the time in seconds since 1970."""
    message, code, param = _read(body, mask)
    if status in _REJECTIONS:
        kind = ContextLengthExceeded if code == "context_length_exceeded" else UpstreamRejected
        return kind(message or "The provider rejected the request.", code=code, param=param, http_status=status)
    if status in (401, 403):
        return UpstreamAuthentication("The provider refused the server's credentials.")
    wait = retry_after(headers, now=now)
    if status == 402 or (status == 429 and code in _EMPTY_ACCOUNT):
        return InsufficientQuota("The server's quota at the provider is used up.", code=code, retry_after=wait)
    if status == 429:
        return RateLimitExceeded("The provider's rate limit is reached. Try again later.", retry_after=wait)
    if status in _OUTAGES:
        return UpstreamUnavailable("The provider is not available. Try again later.", retry_after=wait)
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
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now


def _read(body: bytes, mask: Mask) -> tuple[str | None, str | None, str | None]:
    """The message, code and param of an error's body, as far as it has them and they are fit to be shown."""
    try:
        value: Any = openai_json.parse(body)
    except openai_json.CodecError:
        return None, None, None
    error = value.get("error", value) if isinstance(value, dict) else None
    if isinstance(error, str):
        return mask(error) or None, None, None
    if not isinstance(error, dict):
        return None, None, None
    message, code, param = error.get("message"), error.get("code"), error.get("param")
    return (
        (mask(message) or None) if isinstance(message, str) else None,
        code if isinstance(code, str) and _CODE.match(code) and mask(code) == code else None,
        mask(param)[:200] if isinstance(param, str) and param else None,
    )
