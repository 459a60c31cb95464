"""Bedrock's errors, in the head of an answer and in the midst of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from server.errors import ServiceError
from server.providers.upstream.mask import Mask
from server.providers.upstream.refusals import Verdict, error_of, retry_after

#: The status that each type of error stands for, where that is not the one it comes with or it comes without one.
_STATUSES: Final = {
    "validationexception": 400,
    "servicequotaexceededexception": 402,
    "accessdeniedexception": 403,
    "expiredtokenexception": 403,
    "incompletesignature": 403,
    "incompletesignatureexception": 403,
    "invalidsignatureexception": 403,
    "missingauthenticationtoken": 403,
    "missingauthenticationtokenexception": 403,
    "signaturedoesnotmatch": 403,
    "unrecognizedclientexception": 403,
    "resourcenotfoundexception": 404,
    # Its model took too long.
    "modeltimeoutexception": 504,
    "modelerrorexception": 500,
    "modelstreamerrorexception": 500,
    "throttlingexception": 429,
    # It is being loaded.
    "modelnotreadyexception": 503,
    "internalserverexception": 500,
    "serviceunavailableexception": 503,
}
#: Types that other keys may mend.
_STALE: Final = frozenset({"expiredtokenexception", "unrecognizedclientexception", "invalidsignatureexception"})
_NO_THROUGHPUT: Final = "on-demand throughput"
_TOO_LONG: Final = (
    "input is too long for requested model",
    "exceed context limit",
    "too many total text bytes",
    "prompt is too long",
    "maximum context length",
)


def kind_of(headers: Mapping[str, str], body: Any) -> str:
    """The type of an error, without what AWS puts around it; empty where it tells none."""
    told: Any = headers.get("x-amzn-errortype") or (body.get("__type") if isinstance(body, dict) else None)
    return told.partition(":")[0].rpartition("#")[2].strip() if isinstance(told, str) else ""


def is_stale(kind: str) -> bool:
    """Whether an error says that the keys it was asked with are no longer good."""
    return kind.lower() in _STALE


def is_of_throughput(message: str) -> bool:
    """Whether a refusal says that a model is not to be had by its own name, but behind an inference profile alone."""
    return _NO_THROUGHPUT in message.lower()


def parsed(body: bytes) -> Any:
    """The value of an error's body; None where it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def error_for(
    kind: str, body: Any, mask: Mask, *, status: int = 500, headers: Mapping[str, str] | None = None, now: float = 0.0
) -> ServiceError:
    """The error for a type and a body; `status` counts for types that are not known."""
    message: Any = (body.get("message") or body.get("Message")) if isinstance(body, dict) else None
    message = message if isinstance(message, str) else None
    lower = (message or "").lower()
    status = _STATUSES.get(kind.lower(), status)
    verdict = Verdict(
        message,
        kind or None,
        is_too_long=any(sign in lower for sign in _TOO_LONG),
        # Waiting out a day is no waiting.
        is_out_of_quota="tokens per day" in lower,
    )
    return error_of(status, verdict, mask, retry_after(headers or {}, now=now))
