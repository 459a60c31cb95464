"""What an answer takes, by the provider's word.

By https://platform.claude.com/docs/en/api/messages/create: `input_tokens` are
those that were neither read from the cache nor written to it. In a stream each
word on it stands in place of the last, never beside it.
"""

from __future__ import annotations

from typing import Any, Final

from antiphon.responses import v1

_COUNTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_TIERS: Final = {"standard": "default", "priority": "priority"}
#: More than any answer takes.
_MOST: Final = 10**9


class Spending:
    """The counts of one answer."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._tier: str | None = None

    def take(self, usage: Any) -> None:
        """Take what is said now. What it does not name stays as it was said before."""
        if type(usage) is not dict:
            return
        for name in _COUNTS:
            self._count(name, usage.get(name))
        for holder, name in (("output_tokens_details", "thinking_tokens"), ("server_tool_use", "web_search_requests")):
            details = usage.get(holder)
            if type(details) is dict:
                self._count(name, details.get(name))
        tier = usage.get("service_tier")
        if type(tier) is str:
            self._tier = _TIERS.get(tier)

    def _count(self, name: str, value: Any) -> None:
        if type(value) is int and 0 <= value <= _MOST:
            self._counts[name] = value

    def usage(self) -> v1.ResponseUsage | None:
        """All of it; None where nothing was said."""
        counts = self._counts
        if "input_tokens" not in counts and "output_tokens" not in counts:
            return None
        fresh, read, written, output = (counts.get(name, 0) for name in _COUNTS)
        usage = v1.ResponseUsage(
            input_tokens=fresh + read + written,
            output_tokens=output,
            total_tokens=fresh + read + written + output,
        )
        usage.input_tokens_details.cached_tokens = read
        usage.input_tokens_details.cache_write_tokens = written
        usage.output_tokens_details.reasoning_tokens = counts.get("thinking_tokens", 0)
        return usage

    def told(self) -> v1.Response | None:
        """What else is said of the answer."""
        searches = self._counts.get("web_search_requests", 0)
        if self._tier is None and not searches:
            return None
        response = v1.Response()
        if self._tier is not None:
            response.service_tier = self._tier
        if searches:
            response.tool_usage.web_search.num_requests = searches
        return response
