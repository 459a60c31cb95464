"""Which provider is asked next, how long is waited first, and when nobody is asked again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from engine_parts import target
from hypothesis import given
from hypothesis import strategies as st

from server.engine.making.attempts import Choices
from server.engine.making.balance import Balance
from server.errors import (
    ConnectTimeout,
    DeadlinePassed,
    InsufficientQuota,
    Internal,
    InvalidValue,
    RateLimitExceeded,
    ServiceError,
    StoreUnavailable,
    Timeout,
    UnsupportedParameter,
    UpstreamAuthentication,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.providers.base import Retry, Route, Strategy, Target

DOWN = UpstreamUnavailable("down")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def route(*names: str, **fields: Any) -> Route:
    return Route("m", tuple(target(None, name) for name in names or ("a",)), **fields)


def longest(low: float, high: float) -> float:
    return high


def shortest(low: float, high: float) -> float:
    return low


def asked(route: Route, *errors: ServiceError, balance: Balance | None = None) -> list[str]:
    """The targets that are asked, when each fails in turn with one of the errors, and the last for ever."""
    choices = Choices(route, balance or Balance())
    choice = choices.first()
    names = []
    for error in [*errors, *[errors[-1]] * 20]:
        names.append(choice.target.name)
        following = choices.after(choice.target, error, is_final=False)
        if following is None:
            break
        choice = following
    return names


@pytest.mark.parametrize(
    "error", [DOWN, UpstreamError("broken"), RateLimitExceeded("busy"), ConnectTimeout("no answer")]
)
def test_a_passing_failure_is_tried_again_at_the_same_target(error: ServiceError) -> None:
    assert asked(route(), error) == ["a", "a", "a"]
    assert asked(route(retry=Retry(attempts=1)), error) == ["a"]
    assert asked(route(retry=Retry(attempts=5)), error) == ["a"] * 5


@pytest.mark.parametrize("error", [Timeout("slow"), UpstreamAuthentication("no"), InsufficientQuota("empty")])
def test_what_will_not_pass_is_left_to_another_target(error: ServiceError) -> None:
    assert asked(route(), error) == ["a"]
    assert asked(route("a", "b"), error) == ["a", "b"]


@pytest.mark.parametrize(
    "error",
    [
        UpstreamRejected("bad"),
        InvalidValue("bad"),
        StoreUnavailable("away"),
        Internal("bug"),
        DeadlinePassed(),
    ],
)
def test_what_is_no_fault_of_the_target_is_told_at_once(error: ServiceError) -> None:
    assert asked(route("a", "b"), error) == ["a"]


def test_other_targets_come_before_the_same_one_again() -> None:
    assert asked(route("a", "b"), DOWN) == ["a", "b", "b"]
    assert asked(route("a", "b", "c", retry=Retry(attempts=2)), DOWN) == ["a", "b"]


def test_nothing_follows_what_callers_were_told() -> None:
    choices = Choices(route("a", "b"), Balance())
    assert choices.after(choices.first().target, DOWN, is_final=True) is None


def test_waits_grow_and_are_random() -> None:
    told: list[tuple[float, ...]] = []
    for chosen in (shortest, longest):
        choices = Choices(route(retry=Retry(attempts=6)), Balance(), chosen)
        choice = choices.first()
        waits = [choice.wait]
        while (following := choices.after(choice.target, DOWN, is_final=False)) is not None:
            choice = following
            waits.append(choice.wait)
        told.append(tuple(waits))
    assert told == [(0.0, 0.125, 0.25, 0.5, 1.0, 1.0), (0.0, 0.25, 0.5, 1.0, 2.0, 2.0)]


@pytest.mark.parametrize(("asked_for", "wait"), [(0.0, 0.125), (0.05, 0.125), (1.0, 1.0), (5.0, 5.0), (5.1, None)])
def test_the_providers_word_on_when_to_come_back_counts(asked_for: float, wait: float | None) -> None:
    choices = Choices(route(), Balance(), shortest)
    error = RateLimitExceeded("busy", retry_after=asked_for)
    following = choices.after(choices.first().target, error, is_final=False)
    assert (following.wait if following else None) == wait


def test_another_target_is_asked_at_once_however_long_the_first_wants_to_be_left_alone() -> None:
    choices = Choices(route("a", "b"), Balance(), longest)
    following = choices.after(choices.first().target, RateLimitExceeded("busy", retry_after=100.0), is_final=False)
    assert following is not None
    assert (following.target.name, following.wait) == ("b", 0.0)


def own_limit() -> RateLimitExceeded:
    error = RateLimitExceeded("ours", retry_after=1.0)
    error.quota = ("model:a", "rpm")
    return error


def test_a_target_whose_limits_are_reached_is_passed_over_and_costs_no_attempt() -> None:
    clock = Clock()
    balance = Balance(clock)
    assert asked(route("a", "b", "c", retry=Retry(attempts=1)), own_limit(), own_limit(), DOWN, balance=balance) == [
        "a",
        "b",
        "c",
    ]
    assert asked(route(), own_limit(), balance=balance) == ["a"]
    # It has not failed, so it keeps its place; c has, and lost it.
    assert [chosen.name for chosen in balance.order(route("a", "b", "c"))] == ["a", "b", "c"]
    assert balance.cooling() == 1


def test_a_target_that_failed_comes_last_until_it_has_cooled() -> None:
    clock = Clock()
    balance = Balance(clock)
    group = route("a", "b", "c")
    choices = Choices(group, balance)
    choices.after(choices.first().target, DOWN, is_final=False)
    assert [chosen.name for chosen in balance.order(group)] == ["b", "c", "a"]
    clock.now = 29.9
    assert balance.order(group)[0].name == "b"
    clock.now = 30.1
    assert balance.order(group)[0].name == "a"


def test_a_failure_in_the_middle_of_a_stream_counts_too() -> None:
    balance = Balance(Clock())
    group = route("a", "b")
    choices = Choices(group, balance)
    choices.after(choices.first().target, UpstreamError("cut"), is_final=True)
    assert balance.order(group)[0].name == "b"


def test_the_longest_word_on_when_to_come_back_counts_for_the_cooling_too() -> None:
    clock = Clock()
    balance = Balance(clock)
    group = route("a", "b")
    choices = Choices(group, balance)
    choices.after(choices.first().target, RateLimitExceeded("busy", retry_after=60.0), is_final=False)
    clock.now = 59.0
    assert balance.order(group)[0].name == "b"
    choices.worked(group.targets[0])
    assert balance.order(group)[0].name == "a"


def test_without_a_cooldown_no_target_cools_whatever_it_says_itself() -> None:
    balance = Balance(Clock())
    group = route("a", "b", retry=Retry(cooldown=0.0))
    choices = Choices(group, balance)
    choices.after(choices.first().target, RateLimitExceeded("busy", retry_after=60.0), is_final=False)
    assert (balance.order(group)[0].name, balance.cooling()) == ("a", 0)


def test_when_all_are_cooling_the_one_that_is_ready_first_is_asked() -> None:
    clock = Clock()
    balance = Balance(clock)
    group = route("a", "b")
    balance.failed(group, group.targets[0], 30.0)
    clock.now = 5.0
    balance.failed(group, group.targets[1], 10.0)
    assert [chosen.name for chosen in balance.order(group)] == ["b", "a"]


def test_a_model_that_is_no_group_does_not_cool() -> None:
    balance = Balance(Clock())
    alone = route()
    balance.failed(alone, alone.targets[0], 30.0)
    assert balance.cooling() == 0


def test_repetitions_are_a_fifth_of_the_calls_but_for_the_first_ten() -> None:
    balance = Balance(Clock())
    calls = [len(asked(route(), DOWN, balance=balance)) - 1 for _ in range(500)]
    assert sum(calls) <= 10 + 500 * 0.2
    assert sum(calls[-100:]) == 20
    # Of another model nothing was taken.
    assert asked(Route("other", (target(None, "x"),)), DOWN, balance=balance) == ["x"] * 3


def test_other_targets_are_asked_whatever_was_repeated() -> None:
    balance = Balance(Clock())
    group = route("a", "b", retry=Retry(attempts=2, cooldown=0.0))
    assert all(asked(group, DOWN, balance=balance) == ["a", "b"] for _ in range(100))


@given(st.lists(st.integers(1, 20), min_size=2, max_size=6), st.integers(1, 5))
def test_turns_are_taken_as_weights_say(weights: list[int], rounds: int) -> None:
    balance = Balance(Clock())
    targets = tuple(target(None, f"t{index}", weight=weight) for index, weight in enumerate(weights))
    group = Route("g", targets, strategy=Strategy.ROUND_ROBIN)
    first = [balance.order(group)[0].name for _ in range(sum(weights) * rounds)]
    assert Counter(first) == {one.name: one.weight * rounds for one in targets}


def test_the_turns_of_a_heavy_target_are_spread() -> None:
    balance = Balance(Clock())
    group = Route("g", (target(None, "a", weight=3), target(None, "b")), strategy=Strategy.ROUND_ROBIN)
    assert "".join(balance.order(group)[0].name for _ in range(8)) == "aabaaaba"


def test_turns_pass_over_a_target_that_cools() -> None:
    balance = Balance(Clock())
    targets: tuple[Target, ...] = tuple(target(None, name) for name in "abc")
    group = Route("g", targets, strategy=Strategy.ROUND_ROBIN)
    balance.failed(group, targets[0], 30.0)
    orders = ["".join(chosen.name for chosen in balance.order(group)) for _ in range(4)]
    assert orders == ["bca", "cba", "bca", "cba"]


def test_what_a_target_cannot_carry_is_left_to_one_that_can() -> None:
    balance, ways = Balance(), route("a", "b", "c", retry=Retry(attempts=1))
    choices = Choices(ways, balance)
    first = choices.first()
    second = choices.after(first.target, UnsupportedParameter("no place", param="top_logprobs"), is_final=False)
    assert second is not None
    assert (second.target.name, second.wait) == ("b", 0.0)
    # Nothing is wrong with it: the next call asks it first again.
    assert Choices(ways, balance).first().target is first.target
    third = choices.after(second.target, UnsupportedParameter("no place"), is_final=False)
    assert third is not None
    assert choices.after(third.target, UnsupportedParameter("no place"), is_final=False) is None
