"""The provider for Anthropic's Messages API: its answers as events, its errors, and what it is configured with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from antiphon.responses import v1
from server import errors
from server.providers.anthropic import open_provider
from server.providers.base import Provider
from server.testing import upstream as fake
from server.testing.provider_contract.asking import Answered, a_request, ask, outcome
from server.testing.upstream import FakeUpstream
from server.testing.wires.anthropic import AnthropicWire

KEY = "sk-CANARY-0123456789"
JSON = {"content-type": "application/json"}
WIRE = AnthropicWire()
USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}

Open = Callable[..., Any]


class Upstream(FakeUpstream):
    """Plays each script once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[fake.Script] = []
        self.answer(self._next)

    def say(self, *scripts: fake.Script) -> None:
        self._waiting += scripts

    async def _next(self, exchange: fake.Exchange) -> None:
        await self._waiting.pop(0)(exchange)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def opened(upstream: Upstream) -> AsyncIterator[Open]:
    """Opens providers in front of the upstream, which stay open until the end of the test."""
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> Provider:
            given = {"base_url": f"http://127.0.0.1:{upstream.port}", "api_key": KEY} | options
            provider: Provider = await stack.enter_async_context(open_provider("mock", given))
            return provider

        yield open_one


@pytest.fixture
async def provider(opened: Open) -> Provider:
    provider: Provider = await opened()
    return provider


# The wire, as it is spoken here


def text(*pieces: str, citations: Sequence[Any] = ()) -> list[Any]:
    deltas = [{"type": "citations_delta", "citation": citation} for citation in citations]
    return [{"type": "text", "text": ""}, *deltas, *({"type": "text_delta", "text": piece} for piece in pieces)]


def thinking(*pieces: str, signature: str = "c2ln") -> list[Any]:
    deltas: list[Any] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    deltas += [{"type": "signature_delta", "signature": signature}] if signature else []
    return [{"type": "thinking", "thinking": "", "signature": ""}, *deltas]


def tool(*pieces: str, kind: str = "tool_use", call_id: str = "toolu_1", name: str = "get_weather") -> list[Any]:
    begun = {"type": kind, "id": call_id, "name": name, "input": {}}
    return [begun, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces)]


def deltas_of(block: list[Any], index: int) -> list[Any]:
    begun, *deltas = block
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def stopped(reason: Any, *, usage: Any = None, **more: Any) -> list[Any]:
    delta = {"stop_reason": reason, "stop_sequence": None, "stop_details": None} | more
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5} if usage is None else usage},
        {"type": "message_stop"},
    ]


def begun(usage: Any = None) -> Any:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": []}
    return {"type": "message_start", "message": message | {"stop_reason": None, "usage": usage or USAGE}}


def stream(*blocks: list[Any], stop: str = "end_turn", **more: Any) -> fake.Script:
    events = [event for index, block in enumerate(blocks) for event in deltas_of(block, index)]
    return fake.events([begun(), *events, *stopped(stop, **more)])


def whole(*content: Any, stop: str = "end_turn", **more: Any) -> fake.Script:
    message = begun()["message"] | {"content": content, "stop_reason": stop, "stop_details": None} | more
    return fake.json_body(message)


async def answered(provider: Provider, upstream: Upstream, script: fake.Script, **members: Any) -> Answered:
    upstream.say(script)
    return await ask(provider, a_request(tools=[WEATHER], **members))


# What is sent beside the body


async def test_headers_and_path(opened: Open, upstream: Upstream) -> None:
    upstream.say(stream(text("hi")))
    await ask(await opened(betas=["a-2026-01-01", "b-2026-02-02"], version="2026-10-21", headers={"X-Team": "a"}))
    (sent,) = upstream.requests
    assert sent.path == "/v1/messages"
    assert {name: value for name, value in sent.headers.items() if name not in ("host", "content-length")} == {
        "x-api-key": KEY,
        "anthropic-version": "2026-10-21",
        "anthropic-beta": "a-2026-01-01,b-2026-02-02",
        "x-team": "a",
        "x-request-id": "req_1",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "antiphon",
    }


