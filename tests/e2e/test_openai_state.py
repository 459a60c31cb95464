"""What is kept between calls: turns that build on each other, and what the provider is sent of them."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from e2e_layouts import KEY_B, PROMPT, RENAMED, UPSTREAM_HEADER, UPSTREAM_KEY, Layout
from e2e_stage import Stage, Theatre, answering
from openai import OpenAI

from server.testing import wire

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
    "strict": False,
}
#: What the provider is asked for besides what the caller asked for: nothing kept there, reasoning sealed.
ADDED = {"store": False, "include": ["reasoning.encrypted_content"]}


def user(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def test_the_provider_is_sent_what_the_caller_sent(client: OpenAI, up: Stage, theatre: Theatre) -> None:
    theatre.open(RENAMED, up)
    up.answer(answering(wire.TEXT))
    asked: Any = {
        "input": PROMPT,
        "instructions": "Be brief.",
        "temperature": 0.25,
        "metadata": {"purpose": "test"},
        "tools": [WEATHER],
        "tool_choice": "auto",
        "text": {"verbosity": "low"},
        "unheard_of": {"z": 1.50, "a": [None, 12345678901234567890]},
    }
    extra = {"unheard_of": asked["unheard_of"]}
    known = {name: value for name, value in asked.items() if name != "unheard_of"}
    response = client.responses.create(model="renamed", **known, extra_body=extra)
    assert response.model == "renamed"
    (request,) = up.requests
    assert (request.method, request.path) == ("POST", "/v1/responses")
    assert request.json == {"model": RENAMED, "stream": False, **asked, **ADDED}
    assert b'"z":1.5' in request.body
    # Key order decides what a model writes.
    assert list(request.json["tools"][0]["parameters"]) == ["type", "required", "properties"]


@pytest.mark.parametrize("stream", [False, True])
def test_the_headers_that_the_provider_is_sent(client: OpenAI, up: Stage, theatre: Theatre, stream: bool) -> None:
    up.answer(answering(wire.TEXT))
    mine = {"x-request-id": "mine-2", "openai-organization": "org-mine", "cookie": "a=b", "x-stainless-lang": "x"}
    asked = client.responses.create(model=up.model, input=PROMPT, stream=stream, extra_headers=mine)
    for _ in asked if stream else ():
        pass
    (request,) = up.requests
    assert dict(request.headers) == {
        "host": theatre.base_url.removeprefix("http://").removesuffix("/v1"),
        "authorization": f"Bearer {UPSTREAM_KEY}",
        "x-upstream-secret": UPSTREAM_HEADER,
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": "antiphon",
        "x-request-id": "mine-2",
    }


@pytest.mark.parametrize("stream", [False, True])
def test_the_second_turn_knows_the_first(client: OpenAI, up: Stage, stream: bool) -> None:
    up.answer(answering(wire.REASONING), answering(wire.TEXT))
    first = _final(client, stream, model=up.model, input="First.", instructions="Be brief.", metadata={"turn": "1"})
    second = _final(client, stream, model=up.model, input="Second.", previous_response_id=first.id)
    assert (second.previous_response_id, second.instructions, second.metadata) == (first.id, None, {})
    thought, said = first.output
    assert up.requests[1].json == {
        "model": up.model,
        "stream": stream,
        "input": [
            user("First."),
            {
                "type": "reasoning",
                "id": thought.id,
                "summary": [{"type": "summary_text", "text": "Thinking."}],
                "encrypted_content": "gAAAA-sealed",
            },
            {
                "type": "message",
                "id": said.id,
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Hello, wörld 🎉", "annotations": [], "logprobs": []}],
            },
            user("Second."),
        ],
        **ADDED,
    }


def test_a_call_and_its_output_are_replayed_in_order(client: OpenAI, up: Stage) -> None:
    up.answer(answering(wire.PARALLEL_CALLS), answering(wire.TEXT))
    asked = client.responses.create(model=up.model, input="Twice.", tools=[WEATHER])
    outputs: Any = [
        {"type": "function_call_output", "call_id": f"call_{number}", "output": f"rain {number}"} for number in (1, 2)
    ]
    client.responses.create(model=up.model, input=outputs, previous_response_id=asked.id, tools=[WEATHER])
    question, *calls = up.requests[1].json["input"][:3]
    assert question == user("Twice.")
    assert [(call["type"], call["call_id"]) for call in calls] == [("function_call", f"call_{n}") for n in (1, 2)]
    assert up.requests[1].json["input"][3:] == outputs


def test_turns_branch(client: OpenAI, up: Stage) -> None:
    first = client.responses.create(model="echo", input="root")
    for branch in ("left", "right"):
        told = client.responses.create(
            model="echo", input="What did I say first?", previous_response_id=first.id, metadata={"branch": branch}
        )
        assert told.output_text == "You said 1 thing before this. The first was: root"
        assert told.metadata == {"branch": branch}


def test_a_turn_may_change_the_provider(client: OpenAI, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    first = client.responses.create(model="echo", input="root")
    second = client.responses.create(model=up.model, input="on", previous_response_id=first.id)
    third = client.responses.create(model="echo", input="What did I say first?", previous_response_id=second.id)
    assert third.output_text == "You said 2 things before this. The first was: root"
    assert [item["role"] for item in up.requests[0].json["input"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_kept_is_what_was_told(client: OpenAI, up: Stage, stream: bool) -> None:
    up.answer(answering(wire.REASONING))
    told = _final(client, stream, model=up.model, input=PROMPT, metadata={"a": "b"})
    assert client.responses.retrieve(told.id).to_dict() == told.to_dict()
    client.responses.delete(told.id)
    for gone in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
        with pytest.raises(openai.NotFoundError) as caught:
            gone(told.id)
        assert (caught.value.code, caught.value.type) == ("not_found", "invalid_request_error")


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_not_to_be_kept_is_not(client: OpenAI, layout: Layout, stream: bool) -> None:
    before = layout.stored()
    told = _final(client, stream, model="echo", input=PROMPT, store=False)
    assert told.store is False
    assert layout.stored() == before
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(told.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="echo", input="on", previous_response_id=told.id)
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")


def test_input_items_in_pages(client: OpenAI) -> None:
    roles = ("user", "assistant", "system", "developer")
    asked: Any = [{"role": roles[number % 4], "content": str(number)} for number in range(7)]
    response = client.responses.create(model="echo", input=asked)
    newest_first = list(client.responses.input_items.list(response.id, limit=3))
    oldest_first = list(client.responses.input_items.list(response.id, limit=2, order="asc"))
    assert [_text(item) for item in oldest_first] == [str(number) for number in range(7)]
    assert newest_first == oldest_first[::-1]
    page = client.responses.input_items.list(response.id, limit=2, order="asc", after=oldest_first[4].id)
    assert ([_text(item) for item in page.data], page.has_more) == (["5", "6"], False)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.input_items.list(response.id, limit=101)
    assert caught.value.param == "limit"


def test_tenants_do_not_see_each_other(client: OpenAI) -> None:
    mine = client.responses.create(model="echo", input=PROMPT)
    other = client.with_options(api_key=KEY_B)
    for gone in (other.responses.retrieve, other.responses.delete, other.responses.input_items.list):
        with pytest.raises(openai.NotFoundError) as foreign:
            gone(mine.id)
        with pytest.raises(openai.NotFoundError) as unknown:
            gone("resp_unknown")
        assert foreign.value.message.replace(mine.id, "ID") == unknown.value.message.replace("resp_unknown", "ID")
    with pytest.raises(openai.BadRequestError):
        other.responses.create(model="echo", input="on", previous_response_id=mine.id)
    assert client.responses.retrieve(mine.id).output_text == PROMPT


def _text(item: Any) -> str:
    (part,) = item.content
    return str(part.text)


def _final(client: OpenAI, stream: bool, **asked: Any) -> Any:
    if not stream:
        return client.responses.create(**asked)
    *_, last = client.responses.create(**asked, stream=True)
    assert last.type == "response.completed"
    return last.response
