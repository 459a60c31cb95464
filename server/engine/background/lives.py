"""The responses that are made whoever listens: those of this process, and what is known of those of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from server.engine.answer.event_rules import admit
from server.engine.answer.transcript import Transcript
from server.engine.background.elsewhere import Elsewhere
from server.engine.background.live import Hold, Listening, Live
from server.engine.making.run import Run
from server.engine.making.run_log import LEASE, Owner
from server.errors import Internal, Overloaded, ServiceError, StoreUnavailable
from server.stores.base import ResponseStore, RunStore, StoredResponse, UnknownResponse, UnknownRun
from server.telemetry.log import log_unexpected

_log = structlog.get_logger()

#: How often is asked whether anybody wants something cancelled that this process makes, in seconds.
_WATCHING: Final = 0.5
#: How often leases are renewed, and those of others looked at.
_RENEWING: Final = LEASE / 3
#: How much is read from the store at once, in bytes, and how many runs are taken over.
_READ: Final = 1 << 20
_ADOPTED: Final = 16
#: How large the requests of all that is in the background may be together, in bytes.
_QUEUED_BYTES: Final = 1 << 30
_STOPPED: Final = Internal("The server that made this response stopped.")


class Lives:
    """Starts responses that go on by themselves, and finds them again."""

    def __init__(self, store: RunStore, responses: ResponseStore, *, max_running: int, max_waiting: int) -> None:
        """`responses` are those of the same store; of those in the background so many are made at once, and so many
        more may wait."""
        self.owner = Owner(store)
        #: Of those in the background, as many as may be made at once.
        self.room = asyncio.Semaphore(max_running)
        self._store = store
        self._responses = responses
        self._lives: dict[tuple[str, str], Live] = {}
        #: Those in the background, whether they are being made or wait: how large the request of each is, in bytes.
        self._queued: dict[tuple[str, str], int] = {}
        self._max_queued = max_running + max_waiting

    def __len__(self) -> int:
        return len(self._lives)

    def start(self, run: Run, tenant: str, hold: Hold) -> Live:
        """Have a response be made."""
        live = Live(run, tenant, hold)
        self._lives[live.key] = live
        if run.response.background:
            self._queued[live.key] = run.size
        live.start(self._forget)
        return live

    @property
    def queued(self) -> int:
        """How many are in the background, being made or waiting."""
        return len(self._queued)

    def check_room(self) -> None:
        """Raises `Overloaded` where so many are in the background that no further one may wait."""
        if len(self._queued) >= self._max_queued or sum(self._queued.values()) >= _QUEUED_BYTES:
            raise Overloaded("Too many responses wait in the background. Try again later.", retry_after=5.0)

    def _forget(self, live: Live) -> None:
        self._lives.pop(live.key, None)
        self._queued.pop(live.key, None)

    def find(self, tenant: str, response_id: str) -> Live | None:
        """A response that this process makes."""
        return self._lives.get((tenant, response_id))

    def listen(self, tenant: str, response_id: str) -> Listening:
        """A response that is kept, wherever it is or was made."""
        return self.find(tenant, response_id) or Elsewhere(self._store, self._responses, tenant, response_id)

    async def cancel(self, tenant: str, response_id: str) -> None:
        """Have a response that is being made end as cancelled, and wait until it has, for some seconds where another
        process makes it. Raises `UnknownResponse`."""
        await self.listen(tenant, response_id).cancel()

    @asynccontextmanager
    async def watching(self, patience: float) -> AsyncIterator[None]:
        """Keep this process's leases, and end what others left behind, until the context ends; then wait for what is
        still being made, for so many seconds at most."""
        watch = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield
        finally:
            lives = list(self._lives.values())
            try:
                async with asyncio.timeout(patience):
                    await asyncio.gather(*(live.ended() for live in lives))
            except TimeoutError:
                _log.warning("responses abandoned", count=len(self._lives))
                for live in lives:
                    live.abandon()
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        renewed = -_RENEWING
        has_more = False
        while True:
            is_due = loop.time() - renewed >= _RENEWING
            adopts, has_more = is_due or has_more, False
            try:
                if is_due:
                    renewed = loop.time()
                    if self._lives:
                        await self._store.renew_runs(self.owner.name, list(self._lives), lease=self.owner.lease())
                if self._lives:
                    for key in await self._store.asked_to_cancel(self.owner.name):
                        live = self._lives.get(key)
                        if live is not None:
                            live.run.cancel()
                if adopts:
                    has_more = await self._adopt()
            except ServiceError as error:
                _log.warning("runs not watched", reason=error.reason_name)
            except Exception as error:
                log_unexpected(error)
            await asyncio.sleep(0 if has_more else _WATCHING)

    async def _adopt(self) -> bool:
        """End some of what is being made by nobody any more. Returns whether there may be more of it."""
        owner = self.owner
        adopted = await self._store.adopt_runs(owner.name, lease=owner.lease(), most=_ADOPTED)
        for stored in adopted:
            try:
                await self._end(stored)
            except (UnknownRun, UnknownResponse):
                continue  # deleted meanwhile, or taken over in turn
            except StoreUnavailable:
                raise  # the others will not fare better
            except Exception as error:
                log_unexpected(error)  # it keeps nobody from the others
        return len(adopted) == _ADOPTED

    async def _end(self, stored: StoredResponse) -> None:
        """Tell honestly that a response will not be made, after all that was told of it."""
        response = stored.response
        transcript = Transcript(response, incremental=True)
        try:
            last = await self._told_so_far(stored, transcript)
        except Internal:
            # Damaged: nobody can read what was told, nor what would come after it.
            transcript.fail(_STOPPED)
            await self._store.end_run(stored, (), owner=self.owner.name)
        else:
            transcript.next_number = last + 1
            opening = transcript.begin() if last < 0 and not response.background else []
            if opening:
                transcript.next_number = len(opening)
            await self._store.end_run(stored, opening + transcript.fail(_STOPPED), owner=self.owner.name)
        _log.warning("response of a stopped process ended", response_id=response.id)

    async def _told_so_far(self, stored: StoredResponse, transcript: Transcript) -> int:
        """Take in what was told of a response; returns the number of the last event, or -1."""
        transcript.next_number = 0
        last = -1
        while True:
            told = await self._store.told(stored.tenant, stored.response.id, after=last, max_bytes=_READ)
            if not told.events:
                return last
            last = told.events[-1].sequence_number
            admit(transcript, told.events)
