"""The wires against the vendors' own SDKs, in both directions.

What the fixtures of `server.testing.wires` say is read by the SDKs, unmodified and as strictly as they can: what one
cannot read, or reads as something else, is a fault of the fixture, and nothing is proven with it. What the adapters
send is held against the SDKs' own types of a request. What differs on purpose is listed by name, with the reason; an
entry that no longer differs fails, so that the lists stay true.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol, get_args

import anthropic
import botocore.config
import botocore.exceptions
import botocore.session
import botocore.validate
import openai
import pytest
from anthropic.types.message_create_params import MessageCreateParams
from anthropic.types.shared.error_type import ErrorType
from google.genai import errors as genai_errors
from google.genai import types as genai_types
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from google import genai
from server import registry
from server.errors import InvalidRequest
from server.providers.base import Unsupported
from server.providers.chat_completions.presets import PRESETS
from server.testing import upstream as fake
from server.testing.capabilities import ASKED
from server.testing.provider_contract.asking import (
    CALLS,
    GREETING,
    MIXED,
    TEXT,
    THOUGHTFUL,
    THOUGHTFUL_CALL,
    WEATHER,
    a_request,
    ask,
    spelled,
)
from server.testing.provider_contract.requests import WISHES
from server.testing.upstream import FakeUpstream
from server.testing.vendor import speaking
from server.testing.wires import Called, Cited, Refused, Said, Spent, Thought, Wire, Words
from server.testing.wires.all import WIRES
from server.testing.wires.bedrock import messages
from server.testing.wires.chat_completions import OTHERS

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

KEY: Final = "sk-CANARY-0123456789"
CITED: Final = Cited("rest on pages.", "https://example.com/a", "A page")
#: What is said, by what it shows, with the features that a wire must have for it.
SAID: Final[Mapping[str, tuple[Said, tuple[str, ...]]]] = {
    "text": (TEXT, ()),
    "no usage": (Said([GREETING], spent=None), ("no usage",)),
    "two calls": (CALLS, ()),
    "text and a call": (Said([Words(["I ", "look."]), *CALLS.parts[:1]], stop="calls"), ()),
    "a call without arguments": (Said([Called("call_0", "get_weather", ["{}"])], stop="calls"), ()),
    "reasoning and text": (THOUGHTFUL, ("reasoning",)),
    "reasoning and a call": (THOUGHTFUL_CALL, ("reasoning",)),
    "reasoning, text and calls": (MIXED, ("reasoning",)),
    "unproven reasoning": (Said([Thought(["Hm", "."]), GREETING]), ("reasoning",)),
    "cut": (Said([GREETING], stop="length"), ()),
    "filtered": (Said([GREETING], stop="filter"), ("filter",)),
    "refusal": (Said([Refused(["I can", "not."])]), ("refusal",)),
    "citations": (Said([Words(["Wörds 🎉 "]), CITED, Words([" So."])]), ("citations",)),
    "log probabilities": (Said([Words(["Hel", "lo 🎉"], logprobs=True)]), ("logprobs",)),
}


@dataclass
class Heard:
    """An answer, as an SDK tells it."""

    #: As `spelled` has them; the arguments of calls as values.
    items: list[tuple[Any, ...]] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)
    stop: str = ""
    spent: Spent | None = None
    #: The URL, the title and the text of each citation.
    cited: list[tuple[str, str, str]] = field(default_factory=list)
    #: Each token that was chosen, its log probability, and whether another (`x`) is told beside it.
    logprobs: list[tuple[str, float, bool]] = field(default_factory=list)
    #: What the wire holds and the SDK does not know.
    strangers: set[str] = field(default_factory=set)

    def add(self, kind: str, *said: Any) -> None:
        if self.items and kind in ("text", "reasoning", "refusal") and self.items[-1][0] == kind:
            self.items[-1] = (kind, self.items[-1][1] + said[0])
        elif kind == "call" or said[0]:
            self.items.append((kind, *said))


class Listener(Protocol):
    """Listens to a wire with its vendor's SDK."""

    async def hear(self, port: int, model: str, *, stream: bool) -> Heard: ...

    async def fail(self, port: int, model: str) -> tuple[int | None, str, str]:
        """The status, the kind and the message of the SDK's error."""
        ...

    def strangers(self, documents: Iterable[bytes]) -> set[str]:
        """What stands in pieces of an answer and is unknown to the SDK, where it does not say so itself."""
        ...


def strangers(value: Any) -> set[str]:
    """The members that the types of an SDK do not know, in what it read."""
    if isinstance(value, BaseModel):
        found = {f"{type(value).__name__}.{name}" for name in value.model_extra or ()}
        members: Iterable[Any] = (getattr(value, name) for name in type(value).model_fields)
        return found.union(*(strangers(member) for member in members))
    if isinstance(value, list):
        return set().union(*(strangers(one) for one in value))
    return set()


