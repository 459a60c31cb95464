"""Conversations, by OpenAI's SDKs and below them, over HTTP and gRPC."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import openai
import pytest
from e2e_asking import hear
from e2e_http import ask
from e2e_layouts import CANARY, KEY_A, KEY_B, PROMPT, WAYS, Layout, metadata
from e2e_stage import Stage, answering, held
from google.rpc import error_details_pb2, status_pb2
from openai import OpenAI

from antiphon import openai_json
from antiphon.responses import v1
from server.testing import wire
from server.testing.background import Background, Gate

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
    "strict": False,
}


def user(text: str, **members: Any) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **members}


def said(client: OpenAI, conversation_id: str) -> list[str]:
    """The texts of a conversation's messages, the oldest first; of what is no message, its type."""
    told = []
    for item in client.conversations.items.list(conversation_id, order="asc", limit=100):
        part: Any = item.content[0] if item.type == "message" else None
        told.append(part.text if part is not None else item.type)
    return told


# The SDK


def test_a_conversation_is_made_labelled_and_deleted(client: OpenAI) -> None:
    made = client.conversations.create(metadata={"topic": "a"}, items=[user("hi"), {"role": "system", "content": "x"}])
    assert (made.id[:5], made.object, made.metadata) == ("conv_", "conversation", {"topic": "a"})
    assert client.conversations.retrieve(made.id) == made
    updated = client.conversations.update(made.id, metadata={"other": "b"})
    assert (updated.id, updated.created_at, updated.metadata) == (made.id, made.created_at, {"other": "b"})
    assert client.conversations.update(made.id, metadata=None).metadata == {}
    deleted = client.conversations.delete(made.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (made.id, "conversation.deleted", True)
    with pytest.raises(openai.NotFoundError) as caught:
        client.conversations.retrieve(made.id)
    assert (caught.value.code, caught.value.param) == ("not_found", "conversation_id")


def test_items_are_added_read_and_deleted(client: OpenAI) -> None:
    made = client.conversations.create(metadata={"a": "b"})
    call: Any = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output: Any = {"type": "function_call_output", "call_id": "c", "output": "17"}
    added = client.conversations.items.create(made.id, items=[user("hi"), call, output])
    assert [item.type for item in added.data] == ["message", "function_call", "function_call_output"]
    assert [item.status for item in added.data] == ["completed"] * 3
    assert (added.first_id, added.last_id, added.has_more) == (added.data[0].id, added.data[-1].id, False)
    for item in added.data:
        assert client.conversations.items.retrieve(item.id or "", conversation_id=made.id) == item
    left = client.conversations.items.delete(added.data[0].id or "", conversation_id=made.id)
    assert (left.id, left.object, left.metadata) == (made.id, "conversation", {"a": "b"})
    assert said(client, made.id) == ["function_call", "function_call_output"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [7, 20, 100])
def test_45_items_are_listed_once_each(client: OpenAI, order: Any, limit: int) -> None:
    made = client.conversations.create(items=[user(str(number)) for number in range(20)])
    for begin, end in ((20, 40), (40, 45)):
        client.conversations.items.create(made.id, items=[user(str(number)) for number in range(begin, end)])
    pages = list(client.conversations.items.list(made.id, limit=limit, order=order).iter_pages())
    texts = [item.content[0].text for page in pages for item in page.data]  # type: ignore[union-attr]
    expected = [str(number) for number in range(45)]
    assert texts == (expected if order == "asc" else expected[::-1])
    assert [len(page.data) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert [page.last_id for page in pages] == [page.data[-1].id for page in pages]
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_a_page_of_nothing(client: OpenAI, layout: Layout) -> None:
    made = client.conversations.create()
    assert list(client.conversations.items.list(made.id)) == []
    answer = ask(layout, None, method="GET", path=f"/v1/conversations/{made.id}/items").json
    assert answer == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("spelling", ["a string", "an object"])
def test_responses_go_on_in_a_conversation(client: OpenAI, stream: bool, spelling: str) -> None:
    made = client.conversations.create(items=[user("root")])
    conversation: Any = made.id if spelling == "a string" else {"id": made.id}
    for question in (PROMPT, "What did I say first?"):
        response = _final(client, stream, model="echo", input=question, conversation=conversation)
        assert (response.conversation.id, response.previous_response_id) == (made.id, None)
        assert client.responses.retrieve(response.id).to_dict() == response.to_dict()
    assert response.output_text == "You said 2 things before this. The first was: root"
    assert said(client, made.id) == ["root", PROMPT, PROMPT, "What did I say first?", response.output_text]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="echo", input="x", previous_response_id=response.id)
    assert caught.value.param == "previous_response_id"
    assert made.id in caught.value.message


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("store", [True, False])
def test_tools_in_a_conversation(client: OpenAI, stream: bool, store: bool) -> None:
    made = client.conversations.create()
    asked: Any = {"model": "echo", "tools": [WEATHER], "conversation": made.id, "store": store}
    (call,) = _final(client, stream, **asked, input="How is the weather?").output
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "17 degrees"}
    answer = _final(client, stream, **asked, input=[output])
    assert answer.output_text == "get_weather answered: 17 degrees"
    assert said(client, made.id) == [
        "How is the weather?",
        "function_call",
        "function_call_output",
        "get_weather answered: 17 degrees",
    ]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**asked, input=[{**output, "call_id": "call_none"}])  # type: ignore[list-item]
    assert caught.value.param == "input[0].call_id"
    if not store:
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(answer.id)


