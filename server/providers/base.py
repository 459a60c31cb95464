"""What a provider must do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from antiphon.responses import v1
from server.limits.base import Limit


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for a provider, in seconds."""

    connect: float = 5.0
    #: Streams only: from sending the request to the first event.
    first_event: float = 600.0
    #: Streams only: between two events.
    idle: float = 120.0
    #: For the whole call, streamed or not.
    total: float = 1800.0


class Unsupported(StrEnum):
    """What becomes of what a provider cannot carry and would change the answer."""

    #: The request is refused, with the field's path.
    REFUSE = "refuse"
    #: It is left out, and the caller is told so.
    REPORT = "report"


class OnDisconnect(StrEnum):
    """What becomes of a streamed response that is kept when its caller leaves."""

    #: It ends, and so does the provider's work.
    CANCEL = "cancel"
    #: It is made to its end, and can be followed again from any event on.
    CONTINUE = "continue"


class Strategy(StrEnum):
    """Which target of several is asked first."""

    #: The first, unless it has just failed.
    FAILOVER = "failover"
    #: Each in turn, as often as its weight says.
    ROUND_ROBIN = "round_robin"


@dataclass(frozen=True, slots=True)
class Retry:
    """How a provider that fails is asked again, and another instead of it, before the caller is told anything."""

    #: In all, with the first.
    attempts: int = 3
    #: The longest wait before another attempt, in seconds.
    max_wait: float = 5.0
    #: How long a target that failed comes last, in seconds.
    cooldown: float = 30.0


@dataclass(frozen=True, slots=True)
class Places:
    """What callers know the items of a request's input as, for errors that name them: as places in their own `input`,
    or all alike as what the request continues."""

    #: How many items, from the first on, are of what is continued, ...
    inherited: int = 0
    #: ... by which field of the request.
    source: str = "previous_response_id"
    #: What each item is known as, where the above does not say.
    paths: Sequence[str] | None = None

    def path(self, index: int) -> str:
        """What callers know an item as, such as `input[2]`."""
        if self.paths is not None:
            return self.paths[index]
        return self.source if index < self.inherited else f"input[{index - self.inherited}]"


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a provider may know of a call beside the request."""

    request_id: str
    response_id: str
    #: Whether the caller wants events as they happen. Otherwise a provider may
    #: ask upstream for the whole answer and report it in its last event alone.
    incremental: bool
    timeouts: Timeouts = field(default_factory=Timeouts)
    #: Headers that carry the caller's trace; to be sent upstream as they are.
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    unsupported: Unsupported = Unsupported.REFUSE
    #: What callers know the items of `input` as.
    places: Places = field(default_factory=Places)
    #: Filled by the provider before its first event: the paths of what it left out, each once.
    omitted: list[str] = field(default_factory=list)
    #: Whether what is asked for is a summary of the input, for later turns to read in its place.
    condenses: bool = False

    def path(self, index: int) -> str:
        """What callers know an item of `input` as."""
        return self.places.path(index)


class Provider(Protocol):
    """Something that answers requests."""

    def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        """Answer a request with events, in batches: each holds what one read of the wire yielded, never nothing.

        The request is whole: `model` is the provider's name for it, `input`
        holds the history and the new items with every reference resolved, and
        `previous_response_id`, `conversation`, `background` and `stream` are
        unset. It must not be changed, and nothing in it may be left out in
        silence: what cannot be carried must be refused by raising
        `UnsupportedParameter` with the field's path before anything is sent,
        or, where `context.unsupported` says so, be named in `context.omitted`.
        What only hints, and changes nothing that is answered, is never
        refused, but named all the same.

        Events must come in the canonical order of their item's kind, with the
        item's `output_index`. Response ids, sequence numbers and the items'
        final ids are the engine's; `created` and `in_progress` may be left out.
        The last event must be `completed`, `incomplete` or `failed`, with the
        status and usage in its `response`; `output` there counts only where no
        item events were sent.

        Must raise a `ServiceError` on failure, before or between events; what
        ends without a last event counts as failed. Closing the iterator or
        cancelling its task must close the connection to the provider at once.
        """
        ...


class NoTokenCount(Exception):
    """A provider that counts tokens cannot do so for the model that it was asked for. No failure, and no error of a
    caller's: the count is estimated."""


@runtime_checkable
class TokenCounter(Protocol):
    """A provider that can tell beforehand how many tokens a request's input is."""

    async def count_tokens(self, request: v1.CreateResponseRequest, context: CallContext) -> int:
        """How many input tokens the request would use, by the provider's own count; nothing is answered or kept.

        The request is as for `stream`, and is translated as it is there: what
        that refuses or names in `context.omitted` is refused or named here
        too, and what has no part in the input, such as `temperature`, does not
        matter. It must not be changed. `context.incremental` is false.

        Must raise `NoTokenCount` where the provider says that it counts
        nothing, or nothing for this model, and a `ServiceError` on every other
        failure: an outage is no reason to guess. Cancelling its task must close
        the connection to the provider at once.
        """
        ...


class NoCompaction(Exception):
    """A provider that compacts cannot do so for the model that it was asked for. No failure, and no error of a
    caller's: the gateway compacts with the same model."""


@runtime_checkable
class Compactor(Protocol):
    """A provider that condenses conversations itself: when it is asked to, and when a request to answer says so in
    `context_management`, which it gets as it is."""

    async def compact(self, request: v1.CompactResponseRequest, context: CallContext) -> v1.CompactResponseResponse:
        """Condense the request's input.

        The request is whole, as for `Provider.stream`, and must not be changed; `context.incremental` is false. What
        only the provider can read of the result is tied to it: it comes back to it in later requests, and what
        another has tied to itself is refused, as for `Provider.stream`.

        Must raise `NoCompaction` where the provider says that it has no such method, and a `ServiceError` on every
        other failure: an outage is no reason to go another way. Cancelling its task must close the connection to the
        provider at once.
        """
        ...


class OpenProvider(Protocol):
    """What an entry point of the group `antiphon.providers` names."""

    def __call__(self, name: str, options: Mapping[str, Any]) -> AbstractAsyncContextManager[Provider]:
        """Open a provider.

        `name` is the provider's name in the configuration; `options` are its
        keys but `kind`, with secrets resolved. Must raise `ValueError` with a
        text that names the option, and no secret, when they do not fit.
        """
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """One provider that can answer a model's requests."""

    provider: Provider
    #: The names of the provider and of its kind in the configuration.
    provider_name: str
    provider_kind: str
    #: The provider's name for the model.
    upstream_model: str
    timeouts: Timeouts
    #: The name of the model in the configuration: the one that was asked for, or one of its targets.
    name: str = ""
    weight: int = 1
    unsupported: Unsupported = Unsupported.REFUSE
    #: What every attempt at it counts against, beside the limits of the route.
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Where the requests of a model go."""

    #: The model's name in the configuration, with its wildcards.
    name: str
    #: At least one, in the order of the configuration.
    targets: tuple[Target, ...]
    #: For the whole call, all attempts together, in seconds.
    total: float = Timeouts().total
    strategy: Strategy = Strategy.FAILOVER
    retry: Retry = field(default_factory=Retry)
    #: What every request counts against.
    limits: tuple[Limit, ...] = ()
    on_disconnect: OnDisconnect = OnDisconnect.CANCEL


class Router(Protocol):
    """Knows which models are served, and where."""

    def resolve(self, model: str) -> Route:
        """Return where a model's requests go. Must raise `ModelNotFound`, with the param `model`."""
        ...
