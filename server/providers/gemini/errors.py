"""Google's errors, which are `google.rpc.Status` in JSON.

https://ai.google.dev/gemini-api/docs/troubleshooting, https://google.aip.dev/193
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from server.errors import ServiceError
from server.providers.upstream.mask import Mask
from server.providers.upstream.refusals import Verdict, error_of

_TOO_LONG: Final = re.compile(r"token count.{0,80}exceeds the maximum number of tokens", re.IGNORECASE | re.DOTALL)
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s\Z")
#: The HTTP status of each of Google's own, for errors that come without one.
_STATUSES: Final = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
#: Reasons that Google tells with 400, and that are about who asks.
_NOT_ADMITTED: Final = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})


def gemini_verdict(value: Any) -> Verdict:
    """The verdict in an error's JSON."""
    error = error_in(value)
    if error is None:
        return Verdict()
    message, status = error.get("message"), error.get("status")
    message = message if isinstance(message, str) else None
    details = _details(error)
    return Verdict(
        message,
        status if isinstance(status, str) else None,
        is_too_long=message is not None and _TOO_LONG.search(message) is not None,
        is_out_of_quota=any(_is_daily(detail) for detail in details),
        retry_after=next((seconds for detail in details if (seconds := _delay(detail)) is not None), None),
    )


def error_in(value: Any) -> dict[str, Any] | None:
    """The error in a document; alone in a list, too, as answers that are no server-sent events hold it."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else None


def error_in_stream(error: dict[str, Any], mask: Mask) -> ServiceError:
    """The error for one that comes in the midst of an answer."""
    verdict = gemini_verdict({"error": error})
    code = error.get("code")
    status = code if type(code) is int and 400 <= code < 600 else _STATUSES.get(verdict.code or "", 500)
    return error_of(_admission(status, error), verdict, mask, verdict.retry_after)


def status_of(status: int, body: bytes) -> int:
    """The status that an answer should have had: Google's for a key that is none is 400."""
    if status != 400:
        return status
    try:
        error = error_in(orjson.loads(body))
    except orjson.JSONDecodeError:
        return status
    return status if error is None else _admission(status, error)


def _admission(status: int, error: dict[str, Any]) -> int:
    reasons = {reason for detail in _details(error) if isinstance(reason := detail.get("reason"), str)}
    return 401 if status == 400 and reasons & _NOT_ADMITTED else status


def _details(error: dict[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _is_daily(detail: dict[str, Any]) -> bool:
    """Whether a detail tells that what is used up comes back tomorrow."""
    violations = detail.get("violations")
    if not isinstance(violations, list):
        return False
    ids = [one.get("quotaId") for one in violations if isinstance(one, dict)]
    return any(isinstance(one, str) and "PerDay" in one for one in ids)


def _delay(detail: dict[str, Any]) -> float | None:
    delay = detail.get("retryDelay")
    match = _SECONDS.match(delay) if isinstance(delay, str) else None
    return float(match[1]) if match is not None else None