async def test_the_least_headers(opened: Open, upstream: Upstream) -> None:
    upstream.say(stream(text("hi")))
    await ask(await opened(api_key=None, headers={"authorization": "Bearer t-0123456"}))
    headers = upstream.requests[0].headers
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["authorization"] == "Bearer t-0123456"
    assert "x-api-key" not in headers
    assert "anthropic-beta" not in headers


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"betas": "a"}, "betas must be a list"),
        ({"betas": ["a,b"]}, r"betas\[0\] must be one name"),
        ({"betas": ["a", 7]}, r"betas\[1\] must be a string"),
        ({"max_tokens": 0}, "max_tokens must be a whole number"),
        ({"thinking": "often"}, "thinking must be one of adaptive, budget"),
        ({"version": ""}, "version is empty"),
        ({"headers": {"Anthropic-Version": "1"}}, "headers.anthropic-version stands beside version"),
        ({"betas": ["a"], "headers": {"anthropic-beta": "b"}}, "headers.anthropic-beta stands beside betas"),
        ({"api_key": KEY, "headers": {"x-api-key": "b"}}, "headers.x-api-key stands beside api_key"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=f"provider 'mock': {word}") as error:
        open_provider("mock", options)
    assert KEY not in str(error.value)


# How it ends


@pytest.mark.parametrize(
    ("stop", "last", "reason"),
    [
        ("end_turn", "completed", ""),
        ("stop_sequence", "completed", ""),
        ("tool_use", "completed", ""),
        ("max_tokens", "incomplete", "max_output_tokens"),
        ("model_context_window_exceeded", "incomplete", "max_output_tokens"),
        ("refusal", "incomplete", "content_filter"),
        ("pause_turn", "incomplete", "pause_turn"),
        ("moonrise", "incomplete", "moonrise"),
    ],
)
async def test_why_it_stops(provider: Provider, upstream: Upstream, stop: str, last: str, reason: str) -> None:
    for script in (stream(text("So", " it is"), stop=stop), whole({"type": "text", "text": "So it is"}, stop=stop)):
        told = await answered(provider, upstream, script)
        assert told.last == last
        assert outcome(told.response) == [("text", "So it is")]
        assert told.response.incomplete_details.reason == reason


async def test_a_refusal_tells_its_reason(provider: Provider, upstream: Upstream) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "That could do harm."}
    told = await answered(provider, upstream, stream(text("Well, "), stop="refusal", stop_details=details))
    assert outcome(told.response) == [("text", "Well, "), ("refusal", "That could do harm.")]
    assert told.response.incomplete_details.reason == "content_filter"
    told = await answered(provider, upstream, stream(stop="refusal", stop_details=details))
    assert outcome(told.response) == [("refusal", "That could do harm.")]
    told = await answered(provider, upstream, stream(stop="refusal", stop_details=details | {"explanation": None}))
    assert outcome(told.response) == []


@pytest.mark.parametrize(
    "events",
    [
        [begun(), *deltas_of(text("a"), 0), {"type": "message_stop"}],
        [begun(), *deltas_of(text("a"), 0), *stopped(None)],
        [begun(), begun()],
        [begun(), *deltas_of(text("a"), 0), *deltas_of(text("b"), 0)],
        [begun(), {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}],
        [begun(), {"type": "content_block_stop", "index": 0}],
        [begun(), {"type": "content_block_start", "index": None, "content_block": {"type": "text", "text": ""}}],
        [begun(), {"type": "content_block_start", "index": 0, "content_block": None}],
        [begun(), {"type": "content_block_start", "index": 0, "content_block": {}}],
        [begun(), *deltas_of([{"type": "tool_use", "id": "toolu_1", "input": {}}], 0)],
        [begun(), *deltas_of([{"type": "text", "text": ""}, {"type": "text_delta", "text": 7}], 0)],
        [begun(), {"type": "message_delta", "delta": None, "usage": {}}],
    ],
)
async def test_what_makes_no_sense(provider: Provider, upstream: Upstream, events: list[Any]) -> None:
    told = await answered(provider, upstream, fake.events(events))
    assert type(told.error) is errors.UpstreamError
    assert told.last != "completed"