async def read_out(answer: Awaitable[AsyncIterable[Any]]) -> None:
    async for _ in await answer:
        pass


class ChatCompletions:
    STOPS: Mapping[str, str] = {"stop": "end", "tool_calls": "calls", "length": "length", "content_filter": "filter"}

    def client(self, port: int) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0, _strict_response_validation=True
        )

    async def hear(self, port: int, model: str, *, stream: bool) -> Heard:
        heard = Heard()
        asked: Any = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        async with self.client(port) as client:
            if not stream:
                answer = await client.chat.completions.create(**asked)
                heard.strangers |= strangers(answer)
            else:
                usage = {"stream_options": {"include_usage": True}}
                async with client.chat.completions.stream(**asked, **usage) as events:
                    async for event in events:
                        if event.type == "chunk":
                            heard.strangers |= strangers(event.chunk)
                    # The final completion is refused where the answer was cut.
                    answer = events.current_completion_snapshot
        (choice,) = answer.choices
        message: Any = choice.message
        extra = message.model_extra or {}
        for name in ("reasoning_content", "reasoning"):
            heard.add("reasoning", extra.get(name) or "")
        heard.proofs += [one["signature"] for one in extra.get("reasoning_details", ()) if one.get("signature")]
        heard.add("text", message.content or "")
        heard.add("refusal", message.refusal or "")
        for call in message.tool_calls or ():
            heard.add("call", call.id, call.function.name, json.loads(call.function.arguments))
        for note in message.annotations or extra.get("annotations") or ():
            cited: Any = note.url_citation if isinstance(note, BaseModel) else note["url_citation"]
            cited = cited.model_dump() if isinstance(cited, BaseModel) else cited
            text = message.content[cited["start_index"] : cited["end_index"]]
            heard.cited.append((cited["url"], cited["title"], text))
        for token in (choice.logprobs and choice.logprobs.content) or ():
            heard.logprobs.append((token.token, token.logprob, any(one.token == "x" for one in token.top_logprobs)))
        heard.stop = self.STOPS[choice.finish_reason]
        if answer.usage is not None:
            read, made = answer.usage.prompt_tokens_details, answer.usage.completion_tokens_details
            assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
            heard.spent = Spent(
                answer.usage.prompt_tokens,
                (read and read.cached_tokens) or (answer.usage.model_extra or {}).get("prompt_cache_hit_tokens", 0),
                (read and read.cache_write_tokens) or 0,
                answer.usage.completion_tokens,
                (made and made.reasoning_tokens) or 0,
            )
        return heard

    async def fail(self, port: int, model: str) -> tuple[int | None, str, str]:
        async with self.client(port) as client:
            with pytest.raises(openai.APIError) as caught:
                await read_out(self.ask(client, model))
        body: Any = caught.value.body
        return getattr(caught.value, "status_code", None), caught.value.code or "", body["message"]

    async def ask(self, client: openai.AsyncOpenAI, model: str) -> Any:
        said: Any = [{"role": "user", "content": "hi"}]
        return await client.chat.completions.create(model=model, messages=said, stream=True)

    def strangers(self, documents: Iterable[bytes]) -> set[str]:
        return set()


class Responses(ChatCompletions):
    async def hear(self, port: int, model: str, *, stream: bool) -> Heard:
        heard = Heard()
        async with self.client(port) as client:
            if not stream:
                answer: Any = await client.responses.create(model=model, input="hi")
            else:
                async with client.responses.stream(model=model, input="hi") as events:
                    async for event in events:
                        heard.strangers |= strangers(event)
                answer = event.response
        heard.strangers |= strangers(answer)
        calls = False
        for item in answer.output:
            if item.type == "reasoning":
                heard.add("reasoning", "".join(part.text for part in item.summary))
                heard.proofs += [item.encrypted_content] if item.encrypted_content else []
            elif item.type == "function_call":
                calls = True
                heard.add("call", item.call_id, item.name, json.loads(item.arguments))
            else:
                for part in item.content:
                    if part.type == "refusal":
                        heard.add("refusal", part.refusal)
                        continue
                    heard.add("text", part.text)
                    for note in part.annotations:
                        heard.cited.append((note.url, note.title, part.text[note.start_index : note.end_index]))
                    for token in part.logprobs or ():
                        heard.logprobs.append(
                            (token.token, token.logprob, any(one.token == "x" for one in token.top_logprobs))
                        )
        if answer.status == "completed":
            heard.stop = "calls" if calls else "end"
        else:
            heard.stop = {"max_output_tokens": "length", "content_filter": "filter"}[answer.incomplete_details.reason]
        if answer.usage is not None:
            read, made = answer.usage.input_tokens_details, answer.usage.output_tokens_details
            assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
            heard.spent = Spent(
                answer.usage.input_tokens,
                read.cached_tokens,
                read.cache_write_tokens,
                answer.usage.output_tokens,
                made.reasoning_tokens,
            )
        return heard

    async def ask(self, client: openai.AsyncOpenAI, model: str) -> Any:
        return await client.responses.create(model=model, input="hi", stream=True)


