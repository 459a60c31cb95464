"""Any sequence of what is done with conversations comes to what lists of items come to, whichever store keeps them, and
though two have it open."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antiphon.responses import v1
from server.stores import memory, sqlite
from server.stores.base import StoredResponse, UnknownConversation, UnknownItem, UnknownResponse
from server.testing.store_contract import MIB, ManualClock, a_message, a_response

_CONVERSATIONS: Final = ("conv_1", "conv_2")
_RESPONSES: Final = ("resp_1", "resp_2")
_TENANTS: Final = ("acme", "umbrella")
_STATUSES: Final = (v1.Response.STATUS_COMPLETED, v1.Response.STATUS_FAILED)
#: Few, so that they come again.
_IDS: Final = ("msg_a", "msg_b", "msg_c")

_Key: TypeAlias = tuple[str, str]
_Operation: TypeAlias = tuple[Any, ...]


@dataclass
class Model:
    """What is there: of each conversation its items, as (id, text), and its label."""

    conversations: dict[_Key, list[tuple[str, str]]] = field(default_factory=dict)
    labels: dict[_Key, str] = field(default_factory=dict)
    responses: set[_Key] = field(default_factory=set)
    #: The responses that have added to a conversation.
    added: set[tuple[_Key, str]] = field(default_factory=set)


_items = st.lists(st.sampled_from(_IDS), max_size=4)
_operations = st.one_of(
    st.tuples(st.just("create"), _items),
    st.tuples(st.just("add"), _items.filter(bool)),
    st.tuples(st.just("put"), st.sampled_from(_RESPONSES), st.sampled_from(_STATUSES), st.booleans()),
    st.tuples(st.just("delete response"), st.sampled_from(_RESPONSES)),
    st.tuples(st.just("remove"), st.integers(0, 6)),
    st.tuples(st.just("delete")),
    st.tuples(st.just("label"), st.sampled_from(["x", "y"])),
    st.tuples(st.just("page"), st.integers(-1, 6), st.booleans(), st.integers(1, 4)),
)
#: Who does it, in which opening of the store, and what.
#: Most of it about one conversation.
_steps = st.lists(
    st.tuples(
        st.sampled_from([_TENANTS[0], *_TENANTS]),
        st.sampled_from([_CONVERSATIONS[0], *_CONVERSATIONS]),
        st.integers(0, 1),
        _operations,
    ),
    min_size=10,
    max_size=30,
)


class Play:
    """One sequence, played against a store and the model."""

    def __init__(self, stores: list[Any]) -> None:
        self.stores = stores
        self.model = Model()
        self.numbers = itertools.count()

    async def step(self, tenant: str, conversation_id: str, opening: int, operation: _Operation) -> None:
        key, store = (tenant, conversation_id), self.stores[opening]
        known = self.model.conversations.get(key)
        unknown = ""
        try:
            await self.do(key, store, known, operation)
        except UnknownConversation as error:
            unknown = error.conversation_id
        assert unknown in ("" if known is not None else conversation_id, "")
        for reader in self.stores:
            await self.same(reader)

    async def do(self, key: _Key, store: Any, known: list[tuple[str, str]] | None, operation: _Operation) -> None:
        model = self.model
        match operation:
            case ("create", ids):
                given_ = self.items(ids)
                conversation = v1.Conversation(id=key[1], metadata={"label": ""})
                await store.create_conversation(key[0], conversation, given_, expires_at=None)
                if known is None:
                    model.conversations[key], model.labels[key] = [], ""
                    await self.extended(key, given_)
            case ("add", ids):
                given_ = self.items(ids)
                kept = await store.add_conversation_items(*key, given_, expires_at=None)
                assert [text_of(item) for item in kept] == [text_of(item) for item in given_]
                await self.extended(key, given_)
                assert [item.id for item in kept] == [one for one, _ in model.conversations[key][-len(kept) :]]
            case ("put", response_id, status, is_kept):
                stored = self.turn(key, response_id, status, is_kept)
                if (key[0], response_id) in model.responses:
                    await store.put(stored)
                    return
                adds = status == v1.Response.STATUS_COMPLETED
                if known is None and adds:
                    with pytest.raises(UnknownConversation):
                        await store.put(stored)
                    return
                await store.put(stored)
                if is_kept:
                    model.responses.add((key[0], response_id))
                if adds and (key, response_id) not in model.added:
                    model.added.add((key, response_id))
                    await self.extended(key, [*stored.input_items, *stored.response.output])
            case ("delete response", response_id):
                try:
                    await store.delete(key[0], response_id)
                    model.responses.remove((key[0], response_id))
                except UnknownResponse:
                    assert (key[0], response_id) not in model.responses
            case ("remove", place):
                item_id = known[place][0] if known and place < len(known) else "msg_none"
                try:
                    told = await store.delete_conversation_item(*key, item_id, expires_at=None)
                    assert known is not None
                    del known[place]
                    assert told.metadata["label"] == model.labels[key]
                except UnknownItem:
                    assert item_id == "msg_none"
            case ("delete",):
                await store.delete_conversation(*key)
                del model.conversations[key]
                model.added = {entry for entry in model.added if entry[0] != key}
            case ("label", label):
                told = await store.update_conversation(*key, {"label": label}, expires_at=None)
                assert told.metadata == {"label": label}
                model.labels[key] = label
            case ("page", place, newest_first, limit):
                after = None if place < 0 else known[place][0] if known and place < len(known) else "msg_none"
                asked = {"after": after, "newest_first": newest_first, "limit": limit, "max_bytes": MIB}
                try:
                    page = await store.page_conversation(*key, **asked)
                except UnknownItem:
                    assert after == "msg_none"
                    return
                assert known is not None
                ordered = known[::-1] if newest_first else known
                begin = 0 if after is None else [one for one, _ in ordered].index(after) + 1
                assert said(page.items) == ordered[begin : begin + limit]
                assert page.has_more == (begin + limit < len(ordered))

    async def extended(self, key: _Key, given_: list[v1.Item]) -> None:
        """Items were added: those whose id was taken have another, which nothing has."""
        known = self.model.conversations[key]
        read = await self.stores[0].read_conversation(*key, max_items=1000, max_bytes=MIB)
        assert said(read)[: len(known)] == known
        added = said(read)[len(known) :]
        assert [text for _, text in added] == [text_of(item) for item in given_]
        for (item_id, text), item in zip(added, given_, strict=True):
            taken = {one for one, _ in known}
            assert item_id not in taken
            assert item_id == item.id or (item.id in taken and item_id.startswith("msg_"))
            known.append((item_id, text))

    async def same(self, store: Any) -> None:
        """All that can be read is what the model says."""
        for key in itertools.product(_TENANTS, _CONVERSATIONS):
            known = self.model.conversations.get(key)
            try:
                read = await store.read_conversation(*key, max_items=1000, max_bytes=MIB)
                assert said(read) == known
                assert (await store.get_conversation(*key)).metadata["label"] == self.model.labels[key]
                for item_id, text in known or ():
                    assert text_of(await store.get_conversation_item(*key, item_id)) == text
            except UnknownConversation:
                assert known is None
        for tenant in _TENANTS:
            # Whatever is found by its id alone is of this tenant, and somewhere.
            found = await store.items(tenant, list(_IDS), max_bytes=MIB)
            here = {entry for key, known in self.model.conversations.items() if key[0] == tenant for entry in known}
            assert {(item_id, text_of(item)) for item_id, item in found.items()} <= here
            assert set(found) == set(_IDS) & {item_id for item_id, _ in here}

    def items(self, ids: list[str]) -> list[v1.Item]:
        return [a_message(item_id, f"text {next(self.numbers)}") for item_id in ids]

    def turn(self, key: _Key, response_id: str, status: Any, is_kept: bool) -> StoredResponse:
        own, said_ = self.items([f"msg_in_{response_id}"]), self.items([f"msg_out_{response_id}"])
        stored = a_response(response_id, tenant=key[0], items=own, output=said_)
        stored.response.conversation.id, stored.response.status = key[1], status
        return StoredResponse(key[0], stored.response, stored.input_items, None, is_kept)


def text_of(item: v1.Item) -> str:
    text: str = item.message.content[0].input_text.text or item.message.content[0].output_text.text
    return text


def said(items: Any) -> list[tuple[str, str]]:
    return [(item.id, text_of(item)) for item in items]


@pytest.mark.parametrize("url", ["memory", "sqlite"])
@settings(max_examples=100, deadline=None)
# A response that is kept is put again into a conversation that was made anew.
@example(
    steps=[
        ("acme", "conv_1", 0, ("put", "resp_1", v1.Response.STATUS_COMPLETED, True)),
        ("acme", "conv_1", 0, ("delete",)),
        ("acme", "conv_1", 0, ("create", [])),
        ("acme", "conv_1", 0, ("put", "resp_1", v1.Response.STATUS_COMPLETED, False)),
    ]
)
@given(steps=_steps)
def test_any_sequence_comes_to_what_lists_come_to(url: str, steps: list[tuple[str, str, int, _Operation]]) -> None:
    async def run(folder: str) -> None:
        async with AsyncExitStack() as stack:
            if url == "memory":
                one = await stack.enter_async_context(memory.open_store("memory", clock=ManualClock()))
                stores: list[Any] = [one, one]
            else:
                file = f"sqlite:{Path(folder) / 'store.db'}"
                stores = [
                    await stack.enter_async_context(sqlite.open_store(file, clock=ManualClock())) for _ in range(2)
                ]
            play = Play(stores)
            for key in itertools.product(_TENANTS, _CONVERSATIONS):
                await play.step(*key, 0, ("create", []))
            for step in steps:
                await play.step(*step)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(folder))