@pytest.mark.parametrize("depth", [500, 1000, 100_000])
async def test_what_is_too_deep_is_no_other_error(provider: Provider, upstream: Upstream, depth: int) -> None:
    deep = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
    call = b'{"type":"tool_use","id":"toolu_1","name":"get_weather","input":%b}' % deep
    message = b'{"type":"message","content":[%b],"stop_reason":"tool_use"}' % call
    start = b'data: {"type":"content_block_start","index":0,"content_block":%b}\n\n' % call
    found = b'{"type":"web_search_tool_result","tool_use_id":"s","content":%b}' % deep
    result = b'data: {"type":"content_block_start","index":0,"content_block":%b}\n\n' % found
    for script in (fake.body(message, headers=JSON), fake.raw_stream([start]), fake.raw_stream([result])):
        told = await answered(provider, upstream, script)
        assert told.error is None or type(told.error) is errors.UpstreamError


async def test_what_is_not_known_is_passed_over(provider: Provider, upstream: Upstream) -> None:
    events = [
        begun(),
        {"type": "ping"},
        {"type": "news", "of": [1]},
        *deltas_of([{"type": "hologram", "shape": 1}, {"type": "hologram_delta", "shape": 2}], 0),
        *deltas_of([*text("a"), {"type": "glitter_delta"}, {"type": "text_delta", "text": "b"}], 1),
        *stopped("end_turn"),
    ]
    told = await answered(provider, upstream, fake.events(events))
    assert outcome(told.response) == [("text", "ab")]
    told = await answered(provider, upstream, whole({"type": "hologram"}, {"type": "text", "text": "a"}))
    assert outcome(told.response) == [("text", "a")]


# Reasoning


async def test_each_thought_is_an_item_with_a_proof(provider: Provider, upstream: Upstream) -> None:
    redacted = [{"type": "redacted_thinking", "data": "ZGF0YQ=="}]
    script = stream(thinking("One ", "two."), thinking(), redacted, text("So."), thinking("Three."), text("It is."))
    told = await answered(provider, upstream, script)
    words = [("reasoning", "One two."), ("text", "So."), ("reasoning", "Three."), ("text", "It is.")]
    assert outcome(told.response) == words
    items = list(told.response.output)
    assert [item.WhichOneof("item") for item in items] == ["reasoning"] * 3 + ["message", "reasoning", "message"]
    proofs = [item.reasoning.encrypted_content for item in items if item.HasField("reasoning")]
    assert all(proof.startswith("antiphon.1.") for proof in proofs)
    # And back, each as it was and where it was.
    upstream.say(stream(text("Yes.")))
    request = a_request(model="claude-opus-5", input=[{"role": "user", "content": "hi"}])
    request.input.extend(items)
    request.input.add().message.MergeFrom(v1.Message(role="user", content_text="Sure?"))
    await ask(provider, request)
    assert upstream.requests[-1].json["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "One two.", "signature": "c2ln"},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "So."},
        {"type": "thinking", "thinking": "Three.", "signature": "c2ln"},
        {"type": "text", "text": "It is."},
    ]


