"""How a limit of the server's own is told to the caller who meets it."""

from __future__ import annotations

from typing import Final

from server.errors import RateLimitExceeded
from server.limits.base import Kind, Refusal

_WHOSE: Final = {
    "key": "this API key",
    "tenant": "this API key's tenant",
    "model": "this model",
    "target": "this model",
}
_PER: Final = {1: "second", 60: "minute", 86400: "day"}
_ONE: Final = {Kind.REQUESTS: "request", Kind.TOKENS: "token", Kind.CONCURRENCY: "request"}


def refused(refusal: Refusal) -> RateLimitExceeded:
    """The error for a reservation that was refused."""
    limit = refusal.limit
    whose = _WHOSE[limit.subject.partition(":")[0]]
    often = "at a time" if limit.kind is Kind.CONCURRENCY else f"per {_PER[int(limit.window)]}"
    said = f"The limit of {whose} is {limit.amount} {_ONE[limit.kind]}{'' if limit.amount == 1 else 's'} {often}."
    if refusal.retry_after is None:
        more = "This request can never fit within it: ask for less output, or send less input."
        error = RateLimitExceeded(f"{said} {more}", retryable=False)
    else:
        error = RateLimitExceeded(f"{said} It is reached; try again later.", retry_after=refusal.retry_after)
    error.quota = (limit.subject, limit.name)
    return error
