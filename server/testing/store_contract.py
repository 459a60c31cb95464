"""What every `ResponseStore` must do, as tests to subclass.

class TestMyStore(StoreContract):
    lacks = {Capability.SHARED: "each process has its own"}

    @pytest.fixture
    async def store(self, clock): ...
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import ClassVar, Final

import pytest

from antiphon.responses import v1
from server.stores.base import ChainTooLong, ItemsTooLarge, ResponseStore, StoredResponse, UnknownResponse

#: More than any chain here takes, where a test is not about size.
MIB: Final = 2**20

#: A member of a later version of the contract: field 50000, five bytes.
UNKNOWN_FIELD = b"\x82\xb5\x18\x05hello"

#: Ids that are text like any other, however they look to a query language.
ODD_IDS = (
    "resp_'; DROP TABLE responses; --",
    'resp_"%_\\',
    "resp_ünï_😀",
    "resp_a\nb",
    "resp_a:b/c?d=e&f#g",
    "r" * 500,
)

_numbers = itertools.count(1)


class Capability(Enum):
    """What a store may lack, if it says why."""

    #: `expires_at` is honoured by the clock that the tests set.
    EXPIRY = "expiry"
    #: Two openings of one store see each other's responses.
    SHARED = "shared"
    #: Rows of several MiB.
    LARGE_ROWS = "large rows"
    #: Conversations; see `server.testing.conversation_contract`.
    CONVERSATIONS = "conversations"
    #: A ledger of usage; see `server.testing.ledger_contract`.
    USAGE = "usage"
    #: Responses are kept while they are made; see `server.testing.run_contract`.
    RUNS = "runs"
    #: The server's own secrets; see `server.testing.secret_contract`.
    SECRETS = "secrets"


class ManualClock:
    """A clock, in seconds since 1970, that moves when told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def a_message(item_id: str, text: str, *, role: str = "user") -> v1.Item:
    """An item that says something."""
    item = v1.Item(id=item_id, status="completed")
    item.message.role = role
    item.message.content.add().input_text.text = text
    return item


def a_response(
    response_id: str | None = None,
    *,
    tenant: str = "acme",
    parent: str | None = None,
    items: Sequence[v1.Item] | None = None,
    output: Sequence[v1.Item] | None = None,
    expires_at: int | None = None,
) -> StoredResponse:
    """A response of a tenant, with one item in and one out unless told otherwise."""
    number = next(_numbers)
    response = v1.Response(id=response_id or f"resp_{number}", created_at=1_700_000_000 + number)
    if parent is not None:
        response.previous_response_id = parent
    response.output.extend([a_message(f"msg_out_{number}", "Hello.", role="assistant")] if output is None else output)
    return StoredResponse(
        tenant, response, [a_message(f"msg_in_{number}", "Hi!")] if items is None else items, expires_at=expires_at
    )


async def a_chain(store: ResponseStore, length: int, *, tenant: str = "acme") -> list[StoredResponse]:
    """Put a conversation of so many responses, and give them, the oldest first."""
    turns: list[StoredResponse] = []
    for _ in range(length):
        turns.append(a_response(tenant=tenant, parent=turns[-1].response.id if turns else None))
        await store.put(turns[-1])
    return turns


def assert_same(found: StoredResponse, expected: StoredResponse) -> None:
    """Compare by bytes, so that fields no code knows count too."""
    assert found.tenant == expected.tenant
    assert found.expires_at == expected.expires_at
    assert _bytes(found.response) == _bytes(expected.response)
    assert [_bytes(item) for item in found.input_items] == [_bytes(item) for item in expected.input_items]


def _bytes(message: v1.Response | v1.Item) -> bytes:
    return message.SerializeToString(deterministic=True)