class Anthropic:
    STOPS: Mapping[str, str] = {"end_turn": "end", "tool_use": "calls", "max_tokens": "length", "refusal": "filter"}

    def client(self, port: int) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(
            base_url=f"http://127.0.0.1:{port}", api_key=KEY, max_retries=0, _strict_response_validation=True
        )

    async def hear(self, port: int, model: str, *, stream: bool) -> Heard:
        heard = Heard()
        asked: Any = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
        async with self.client(port) as client:
            if not stream:
                answer: Any = await client.messages.create(**asked)
            else:
                async with client.messages.stream(**asked) as events:
                    async for event in events:
                        heard.strangers |= strangers(event)
                    answer = await events.get_final_message()
        heard.strangers |= strangers(answer)
        for block in answer.content:
            match block.type:
                case "text":
                    heard.add("text", block.text)
                    heard.cited += [(one.url, one.title, block.text) for one in block.citations or ()]
                case "thinking":
                    heard.add("reasoning", block.thinking)
                    heard.proofs += [block.signature] if block.signature else []
                case "tool_use":
                    heard.add("call", block.id, block.name, block.input)
        heard.stop = self.STOPS[answer.stop_reason]
        usage = answer.usage
        read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        heard.spent = Spent(
            usage.input_tokens + read + written,
            read,
            written,
            usage.output_tokens,
            usage.output_tokens_details.thinking_tokens,
        )
        return heard

    async def fail(self, port: int, model: str) -> tuple[int | None, str, str]:
        async with self.client(port) as client:
            said: Any = [{"role": "user", "content": "hi"}]
            answer = client.messages.create(model=model, max_tokens=100, messages=said, stream=True)
            with pytest.raises(anthropic.APIStatusError) as caught:
                await read_out(answer)
        body: Any = caught.value.body
        return caught.value.status_code, body["error"]["type"], body["error"]["message"]

    def strangers(self, documents: Iterable[bytes]) -> set[str]:
        return set()


