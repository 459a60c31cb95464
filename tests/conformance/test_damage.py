"""Streams that are damaged in any way, and requests that make no sense: errors by name, and nothing worse."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.openai_json import spelling
from antiphon.responses import v1
from server.engine.input.validate import check_create
from server.errors import InvalidRequest, ServiceError
from server.providers.anthropic.options import Options as AnthropicOptions
from server.providers.anthropic.provider import AnthropicProvider
from server.providers.base import CallContext, Places, Unsupported
from server.providers.bedrock.options import Options as BedrockOptions
from server.providers.bedrock.provider import BedrockProvider
from server.providers.chat_completions.options import Options as ChatOptions
from server.providers.chat_completions.provider import ChatCompletionsProvider
from server.providers.gemini.options import Options as GeminiOptions
from server.providers.gemini.provider import GeminiProvider
from server.providers.openai_responses.options import Options as OpenAIOptions
from server.providers.openai_responses.provider import OpenAIResponsesProvider
from server.seal import Seal
from server.testing.canned import CannedHttp
from server.testing.order import check_event_order
from server.testing.provider_contract.asking import CALLS, GREETING, MIXED, TEXT, THOUGHTFUL, WEATHER, a_request
from server.testing.wires.all import WIRES
from server.testing.wires.base import Cited, Said, Wire
from server.testing.wires.bedrock import event as bedrock_event
from server.testing.wires.chat_completions import OTHERS

EVERY = WIRES | OTHERS
#: The provider of each kind, and its options.
KINDS: dict[str, tuple[Any, Any]] = {
    "openai": (OpenAIResponsesProvider, OpenAIOptions),
    "chat_completions": (ChatCompletionsProvider, ChatOptions),
    "anthropic": (AnthropicProvider, AnthropicOptions),
    "gemini": (GeminiProvider, GeminiOptions),
    "bedrock": (BedrockProvider, BedrockOptions),
}
CUSTOM = {"type": "custom", "name": "shell"}
DEEP = "@DEEP@"
ODD = [
    None, True, -1, 0, 1, 1e308, 2**63, "", "x", "\0", "😀", [], {}, [None], [{}], {"text": None}, {"type": "text"},
    "text", "tool_use", "thinking", "error", "url_citation", DEEP,
]  # fmt: skip
MEMBERS = ["text", "type", "index", "error", "usage", "delta", "content", "thought", "tool_calls", "annotations",
           "functionCall", "executableCode", "toolUse", "toolResult", "citation", "logprobs", "input"]  # fmt: skip


def canned(wire: Wire, *, has_key: bool = True) -> tuple[Any, CannedHttp]:
    """A provider that speaks this wire, and what answers it; without a key its seals have no secret."""
    provider, options = KINDS[wire.kind]
    http = CannedHttp()
    http.media_type = wire.stream_type
    given = wire.options("http://127.0.0.1:1")
    if not has_key:
        given.pop("api_key", None)
    return provider("tested", options.of("tested", given), http), http


def sse(value: Any) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(value)


def chat(**delta: Any) -> bytes:
    return sse({"choices": [{"index": 0, "delta": delta}]})


def gemini(*parts: Any, **members: Any) -> bytes:
    return sse({"candidates": [{"content": {"parts": parts}, **members}]})


def begun(index: int, **block: Any) -> bytes:
    return sse({"type": "content_block_start", "index": index, "content_block": block})


def added(index: int, **delta: Any) -> bytes:
    return sse({"type": "content_block_delta", "index": index, "delta": delta})


def ended(index: int) -> bytes:
    return sse({"type": "content_block_stop", "index": index})


def bedrock(index: int, **delta: Any) -> bytes:
    return bedrock_event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})


def bedrock_begun(index: int, **start: Any) -> bytes:
    return bedrock_event("contentBlockStart", {"contentBlockIndex": index, "start": start})


#: What the wires' own answers do not hold, by the kind of provider.
BESIDE: dict[str, list[bytes]] = {
    "openai": [],
    "anthropic": [
        begun(8, type="server_tool_use", id="s", name="web_search", input={"query": "q"}),
        begun(8, type="server_tool_use", id="s", name="code_execution", input={}),
        begun(9, type="web_search_tool_result", tool_use_id="s", content=[{"url": "https://example.com"}]),
        begun(9, type="code_execution_tool_result", tool_use_id="s", content={"stdout": "1"}),
        begun(7, type="redacted_thinking", data="abc"),
        *map(ended, (7, 8, 9)),
    ],
    "gemini": [
        gemini({"executableCode": {"code": "1"}}),
        gemini({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
        gemini({"inlineData": {"mimeType": "image/png", "data": "abc"}}),
        gemini({"toolCall": {"toolType": "URL_CONTEXT", "args": {"urls": ["u"]}}, "thoughtSignature": "s"}),
        gemini({"text": "", "thoughtSignature": "s"}),
        b'{"error":{"code":429}}',
    ],
    "bedrock": [
        bedrock_begun(5, toolUse={"toolUseId": "r", "name": "nova_grounding", "type": "server_tool_use"}),
        bedrock(5, toolUse={"input": '{"query": "q"}'}),
        bedrock_begun(6, toolResult={"toolUseId": "r", "status": "error"}),
        bedrock(6, toolResult=[{"text": "a"}, {"json": {"a": 1}}]),
        bedrock(7, reasoningContent={"redactedContent": "YWJj"}),
        bedrock_event("contentBlockStop", {"contentBlockIndex": 5}),
    ],
    "chat_completions": [
        chat(reasoning_details=[{"type": "reasoning.summary", "summary": "s"}]),
        chat(content=[{"type": "thinking", "thinking": "t", "signature": "s", "closed": True}]),
        chat(function_call={"name": "f", "arguments": {"a": 1}}),
        chat(tool_calls=[{"function": {"name": "f", "arguments": {"a": [1]}}}]),
        sse({"object": "error", "message": {"detail": [{"loc": [DEEP, 1], "msg": "m"}]}}),
        b'error: {"message":"m"}\n\n',
    ],
}


def answers(wire: Wire) -> list[Said]:
    said = [TEXT, CALLS, Said([])]
    if "reasoning" not in wire.lacks:
        said += [THOUGHTFUL, MIXED]
    if "citations" not in wire.lacks:
        said.append(Said([GREETING, Cited("So it is.", "https://example.com/a", "A")]))
    return said


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is something in a JSON value."""
    yield at
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in below:
        yield from places(one, (*at, key))


