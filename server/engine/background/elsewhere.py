"""A response that this process does not make: another does, or it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from antiphon.responses import v1
from server.engine.answer.open_part import Events
from server.errors import InvalidValue
from server.stores.base import ResponseStore, RunStore

#: How often the store is asked for news, in seconds.
_FOLLOWING: Final = 0.1
#: How long a cancellation is waited for, in seconds: the process that makes the response has to hear of it first.
_CANCELLING: Final = 5.0
#: How much is read from the store at once, in bytes.
_READ: Final = 1 << 20
#: No event has a number beyond it.
_BEYOND: Final = (1 << 63) - 1


class Elsewhere:
    """A `Listening` of what the store knows. Every method raises `UnknownResponse`."""

    def __init__(self, runs: RunStore, responses: ResponseStore, tenant: str, response_id: str) -> None:
        self._runs = runs
        self._responses = responses
        self._tenant = tenant
        self._response_id = response_id

    async def begun(self) -> v1.Response:
        """The response as it stands."""
        return (await self._responses.get(self._tenant, self._response_id)).response

    async def result(self) -> v1.Response:
        """The response, once it has ended."""
        await self._end()
        return await self.begun()

    async def follow(self, after: int) -> AsyncGenerator[Events, None]:
        """As `Listening` says. Raises `InvalidValue` for a response whose events are not kept."""
        last = after
        while True:
            told = await self._runs.told(self._tenant, self._response_id, after=last, max_bytes=_READ)
            if told.events:
                last = told.events[-1].sequence_number
                yield list(told.events)
            elif told.is_going_on:
                await asyncio.sleep(_FOLLOWING)
            else:
                break
        if last == after:
            first = await self._runs.told(self._tenant, self._response_id, after=-1, max_bytes=1)
            if not first.events:
                raise InvalidValue(
                    f"The events of response '{self._response_id[:128]}' are not kept: it was made neither in the "
                    "background nor by a model that goes on when its caller leaves.",
                    param="stream",
                )

    async def cancel(self) -> None:
        """Have the process that makes it end it, and wait until it has, for some seconds."""
        if await self._runs.ask_to_cancel(self._tenant, self._response_id):
            with suppress(TimeoutError):
                async with asyncio.timeout(_CANCELLING):
                    await self._end()

    async def _end(self) -> None:
        """Return once it has ended."""
        while True:
            told = await self._runs.told(self._tenant, self._response_id, after=_BEYOND, max_bytes=1)
            if not told.is_going_on:
                return
            await asyncio.sleep(_FOLLOWING)