class Gemini:
    STOPS: Mapping[str, str] = {"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "filter"}

    def client(self, port: int) -> Any:
        options = genai_types.HttpOptions(base_url=f"http://127.0.0.1:{port}", api_version="v1beta")
        return genai.Client(api_key=KEY, vertexai=False, http_options=options).aio

    async def hear(self, port: int, model: str, *, stream: bool) -> Heard:
        heard = Heard()
        async with self.client(port) as client:
            if stream:
                answers = [one async for one in await client.models.generate_content_stream(model=model, contents="hi")]
            else:
                answers = [await client.models.generate_content(model=model, contents="hi")]
        text = ""
        for answer in answers:
            for candidate in answer.candidates or ():
                for part in (candidate.content and candidate.content.parts) or ():
                    self._part(heard, part)
                    text += "" if part.thought else part.text or ""
                if candidate.finish_reason is not None:
                    heard.stop = self.STOPS[candidate.finish_reason.value]
                for support in (candidate.grounding_metadata and candidate.grounding_metadata.grounding_supports) or ():
                    place = support.segment
                    cited = text.encode()[place.start_index or 0 : place.end_index].decode()
                    for index in support.grounding_chunk_indices:
                        page = candidate.grounding_metadata.grounding_chunks[index].web
                        heard.cited.append((page.uri, page.title, cited))
                result = candidate.logprobs_result
                if result is not None:
                    for chosen, tops in zip(result.chosen_candidates, result.top_candidates, strict=True):
                        beside = any(one.token == "x" for one in tops.candidates)
                        heard.logprobs.append((chosen.token, chosen.log_probability, beside))
            usage = answer.usage_metadata
            if usage is not None and usage.total_token_count is not None:
                thought = usage.thoughts_token_count or 0
                made = (usage.candidates_token_count or 0) + thought
                assert usage.total_token_count == usage.prompt_token_count + made
                cached = usage.cached_content_token_count or 0
                heard.spent = Spent(usage.prompt_token_count, cached, 0, made, thought)
        if heard.stop == "end" and any(item[0] == "call" for item in heard.items):
            heard.stop = "calls"
        return heard

    def _part(self, heard: Heard, part: Any) -> None:
        if part.function_call is not None:
            call = part.function_call
            heard.add("call", call.id, call.name, call.args)
        elif part.text is not None:
            heard.add("reasoning" if part.thought else "text", part.text)
        if part.thought_signature is not None:
            heard.proofs.append(base64.b64encode(part.thought_signature).decode())

    async def fail(self, port: int, model: str) -> tuple[int | None, str, str]:
        async with self.client(port) as client:
            answer = client.models.generate_content_stream(model=model, contents="hi")
            with pytest.raises(genai_errors.APIError) as caught:
                await read_out(answer)
        return caught.value.code, str(caught.value.status), str(caught.value.message)

    def strangers(self, documents: Iterable[bytes]) -> set[str]:
        found: set[str] = set()
        for document in documents:
            text = document.removeprefix(b"data: ")
            try:
                genai_types.GenerateContentResponse.model_validate_json(text)
            except ValidationError as error:
                found |= {".".join(map(str, one["loc"])) for one in error.errors()}
        return found


class Bedrock:
    STOPS: Mapping[str, str] = {
        "end_turn": "end",
        "tool_use": "calls",
        "max_tokens": "length",
        "content_filtered": "filter",
    }

    def client(self, port: int) -> Any:
        session = botocore.session.get_session()
        session.set_credentials("AKIDEXAMPLE", KEY)
        config = botocore.config.Config(retries={"total_max_attempts": 1})
        return session.create_client(
            "bedrock-runtime", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}", config=config
        )

    def ask(self, port: int, model: str) -> list[dict[str, Any]]:
        client = self.client(port)
        try:
            answer = client.converse_stream(modelId=model, messages=[{"role": "user", "content": [{"text": "hi"}]}])
            return list(answer["stream"])
        finally:
            client.close()

    async def hear(self, port: int, model: str, *, stream: bool) -> Heard:
        heard = Heard()
        calls: dict[int, list[Any]] = {}
        text = ""
        for event in await asyncio.to_thread(self.ask, port, model):
            ((kind, value),) = event.items()
            if kind == "contentBlockStart":
                use = value["start"]["toolUse"]
                calls[value["contentBlockIndex"]] = [use["toolUseId"], use["name"], ""]
            elif kind == "contentBlockDelta":
                ((kind, delta),) = value["delta"].items()
                if kind == "text":
                    heard.add("text", delta)
                    text = delta or text
                elif kind == "toolUse":
                    calls[value["contentBlockIndex"]][2] += delta["input"]
                elif kind == "citation":
                    heard.cited.append((delta["location"]["web"]["url"], delta["title"], text))
                else:
                    heard.add("reasoning", delta.get("text", ""))
                    heard.proofs += [delta["signature"]] if "signature" in delta else []
            elif kind == "contentBlockStop" and value["contentBlockIndex"] in calls:
                call_id, name, arguments = calls[value["contentBlockIndex"]]
                heard.add("call", call_id, name, json.loads(arguments))
            elif kind == "messageStop":
                heard.stop = self.STOPS[value["stopReason"]]
            elif kind == "metadata":
                usage = value["usage"]
                read, written = usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]
                asked = usage["inputTokens"] + read + written
                heard.spent = Spent(asked, read, written, usage["outputTokens"], 0)
        return heard

    async def fail(self, port: int, model: str) -> tuple[int | None, str, str]:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            await asyncio.to_thread(self.ask, port, model)
        told: Any = caught.value.response
        status = told.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status, told["Error"]["Code"], told["Error"]["Message"]

    def strangers(self, documents: Iterable[bytes]) -> set[str]:
        """Its SDK passes over what it does not know, and over events without members that they must have."""
        found: set[str] = set()
        for document in documents:
            for headers, payload in messages(document):
                kind = headers.get(":event-type") or headers[":exception-type"]
                events = CONVERSE.output_shape.members["stream"].members
                found |= set(misfits(events[kind], json.loads(payload), kind)) if kind in events else {kind}
        return found


#: What Bedrock's service is, by AWS's own model of it.
BEDROCK: Final[Any] = botocore.session.get_session().get_service_model("bedrock-runtime")
CONVERSE: Final[Any] = BEDROCK.operation_model("ConverseStream")


