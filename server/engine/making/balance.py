"""What is remembered from call to call: which targets failed just now, whose turn it is, how much was retried."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from server.providers.base import Route, Strategy, Target

#: A repeated attempt costs one; every call earns this much, so that repetitions are a fifth of the traffic at most...
_EARNED: Final = 0.2
#: ... but for so many that may always be made.
_MOST: Final = 10.0

_Key = tuple[str, str]  # the names of a route and of its target


class Balance:
    """Orders the targets of routes. Holds as much as there are models and targets in the configuration."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cool_until: dict[_Key, float] = {}
        self._turns: dict[_Key, int] = {}
        self._budgets: dict[str, float] = {}

    def order(self, route: Route) -> list[Target]:
        """The targets, in the order in which to ask them; those that failed just now come last."""
        self._budgets[route.name] = min(_MOST, self._budgets.get(route.name, _MOST) + _EARNED)
        if len(route.targets) == 1:
            return list(route.targets)
        now = self._clock()
        warm = [target for target in route.targets if self._cool(route, target) <= now]
        cooling = sorted(
            (target for target in route.targets if self._cool(route, target) > now),
            key=lambda target: self._cool(route, target),
        )
        if route.strategy is Strategy.ROUND_ROBIN and len(warm) > 1:
            first = self._turn(route, warm)
            warm = [first, *(target for target in warm if target is not first)]
        return warm + cooling

    def may_repeat(self, route: Route) -> bool:
        """Whether one more attempt at a target that has been asked already is within the budget, and takes it."""
        left = self._budgets.get(route.name, _MOST)
        if left < 1:
            return False
        self._budgets[route.name] = left - 1
        return True

    def failed(self, route: Route, target: Target, seconds: float) -> None:
        """Let a target come last for so long."""
        if len(route.targets) > 1 and seconds > 0:
            key = (route.name, target.name)
            self._cool_until[key] = max(self._cool_until.get(key, 0.0), self._clock() + seconds)

    def worked(self, route: Route, target: Target) -> None:
        """Let a target have its place again."""
        self._cool_until.pop((route.name, target.name), None)

    def cooling(self) -> int:
        """How many targets come last now."""
        now = self._clock()
        return sum(until > now for until in self._cool_until.values())

    def _cool(self, route: Route, target: Target) -> float:
        return self._cool_until.get((route.name, target.name), 0.0)

    def _turn(self, route: Route, targets: list[Target]) -> Target:
        """The target whose turn it is, by smooth weighted round robin: over any stretch of calls each gets its share,
        and the turns of a heavy one are spread."""
        for target in targets:
            key = (route.name, target.name)
            self._turns[key] = self._turns.get(key, 0) + target.weight
        first = max(targets, key=lambda target: self._turns[route.name, target.name])
        self._turns[route.name, first.name] -= sum(target.weight for target in targets)
        return first