@st.composite
def damaged_value(draw: st.DrawFn, value: Any) -> Any:
    below = [at for at in places(value) if at]
    if not below:
        return draw(st.sampled_from(ODD))
    *above, last = draw(st.sampled_from(below))
    holder = functools.reduce(lambda held, key: held[key], above, value)
    match draw(st.sampled_from(["odd", "odd", "leave out", "rename", "copy"])):
        case "odd":
            holder[last] = draw(st.sampled_from(ODD))
        case "leave out":
            del holder[last]
        case "rename" if isinstance(holder, dict):
            holder[draw(st.sampled_from(MEMBERS))] = holder.pop(last)
        case _:
            at = draw(st.sampled_from(list(places(value))))
            copied = functools.reduce(lambda held, key: held[key], at, value)
            holder[last] = json.loads(json.dumps(copied))
    return value


@st.composite
def damaged_streams(draw: st.DrawFn, wire: Wire) -> tuple[list[bytes], bool]:
    """The chunks of a stream, and whether the provider may have said that its answer is whole."""
    frames = wire.frames(draw(st.sampled_from(answers(wire))))
    is_whole = draw(st.booleans())
    if not is_whole:
        frames.pop()
    deep = b"[" * draw(st.sampled_from([250, 980, 5000]))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(len(frames) - 1, 0)))
        frame = frames[place] if frames else b""
        match draw(st.sampled_from(["value", "value", "again", "move", "lose", "cut", "byte", "beside"])):
            case "value" if (value := payload(wire, frame)) is not None:
                is_whole = True  # by chance it says so now
                with_deep = wire.with_payload(frame, draw(damaged_value(value)))
                if wire.kind != "bedrock":  # its frames tell their length
                    with_deep = with_deep.replace(json.dumps(DEEP).encode(), deep + deep.replace(b"[", b"]"))
                frames[place] = with_deep
            case "again":
                frames.insert(draw(st.integers(0, len(frames))), frame)
            case "move" if frames:
                frames.insert(draw(st.integers(0, len(frames) - 1)), frames.pop(place))
            case "lose" if frames:
                del frames[place]
            case "cut" if frames:
                frames[place] = frame[: draw(st.integers(0, len(frame)))]
            case "byte" if frame:
                at = draw(st.integers(0, len(frame) - 1))
                frames[place] = frame[:at] + bytes([draw(st.integers(0, 255))]) + frame[at + 1 :]
            case "beside" if BESIDE[wire.kind]:
                frames.insert(place, draw(st.sampled_from(BESIDE[wire.kind])))
    data = b"".join(frames)
    size = draw(st.sampled_from([1, 7, 100, len(data) + 1]))
    return [data[at : at + size] for at in range(0, len(data), size)], is_whole


