"""Providers that fail: who is asked again, who instead, and what the caller is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from e2e_governed import Governed
from e2e_stage import Stage, Theatre, answering, using
from e2e_surfaces import Surface

from server.testing import wire
from server.testing.upstream import Exchange, Script, body, cut_after, error


async def reset(exchange: Exchange) -> None:
    """No answer: the connection is reset."""
    exchange.reset()


#: What is tried again, and the reason that its attempt has in the ledger.
PASSING: dict[str, tuple[Script, str]] = {
    "503": (error(503), "UPSTREAM_UNAVAILABLE"),
    "500": (error(500), "UPSTREAM_ERROR"),
    "429": (error(429), "RATE_LIMIT_EXCEEDED"),
    "a reset connection": (reset, "UPSTREAM_UNAVAILABLE"),
    "broken JSON": (body(b'{"id": "resp', headers={"content-type": "application/json"}), "UPSTREAM_ERROR"),
    "a stream that ends": (cut_after([]), "UPSTREAM_ERROR"),
}
#: What a provider says of when to be asked again, and how many milliseconds the caller is told: all are more than the
#: two seconds that the server would wait.
TOO_LONG: dict[str, tuple[dict[str, str], int]] = {
    "seconds": ({"retry-after": "30"}, 30_000),
    "milliseconds": ({"retry-after-ms": "30500"}, 30_500),
    "both": ({"retry-after": "1", "retry-after-ms": "2500"}, 2_500),
    "absurd": ({"retry-after": "1e9"}, 120_000),
}
#: What says that it may be asked at once, or nothing that can be understood.
NOTHING = [{"retry-after": said} for said in ("-1", "soon", "nan", "Wed, 21 Oct 2015 07:28:00 GMT")]


def test_failures_that_may_pass_are_tried_again(governed: Governed, surface: Surface, theatre: Theatre) -> None:
    running = []
    for number, (script, _) in enumerate(PASSING.values()):
        up = theatre.stage()
        up.answer(script, using(12))
        running.append((up, governed.begin(surface, governed.played(f"retried-{number}", up))))
    # All at the same time, for they have to wait.
    for (failure, (_, reason)), (up, asked) in zip(PASSING.items(), running, strict=True):
        outcome = asked.end()
        assert (outcome.reason, outcome.status) == ("", "completed"), failure
        target, attempts = governed.served(outcome)
        assert [request.json["model"] for request in up.requests] == [target] * attempts == [target] * 2
        whole, *attempts = governed.entries(outcome.request_id)
        assert (whole["outcome"], whole["error"], whole["output_tokens"]) == ("completed", "", 6)
        assert [(entry["outcome"], entry["error"]) for entry in attempts] == [("failed", reason), ("completed", "")]
        assert [entry["output_tokens"] for entry in attempts] == [0, 6]


def test_a_connection_that_is_refused(governed: Governed, surface: Surface) -> None:
    outcome = governed.ask(surface, "refusing")
    assert (outcome.reason, outcome.may_retry) == ("UPSTREAM_UNAVAILABLE", True)
    assert governed.served(outcome) == ("refusing", 2)
    assert [entry["outcome"] for entry in governed.entries(outcome.request_id)] == ["failed"] * 3


def test_what_will_not_pass_is_told_at_once(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(error(400, code="invalid_prompt", param="input"))
    outcome = governed.ask(surface, governed.played("retried-15", up))
    assert (outcome.reason, outcome.param) == ("UPSTREAM_REJECTED", "input")
    assert governed.served(outcome)[1] == 1
    assert len(up.requests) == 1


@pytest.mark.parametrize("said", TOO_LONG)
def test_a_provider_that_asks_for_too_long_is_not_asked_again(
    governed: Governed, surface: Surface, up: Stage, said: str
) -> None:
    headers, milliseconds = TOO_LONG[said]
    up.answer(error(429, headers=headers))
    outcome = governed.ask(surface, governed.played("retried-15", up))
    assert (outcome.reason, outcome.may_retry, outcome.quota) == ("RATE_LIMIT_EXCEEDED", True, None)
    assert outcome.retry_after_ms == milliseconds
    assert len(up.requests) == 1


def test_a_provider_that_names_a_date(governed: Governed, surface: Surface, up: Stage) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    up.answer(error(503, headers={"retry-after": date}))
    outcome = governed.ask(surface, governed.played("retried-15", up))
    assert outcome.reason == "UPSTREAM_UNAVAILABLE"
    assert outcome.retry_after_ms is not None
    assert 0 < outcome.retry_after_ms <= 100_000
    assert len(up.requests) == 1


def test_what_a_provider_says_of_time_is_heeded(governed: Governed, surface: Surface, theatre: Theatre) -> None:
    """As far as it can be: all are asked again, and one of them no sooner than it wants."""
    running = []
    for number, headers in enumerate([{"retry-after-ms": "600"}, *NOTHING]):
        up = theatre.stage()
        up.answer(error(503, headers=headers), using(2))
        running.append((up, governed.begin(surface, governed.played(f"retried-{number + 8}", up))))
    for up, asked in running:
        assert governed.served(asked.end())[1] == 2, up.requests
    first, second = (request.arrived for request in running[0][0].requests)
    # A bound from below: the slower the machine, the more.
    assert second - first >= 0.6


@pytest.mark.parametrize("strategy", ["failover", "round_robin"])
@pytest.mark.parametrize("failure", [*PASSING, "refused credentials"])
def test_another_target_takes_over(
    governed: Governed, surface: Surface, up: Stage, theatre: Theatre, strategy: str, failure: str
) -> None:
    other = theatre.stage()
    up.answer(error(401) if failure == "refused credentials" else PASSING[failure][0])
    other.answer(using(2))
    group = governed.model(strategy, up, other)
    first, second = (target["model"] for target in governed.models[group]["targets"])
    outcome = governed.ask(surface, group)
    assert governed.served(outcome) == (second, 2)
    entries = governed.entries(outcome.request_id)
    assert [entry["target"] for entry in entries] == [second, first, second]
    # It comes last for a while.
    outcome = governed.ask(surface, group)
    assert governed.served(outcome) == (second, 1)
    assert len(up.requests) == 1


def test_a_target_that_cannot_be_reached_is_replaced(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(using(2))
    group = governed.model("around", up)
    outcome = governed.ask(surface, group)
    assert governed.served(outcome)[0] == governed.models[group]["targets"][1]["model"]
    assert [entry["outcome"] for entry in governed.entries(outcome.request_id)] == ["completed", "failed", "completed"]


def test_turns_are_shared_by_weight(governed: Governed, surface: Surface, up: Stage, theatre: Theatre) -> None:
    other = theatre.stage()
    up.answer(using(2))
    other.answer(using(2))
    group = governed.model("round_robin", up, other)
    served = [governed.served(governed.ask(surface, group))[0] for _ in range(6)]
    first, second = (target["model"] for target in governed.models[group]["targets"])
    assert (served.count(first), served.count(second)) == (4, 2)
    assert served[:3].count(second) == served[3:].count(second) == 1


def test_the_last_of_all_failures_is_told(governed: Governed, surface: Surface, up: Stage, theatre: Theatre) -> None:
    other = theatre.stage()
    up.answer(error(503))
    other.answer(error(429, headers={"retry-after": "7"}))
    outcome = governed.ask(surface, governed.model("failover", up, other))
    assert (outcome.reason, outcome.retry_after_ms) == ("RATE_LIMIT_EXCEEDED", 7000)
    assert governed.served(outcome)[1] == 2
    assert (len(up.requests), len(other.requests)) == (1, 1)


def test_after_the_first_event_nobody_else_is_asked(
    governed: Governed, surface: Surface, up: Stage, theatre: Theatre
) -> None:
    other = theatre.stage()
    up.answer(cut_after(wire.TEXT[:5]))
    other.answer(answering(wire.TEXT))
    group = governed.model("failover", up, other)
    first, second = (target["model"] for target in governed.models[group]["targets"])
    outcome = governed.ask(surface, group)
    if surface.stream:
        outcome.check_failed("upstream_error")
        assert governed.served(outcome) == (first, 1)
        assert not other.requests
    else:
        # The caller has been told nothing of it.
        assert (outcome.status, governed.served(outcome)[0]) == ("completed", second)


def test_what_is_told_of_tokens(governed: Governed, surface: Surface, up: Stage) -> None:
    """Behind the answer, where there is a behind."""
    usage = wire.USAGE | {
        "input_tokens": 70,
        "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 120,
    }
    up.answer(answering(wire.stream([], wire.ended("completed", [wire.message("Hi.")], usage=usage))))
    outcome = governed.ask(surface, up.model)
    told = {name: value for name, value in outcome.trailing.items() if name.startswith("x-antiphon-")}
    if not surface.has_trailer:
        assert not told
    else:
        assert told == {
            "x-antiphon-target": up.model,
            "x-antiphon-attempts": "1",
            "x-antiphon-outcome": "completed",
            "x-antiphon-input-tokens": "70",
            "x-antiphon-output-tokens": "50",
            "x-antiphon-cached-tokens": "30",
            "x-antiphon-reasoning-tokens": "40",
        }
