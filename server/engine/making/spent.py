"""What a response took: as its provider tells, or estimated where that does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from antiphon.responses import v1
from server.engine.input import estimate
from server.telemetry.record import NO_TOKENS, ResponseRecord, Tokens

#: More tokens than any response takes: a provider that tells more is not believed, so that sums stay within 64 bits.
MOST_TOKENS: Final = 10**9


def spent(usage: v1.ResponseUsage, record: ResponseRecord, output: Sequence[v1.Item] | None) -> Tokens:
    """The tokens by the provider's `usage`, or else by the `output` that was told so far.

    Without an output (None) there are none: nothing came of it for the caller.
    """
    told = _told(usage)
    if told is not None:
        return told
    if output is None:
        return NO_TOKENS
    return Tokens(estimate.input_of(record.request, record.history), estimate.items(output), estimated=True)


def is_told(usage: v1.ResponseUsage) -> bool:
    """Whether a provider tells what it took, and can be believed."""
    return _told(usage) is not None


def write(tokens: Tokens, usage: v1.ResponseUsage) -> None:
    """Tell an estimate in place of the provider's usage, with the member `estimated`, so that nobody takes it for
    what the provider counted."""
    usage.Clear()
    usage.input_tokens, usage.output_tokens, usage.total_tokens = tokens.input, tokens.output, tokens.total
    usage.input_tokens_details.SetInParent()
    usage.output_tokens_details.SetInParent()
    usage.catch_all = estimate.MARK


def _told(usage: v1.ResponseUsage) -> Tokens | None:
    read, written = usage.input_tokens_details, usage.output_tokens_details
    tokens = Tokens(
        usage.input_tokens,
        usage.output_tokens,
        read.cached_tokens,
        read.cache_write_tokens,
        written.reasoning_tokens,
    )
    counts = (tokens.input, tokens.output, tokens.cached, tokens.cache_write, tokens.reasoning)
    if not any(counts) or any(not 0 <= count <= MOST_TOKENS for count in counts):
        return None
    return tokens
