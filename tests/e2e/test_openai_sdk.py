"""OpenAI's SDK, unmodified and strict: everything an answer can be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from e2e_layouts import KEY_A, PROMPT, Layout
from e2e_stage import Stage, answering
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from server.testing import wire

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


@pytest.fixture
async def async_client(layout: Layout) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{layout.url}/v1", api_key=KEY_A, max_retries=0, timeout=30, _strict_response_validation=True
    ) as opened:
        yield opened


def test_text(client: OpenAI) -> None:
    response = client.responses.create(model="echo", input=PROMPT, instructions="Be exact.")
    assert response.output_text == PROMPT
    assert (response.status, response.model, response.instructions) == ("completed", "echo", "Be exact.")
    assert response.id.startswith("resp_")
    assert response.usage is not None
    words = len(PROMPT.split())
    assert (response.usage.input_tokens, response.usage.output_tokens) == (words + 2, words)
    assert response.usage.total_tokens == 2 * words + 2


async def test_text_with_the_async_client(async_client: AsyncOpenAI) -> None:
    response = await async_client.responses.create(model="echo", input=PROMPT)
    assert response.output_text == PROMPT
    async with async_client.responses.stream(model="echo", input=PROMPT) as stream:
        assert (await stream.get_final_response()).output_text == PROMPT


def test_a_stream_tells_every_event_in_order(client: OpenAI) -> None:
    events = list(client.responses.create(model="echo", input="one two three", stream=True))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 3,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last: Any = events[-1]
    (item,) = last.response.output
    assert {event.item_id for event in events if hasattr(event, "item_id")} == {item.id}
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "one two three"
    first: Any = events[0]
    assert first.response.id == last.response.id


def test_the_stream_helper(client: OpenAI, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    with client.responses.stream(model=up.model, input=PROMPT) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert deltas == ["Hel", "lo, ", "wörld 🎉"]
    assert final.output_text == "Hello, wörld 🎉"
    assert final.usage is not None
    assert final.usage.total_tokens == 12


@pytest.mark.parametrize("chained", [True, False], ids=["previous_response_id", "full input"])
def test_a_function_call_and_its_output(client: OpenAI, chained: bool) -> None:
    question: Any = {"role": "user", "content": "Oslo, please."}
    asked = client.responses.create(model="echo", input=[question], tools=[WEATHER])
    (call,) = asked.output
    assert call.type == "function_call"
    assert call.name == "get_weather"
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    if chained:
        answer = client.responses.create(model="echo", input=[output], previous_response_id=asked.id, tools=[WEATHER])
        assert answer.previous_response_id == asked.id
    else:
        replayed: Any = call.model_dump(exclude_none=True)
        answer = client.responses.create(model="echo", input=[question, replayed, output], tools=[WEATHER])
    assert answer.output_text == "get_weather answered: rain"
    assert [tool.to_dict() for tool in answer.tools] == [WEATHER]


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_calls(client: OpenAI, up: Stage, stream: bool) -> None:
    up.answer(answering(wire.PARALLEL_CALLS))
    if stream:
        with client.responses.stream(model=up.model, input=PROMPT, tools=[WEATHER]) as told:
            deltas: dict[int, str] = {}
            for event in told:
                if event.type == "response.function_call_arguments.delta":
                    deltas[event.output_index] = deltas.get(event.output_index, "") + event.delta
            response: Any = told.get_final_response()
        assert deltas == {0: '{"city":"Oslo"}', 1: '{"city":"Oslo"}'}
    else:
        response = client.responses.create(model=up.model, input=PROMPT, tools=[WEATHER])
    assert [(item.type, item.call_id, item.arguments, item.status) for item in response.output] == [
        ("function_call", "call_1", '{"city":"Oslo"}', "completed"),
        ("function_call", "call_2", '{"city":"Oslo"}', "completed"),
    ]
    assert len({item.id for item in response.output}) == 2


class Trip(BaseModel):
    city: str
    days: int
    means: list[str]


def test_structured_output(client: OpenAI) -> None:
    parsed = client.responses.parse(model="echo", input="Oslo for a week", text_format=Trip)
    assert isinstance(parsed.output_parsed, Trip)
    assert parsed.text is not None
    assert parsed.text.format is not None
    assert parsed.text.format.type == "json_schema"
    with client.responses.stream(model="echo", input="Oslo for a week", text_format=Trip) as stream:
        assert stream.get_final_response().output_parsed == parsed.output_parsed


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning(client: OpenAI, up: Stage, stream: bool) -> None:
    up.answer(answering(wire.REASONING))
    response = _created(client, stream, model=up.model, input=PROMPT, reasoning={"effort": "low", "summary": "auto"})
    thought, message = response.output
    assert (thought.type, [part.text for part in thought.summary]) == ("reasoning", ["Thinking."])
    # Sealed for the provider that it came from, which gets it back as it was.
    assert thought.encrypted_content is not None
    assert "gAAAA-sealed" not in thought.encrypted_content
    client.responses.create(model=up.model, input="Go on.", previous_response_id=response.id)
    again = next(item for item in up.requests[-1].json["input"] if item["type"] == "reasoning")
    assert again["encrypted_content"] == "gAAAA-sealed"
    assert (message.type, response.output_text) == ("message", "Hello, wörld 🎉")


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal(client: OpenAI, up: Stage, stream: bool) -> None:
    up.answer(answering(wire.REFUSAL))
    response = _created(client, stream, model=up.model, input=PROMPT)
    (part,) = response.output[0].content
    assert (part.type, part.refusal, response.status) == ("refusal", "I cannot.", "completed")
    assert response.output_text == ""


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_cut_short(client: OpenAI, stream: bool) -> None:
    words = " ".join(str(number) for number in range(40))
    asked: Any = {"model": "echo", "input": words, "max_output_tokens": 16}
    if stream:
        *_, last = client.responses.create(**asked, stream=True)
        assert last.type == "response.incomplete"
        response = last.response
    else:
        response = client.responses.create(**asked)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text.split() == words.split()[:16]
    # What was said so far can be continued.
    assert client.responses.create(model="echo", input="on", previous_response_id=response.id).status == "completed"


def test_models(client: OpenAI, layout: Layout) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert {"echo", "renamed", "up-*"} <= set(listed)
    assert (listed["echo"].object, listed["echo"].owned_by) == ("model", "scripted")
    assert client.models.retrieve("echo") == listed["echo"]


def test_headers(client: OpenAI) -> None:
    raw = client.responses.with_raw_response.create(model="echo", input=PROMPT)
    assert raw.headers["content-type"] == "application/json"
    assert raw.headers["x-request-id"].startswith("req_")
    assert int(raw.headers["openai-processing-ms"]) >= 0
    assert raw.headers["openai-version"] == "2020-10-01"
    assert raw.parse()._request_id == raw.headers["x-request-id"]
    mine = client.responses.with_raw_response.create(
        model="echo", input=PROMPT, extra_headers={"x-request-id": "mine-1"}
    )
    assert mine.headers["x-request-id"] == "mine-1"


def _created(client: OpenAI, stream: bool, **asked: Any) -> Any:
    if not stream:
        return client.responses.create(**asked)
    with client.responses.stream(**asked) as told:
        return told.get_final_response()
