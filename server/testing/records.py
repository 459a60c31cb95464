"""Records of responses, as observers are told of them."""

from __future__ import annotations

from typing import Any

from antiphon.responses import v1
from server.telemetry.record import Attempt, Outcome, ResponseRecord, Tokens

#: The beginning of every record here, in seconds since 1970 and by the process's clock.
STARTED_AT = 1_800_000_000.25
STARTED = 1_000.0


def a_record(*attempts: Attempt, **values: Any) -> ResponseRecord:
    """The record of a response that went well, with these attempts, unless told otherwise."""
    record = ResponseRecord(
        request_id="req_1",
        tenant="acme",
        key="dev",
        model="fast",
        incremental=True,
        request=v1.CreateResponseRequest(model="fast", input_text="a secret"),
        started_at=STARTED_AT,
        started=STARTED,
        model_is_known=True,
        response_id="resp_1",
        first_event=0.5,
        duration=2.0,
        outcome=Outcome.COMPLETED,
        tokens=Tokens(100, 20, 10, 3, 5),
    )
    record.attempts.extend(attempts)
    for name, value in values.items():
        setattr(record, name, value)
    return record


def an_attempt(number: int = 1, **values: Any) -> Attempt:
    """An attempt that went well, a quarter of a second after the one before, unless told otherwise."""
    attempt = Attempt(
        number=number,
        target=f"target-{number}",
        provider="mock",
        provider_kind="openai",
        model="gpt-small",
        started=STARTED + 0.25 * number,
        first_event=0.125,
        duration=1.5,
        outcome=Outcome.COMPLETED,
        tokens=Tokens(100, 20, 10, 3, 5),
    )
    for name, value in values.items():
        setattr(attempt, name, value)
    return attempt