async def test_a_whole_answer_has_the_same_proofs(provider: Provider, upstream: Upstream) -> None:
    blocks: list[Any] = [
        {"type": "thinking", "thinking": "One two.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "So."},
    ]
    streamed = await answered(
        provider, upstream, stream(thinking("One ", "two."), [blocks[1]], text("So."), usage=USAGE)
    )
    at_once = await answered(provider, upstream, whole(*blocks))
    one, other = streamed.response, at_once.response
    for item in (*one.output, *other.output):
        item.ClearField("id")
    assert one.output == other.output
    assert one.usage == other.usage


async def test_that_it_thinks_is_told_at_once(provider: Provider, upstream: Upstream) -> None:
    start = deltas_of(thinking(), 0)[0]
    told = await answered(provider, upstream, fake.events([begun(), start]))
    assert [event.output_item_added.item.WhichOneof("item") for event in told.events] == ["reasoning"]


async def test_a_thought_without_a_signature_has_no_proof(provider: Provider, upstream: Upstream) -> None:
    told = await answered(provider, upstream, stream(thinking("Hm", signature=""), stop="max_tokens"))
    (item,) = told.response.output
    assert not item.reasoning.HasField("encrypted_content")


# Calls


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        (["", '{"a": 1.50, ', '"b": {}}'], '{"a": 1.50, "b": {}}'),
        ([""], "{}"),
        ([], "{}"),
    ],
)
async def test_arguments(provider: Provider, upstream: Upstream, pieces: list[str], arguments: str) -> None:
    told = await answered(provider, upstream, stream(tool(*pieces), stop="tool_use"))
    assert outcome(told.response) == [("call", "toolu_1", "get_weather", arguments)]


async def test_arguments_that_come_as_an_object_keep_their_text(provider: Provider, upstream: Upstream) -> None:
    given = '{"z": 1.50,  "a": 10000000000000000000000}'
    block = f'{{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{given}}}'
    frames = b"".join(map(fake.sse, [begun(), *deltas_of([{"$": 1}], 0), *stopped("tool_use")]))
    told = await answered(provider, upstream, fake.raw_stream([frames.replace(b'{"$":1}', block.encode())]))
    assert outcome(told.response) == [("call", "toolu_1", "get_weather", given)]
    body = json.dumps(begun()["message"] | {"content": "$", "stop_reason": "tool_use"}).replace('"$"', f"[{block}]")
    told = await answered(provider, upstream, fake.body(body.encode(), headers=JSON))
    assert outcome(told.response) == [("call", "toolu_1", "get_weather", given)]


async def test_only_the_call_that_was_cut_is_incomplete(provider: Provider, upstream: Upstream) -> None:
    blocks = [text("I look."), tool("{}", call_id="toolu_1"), tool('{"city": "Os', call_id="toolu_2")]
    told = await answered(provider, upstream, stream(*blocks, stop="max_tokens"))
    assert [item.status for item in told.response.output] == ["completed", "completed", "incomplete"]
    assert told.response.output[2].function_call.arguments == '{"city": "Os'
    told = await answered(provider, upstream, stream(*blocks, stop="tool_use"))
    assert [item.status for item in told.response.output] == ["completed"] * 3
    told = await answered(provider, upstream, stream(blocks[2], blocks[0], blocks[1], stop="tool_use"))
    assert [item.status for item in told.response.output] == ["completed"] * 3


# What it takes


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [
        ({"input_tokens": 10, "output_tokens": 1}, {"output_tokens": 7}, (10, 0, 0, 7, 0)),
        (
            {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 2},
            {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}},
            (130, 100, 20, 9, 4),
        ),
        # The last word counts: in place of the first, not beside it.
        (
            {"input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 1},
            {"input_tokens": 30, "cache_read_input_tokens": 200, "output_tokens": 9, "output_tokens_details": None},
            (230, 200, 0, 9, 0),
        ),
        (
            {"input_tokens": 10, "output_tokens": 1},
            {"input_tokens": None, "cache_read_input_tokens": "7", "output_tokens": 10**12},
            (10, 0, 0, 1, 0),
        ),
        ({"input_tokens": True, "output_tokens": -1}, {}, None),
    ],
)
async def test_usage(provider: Provider, upstream: Upstream, first: Any, last: Any, counts: Any) -> None:
    told = await answered(
        provider, upstream, fake.events([begun(first), *deltas_of(text("a"), 0), *stopped("end_turn", usage=last)])
    )
    usage = told.response.usage
    if counts is None:
        assert not told.events[-1].completed.response.HasField("usage")
        return
    read = usage.input_tokens_details
    got = (usage.input_tokens, read.cached_tokens, read.cache_write_tokens, usage.output_tokens)
    assert (*got, usage.output_tokens_details.reasoning_tokens) == counts
    assert usage.total_tokens == counts[0] + counts[3]


