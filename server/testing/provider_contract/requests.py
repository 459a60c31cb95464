"""What is asked must be carried, refused or named; proofs of reasoning go back to where they came from."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.responses import v1
from server.engine.answer.outline import outline
from server.errors import (
    UnsupportedParameter,
)
from server.providers.base import Provider, Unsupported
from server.testing.provider_contract.asking import (
    TEXT,
    THOUGHT,
    THOUGHTFUL_CALL,
    WEATHER,
    a_request,
    ask,
    outcome,
    spelled,
)
from server.testing.provider_contract.base import Suite
from server.testing.provider_contract.fate import Kind, fate
from server.testing.provider_contract.wishes import WISHES
from server.testing.upstream import FakeUpstream
from server.testing.wires.base import Called, Said, Wire


class Requests(Suite):
    # Proofs of reasoning

    async def test_a_proof_goes_back_as_it_came(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "proof")
        upstream.answer(self.stream(wire, wire.frames(THOUGHTFUL_CALL)), self.stream(wire, wire.frames(TEXT)))
        first = (await ask(provider, a_request(tools=[WEATHER]))).response
        assert THOUGHT.proof is not None
        assert THOUGHT.proof not in str(first), "the proof is not sealed"
        request = a_request(tools=[WEATHER])
        self.answer_call(request, first)
        answered = await ask(provider, request)
        assert outcome(answered.response) == spelled(TEXT)
        assert answered.omitted == []
        assert wire.proofs(upstream.requests[1].json) == [THOUGHT.proof]

    @pytest.mark.parametrize("proof", ["antiphon.1.AAAA", "gAAAAABk-sealed-by-others", "antiphon.1.!!", "c2lnbmF0dXJl"])
    async def test_a_foreign_proof_is_left_out_and_nothing_else(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, proof: str
    ) -> None:
        if wire.kind == "openai" and not proof.startswith("antiphon"):
            pytest.skip("what was never sealed may be its own")
        upstream.answer(self.stream(wire, wire.frames(TEXT)))
        request = a_request(tools=[WEATHER])
        kept = outline(request, "resp_1", 0)
        thought = kept.output.add(id="rs_0123456789abcdef")
        thought.reasoning.summary.add().summary_text.text = "I thought."
        thought.reasoning.encrypted_content = proof
        call = kept.output.add(id="fc_0123456789abcdef", status="completed")
        call.function_call.call_id = "call_from_elsewhere.1"
        call.function_call.name = "get_weather"
        call.function_call.arguments = '{"city": "Oslo"}'
        self.answer_call(request, kept)
        answered = await ask(provider, request)
        assert outcome(answered.response) == spelled(TEXT)
        (sent,) = upstream.requests
        assert proof.encode() not in sent.body
        assert b"get_weather" in sent.body
        assert b"Oslo" in sent.body
        assert b"17 degrees" in sent.body

    def answer_call(self, request: v1.CreateResponseRequest, before: v1.Response) -> None:
        """Have a request go on from a response, with the outputs of its calls."""
        words = request.input_text
        request.ClearField("input_text")
        asked = request.input.add().message
        asked.role = "user"
        asked.content_text = words
        request.input.extend(before.output)
        for item in before.output:
            if item.HasField("function_call"):
                output = request.input.add().function_call_output
                output.call_id = item.function_call.call_id
                output.output_text = "17 degrees"

    # Tools that the wire knows in another form

    async def test_custom_tools(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        upstream.answer(
            self.stream(
                wire,
                wire.frames(Said([Called("call_1", "shell", ['{"inp', 'ut":"ls \\"a', '\\"\\n"}'])], stop="calls")),
            )
        )
        answered = await ask(provider, a_request(tools=[{"type": "custom", "name": "shell", "description": "Runs."}]))
        if b'"custom"' in upstream.requests[0].body:
            pytest.skip("this wire has custom tools itself")
        (item,) = [item for item in answered.response.output if item.HasField("custom_tool_call")]
        call = item.custom_tool_call
        assert (call.call_id, call.name, call.input) == ("call_1", "shell", 'ls "a"\n')

    async def test_tools_of_a_namespace(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        upstream.answer(
            self.stream(wire, wire.frames(Said([Called("call_1", "sky__get_weather", ["{}"])], stop="calls")))
        )
        request = a_request(
            tools=[{"type": "namespace", "name": "sky", "description": "Of the sky.", "tools": [WEATHER]}]
        )
        answered = await ask(provider, request)
        if b'"namespace"' in upstream.requests[0].body:
            pytest.skip("this wire has namespaces itself")
        call = answered.response.output[0].function_call
        assert (call.namespace, call.name) == ("sky", "get_weather")

    # Nothing is lost in silence

    @pytest.mark.parametrize("wish", WISHES)
    async def test_every_wish_is_carried_refused_or_named(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, wish: str
    ) -> None:
        upstream.answer(self.stream(wire, wire.frames(TEXT)))
        asked, field = WISHES[wish], wish.partition(".")[0]
        found = await fate(provider, upstream, a_request(**asked.request), a_request(**asked.beside), wish)
        if found.error is not None:
            assert str(found.error.param).startswith((field, "tools")), f"refused as {found.error.param}"
            assert upstream.requests == [], "refused only after it was sent"
            reported = await ask(provider, a_request(**asked.request), unsupported=Unsupported.REPORT)
            if isinstance(reported.error, UnsupportedParameter):
                assert field == "prompt", "cannot be left out"
                return
            assert reported.last == "completed"
            assert any(path.startswith((field, "tools")) for path in reported.omitted)
        else:
            assert found.kind is not Kind.LOST, f"{wish} was dropped in silence"

    @pytest.mark.parametrize(
        ("item", "path"),
        [
            ({"type": "hologram", "shape": [1]}, "input[1]"),
            ({"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}}, "input[1]"),
            ({"role": "user", "content": [{"type": "hologram"}]}, "input[1].content[0]"),
            ({"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}, "input[1].content[0]"),
        ],
        ids=["an unknown item", "a computer's output", "an unknown part", "an uploaded image"],
    )
    async def test_items_that_only_the_responses_api_knows(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, item: dict[str, Any], path: str
    ) -> None:
        if wire.kind == "openai":
            pytest.skip("this is the Responses API")
        upstream.answer(self.stream(wire, wire.frames(TEXT)))
        request = a_request(input=[{"role": "user", "content": "hi"}, item])
        refused = await ask(provider, request)
        assert isinstance(refused.error, UnsupportedParameter)
        assert str(refused.error.param).startswith(path)
        assert upstream.requests == []
        inherited = await ask(provider, request, inherited=2)
        assert isinstance(inherited.error, UnsupportedParameter)
        assert str(inherited.error.param).startswith("previous_response_id")
        reported = await ask(provider, request, unsupported=Unsupported.REPORT)
        assert reported.last == "completed"
        assert any(omitted.startswith(path) for omitted in reported.omitted)
