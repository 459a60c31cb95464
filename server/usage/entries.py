"""Turns the record of a response into the entries that are kept of it."""

from __future__ import annotations

import secrets
from typing import Final

from server.errors import ServiceError
from server.stores.base import UsageEntry
from server.telemetry.record import Attempt, Outcome, ResponseRecord, Tokens

#: Characters of a text that are kept: the model that is asked for is whatever the caller wrote.
LONGEST_TEXT: Final = 256


def entries_of(record: ResponseRecord) -> list[UsageEntry]:
    """The entry of a whole response (attempt 0), then one for each of its attempts; the record is complete.

    An attempt that was not ended by itself ended as the response did.
    """
    # Refused requests may share a request id, which callers choose; entries may not.
    response_id = record.response_id or f"refused_{int(record.started_at):08x}{secrets.token_hex(8)}"
    outcome = record.outcome or Outcome.FAILED
    duration = record.duration or 0.0
    entries = [
        _entry(
            record,
            response_id,
            record.served_by,
            number=0,
            outcome=outcome,
            error=record.error,
            started_at=record.started_at,
            first_event=record.first_event,
            duration=duration,
            tokens=record.tokens,
        )
    ]
    for attempt in record.attempts:
        after = max(0.0, attempt.started - record.started)
        entries.append(
            _entry(
                record,
                response_id,
                attempt,
                number=attempt.number,
                outcome=attempt.outcome or outcome,
                error=attempt.error,
                started_at=record.started_at + after,
                first_event=attempt.first_event,
                duration=max(0.0, duration - after) if attempt.duration is None else attempt.duration,
                tokens=attempt.tokens,
            )
        )
    return entries


def _entry(
    record: ResponseRecord,
    response_id: str,
    attempt: Attempt | None,
    *,
    number: int,
    outcome: Outcome,
    error: ServiceError | None,
    started_at: float,
    first_event: float | None,
    duration: float,
    tokens: Tokens,
) -> UsageEntry:
    return UsageEntry(
        id=response_id,
        attempt=number,
        request_id=record.request_id[:LONGEST_TEXT],
        tenant=record.tenant,
        key=record.key,
        # What is no model of ours may be anything the caller wrote: a key, or a prompt.
        model=record.model[:LONGEST_TEXT] if record.model_is_known else "",
        target=attempt.target[:LONGEST_TEXT] if attempt else "",
        provider=attempt.provider if attempt else "",
        upstream_model=attempt.model[:LONGEST_TEXT] if attempt else "",
        outcome=outcome.value,
        error=error.reason_name if error else "",
        incremental=record.incremental,
        started_at=started_at,
        first_event=first_event,
        duration=duration,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cached_tokens=tokens.cached,
        cache_write_tokens=tokens.cache_write,
        reasoning_tokens=tokens.reasoning,
        estimated=tokens.estimated,
    )
