"""Conversations: what is done with them, and responses that are made in them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import engine_parts as parts
import engine_streams as streams
import pytest
from engine_parts import Engine, ask, ask_items, output, says, user
from google.protobuf import text_format

from antiphon.responses import v1
from server.engine.conversations import Conversations
from server.engine.input.history import HistoryLimits
from server.engine.input.include import INCLUDABLE
from server.engine.keep import Keeper
from server.errors import (
    ContextLengthExceeded,
    InvalidRequest,
    InvalidValue,
    MissingParameter,
    NotFound,
    ServiceError,
    Unimplemented,
    UnsupportedParameter,
)
from server.testing.order import check_order

HOUR = timedelta(hours=1)


class Rooms:
    """Conversations of one store, and an engine on the same."""

    def __init__(self, *script: Any, limits: HistoryLimits | None = None, **options: Any) -> None:
        self.clock = 1_000_000.0
        self.store = parts.Store(clock=lambda: self.clock)
        self.engine = Engine(*script, store=self.store, limits=limits, **options)
        self.rooms = Conversations(
            self.store, self.store, limits=limits or HistoryLimits(), retention=HOUR, clock=lambda: self.clock
        )

    async def make(self, *items: v1.Item, tenant: str = "t1", **fields: Any) -> str:
        """A conversation with these items; gives its id."""
        return (await self.rooms.create(tenant, v1.CreateConversationRequest(items=items, **fields))).id

    async def list(self, conversation_id: str, *, tenant: str = "t1", **fields: Any) -> v1.ItemList:
        asked = {"conversation_id": conversation_id, "order": "asc", "limit": 100, **fields}
        return await self.rooms.list_items(tenant, v1.ListConversationItemsRequest(**asked))

    async def told(self, conversation_id: str) -> list[str]:
        """What is said in a conversation; of what says nothing, its type."""
        return [said(item) for item in (await self.list(conversation_id)).data]


def said(item: v1.Item) -> str:
    if not item.HasField("message"):
        return str(item.WhichOneof("item"))
    (part,) = item.message.content
    return part.input_text.text or part.output_text.text


def call(call_id: str = "c", **fields: str) -> v1.Item:
    return v1.Item(function_call=v1.FunctionToolCall(call_id=call_id, name="f", arguments="{}"), **fields)


def reference(item_id: str) -> v1.Item:
    return v1.Item(id=item_id, item_reference=v1.ItemReference())


def in_room(conversation_id: str, text: str = "hi", **fields: Any) -> v1.CreateResponseRequest:
    return ask(text, conversation_id=conversation_id, **fields)


async def respond(rooms: Rooms, request: v1.CreateResponseRequest, incremental: bool) -> v1.Response:
    if not incremental:
        return await rooms.engine.create(request)
    events = await rooms.engine.read(request)
    assert check_order(events) == []
    last = events[-1]
    response: v1.Response = getattr(last, str(last.WhichOneof("event"))).response
    return response


# What is done with them


async def test_a_conversation_is_made_read_labelled_and_deleted() -> None:
    rooms = Rooms()
    made = await rooms.rooms.create("t1", v1.CreateConversationRequest(metadata={"a": "b"}))
    assert made.id.startswith("conv_")
    assert (made.created_at, dict(made.metadata)) == (1_000_000, {"a": "b"})
    get = v1.GetConversationRequest(conversation_id=made.id)
    assert await rooms.rooms.get("t1", get) == made
    update = v1.UpdateConversationRequest(conversation_id=made.id, metadata={"c": "d"})
    updated = await rooms.rooms.update("t1", update)
    assert dict(updated.metadata) == {"c": "d"}
    assert await rooms.rooms.get("t1", get) == updated
    deleted = await rooms.rooms.delete("t1", v1.DeleteConversationRequest(conversation_id=made.id))
    assert (deleted.id, deleted.deleted) == (made.id, True)
    with pytest.raises(NotFound):
        await rooms.rooms.get("t1", get)


async def test_items_get_what_callers_may_leave_out() -> None:
    rooms = Rooms()
    room = await rooms.make()
    given = [
        v1.Item(message=v1.Message(role="user", content_text="hi")),
        v1.Item(message=v1.Message(role="assistant", content_text="ho")),
        call(id="mine"),
        output("c"),
        v1.Item(id="mine", message=v1.Message(role="system", content_text="x")),
    ]
    asked = v1.CreateConversationItemsRequest(conversation_id=room, items=given)
    added = await rooms.rooms.add_items("t1", asked)
    first, second, third, fourth, fifth = added.data
    assert [item.id.partition("_")[0] for item in added.data] == ["msg", "msg", "mine", "fco", "mine"]
    assert third.id == "mine" != fifth.id
    assert {item.status for item in added.data} == {"completed"}
    assert (first.message.content[0].input_text.text, second.message.content[0].output_text.text) == ("hi", "ho")
    assert (added.first_id, added.last_id, added.has_more) == (first.id, fifth.id, False)
    assert (await rooms.list(room)) == added
    got = v1.GetConversationItemRequest(conversation_id=room, item_id=fourth.id)
    assert await rooms.rooms.get_item("t1", got) == fourth
    # As they were asked, so that a model reads the very words.
    assert asked.items[0].message.content_text == "hi"


async def test_a_page_of_nothing_has_no_ids() -> None:
    rooms = Rooms()
    page = await rooms.list(await rooms.make())
    assert not page.HasField("first_id")
    assert not page.HasField("last_id")
    assert (len(page.data), page.has_more) == (0, False)


@pytest.mark.parametrize("order", ["asc", "desc", ""])
@pytest.mark.parametrize("limit", [1, 4, 20, 0])
async def test_pages_by_their_last_id_are_the_whole_list_once(order: str, limit: int) -> None:
    rooms = Rooms()
    room = await rooms.make(*(user(str(number)) for number in range(20)))
    for begin in (20, 40):
        more = [user(str(number)) for number in range(begin, begin + 5 if begin == 40 else begin + 20)]
        await rooms.rooms.add_items("t1", v1.CreateConversationItemsRequest(conversation_id=room, items=more))
    seen: list[str] = []
    after = ""
    while True:
        fields: dict[str, Any] = {"after": after} if after else {}
        fields |= {"limit": limit} if limit else {}
        fields |= {"order": order} if order else {}
        page = await rooms.rooms.list_items("t1", v1.ListConversationItemsRequest(conversation_id=room, **fields))
        seen += [said(item) for item in page.data]
        assert (page.first_id, page.last_id) == (page.data[0].id, page.data[-1].id)
        if not page.has_more:
            break
        assert len(page.data) == (limit or 20)
        after = page.last_id
    expected = [str(number) for number in range(45)]
    assert seen == (expected if order == "asc" else expected[::-1])


async def test_deleting_an_item_gives_the_conversation() -> None:
    rooms = Rooms()
    room = await rooms.make(user("a", id="msg_a"), user("b"), metadata={"x": "y"})
    asked = v1.DeleteConversationItemRequest(conversation_id=room, item_id="msg_a")
    left = await rooms.rooms.delete_item("t1", asked)
    assert (left.id, dict(left.metadata)) == (room, {"x": "y"})
    assert await rooms.told(room) == ["b"]
    with pytest.raises(NotFound) as caught:
        await rooms.rooms.delete_item("t1", asked)
    assert caught.value.param == "item_id"


async def test_references_bring_items_of_responses_and_of_conversations() -> None:
    rooms = Rooms()
    response = await rooms.engine.create(ask("q"))
    first = await rooms.make(user("a", id="msg_a"))
    room = await rooms.make(reference(response.output[0].id), reference("msg_a"), user("new", id="n"), reference("n"))
    assert await rooms.told(room) == ["Hello", "a", "new", "new"]
    await rooms.engine.create(ask_items(reference("msg_a"), conversation_id=first))
    assert [said(item) for item in rooms.engine.provider.requests[-1].input] == ["a", "a"]
    items = (await rooms.list(first)).data
    assert len({item.id for item in items}) == 3
    with pytest.raises(NotFound) as caught:
        await rooms.make(user("x"), reference("msg_none"))
    assert caught.value.param == "items[1].id"
    with pytest.raises(NotFound):
        await rooms.make(reference("msg_a"), tenant="t2")


CREATE, ADD, LIST, GET, UPDATE = (
    v1.CreateConversationRequest,
    v1.CreateConversationItemsRequest,
    v1.ListConversationItemsRequest,
    v1.GetConversationItemRequest,
    v1.UpdateConversationRequest,
)
HI = 'items { message { role: "user" content_text: "x" } } '
TOO_MANY = " ".join(f'metadata {{ key: "{n}" value: "" }}' for n in range(17))


@pytest.mark.parametrize(
    ("kind", "text", "error", "param"),
    [
        (CREATE, HI * 21, InvalidValue, "items"),
        (CREATE, HI * 3 + "items {}", MissingParameter, "items[3].type"),
        (CREATE, 'items { message { content_text: "x" } }', MissingParameter, "items[0].role"),
        (CREATE, 'items { message { role: "king" } }', InvalidValue, "items[0].role"),
        (CREATE, 'items { message { role: "user" content {} } }', MissingParameter, "items[0].content[0].type"),
        (CREATE, 'items { function_call { name: "f" } }', MissingParameter, "items[0].call_id"),
        (CREATE, "items { item_reference {} }", MissingParameter, "items[0].id"),
        (CREATE, HI + "items { compaction_trigger {} }", InvalidValue, "items[1].type"),
        (CREATE, TOO_MANY, InvalidValue, "metadata"),
        (CREATE, f'metadata {{ key: "{"k" * 65}" value: "" }}', InvalidValue, f"metadata.{'k' * 65}"),
        (CREATE, f'metadata {{ key: "k" value: "{"v" * 513}" }}', InvalidValue, "metadata.k"),
        (CREATE, 'catch_all: "{\\"name\\":1}"', UnsupportedParameter, "name"),
        (ADD, "", InvalidValue, "items"),
        (ADD, HI * 21, InvalidValue, "items"),
        (ADD, HI * 3 + "items {}", MissingParameter, "items[3].type"),
        (ADD, HI + 'include: "everything"', InvalidValue, "include[0]"),
        (ADD, HI + 'catch_all: "{\\"name\\":1}"', UnsupportedParameter, "name"),
        (LIST, "limit: 0", InvalidValue, "limit"),
        (LIST, "limit: 101", InvalidValue, "limit"),
        (LIST, 'order: "up"', InvalidValue, "order"),
        (LIST, 'after: "msg_none"', InvalidValue, "after"),
        (LIST, 'include: "reasoning.encrypted_content" include: "x"', InvalidValue, "include[1]"),
        (GET, 'item_id: "msg_none"', NotFound, "item_id"),
        (GET, "", InvalidValue, "item_id"),
        (GET, 'item_id: "msg_none" include: "x"', InvalidValue, "include[0]"),
        (UPDATE, TOO_MANY, InvalidValue, "metadata"),
        (UPDATE, 'catch_all: "{\\"name\\":1}"', UnsupportedParameter, "name"),
    ],
)
async def test_what_is_wrong_is_named(kind: Any, text: str, error: type[ServiceError], param: str) -> None:
    rooms = Rooms()
    room = await rooms.make(user("a"), metadata={"a": "b"})
    request = kind()
    text_format.Parse(text, request)
    methods = {CREATE: "create", ADD: "add_items", LIST: "list_items", GET: "get_item", UPDATE: "update"}
    if kind is not CREATE:
        request.conversation_id = room
    with pytest.raises(error) as caught:
        await getattr(rooms.rooms, methods[kind])("t1", request)
    assert caught.value.param == param
    assert await rooms.told(room) == ["a"]
    assert dict((await rooms.rooms.get("t1", v1.GetConversationRequest(conversation_id=room))).metadata) == {"a": "b"}


async def test_an_unknown_include_names_those_that_there_are() -> None:
    rooms = Rooms()
    with pytest.raises(InvalidValue) as caught:
        await rooms.list(await rooms.make(), include=["sources"])
    assert all(name in caught.value.message for name in INCLUDABLE)


def every_call(rooms: Rooms, conversation_id: str, tenant: str) -> list[Any]:
    here, which = rooms.rooms, {"conversation_id": conversation_id}
    return [
        here.get(tenant, v1.GetConversationRequest(**which)),
        here.update(tenant, v1.UpdateConversationRequest(**which)),
        here.add_items(tenant, v1.CreateConversationItemsRequest(**which, items=[user("x")])),
        here.list_items(tenant, v1.ListConversationItemsRequest(**which)),
        here.get_item(tenant, v1.GetConversationItemRequest(**which, item_id="msg_a")),
        here.delete_item(tenant, v1.DeleteConversationItemRequest(**which, item_id="msg_a")),
        here.delete(tenant, v1.DeleteConversationRequest(**which)),
    ]


@pytest.mark.parametrize("which", ["unknown", "another tenant's", "deleted", "expired"])
async def test_what_cannot_be_seen_is_not_found(which: str) -> None:
    rooms = Rooms()
    room = await rooms.make(user("a", id="msg_a"))
    if which == "deleted":
        await rooms.rooms.delete("t1", v1.DeleteConversationRequest(conversation_id=room))
    if which == "expired":
        rooms.clock += 3600
    tenant = "t2" if which == "another tenant's" else "t1"
    asked = "conv_none" if which == "unknown" else room
    for calling in every_call(rooms, asked, tenant):
        with pytest.raises(NotFound) as caught:
            await calling
        assert (caught.value.param, str(caught.value)) == (
            "conversation_id",
            f"Conversation with id '{asked}' not found.",
        )
    with pytest.raises(NotFound) as caught:
        await rooms.engine.create(in_room(asked), tenant=tenant)
    assert (caught.value.param, str(caught.value)) == ("conversation", f"Conversation with id '{asked}' not found.")
    assert rooms.engine.provider.begun == 0


async def test_a_use_puts_off_the_end_and_a_look_does_not() -> None:
    rooms = Rooms()
    room = await rooms.make(user("a"))
    rooms.clock += 3000
    await rooms.told(room)
    await rooms.rooms.add_items("t1", v1.CreateConversationItemsRequest(conversation_id=room, items=[user("b")]))
    rooms.clock += 3000
    assert await rooms.told(room) == ["a", "b"]
    rooms.clock += 600
    with pytest.raises(NotFound):
        await rooms.told(room)


async def test_a_store_may_keep_no_conversations() -> None:
    engine = Engine()
    rooms = Rooms()
    rooms.rooms = Conversations(None, engine.store, limits=HistoryLimits(), retention=None)
    for calling in [*every_call(rooms, "conv_1", "t1"), rooms.rooms.create("t1", v1.CreateConversationRequest())]:
        with pytest.raises(Unimplemented):
            await calling
    engine.creator._histories._conversations = None
    with pytest.raises(UnsupportedParameter) as caught:
        await engine.create(in_room("conv_1"))
    assert caught.value.param == "conversation"


# What is told only when it is asked for

RICH = """
data { id: "msg_1" message { role: "assistant" content { output_text { text: "t" logprobs { token: "t" } } } } }
data { id: "msg_2" message { role: "user" content { input_image { image_url: "https://example.com/a.png" } } } }
data { id: "fs_1" file_search_call { queries: "q" results { items { file_id: "f" } } } }
data { id: "ws_1" web_search_call { action { search { query: "q" sources { url { url: "https://example.com" } } } } } }
data { id: "ci_1" code_interpreter_call { code: "1" outputs { items { logs { logs: "1" } } } } }
data { id: "rs_1" reasoning { encrypted_content: "sealed" } }
data { id: "cuo_1" computer_call_output { call_id: "c" output { image_url: "https://example.com/b.png" } } }
"""


@pytest.mark.parametrize("of", ["a conversation", "a response"])
async def test_what_nobody_reads_again_is_told_when_it_is_asked_for(of: str) -> None:
    rooms = Rooms()
    rich = text_format.Parse(RICH, v1.ItemList()).data
    room = await rooms.make(*rich)
    response = await rooms.engine.create(ask_items(*rich))
    keeper = Keeper(rooms.store)

    async def told(*include: str) -> list[v1.Item]:
        if of == "a conversation":
            return list((await rooms.list(room, include=include)).data)
        asked = v1.ListInputItemsRequest(response_id=response.id, order="asc", include=include)
        return list((await keeper.list_input_items("t1", asked)).data)

    def given(items: list[v1.Item]) -> list[bool]:
        answer, image, files, search, code, thought, screen = items
        return [
            bool(answer.message.content[0].output_text.logprobs),
            files.file_search_call.HasField("results"),
            bool(search.web_search_call.action.search.sources),
            # A client may send these again, and they are needed then.
            bool(image.message.content[0].input_image.image_url),
            bool(code.code_interpreter_call.outputs.items),
            bool(thought.reasoning.encrypted_content),
            bool(screen.computer_call_output.output.image_url),
        ]

    always = [True] * 4
    assert given(await told()) == [False, False, False, *always]
    assert given(await told("message.output_text.logprobs")) == [True, False, False, *always]
    assert given(await told("file_search_call.results")) == [False, True, False, *always]
    assert given(await told("web_search_call.action.sources")) == [False, False, True, *always]
    assert given(await told(*INCLUDABLE)) == [True, True, True, *always]
    if of == "a conversation":
        for item in await told():
            asked = v1.GetConversationItemRequest(conversation_id=room, item_id=item.id)
            assert await rooms.rooms.get_item("t1", asked) == item
        # What is left out is kept.
        await rooms.engine.create(in_room(room))
        assert given(list(rooms.engine.provider.requests[-1].input)[:7]) == [True] * 7


# Responses


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize("spelling", ["a string", "an object"])
async def test_a_response_reads_a_conversation_and_adds_to_it(incremental: bool, spelling: str) -> None:
    rooms = Rooms()
    room = await rooms.make(user("before", id="msg_a"))
    asked: dict[str, Any] = {"conversation_id": room}
    if spelling == "an object":
        asked = {"conversation": v1.ConversationReference(id=room)}
    ids = ["msg_a"]
    for turn in range(3):
        response = await respond(rooms, ask(f"q{turn}", **asked), incremental)
        assert response.conversation.id == room
        stored = await rooms.store.get("t1", response.id)
        assert stored.response == response
        ids += [stored.input_items[0].id or "", response.output[0].id or ""]
    provider = rooms.engine.provider
    assert [said(item) for item in provider.requests[-1].input] == ["before", "q0", "Hello", "q1", "Hello", "q2"]
    assert provider.contexts[-1].places.inherited == 5
    for sent in provider.requests:
        assert not sent.HasField("conversation")
        assert not sent.HasField("conversation_id")
    assert await rooms.told(room) == ["before", "q0", "Hello", "q1", "Hello", "q2", "Hello"]
    told = [item.id for item in (await rooms.list(room)).data]
    # This provider gives every answer the same id, which only one item of a conversation can have.
    assert (told[:4], told[5], len(set(told))) == (ids[:4], ids[5], 7)


async def test_a_conversation_alone_is_input_enough() -> None:
    rooms = Rooms()
    room = await rooms.make(user("before"))
    await rooms.engine.create(v1.CreateResponseRequest(model="m", conversation_id=room))
    assert [said(item) for item in rooms.engine.provider.requests[-1].input] == ["before"]
    assert await rooms.told(room) == ["before", "Hello"]


async def test_an_empty_conversation_alone_is_not() -> None:
    rooms = Rooms()
    room = await rooms.make()
    with pytest.raises(MissingParameter) as caught:
        await rooms.engine.create(v1.CreateResponseRequest(model="m", conversation_id=room))
    assert caught.value.param == "input"
    assert rooms.engine.provider.begun == 0


@pytest.mark.parametrize("incremental", [False, True])
async def test_a_response_that_is_not_kept_adds_all_the_same(incremental: bool) -> None:
    rooms = Rooms()
    room = await rooms.make()
    response = await respond(rooms, in_room(room, "q", store=False), incremental)
    assert await rooms.told(room) == ["q", "Hello"]
    with pytest.raises(NotFound):
        await Keeper(rooms.store).get("t1", v1.GetResponseRequest(response_id=response.id))


async def test_an_incomplete_response_adds() -> None:
    rooms = Rooms(*says(end="incomplete"))
    room = await rooms.make()
    await rooms.engine.create(in_room(room, "q"))
    assert await rooms.told(room) == ["q", "Hello"]


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize("store", [True, False])
async def test_a_failed_response_adds_nothing(incremental: bool, store: bool) -> None:
    rooms = Rooms(*says(end="failed"))
    room = await rooms.make(user("a"))
    response = await respond(rooms, in_room(room, store=store), incremental)
    assert response.status == v1.Response.STATUS_FAILED
    assert await rooms.told(room) == ["a"]


async def test_a_cancelled_response_adds_nothing() -> None:
    rooms = Rooms(*says()[:4], parts.FOREVER)
    room = await rooms.make(user("a"))
    stream = rooms.engine.stream(in_room(room))
    await anext(stream)
    await stream.aclose()
    assert await rooms.told(room) == ["a"]


async def test_what_ends_later_stands_later_and_whole() -> None:
    rooms = Rooms()
    room = await rooms.make(user("before"))
    slow = Engine(store=rooms.store)
    begun = slow.stream(in_room(room, "slow"))
    await anext(begun)
    await asyncio.gather(*(rooms.engine.create(in_room(room, f"q{number}")) for number in range(20)))
    async for _ in begun:
        pass
    told = await rooms.told(room)
    assert told[0] == "before"
    assert told[-2:] == ["slow", "Hello"]
    assert {(told[at], told[at + 1]) for at in range(1, 41, 2)} == {(f"q{number}", "Hello") for number in range(20)}
    assert len(told) == 43


@pytest.mark.parametrize("store", [True, False])
async def test_a_conversation_that_is_deleted_meanwhile_fails_the_response(store: bool) -> None:
    rooms = Rooms()
    room = await rooms.make(user("a"))
    streamed: list[v1.ResponseStreamEvent] = []
    stream = rooms.engine.stream(in_room(room, store=store))
    streamed += streams.copies(await anext(stream))
    await rooms.rooms.delete("t1", v1.DeleteConversationRequest(conversation_id=room))
    async for batch in stream:
        streamed += streams.copies(batch)
    assert check_order(streamed) == []
    error, last = streamed[-2:]
    message = f"Conversation with id '{room}' was deleted while the response was made."
    assert (error.error.error.message, error.error.error.param) == (message, "conversation")
    assert (last.failed.response.error.code, last.failed.response.error.message) == ("server_error", message)
    assert rooms.engine.observer.told[-1] == "ended failed"
    asked = v1.GetResponseRequest(response_id=last.failed.response.id)
    with pytest.raises(NotFound):
        await Keeper(rooms.store).get("t1", asked)


async def test_a_conversation_that_is_deleted_meanwhile_fails_what_goes_on_without_its_caller() -> None:
    rooms = Rooms()
    room = await rooms.make(user("a"))
    streamed: list[v1.ResponseStreamEvent] = []
    stream = rooms.engine.stream(in_room(room, background=True))
    streamed += streams.copies(await anext(stream))
    await rooms.rooms.delete("t1", v1.DeleteConversationRequest(conversation_id=room))
    async for batch in stream:
        streamed += streams.copies(batch)
    failed = streamed[-1].failed.response
    assert failed.error.message == f"Conversation with id '{room}' was deleted while the response was made."
    # Not only whoever listened knows it: all that was told is kept, and nothing goes on.
    assert await Keeper(rooms.store).get("t1", v1.GetResponseRequest(response_id=failed.id)) == failed
    told = await rooms.store.told("t1", failed.id, after=-1, max_bytes=1 << 20)
    assert (list(told.events), told.is_going_on) == (streamed, False)


async def test_a_conversation_that_is_deleted_meanwhile_fails_the_call() -> None:
    rooms = Rooms()
    room = await rooms.make(user("a"))

    class Deleting(parts.ScriptedProvider):
        async def stream(self, request: Any, context: Any) -> Any:
            await rooms.rooms.delete("t1", v1.DeleteConversationRequest(conversation_id=room))
            async for batch in super().stream(request, context):
                yield batch

    rooms.engine.provider = Deleting(*says())
    with pytest.raises(NotFound) as caught:
        await rooms.engine.create(in_room(room))
    assert caught.value.param == "conversation"
    assert rooms.engine.provider.begun == 1, "the model was asked again, in vain"


async def test_an_output_answers_a_call_of_the_conversation() -> None:
    rooms = Rooms()
    room = await rooms.make(user("q"), call("c1"))
    await rooms.engine.create(ask_items(output("c1"), conversation_id=room))
    assert await rooms.told(room) == ["q", "function_call", "function_call_output", "Hello"]
    with pytest.raises(InvalidRequest) as caught:
        await rooms.engine.create(ask_items(user("x"), output("c2"), conversation_id=room))
    assert caught.value.param == "input[1].call_id"


async def test_an_output_whose_call_was_deleted_is_told_of() -> None:
    rooms = Rooms()
    room = await rooms.make(call("c1", id="fc_1"), output("c1"))
    await rooms.rooms.delete_item("t1", v1.DeleteConversationItemRequest(conversation_id=room, item_id="fc_1"))
    with pytest.raises(InvalidValue, match="call_id 'c1' in the conversation") as caught:
        await rooms.engine.create(in_room(room))
    assert caught.value.param == "conversation"
    (left,) = (await rooms.list(room)).data
    assert left.id in str(caught.value)
    await rooms.rooms.delete_item("t1", v1.DeleteConversationItemRequest(conversation_id=room, item_id=left.id))
    await rooms.engine.create(in_room(room))


async def test_a_response_of_a_conversation_is_not_continued_without_it() -> None:
    rooms = Rooms()
    room = await rooms.make(user("before"))
    response = await rooms.engine.create(in_room(room))
    with pytest.raises(InvalidValue, match=f"was made in conversation '{room}': continue it with") as caught:
        await rooms.engine.create(ask(previous_response_id=response.id))
    assert caught.value.param == "previous_response_id"


async def test_a_conversation_has_the_bounds_of_a_history() -> None:
    for limits in (HistoryLimits(max_items=2), HistoryLimits(max_bytes=60)):
        rooms = Rooms(limits=limits)
        room = await rooms.make(user("a"), user("b"), user("c"))
        with pytest.raises(ContextLengthExceeded) as caught:
            await rooms.engine.create(in_room(room))
        assert caught.value.param == "conversation"


async def test_an_id_that_the_caller_chose_twice_is_told_as_it_is_kept() -> None:
    rooms = Rooms()
    room = await rooms.make(user("a", id="mine"))
    response = await rooms.engine.create(ask_items(user("b", id="mine"), conversation_id=room))
    (own,) = (await rooms.store.get("t1", response.id)).input_items
    assert [item.id for item in (await rooms.list(room)).data] == ["mine", own.id, response.output[0].id]
    assert own.id != "mine"
