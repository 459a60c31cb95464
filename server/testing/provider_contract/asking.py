"""What providers are asked by the suite, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from antiphon import openai_json
from antiphon.responses import v1
from server.engine.answer.event_rules import admit
from server.engine.answer.outline import outline
from server.engine.answer.transcript import Transcript
from server.errors import (
    ServiceError,
)
from server.providers.base import CallContext, Places, Provider, TokenCounter, Unsupported
from server.testing.order import check_event_order, check_order
from server.testing.wires.base import Called, Refused, Said, Thought, Words

CANARY: Final = "sk-CANARY-0123456789"
MODEL: Final = "test-model"
TERMINAL: Final = ("completed", "incomplete", "failed")

GREETING: Final = Words(["Hel", "lo, ", "wörld 🎉", " \u2028 and\u0085 more"])
OSLO: Final = Called("call_A1b2C3d4", "get_weather", ['{"city"', ': "Os', 'lo", "days": 1.50}'])
BERGEN: Final = Called("call_E5f6G7h8", "get_weather", ['{"ci', 'ty": "Bergen 🌧"', "}"])
WEATHER: Final = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
THOUGHT: Final = Thought(["Let me ", "think", "."], proof="c2lnbmF0dXJl")

TEXT: Final = Said([GREETING])
CALLS: Final = Said([OSLO, BERGEN], stop="calls")
THOUGHTFUL: Final = Said([THOUGHT, GREETING])
THOUGHTFUL_CALL: Final = Said([THOUGHT, OSLO], stop="calls")
MIXED: Final = Said([THOUGHT, Words(["I will look."]), OSLO, BERGEN], stop="calls")


@dataclass
class Answered:
    """What came of one request."""

    events: list[v1.ResponseStreamEvent] = field(default_factory=list)
    error: ServiceError | None = None
    omitted: list[str] = field(default_factory=list)

    @property
    def last(self) -> str:
        return (self.events[-1].WhichOneof("event") or "") if self.events else ""

    @property
    def response(self) -> v1.Response:
        """The response as the engine keeps it; asserts that it is what a client of the stream adds up."""
        assert self.error is None, f"{type(self.error).__name__}: {self.error}"
        check_event_order(self.events)
        request = v1.CreateResponseRequest(model=MODEL)
        response = outline(request, "resp_1", 1_800_000_000)
        transcript = Transcript(response, incremental=True)
        copies = [v1.ResponseStreamEvent.FromString(event.SerializeToString()) for event in self.events]
        told = transcript.begin() + admit(transcript, copies)
        told = [v1.ResponseStreamEvent.FromString(event.SerializeToString()) for event in told]
        assert transcript.fault is None
        transcript.conclude()
        assert check_order(told + transcript.ending()) == []
        return response


def spelled(said: Said) -> list[tuple[str, ...]]:
    """What a response that says this holds, item by item."""
    items: list[tuple[str, ...]] = []
    for part in said.parts:
        if isinstance(part, Called):
            items.append(("call", part.call_id, part.name, part.arguments))
            continue
        kind = "reasoning" if isinstance(part, Thought) else "refusal" if isinstance(part, Refused) else "text"
        text = part.text if not isinstance(part, Refused) else "".join(part.pieces)
        if items and items[-1][0] == kind:
            items[-1] = (kind, items[-1][1] + text)
        else:
            items.append((kind, text))
    return items


def outcome(response: v1.Response) -> list[tuple[str, ...]]:
    """What a response holds, item by item; reasoning of which nothing is told is passed over."""
    items: list[tuple[str, ...]] = []
    for item in response.output:
        if item.HasField("function_call"):
            call = item.function_call
            items.append(("call", call.call_id, call.name, call.arguments))
        elif item.HasField("reasoning"):
            told = [part.reasoning_text.text for part in item.reasoning.content]
            told += [part.summary_text.text for part in item.reasoning.summary]
            if text := "".join(told):
                items.append(("reasoning", text))
        elif item.HasField("message"):
            for part in item.message.content:
                is_refusal = part.HasField("refusal")
                text = part.refusal.refusal if is_refusal else part.output_text.text
                items.append(("refusal" if is_refusal else "text", text))
    return items


def a_request(**members: Any) -> v1.CreateResponseRequest:
    whole = {"model": MODEL, "input": "Say hello."} | members
    return openai_json.decode(json.dumps(whole).encode(), v1.CreateResponseRequest)


async def count(
    provider: Provider, request: v1.CreateResponseRequest, *, unsupported: Unsupported = Unsupported.REFUSE
) -> tuple[int, list[str]]:
    """Have a request counted: its tokens, and what is left out."""
    assert isinstance(provider, TokenCounter)
    context = CallContext("req_1", "", False, unsupported=unsupported, trace_headers={"traceparent": "00-1-2-01"})
    before = request.SerializeToString(deterministic=True)
    tokens = await provider.count_tokens(request, context)
    assert request.SerializeToString(deterministic=True) == before, "the request was changed"
    return tokens, context.omitted


async def ask(
    provider: Provider,
    request: v1.CreateResponseRequest | None = None,
    *,
    incremental: bool = True,
    unsupported: Unsupported = Unsupported.REFUSE,
    inherited: int = 0,
) -> Answered:
    """Ask, and take down what comes, an error too."""
    context = CallContext("req_1", "resp_1", incremental, unsupported=unsupported, places=Places(inherited))
    answered = Answered(omitted=context.omitted)
    request = request or a_request()
    before = request.SerializeToString(deterministic=True)
    try:
        async for batch in provider.stream(request, context):
            assert batch, "a batch of nothing"
            answered.events += batch
    except ServiceError as error:
        answered.error = error
    if answered.error is not None:
        assert CANARY not in repr(vars(answered.error)) + str(answered.error)
    assert request.SerializeToString(deterministic=True) == before, "the request was changed"
    return answered