class StoreContract:
    """What every ResponseStore must do. Subclass it and override `store`, and `peer` unless SHARED is lacking."""

    lacks: ClassVar[Mapping[Capability, str]] = {}

    @pytest.fixture
    def clock(self) -> ManualClock:
        """The time as the store must see it."""
        return ManualClock()

    @pytest.fixture
    def store(self) -> ResponseStore:
        """An empty store."""
        raise NotImplementedError

    @pytest.fixture
    def peer(self) -> ResponseStore:
        """The same store, opened a second time, as another process has it."""
        self.needs(Capability.SHARED)
        raise NotImplementedError

    def needs(self, capability: Capability) -> None:
        """Skip the test, with the reason, when the store lacks what it is about."""
        if capability in self.lacks:
            pytest.skip(f"no {capability.value}: {self.lacks[capability]}")

    async def test_gives_back_what_was_put(self, store: ResponseStore) -> None:
        stored = a_response(parent="resp_before", expires_at=1_900_000_000)
        stored.response.model = "gpt-test"
        stored.response.metadata["a"] = "b"
        await store.put(stored)
        assert_same(await store.get("acme", stored.response.id), stored)

    async def test_keeps_fields_it_does_not_know(self, store: ResponseStore) -> None:
        plain = a_response("resp_later")
        response = v1.Response.FromString(plain.response.SerializeToString() + UNKNOWN_FIELD)
        item = v1.Item.FromString(plain.input_items[0].SerializeToString() + UNKNOWN_FIELD)
        stored = StoredResponse("acme", response, [item])
        await store.put(stored)
        found = await store.get("acme", "resp_later")
        assert UNKNOWN_FIELD in found.response.SerializeToString()
        assert UNKNOWN_FIELD in found.input_items[0].SerializeToString()
        [in_chain] = await store.chain("acme", "resp_later", max_depth=1, max_bytes=MIB)
        assert_same(in_chain, stored)

    async def test_keeps_responses_without_items(self, store: ResponseStore) -> None:
        stored = a_response(items=[], output=[])
        await store.put(stored)
        assert_same(await store.get("acme", stored.response.id), stored)

    async def test_keeps_items_without_id_in_order(self, store: ResponseStore) -> None:
        items = [a_message("", text) for text in ("one", "two", "three")]
        for item in items:
            item.ClearField("id")
        stored = a_response(items=items)
        await store.put(stored)
        assert_same(await store.get("acme", stored.response.id), stored)
        assert await store.items("acme", [""], max_bytes=MIB) == {}

    async def test_later_changes_of_a_message_do_not_reach_it(self, store: ResponseStore) -> None:
        stored = a_response("resp_1")
        await store.put(stored)
        stored.response.model = "changed"
        stored.input_items[0].status = "changed"
        (await store.get("acme", "resp_1")).response.model = "changed"
        found = await store.get("acme", "resp_1")
        assert found.response.model == ""
        assert found.input_items[0].status == "completed"

    async def test_put_again_changes_nothing(self, store: ResponseStore) -> None:
        first = a_response("resp_1")
        await store.put(first)
        await store.put(first)
        await store.put(a_response("resp_1"))
        assert_same(await store.get("acme", "resp_1"), first)

    @pytest.mark.parametrize("response_id", ["resp_none", "", "%", "*"])
    async def test_unknown_response(self, store: ResponseStore, response_id: str) -> None:
        await store.put(a_response("resp_1"))
        with pytest.raises(UnknownResponse) as caught:
            await store.get("acme", response_id)
        assert caught.value.response_id == response_id
        with pytest.raises(UnknownResponse):
            await store.delete("acme", response_id)
        with pytest.raises(UnknownResponse):
            await store.chain("acme", response_id, max_depth=10, max_bytes=MIB)

    @pytest.mark.parametrize("odd", ODD_IDS)
    async def test_ids_and_tenants_are_any_text(self, store: ResponseStore, odd: str) -> None:
        first = a_response(odd, tenant=odd, items=[a_message(odd, odd)])
        second = a_response(tenant=odd, parent=odd)
        await store.put(first)
        await store.put(second)
        assert_same(await store.get(odd, odd), first)
        assert [
            turn.response.id for turn in await store.chain(odd, second.response.id, max_depth=2, max_bytes=MIB)
        ] == [
            odd,
            second.response.id,
        ]
        assert list(await store.items(odd, [odd], max_bytes=MIB)) == [odd]
        await store.delete(odd, odd)
        with pytest.raises(UnknownResponse):
            await store.get(odd, odd)

    async def test_keeps_nul_characters(self, store: ResponseStore) -> None:
        stored = a_response(items=[a_message("msg_nul", "before\0after")])
        await store.put(stored)
        assert_same(await store.get("acme", stored.response.id), stored)

    async def test_keeps_large_rows(self, store: ResponseStore) -> None:
        self.needs(Capability.LARGE_ROWS)
        stored = a_response(items=[a_message("msg_large", "x" * (6 << 20))])
        stored.response.output[0].message.content[0].input_text.text = "y" * (3 << 20)
        await store.put(stored)
        assert_same(await store.get("acme", stored.response.id), stored)

    async def test_tenants_are_apart(self, store: ResponseStore) -> None:
        theirs = a_response("resp_1", tenant="acme", items=[a_message("msg_1", "secret")])
        await store.put(theirs)
        for tenant in ("other", "ACME", "", "acm_", "%"):
            with pytest.raises(UnknownResponse):
                await store.get(tenant, "resp_1")
            with pytest.raises(UnknownResponse):
                await store.chain(tenant, "resp_1", max_depth=10, max_bytes=MIB)
            with pytest.raises(UnknownResponse):
                await store.delete(tenant, "resp_1")
            assert await store.items(tenant, ["msg_1"], max_bytes=MIB) == {}
        assert_same(await store.get("acme", "resp_1"), theirs)

    async def test_one_id_in_two_tenants(self, store: ResponseStore) -> None:
        both = [a_response("resp_1", tenant=t, items=[a_message("msg_1", t)]) for t in ("one", "two")]
        for stored in both:
            await store.put(stored)
        await store.delete("one", "resp_1")
        with pytest.raises(UnknownResponse):
            await store.get("one", "resp_1")
        assert await store.items("one", ["msg_1"], max_bytes=MIB) == {}
        assert_same(await store.get("two", "resp_1"), both[1])
        found = await store.items("two", ["msg_1"], max_bytes=MIB)
        assert found["msg_1"].message.content[0].input_text.text == "two"

    async def test_deleted_is_gone(self, store: ResponseStore) -> None:
        await store.put(a_response("resp_1", items=[a_message("msg_1", "Hi!")]))
        await store.delete("acme", "resp_1")
        with pytest.raises(UnknownResponse):
            await store.get("acme", "resp_1")
        with pytest.raises(UnknownResponse):
            await store.delete("acme", "resp_1")
        assert await store.items("acme", ["msg_1"], max_bytes=MIB) == {}

    async def test_chain_is_the_oldest_first(self, store: ResponseStore) -> None:
        turns = await a_chain(store, 5)
        await a_chain(store, 2)
        chain = await store.chain("acme", turns[3].response.id, max_depth=100, max_bytes=MIB)
        assert len(chain) == 4
        for found, expected in zip(chain, turns[:4], strict=True):
            assert_same(found, expected)

    async def test_chain_of_many(self, store: ResponseStore) -> None:
        turns = await a_chain(store, 200)
        chain = await store.chain("acme", turns[-1].response.id, max_depth=200, max_bytes=MIB)
        assert [turn.response.id for turn in chain] == [turn.response.id for turn in turns]

    async def test_chain_too_long(self, store: ResponseStore) -> None:
        turns = await a_chain(store, 4)
        last = turns[-1].response.id
        assert len(await store.chain("acme", last, max_depth=4, max_bytes=MIB)) == 4
        with pytest.raises(ChainTooLong):
            await store.chain("acme", last, max_depth=3, max_bytes=MIB)
        with pytest.raises(ChainTooLong):
            await store.chain("acme", last, max_depth=1, max_bytes=MIB)

    async def test_chain_too_large(self, store: ResponseStore) -> None:
        turns = await a_chain(store, 4)
        last = turns[-1].response.id
        sizes = [turn.response.ByteSize() for turn in turns]
        with pytest.raises(ChainTooLong):
            await store.chain("acme", last, max_depth=4, max_bytes=sum(sizes) - 1)
        with pytest.raises(ChainTooLong):
            await store.chain("acme", last, max_depth=4, max_bytes=1)

    async def test_branches_of_one_parent(self, store: ResponseStore) -> None:
        [root] = await a_chain(store, 1)
        branches = [a_response(parent=root.response.id) for _ in range(20)]
        await asyncio.gather(*(store.put(branch) for branch in branches))
        for branch in branches:
            chain = await store.chain("acme", branch.response.id, max_depth=2, max_bytes=MIB)
            assert [turn.response.id for turn in chain] == [root.response.id, branch.response.id]

    @pytest.mark.parametrize("deleted", [0, 1, 2])
    async def test_chain_with_a_deleted_ancestor(self, store: ResponseStore, deleted: int) -> None:
        turns = await a_chain(store, 4)
        gone = turns[deleted].response.id
        await store.delete("acme", gone)
        with pytest.raises(UnknownResponse) as caught:
            await store.chain("acme", turns[-1].response.id, max_depth=10, max_bytes=MIB)
        assert caught.value.response_id == gone

    async def test_chain_with_an_ancestor_never_stored(self, store: ResponseStore) -> None:
        await store.put(a_response("resp_1", parent="resp_none"))
        for max_depth in (1, 10):
            with pytest.raises((UnknownResponse, ChainTooLong)) as caught:
                await store.chain("acme", "resp_1", max_depth=max_depth, max_bytes=MIB)
        assert isinstance(caught.value, UnknownResponse)
        assert caught.value.response_id == "resp_none"

    async def test_chain_does_not_reach_into_another_tenant(self, store: ResponseStore) -> None:
        await store.put(a_response("resp_theirs", tenant="other"))
        await store.put(a_response("resp_mine", parent="resp_theirs"))
        with pytest.raises(UnknownResponse) as caught:
            await store.chain("acme", "resp_mine", max_depth=10, max_bytes=MIB)
        assert caught.value.response_id == "resp_theirs"

    async def test_chain_with_a_cycle_ends(self, store: ResponseStore) -> None:
        await store.put(a_response("resp_1", parent="resp_2"))
        await store.put(a_response("resp_2", parent="resp_1"))
        await store.put(a_response("resp_self", parent="resp_self"))
        for response_id in ("resp_1", "resp_self"):
            with pytest.raises(ChainTooLong):
                await store.chain("acme", response_id, max_depth=50, max_bytes=MIB)

    async def test_items_of_input_and_output(self, store: ResponseStore) -> None:
        first = a_response(items=[a_message("msg_a", "a"), a_message("msg_b", "b")])
        second = a_response(output=[a_message("msg_c", "c")])
        await store.put(first)
        await store.put(second)
        found = await store.items("acme", ["msg_c", "msg_a", "msg_none", "msg_a"], max_bytes=MIB)
        assert dict(found) == {"msg_a": first.input_items[0], "msg_c": second.response.output[0]}
        assert await store.items("acme", [], max_bytes=MIB) == {}

    async def test_items_too_large(self, store: ResponseStore) -> None:
        stored = a_response(items=[a_message("msg_a", "a" * 100), a_message("msg_b", "b" * 100)])
        await store.put(stored)
        size = sum(item.ByteSize() for item in stored.input_items)
        assert len(await store.items("acme", ["msg_a", "msg_b"], max_bytes=size)) == 2
        with pytest.raises(ItemsTooLarge):
            await store.items("acme", ["msg_a", "msg_b"], max_bytes=size - 1)

    async def test_items_of_the_newest_response_count(self, store: ResponseStore) -> None:
        for response_id, text in (("resp_1", "old"), ("resp_2", "new"), ("resp_3", "newest")):
            await store.put(a_response(response_id, items=[a_message("msg_1", text)]))
        found = await store.items("acme", ["msg_1"], max_bytes=MIB)
        assert found["msg_1"].message.content[0].input_text.text == "newest"
        await store.delete("acme", "resp_3")
        found = await store.items("acme", ["msg_1"], max_bytes=MIB)
        assert found["msg_1"].message.content[0].input_text.text == "new"

    async def test_item_that_is_input_and_output_of_one_response(self, store: ResponseStore) -> None:
        await store.put(a_response("resp_1", items=[a_message("msg_1", "in")], output=[a_message("msg_1", "out")]))
        found = await store.items("acme", ["msg_1"], max_bytes=MIB)
        assert found["msg_1"].message.content[0].input_text.text == "out"
        await store.delete("acme", "resp_1")
        assert await store.items("acme", ["msg_1"], max_bytes=MIB) == {}

    async def test_expired_is_gone(self, store: ResponseStore, clock: ManualClock) -> None:
        self.needs(Capability.EXPIRY)
        expires_at = int(clock()) + 60
        stored = a_response("resp_1", items=[a_message("msg_1", "Hi!")], expires_at=expires_at)
        await store.put(stored)
        await store.put(a_response("resp_2", parent="resp_1"))
        clock.advance(59)
        assert_same(await store.get("acme", "resp_1"), stored)
        assert len(await store.chain("acme", "resp_2", max_depth=10, max_bytes=MIB)) == 2
        clock.advance(1)
        with pytest.raises(UnknownResponse):
            await store.get("acme", "resp_1")
        with pytest.raises(UnknownResponse):
            await store.delete("acme", "resp_1")
        assert await store.items("acme", ["msg_1"], max_bytes=MIB) == {}
        with pytest.raises(UnknownResponse) as caught:
            await store.chain("acme", "resp_2", max_depth=10, max_bytes=MIB)
        assert caught.value.response_id == "resp_1"
        await store.get("acme", "resp_2")

    async def test_id_of_an_expired_response_is_free(self, store: ResponseStore, clock: ManualClock) -> None:
        self.needs(Capability.EXPIRY)
        await store.put(a_response("resp_1", items=[a_message("msg_1", "Hi!")], expires_at=int(clock()) + 1))
        clock.advance(2)
        again = a_response("resp_1")
        await store.put(again)
        assert_same(await store.get("acme", "resp_1"), again)
        assert await store.items("acme", ["msg_1"], max_bytes=MIB) == {}

    async def test_many_at_once(self, store: ResponseStore) -> None:
        many = [a_response(tenant=f"tenant_{n % 3}") for n in range(50)]
        await asyncio.gather(*(store.put(stored) for stored in many))
        found = await asyncio.gather(*(store.get(stored.tenant, stored.response.id) for stored in many))
        for one, expected in zip(found, many, strict=True):
            assert_same(one, expected)

    async def test_one_id_put_many_times_at_once(self, store: ResponseStore) -> None:
        many = [a_response("resp_1", items=[a_message(f"msg_{n}", "Hi!")]) for n in range(20)]
        await asyncio.gather(*(store.put(stored) for stored in many))
        kept = await store.get("acme", "resp_1")
        found = await store.items("acme", [f"msg_{n}" for n in range(20)], max_bytes=MIB)
        assert list(found) == [item.id for item in kept.input_items]

    async def test_two_openings_see_each_other(self, store: ResponseStore, peer: ResponseStore) -> None:
        first = a_response(items=[a_message("msg_1", "Hi!")])
        await store.put(first)
        assert_same(await peer.get("acme", first.response.id), first)
        second = a_response(parent=first.response.id)
        await peer.put(second)
        assert len(await store.chain("acme", second.response.id, max_depth=2, max_bytes=MIB)) == 2
        await peer.delete("acme", first.response.id)
        with pytest.raises(UnknownResponse):
            await store.get("acme", first.response.id)
        assert await store.items("acme", ["msg_1"], max_bytes=MIB) == {}

    async def test_two_openings_write_at_once(self, store: ResponseStore, peer: ResponseStore) -> None:
        many = [a_response() for _ in range(60)]
        await asyncio.gather(*((store if n % 2 else peer).put(stored) for n, stored in enumerate(many)))
        for stored in many:
            assert_same(await store.get("acme", stored.response.id), stored)