async def test_the_tier_and_the_searches(provider: Provider, upstream: Upstream) -> None:
    last = {"output_tokens": 1, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}
    first = USAGE | {"service_tier": "standard"}
    told = await answered(provider, upstream, fake.events([begun(first), *stopped("end_turn", usage=last)]))
    response = told.events[-1].completed.response
    assert response.service_tier == "default"
    assert response.tool_usage.web_search.num_requests == 2


# What the provider does itself

PAGE = {
    "type": "web_search_result",
    "title": "A page",
    "url": "https://example.com/a",
    "encrypted_content": "EqgfCioIfixture",
    "page_age": None,
}
CITATION = {
    "type": "web_search_result_location",
    "cited_text": "Shannon was born...",
    "url": "https://example.com/a",
    "title": "A page",
    "encrypted_index": "Eo8BCioI",
}
SEARCH = tool("", '{"query": "shan', 'non"}', kind="server_tool_use", call_id="srvtoolu_1", name="web_search")
FOUND = [{"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [PAGE]}]


async def test_a_search_and_what_cites_it(provider: Provider, upstream: Upstream) -> None:
    cited = text("he was ", "born", citations=[CITATION, CITATION | {"url": 7}])
    script = stream(SEARCH, FOUND, text("By this 🎉, "), cited, text("."))
    told = await answered(provider, upstream, script)
    search, message = told.response.output
    assert search.status == "completed"
    action = search.web_search_call.action.search
    assert (action.query, list(action.queries)) == ("shannon", ["shannon"])
    assert [source.url.url for source in action.sources] == ["https://example.com/a"]
    (part,) = message.message.content
    assert part.output_text.text == "By this 🎉, he was born."
    (note,) = part.output_text.annotations
    page = note.url_citation
    assert (page.url, page.title) == ("https://example.com/a", "A page")
    assert part.output_text.text[page.start_index : page.end_index] == "he was born"
    # And back, whole.
    request = a_request(input=[{"role": "user", "content": "hi"}])
    request.input.extend([search, message])
    request.input.add().message.MergeFrom(v1.Message(role="user", content_text="Sure?"))
    upstream.say(stream(text("Yes.")))
    again = await ask(provider, request)
    assert again.omitted == []
    assert upstream.requests[-1].json["messages"][1]["content"] == [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "shannon"}},
        FOUND[0],
        {"type": "text", "text": "By this 🎉, he was born."},
    ]
    assert "EqgfCioIfixture" not in str(search)


async def test_a_whole_answer_that_cites(provider: Provider, upstream: Upstream) -> None:
    used = SEARCH[0] | {"input": {"query": "shannon"}}
    cited = {"type": "text", "text": "he was born", "citations": [CITATION]}
    told = await answered(provider, upstream, whole(used, FOUND[0], {"type": "text", "text": "So "}, cited))
    search, message = told.response.output
    assert search.web_search_call.action.search.query == "shannon"
    (note,) = message.message.content[0].output_text.annotations
    assert (note.url_citation.start_index, note.url_citation.end_index) == (3, 14)


async def test_a_search_that_fails(provider: Provider, upstream: Upstream) -> None:
    error = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    told = await answered(provider, upstream, stream(SEARCH, [FOUND[0] | {"content": error}], text("No.")))
    assert [item.status for item in told.response.output] == ["failed", "completed"]


