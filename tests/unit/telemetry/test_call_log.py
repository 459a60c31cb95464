"""The one line of a call: what it says, and what it never says."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from antiphon.responses import v1
from server.errors import Internal, InvalidValue, NotFound, ServiceError, StoreUnavailable, Timeout, Unimplemented
from server.telemetry.call_log import log_call
from server.telemetry.record import Outcome, ResponseRecord, Tokens

MakeRecord = Callable[..., ResponseRecord]
Logs = list[MutableMapping[str, Any]]

CREATE = "/antiphon.responses.v1.ResponsesService/CreateResponse"
CANARY = "CANARYcanary0123456789"


def test_a_call_that_made_a_response(make_record: MakeRecord, logs: Logs) -> None:
    record = make_record(
        ("a", "one"), ("b", "two"), incremental=True, first_token=0.15, tokens=Tokens(7, 5, 3, 2, 1, estimated=True)
    )
    record.attempts[-1].omitted.extend(["user", "mood"])
    log_call(CREATE, "OK", 0.31234567, record)
    assert logs == [
        {
            "event": "call",
            "log_level": "info",
            "request_id": "req_1",
            "method": CREATE[1:],
            "code": "OK",
            "duration_ms": 312.346,
            "tenant": "acme",
            "key": "dev",
            "model": "fast",
            "stream": True,
            "outcome": "completed",
            "response_id": "resp_1",
            "target": "b",
            "provider": "two",
            "omitted": 2,
            "attempts": 2,
            "events": 9,
            "input_tokens": 7,
            "output_tokens": 5,
            "cached_tokens": 3,
            "cache_write_tokens": 2,
            "reasoning_tokens": 1,
            "estimated": True,
            "first_event_ms": 100.0,
            "first_token_ms": 150.0,
        }
    ]


def test_a_call_that_asked_for_no_response(logs: Logs) -> None:
    log_call(CREATE, "NOT_FOUND", 0.001, request_id="req_2", tenant="acme", key="dev", error=NotFound("x"))
    log_call("/made.up/Method", "UNIMPLEMENTED", 0.001, request_id="req_3")
    known, unknown = logs
    assert (known["tenant"], known["key"], known["reason"], known["request_id"]) == (
        "acme",
        "dev",
        "NOT_FOUND",
        "req_2",
    )
    assert unknown["method"] == "other"
    assert not {"tenant", "key", "reason", "model"} & set(unknown)


def test_it_holds_no_content_and_no_words_of_errors(make_record: MakeRecord, logs: Logs) -> None:
    record = make_record(("a", "one"), outcome=Outcome.FAILED, error=Internal(CANARY, param=CANARY, code=CANARY))
    record.request = v1.CreateResponseRequest(model="fast", input_text=CANARY, instructions=CANARY)
    record.response = v1.Response(id="resp_1", output=[v1.Item(id=CANARY)])
    record.history = [v1.Item(id=CANARY)]
    record.attempts[0].error = Internal(CANARY)
    record.attempts[0].trace_headers = {"authorization": CANARY}
    log_call(CREATE, "INTERNAL", 0.1, record)
    assert CANARY not in str(logs)
    assert logs[0]["reason"] == "INTERNAL"


def test_what_is_asked_for_as_a_model_and_is_none_is_not_logged(make_record: MakeRecord, logs: Logs) -> None:
    log_call(CREATE, "NOT_FOUND", 0.1, make_record(model="sk-0123456789", known=False, outcome=Outcome.REFUSED))
    assert logs[0]["model"] == "other"


@pytest.mark.parametrize(
    ("code", "error", "outcome", "level"),
    [
        ("OK", None, Outcome.COMPLETED, "info"),
        ("OK", None, Outcome.INCOMPLETE, "info"),
        # A stream that failed after it began.
        ("OK", Timeout("x"), Outcome.FAILED, "warning"),
        ("OK", None, Outcome.FAILED, "warning"),
        ("OK", None, Outcome.SHUTDOWN, "warning"),
        ("CANCELLED", None, Outcome.CANCELLED, "info"),
        ("DEADLINE_EXCEEDED", Timeout("x"), Outcome.DEADLINE, "info"),
        ("DEADLINE_EXCEEDED", Timeout("x"), Outcome.FAILED, "warning"),
        ("INVALID_ARGUMENT", InvalidValue("x"), Outcome.REFUSED, "info"),
        ("UNAVAILABLE", StoreUnavailable("x"), Outcome.REFUSED, "warning"),
        ("UNIMPLEMENTED", Unimplemented("x"), None, "info"),
        ("UNKNOWN", None, None, "warning"),
        ("OK", None, None, "info"),
    ],
)
def test_the_level_says_whose_fault_it_was(
    code: str, error: ServiceError | None, outcome: Outcome | None, level: str, make_record: MakeRecord, logs: Logs
) -> None:
    record = None if outcome is None else make_record(outcome=outcome, error=error)
    log_call(CREATE, code, 0.1, record, error=error if record is None else None)
    assert logs[0]["log_level"] == level
