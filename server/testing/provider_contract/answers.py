"""What is said must be told, however it comes over the wire."""

from __future__ import annotations

import random
from typing import Any

import pytest

from antiphon.responses import v1
from server.providers.base import Provider
from server.testing.provider_contract.asking import (
    CALLS,
    GREETING,
    MIXED,
    OSLO,
    TEXT,
    THOUGHTFUL,
    THOUGHTFUL_CALL,
    WEATHER,
    a_request,
    ask,
    outcome,
    spelled,
)
from server.testing.provider_contract.base import Suite
from server.testing.upstream import FakeUpstream
from server.testing.wires.base import Called, Cited, Refused, Said, Wire, Words


class Answers(Suite):
    # What is said

    @pytest.mark.parametrize(
        "said",
        [
            pytest.param(TEXT, id="text"),
            pytest.param(Said([Words(["x"])]), id="one piece"),
            pytest.param(CALLS, id="two calls"),
            pytest.param(Said([Words(["I ", "look."]), OSLO], stop="calls"), id="text and a call"),
            pytest.param(Said([Called("call_0", "get_weather", ["{}"])], stop="calls"), id="a call without arguments"),
        ],
    )
    async def test_what_is_said_is_told(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, said: Said
    ) -> None:
        upstream.answer(self.stream(wire, wire.frames(said)))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        assert outcome(answered.response) == spelled(said)
        assert answered.last == "completed"
        assert answered.omitted == []

    @pytest.mark.parametrize(
        "said", [THOUGHTFUL, THOUGHTFUL_CALL, MIXED], ids=["and text", "and a call", "text and calls"]
    )
    async def test_reasoning(self, wire: Wire, upstream: FakeUpstream, provider: Provider, said: Said) -> None:
        self.needs(wire, "reasoning")
        upstream.answer(self.stream(wire, wire.frames(said)))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        assert outcome(answered.response) == spelled(said)

    async def test_calls_whose_pieces_come_in_turns(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        self.needs(wire, "interleaved calls")
        upstream.answer(self.stream(wire, wire.frames(CALLS, interleaved=True)))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        assert outcome(answered.response) == spelled(CALLS)

    async def test_text_after_calls(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "content after calls")
        said = Said([Words(["First. "]), OSLO, Words(["Then ", "this."])], stop="calls")
        upstream.answer(self.stream(wire, wire.frames(said)))
        assert outcome((await ask(provider, a_request(tools=[WEATHER]))).response) == spelled(said)

    async def test_refusal(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "refusal")
        said = Said([Refused(["I can", "not."])])
        upstream.answer(self.stream(wire, wire.frames(said)))
        answered = await ask(provider)
        assert outcome(answered.response) == spelled(said)

    async def test_citations(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "citations")
        cited = Cited("rest on pages.", "https://example.com/a", "A page")
        parts: list[Words | Cited] = [Words(["Wörds 🎉 "]), cited, Words([" So."])]
        upstream.answer(self.stream(wire, wire.frames(Said(parts))))
        response = (await ask(provider)).response
        (message,) = [item.message for item in response.output if item.HasField("message")]
        text = "".join(part.output_text.text for part in message.content)
        assert text == Said(parts).text
        (annotation,) = [note for part in message.content for note in part.output_text.annotations]
        told = annotation.url_citation
        assert (told.url, told.title) == (cited.url, cited.title)
        assert text[told.start_index : told.end_index] == cited.text

    async def test_logprobs(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        self.needs(wire, "logprobs")
        words = Words(["Hel", "lo 🎉"], logprobs=True)
        upstream.answer(self.stream(wire, wire.frames(Said([words]))))
        response = (await ask(provider, a_request(top_logprobs=1))).response
        (part,) = response.output[0].message.content
        assert [(one.token, one.logprob) for one in part.output_text.logprobs] == [("Hel", -0.5), ("lo 🎉", -0.5)]
        assert {top.token for one in part.output_text.logprobs for top in one.top_logprobs} >= {"x"}

    # How it is framed

    async def test_a_stream_in_single_bytes(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        whole = b"".join(wire.frames(Said([GREETING, OSLO], stop="calls")))
        upstream.answer(self.stream(wire, [bytes([byte]) for byte in whole]))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        assert outcome(answered.response) == spelled(Said([GREETING, OSLO]))

    @pytest.mark.parametrize("seed", range(8))
    async def test_a_stream_cut_anywhere(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, seed: int
    ) -> None:
        whole = b"".join(wire.frames(Said([GREETING, OSLO], stop="calls")))
        cuts = sorted(random.Random(seed).sample(range(len(whole)), 12))
        chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True) if b > a]
        upstream.answer(self.stream(wire, chunks))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        assert outcome(answered.response) == spelled(Said([GREETING, OSLO]))

    @pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
    async def test_other_line_ends(self, wire: Wire, upstream: FakeUpstream, provider: Provider, end: bytes) -> None:
        self.needs(wire, "line ends")
        whole = b"".join(wire.frames(TEXT)).replace(b"\r\n", b"\n").replace(b"\n", end)
        upstream.answer(self.stream(wire, [whole[:100], whole[100:]]))
        assert outcome((await ask(provider)).response) == spelled(TEXT)

    async def test_frames_that_say_nothing(self, wire: Wire, upstream: FakeUpstream, provider: Provider) -> None:
        nothing = wire.empty() + ([] if "comments" in wire.lacks else wire.comments())
        frames = wire.frames(Said([GREETING, OSLO], stop="calls"))
        chunks = [frames[0]]
        for frame in frames[1:]:
            chunks += [*nothing, frame]
        upstream.answer(self.stream(wire, chunks))
        answered = await ask(provider, a_request(tools=[WEATHER]))
        assert outcome(answered.response) == spelled(Said([GREETING, OSLO]))

    async def test_what_comes_after_the_end_counts_for_nothing(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        upstream.answer(self.stream(wire, [b"".join(wire.frames(TEXT) + wire.frames(TEXT)[:2])]))
        answered = await ask(provider)
        if answered.error is None:
            assert outcome(answered.response) == spelled(TEXT)

    async def test_a_whole_answer_says_what_the_stream_says(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider
    ) -> None:
        self.needs(wire, "whole")
        said = TEXT if "reasoning" in wire.lacks else MIXED
        await self._is_said_either_way(wire, upstream, provider, said)

    @pytest.mark.parametrize(
        ("feature", "said"),
        [
            ("refusal", Said([Refused(["I can", "not."])])),
            ("citations", Said([Words(["Wörds 🎉 "]), Cited("rest.", "https://example.com/a", "A page")])),
            ("logprobs", Said([Words(["Hel", "lo 🎉"], logprobs=True)])),
        ],
        ids=["refusal", "citations", "logprobs"],
    )
    async def test_a_whole_answer_says_beside_its_text_what_the_stream_says(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, feature: str, said: Said
    ) -> None:
        self.needs(wire, "whole", feature)
        told = await self._is_said_either_way(wire, upstream, provider, said, top_logprobs=1)
        assert any(len(part.output_text.annotations) for part in told) is (feature == "citations")
        assert any(len(part.output_text.logprobs) for part in told) is (feature == "logprobs")

    async def _is_said_either_way(
        self, wire: Wire, upstream: FakeUpstream, provider: Provider, said: Said, **wishes: Any
    ) -> list[v1.ContentPart]:
        """The parts of the messages in it."""
        upstream.answer(self.stream(wire, wire.frames(said)), self.whole(wire, said), self.whole(wire, said))
        wishes = {} if "logprobs" in wire.lacks else wishes
        request = a_request(tools=[WEATHER], **wishes)
        streamed = (await ask(provider, request)).response
        unary = (await ask(provider, request, incremental=False)).response
        unasked = (await ask(provider, request)).response
        assert outcome(unary) == outcome(unasked) == outcome(streamed) == spelled(said)
        assert unary.usage == unasked.usage == streamed.usage
        asked = [wire.wants_stream(sent.path, sent.json) for sent in upstream.requests]
        assert asked == [True, False, True]
        parts = [[part for item in one.output for part in item.message.content] for one in (streamed, unary, unasked)]
        assert parts[0] == parts[1] == parts[2]
        return parts[0]
