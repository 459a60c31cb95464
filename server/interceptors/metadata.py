"""What a call's metadata tells of the response that it made: limits, who served, what it took."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias
from urllib.parse import quote

from server.limits.base import Kind, Level
from server.telemetry.record import ResponseRecord

Pairs: TypeAlias = tuple[tuple[str, str], ...]

TARGET: Final = "x-antiphon-target"
ATTEMPTS: Final = "x-antiphon-attempts"
OMITTED: Final = "x-antiphon-omitted"
#: How long the list of what was left out may be: it has to fit into a head.
_MAX_OMITTED: Final = 1024


def leading(record: ResponseRecord) -> Pairs:
    """What is known before the first event: sent before it, so that it can be the head of an HTTP answer."""
    return (*limits(record.levels), *_served(record))


def trailing(record: ResponseRecord) -> Pairs:
    """What is known at the end, of calls that were refused too."""
    return (*limits(record.levels), *_served(record), *_usage(record))


def limits(levels: Sequence[Level]) -> Iterator[tuple[str, str]]:
    """OpenAI's six headers: of requests and of tokens, the limit that leaves the least."""
    for kind in (Kind.REQUESTS, Kind.TOKENS):
        of_kind = [level for level in levels if level.limit.kind is kind]
        if of_kind:
            # Of two that leave as much, the one that takes longer to be free again.
            tightest = min(of_kind, key=lambda level: (level.remaining, -level.reset))
            yield f"x-ratelimit-limit-{kind}", str(tightest.limit.amount)
            yield f"x-ratelimit-remaining-{kind}", str(max(0, tightest.remaining))
            yield f"x-ratelimit-reset-{kind}", span(tightest.reset)


def paths(omitted: Sequence[str]) -> str:
    """Paths as one line of ASCII: `user, input[0].content[1].detail`; of too many, how many more there are."""
    line = ""
    for number, path in enumerate(omitted):
        quoted = quote(path[:256], safe="[]/")
        if len(line) + len(quoted) > _MAX_OMITTED:
            return f"{line}, and {len(omitted) - number} more"
        line += f", {quoted}" if line else quoted
    return line


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


def _served(record: ResponseRecord) -> Iterator[tuple[str, str]]:
    served = record.served_by
    if served is not None:
        if served.target.isascii():
            yield TARGET, served.target
        yield ATTEMPTS, str(sum(attempt.is_asked for attempt in record.attempts))
        if served.omitted:
            yield OMITTED, paths(served.omitted)


def _usage(record: ResponseRecord) -> Iterator[tuple[str, str]]:
    if record.outcome is not None:
        yield "x-antiphon-outcome", record.outcome
    tokens = record.tokens
    if record.attempts and not record.only_counts:
        yield "x-antiphon-input-tokens", str(tokens.input)
        yield "x-antiphon-output-tokens", str(tokens.output)
        yield "x-antiphon-cached-tokens", str(tokens.cached)
        yield "x-antiphon-reasoning-tokens", str(tokens.reasoning)
    if tokens.estimated:
        yield "x-antiphon-tokens-estimated", "true"
