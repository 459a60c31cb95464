"""What every `ConversationStore` must do, as tests to subclass, beside those of the store that it is part of.

class TestMyStore(StoreContract, ConversationContract):
    @pytest.fixture
    async def store(self, clock): ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import pytest

from antiphon.responses import v1
from server.stores.base import (
    ConversationStore,
    ConversationTooLong,
    ItemsTooLarge,
    ResponseStore,
    StoredResponse,
    UnknownConversation,
    UnknownItem,
    UnknownResponse,
)
from server.testing.store_contract import (
    MIB,
    ODD_IDS,
    UNKNOWN_FIELD,
    Capability,
    ManualClock,
    a_message,
    a_response,
)

ENDED_WELL = (v1.Response.STATUS_COMPLETED, v1.Response.STATUS_INCOMPLETE)
ENDED_ILL = (v1.Response.STATUS_FAILED, v1.Response.STATUS_CANCELLED, v1.Response.STATUS_IN_PROGRESS)


class Store(ResponseStore, ConversationStore, Protocol):
    """A store of both."""


def some_items(*item_ids: str) -> list[v1.Item]:
    """Messages of these ids, which say them."""
    return [a_message(item_id, item_id) for item_id in item_ids]


async def a_conversation(
    store: ConversationStore,
    *item_ids: str,
    conversation_id: str = "conv_1",
    tenant: str = "acme",
    expires_at: int | None = None,
) -> v1.Conversation:
    """Create a conversation with items of these ids."""
    conversation = v1.Conversation(id=conversation_id, created_at=1_700_000_000, metadata={"a": "b"})
    await store.create_conversation(tenant, conversation, some_items(*item_ids), expires_at=expires_at)
    return conversation


def a_turn(
    response_id: str,
    *,
    conversation_id: str = "conv_1",
    status: v1.Response.Status = v1.Response.STATUS_COMPLETED,
    is_kept: bool = True,
    expires_at: int | None = None,
) -> StoredResponse:
    """A response in a conversation, with one item in and one out, named after it."""
    stored = a_response(
        response_id,
        items=some_items(f"{response_id}_in"),
        output=some_items(f"{response_id}_out"),
        expires_at=expires_at,
    )
    stored.response.conversation.id = conversation_id
    stored.response.status = status
    return StoredResponse("acme", stored.response, stored.input_items, stored.expires_at, is_kept)


async def ids_in(
    store: ConversationStore, conversation_id: str = "conv_1", *, tenant: str = "acme", **bounds: int
) -> list[str]:
    """The ids of all items, the oldest first."""
    read = await store.read_conversation(tenant, conversation_id, **{"max_items": 1000, "max_bytes": MIB, **bounds})
    return [item.id for item in read]


async def page(store: ConversationStore, **asked: Any) -> tuple[str, bool]:
    """The ids of a page as one text, and whether more follow."""
    wanted: dict[str, Any] = {"after": None, "newest_first": False, "limit": 100, "max_bytes": MIB, **asked}
    found = await store.page_conversation("acme", "conv_1", **wanted)
    return "".join(item.id for item in found.items), found.has_more


def every_call(store: ConversationStore, tenant: str, conversation_id: str) -> list[Any]:
    """One call of each method that needs a conversation to be there; its item is `a`."""
    which = (tenant, conversation_id)
    return [
        store.get_conversation(*which),
        store.update_conversation(*which, {"x": "y"}, expires_at=None),
        store.add_conversation_items(*which, some_items("z"), expires_at=None),
        store.page_conversation(*which, after=None, newest_first=False, limit=9, max_bytes=MIB),
        store.get_conversation_item(*which, "a"),
        store.delete_conversation_item(*which, "a", expires_at=None),
        store.read_conversation(*which, max_items=9, max_bytes=MIB),
        store.delete_conversation(*which),
    ]


async def assert_unknown(store: ConversationStore, tenant: str, conversation_id: str) -> None:
    for call in every_call(store, tenant, conversation_id):
        with pytest.raises(UnknownConversation) as caught:
            await call
        assert caught.value.conversation_id == conversation_id


class ConversationContract:
    """What every ConversationStore must do. `store` and `peer` are those of `StoreContract`, which the same class
    keeps."""

    lacks: ClassVar[Mapping[Capability, str]] = {}

    @pytest.fixture
    def conversations(self, store: ResponseStore) -> Store:
        """The store of `StoreContract`, as one of conversations too."""
        self.needs(Capability.CONVERSATIONS)
        assert isinstance(store, ConversationStore)
        return store

    def needs(self, capability: Capability) -> None:
        """Skip the test, with the reason, when the store lacks what it is about."""
        if capability in self.lacks:
            pytest.skip(f"no {capability.value}: {self.lacks[capability]}")

    # Conversations

    async def test_gives_back_a_conversation(self, conversations: Store) -> None:
        created = await a_conversation(conversations, "a", "b")
        assert await conversations.get_conversation("acme", "conv_1") == created
        assert list(await conversations.read_conversation("acme", "conv_1", max_items=2, max_bytes=MIB)) == some_items(
            "a", "b"
        )

    async def test_a_conversation_without_items(self, conversations: Store) -> None:
        await a_conversation(conversations)
        assert await ids_in(conversations) == []
        assert await page(conversations) == ("", False)

    async def test_creating_again_changes_nothing(self, conversations: Store) -> None:
        created = await a_conversation(conversations, "a")
        other = v1.Conversation(id="conv_1", created_at=1)
        await conversations.create_conversation("acme", other, some_items("b"), expires_at=None)
        assert await conversations.get_conversation("acme", "conv_1") == created
        assert await ids_in(conversations) == ["a"]

    async def test_conversations_keep_fields_that_are_not_known(self, conversations: Store) -> None:
        conversation = v1.Conversation.FromString(v1.Conversation(id="conv_1").SerializeToString() + UNKNOWN_FIELD)
        item = v1.Item.FromString(some_items("a")[0].SerializeToString() + UNKNOWN_FIELD)
        await conversations.create_conversation("acme", conversation, [item], expires_at=None)
        updated = await conversations.update_conversation("acme", "conv_1", {"a": "b"}, expires_at=None)
        assert UNKNOWN_FIELD in updated.SerializeToString()
        assert UNKNOWN_FIELD in (await conversations.get_conversation("acme", "conv_1")).SerializeToString()
        assert UNKNOWN_FIELD in (await conversations.get_conversation_item("acme", "conv_1", "a")).SerializeToString()

    async def test_labels_are_replaced(self, conversations: Store) -> None:
        created = await a_conversation(conversations, "a")
        updated = await conversations.update_conversation("acme", "conv_1", {"c": "d"}, expires_at=None)
        assert (dict(updated.metadata), updated.created_at) == ({"c": "d"}, created.created_at)
        assert await conversations.get_conversation("acme", "conv_1") == updated
        assert not (await conversations.update_conversation("acme", "conv_1", {}, expires_at=None)).metadata
        assert await ids_in(conversations) == ["a"]

    @pytest.mark.parametrize("conversation_id", ["conv_none", "", "%"])
    async def test_an_unknown_conversation(self, conversations: Store, conversation_id: str) -> None:
        await a_conversation(conversations, "a")
        await assert_unknown(conversations, "acme", conversation_id)

    async def test_a_deleted_conversation_is_gone_with_its_items(self, conversations: Store) -> None:
        await a_conversation(conversations, "a")
        await a_conversation(conversations, "a", "b", conversation_id="conv_2")
        await conversations.put(a_turn("resp_1"))
        await conversations.delete_conversation("acme", "conv_1")
        await assert_unknown(conversations, "acme", "conv_1")
        assert await ids_in(conversations, "conv_2") == ["a", "b"]
        assert await conversations.items("acme", ["a", "resp_1_in"], max_bytes=MIB) == {
            "a": some_items("a")[0],
            "resp_1_in": some_items("resp_1_in")[0],
        }
        await conversations.get("acme", "resp_1")
        await a_conversation(conversations)
        assert await ids_in(conversations) == []

    async def test_tenants_have_their_own_conversations(self, conversations: Store) -> None:
        await a_conversation(conversations, "a")
        for tenant in ("other", "ACME", "", "acm_", "%"):
            await assert_unknown(conversations, tenant, "conv_1")
            assert await conversations.items(tenant, ["a"], max_bytes=MIB) == {}
        await a_conversation(conversations, "a", "b", tenant="other")
        await conversations.delete_conversation("other", "conv_1")
        assert await ids_in(conversations) == ["a"]
        assert list(await conversations.items("acme", ["a"], max_bytes=MIB)) == ["a"]

    @pytest.mark.parametrize("odd", ODD_IDS)
    async def test_ids_of_conversations_and_items_are_any_text(self, conversations: Store, odd: str) -> None:
        await a_conversation(conversations, odd, "b", conversation_id=odd, tenant=odd)
        found = await conversations.page_conversation(odd, odd, after=odd, newest_first=False, limit=9, max_bytes=MIB)
        assert [item.id for item in found.items] == ["b"]
        await conversations.delete_conversation_item(odd, odd, odd, expires_at=None)
        assert await ids_in(conversations, odd, tenant=odd) == ["b"]

    # Items

    async def test_items_are_added_after_all_others(self, conversations: Store) -> None:
        await a_conversation(conversations, "a")
        added = await conversations.add_conversation_items("acme", "conv_1", some_items("c", "b"), expires_at=None)
        assert list(added) == some_items("c", "b")
        await conversations.add_conversation_items("acme", "conv_1", some_items("d"), expires_at=None)
        assert await ids_in(conversations) == ["a", "c", "b", "d"]

    async def test_an_id_that_is_taken_is_not_given_twice(self, conversations: Store) -> None:
        await a_conversation(conversations, "msg_1", "msg_2")
        given = [a_message("msg_1", "again"), *some_items("msg_3", "msg_3")]
        added = await conversations.add_conversation_items("acme", "conv_1", given, expires_at=None)
        found = await ids_in(conversations)
        assert found == ["msg_1", "msg_2", *(item.id for item in added)]
        assert len(set(found)) == 5
        assert added[1].id == "msg_3"
        assert all(item_id.startswith("msg_") and len(item_id) <= 64 for item_id in found)
        again = await conversations.get_conversation_item("acme", "conv_1", added[0].id)
        assert again == added[0]
        assert again.message == given[0].message
        assert [item.id for item in given] == ["msg_1", "msg_3", "msg_3"]

    async def test_conversations_may_share_an_id(self, conversations: Store) -> None:
        await a_conversation(conversations, "a")
        await a_conversation(conversations, "a", conversation_id="conv_2")
        await conversations.delete_conversation_item("acme", "conv_1", "a", expires_at=None)
        assert await ids_in(conversations, "conv_2") == ["a"]
        assert list(await conversations.items("acme", ["a"], max_bytes=MIB)) == ["a"]

    async def test_later_changes_of_an_item_do_not_reach_it(self, conversations: Store) -> None:
        await a_conversation(conversations)
        (item,) = some_items("a")
        (added,) = await conversations.add_conversation_items("acme", "conv_1", [item], expires_at=None)
        item.status = added.status = "changed"
        (await conversations.get_conversation_item("acme", "conv_1", "a")).status = "changed"
        (await conversations.get_conversation("acme", "conv_1")).metadata["a"] = "changed"
        assert (await conversations.get_conversation_item("acme", "conv_1", "a")).status == "completed"
        assert (await conversations.get_conversation("acme", "conv_1")).metadata["a"] == "b"

    async def test_a_deleted_item_is_gone(self, conversations: Store) -> None:
        created = await a_conversation(conversations, "a", "b", "c")
        assert await conversations.delete_conversation_item("acme", "conv_1", "b", expires_at=None) == created
        assert await ids_in(conversations) == ["a", "c"]
        assert await conversations.items("acme", ["b"], max_bytes=MIB) == {}
        for call in (
            conversations.get_conversation_item("acme", "conv_1", "b"),
            conversations.delete_conversation_item("acme", "conv_1", "b", expires_at=None),
            conversations.page_conversation("acme", "conv_1", after="b", newest_first=False, limit=9, max_bytes=MIB),
        ):
            with pytest.raises(UnknownItem) as caught:
                await call
            assert caught.value.item_id == "b"

    async def test_no_place_is_taken_twice(self, conversations: Store) -> None:
        await a_conversation(conversations, "a", "b")
        await conversations.delete_conversation_item("acme", "conv_1", "b", expires_at=None)
        await conversations.add_conversation_items("acme", "conv_1", some_items("c"), expires_at=None)
        await conversations.delete_conversation_item("acme", "conv_1", "a", expires_at=None)
        await conversations.add_conversation_items("acme", "conv_1", some_items("b", "a"), expires_at=None)
        assert await ids_in(conversations) == ["c", "b", "a"]

    @pytest.mark.parametrize(
        ("asked", "names", "has_more"),
        [
            ({}, "abcde", False),
            ({"newest_first": True}, "edcba", False),
            ({"limit": 2}, "ab", True),
            ({"limit": 5}, "abcde", False),
            ({"limit": 4, "newest_first": True}, "edcb", True),
            ({"after": "b", "limit": 2}, "cd", True),
            ({"after": "c", "limit": 2}, "de", False),
            ({"after": "d", "newest_first": True}, "cba", False),
            ({"after": "d", "newest_first": True, "limit": 2}, "cb", True),
            ({"after": "e"}, "", False),
            ({"after": "a", "newest_first": True}, "", False),
        ],
    )
    async def test_a_page(self, conversations: Store, asked: dict[str, Any], names: str, has_more: bool) -> None:
        await a_conversation(conversations, *"ab")
        await a_conversation(conversations, *"abcdef", conversation_id="conv_2")
        await conversations.add_conversation_items("acme", "conv_1", some_items(*"cde"), expires_at=None)
        assert await page(conversations, **asked) == (names, has_more)

    @pytest.mark.parametrize("after", ["z", "", "x"])
    async def test_a_page_after_what_is_not_there(self, conversations: Store, after: str) -> None:
        await a_conversation(conversations, "a")
        await a_conversation(conversations, "x", conversation_id="conv_2")
        with pytest.raises(UnknownItem):
            await page(conversations, after=after)

    async def test_a_page_is_no_larger_than_asked_for(self, conversations: Store) -> None:
        await a_conversation(conversations, *"abc")
        size = some_items("a")[0].ByteSize()
        assert await page(conversations, max_bytes=2 * size) == ("ab", True)
        assert await page(conversations, max_bytes=2 * size, newest_first=True) == ("cb", True)
        assert await page(conversations, max_bytes=3 * size) == ("abc", False)
        assert await page(conversations, max_bytes=1) == ("a", True)
        assert await page(conversations, max_bytes=1, after="b") == ("c", False)

    async def test_reading_has_bounds(self, conversations: Store) -> None:
        await a_conversation(conversations, *"abc")
        size = 3 * some_items("a")[0].ByteSize()
        assert await ids_in(conversations, max_items=3, max_bytes=size) == ["a", "b", "c"]
        for max_items, max_bytes in ((2, MIB), (3, size - 1)):
            with pytest.raises(ConversationTooLong):
                await ids_in(conversations, max_items=max_items, max_bytes=max_bytes)

    async def test_an_item_is_found_by_its_id_alone(self, conversations: Store) -> None:
        await a_conversation(conversations, "a")
        await conversations.create_conversation(
            "acme", v1.Conversation(id="conv_2"), [a_message("a", "newer")], expires_at=None
        )
        found = await conversations.items("acme", ["a", "none", "a"], max_bytes=MIB)
        assert list(found) == ["a"]
        assert found["a"].message.content[0].input_text.text == "newer"
        with pytest.raises(ItemsTooLarge):
            await conversations.items("acme", ["a"], max_bytes=found["a"].ByteSize() - 1)
        await conversations.delete_conversation("acme", "conv_2")
        found = await conversations.items("acme", ["a"], max_bytes=MIB)
        assert found["a"].message.content[0].input_text.text == "a"
        await conversations.put(a_response(items=[a_message("a", "of a response")]))
        found = await conversations.items("acme", ["a"], max_bytes=MIB)
        assert found["a"].message.content[0].input_text.text == "of a response"

    # Responses

    @pytest.mark.parametrize("is_kept", [True, False])
    @pytest.mark.parametrize("status", ENDED_WELL)
    async def test_a_response_adds_what_went_in_and_came_out(
        self, conversations: Store, status: v1.Response.Status, is_kept: bool
    ) -> None:
        await a_conversation(conversations, "a")
        await conversations.put(a_turn("resp_1", status=status, is_kept=is_kept))
        assert await ids_in(conversations) == ["a", "resp_1_in", "resp_1_out"]
        if is_kept:
            await conversations.get("acme", "resp_1")
        else:
            with pytest.raises(UnknownResponse):
                await conversations.get("acme", "resp_1")

    @pytest.mark.parametrize("is_kept", [True, False])
    async def test_a_response_adds_once(self, conversations: Store, is_kept: bool) -> None:
        await a_conversation(conversations)
        for _ in range(3):
            await conversations.put(a_turn("resp_1", is_kept=is_kept))
        assert await ids_in(conversations) == ["resp_1_in", "resp_1_out"]
        await conversations.delete_conversation_item("acme", "conv_1", "resp_1_in", expires_at=None)
        await conversations.put(a_turn("resp_1", is_kept=is_kept))
        assert await ids_in(conversations) == ["resp_1_out"]

    async def test_a_response_that_is_put_again_after_its_conversation_was_deleted(self, conversations: Store) -> None:
        await a_conversation(conversations)
        await conversations.put(a_turn("resp_1"))
        await conversations.delete_conversation("acme", "conv_1")
        await conversations.put(a_turn("resp_1"))
        await conversations.get("acme", "resp_1")

    @pytest.mark.parametrize("status", ENDED_ILL)
    async def test_a_response_that_did_not_end_well_adds_nothing(
        self, conversations: Store, status: v1.Response.Status
    ) -> None:
        await a_conversation(conversations, "a")
        await conversations.put(a_turn("resp_1", status=status))
        await conversations.put(a_turn("resp_2", status=status, is_kept=False))
        await conversations.put(a_turn("resp_3", status=status, conversation_id="conv_gone"))
        assert await ids_in(conversations) == ["a"]
        for response_id in ("resp_1", "resp_3"):
            await conversations.get("acme", response_id)

    @pytest.mark.parametrize("is_kept", [True, False])
    async def test_a_response_whose_conversation_is_gone_is_not_kept(self, conversations: Store, is_kept: bool) -> None:
        await a_conversation(conversations, tenant="other")
        with pytest.raises(UnknownConversation) as caught:
            await conversations.put(a_turn("resp_1", is_kept=is_kept))
        assert caught.value.conversation_id == "conv_1"
        with pytest.raises(UnknownResponse):
            await conversations.get("acme", "resp_1")
        assert await conversations.items("acme", ["resp_1_in", "resp_1_out"], max_bytes=MIB) == {}
        assert await ids_in(conversations, tenant="other") == []

    async def test_one_that_is_refused_keeps_no_other_from_being_kept(self, conversations: Store) -> None:
        await a_conversation(conversations)
        puts = [a_turn(f"resp_{n}", conversation_id="conv_1" if n % 2 else "conv_gone") for n in range(20)]
        ends = await asyncio.gather(*(conversations.put(stored) for stored in puts), return_exceptions=True)
        assert [type(end) for end in ends] == [UnknownConversation, type(None)] * 10
        assert len(await ids_in(conversations)) == 20

    async def test_a_response_has_an_id_that_is_taken(self, conversations: Store) -> None:
        await a_conversation(conversations, "resp_1_in", "resp_1_out")
        await conversations.put(a_turn("resp_1"))
        found = await ids_in(conversations)
        assert (len(found), len(set(found))) == (4, 4)
        assert (await conversations.get("acme", "resp_1")).input_items[0].id == "resp_1_in"

    async def test_the_trigger_of_a_compaction_is_not_added(self, conversations: Store) -> None:
        await a_conversation(conversations)
        stored = a_turn("resp_1")
        trigger = v1.Item(id="trigger", compaction_trigger=v1.CompactionTrigger())
        await conversations.put(StoredResponse("acme", stored.response, [*stored.input_items, trigger]))
        assert await ids_in(conversations) == ["resp_1_in", "resp_1_out"]

    async def test_deleting_a_response_leaves_the_conversation(self, conversations: Store) -> None:
        await a_conversation(conversations)
        await conversations.put(a_turn("resp_1"))
        await conversations.delete("acme", "resp_1")
        assert await ids_in(conversations) == ["resp_1_in", "resp_1_out"]
        assert list(await conversations.items("acme", ["resp_1_out"], max_bytes=MIB)) == ["resp_1_out"]

    # Time

    async def test_an_expired_conversation_is_gone(self, conversations: Store, clock: ManualClock) -> None:
        self.needs(Capability.EXPIRY)
        await a_conversation(conversations, "a", expires_at=int(clock()) + 60)
        clock.advance(59)
        assert await ids_in(conversations) == ["a"]
        clock.advance(1)
        await assert_unknown(conversations, "acme", "conv_1")
        assert await conversations.items("acme", ["a"], max_bytes=MIB) == {}
        with pytest.raises(UnknownConversation):
            await conversations.put(a_turn("resp_1"))
        await a_conversation(conversations, "b")
        assert await ids_in(conversations) == ["b"]

    @pytest.mark.parametrize("use", ["update", "add", "delete an item", "respond"])
    async def test_every_use_sets_its_time_anew(self, conversations: Store, clock: ManualClock, use: str) -> None:
        self.needs(Capability.EXPIRY)
        await a_conversation(conversations, "a", "b", expires_at=int(clock()) + 60)
        clock.advance(59)
        later = int(clock()) + 60
        if use == "update":
            await conversations.update_conversation("acme", "conv_1", {}, expires_at=later)
        elif use == "add":
            await conversations.add_conversation_items("acme", "conv_1", some_items("c"), expires_at=later)
        elif use == "respond":
            await conversations.put(a_turn("resp_1", expires_at=later))
        else:
            await conversations.delete_conversation_item("acme", "conv_1", "b", expires_at=later)
        clock.advance(59)
        assert "a" in await ids_in(conversations)
        clock.advance(1)
        await assert_unknown(conversations, "acme", "conv_1")

    # Many at once

    async def test_many_add_at_once(self, conversations: Store) -> None:
        await a_conversation(conversations)
        batches = [(f"{n}a", f"{n}b", f"{n}c") for n in range(50)]
        await asyncio.gather(
            *(
                conversations.add_conversation_items("acme", "conv_1", some_items(*batch), expires_at=None)
                for batch in batches
            )
        )
        await self._assert_whole(conversations, batches)

    async def test_many_responses_end_at_once(self, conversations: Store) -> None:
        await a_conversation(conversations)
        await asyncio.gather(*(conversations.put(a_turn(f"resp_{n}", is_kept=n % 2 == 0)) for n in range(50)))
        await self._assert_whole(conversations, [(f"resp_{n}_in", f"resp_{n}_out") for n in range(50)])

    async def test_a_response_put_many_times_at_once_adds_once(self, conversations: Store) -> None:
        await a_conversation(conversations)
        await asyncio.gather(*(conversations.put(a_turn("resp_1", is_kept=False)) for _ in range(20)))
        assert await ids_in(conversations) == ["resp_1_in", "resp_1_out"]

    async def test_two_openings_add_to_one_conversation(self, conversations: Store, peer: Store) -> None:
        await a_conversation(conversations)
        assert await ids_in(peer) == []
        batches = [(f"{n}a", f"{n}b") for n in range(50)]
        await asyncio.gather(
            *(
                (conversations if n % 2 else peer).add_conversation_items(
                    "acme", "conv_1", some_items(*batch), expires_at=None
                )
                for n, batch in enumerate(batches)
            )
        )
        await self._assert_whole(conversations, batches)
        await self._assert_whole(peer, batches)
        await peer.delete_conversation("acme", "conv_1")
        await assert_unknown(conversations, "acme", "conv_1")

    async def _assert_whole(self, conversations: Store, batches: Sequence[tuple[str, ...]]) -> None:
        """All batches are there, each item once, and nothing between those of one."""
        found = await ids_in(conversations)
        width = len(batches[0])
        assert len(found) == width * len(batches)
        assert {tuple(found[begin : begin + width]) for begin in range(0, len(found), width)} == set(batches)
        pages: list[str] = []
        while True:
            told = await conversations.page_conversation(
                "acme",
                "conv_1",
                after=pages[-1] if pages else None,
                newest_first=True,
                limit=7,
                max_bytes=MIB,
            )
            pages += [item.id for item in told.items]
            if not told.has_more:
                break
        assert pages == found[::-1]