@pytest.mark.parametrize(
    ("name", "given", "content", "code", "logs"),
    [
        (
            "bash_code_execution",
            {"command": "ls"},
            {"type": "bash_code_execution_result", "stdout": "a\n", "stderr": "b", "return_code": 0, "content": []},
            "ls",
            ["a\nb"],
        ),
        (
            "code_execution",
            {"code": "1 + 1"},
            {"type": "code_execution_result", "stdout": "", "stderr": "", "return_code": 0, "content": []},
            "1 + 1",
            [],
        ),
        (
            "text_editor_code_execution",
            {"command": "view", "path": "a.txt"},
            {"type": "text_editor_code_execution_view_result", "file_type": "text", "content": "x = 1"},
            '{"command":"view","path":"a.txt"}',
            ["x = 1"],
        ),
    ],
)
async def test_runs_of_code(
    provider: Provider, upstream: Upstream, name: str, given: Any, content: Any, code: str, logs: list[str]
) -> None:
    use = tool(json.dumps(given), kind="server_tool_use", call_id="srvtoolu_1", name=name)
    result = [{"type": f"{name}_tool_result", "tool_use_id": "srvtoolu_1", "content": content}]
    told = await answered(provider, upstream, stream(use, result, text("So.")))
    item = told.response.output[0]
    assert item.status == "completed"
    assert item.code_interpreter_call.code == code
    assert [output.logs.logs for output in item.code_interpreter_call.outputs.items] == logs


async def test_a_search_whose_result_comes_with_the_next_answer(provider: Provider, upstream: Upstream) -> None:
    told = await answered(provider, upstream, stream(SEARCH, tool("{}"), stop="tool_use"))
    search, call = told.response.output
    assert search.status == "in_progress"
    assert call.function_call.name == "get_weather"
    request = a_request(tools=[WEATHER], input=[{"role": "user", "content": "hi"}])
    request.input.extend([search, call])
    request.input.add().function_call_output.MergeFrom(v1.FunctionToolCallOutput(call_id="toolu_1", output_text="17"))
    upstream.say(stream(FOUND, text("So.")), stream(text("Yes.")))
    told = await ask(provider, request)
    found, message = told.response.output
    assert [source.url.url for source in found.web_search_call.action.search.sources] == ["https://example.com/a"]
    request.input.extend([found, message])
    request.input.add().message.MergeFrom(v1.Message(role="user", content_text="Sure?"))
    again = await ask(provider, request)
    assert again.omitted == []
    asked, _, answer = upstream.requests[-1].json["messages"][1:4]
    assert [block["type"] for block in asked["content"]] == ["server_tool_use", "tool_use"]
    assert answer["content"] == [FOUND[0], {"type": "text", "text": "So."}]


async def test_a_turn_that_pauses_can_go_on(provider: Provider, upstream: Upstream) -> None:
    told = await answered(provider, upstream, stream(SEARCH, FOUND, stop="pause_turn"))
    assert told.last == "incomplete"
    request = a_request(input=[{"role": "user", "content": "hi"}])
    request.input.extend(told.response.output)
    upstream.say(stream(text("So.")))
    await ask(provider, request)
    last = upstream.requests[-1].json["messages"][-1]
    assert (last["role"], [block["type"] for block in last["content"]]) == (
        "assistant",
        ["server_tool_use", "web_search_tool_result"],
    )


# Errors


