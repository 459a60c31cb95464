"""How errors are told.

By https://platform.claude.com/docs/en/api/errors.
"""

from __future__ import annotations

import re
from typing import Any, Final

from server.providers.upstream.refusals import Verdict

#: The status that each type of error has, where it comes in a stream that began well.
_STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
#: What says nothing that the status does not say.
_PLAIN: Final = frozenset({"invalid_request_error", "api_error"})
#: There is no code for these: https://platform.claude.com/docs/en/build-with-claude/context-windows.
_TOO_LONG: Final = re.compile(r"prompt is too long|exceeds? (?:the )?context (?:limit|window)", re.IGNORECASE)
_EMPTY: Final = re.compile(rb"credit balance is too low|reached your specified API usage limits", re.IGNORECASE)
_NO_MODEL: Final = re.compile(r"model: ")
_THOUGHT: Final = re.compile(r"`(?:redacted_)?thinking`|thinking block")


def verdict(value: Any) -> Verdict:
    """The verdict in an error's JSON."""
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        return Verdict()
    message, kind, details = error.get("message"), error.get("type"), error.get("details")
    message = message if isinstance(message, str) and message else None
    exact = details.get("error_code") if isinstance(details, dict) else None
    code = exact if isinstance(exact, str) else kind if isinstance(kind, str) and kind not in _PLAIN else None
    return Verdict(
        message,
        code,
        is_too_long=message is not None and _TOO_LONG.search(message) is not None,
        is_out_of_quota=isinstance(exact, str) and "spend_limit" in exact,
    )


def status_in_stream(value: Any) -> int:
    """The status of an error that comes in a stream, which began well."""
    error = value.get("error") if isinstance(value, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    return _STATUSES.get(kind, 500) if isinstance(kind, str) else 500


def is_of_the_account(body: bytes) -> bool:
    """Whether a refusal, told as one of the request, says that the account is empty."""
    return _EMPTY.search(body) is not None


def is_of_the_model(message: str) -> bool:
    """Whether something that was not found is the model."""
    return _NO_MODEL.match(message) is not None


def is_of_thoughts(message: str) -> bool:
    """Whether a refusal is of thoughts that were sent back: they do not fit the conversation as it now is."""
    return _THOUGHT.search(message) is not None
