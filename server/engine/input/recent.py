"""The responses that a connection made last, so that it can continue those too that no store keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from antiphon.responses import v1
from server.stores.base import StoredResponse


class Recall(Protocol):
    """Knows responses beside the store."""

    def recall(self, tenant: str, response_id: str) -> StoredResponse | None:
        """A response of this tenant's, or None. Whoever gets it must not change it."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    stored: StoredResponse
    lane: str | None
    size: int


class Recent:
    """A `Recall` for one connection: at most `max_responses`, of `max_bytes` together. Forgets the oldest first."""

    def __init__(self, *, max_responses: int, max_bytes: int) -> None:
        self._max_responses = max_responses
        self._max_bytes = max_bytes
        self._held: dict[str, _Held] = {}
        self._size = 0

    def __contains__(self, response_id: str) -> bool:
        return response_id in self._held

    def recall(self, tenant: str, response_id: str) -> StoredResponse | None:
        held = self._held.get(response_id)
        return None if held is None or held.stored.tenant != tenant else held.stored

    def keep(self, tenant: str, response: v1.Response, own: Sequence[v1.Item], lane: str | None) -> None:
        """Hold a response that has ended in a lane, with its own input. Nobody may change them from now on."""
        size = response.ByteSize() + sum(item.ByteSize() for item in own)
        self._forget(response.id)
        self._held[response.id] = _Held(StoredResponse(tenant, response, own), lane, size)
        self._size += size
        while len(self._held) > self._max_responses or self._size > self._max_bytes:
            self._forget(next(iter(self._held)))

    def failed(self, parent: str, lane: str | None) -> None:
        """What continued a response has failed: in the response's own lane it is forgotten with it, so that nobody goes
        on from a state that is in doubt. From another lane it was a fork, which leaves it as it was; and of what is
        kept the store has the word."""
        held = self._held.get(parent)
        if held is not None and held.lane == lane and not held.stored.response.store:
            self._forget(parent)

    def _forget(self, response_id: str) -> None:
        held = self._held.pop(response_id, None)
        if held is not None:
            self._size -= held.size
