"""How an answer ends, by Google's word for it, and what it took.

https://ai.google.dev/api/generate-content#FinishReason, https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from antiphon.responses import v1
from server.providers.writer import Status


@dataclass(frozen=True, slots=True)
class End:
    """What is told as the last of an answer."""

    status: Status
    incomplete_reason: str | None = None
    error: v1.ResponseError | None = None


def _failed(message: str) -> End:
    return End("failed", error=v1.ResponseError(code="server_error", message=message))


_CUT: Final = End("incomplete", "max_output_tokens")
_FILTERED: Final = End("incomplete", "content_filter")
_ENDS: Final = {
    "STOP": End("completed"),
    "MAX_TOKENS": _CUT,
    # There is more, but not within one request.
    "CONTINUATION": _CUT,
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY",
         "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION"),
        _FILTERED,
    ),
    "MALFORMED_FUNCTION_CALL": _failed("The model wrote a call that cannot be read. Try again."),
    "MALFORMED_RESPONSE": _failed("The model wrote an answer that cannot be read. Try again."),
    "UNEXPECTED_TOOL_CALL": _failed("The model called a tool that it was not offered."),
    "TOO_MANY_TOOL_CALLS": _failed("The model called too many tools in a row."),
    "MISSING_THOUGHT_SIGNATURE": _failed("The provider misses a signature in the conversation."),
    "NO_IMAGE": _failed("The model made no image."),
    "PUP_LIMITED_DISABLED": _failed("The provider has limited or disabled the account that is asked with."),
}  # fmt: skip
_OTHER: Final = _failed("The provider ended the answer for a reason of its own.")

_TIERS: Final = {"standard": "default", "flex": "flex", "priority": "priority"}
_TRAFFIC: Final = {"ON_DEMAND_PRIORITY": "priority", "ON_DEMAND_FLEX": "flex"}
_MAX_COUNT: Final = 1 << 53


def end_of(reason: str | None) -> End:
    """How an answer ends that finished for this reason; without one its prompt was blocked."""
    return _FILTERED if reason is None else _ENDS.get(reason, _OTHER)


def usage_of(told: dict[str, Any] | None) -> v1.ResponseUsage | None:
    """The tokens; None where they were never told."""
    if told is None:
        return None
    # What hosted tools read is counted apart, and so are thoughts.
    read = _count(told, "promptTokenCount") + _count(told, "toolUsePromptTokenCount")
    thought = _count(told, "thoughtsTokenCount")
    written = _count(told, "candidatesTokenCount") + thought
    usage = v1.ResponseUsage(input_tokens=read, output_tokens=written, total_tokens=read + written)
    usage.input_tokens_details.cached_tokens = _count(told, "cachedContentTokenCount")
    usage.output_tokens_details.reasoning_tokens = thought
    return usage


def tier_of(told: dict[str, Any] | None) -> str | None:
    """The tier that the request was served by, as the API calls it; None where that is not told."""
    if told is None:
        return None
    tier, traffic = told.get("serviceTier"), told.get("trafficType")
    if isinstance(tier, str) and tier.lower() in _TIERS:
        return _TIERS[tier.lower()]
    return _TRAFFIC.get(traffic) if isinstance(traffic, str) else None


def _count(told: dict[str, Any], name: str) -> int:
    value = told.get(name)
    return value if type(value) is int and 0 <= value < _MAX_COUNT else 0
