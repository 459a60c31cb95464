"""Whose limits there are: of keys, tenants, models, groups and targets. Whoever shares a subject shares its limits."""

from __future__ import annotations

import pytest
from e2e_governed import Governed, check_refusal
from e2e_layouts import KEY_A
from e2e_settings import SCOPES, secret
from e2e_stage import Stage, held, using
from e2e_surfaces import SURFACES, Surface

from server.testing.background import Background, Gate


@pytest.mark.parametrize("scope", SCOPES)
def test_requests_of_one_subject(governed: Governed, surface: Surface, up: Stage, scope: str) -> None:
    up.answer(using(2))
    limited = governed.limited(scope, "few", up)
    for left, (key, model) in enumerate(limited.callers):
        outcome = governed.ask(surface, model, key=key)
        assert outcome.reason == ""
        outcome.check_limits("requests", 2, 1 - left)
    for key, model in limited.callers:
        check_refusal(governed.ask(surface, model, key=key), limited.subject, "rpm")
    assert len(up.requests) == 2


@pytest.mark.parametrize("scope", SCOPES)
def test_calls_and_tokens_of_one_subject(
    governed: Governed, surface: Surface, up: Stage, background: Background, scope: str
) -> None:
    gate = Gate(background)
    up.answer(held(gate, using(80)), using(2))
    limited = governed.limited(scope, "mixed", up)
    (first, second) = limited.callers
    running = governed.begin(surface, first[1], key=first[0], max_output_tokens=16)
    up.arrived()
    check_refusal(governed.ask(surface, second[1], key=second[0], max_output_tokens=16), limited.subject, "concurrency")
    gate.open()
    assert running.end().reason == ""
    refused = governed.ask(surface, second[1], key=second[0], max_output_tokens=16)
    check_refusal(refused, limited.subject, "tpm")
    refused.check_limits("tokens", 100, 20)
    # Of two that were refused, none has taken anything: the one that is there was let through.
    refused.check_limits("requests", 1000, 999)
    assert len(up.requests) == 1


def test_what_others_do_is_theirs(governed: Governed, surface: Surface, up: Stage) -> None:
    up.answer(using(2))
    for scope in ("key", "tenant", "model"):
        limited = governed.limited(scope, "few", up)
        for key, model in limited.callers:
            governed.ask(surface, model, key=key)
        (key, model) = limited.callers[0]
        check_refusal(governed.ask(surface, model, key=key), limited.subject, "rpm")
        other = (KEY_A, model) if scope != "model" else (key, up.model)
        assert governed.ask(surface, other[1], key=other[0]).reason == ""


def test_a_target_without_room_is_passed_over(governed: Governed, surface: Surface, up: Stage) -> None:
    """The next one answers; nobody was asked in vain, and no attempt was made."""
    up.answer(using(2))
    limited = governed.limited("targeted model", "few", up)
    group = limited.callers[1][1].replace("round", "passing")
    full, roomy = governed.models[group]["targets"]
    governed.theatre.open(roomy["model"], up)
    for target in (full, full, roomy, roomy):
        outcome = governed.ask(surface, group)
        assert governed.served(outcome) == (target["model"], 1)
        # The room that is told of is that of the target that was asked.
        assert (outcome.limits("requests") is not None) == (target is full)
    assert len(up.requests) == 4
    entries = governed.entries(outcome.request_id)
    assert [(entry["attempt"], entry["target"]) for entry in entries] == [(0, roomy["model"]), (1, roomy["model"])]


@pytest.mark.parametrize("scope", ["model", "group", "target", "targeted model"])
def test_a_refusal_by_the_last_limit_takes_nothing_of_the_others(
    governed: Governed, surface: Surface, up: Stage, scope: str
) -> None:
    up.answer(using(2))
    limited = governed.limited(scope, "few", up)
    for key, model in limited.callers:
        governed.ask(surface, model, key=key)
    ample = secret(governed.fresh("ample"))
    before = governed.ask(SURFACES[0], up.model, key=ample, max_output_tokens=16)
    for _ in range(3):
        refused = governed.ask(surface, limited.callers[1][1], key=ample, max_output_tokens=16)
        check_refusal(refused, limited.subject, "rpm")
    after = governed.ask(SURFACES[0], up.model, key=ample, max_output_tokens=16)
    # One request and two tokens: those of the first.
    for kind, taken in (("requests", 1), ("tokens", 2)):
        assert after.limits(kind)[1] == before.limits(kind)[1] - taken  # type: ignore[index]
    assert len(up.requests) == 4
