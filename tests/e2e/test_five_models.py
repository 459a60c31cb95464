"""OpenAI's SDK, unmodified and strict, against every kind of provider: one program for five models.

The models are those of `examples/all-providers.yaml`; their vendors answer from
the request alone. What is asked is what real clients send, Codex among them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI
from pydantic import BaseModel

from server.testing.background import Background
from server.testing.serve import running
from server.testing.upstream import FakeUpstream, Request
from server.testing.vendor import vendor
from server.testing.wires.all import WIRES

CONFIGURATION = Path(__file__).parents[2] / "examples" / "all-providers.yaml"
#: By model: the kind of its vendor, the variable that says where that is, and what comes after its address.
VENDORS = {
    "gpt": ("openai", "OPENAI_URL", "/v1"),
    "deepseek": ("chat_completions", "DEEPSEEK_URL", ""),
    "claude": ("anthropic", "ANTHROPIC_URL", ""),
    "gemini": ("gemini", "GEMINI_URL", "/v1beta"),
    "nova": ("bedrock", "BEDROCK_URL", ""),
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF").decode()
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Said(BaseModel):
    said: str


class Model:
    """A model, and what its vendor is asked."""

    def __init__(self, name: str, client: OpenAI, upstream: FakeUpstream) -> None:
        self.name = name
        self.client = client
        self.wire = WIRES[VENDORS[name][0]]
        self._upstream = upstream

    @property
    def asked(self) -> Request:
        """The last request to the vendor."""
        return self._upstream.requests[-1]

    def create(self, **members: Any) -> Any:
        return self.client.responses.create(model=self.name, **members)


@pytest.fixture(scope="module")
def upstreams(background: Background) -> Iterator[dict[str, FakeUpstream]]:
    with ExitStack() as stack:
        opened = {name: stack.enter_context(background.using(FakeUpstream())) for name in VENDORS}
        for name, upstream in opened.items():
            upstream.answer(vendor(WIRES[VENDORS[name][0]]))
        yield opened


@pytest.fixture(scope="module")
def five(background: Background, upstreams: dict[str, FakeUpstream]) -> Iterator[OpenAI]:
    environ = {f"ANTIPHON_{name}": "127.0.0.1:0" for name in ("GRPC", "HTTP", "ADMIN")}
    for name, (_, variable, path) in VENDORS.items():
        environ[variable] = f"http://127.0.0.1:{upstreams[name].port}{path}"
    command = running("server", "serve", "--config", str(CONFIGURATION), listeners=3, environ=environ)
    with (
        background.using(command) as server,
        OpenAI(
            base_url=f"{server.addresses['HTTP']}/v1",
            api_key="unused",
            max_retries=0,
            timeout=30,
            _strict_response_validation=True,
        ) as client,
    ):
        yield client


@pytest.fixture(params=VENDORS)
def model(request: pytest.FixtureRequest, five: OpenAI, upstreams: dict[str, FakeUpstream]) -> Model:
    return Model(request.param, five, upstreams[request.param])


def test_a_stream_is_numbered_and_ends_with_what_it_told(model: Model) -> None:
    events = list(model.create(input="Hello there.", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.id == events[0].response.id
    told = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert told == last.response.output_text == "You said: Hello there."
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.id for item in done] == [item.id for item in last.response.output]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_is_parsed(model: Model, streamed: bool) -> None:
    asked: Any = {"model": model.name, "input": "Hello.", "text_format": Said}
    if model.name == "deepseek":
        with pytest.raises(BadRequestError, match=r"Of forms it knows json_object\.") as refused:
            model.client.responses.parse(**asked)
        assert (refused.value.param, refused.value.code) == ("text.format", "unsupported_parameter")
        return
    if streamed:
        with model.client.responses.stream(**asked) as stream:
            parsed = stream.get_final_response().output_parsed
    else:
        parsed = model.client.responses.parse(**asked).output_parsed
    assert parsed == Said(said="Hello.")


def test_items_sent_back_by_hand_bring_the_reasoning_along(model: Model) -> None:
    settings: Any = {
        "tools": [WEATHER],
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    conversation: list[Any] = [{"role": "user", "content": "How is the weather in Oslo?"}]
    # Twice: these vendors give all their calls the same id.
    for degrees in ("17", "18"):
        response = model.create(input=conversation, **settings)
        (call,) = [item for item in response.output if item.type == "function_call"]
        assert json.loads(call.arguments) == {"city": "Oslo"}
        output = {"type": "function_call_output", "call_id": call.call_id, "output": f"{degrees} degrees"}
        conversation += [*response.output, output]
        answer = model.create(input=conversation, **settings)
        assert answer.output_text == f"The tool said: {degrees} degrees"
        if "proof" not in model.wire.lacks:
            assert set(model.wire.proofs(model.asked.json)) == {"cHJvb2Y="}
        conversation += [*answer.output, {"role": "user", "content": "And now?"}]


def test_calls_go_on_from_the_response_before(model: Model) -> None:
    previous = None
    for degrees in ("17", "18"):
        asked = model.create(input="How is the weather?", tools=[WEATHER], previous_response_id=previous)
        (call,) = [item for item in asked.output if item.type == "function_call"]
        output = {"type": "function_call_output", "call_id": call.call_id, "output": f"{degrees} degrees"}
        answer = model.create(input=[output], tools=[WEATHER], previous_response_id=asked.id)
        assert answer.output_text == f"The tool said: {degrees} degrees"
        previous = answer.id


def test_a_conversation_is_made_short_and_goes_on(model: Model) -> None:
    said: Any = [{"role": "user", "content": "I like tea."}, {"role": "assistant", "content": "So do I."}]
    # The SDK has no type for the user's messages, which come back too.
    lenient = model.client.copy(_extra_kwargs={"_strict_response_validation": False})
    made = lenient.responses.compact(model=model.name, input=said)
    assert [item.type for item in made.output] == ["message", "compaction"]
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    short = [item.to_dict(warnings=False) for item in made.output]
    assert model.create(input=[*short, {"role": "user", "content": "And now?"}]).output_text.endswith("And now?")
    asked = model.asked.body.decode()
    assert "I like tea." in asked
    assert "So do I." not in asked
    assert ("c3VtbWFyeQ==" if model.name == "gpt" else "This stands for the earlier part") in asked


def test_outputs_that_are_sent_again_stop_no_conversation(model: Model) -> None:
    # As the AI SDK goes on in a conversation: the question and the outputs of all steps so far.
    def called(call_id: str) -> Any:
        return {"type": "function_call", "call_id": call_id, "name": "get_weather", "arguments": '{"city": "Oslo"}'}

    def came_to(call_id: str, output: str) -> Any:
        return {"type": "function_call_output", "call_id": call_id, "output": output}

    question: Any = {"role": "user", "content": "How is the weather?"}
    held = [question, called("a"), question, came_to("a", "rain"), called("b")]
    conversation = model.client.conversations.create(items=held)
    told = model.client.responses.with_raw_response.create(
        model=model.name,
        conversation=conversation.id,
        input=[question, came_to("a", "rain"), came_to("b", "wind")],
        tools=[WEATHER],
    )
    assert told.parse().output_text == "The tool said: wind"
    assert ("input[1]" in told.headers.get("x-antiphon-omitted", "")) is (model.name != "gpt")


def test_nothing_that_is_said_fails_nobody(model: Model) -> None:
    if model.name in ("claude", "nova"):
        with pytest.raises(BadRequestError) as refused:
            model.create(input="")
        assert (refused.value.param, refused.value.code) == ("input", "unsupported_parameter")
    else:
        assert model.create(input="").output_text == "You said: "


def test_images_and_files_arrive(model: Model) -> None:
    content = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
    ]
    assert model.create(input=[{"role": "user", "content": content}]).output_text == "You said: What is it?"
    assert PNG.encode() in model.asked.body
    assert PDF.encode() in model.asked.body


#: As Codex sends it, unless told otherwise.
CODEX: dict[str, Any] = {
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"summary": "auto", "context": "all_turns"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "01a1ff62",
    "extra_body": {"client_metadata": {"session_id": "01a1ff62", "x-codex-window-id": "01a1ff62:0"}},
}
EXEC: Any = {
    "type": "custom",
    "name": "exec",
    "description": "Runs a program.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/s"},
}
WAIT: Any = {"type": "function", "name": "wait", "strict": False, "parameters": {"type": "object", "properties": {}}}
SPACE: Any = {"type": "namespace", "name": "functions", "description": "", "tools": [EXEC, WAIT]}
SEARCH: Any = {"type": "web_search", "external_web_access": False}


@pytest.mark.parametrize("brought_along", [False, True], ids=["tools", "additional_tools"])
def test_codex_runs_as_it_is(model: Model, brought_along: bool) -> None:
    tools = [SPACE, WEATHER, SEARCH]
    conversation: list[Any] = [
        {
            "type": "message",
            "id": "msg_1",
            "role": "developer",
            "content": [{"type": "input_text", "text": "Be kind."}],
        },
        {"type": "message", "id": "msg_2", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]},
    ]
    settings = dict(CODEX)
    if brought_along:
        conversation.insert(0, {"type": "additional_tools", "id": "at_1", "role": "developer", "tools": tools})
    else:
        settings["tools"] = tools
    with model.client.responses.with_streaming_response.create(
        model=model.name, input=conversation, stream=True, **settings
    ) as raw:
        omitted = raw.headers.get("x-antiphon-omitted", "").split(", ")
        events = list(raw.parse())
    assert events[-1].type == "response.completed"
    items = [event.item for event in events if event.type == "response.output_item.done"]
    if model.name == "gpt":
        # It is asked in its own words. Of tools in items, this vendor knows nothing.
        assert json.loads(model.asked.body)["input"][-1]["content"] == conversation[-1]["content"]
        assert omitted == [""]
        return
    assert ("input[0].tools[2]" if brought_along else "tools[2]") in omitted
    assert b"web_search" not in model.asked.body
    (call,) = [item for item in items if item.type == "custom_tool_call"]
    assert (call.namespace, call.name, json.loads(call.input)) == ("functions", "exec", {"city": "Oslo"})
    conversation += [item.to_dict() for item in items]
    conversation.append(
        {"type": "custom_tool_call_output", "id": "fco_1", "call_id": call.call_id, "output": "It ran."}
    )
    answer = model.create(input=conversation, **settings)
    assert answer.output_text == "The tool said: It ran."


@pytest.mark.parametrize("name", ["deepseek", "claude", "gemini", "nova"])
def test_a_refusal_says_what_and_why(five: OpenAI, upstreams: dict[str, FakeUpstream], name: str) -> None:
    before = len(upstreams[name].requests)
    tool: Any = {"type": "file_search", "vector_store_ids": ["vs_1"]}
    with pytest.raises(BadRequestError) as refused:
        five.responses.create(model=name, input="Hello.", tools=[WEATHER, tool])
    assert (refused.value.param, refused.value.code) == ("tools[1]", "unsupported_parameter")
    assert "has no place for 'tools[1]'. It has no tool of the type 'file_search'." in refused.value.message
    assert len(upstreams[name].requests) == before, "nothing is sent"
