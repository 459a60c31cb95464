"""What is kept of a response while it is being made, so that it can be followed and ended from anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from antiphon.responses import v1
from server.engine.answer.ids import new_id
from server.errors import NotFound
from server.stores.base import RunStore, StoredResponse, UnknownRun

#: For how long a process that says nothing is believed to live, in seconds.
LEASE: Final = 15.0


class Owner:
    """This process, as the store knows it. Its responses are taken over by others when it says nothing for `LEASE`."""

    def __init__(self, store: RunStore, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.name = new_id("owner")
        self.clock = clock

    def lease(self) -> float:
        """Until when this process may be believed to live, from now on."""
        return self.clock() + LEASE


class RunLog:
    """The log of one response: what is told to anybody is kept in it first."""

    def __init__(self, owner: Owner, stored: StoredResponse, idempotency_key: str = "") -> None:
        self._owner = owner
        self._stored = stored
        self._key = idempotency_key

    async def begin(self, events: Sequence[v1.ResponseStreamEvent]) -> None:
        """Keep the response as it is now."""
        owner = self._owner
        await owner.store.begin_run(self._stored, events, owner=owner.name, lease=owner.lease())

    async def tell(self, events: Sequence[v1.ResponseStreamEvent], *, changed: bool = False) -> None:
        """Keep events that are about to be told; `changed` keeps the response as it is now, too.

        Raises `NotFound` where the response is no longer this process's to make.
        """
        stored = self._stored
        response = stored.response if changed else None
        try:
            await self._owner.store.log_events(
                stored.tenant, stored.response.id, events, owner=self._owner.name, response=response
            )
        except UnknownRun:
            raise deleted() from None

    async def end(self, events: Sequence[v1.ResponseStreamEvent]) -> None:
        """Keep the response as it ended, with its last events. Raises `NotFound` as `tell` does."""
        try:
            await self._owner.store.end_run(self._stored, events, owner=self._owner.name)
        except UnknownRun:
            raise deleted() from None

    async def drop(self) -> None:
        """Keep nothing of a response of which nobody was told anything."""
        stored, store = self._stored, self._owner.store
        await store.drop_run(stored.tenant, stored.response.id, owner=self._owner.name)
        if self._key:
            await store.unclaim(stored.tenant, self._key, stored.response.id)


def deleted() -> NotFound:
    """The error of a response that is no longer to be made."""
    return NotFound("The response was deleted while it was being made.", param="response_id")
