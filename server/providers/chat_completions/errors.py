"""What is said of errors, in the many forms there are of that."""

from __future__ import annotations

import re
from typing import Any, Final

from server.errors import ServiceError
from server.providers.upstream.mask import Mask
from server.providers.upstream.refusals import Verdict, error_of

#: What is said where no code says that the input is longer than the model can read.
_TOO_LONG: Final = re.compile(
    r"(maximum|available|max) (context|prompt) (length|size|window)|context[ _](length|window|size).{0,40}exceed"
    r"|exceed.{0,64}(context|token limit)|prompt is too long|too many (input )?tokens"
    r"|model_max_prompt_tokens_exceeded",
    re.IGNORECASE,
)
#: It is said at the beginning, if at all: who is answered quotes what it likes, at any length.
_LOOKED_AT: Final = 4096
_TOO_LONG_CODES: Final = frozenset({"context_length_exceeded", "exceed_context_size_error", "model_length_exceeded"})
_EMPTY_ACCOUNTS: Final = frozenset({"insufficient_quota", "credit_balance_exhausted", "exceeded_current_quota_error"})
#: The HTTP status that a word in an error stands for, where no number is given.
_STATUS: Final = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "rate_limit_reached_error": 429,
    "invalid_request_error": 400,
    "BadRequestError": 400,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "tool_use_failed": 400,
    "content_filter": 400,
    "overloaded_error": 503,
    "engine_overloaded_error": 503,
    "service_unavailable": 503,
    "unavailable_error": 503,
    "provider_unavailable": 503,
    "provider_overloaded": 503,
    "insufficient_quota": 402,
}


def verdict(value: Any) -> Verdict:
    """What an error's JSON says: an object `error`, a text `error`, or members of its own."""
    whole = value if isinstance(value, dict) else {}
    error = whole.get("error") or whole.get("errors") or whole
    if isinstance(error, str):
        error = {"message": error, "code": whole.get("code")}
    if not isinstance(error, dict):
        return Verdict()
    said = (error.get(name) for name in ("message", "error_message", "detail", "msg"))
    message = next((text for one in said if (text := _message(one))), None)
    words = [one for name in ("code", "type", "error_type") if isinstance(one := error.get(name), str) and one]
    param = error.get("param")
    return Verdict(
        message,
        words[0] if words else None,
        param if isinstance(param, str) else None,
        is_too_long=not _TOO_LONG_CODES.isdisjoint(words) or bool(message and _TOO_LONG.search(message, 0, _LOOKED_AT)),
        is_out_of_quota=not _EMPTY_ACCOUNTS.isdisjoint(words),
    )


def is_error(value: dict[str, Any]) -> bool:
    """Whether what should be a piece of an answer, or a whole one, tells of an error."""
    if value.get("error"):
        return True
    if "choices" in value:
        return False
    return "error_message" in value or value.get("object") == "error" or ("code" in value and "message" in value)


def failure(value: dict[str, Any], mask: Mask) -> ServiceError:
    """The error for what comes in an answer that began as a success."""
    error = value.get("error")
    told = error if isinstance(error, dict) else value
    numbers = [one for name in ("code", "status", "status_code") if (one := _number(told.get(name))) is not None]
    words = [told.get(name) for name in ("code", "type", "error_type")]
    metadata = told.get("metadata")
    if isinstance(metadata, dict):
        words.append(metadata.get("error_type"))
    statuses = numbers + [_STATUS[word] for word in words if isinstance(word, str) and word in _STATUS]
    said = verdict(value)
    return error_of(statuses[0] if statuses else 400 if said.is_too_long else 500, said, mask)


def _message(value: Any) -> str | None:
    """A text, or the texts in a list of what is wrong with the request."""
    while isinstance(value, dict):
        value = value.get("detail")
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = []
        for one in value:
            if isinstance(one, dict) and isinstance(one.get("msg"), str):
                place = one.get("loc")
                steps = [str(step) for step in place if isinstance(step, str | int)] if isinstance(place, list) else []
                where = ".".join(steps) + ": " if steps else ""
                texts.append(where + one["msg"])
        return "; ".join(texts) or None
    return None


def _number(value: Any) -> int | None:
    """An HTTP status of an error."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        value = int(value)
    return value if type(value) is int and 400 <= value < 600 else None
