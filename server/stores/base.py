"""What a store must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from antiphon.responses import v1


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response that has ended, with the input items that were its own."""

    tenant: str
    response: v1.Response
    #: The new items of its request, each with an id; not those of the responses it continues.
    input_items: Sequence[v1.Item]
    #: When it may be forgotten, in seconds since 1970; None for never.
    expires_at: int | None = None


class UnknownResponse(Exception):
    """No such response for this tenant: never stored, deleted, expired or another tenant's."""

    def __init__(self, response_id: str) -> None:
        super().__init__(response_id)
        self.response_id = response_id


class ChainTooLong(Exception):
    """A response continues more others than asked for, or larger ones."""


class ItemsTooLarge(Exception):
    """Items are larger together than asked for."""


class ResponseStore(Protocol):
    """Keeps responses, each for one tenant, and never changes them.

    Every method must raise `server.errors.StoreUnavailable`, `from` the
    driver's error, when the backend cannot be used.
    """

    async def put(self, stored: StoredResponse) -> None:
        """Keep a response under its id.

        Must be durable, and visible to every later call in every process, once
        it returns. Its parent is `response.previous_response_id`. Putting an
        id that is kept already changes nothing, so a put may be tried again.
        """
        ...

    async def get(self, tenant: str, response_id: str) -> StoredResponse:
        """Return a response. Must raise `UnknownResponse`."""
        ...

    async def delete(self, tenant: str, response_id: str) -> None:
        """Forget a response, at once and for good. Must raise `UnknownResponse`."""
        ...

    async def chain(self, tenant: str, response_id: str, *, max_depth: int, max_bytes: int) -> Sequence[StoredResponse]:
        """Return a response after all those it continues, the oldest first, in one query.

        Must raise `UnknownResponse` with the id that is missing when the
        response or any that it continues is unknown (half a history is never
        returned), and `ChainTooLong` when there are more than `max_depth` in
        all, the response included, or they take more than `max_bytes` as they
        are kept; no more than that is read.
        """
        ...

    async def items(self, tenant: str, item_ids: Sequence[str], *, max_bytes: int) -> Mapping[str, v1.Item]:
        """Return the input and output items of these ids, of any of the tenant's responses.

        Ids that are unknown are left out. Of an id that occurs in several
        responses, the item of the one put last counts; in one response, the
        last item, its output after its input.

        Must raise `ItemsTooLarge` when they take more than `max_bytes`
        together; not much more than that is held in memory.
        """
        ...


class OpenStore(Protocol):
    """What an entry point of the group `antiphon.stores` names."""

    def __call__(self, url: str) -> AbstractAsyncContextManager[ResponseStore]:
        """Open a store; `url` is the configuration's `store`, such as `sqlite:antiphon.db`."""
        ...
