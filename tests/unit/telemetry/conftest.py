"""Records of responses, as the engine would hand them to an observer."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from antiphon.responses import v1
from server.errors import ServiceError
from server.telemetry.metrics import Metrics
from server.telemetry.record import NO_TOKENS, Attempt, Outcome, ResponseRecord, Tokens

MakeRecord = Callable[..., ResponseRecord]

# Tests are no package: makes the module beside them importable.
if "telemetry_everything" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("telemetry_everything", Path(__file__).with_name("everything.py"))
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["telemetry_everything"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["telemetry_everything"])


@pytest.fixture
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def make_record() -> MakeRecord:
    """Makes the record of a response that has ended, with attempts at `targets`, of which only the last succeeded."""

    def make(
        *targets: tuple[str, str],
        outcome: Outcome = Outcome.COMPLETED,
        error: ServiceError | None = None,
        failures: ServiceError | None = None,
        model: str = "fast",
        known: bool = True,
        tenant: str = "acme",
        incremental: bool = False,
        tokens: Tokens = NO_TOKENS,
        first_token: float | None = None,
        response_id: str = "resp_1",
    ) -> ResponseRecord:
        record = ResponseRecord(
            request_id="req_1",
            tenant=tenant,
            key="dev",
            model=model,
            incremental=incremental,
            request=v1.CreateResponseRequest(model=model),
        )
        record.model_is_known = known
        record.response_id = response_id
        for number, (target, provider) in enumerate(targets, 1):
            attempt = Attempt(number, target, provider, "openai", "upstream-model")
            last = number == len(targets)
            attempt.outcome = outcome if last else Outcome.FAILED
            attempt.error = error if last else failures
            attempt.duration = 0.2
            attempt.first_event = 0.1
            record.attempts.append(attempt)
        if targets:
            record.first_event = 0.1
            record.events = 9
        record.first_token = first_token
        record.duration = 0.3
        record.outcome = outcome
        record.error = error
        record.tokens = tokens
        return record

    return make


@pytest.fixture
def tell() -> Callable[[Metrics, ResponseRecord], None]:
    """Tells metrics of a response as the engine does."""

    def told(metrics: Metrics, record: ResponseRecord) -> None:
        metrics.begun(record)
        for attempt in record.attempts:
            metrics.attempt_begun(record, attempt)
            metrics.attempt_ended(record, attempt)
        if record.first_token is not None:
            metrics.first_token(record)
        metrics.ended(record)

    return told
