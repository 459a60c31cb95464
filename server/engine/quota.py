"""How what a call counts against is reserved, and how a limit is told to the caller who meets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server.errors import RateLimitExceeded
from server.limits.base import Kind, Limit, Limiter, Refusal, Reservation
from server.telemetry.record import Observer, ResponseRecord

_WHOSE: Final = {
    "key": "this API key",
    "tenant": "this API key's tenant",
    "model": "this model",
    "target": "this model",
}
_PER: Final = {1: "second", 60: "minute", 86400: "day"}
_ONE: Final = {Kind.REQUESTS: "request", Kind.TOKENS: "token", Kind.CONCURRENCY: "request"}


async def reserve(
    limiter: Limiter, observer: Observer, limits: Sequence[Limit], record: ResponseRecord, tokens: int
) -> Reservation | None:
    """Reserve a request with so many tokens; None where nothing is limited. Raises `RateLimitExceeded`."""
    if not limits:
        return None
    decision = await limiter.reserve(limits, tokens)
    observer.limited(record, decision)
    # The caller's own first, then those of the model, then those of its target.
    record.levels = (*record.levels, *decision.levels)
    if isinstance(decision, Refusal):
        raise refused(decision)
    return decision


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
