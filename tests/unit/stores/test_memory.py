"""What is the memory store's own: that it is bounded."""

from __future__ import annotations

import pytest

from server.errors import StoreUnavailable
from server.stores.base import UnknownConversation, UnknownResponse
from server.stores.memory import open_store
from server.testing.conversation_contract import a_conversation, ids_in, some_items
from server.testing.ledger_contract import a_use, summed
from server.testing.store_contract import ManualClock, a_message, a_response


async def test_forgets_the_oldest_first() -> None:
    async with open_store("memory?max_responses=2") as store:
        for n in range(3):
            await store.put(a_response(f"resp_{n}", items=[a_message(f"msg_{n}", "Hi!")]))
        with pytest.raises(UnknownResponse):
            await store.get("acme", "resp_0")
        assert list(await store.items("acme", ["msg_0", "msg_1", "msg_2"], max_bytes=2**20)) == ["msg_1", "msg_2"]


async def test_forgets_first_what_was_used_the_longest_time_ago() -> None:
    async with open_store("memory?max_conversations=2") as store:
        await a_conversation(store, "a", conversation_id="conv_1")
        await a_conversation(store, "b", conversation_id="conv_2")
        await store.add_conversation_items("acme", "conv_1", some_items("c"), expires_at=None)
        await a_conversation(store, "d", conversation_id="conv_3")
        assert await ids_in(store, "conv_1") == ["a", "c"]
        with pytest.raises(UnknownConversation):
            await store.get_conversation("acme", "conv_2")
        assert set(await store.items("acme", ["a", "b", "c", "d"], max_bytes=2**20)) == {"a", "c", "d"}


async def test_expired_responses_make_room() -> None:
    clock = ManualClock()
    async with open_store("memory", clock=clock) as store:
        await store.put(a_response("resp_0", expires_at=int(clock()) + 1))
        clock.advance(2)
        await store.put(a_response("resp_1"))
        clock.now -= 2
        with pytest.raises(UnknownResponse):
            await store.get("acme", "resp_0")


async def test_forgets_the_oldest_usage_first() -> None:
    async with open_store("memory?max_usage=4") as store:
        uses = [a_use(f"resp_{n}", key=str(n)) for n in range(5)]
        for use in uses:
            await store.record_usage(use)
        assert await store.sum_usage(["key"], since=0) == summed([*uses[3], *uses[4]], ["key"])
        await store.record_usage([entry for use in uses for entry in use])  # a batch larger than there is room for
        assert await store.sum_usage(["key"], since=0) != []
        [one] = await store.sum_usage([], since=0)
        assert one.responses + one.attempts <= 4


async def test_cannot_be_looked_at_from_elsewhere() -> None:
    with pytest.raises(StoreUnavailable, match="its own process"):
        async with open_store("memory", read_only=True):
            pass


@pytest.mark.parametrize(
    "options", ["max_usage=0", "max_conversations=0", "max_responses=0", "size=1", "max_responses=many", "x"]
)
async def test_refuses_options_it_does_not_know(options: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        async with open_store(f"memory?{options}"):
            pass
