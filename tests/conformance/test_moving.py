"""A conversation goes from one vendor to another, and back, in the midst of its reasoning and its calls."""

from __future__ import annotations

import base64
import functools
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio

from antiphon import openai_json
from antiphon.responses import v1
from server.testing.order import check_order
from server.testing.serve import serving
from server.testing.upstream import Exchange, FakeUpstream
from server.testing.vendor import speaking
from server.testing.wires import Called, Said, Thought, Wire, Words
from server.testing.wires.all import WIRES
from server.testing.wires.chat_completions import OTHERS

# One house for all: conversations do not meet.
pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Everybody that a conversation may go to: every kind, and of Chat Completions those with ways of their own.
VENDORS: dict[str, Wire] = {**WIRES, **OTHERS}

TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def proof(name: str) -> str:
    """A proof that cannot be another's, in base64 as some want it."""
    return base64.b64encode(f"the proof of {name}".encode()).decode()


def thinking(name: str, *parts: Words | Called) -> Said:
    """An answer that begins with reasoning, where the vendor has that."""
    thought = [] if "reasoning" in VENDORS[name].lacks else [Thought([f"Thinking as {name}. "], proof=proof(name))]
    return Said([*thought, *parts], stop="calls" if any(isinstance(part, Called) for part in parts) else "end")


class House:
    """A server, with every vendor behind it."""

    def __init__(self, stub: v1.ResponsesServiceStub, upstreams: dict[str, FakeUpstream]) -> None:
        self.stub = stub
        self.upstreams = upstreams
        #: What whoever is asked says.
        self._said = Said([])
        for name, upstream in upstreams.items():
            upstream.answer(functools.partial(self._speak, VENDORS[name]))

    async def turn(self, name: str, said: Said, **members: object) -> v1.Response:
        """Have a vendor say this, streamed; the response, which is what the stream adds up to."""
        self._said = said
        whole = json.dumps({"model": name} | members).encode()
        call = self.stub.StreamCreateResponse(openai_json.decode(whole, v1.CreateResponseRequest))
        events = [event async for chunk in call for event in chunk.events]
        assert check_order(events) == []
        assert "x-antiphon-omitted" not in dict(await call.initial_metadata())
        assert events[-1].HasField("completed"), events[-1]
        return events[-1].completed.response

    async def _speak(self, wire: Wire, exchange: Exchange) -> None:
        await speaking(wire, self._said)(exchange)

    def sent(self, name: str) -> Any:
        """What a vendor was sent last."""
        return self.upstreams[name].requests[-1].json

    def body(self, name: str) -> str:
        """The same as text."""
        return json.dumps(self.sent(name), ensure_ascii=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        upstreams = {name: await stack.enter_async_context(FakeUpstream()) for name in VENDORS}
        providers = {
            name: {"kind": VENDORS[name].kind} | VENDORS[name].options(f"http://127.0.0.1:{upstream.port}")
            for name, upstream in upstreams.items()
        }
        configuration = {
            "listen": {"grpc": "127.0.0.1:0", "http": None, "admin": None},
            "store": "memory",
            "providers": providers,
            "models": {name: {"provider": name, "retry": {"attempts": 1}} for name in VENDORS},
        }
        app = await stack.enter_async_context(serving(json.dumps(configuration)))
        assert app.grpc_address is not None
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(app.grpc_address))
        yield House(v1.ResponsesServiceStub(channel), upstreams)


def call_of(response: v1.Response) -> v1.FunctionToolCall:
    return next(item.function_call for item in response.output if item.HasField("function_call"))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(VENDORS, VENDORS)))
async def test_there_and_back(house: House, first: str, second: str) -> None:
    asked = await house.turn(
        first,
        thinking(first, Words(["I will look. "]), Called("call_A1b2C3d4e5", "get_weather", ['{"city": "Oslo"}'])),
        input="How is the weather in Oslo?",
        tools=[TOOL],
    )
    output = {"type": "function_call_output", "call_id": call_of(asked).call_id, "output": "17 degrees and sun"}
    answered = await house.turn(
        second,
        thinking(second, Words(["It is ", "warm."])),
        input=[output],
        previous_response_id=asked.id,
        tools=[TOOL],
    )
    sent = house.body(second)
    for text in ("How is the weather in Oslo?", "I will look. ", "get_weather", "Oslo", "17 degrees and sun"):
        assert text in sent, f"{text!r} was lost on the way from {first} to {second}"
    if first != second:
        assert proof(first) not in sent, "the proof of another vendor was sent"
    back = await house.turn(
        first, Said([Words(["As I said."])]), input="Are you sure?", previous_response_id=answered.id, tools=[TOOL]
    )
    assert back.output[-1].message.content[0].output_text.text == "As I said."
    sent = house.body(first)
    for text in ("17 degrees and sun", "It is warm.", "Are you sure?"):
        assert text in sent, f"{text!r} was lost on the way back from {second} to {first}"
    if "proof" not in VENDORS[first].lacks:
        proofs = VENDORS[first].proofs(house.sent(first))
        assert proof(first) in proofs, "its own proof was not sent back"
        assert first == second or proof(second) not in proofs


async def test_through_all_of_them(house: House) -> None:
    """Each vendor in turn, with reasoning and a call on every one, in one conversation."""
    previous: dict[str, object] = {"input": "Begin."}
    for number, name in enumerate(VENDORS):
        call = Called(f"call_of_{number}_0123456789", "get_weather", ['{"city": ', f'"City {number}"', "}"])
        response = await house.turn(name, thinking(name, call), tools=[TOOL], **previous)
        for earlier in range(number):
            assert f"City {earlier}" in house.body(name), f"lost before {name}"
            assert f"output {earlier}" in house.body(name)
        output = {"type": "function_call_output", "call_id": call_of(response).call_id, "output": f"output {number}"}
        previous = {"previous_response_id": response.id, "input": [output]}