def misfits(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What a value holds against a shape: members that are unknown or missing, and what botocore leaves to the service
    (words of no list, patterns, longest lengths, base64)."""
    if getattr(shape, "is_document_type", False):
        return
    limits = shape.metadata
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                yield f"{path}.{name} is missing"
        for name, member in value.items():
            if name in shape.members:
                yield from misfits(shape.members[name], member, f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif shape.type_name == "list":
        for member in value:
            yield from misfits(shape.member, member, f"{path}[]")
    elif shape.type_name == "blob":
        base64.b64decode(value, validate=True)
    elif isinstance(value, str):
        if limits.get("enum", [value]).count(value) == 0:
            yield f"{path} is {value}"
        if not re.fullmatch(limits.get("pattern", ".*"), value, re.DOTALL):
            yield f"{path} is like {value}"
    size = len(value) if isinstance(value, str | list) else value
    if "max" in limits and size > limits["max"]:
        yield f"{path} is over {limits['max']}"


LISTENERS: Final[Mapping[str, Listener]] = {
    "openai": Responses(),
    "chat_completions": ChatCompletions(),
    "openrouter": ChatCompletions(),
    "deepseek": ChatCompletions(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "bedrock": Bedrock(),
}
#: Those that these SDKs can read: Mistral's content may be a list, which OpenAI's takes for none.
SPOKEN: Final[Mapping[str, Wire]] = {**WIRES, **{name: OTHERS[name] for name in ("openrouter", "deepseek")}}


def all_of(reason: str, kinds: Iterable[str], *names: str) -> dict[str, str]:
    return {f"{kind}.{name}": reason for kind in kinds for name in names}


_CHAT: Final = ("ChoiceDelta", "ParsedChatCompletionMessage", "ChatCompletionMessage")
_EVENTS: Final = (
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
)
_CITES: Final = all_of("known in whole answers alone", _CHAT[:1], "annotations")
#: What stands on a wire and is unknown to the SDK that reads it, and why it stands there.
UNKNOWN: Final[Mapping[str, Mapping[str, str]]] = {
    "openai": {
        **all_of("Open Responses requires it", ("Response", "ParsedResponse"), "store"),
        **all_of("Open Responses requires it", ("Response", "ParsedResponse"), "presence_penalty", "frequency_penalty"),
        **all_of("told in items, and so in events", ("Logprob", "LogprobTopLogprob"), "bytes"),
    },
    "chat_completions": _CITES,
    "openrouter": {
        **_CITES,
        **all_of("its form of reasoning", _CHAT, "reasoning", "reasoning_details"),
        **all_of("its price", ("CompletionUsage",), "cost"),
    },
    "deepseek": {
        **all_of("its form of reasoning", _CHAT, "reasoning_content"),
        **all_of("its cache", ("CompletionUsage",), "prompt_cache_hit_tokens", "prompt_cache_miss_tokens"),
    },
    "anthropic": {},
    "gemini": {},
    "bedrock": {
        **all_of("padding", _EVENTS, "p"),
        "metadata.usage.serverToolUsage": "seen in answers",
        "somethingNew": "stands for an event of a version to come",
    },
}
#: Google's SDK takes every line for data or an error.
NO_COMMENTS: Final = frozenset({"gemini"})


def spoken(wire: Wire, said: Said, how: str) -> list[bytes]:
    """The frames of an answer, or the whole of it alone."""
    if how == "whole":
        return [wire.body(said)]
    frames = wire.frames(said, interleaved=how == "interleaved calls", late_usage=how == "late usage")
    if how != "with empty frames":
        return frames
    nothing = wire.empty() + ([] if "comments" in wire.lacks or wire.kind in NO_COMMENTS else wire.comments())
    return [frames[0], *(piece for frame in frames[1:] for piece in (*nothing, frame))]


def told(wire: Wire, said: Said) -> Heard:
    """What is to be heard when this is said."""
    heard = Heard(stop=said.stop, spent=said.spent)
    for item in spelled(said):
        heard.items.append((*item[:3], json.loads(item[3])) if item[0] == "call" else item)
    if heard.spent is not None and "reasoning tokens" in wire.lacks:
        heard.spent = replace(heard.spent, reasoning=0)
    if heard.spent is not None and "cache_write" in wire.lacks:
        heard.spent = replace(heard.spent, cache_write=0)
    for part in said.parts:
        if isinstance(part, Thought) and part.proof is not None and "proof" not in wire.lacks:
            heard.proofs.append(part.proof)
        elif isinstance(part, Cited):
            heard.cited.append((part.url, part.title, part.text))
        elif isinstance(part, Words) and part.logprobs:
            heard.logprobs += [(piece, -0.5, True) for piece in part.pieces]
    return heard


@pytest.mark.parametrize(
    ("what", "how"),
    [
        *((what, how) for what in SAID for how in ("streamed", "whole")),
        *((what, how) for what in ("text", "reasoning, text and calls") for how in ("late usage", "with empty frames")),
        ("two calls", "interleaved calls"),
    ],
)
@pytest.mark.parametrize("name", SPOKEN)
async def test_what_is_said_is_heard(name: str, what: str, how: str) -> None:
    wire, listener = SPOKEN[name], LISTENERS[name]
    said, needed = SAID[what]
    for feature in (*needed, how):
        if feature in wire.lacks:
            pytest.skip(f"{name} has no {feature}: {wire.lacks[feature]}")
    pieces = spoken(wire, said, how)
    async with FakeUpstream() as upstream:
        if how == "whole":
            upstream.answer(fake.body(pieces[0], headers={"content-type": "application/json"}))
        else:
            upstream.answer(fake.raw_stream(pieces, wire.stream_type))
        heard = await listener.hear(upstream.port, wire.model, stream=how != "whole")
    unknown, heard.strangers = heard.strangers, set()
    assert heard == told(wire, said)
    assert unknown | listener.strangers(piece for piece in pieces if not piece.startswith(b":")) <= UNKNOWN[name].keys()


#: The kinds of errors that there are, by the SDKs; OpenAI's name none.
KINDS: Final[Mapping[str, frozenset[str]]] = {
    # The first is the edge's, not the API's: https://platform.claude.com/docs/en/api/errors
    "anthropic": frozenset({"request_too_large", *get_args(ErrorType)}),
    "gemini": frozenset(
        {"INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "RESOURCE_EXHAUSTED", "INTERNAL",
         "UNAVAILABLE", "UNKNOWN"}
    ),
    # The last is of all services: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
    "bedrock": frozenset({*(shape.name for shape in CONVERSE.error_shapes), "UnrecognizedClientException"}),
}  # fmt: skip


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
@pytest.mark.parametrize("name", SPOKEN)
async def test_refusals_are_heard(name: str, status: int) -> None:
    wire = SPOKEN[name]
    headers, body = wire.error(status, "No good.")
    async with FakeUpstream() as upstream:
        upstream.answer(fake.body(body, status=status, headers=headers))
        told_status, kind, message = await LISTENERS[name].fail(upstream.port, wire.model)
    assert (told_status, message) == (status, "No good.")
    if wire.kind in KINDS and not kind.isdigit():
        assert kind in KINDS[wire.kind]


@pytest.mark.parametrize("name", SPOKEN)
async def test_errors_in_the_midst_of_a_stream_are_heard(name: str) -> None:
    wire = SPOKEN[name]
    async with FakeUpstream() as upstream:
        upstream.answer(fake.raw_stream(wire.failing(TEXT, "No good."), wire.stream_type))
        _, kind, message = await LISTENERS[name].fail(upstream.port, wire.model)
    assert message == "No good."
    if wire.kind in KINDS:
        assert kind.lower() in {known.lower() for known in KINDS[wire.kind]}


# What is sent


class GeminiBody(BaseModel):
    """The body of generateContent, whose parts alone have types in Google's SDK."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)
    contents: list[genai_types.Content]
    system_instruction: genai_types.Content | None = None
    tools: list[genai_types.Tool] | None = None
    tool_config: genai_types.ToolConfig | None = None
    generation_config: genai_types.GenerationConfig | None = None
    service_tier: genai_types.ServiceTier | None = None
    store: bool | None = None


def lost(sent: Any, read: Any, path: str = "") -> Iterator[str]:
    """What of a value its reader did not take, or took for something else."""
    if isinstance(sent, dict) and isinstance(read, dict):
        for name, member in sent.items():
            yield from lost(member, read[name], f"{path}.{name}") if name in read else [f"{path}.{name}"]
    elif isinstance(sent, list) and isinstance(read, list) and len(sent) == len(read):
        for one, other in zip(sent, read, strict=True):
            yield from lost(one, other, f"{path}[]")
    elif sent != read or type(sent) is not type(read):
        yield f"{path} is {sent!r}"


def spread(value: Any) -> Any:
    """A value without the iterators in it: pydantic reads those later than the rest."""
    if isinstance(value, dict):
        return {name: spread(member) for name, member in value.items()}
    return value if isinstance(value, str | int | float | None) else [spread(one) for one in value]


def typed(params: Any) -> Callable[[Any], set[str]]:
    """What a body holds against the parameters of an SDK's method."""
    adapter: TypeAdapter[Any] = TypeAdapter(params)

    def check(body: Any) -> set[str]:
        try:
            return set(lost(body, spread(adapter.validate_python(body))))
        except ValidationError as error:
            return {f"invalid: {error.errors()[0]['msg']}"}

    return check


def of_gemini(body: Any) -> set[str]:
    # Google writes base64 with other signs than it reads.
    text = json.dumps(body).replace("+", "-").replace("/", "_")
    try:
        read = GeminiBody.model_validate_json(text)
    except ValidationError as error:
        return {str(one["loc"]) for one in error.errors()}
    return set(lost(json.loads(text), read.model_dump(mode="json", by_alias=True, exclude_none=True)))


def of_bedrock(body: Any) -> set[str]:
    report = botocore.validate.ParamValidator().validate({"modelId": "m", **body}, CONVERSE.input_shape)
    if report.has_errors():
        return {report.generate_report()}
    return set(misfits(CONVERSE.input_shape, {"modelId": "m", **body}, ""))


CHECKS: Final[Mapping[str, Callable[[Any], set[str]]]] = {
    "openai": typed(ResponseCreateParams),
    "chat_completions": typed(CompletionCreateParams),
    "anthropic": typed(MessageCreateParams),
    "gemini": of_gemini,
    "bedrock": of_bedrock,
}

IMAGE: Final = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
SEARCH: Final = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "q"},
}
CODE: Final = {
    "type": "code_interpreter_call",
    "id": "ci_1",
    "status": "completed",
    "code": "1",
    "container_id": "c",
    "outputs": [{"type": "logs", "logs": "1"}],
}
INTERPRETER: Final = {"type": "code_interpreter", "container": {"type": "auto"}}