def payload(wire: Wire, frame: bytes) -> Any:
    try:
        return wire.payload(frame) if frame and b"[" * 200 not in frame else None
    except (ValueError, AssertionError, LookupError, struct.error):
        return None  # it was damaged before


async def told(
    provider: Any, request: v1.CreateResponseRequest, context: CallContext | None = None
) -> tuple[list[v1.ResponseStreamEvent], ServiceError | None]:
    events: list[v1.ResponseStreamEvent] = []
    try:
        async for batch in provider.stream(request, context or CallContext("req_1", "resp_1", True)):
            assert batch, "a batch of nothing"
            events += batch
    except ServiceError as error:
        return events, error
    return events, None


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.mark.parametrize("name", EVERY)
def test_a_damaged_stream_is_an_error_at_most(name: str, loop: asyncio.AbstractEventLoop) -> None:
    wire = EVERY[name]
    request = a_request(model=wire.model, tools=[WEATHER, CUSTOM])
    provider, http = canned(wire)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged_streams(wire))
    def check(stream: tuple[list[bytes], bool]) -> None:
        http.chunks, is_whole = stream
        events, _ = loop.run_until_complete(told(provider, request))
        kinds = [event.WhichOneof("event") for event in events]
        assert is_whole or "completed" not in kinds
        if wire.kind != "openai":  # its events are put in order later, as those of everybody's are
            check_event_order(events, ended=bool(kinds) and kinds[-1] in ("completed", "incomplete", "failed"))

    check()


# What takes minutes where each of many things is held against all others, and a moment where it is not


def supported() -> list[bytes]:
    segments = [{"startIndex": n, "endIndex": n + 3, "text": "absent"} for n in range(20_000)]
    supports = [{"segment": segment, "groundingChunkIndices": [0]} for segment in segments]
    told = {"groundingChunks": [{"web": {"uri": "u"}}], "groundingSupports": supports}
    return [gemini({"text": "abcdefghij" * 300_000}, groundingMetadata=told)]


ANSWERS: dict[str, tuple[str, Callable[[], Sequence[bytes]]]] = {
    "citations": (
        "chat_completions",
        lambda: [
            *[chat(content="a")] * 50_000,
            chat(annotations=[{"type": "url_citation", "url": f"u{n}"} for n in range(50_000)]),
        ],
    ),
    "spaces before an input": (
        "anthropic",
        lambda: [
            begun(0, type="tool_use", id="c", name="shell"),
            *[added(0, type="input_json_delta", partial_json=" " * 500)] * 20_000,
        ],
    ),
    "calls at once": (
        "gemini",
        lambda: [gemini(*({"functionCall": {"name": "f", "args": {"n": n}}} for n in range(40_000)))],
    ),
    "arguments at once": (
        "chat_completions",
        lambda: [chat(tool_calls=[{"id": f"c{n}", "function": {"name": "f", "arguments": {}}} for n in range(10_000)])],
    ),
    "sources": ("gemini", supported),
}
REQUESTS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "unknown members": ("anthropic", lambda: {f"x{n}": 1 for n in range(200_000)}),
    "outputs and words in turns": (
        "bedrock",
        lambda: {
            "input": [
                {"type": "function_call_output", "call_id": f"c{n}", "output": "x"}
                if n % 2
                else {"role": "user", "content": "a"}
                for n in range(60_000)
            ]
        },
    ),
    "files of one name": (
        "bedrock",
        lambda: {
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_file", "filename": "a", "file_data": "JVBERi0="}] * 30_000,
                }
            ]
        },
    ),
    "allowed tools": (
        "gemini",
        lambda: {
            "tools": [{"type": "function", "name": f"f{n}"} for n in range(10_000)],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f9999"}] * 100_000,
            },
        },
    ),
    "searches": (
        "chat_completions",
        lambda: {"tools": [{"type": "web_search", "filters": {}}] * 18_000},
    ),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_many(name: str, loop: asyncio.AbstractEventLoop) -> None:
    kind, frames = ANSWERS[name]
    provider, http = canned(WIRES[kind])
    http.chunks = [b"".join(frames())]
    request = a_request(model=WIRES[kind].model, tools=[WEATHER, CUSTOM])
    events, error = loop.run_until_complete(told(provider, request))
    assert error is None
    assert events


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_of_many(name: str, loop: asyncio.AbstractEventLoop) -> None:
    kind, members = REQUESTS[name]
    provider, http = canned(WIRES[kind])
    context = CallContext("req_1", "resp_1", True, unsupported=Unsupported.REPORT)
    request = a_request(model=WIRES[kind].model, **members())
    events, _ = loop.run_until_complete(told(provider, request, context))
    assert (events, len(http.sent)) == ([], 1)


