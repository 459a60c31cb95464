"""The tokens of an answer, in the Responses API's way of counting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antiphon.responses import v1


def usage_of(told: dict[str, Any]) -> v1.ResponseUsage | None:
    """What was used, by the last that was told of it; None where that cannot be believed."""
    read, written = _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))
    if read is None or written is None:
        return None
    details = [one for name in ("prompt_tokens_details", "prompt_token_details") for one in _objects(told.get(name))]
    cached = _first(
        *(one.get("cached_tokens") for one in details),
        *(told.get(name) for name in ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")),
    )
    cache_write = _first(*(one.get("cache_write_tokens") for one in details))
    reasoning = _first(
        *(one.get("reasoning_tokens") for one in _objects(told.get("completion_tokens_details"))),
        told.get("reasoning_tokens"),
    )
    if cached > read:
        read += cached  # counted beside the rest
    if reasoning and told.get("total_tokens") == read + written + reasoning:
        written += reasoning  # likewise
    usage = v1.ResponseUsage(input_tokens=read, output_tokens=written, total_tokens=read + written)
    usage.input_tokens_details.cached_tokens = cached
    usage.input_tokens_details.cache_write_tokens = cache_write
    usage.output_tokens_details.reasoning_tokens = min(reasoning, written)
    return usage


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value


def _first(*values: Any) -> int:
    return next((count for value in values if (count := _count(value)) is not None), 0)


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None