def a_file(name: str, mime: str) -> dict[str, Any]:
    return {"type": "input_file", "filename": name, "file_data": f"data:{mime};base64,aGk="}


def given(part: Mapping[str, Any]) -> dict[str, Any]:
    """A question with this beside it."""
    return {"input": [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, part]}]}


def returned(output: Any, *, call_id: str = "call_1", arguments: str = "{}") -> dict[str, Any]:
    """A call that came to this."""
    called = {"type": "function_call", "call_id": call_id, "name": "get_weather", "arguments": arguments}
    came = {"type": "function_call_output", "call_id": call_id, "output": output}
    return {"input": [{"role": "user", "content": "hi"}, called, came], "tools": [WEATHER]}


def after(item: Mapping[str, Any]) -> dict[str, Any]:
    """A conversation with this in its midst."""
    said = {"role": "assistant", "content": "So."}
    return {"input": [{"role": "user", "content": "hi"}, item, said, {"role": "user", "content": "And now?"}]}


#: What is asked, beside all that the tables of features hold: what adapters have to bend.
_MORE: Final[Mapping[str, Mapping[str, Any]]] = {
    "a video": given(a_file("a.mp4", "video/mp4")),
    "a sound as a file": given(a_file("a.mp3", "audio/mp3")),
    "a text as a file": given(a_file("a.txt", "text/plain")),
    "an image in S3": given({"type": "input_image", "image_url": "s3://bucket/a.png"}),
    "an image looked at closely": given(IMAGE | {"detail": "high"}),
    "an image as it is": given(IMAGE | {"detail": "original"}),
    "a sound in an output": returned([a_file("a.mp3", "audio/mp3")]),
    "a video in an output": returned([a_file("a.mp4", "video/mp4")]),
    "a text in an output": returned([a_file("a.txt", "text/plain")]),
    "an output of nothing": returned([]),
    "arguments that were cut": returned("1", arguments='{"city": "Os'),
    "an id that few take": returned("1", call_id="call/1|ö" * 20),
    "a refusal before": after({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}),
    "a search before": after(SEARCH),
    "a search before, and now": after(SEARCH) | {"tools": [{"type": "web_search"}]},
    "code before": after(CODE),
    "code before, and now": after(CODE) | {"tools": [INTERPRETER]},
    "the assistant first": {"input": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "hi"}]},
    "instructions alone": {"input": [{"role": "system", "content": "Be brief."}]},
    "a search from somewhere": {
        "tools": [
            {
                "type": "web_search",
                "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"},
                "filters": {"allowed_domains": ["example.com"]},
            }
        ]
    },
    "a search and a function": {"tools": [{"type": "web_search"}, WEATHER]},
    "a name that is too long": {"tools": [WEATHER | {"name": "f" * 100}]},
    "a function of nothing": {"tools": [{"type": "function", "name": "f"}]},
    "a custom tool that must be called": {
        "tools": [{"type": "custom", "name": "c"}],
        "tool_choice": {"type": "custom", "name": "c"},
    },
    "one call, which must be": {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False},
    "a thought within few tokens": {"reasoning": {"effort": "high", "summary": "auto"}, "max_output_tokens": 2000},
    "a thought and a form": {
        "reasoning": {"effort": "high"},
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"type": "object"}, "description": "d"}},
    },
    "a cache for longer": {"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}},
    "no chance": {"temperature": 0, "top_p": 0.01},
    "too much chance": {"temperature": 2},
}
ASKED_OF_ALL: Final[Mapping[str, Mapping[str, Any]]] = {
    **{feature: members for features in ASKED.values() for feature, members in features.items()},
    **{f"the field `{field}`": {field: value} for field, value in WISHES.items()},
    **_MORE,
}