# Requests that make no sense

STRINGS = [
    "", "a", "f", "\0", "a\0b", "😀", "\u2028", "  ", "N" * 300, "../x", "a/b?c#d%2f", "data:", "data:,x", "http://[",
    "data:image/png;base64,AAAA", "data:;base64,!!", "s3://b/k.pdf", "file:///etc/passwd", "AAAA", "AAAA\u00a0",
    "x.pdf", "auto", "low", "high", "max", "none", "30m", "flex", "in_progress", "failed", "image/png", "wav",
    "reasoning.encrypted_content",
]  # fmt: skip
JSON = ['{}', '{"type":"object"}', '[]', '1', '"x"', 'null', '  {  } ', '{"type":"function","name":"f"}',
        '{"type":"web_search"}', '123456789012345678901234567890', "[" * 900 + "]" * 900]  # fmt: skip
UNKNOWN = [
    '{"x":1}',
    '{"a\\r\\nb":1,"seed":3}',
    '{"encrypted_content":"antiphon.1.x"}',
    '{"top_k":' + JSON[-1] + "}",
    '{"n":2,"audio":{}}',
    '{"max_tokens":"x"}',
    '{"":1}',
    '{"x":"antiphon.1.","y":' + "[" * 300 + "]" * 300 + "}",
]
SEALED = [
    [], [1], None, "x", {}, [[]], [{}], [{"type": ["x"]}], [{"type": "server_tool_use"}], [{"type": "tool_use"}],
    [{"type": "thinking", "thinking": "t", "signature": "s"}], [{"type": "x", "tool_use_id": {}}], ["thinking", [1]],
    ["reasoning_details", 1], ["reasoning_details", [{}]], [1, 2, 3],
    {"model": "M", "proof": {"on": "text", "signature": "s", "length": -2}},
    {"model": "M", "proof": {"on": "steps", "parts": ["{}", "["], "items": -5}},
    {"model": "M", "block": {"reasoningText": {"text": "a", "signature": "b"}}}, {"model": "M", "block": 1},
]  # fmt: skip
#: Set here for what a request cannot do without, in most places.
GIVEN = {"role": ["user", "assistant", "system", "developer"], "call_id": ["c1", "c2", "é"], "namespace": ["ns"],
         "caller_id": ["x"], "tool_choice_mode": ["auto", "none", "required"], "truncation": ["auto", "disabled"],
         "arguments": ["", "{}", '{"a":1}', "[1]", '{"a"', "\0"]}  # fmt: skip
#: The engine's own, and what is never there with others.
NOT_SET = frozenset({"model", "background", "conversation", "conversation_id", "previous_response_id", "stream",
                     "prompt", "input_text"})  # fmt: skip
OFTEN = frozenset({"input", "content", "output", "tools", "name", "summary", "text", "encrypted_content", *GIVEN})
COMMON = frozenset({"message", "reasoning", "function_call", "function_call_output", "custom_tool_call",
                    "web_search_call", "code_interpreter_call", "function", "custom", "namespace", "web_search",
                    "input_text", "input_image", "input_file", "input_audio", "output_text"})  # fmt: skip


