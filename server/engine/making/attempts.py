"""Which provider is asked, and which next, as long as the caller has been told nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.engine.making.balance import Balance
from server.errors import (
    ConnectTimeout,
    DeadlinePassed,
    InsufficientQuota,
    RateLimitExceeded,
    ServiceError,
    Timeout,
    UnsupportedParameter,
    UpstreamAuthentication,
    UpstreamError,
    UpstreamUnavailable,
)
from server.providers.base import Route, Target

#: Another target may do better after these...
_PASSING: Final = (
    UpstreamUnavailable,
    UpstreamError,
    UpstreamAuthentication,
    RateLimitExceeded,
    InsufficientQuota,
    Timeout,
    UnsupportedParameter,
)
#: ... and after these the same one, a moment later.
_BRIEF: Final = (UpstreamUnavailable, UpstreamError, RateLimitExceeded, ConnectTimeout)
#: The first wait before the same target is asked again; each further one is twice as long. In seconds.
_FIRST_WAIT: Final = 0.25
_LONGEST_OWN_WAIT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A target to ask, after a wait in seconds."""

    target: Target
    wait: float = 0.0


class Choices:
    """The choices of one call, one after the other."""

    def __init__(
        self, route: Route, balance: Balance, random_between: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._route = route
        self._balance = balance
        self._random_between = random_between
        self._fresh = balance.order(route)
        self._asked: list[Target] = []
        self._repeats = 0

    def first(self) -> Choice:
        return self._take(self._fresh.pop(0))

    def after(self, failed: Target, error: ServiceError, *, is_final: bool) -> Choice | None:
        """What to ask after a target failed; None to tell the caller the error, as must be when it `is_final`:
        events were told."""
        if not isinstance(error, _PASSING) or isinstance(error, DeadlinePassed):
            return None
        # Nobody was asked: by a limit of the target's own, or because it cannot carry what another may.
        is_unasked = isinstance(error, UnsupportedParameter) or (
            isinstance(error, RateLimitExceeded) and error.quota is not None
        )
        cooldown = self._route.retry.cooldown
        if cooldown and not is_unasked:
            self._balance.failed(self._route, failed, max(cooldown, error.retry_after or 0.0))
        if is_final:
            return None
        if is_unasked:
            # It does not count as an attempt, and asking again would be no different.
            self._asked.pop()
        if len(self._asked) >= self._route.retry.attempts:
            return None
        if self._fresh:
            return self._take(self._fresh.pop(0))
        if is_unasked or not isinstance(error, _BRIEF):
            return None
        wait = self._wait(error)
        if wait is None or not self._balance.may_repeat(self._route):
            return None
        self._repeats += 1
        return self._take(failed, wait)

    def worked(self, target: Target) -> None:
        """The provider has answered."""
        self._balance.worked(self._route, target)

    def _take(self, target: Target, wait: float = 0.0) -> Choice:
        self._asked.append(target)
        return Choice(target, wait)

    def _wait(self, error: ServiceError) -> float | None:
        """How long to wait before the same target is asked again; None when the provider asks for too long."""
        backoff = min(_LONGEST_OWN_WAIT, _FIRST_WAIT * 2**self._repeats)
        wait = self._random_between(backoff / 2, backoff)
        if error.retry_after is not None:
            # Not all those that were told to wait are to come back at the same moment.
            wait = max(wait, error.retry_after + self._random_between(0.0, backoff / 2))
        return wait if wait <= self._route.retry.max_wait else None
