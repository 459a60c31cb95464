"""What a limiter must do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` of a kind within any `window` for one subject; for concurrency, at any moment."""

    #: Who or what is limited: `key:dev`, `tenant:acme`, `model:fast` or `target:best/fast`.
    subject: str
    kind: Kind
    amount: int
    #: In seconds: 1, 60 or 86400; 0 for concurrency.
    window: float

    @property
    def name(self) -> str:
        """As the configuration calls it: `rpm`, `tpd`, `concurrency`."""
        if self.kind is Kind.CONCURRENCY:
            return "concurrency"
        return {Kind.REQUESTS: "r", Kind.TOKENS: "t"}[self.kind] + {1: "ps", 60: "pm", 86400: "pd"}[int(self.window)]


@dataclass(slots=True)  # a frozen one takes several times as long to make
class Level:
    """How much of a limit is left, after a reservation or at its refusal."""

    limit: Limit
    remaining: int
    #: Seconds until all of it is free again; 0 when it is, and for concurrency.
    reset: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was reserved."""

    #: The limit that is in the way; of several, the one that is so the longest.
    limit: Limit
    #: Seconds until the same reservation can succeed, if nothing else is reserved meanwhile; None when it never can,
    #: because it asks for more than the limit ever allows. For concurrency a guess.
    retry_after: float | None
    #: Every limit that was asked for.
    levels: Sequence[Level]


class Reservation(Protocol):
    """What was reserved, until it is settled."""

    #: Every limit that was asked for.
    levels: Sequence[Level]

    def settle(self, tokens: int) -> None:
        """Say how many tokens it came to, and give slots back. Only the first time counts.

        Tokens that were reserved and not used are given back to the moment
        that they were taken from; those beyond what was reserved are taken
        now, whatever the limit. Must neither wait nor raise: what has to be
        sent somewhere is sent afterwards.
        """
        ...

    def give_back(self) -> None:
        """Say that it came to nothing: all of it is given back, the request too. In place of `settle`, and like it."""
        ...


class Limiter(Protocol):
    """Counts what is asked for, against limits."""

    #: What went wrong, by name: `failures` of the backend, `fallbacks` (decisions that were made without it), `unsent`
    #: (settlements that it was never told).
    counts: Counter[str]

    async def reserve(self, limits: Sequence[Limit], tokens: int) -> Reservation | Refusal:
        """Reserve one request, `tokens` tokens and one slot of concurrency under all limits at once, or nothing.

        Must be atomic among all callers and processes that share the limiter:
        in no window of time, wherever it begins, are there more requests or
        reserved tokens than a limit's amount. A slot that is not given back
        because its process died must be free again within the lease. Must not
        raise: when the backend cannot be used, the limiter does what its
        configuration says, and counts that.
        """
        ...


class OpenLimiter(Protocol):
    """What an entry point of the group `antiphon.limiters` names."""

    def __call__(self, url: str) -> AbstractAsyncContextManager[Limiter]:
        """Open a limiter; `url` is the configuration's `limiter`, such as `redis://127.0.0.1:6379/0`.

        Must raise `ValueError` with a text that names the option, and no secret, for a URL that says something else.
        A backend that cannot be reached yet is no reason not to open.
        """
        ...