def test_the_provider_is_sent_the_conversation(client: OpenAI, up: Stage) -> None:
    up.answer(answering(wire.REASONING), answering(wire.TEXT))
    made = client.conversations.create(items=[user("root", id="msg_mine")])
    first = client.responses.create(model=up.model, input="First.", conversation=made.id)
    client.responses.create(model=up.model, input="Second.", conversation=made.id)
    sent = up.requests[1].json
    assert "conversation" not in sent
    assert [item["type"] for item in sent["input"]] == ["message", "message", "reasoning", "message", "message"]
    assert sent["input"][0] == user("root")
    assert sent["input"][2]["encrypted_content"] == "gAAAA-sealed"
    assert [item["id"] for item in sent["input"][2:4]] == [item.id for item in first.output]


def test_what_was_not_asked_for_is_left_out_of_lists(client: OpenAI) -> None:
    made = client.conversations.create()
    logprobs: Any = ["message.output_text.logprobs"]
    client.responses.create(model="echo", input="hi", conversation=made.id, include=logprobs)
    for include, count in ((openai.omit, 0), (logprobs, 1)):
        (answer,) = client.conversations.items.list(made.id, limit=1, include=include).data
        assert len(answer.content[0].logprobs) == count  # type: ignore[union-attr]
        one = client.conversations.items.retrieve(answer.id or "", conversation_id=made.id, include=include)
        assert one == answer
    image: Any = {"type": "input_image", "detail": "auto", "image_url": "https://example.com/a.png"}
    response = client.responses.create(model="echo", input=[{"role": "user", "content": [image]}])
    (item,) = client.responses.input_items.list(response.id).data
    # What was read can be sent again.
    again = client.responses.create(model="echo", input=[item.to_dict()])  # type: ignore[list-item]
    assert client.responses.input_items.list(again.id).data[0].content == item.content  # type: ignore[union-attr]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.input_items.list(response.id, include=["everything"])  # type: ignore[list-item]
    assert caught.value.param == "include[0]"
    assert "web_search_call.action.sources" in caught.value.message


def test_items_of_a_conversation_can_be_referred_to(client: OpenAI) -> None:
    made = client.conversations.create(items=[user("What did I say first?")])
    (item,) = client.conversations.items.list(made.id).data
    reference: Any = {"type": "item_reference", "id": item.id}
    response = client.responses.create(model="echo", input=[user("root"), reference])
    assert response.output_text == "You said 1 thing before this. The first was: root"
    with pytest.raises(openai.NotFoundError):
        client.with_options(api_key=KEY_B).responses.create(model="echo", input=[reference])


def test_tenants_do_not_see_each_others_conversations(client: OpenAI) -> None:
    mine = client.conversations.create(items=[user(PROMPT)])
    (item,) = client.conversations.items.list(mine.id).data
    other = client.with_options(api_key=KEY_B)

    def every_call(conversation_id: str) -> list[Any]:
        return [
            lambda: other.conversations.retrieve(conversation_id),
            lambda: other.conversations.update(conversation_id, metadata={}),
            lambda: other.conversations.items.create(conversation_id, items=[user("x")]),
            lambda: other.conversations.items.list(conversation_id),
            lambda: other.conversations.items.retrieve(item.id or "", conversation_id=conversation_id),
            lambda: other.conversations.items.delete(item.id or "", conversation_id=conversation_id),
            lambda: other.conversations.delete(conversation_id),
            lambda: other.responses.create(model="echo", input="x", conversation=conversation_id),
        ]

    for foreign, unknown in zip(every_call(mine.id), every_call("conv_unknown"), strict=True):
        with pytest.raises(openai.NotFoundError) as of_another:
            foreign()
        with pytest.raises(openai.NotFoundError) as of_nobody:
            unknown()
        assert of_another.value.message.replace(mine.id, "ID") == of_nobody.value.message.replace("conv_unknown", "ID")
        assert (of_another.value.code, of_another.value.param) == (of_nobody.value.code, of_nobody.value.param)
    assert said(client, mine.id) == [PROMPT]