class Nonsense:
    """Fills messages with whatever their fields may hold; what it knows of seals is how they look."""

    def __init__(self, seed: int, model: str) -> None:
        self._random = random.Random(seed)
        self._model = model
        # What anybody can make, where a server has no secret.
        secret = self._random.choice(["", "another"])
        self._seals = [Seal([secret], origin) for origin in ("anthropic", "gemini", "bedrock", "chat_completions")]

    def request(self) -> v1.CreateResponseRequest:
        request = v1.CreateResponseRequest()
        self._fill(request, 6, self._random.choice([0.05, 0.15]))
        if request.HasField("tool_choice"):
            request.ClearField("tool_choice_mode")
        if not request.input:
            request.input_text = "hi"
        request.model = self._model
        return request

    def _fill(self, message: Message, depth: int, share: float = 0.3) -> None:
        for group, fields in itertools.groupby(message.DESCRIPTOR.fields, lambda field: field.containing_oneof):
            known = list(fields)
            if group is not None and len(group.fields) > 1:
                self._set(message, self._random.choice(known + [one for one in known if one.name in COMMON] * 5), depth)
                continue
            for field in known:
                if field.name not in NOT_SET and self._random.random() < (0.8 if field.name in OFTEN else share):
                    self._set(message, field, depth)

    def _set(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        if spelling.is_map(field) or (field.message_type is not None and depth == 0):
            return
        if field.message_type is not None and field.is_repeated:
            for _ in range(self._random.randint(0, 7 if field.name == "input" else 2)):
                self._fill(getattr(message, field.name).add(), depth - 1)
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
            self._fill(getattr(message, field.name), depth - 1)
        elif field.is_repeated:
            getattr(message, field.name).extend([self._scalar(field) for _ in range(self._random.randint(0, 2))])
        else:
            setattr(message, field.name, self._scalar(field))

    def _scalar(self, field: FieldDescriptor) -> Any:
        choose, options = self._random.choice, spelling.of_field(field)
        if options.catch_all:
            return choose(UNKNOWN)
        if options.raw_json:
            return choose(JSON)
        if options.fallback:
            return '{"type":"x.new"}'
        if field.enum_type is not None:
            return choose(field.enum_type.values).number
        if field.type == field.TYPE_BOOL:
            return choose([True, False])
        if field.type == field.TYPE_DOUBLE:
            return choose([0.0, 0.5, 1.0, 5e-324])
        if field.type != field.TYPE_STRING:
            return choose([1, 16, 20, 2048])
        if field.name == "encrypted_content":
            made = json.dumps(choose(SEALED)).replace('"M"', json.dumps(self._model)).encode()
            return choose(["", "antiphon.1.é", *(seal.close(made) for seal in self._seals)])
        if field.name == "name":
            return f"n{self._random.randint(0, 99)}" if self._random.random() < 0.8 else choose(STRINGS)
        return choose(GIVEN.get(field.name, STRINGS))


@pytest.mark.parametrize("name", EVERY)
def test_a_request_becomes_json_or_is_refused_by_name(name: str, loop: asyncio.AbstractEventLoop) -> None:
    wire = EVERY[name]
    made = [canned(wire, has_key=False), canned(wire)]

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32), st.sampled_from(Unsupported), st.sampled_from([0, 2]), st.booleans())
    def check(seed: int, unsupported: Unsupported, inherited: int, has_key: bool) -> None:
        provider, http = made[has_key]
        request = Nonsense(seed, wire.model).request()
        try:
            check_create(request)
        except InvalidRequest:
            return
        http.sent.clear()
        before = request.SerializeToString(deterministic=True)
        context = CallContext("req_1", "resp_1", True, unsupported=unsupported, places=Places(inherited))
        _, error = loop.run_until_complete(told(provider, request, context))
        assert request.SerializeToString(deterministic=True) == before
        assert len(set(context.omitted)) == len(context.omitted)
        if not http.sent:
            assert isinstance(error, InvalidRequest), error
            assert error.param
        for _, body in http.sent:
            json.loads(body)

    check()