@dataclass(frozen=True)
class Asker:
    """An adapter with options, that is asked for a model; and what it says that the SDK's types do not know, with the
    reason: a member, or the request whose body they take for none."""

    kind: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    beyond: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.kind, *map(str, self.options.values()), self.model])


_FILES: Final = ("files in base64", "a video", "a sound as a file", "a text as a file")
_RETURNED: Final = ("files in outputs", "a sound in an output", "a text in an output", "a video in an output")
#: Of the version of the API that adapters speak: the SDK's, 2026-10-21, has none.
_SAMPLES: Final = {".temperature": "older models take it", ".top_p": "older models take it"}
#: What single vendors call otherwise than OpenAI does, by their preset.
_PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    "deepseek": {
        **dict.fromkeys((*_FILES, *_RETURNED), "a file stands in its part itself"),
        ".messages[].reasoning_content": "calls are not taken without what was thought before",
        ".thinking": "how it is kept from thinking",
    },
    "moonshot": {
        ".messages[].reasoning_content": "calls are not taken without what was thought before",
        ".thinking": "how it is kept from thinking",
    },
    "modelscope": {".enable_thinking": "how it is made to think, or kept from it"},
    "openrouter": {
        **dict.fromkeys(("images in outputs", *_RETURNED), "outputs may hold media"),
        ".messages[].content[].cache_control": "as Anthropic has it",
        ".reasoning": "its form of effort",
    },
    "mistral": {
        **dict.fromkeys(("files by URL", *_FILES), "a file is a document_url"),
        **dict.fromkeys(("images in outputs", *_RETURNED), "outputs may hold media"),
    },
    "together": {".reasoning": "how it is kept from thinking"},
    "siliconflow": {".enable_thinking": "how it is made to think, or kept from it"},
}
ASKERS: Final = (
    Asker("openai", "gpt-5.6"),
    *(Asker("chat_completions", "m", {"preset": name}, _PRESETS.get(name, {})) for name in PRESETS),
    *(Asker("anthropic", name) for name in ("claude-opus-5", "claude-sonnet-5-5")),
    *(
        Asker("anthropic", name, beyond=_SAMPLES)
        for name in ("claude-opus-4-6", "claude-sonnet-4-5")
    ),
    *(
        Asker("gemini", name)
        for name in ("gemini-3.8-flash", "gemini-2.5-pro", "gemini-2.0-flash")
    ),
    Asker("gemini", "gemini-3.8-flash", {"project": "p", "location": "global"}),
    *(
        Asker("bedrock", name)
        for name in ("us.anthropic.claude-sonnet-4-6", "anthropic.claude-opus-5", "amazon.nova-2-lite-v1:0",
                     "openai.gpt-oss-120b-1:0", "mistral.mistral-large-3")
    ),
)  # fmt: skip


