"""A conversation goes from one provider to another, and back, in the midst of its reasoning and its calls."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc.aio
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server.testing.order import check_order
from server.testing.serve import serving
from server.testing.upstream import Exchange, FakeUpstream
from server.testing.vendor import speaking
from server.testing.wires import Called, Said, Thought, Wire, Words
from server.testing.wires.all import WIRES

TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def proof(wire: Wire) -> str:
    """A proof that cannot be another's."""
    return {"openai": "Z0FBQUFCb3BlbmFp"}.get(wire.kind, f"cHJvb2Y{wire.kind.encode().hex()[:12]}")


def thinking(wire: Wire, *parts: Words | Called) -> Said:
    """An answer that begins with reasoning, where the wire has that."""
    thought = [] if "reasoning" in wire.lacks else [Thought([f"Thinking as {wire.kind}. "], proof=proof(wire))]
    return Said([*thought, *parts], stop="calls" if any(isinstance(part, Called) for part in parts) else "end")


class House:
    """A server, with every provider behind it."""

    def __init__(self, stub: v1.ResponsesServiceStub, upstreams: dict[str, FakeUpstream]) -> None:
        self.stub = stub
        self.upstreams = upstreams
        #: What whoever is asked says.
        self._said = Said([])
        for kind, upstream in upstreams.items():
            upstream.answer(functools.partial(self._speak, WIRES[kind]))

    async def turn(self, wire: Wire, said: Said, **members: object) -> v1.Response:
        """Have a provider say this, streamed; the response, which is what the stream adds up to."""
        self._said = said
        whole = json.dumps({"model": wire.kind} | members).encode()
        call = self.stub.StreamCreateResponse(openai_json.decode(whole, v1.CreateResponseRequest))
        events = [event async for chunk in call for event in chunk.events]
        assert check_order(events) == []
        assert "x-antiphon-omitted" not in dict(await call.initial_metadata())
        assert events[-1].HasField("completed"), events[-1]
        return events[-1].completed.response

    async def _speak(self, wire: Wire, exchange: Exchange) -> None:
        await speaking(wire, self._said)(exchange)

    def body(self, wire: Wire) -> str:
        """What a provider was sent last."""
        return json.dumps(self.upstreams[wire.kind].requests[-1].json, ensure_ascii=False)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        upstreams = {kind: await stack.enter_async_context(FakeUpstream()) for kind in WIRES}
        providers = {
            kind: {"kind": kind} | WIRES[kind].options(f"http://127.0.0.1:{upstream.port}")
            for kind, upstream in upstreams.items()
        }
        configuration = {
            "listen": {"grpc": "127.0.0.1:0", "http": None, "admin": None},
            "store": "memory",
            "providers": providers,
            "models": {kind: {"provider": kind, "retry": {"attempts": 1}} for kind in WIRES},
        }
        app = await stack.enter_async_context(serving(json.dumps(configuration)))
        assert app.grpc_address is not None
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(app.grpc_address))
        yield House(v1.ResponsesServiceStub(channel), upstreams)


def call_of(response: v1.Response) -> v1.FunctionToolCall:
    return next(item.function_call for item in response.output if item.HasField("function_call"))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(WIRES, WIRES)))
async def test_there_and_back(house: House, first: str, second: str) -> None:
    one, other = WIRES[first], WIRES[second]
    asked = await house.turn(
        one,
        thinking(one, Words(["I will look. "]), Called("call_A1b2C3d4e5", "get_weather", ['{"city": "Oslo"}'])),
        input="How is the weather in Oslo?",
        tools=[TOOL],
    )
    output = {"type": "function_call_output", "call_id": call_of(asked).call_id, "output": "17 degrees and sun"}
    answered = await house.turn(
        other,
        thinking(other, Words(["It is ", "warm."])),
        input=[output],
        previous_response_id=asked.id,
        tools=[TOOL],
    )
    sent = house.body(other)
    for text in ("How is the weather in Oslo?", "I will look. ", "get_weather", "Oslo", "17 degrees and sun"):
        assert text in sent, f"{text!r} was lost on the way from {first} to {second}"
    if first != second:
        assert proof(one) not in sent, "the proof of another provider was sent"
    back = await house.turn(
        one, Said([Words(["As I said."])]), input="Are you sure?", previous_response_id=answered.id, tools=[TOOL]
    )
    assert back.output[-1].message.content[0].output_text.text == "As I said."
    sent = house.body(one)
    for text in ("17 degrees and sun", "It is warm.", "Are you sure?"):
        assert text in sent, f"{text!r} was lost on the way back from {second} to {first}"
    if "proof" not in one.lacks:
        proofs = one.proofs(house.upstreams[first].requests[-1].json)
        assert proof(one) in proofs, "its own proof was not sent back"
        assert first == second or proof(other) not in proofs


async def test_through_all_of_them(house: House) -> None:
    """Each provider in turn, with reasoning and a call on every one, in one conversation."""
    previous: dict[str, object] = {"input": "Begin."}
    for number, (kind, wire) in enumerate(WIRES.items()):
        call = Called(f"call_of_{number}_0123456789", "get_weather", ['{"city": ', f'"City {number}"', "}"])
        response = await house.turn(wire, thinking(wire, call), tools=[TOOL], **previous)
        for earlier in range(number):
            assert f"City {earlier}" in house.body(wire), f"lost before {kind}"
            assert f"output {earlier}" in house.body(wire)
        output = {"type": "function_call_output", "call_id": call_of(response).call_id, "output": f"output {number}"}
        previous = {"previous_response_id": response.id, "input": [output]}
