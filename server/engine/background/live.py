"""A response that is made whoever listens: its events, told to any number of listeners from any of them on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeAlias

from antiphon.responses import v1
from server.engine.answer.open_part import Events
from server.engine.making.run import Run
from server.errors import Internal, ServiceError
from server.telemetry.log import log_unexpected

#: Keeps open what a response needs while it is made: its provider may be closed afterwards.
Hold: TypeAlias = Callable[[], AbstractContextManager[object]]

#: How many events a listener who comes late is told at once, at most.
_AT_ONCE: Final = 256


class Listening(Protocol):
    """A response that is kept, to be listened to: while it is made, and afterwards."""

    async def begun(self) -> v1.Response:
        """The response as it stood when it began, or stands now."""
        ...

    async def result(self) -> v1.Response:
        """The response, once it has ended. Raises what it failed with, where that is known."""
        ...

    def follow(self, after: int) -> AsyncGenerator[Events, None]:
        """The events with sequence numbers greater than `after`, in batches, then those to come, to the end.

        The events are everybody's: not to be changed.
        """
        ...

    async def cancel(self) -> None:
        """Have it end as cancelled, if it has not ended, and wait until it has."""
        ...


class Live:
    """One response that goes on by itself, in a task of its own. A `Listening`."""

    def __init__(self, run: Run, tenant: str, hold: Hold) -> None:
        self.tenant = tenant
        self.run = run
        self._hold = hold
        self._told: Events = []
        self._ended = False
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.tenant, self.run.response.id)

    def start(self, done: Callable[[Live], None]) -> None:
        """Begin; `done` is called at the end, however it comes."""
        # Held from now on, not from the task's first step.
        held = self._hold()
        held.__enter__()
        self._task = asyncio.get_running_loop().create_task(self._make())

        def ended(task: asyncio.Task[None]) -> None:
            held.__exit__(None, None, None)
            done(self)

        self._task.add_done_callback(ended)

    async def ended(self) -> None:
        """Return once it has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def cancel(self) -> None:
        """Have it end as cancelled, and wait until it has."""
        self.run.cancel()
        await self.ended()

    def abandon(self) -> None:
        """End it at once, without a word."""
        if self._task is not None:
            self._task.cancel()

    async def begun(self) -> v1.Response:
        """The response as its first event tells it, once that was told.

        Raises the error that kept it from being told.
        """
        while not self._told:
            if self._ended:
                raise self._failure()
            await self._heard()
        told = v1.Response()
        told.CopyFrom(self._told[0].created.response)
        return told

    async def result(self) -> v1.Response:
        """The response, once it has ended. Raises what it failed with."""
        while not self._ended:
            await self._heard()
        if self.run.error is not None or not self._told:
            raise self._failure()
        return self.snapshot()

    def snapshot(self) -> v1.Response:
        """The response as it stands."""
        copy = v1.Response()
        copy.CopyFrom(self.run.response)
        return copy

    async def follow(self, after: int) -> AsyncGenerator[Events, None]:
        """As `Listening` says. Raises the error that kept all of them from being told."""
        place = after + 1  # they are numbered from 0, without gaps
        while True:
            while place < len(self._told):
                batch = self._told[place : place + _AT_ONCE]
                place += len(batch)
                yield batch
            if self._ended:
                if not self._told:
                    raise self._failure()
                return
            await self._heard()

    async def _heard(self) -> None:
        await asyncio.shield(self._news)

    async def _make(self) -> None:
        try:
            async for batch in self.run.events():
                self._told += batch
                self._tell()
        except ServiceError:
            pass  # `run.error` has it, for whoever asks
        except Exception as error:
            log_unexpected(error)
        finally:
            self._ended = True
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)

    def _failure(self) -> ServiceError:
        return self.run.error or Internal("The server met an unexpected error.")
