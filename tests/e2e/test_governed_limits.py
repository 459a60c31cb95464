"""Limits, one at a time: what is let through, what is refused, and what the caller is told of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from e2e_governed import LIMITED, Governed, check_refusal
from e2e_layouts import PROMPT
from e2e_settings import KEYS, secret
from e2e_stage import Stage, held, using
from e2e_surfaces import SURFACES, Outcome, Surface

from server.testing.background import Background, Gate


@pytest.mark.parametrize("limit", [limit for limit in LIMITED if limit != "rps"])
def test_what_is_left_and_what_is_too_much(governed: Governed, surface: Surface, up: Stage, limit: str) -> None:
    up.answer(using(90))
    name = governed.fresh(limit)
    (amount,) = KEYS[limit].values()
    first = governed.ask(surface, up.model, key=secret(name))
    assert (first.reason, first.status) == ("", "completed")
    # Of tokens all were reserved: how long the answer of a model is that was given no bound, nobody knows.
    first.check_limits(LIMITED[limit], amount, 0)
    remaining = f"x-ratelimit-remaining-{LIMITED[limit]}"
    assert (remaining in first.leading) == surface.has_head
    assert (remaining in first.trailing) == surface.has_trailer
    assert first.limits({"requests": "tokens", "tokens": "requests"}[LIMITED[limit]]) is None
    refused = governed.ask(surface, up.model, key=secret(name))
    check_refusal(refused, f"key:{name}", limit)
    refused.check_limits(LIMITED[limit], amount, 0 if LIMITED[limit] == "requests" else amount - 90)
    assert len(up.requests) == 1
    (entry,) = governed.entries(refused.request_id)
    assert (entry["outcome"], entry["error"], entry["target"]) == ("refused", "RATE_LIMIT_EXCEEDED", "")


def test_requests_of_a_second(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(using(2))
    name = governed.fresh("rps")
    answered = 0
    # However slow the machine is: sooner or later two come within a second.
    while not (outcome := governed.ask(surface, up.model, key=secret(name))).reason:
        answered += 1
    check_refusal(outcome, f"key:{name}", "rps")
    assert len(up.requests) == answered > 0


def test_calls_at_a_time(governed: Governed, surface: Surface, up: Stage, background: Background) -> None:
    gate = Gate(background)
    up.answer(held(gate, using(2)), using(2))
    name = governed.fresh("concurrency")
    first = governed.begin(surface, up.model, key=secret(name))
    up.arrived()
    refused = governed.ask(surface, up.model, key=secret(name))
    check_refusal(refused, f"key:{name}", "concurrency")
    assert refused.limits("requests") is refused.limits("tokens") is None
    gate.open()
    assert first.end().status == "completed"
    # Its slot is free the moment that its caller has heard all of it, as often as one may ask.
    for _ in range(10):
        assert governed.ask(surface, up.model, key=secret(name)).reason == ""
    assert len(up.requests) == 11


def test_tokens_are_settled_by_what_was_used(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(using(12))
    name = governed.fresh("tpm")
    remaining, estimate = 100, 60 + -(-len(PROMPT) // 4)
    while remaining >= estimate:
        outcome = governed.ask(surface, up.model, key=secret(name), max_output_tokens=60)
        # What is told is what the estimate leaves; less was used.
        outcome.check_limits("tokens", 100, remaining - estimate)
        remaining -= 12
    refused = governed.ask(surface, up.model, key=secret(name), max_output_tokens=60)
    check_refusal(refused, f"key:{name}", "tpm")
    refused.check_limits("tokens", 100, remaining)
    assert len(up.requests) > 1


def test_more_was_used_than_was_reserved(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(using(300))
    name = governed.fresh("tpm")
    assert governed.ask(surface, up.model, key=secret(name), max_output_tokens=16).status == "completed"
    refused = governed.ask(surface, up.model, key=secret(name), max_output_tokens=16)
    check_refusal(refused, f"key:{name}", "tpm")
    refused.check_limits("tokens", 100, 0)


def test_what_can_never_fit(governed: Governed, surface: Surface, up: Stage) -> None:
    name = governed.fresh("tpd")
    refused = governed.ask(surface, up.model, key=secret(name), max_output_tokens=100)
    assert (refused.reason, refused.may_retry, refused.retry_after_ms) == ("RATE_LIMIT_EXCEEDED", False, None)
    if surface.has_trailer:
        assert refused.quota == (f"key:{name}", "tpd")
        assert refused.trailing["grpc-retry-pushback-ms"] == "-1"
    refused.check_limits("tokens", 100, 100)
    assert not up.requests


def test_fifty_at_once_never_exceed_a_budget(governed: Governed, up: Stage) -> None:
    """Each reserves all that it takes in the end, so the number that fits is exact."""
    text = "a text of thirty-two characters."
    each = 8 + 16
    up.answer(using(each))
    name = governed.fresh("budget")
    (budget,) = KEYS["budget"].values()

    def one(number: int) -> Outcome:
        surface = SURFACES[number % len(SURFACES)]
        return governed.ask(surface, up.model, key=secret(name), input=text, max_output_tokens=16)

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(one, range(50)))
    for outcome in outcomes:
        if outcome.reason:
            check_refusal(outcome, f"key:{name}", "tpm")
    assert sum(not outcome.reason for outcome in outcomes) == len(up.requests) == budget // each
    last = governed.ask(SURFACES[0], up.model, key=secret(name), input=text, max_output_tokens=16)
    last.check_limits("tokens", budget, budget % each)


def test_what_has_no_limits_is_told_of_none(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(using(2))
    outcome = governed.ask(surface, up.model)
    assert not [name for name in outcome.told if name.startswith("x-ratelimit")]
