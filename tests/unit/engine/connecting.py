"""A connection of a test: what its client sends and hears, and what the provider is held at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import engine_parts as parts
import engine_streams as streams

from antiphon.responses import v1
from server.auth.base import Caller
from server.engine.connection.session import SessionLimits
from server.engine.connection.sessions import Sessions
from server.engine.create import Call
from server.engine.input.history import HistoryLimits
from server.errors import InvalidApiKey
from server.providers.base import CallContext

ENDS = ("completed", "incomplete", "failed", "error")


class Held:
    """A provider that says its answer up to an event of a kind, and the rest when it is told to. Counts whom it
    answers."""

    def __init__(
        self,
        batches: Sequence[Sequence[v1.ResponseStreamEvent]] | None = None,
        until: str = "output_text_delta",
    ) -> None:
        self.batches = batches or parts.says()
        self.said = 1 + next(n for n, batch in enumerate(self.batches) if batch[-1].WhichOneof("event") == until)
        self.go_on = asyncio.Event()
        self.active = self.most = self.begun = self.closed = 0
        self.requests: list[v1.CreateResponseRequest] = []

    async def stream(
        self, request: v1.CreateResponseRequest, context: CallContext
    ) -> AsyncIterator[Sequence[v1.ResponseStreamEvent]]:
        copy = v1.CreateResponseRequest()
        copy.CopyFrom(request)
        self.requests.append(copy)
        self.begun += 1
        self.active += 1
        self.most = max(self.most, self.active)
        try:
            for batch in self.batches[: self.said]:
                yield streams.copies(batch)
            await self.go_on.wait()
            for batch in self.batches[self.said :]:
                yield streams.copies(batch)
        finally:
            self.active -= 1
            self.closed += 1


class Client:
    """The client's side. `heard` is all that it was told."""

    def __init__(
        self,
        engine: parts.Engine,
        sessions: Sessions,
        *,
        caller: Caller | None = None,
        refusal: InvalidApiKey | None = None,
        **who: Any,
    ) -> None:
        """`caller` opened it, and `who` asks for each response, unless there is a `refusal` for all."""
        self.engine = engine
        self.caller = caller or Caller("tenant", "key")
        self.heard: list[v1.ResponseStreamEvent] = []
        self.calls: list[Call] = []
        self.error: BaseException | None = None
        self._who = who
        self._refusal = refusal
        self._frames: asyncio.Queue[Any] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(sessions))

    def send(self, *frames: Any) -> None:
        """Send frames; what is an error stands for one that cannot be read."""
        for frame in frames:
            self._frames.put_nowait(frame)

    def done_writing(self) -> None:
        self._frames.put_nowait(None)

    async def until(self, kind: str, count: int = 1) -> v1.ResponseStreamEvent:
        """Wait for so many events of a kind, and return the last of these."""
        async with asyncio.timeout(10):
            while True:
                found = [event for event in self.heard if event.WhichOneof("event") == kind]
                if len(found) >= count:
                    return found[count - 1]
                assert not self._listening.done(), (self.error, kinds(self.heard))
                self._changed.clear()
                await self._changed.wait()

    async def more(self) -> None:
        """Wait until something more was told."""
        async with asyncio.timeout(10):
            self._changed.clear()
            await self._changed.wait()

    async def response(self, count: int = 1) -> v1.Response:
        """The response that was completed as the so manieth."""
        return (await self.until("completed", count)).completed.response

    async def over(self) -> None:
        """Wait until the connection has ended."""
        async with asyncio.timeout(10):
            await asyncio.wait({self._listening})

    async def leave(self) -> None:
        self._listening.cancel()
        await asyncio.wait({self._listening})

    def __aiter__(self) -> Client:
        return self

    async def __anext__(self) -> Any:
        frame = await self._frames.get()
        if frame is None:
            raise StopAsyncIteration
        if isinstance(frame, Exception):
            raise frame
        return frame

    async def _listen(self, sessions: Sessions) -> None:
        try:
            with sessions.open(self._begin, self.caller, request_id="req_connection") as session:
                events = session.events(self)
                try:
                    async for batch in events:
                        self.heard += streams.copies(batch)
                        self._changed.set()
                finally:
                    await events.aclose()
        except BaseException as error:
            self.error = error
        self._changed.set()

    @asynccontextmanager
    async def _begin(self, request: v1.CreateResponseRequest) -> AsyncIterator[Call]:
        if self._refusal is not None:
            raise self._refusal
        call = self.engine.call(request, incremental=True, **self._who)
        self.calls.append(call)
        yield call


def sessions_of(engine: parts.Engine, **limits: Any) -> Sessions:
    return Sessions(
        engine.creator, engine.running, limits=SessionLimits(**limits), history_limits=HistoryLimits(max_depth=50)
    )


def create(text: str = "hi", lane: str | None = None, *, generate: bool | None = None, **fields: Any) -> Any:
    frame = v1.ConnectRequest(create=v1.CreateResponseRequest(**{"model": "m"} | fields))
    if text:
        frame.create.input_text = text
    if lane is not None:
        frame.stream_id = lane
    if generate is not None:
        frame.generate = generate
    return frame


def steer(response_id: str, text: str = "rather this", **fields: Any) -> Any:
    asked = v1.ResponseSteer(previous_response_id=response_id, **fields)
    if text:
        asked.input_text = text
    return v1.ConnectRequest(steer=asked)


def kinds(events: Sequence[v1.ResponseStreamEvent]) -> list[str]:
    return [event.WhichOneof("event") or "" for event in events]


def turns(events: Sequence[v1.ResponseStreamEvent]) -> list[list[v1.ResponseStreamEvent]]:
    """What was told in one lane, cut after every end of a response and after every error."""
    cut: list[list[v1.ResponseStreamEvent]] = [[]]
    for event in events:
        cut[-1].append(event)
        if event.WhichOneof("event") in ENDS:
            cut.append([])
    return [turn for turn in cut if turn]
