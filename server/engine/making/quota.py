"""How what a call counts against is reserved, and how limits are told to callers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from server.errors import RateLimitExceeded
from server.limits.base import Kind, Level, Limit, Limiter, Refusal, Reservation
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


def headers(levels: Sequence[Level]) -> Iterator[tuple[str, str]]:
    """OpenAI's six headers: of requests and of tokens, the limit that leaves the least."""
    for kind in (Kind.REQUESTS, Kind.TOKENS):
        of_kind = [level for level in levels if level.limit.kind is kind]
        if of_kind:
            # Of two that leave as much, the one that takes longer to be free again.
            tightest = min(of_kind, key=lambda level: (level.remaining, -level.reset))
            yield f"x-ratelimit-limit-{kind}", str(tightest.limit.amount)
            yield f"x-ratelimit-remaining-{kind}", str(max(0, tightest.remaining))
            yield f"x-ratelimit-reset-{kind}", span(tightest.reset)


def span(seconds: float) -> str:
    """A time as OpenAI's headers have it: `0s`, `120ms`, `6s`, `1m30s`, `23h59m4s`."""
    if seconds <= 0:
        return "0s"
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)