def error(status: int, kind: str, message: str, **more: Any) -> fake.Script:
    body = {"type": "error", "error": {"type": kind, "message": message} | more, "request_id": "req_011"}
    return fake.json_body(body, status=status)


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        (error(400, "invalid_request_error", "max_tokens: Field required"), errors.UpstreamRejected, None),
        (error(404, "not_found_error", "model: claude-x"), errors.UpstreamRejected, "not_found_error"),
        (error(413, "request_too_large", "Too large."), errors.UpstreamRejected, "request_too_large"),
        (
            error(400, "invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"),
            errors.ContextLengthExceeded,
            None,
        ),
        (
            error(400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
            errors.ContextLengthExceeded,
            None,
        ),
        (
            error(400, "invalid_request_error", "An image is too large.", details={"error_code": "image_too_large"}),
            errors.UpstreamRejected,
            "image_too_large",
        ),
        (
            error(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
            errors.InsufficientQuota,
            None,
        ),
        (error(429, "rate_limit_error", "Slow down."), errors.RateLimitExceeded, None),
        (
            error(429, "rate_limit_error", "No more.", details={"error_code": "enforced_spend_limit_reached"}),
            errors.InsufficientQuota,
            "enforced_spend_limit_reached",
        ),
        (error(529, "overloaded_error", "Overloaded"), errors.UpstreamUnavailable, None),
    ],
)
async def test_refusals(
    provider: Provider, upstream: Upstream, script: fake.Script, kind: type[errors.ServiceError], code: str | None
) -> None:
    told = await answered(provider, upstream, script)
    assert told.error is not None
    assert type(told.error) is kind
    assert told.error.code == code


@pytest.mark.parametrize(
    ("kind", "error_class"),
    [
        ("overloaded_error", errors.UpstreamUnavailable),
        ("timeout_error", errors.UpstreamUnavailable),
        ("api_error", errors.UpstreamError),
        ("rate_limit_error", errors.RateLimitExceeded),
        ("invalid_request_error", errors.UpstreamRejected),
        ("authentication_error", errors.UpstreamAuthentication),
        ("unheard_of_error", errors.UpstreamError),
        (None, errors.UpstreamError),
    ],
)
async def test_errors_in_a_stream(
    provider: Provider, upstream: Upstream, kind: Any, error_class: type[errors.ServiceError]
) -> None:
    failure = {"type": "error", "error": {"type": kind, "message": f"No, {KEY}."}, "request_id": "req_011"}
    told = await answered(provider, upstream, fake.events([begun(), *deltas_of(text("a"), 0), failure]))
    assert type(told.error) is error_class
    assert any(event.HasField("output_text_delta") for event in told.events)


# Thoughts that do not fit any more

BOUND = "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation."


async def thoughtful(provider: Provider, upstream: Upstream) -> v1.CreateResponseRequest:
    """A request that goes on from a thought."""
    first = await answered(provider, upstream, stream(thinking("Hm."), text("So.")))
    request = a_request(input=[{"role": "user", "content": "hi"}])
    request.input.extend(first.response.output)
    request.input.add().message.MergeFrom(v1.Message(role="user", content_text="Sure?"))
    return request


async def test_thoughts_that_are_refused_are_left_out(provider: Provider, upstream: Upstream) -> None:
    request = await thoughtful(provider, upstream)
    upstream.say(error(400, "invalid_request_error", BOUND), stream(text("Yes.")))
    told = await ask(provider, request)
    assert outcome(told.response) == [("text", "Yes.")]
    assert told.omitted == ["input[1]"]
    refused, sent = (one.json["messages"][1]["content"] for one in upstream.requests[-2:])
    assert [block["type"] for block in refused] == ["thinking", "text"]
    assert [block["type"] for block in sent] == ["text"]


@pytest.mark.parametrize("message", [BOUND, "max_tokens: Field required"])
async def test_other_refusals_are_told(provider: Provider, upstream: Upstream, message: str) -> None:
    request = a_request() if message == BOUND else await thoughtful(provider, upstream)
    before = len(upstream.requests)
    upstream.say(error(400, "invalid_request_error", message))
    told = await ask(provider, request)
    assert isinstance(told.error, errors.UpstreamRejected)
    assert len(upstream.requests) == before + 1
