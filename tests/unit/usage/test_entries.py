"""What is kept of a response and of its attempts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from antiphon.responses import v1
from server import errors
from server.errors import ModelNotFound, RateLimitExceeded, ServiceError, UpstreamError
from server.stores.base import UsageEntry
from server.telemetry.record import NO_TOKENS, Outcome, Tokens
from server.testing.records import STARTED, STARTED_AT, a_record, an_attempt
from server.usage.entries import LONGEST_TEXT, entries_of

RESPONSE = UsageEntry(
    id="resp_1",
    attempt=0,
    request_id="req_1",
    tenant="acme",
    key="dev",
    model="fast",
    target="target-2",
    provider="mock",
    upstream_model="gpt-small",
    outcome="completed",
    error="",
    incremental=True,
    started_at=STARTED_AT,
    first_event=0.5,
    duration=2.0,
    input_tokens=100,
    output_tokens=20,
    cached_tokens=10,
    cache_write_tokens=3,
    reasoning_tokens=5,
    estimated=False,
)


def changes(entry: UsageEntry) -> dict[str, Any]:
    """In what an entry differs from that of a response that went well at the second attempt."""
    return {name: value for name, value in asdict(entry).items() if value != getattr(RESPONSE, name)}


def test_a_response_that_went_well_at_the_second_attempt() -> None:
    failed = an_attempt(
        1, outcome=Outcome.FAILED, error=UpstreamError("No."), first_event=None, duration=0.2, tokens=NO_TOKENS
    )
    response, first, second = entries_of(a_record(failed, an_attempt(2)))
    assert response == RESPONSE
    assert changes(first) == {
        "attempt": 1,
        "target": "target-1",
        "outcome": "failed",
        "error": "UPSTREAM_ERROR",
        "started_at": STARTED_AT + 0.25,
        "first_event": None,
        "duration": 0.2,
        "input_tokens": 0,
        "output_tokens": 0,
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
    }
    assert changes(second) == {"attempt": 2, "started_at": STARTED_AT + 0.5, "first_event": 0.125, "duration": 1.5}


def test_what_a_failed_attempt_took_is_its_own() -> None:
    failed = an_attempt(1, outcome=Outcome.FAILED, error=UpstreamError("No."), tokens=Tokens(7, 1, estimated=True))
    response, first, _ = entries_of(a_record(failed, an_attempt(2)))
    assert (first.input_tokens, first.output_tokens, first.estimated) == (7, 1, True)
    assert (response.input_tokens, response.estimated) == (100, False)


def test_an_estimate_is_told() -> None:
    response, attempt = entries_of(a_record(an_attempt(), tokens=Tokens(4, 2, estimated=True)))
    assert response.estimated
    assert not attempt.estimated


def test_refused_before_any_provider_was_asked() -> None:
    refused = {"response_id": "", "outcome": Outcome.REFUSED, "tokens": NO_TOKENS, "first_event": None}
    records = [
        a_record(error=RateLimitExceeded("Slow down."), model="none", model_is_known=False, **refused)
        for _ in range(100)
    ]
    entries = [entry for record in records for entry in entries_of(record)]
    assert len(entries) == len({entry.id for entry in entries}) == 100, "requests of one request id are one entry"
    entry = entries[0]
    assert (entry.attempt, entry.outcome, entry.error) == (0, "refused", "RATE_LIMIT_EXCEEDED")
    assert (entry.model, entry.target, entry.provider, entry.upstream_model) == ("", "", "", "")
    assert {entry.request_id for entry in entries} == {"req_1"}


def test_an_attempt_that_nobody_ended_ended_as_the_response_did() -> None:
    attempt = an_attempt(outcome=None, duration=None, first_event=None)
    _, entry = entries_of(a_record(attempt, outcome=Outcome.CANCELLED, duration=1.0))
    assert (entry.outcome, entry.duration, entry.first_event) == ("cancelled", 0.75, None)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome(outcome: Outcome) -> None:
    assert [entry.outcome for entry in entries_of(a_record(outcome=outcome))] == [outcome.value]


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)]
)
def test_every_error_by_the_name_of_its_reason(kind: type[ServiceError]) -> None:
    error = kind.__new__(kind)
    [entry] = entries_of(a_record(outcome=Outcome.FAILED, error=error))
    assert v1.ErrorReason.Value(f"ERROR_REASON_{entry.error}") == kind.reason


def test_nothing_of_what_was_said_is_kept() -> None:
    record = a_record(an_attempt(), error=ModelNotFound("The model 'a secret' does not exist."))
    assert "secret" in str(record.request)
    assert "secret" not in str(entries_of(record))


def test_texts_from_callers_are_cut() -> None:
    attempt = an_attempt(target="t" * 10_000, model="m" * 10_000)
    for entry in entries_of(a_record(attempt, model="ü" * 10_000, request_id="r" * 10_000)):
        lengths = {len(entry.model), len(entry.request_id), len(entry.target), len(entry.upstream_model)}
        assert lengths == {LONGEST_TEXT}


def test_an_attempt_begins_no_earlier_than_its_response() -> None:
    response, attempt = entries_of(a_record(an_attempt(started=STARTED - 1)))
    assert attempt.started_at == response.started_at
