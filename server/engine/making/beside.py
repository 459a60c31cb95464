"""What is told of a response beside it, as headers or metadata: limits, who served, what it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias
from urllib.parse import quote

from server.engine.making import quota
from server.telemetry.record import ResponseRecord

Pairs: TypeAlias = tuple[tuple[str, str], ...]

TARGET: Final = "x-antiphon-target"
ATTEMPTS: Final = "x-antiphon-attempts"
OMITTED: Final = "x-antiphon-omitted"
REPLAYED: Final = "x-antiphon-replayed"
#: How long the list of what was left out may be: it has to fit into a head.
_MAX_OMITTED: Final = 1024


def leading(record: ResponseRecord) -> Pairs:
    """What is known before the first event: sent before it, so that it can be the head of an HTTP answer."""
    return (*quota.headers(record.levels), *_served(record))


def trailing(record: ResponseRecord) -> Pairs:
    """What is known at the end, of calls that were refused too."""
    return (*quota.headers(record.levels), *_served(record), *_usage(record))


def paths(omitted: Sequence[str]) -> str:
    """Paths as one line of ASCII: `user, input[0].content[1].detail`; of too many, how many more there are."""
    line = ""
    for number, path in enumerate(omitted):
        quoted = quote(path[:256], safe="[]/")
        if len(line) + len(quoted) > _MAX_OMITTED:
            return f"{line}, and {len(omitted) - number} more"
        line += f", {quoted}" if line else quoted
    return line


def _served(record: ResponseRecord) -> Iterator[tuple[str, str]]:
    if record.is_replayed:
        yield REPLAYED, "true"
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
