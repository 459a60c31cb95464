"""Responses that are being made, in the memory store: the readable model of what a `RunStore` does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from antiphon.responses import v1
from server.stores.base import Claim, StoredResponse, Told, UnknownResponse, UnknownRun


@dataclass(slots=True)
class _Run:
    """Who makes a response, and until when that is believed."""

    owner: str
    lease: float
    is_to_cancel: bool = False


class MemoryRuns:
    """A `RunStore` in dictionaries, beside the responses themselves."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._runs: dict[tuple[str, str], _Run] = {}
        self._told: dict[tuple[str, str], list[v1.ResponseStreamEvent]] = {}
        self._claims: dict[tuple[str, str], tuple[Claim, float]] = {}
        # (tenant, id of a response) -> the keys that stand for it.
        self._claimed: dict[tuple[str, str], set[str]] = {}

    @abstractmethod
    def _add_response(self, stored: StoredResponse) -> None:
        """Add what a response adds to its conversation. Raises `UnknownConversation`."""

    @abstractmethod
    def _keep(self, stored: StoredResponse) -> None:
        """Keep a response in the place of what is kept under its id."""

    @abstractmethod
    def _find(self, tenant: str, response_id: str) -> StoredResponse:
        """What is kept. Raises `UnknownResponse`."""

    @abstractmethod
    def _forget(self, key: tuple[str, str]) -> None:
        """Keep nothing of a response that is kept."""

    async def begin_run(
        self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str, lease: float
    ) -> None:
        key = (stored.tenant, stored.response.id)
        self._keep(stored)
        self._runs[key] = _Run(owner, lease)
        self._told[key] = [*map(_copy, events)]

    async def log_events(
        self,
        tenant: str,
        response_id: str,
        events: Sequence[v1.ResponseStreamEvent],
        *,
        owner: str,
        response: v1.Response | None = None,
    ) -> None:
        stored = self._owned(tenant, response_id, owner)
        self._told[tenant, response_id].extend(map(_copy, events))
        if response is not None:
            self._keep(replace(stored, response=response))

    async def end_run(self, stored: StoredResponse, events: Sequence[v1.ResponseStreamEvent], *, owner: str) -> None:
        key = (stored.tenant, stored.response.id)
        self._owned(*key, owner)
        self._add_response(stored)
        self._keep(stored)
        self._told[key].extend(map(_copy, events))
        del self._runs[key]

    async def drop_run(self, tenant: str, response_id: str, *, owner: str) -> None:
        try:
            self._owned(tenant, response_id, owner)
        except UnknownRun:
            return
        self._forget((tenant, response_id))

    async def told(self, tenant: str, response_id: str, *, after: int, max_bytes: int) -> Told:
        self._find(tenant, response_id)
        key = (tenant, response_id)
        found: list[v1.ResponseStreamEvent] = []
        size = 0
        for event in self._told.get(key, ()):
            if event.sequence_number <= after:
                continue
            if found and size >= max_bytes:
                return Told(found, is_going_on=True)
            found.append(_copy(event))
            size += event.ByteSize()
        return Told(found, is_going_on=key in self._runs)

    async def renew_runs(self, owner: str, runs_of_it: Sequence[tuple[str, str]], *, lease: float) -> None:
        for key in runs_of_it:
            run = self._runs.get(key)
            if run is not None and run.owner == owner:
                run.lease = lease

    async def ask_to_cancel(self, tenant: str, response_id: str) -> bool:
        run = self._runs.get((tenant, response_id))
        if run is None:
            return False
        run.is_to_cancel = True
        return True

    async def asked_to_cancel(self, owner: str) -> Sequence[tuple[str, str]]:
        return [key for key, run in self._runs.items() if run.owner == owner and run.is_to_cancel]

    async def adopt_runs(self, owner: str, *, lease: float, most: int) -> Sequence[StoredResponse]:
        over = [key for key, run in self._runs.items() if run.lease <= self._clock()][:most]
        adopted = []
        for key in over:
            try:
                stored = self._find(*key)
            except UnknownResponse:  # it has expired meanwhile
                del self._runs[key]
                continue
            self._runs[key].owner, self._runs[key].lease = owner, lease
            adopted.append(replace(stored, response=_copied(stored.response)))
        return adopted

    async def claim(self, tenant: str, key: str, claim: Claim, *, expires_at: float) -> Claim:
        now = self._clock()
        held = self._claims.get((tenant, key))
        if held is not None and held[1] > now:
            return held[0]
        await self.unclaim(tenant, key, held[0].response_id if held else "")
        self._claims[tenant, key] = (claim, expires_at)
        self._claimed.setdefault((tenant, claim.response_id), set()).add(key)
        # The oldest stand first: those further behind are forgotten in their turn.
        while (oldest := next(iter(self._claims.items())))[1][1] <= now:
            await self.unclaim(*oldest[0], oldest[1][0].response_id)
        return claim

    async def unclaim(self, tenant: str, key: str, response_id: str) -> None:
        held = self._claims.get((tenant, key))
        if held is not None and held[0].response_id == response_id:
            del self._claims[tenant, key]
            keys = self._claimed[tenant, response_id]
            keys.discard(key)
            if not keys:
                del self._claimed[tenant, response_id]

    def _owned(self, tenant: str, response_id: str, owner: str) -> StoredResponse:
        run = self._runs.get((tenant, response_id))
        if run is None or run.owner != owner:
            raise UnknownRun
        try:
            return self._find(tenant, response_id)
        except UnknownResponse:
            raise UnknownRun from None

    def _forget_run(self, key: tuple[str, str]) -> None:
        """To be called with every response that is forgotten."""
        self._runs.pop(key, None)
        self._told.pop(key, None)
        for claimed in self._claimed.pop(key, ()):
            del self._claims[key[0], claimed]


def _copy(event: v1.ResponseStreamEvent) -> v1.ResponseStreamEvent:
    copy = v1.ResponseStreamEvent()
    copy.CopyFrom(event)
    return copy


def _copied(response: v1.Response) -> v1.Response:
    copy = v1.Response()
    copy.CopyFrom(response)
    return copy
