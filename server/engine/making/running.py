"""What is going on for callers in this process: the responses that are being made, and connections."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, runtime_checkable

from antiphon.responses import v1
from server.errors import ServiceError


class Interruptible(Protocol):
    """What goes on for a caller."""

    #: The name of the key that it goes on for.
    key: str

    def interrupt(self, error: ServiceError) -> None:
        """End with this error, as soon as its caller takes what it is told."""
        ...


@runtime_checkable
class Steerable(Interruptible, Protocol):
    """A response that is being made."""

    #: As it is so far.
    response: v1.Response

    def steer(self) -> None:
        """End as incomplete with what was said so far, as soon as its caller takes what it is told. Has no effect on
        one that has nothing left to wait for."""
        ...


class Running:
    """Knows what goes on, so that it can be ended from without."""

    def __init__(self) -> None:
        self._runs: set[Interruptible] = set()

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, run: Interruptible) -> None:
        self._runs.add(run)

    def discard(self, run: Interruptible) -> None:
        self._runs.discard(run)

    def find(self, response_id: str) -> Steerable | None:
        """The one that makes a response, while it does."""
        responses = (run for run in self._runs if isinstance(run, Steerable))
        return next((run for run in responses if run.response.id == response_id), None)

    def interrupt(self, error: ServiceError, *, keys: Collection[str] | None = None) -> int:
        """End all, or what goes on for these keys, with an error. Returns how many."""
        chosen = [run for run in self._runs if keys is None or run.key in keys]
        for run in chosen:
            run.interrupt(error)
        return len(chosen)