def test_responses_that_end_together_are_whole(client: OpenAI) -> None:
    made = client.conversations.create()
    questions = [f"question {number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda text: client.responses.create(model="echo", input=text, conversation=made.id), questions))
    told = said(client, made.id)
    assert told[::2] == told[1::2]
    assert sorted(told[::2]) == sorted(questions)


# Each way of asking


@pytest.mark.parametrize("way", WAYS)
def test_a_conversation_that_is_deleted_meanwhile(
    layout: Layout, client: OpenAI, up: Stage, background: Background, way: str
) -> None:
    gate = Gate(background)
    up.answer(held(gate, answering(wire.TEXT)))
    made = client.conversations.create()
    before = layout.stored()
    heard: list[Any] = []
    asked = {"model": up.model, "input": "hi", "conversation": made.id}
    asking = threading.Thread(target=lambda: heard.append(hear(layout, way, f"deleted-{way}", **asked)))
    asking.start()
    up.arrived()
    client.conversations.delete(made.id)
    gate.open()
    asking.join()
    (told,) = heard
    message = f"Conversation with id '{made.id}' was deleted while the response was made."
    if told.streamed:
        assert told.fault["error"]["message"] == message
        assert told.response["status"] == "failed"
        assert told.response["error"] == {"code": "server_error", "message": message}
    else:
        assert told.status == (404 if told.is_http else "NOT_FOUND")
        assert (told.error["message"], told.error["param"]) == (message, "conversation")
    assert layout.stored() == before


ITEM = {"role": "user", "content": CANARY}
#: What is wrong: verb, path below the conversation, body, status, code, param.
WRONG: dict[str, tuple[str, str, Any, int, str, str]] = {
    "an unknown item": ("GET", "/items/msg_none", None, 404, "not_found", "item_id"),
    "an unknown item to delete": ("DELETE", "/items/msg_none", None, 404, "not_found", "item_id"),
    "limit 0": ("GET", "/items?limit=0", None, 400, "invalid_value", "limit"),
    "limit 101": ("GET", "/items?limit=101", None, 400, "invalid_value", "limit"),
    "a limit in words": ("GET", "/items?limit=ten", None, 400, "invalid_value", "limit"),
    "an unknown order": ("GET", "/items?order=up", None, 400, "invalid_value", "order"),
    "an unknown after": ("GET", "/items?after=msg_none", None, 400, "invalid_value", "after"),
    "an unknown include": ("GET", "/items?include[]=x", None, 400, "invalid_value", "include[0]"),
    "no items": ("POST", "/items", {}, 400, "invalid_value", "items"),
    "21 items": ("POST", "/items", {"items": [ITEM] * 21}, 400, "invalid_value", "items"),
    "an item without type": ("POST", "/items", {"items": [ITEM] * 3 + [{}]}, 400, "missing_required_parameter",
                             "items[3].type"),
    "an item that is a text": ("POST", "/items", {"items": [ITEM, CANARY]}, 400, "invalid_type", "items[1]"),
    "a reference to nothing": ("POST", "/items", {"items": [{"type": "item_reference", "id": "msg_none"}]}, 404,
                               "not_found", "items[0].id"),
    "17 labels": ("POST", "", {"metadata": {str(n): "" for n in range(17)}}, 400, "invalid_value", "metadata"),
    "a label of 513 characters": ("POST", "", {"metadata": {"a": "x" * 513}}, 400, "invalid_value", "metadata.a"),
    "labels that are no text": ("POST", "", {"metadata": {"a": 1}}, 400, "invalid_type", "metadata.a"),
    "an unknown member": ("POST", "", {"metadata": {}, "name": CANARY}, 400, "unsupported_parameter", "name"),
}  # fmt: skip
#: What cannot be said in a typed message.
JSON_ALONE = {"a limit in words", "an item without type", "an item that is a text", "labels that are no text"}
METHODS = {
    ("GET", "/items"): "ListConversationItems",
    ("GET", "/items/"): "GetConversationItem",
    ("DELETE", "/items/"): "DeleteConversationItem",
    ("POST", "/items"): "CreateConversationItems",
    ("POST", ""): "UpdateConversation",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_over_http(layout: Layout, client: OpenAI, case: str) -> None:
    verb, path, body, status, code, param = WRONG[case]
    made = client.conversations.create(items=[user("a")], metadata={"a": "b"})
    sent = None if body is None else json.dumps(body).encode()
    answer = ask(layout, sent, method=verb, path=f"/v1/conversations/{made.id}{path}")
    error = answer.json["error"]
    assert (answer.status, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert CANARY not in error["message"]
    assert client.conversations.retrieve(made.id) == made
    assert said(client, made.id) == ["a"]


@pytest.mark.parametrize("case", sorted(WRONG.keys() - JSON_ALONE))
def test_what_is_wrong_is_named_over_grpc(layout: Layout, client: OpenAI, case: str) -> None:
    verb, path, body, _, code, param = WRONG[case]
    made = client.conversations.create(items=[user("a")])
    path, _, query = path.partition("?")
    name = METHODS[verb, path.removesuffix("msg_none")]
    method = v1.CreateConversationRequest.DESCRIPTOR.file.services_by_name["ConversationsService"].methods_by_name[name]
    kind = getattr(v1, method.input_type.name)
    request = openai_json.decode(json.dumps(body or {}).encode(), kind)
    request.conversation_id = made.id
    if path.endswith("msg_none"):
        request.item_id = "msg_none"
    if query:
        field, _, value = query.partition("=")
        if field == "include[]":
            request.include.append(value)
        else:
            setattr(request, field, int(value) if field == "limit" else value)
    with layout.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        getattr(v1.ConversationsServiceStub(channel), name)(request, metadata=metadata(KEY_A))
    (details,) = [value for key, value in caught.value.trailing_metadata() if key == "grpc-status-details-bin"]
    info = error_details_pb2.ErrorInfo()
    status_pb2.Status.FromString(details).details[0].Unpack(info)
    assert (info.reason, info.metadata["param"]) == (code.upper(), param)


def test_all_eight_methods_over_grpc(layout: Layout) -> None:
    item = v1.Item(message=v1.Message(role="user", content_text="hi"))
    with layout.channel() as channel:
        stub = v1.ConversationsServiceStub(channel)

        def call(name: str, request: Any) -> Any:
            return getattr(stub, name)(request, metadata=metadata())

        made = call("CreateConversation", v1.CreateConversationRequest(items=[item], metadata={"a": "b"}))
        which = {"conversation_id": made.id}
        assert call("GetConversation", v1.GetConversationRequest(**which)) == made
        updated = call("UpdateConversation", v1.UpdateConversationRequest(**which, metadata={"c": "d"}))
        assert dict(updated.metadata) == {"c": "d"}
        added = call("CreateConversationItems", v1.CreateConversationItemsRequest(**which, items=[item, item]))
        listed = call("ListConversationItems", v1.ListConversationItemsRequest(**which, limit=2, order="asc"))
        assert (len(listed.data), listed.has_more) == (2, True)
        rest = v1.ListConversationItemsRequest(**which, after=listed.last_id, order="asc")
        assert list(call("ListConversationItems", rest).data) == [added.data[1]]
        one = {**which, "item_id": added.data[1].id}
        assert call("GetConversationItem", v1.GetConversationItemRequest(**one)) == added.data[1]
        assert call("DeleteConversationItem", v1.DeleteConversationItemRequest(**one)) == updated
        asked = v1.CreateResponseRequest(model="echo", input_text="What did I say first?", **which)
        answer = v1.ResponsesServiceStub(channel).CreateResponse(asked, metadata=metadata())
        assert answer.conversation.id == made.id
        assert answer.output[0].message.content[0].output_text.text.startswith("You said 2 things")
        deleted = call("DeleteConversation", v1.DeleteConversationRequest(**which))
        assert (deleted.id, deleted.deleted) == (made.id, True)


# openai-node


def _node() -> str | None:
    """The command node, if it and the package are here."""
    node = shutil.which("node")
    if node is None:
        return None
    found = subprocess.run(
        [node, "-p", "require.resolve('openai')"], capture_output=True, text=True, check=False, cwd="/"
    )
    return node if found.returncode == 0 else None


def test_openai_node(layout: Layout) -> None:
    node = _node()
    if node is None:
        pytest.skip("no openai-node: npm install openai, and set NODE_PATH to its node_modules")
    run = subprocess.run(
        [node, str(Path(__file__).with_name("conversations.cjs")), f"{layout.url}/v1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "OPENAI_API_KEY": KEY_A},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "done\n"


def _final(client: OpenAI, stream: bool, **asked: Any) -> Any:
    if not stream:
        return client.responses.create(**asked)
    *_, last = client.responses.create(**asked, stream=True)
    assert last.type == "response.completed"
    return last.response