@pytest.mark.parametrize("asker", ASKERS, ids=str)
async def test_what_is_sent_is_of_the_sdks_types(asker: Asker) -> None:
    wire, check = WIRES[asker.kind], CHECKS[asker.kind]
    found: dict[str, str] = {}
    async with FakeUpstream() as upstream:
        upstream.answer(speaking(wire, TEXT))
        options = wire.options(f"http://127.0.0.1:{upstream.port}") | dict(asker.options)
        async with registry.provider(asker.kind)("asker", options) as provider:
            for what, members in ASKED_OF_ALL.items():
                asked = {"model": asker.model, "input": "Say hello."} | members
                answered = await ask(provider, a_request(**asked), unsupported=Unsupported.REPORT)
                if answered.error is not None:
                    assert isinstance(answered.error, InvalidRequest), what
                    continue
                faults = check(upstream.requests[-1].json)
                if asker.kind == "openai" and check(asked):
                    continue  # it goes on as it came
                for fault in faults:
                    found.setdefault(what if fault.startswith("invalid") else fault, f"{what}: {fault}")
    assert found.keys() == asker.beyond.keys(), found


GOLDEN: Final = sorted((Path(__file__).parents[1] / "golden/requests").glob("*/*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden_requests_are_of_the_sdks_types(path: Path) -> None:
    beyond = {
        # As OpenAI tells the item, so callers send it back; the SDK has it in answers alone.
        "openai/10_reasoning_and_custom_tools": {".input[].status"},
        "anthropic/02_instructions_and_settings": {".temperature"},
    }
    kind = path.parent.name
    assert CHECKS[kind](json.loads(path.read_bytes())) == beyond.get(f"{kind}/{path.stem}", set())


# Where it is sent

#: Headers that say who asks. Anthropic's are left out: its API takes a key either way, and its SDK asks for the version
#: 2026-10-21, which takes no `temperature`: https://platform.claude.com/docs/en/api/migration-2026-10-21
_HEADERS: Final = ("authorization", "x-goog-api-key", "x-amz-security-token")
_PROFILE: Final = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"


def place(request: fake.Request) -> tuple[str, str, dict[str, str]]:
    """Method, path (in which a colon may be spelled either way), and who asks; of a signature all but itself and its
    day."""
    headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
    if "anthropic-version" in request.headers:
        headers.clear()
    signed = re.sub(r"/\d{8}/|SignedHeaders=.*", "", headers.get("authorization", ""))
    return request.method, request.path.replace("%3A", ":"), headers | ({"authorization": signed} if signed else {})


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("kind", "model"),
    [
        *((kind, wire.model) for kind, wire in WIRES.items()),
        ("bedrock", _PROFILE),
        ("bedrock", "anthropic.claude-3-haiku-20240307-v1:0"),
    ],
)
async def test_adapters_ask_where_the_sdks_do(kind: str, model: str, stream: bool) -> None:
    wire = WIRES[kind]
    async with FakeUpstream() as upstream:
        upstream.answer(speaking(wire, TEXT))
        await LISTENERS[kind].hear(upstream.port, model, stream=stream)
        options = wire.options(f"http://127.0.0.1:{upstream.port}")
        options.pop("session_token", None)
        async with registry.provider(kind)("asker", options) as provider:
            answered = await ask(provider, a_request(model=model), incremental=stream)
        assert answered.error is None
        theirs, ours = map(place, upstream.requests)
        assert ours == theirs
