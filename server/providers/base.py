"""What a provider must do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from antiphon.responses import v1


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


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a provider may know of a call beside the request."""

    request_id: str
    response_id: str
    #: Whether the caller wants events as they happen. Otherwise a provider may
    #: ask upstream for the whole answer and report it in its last event alone.
    incremental: bool
    timeouts: Timeouts = field(default_factory=Timeouts)


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
        `UnsupportedParameter` with the field's path before anything is sent.

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
class Route:
    """Where the requests of a model go."""

    provider: Provider
    #: The name of the provider in the configuration.
    provider_name: str
    #: The provider's name for the model.
    upstream_model: str
    timeouts: Timeouts


class Router(Protocol):
    """Knows which models are served, and where."""

    def resolve(self, model: str) -> Route:
        """Return where a model's requests go. Must raise `ModelNotFound`, with the param `model`."""
        ...
