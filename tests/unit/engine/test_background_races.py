"""Whatever ends a response in the background, and at whichever step: what is kept is what was told, and nothing is left
behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import engine_streams as streams
import pytest
from engine_parts import Engine, Store, ask
from hypothesis import given
from hypothesis import strategies as st

from antiphon.responses import v1
from server.errors import KeyRevoked, NotFound
from server.stores.base import UnknownConversation
from server.testing.order import check_order

ENDS = {
    v1.Response.STATUS_COMPLETED: "completed",
    v1.Response.STATUS_FAILED: "failed",
}


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Dawdling(Store):
    """Takes some steps of the event loop before and after each call about a run, as it is told."""

    def __init__(self, pauses: Sequence[int]) -> None:
        super().__init__()
        self._pauses = [*pauses] or [0]

    async def _after(self, call: Awaitable[Any]) -> Any:
        await self._pause()
        result = await call
        await self._pause()
        return result

    async def _pause(self) -> None:
        self._pauses.append(self._pauses.pop(0))
        await steps(self._pauses[-1])

    async def begin_run(self, *args: Any, **options: Any) -> None:
        await self._after(super().begin_run(*args, **options))

    async def log_events(self, *args: Any, **options: Any) -> None:
        await self._after(super().log_events(*args, **options))

    async def end_run(self, *args: Any, **options: Any) -> None:
        await self._after(super().end_run(*args, **options))

    async def get(self, *args: Any, **options: Any) -> Any:
        return await self._after(super().get(*args, **options))

    async def delete(self, *args: Any, **options: Any) -> None:
        await self._after(super().delete(*args, **options))


async def cancel(engine: Engine, response_id: str) -> None:
    await engine.cancel(response_id)


async def delete(engine: Engine, response_id: str) -> None:
    await engine.keeper.delete("t1", v1.DeleteResponseRequest(response_id=response_id))


async def delete_elsewhere(engine: Engine, response_id: str) -> None:
    await delete(Engine(store=engine.store), response_id)


async def both(engine: Engine, response_id: str) -> None:
    with suppress(NotFound):
        await asyncio.gather(cancel(engine, response_id), delete(engine, response_id))


async def revoke_key(engine: Engine, response_id: str) -> None:
    engine.running.interrupt(KeyRevoked())


async def delete_conversation(engine: Engine, response_id: str) -> None:
    await engine.store.delete_conversation("t1", "conv_1")


@pytest.mark.parametrize("end", [cancel, delete, delete_elsewhere, both, revoke_key, delete_conversation])
@given(after=st.integers(0, 50), pauses=st.lists(st.integers(0, 3), max_size=8))
def test_whatever_ends_it_and_whenever(
    end: Callable[[Engine, str], Awaitable[None]], after: int, pauses: list[int]
) -> None:
    async def run() -> None:
        engine = Engine(store=Dawdling(pauses))
        await engine.store.create_conversation("t1", v1.Conversation(id="conv_1"), [], expires_at=None)
        response_id = (await engine.create(ask(background=True, conversation_id="conv_1"))).id
        told: list[v1.ResponseStreamEvent] = []

        async def follow() -> None:
            request = v1.GetResponseRequest(response_id=response_id)
            async for batch in engine.keeper.follow("t1", request):
                told.extend(streams.copies(batch))

        following = asyncio.ensure_future(follow())
        await steps(after)
        await end(engine, response_id)
        await engine.ended()
        async with asyncio.timeout(10):
            with suppress(NotFound):  # where it was gone before anybody was told of it
                await following
        assert (len(engine.running), engine.held, engine.lives.room._value) == (0, 0, 100)
        assert engine.store._runs == {}
        added = 0
        with suppress(UnknownConversation):
            added = len(await engine.store.read_conversation("t1", "conv_1", max_items=9, max_bytes=1 << 20))
        try:
            kept = await engine.get(response_id)
        except NotFound:
            assert end in (delete, delete_elsewhere, both)
            return
        assert await engine.follow(response_id) == told
        assert [event.sequence_number for event in told] == list(range(len(told)))
        if kept.status == v1.Response.STATUS_CANCELLED:
            assert end is cancel
        else:
            assert getattr(told[-1], ENDS[kept.status]).response == kept
            assert check_order(told) == []
        if end is not delete_conversation:
            assert (added == 2) == (kept.status == v1.Response.STATUS_COMPLETED)

    asyncio.run(run())
