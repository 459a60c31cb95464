"""What is told of Gemini's answers: fixtures by the vendor's pages that the adapter names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server.errors import (
    ContextLengthExceeded,
    InsufficientQuota,
    RateLimitExceeded,
    ServiceError,
    UpstreamAuthentication,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from server.providers.base import CallContext
from server.providers.gemini.answer import GeminiTranslator
from server.providers.gemini.proofs import Proof, Proofs
from server.providers.gemini.reader import GeminiReader
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.mask import Mask
from server.seal import Seal
from server.testing.order import check_event_order

MODEL = "gemini-3.8-flash"
PROOFS = Proofs(Seal(("a key of the tests",), "gemini"), MODEL)
SIGNATURE = "Es8FCswFAXLIAb4+9vvWwdN+"
PNG = "iVBORw0KGgo="


def a_reader(*tools: dict[str, Any], max_event_bytes: int = 1 << 20) -> GeminiReader:
    whole = {"model": MODEL, "input": "hi", "tools": list(tools)}
    request = openai_json.decode(json.dumps(whole).encode(), v1.CreateResponseRequest)
    offered = Tools(request, Loss(CallContext("req_1", "resp_1", True), "Gemini's API"))
    translator = GeminiTranslator(offered, PROOFS, Mask(["sk-CANARY-0123456789"]))
    return GeminiReader(translator, max_event_bytes=max_event_bytes)


def chunk(*parts: Any, **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "index": 0} | candidate]}


def frame(value: Any) -> bytes:
    return (
        b"data: "
        + (value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode())
        + b"\r\n\r\n"
    )


def last(reason: str = "STOP", **members: Any) -> dict[str, Any]:
    return {"candidates": [{"finishReason": reason, "index": 0} | members]}


def streamed(*chunks: Any, reader: GeminiReader | None = None) -> list[v1.ResponseStreamEvent]:
    """The events of a stream that ends after these chunks. Raises what it fails with."""
    reader = reader or a_reader()
    events: list[v1.ResponseStreamEvent] = []
    for one in chunks:
        events += reader.feed(frame(one))
        if reader.failure is not None:
            raise reader.failure
    events += reader.end()
    return events


def told(events: Sequence[v1.ResponseStreamEvent]) -> v1.Response:
    """The last response, with all that was done as its output."""
    items = check_event_order(events)
    response = v1.Response()
    response.CopyFrom(getattr(events[-1], events[-1].WhichOneof("event") or "").response)
    response.output.extend(items)
    return response


def answer(*chunks: Any) -> v1.Response:
    return told(streamed(*chunks))


def spelled(response: v1.Response) -> list[Any]:
    """The items, in short; proofs are opened."""
    items: list[Any] = []
    for item in response.output:
        if item.HasField("message"):
            items.append("".join(part.output_text.text for part in item.message.content))
        elif item.HasField("reasoning"):
            summary = "".join(part.summary_text.text for part in item.reasoning.summary)
            items.append((summary, PROOFS.open(item.reasoning.encrypted_content)))
        elif item.HasField("function_call"):
            items.append({item.function_call.call_id: (item.function_call.name, item.function_call.arguments)})
        else:
            items.append(item.WhichOneof("item"))
    return items


def a_call(name: str = "f", **members: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name} | members}


# Ends


@pytest.mark.parametrize(
    ("reason", "status", "detail"),
    [
        ("STOP", "COMPLETED", ""),
        ("MAX_TOKENS", "INCOMPLETE", "max_output_tokens"),
        ("CONTINUATION", "INCOMPLETE", "max_output_tokens"),
        *[
            (reason, "INCOMPLETE", "content_filter")
            for reason in (
                *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
                *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION"),
            )
        ],
        *[
            (reason, "FAILED", "")
            for reason in (
                *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
                *("MISSING_THOUGHT_SIGNATURE", "NO_IMAGE", "OTHER", "IMAGE_OTHER", "PUP_LIMITED_DISABLED"),
                "SOMETHING_NEW",
            )
        ],
    ],
)
def test_finish_reasons(reason: str, status: str, detail: str) -> None:
    response = answer(chunk({"text": "So"}), last(reason) | {"usageMetadata": {"totalTokenCount": 3}})
    assert response.status == getattr(v1.Response, f"STATUS_{status}")
    assert response.incomplete_details.reason == detail
    assert (response.error.code == "server_error") is (status == "FAILED")
    assert spelled(response) == ["So"]
    assert response.HasField("usage")


def test_a_malformed_call_does_not_show_what_it_was() -> None:
    message = "Malformed function call: print(default_api.create(name='secret'))"
    response = answer(
        {"candidates": [{"content": {}, "finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": message}]}
    )
    assert response.status == v1.Response.STATUS_FAILED
    assert response.error.message == "The model wrote a call that cannot be read. Try again."


def test_the_call_of_a_tool_that_was_not_offered_is_not_passed_on() -> None:
    assert spelled(answer(chunk(a_call(), finishReason="UNEXPECTED_TOOL_CALL"))) == []


def test_a_blocked_prompt() -> None:
    blocked = {"promptFeedback": {"blockReason": "MODEL_ARMOR", "blockReasonMessage": "It violated filters."}}
    response = answer(blocked | {"usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7}})
    assert response.status == v1.Response.STATUS_INCOMPLETE
    assert response.incomplete_details.reason == "content_filter"
    assert response.usage.input_tokens == 7


def test_the_longest_output_reached_while_thinking() -> None:
    response = answer({"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}]})
    assert response.incomplete_details.reason == "max_output_tokens"
    assert list(response.output) == []


@pytest.mark.parametrize(
    "chunks", [[], [chunk({"text": "So"})], [chunk({"text": "So"}, finishReason="FINISH_REASON_UNSPECIFIED")]]
)
def test_without_a_reason_nothing_is_whole(chunks: list[Any]) -> None:
    events = streamed(*chunks)
    assert all(event.WhichOneof("event") != "completed" for event in events)
    check_event_order(events, ended=False)


def test_what_comes_after_the_reason_counts_for_nothing_but_tokens() -> None:
    late = {"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}
    response = answer(chunk({"text": "So"}), last(), chunk({"text": "more"}) | late, last("SAFETY"))
    assert response.status == v1.Response.STATUS_COMPLETED
    assert spelled(response) == ["So"]
    assert response.usage.input_tokens == 3


# Usage


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {
                "promptTokenCount": 17,
                "candidatesTokenCount": 12,
                "totalTokenCount": 543,
                "toolUsePromptTokenCount": 102,
                "thoughtsTokenCount": 412,
                "cachedContentTokenCount": 9,
            },
            (119, 9, 424, 412, 543),
        ),
        ({"promptTokenCount": 15, "totalTokenCount": 17, "thoughtsTokenCount": 2}, (15, 0, 2, 2, 17)),
        ({"promptTokenCount": True, "candidatesTokenCount": "3", "totalTokenCount": -1}, (0, 0, 0, 0, 0)),
        ({"promptTokenCount": 2**63, "thoughtsTokenCount": 1.5, "totalTokenCount": None}, (0, 0, 0, 0, 0)),
    ],
)
def test_usage(usage: dict[str, Any], counts: tuple[int, ...]) -> None:
    early = {"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1}}
    got = answer(chunk({"text": "So"}) | early, last() | {"usageMetadata": usage}).usage
    details = (got.input_tokens_details.cached_tokens, got.output_tokens_details.reasoning_tokens)
    assert (got.input_tokens, details[0], got.output_tokens, details[1], got.total_tokens) == counts


def test_usage_without_counts_takes_none_back() -> None:
    # On Vertex the first of a stream are such.
    counted = {"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}
    bare = {"usageMetadata": {"trafficType": "ON_DEMAND"}}
    assert answer(chunk({"text": "So"}) | bare, last() | counted, bare).usage.input_tokens == 3
    assert not answer(chunk({"text": "So"}) | bare, last()).HasField("usage")


@pytest.mark.parametrize(
    ("usage", "tier"),
    [
        ({"serviceTier": "standard"}, "default"),
        ({"serviceTier": "flex"}, "flex"),
        ({"trafficType": "ON_DEMAND_PRIORITY"}, "priority"),
        ({"trafficType": "ON_DEMAND"}, ""),
        ({"serviceTier": []}, ""),
    ],
)
def test_the_tier(usage: dict[str, Any], tier: str) -> None:
    assert answer(last() | {"usageMetadata": usage | {"totalTokenCount": 1}}).service_tier == tier


# Calls


def test_arguments_keep_their_text() -> None:
    arguments = '{"b": 1.50, "a": 12345678901234567890, "c": "\\u00e9 é"}'
    raw = b'{"candidates":[{"content":{"parts":[{"text":"x"},{"functionCall":{"args":%b,"name":"f","id":"i1"}}]}}]}'
    response = answer(raw % arguments.encode(), last())
    assert spelled(response) == ["x", {"i1": ("f", arguments)}]


def test_the_arguments_of_a_whole_answer_are_on_one_line() -> None:
    body = json.dumps(chunk(a_call(id="i1", args={"b": 1, "a": [2]}), finishReason="STOP"), indent=2)
    response = told(a_reader().whole(body.replace(": 1,", ": 1.50,").encode()))
    assert spelled(response) == [{"i1": ("f", '{"b":1.50,"a":[2]}')}]


def test_calls_without_arguments_or_ids() -> None:
    response = answer(chunk(a_call(), a_call(id=""), a_call(id=7, args=None)), last())
    calls = [item.function_call for item in response.output]
    assert [one.arguments for one in calls] == ["{}"] * 3
    assert len({one.call_id for one in calls}) == 3
    assert all(one.call_id.startswith("call_") for one in calls)


def test_a_call_told_twice_is_told_once() -> None:
    first = a_call(id="i1", args={"a": 1}) | {"thoughtSignature": SIGNATURE}
    response = answer(
        chunk(first), chunk(a_call(id="i1", args={"a": 1})), chunk(a_call(id="i1", args={"a": 2})), last()
    )
    names = [item.function_call for item in response.output if item.HasField("function_call")]
    assert [one.arguments for one in names] == ['{"a": 1}', '{"a": 2}']
    assert names[0].call_id == "i1"
    assert names[1].call_id.startswith("call_")


@pytest.mark.parametrize("name", ["f", "default_api.f", "default_api:f"])
def test_names_with_the_prefix_of_some_models(name: str) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    response = told(streamed(chunk(a_call(name, id="i1")), last(), reader=a_reader(tool)))
    assert spelled(response) == [{"i1": ("f", "{}")}]


# Signatures


def test_a_signature_stands_before_its_call() -> None:
    thought = {"text": "**Look**\n\nI look.", "thought": True}
    signed = a_call(id="i1") | {"thoughtSignature": SIGNATURE}
    response = answer(chunk(thought), chunk({"text": "Wait."}), chunk(signed, a_call(id="i2")), last())
    proof = Proof("call", SIGNATURE, call_id="i1")
    assert spelled(response) == [
        (thought["text"], None),
        "Wait.",
        ("", proof),
        {"i1": ("f", "{}")},
        {"i2": ("f", "{}")},
    ]
    assert SIGNATURE not in str(response)
    at_once = answer(chunk(thought, signed), last())
    assert spelled(at_once) == [(thought["text"], proof), {"i1": ("f", "{}")}]


def test_each_signed_call_has_its_own_proof() -> None:
    one, two = (a_call(id=name) | {"thoughtSignature": f"c2ln{name}"} for name in ("i1", "i2"))
    response = answer(chunk(one, two), last())
    assert spelled(response) == [
        ("", Proof("call", "c2lni1", call_id="i1")),
        {"i1": ("f", "{}")},
        ("", Proof("call", "c2lni2", call_id="i2")),
        {"i2": ("f", "{}")},
    ]


@pytest.mark.parametrize(
    ("parts", "length"),
    [
        ([{"text": "one "}, {"text": "twö", "thoughtSignature": SIGNATURE}], 3),
        ([{"text": "one "}, {"text": "", "thoughtSignature": SIGNATURE}], 0),
        ([{"text": "one "}, {"thoughtSignature": SIGNATURE}], 0),
    ],
)
def test_a_signature_stands_after_its_text(parts: list[Any], length: int) -> None:
    text = "one twö" if length else "one "
    for response in (
        answer(*map(chunk, parts), last()),
        told(a_reader().whole(json.dumps(chunk(*parts, finishReason="STOP")).encode())),
    ):
        assert spelled(response) == [text, ("", Proof("text", SIGNATURE, length=length))]


def test_text_after_a_signed_text_is_another_message() -> None:
    response = answer(chunk({"text": "a", "thoughtSignature": SIGNATURE}, {"text": "b"}), last())
    assert spelled(response) == ["a", ("", Proof("text", SIGNATURE, length=1)), "b"]


def test_a_signed_thought() -> None:
    response = answer(chunk({"text": "Hm.", "thought": True, "thoughtSignature": SIGNATURE}, {"text": "b"}), last())
    assert spelled(response) == [("Hm.", Proof("thought", SIGNATURE)), "b"]


# Sources

SUPPORTED = "It is 21°C now. Rain is unlikely."
CHUNKS = [{"web": {"uri": "https://a.example/1", "title": "a.example"}}, {"web": {"uri": "https://b.example/2"}}]


def cited(response: v1.Response) -> list[tuple[str, str, str]]:
    """The cited texts, with their pages."""
    return [
        (
            part.output_text.text[note.url_citation.start_index : note.url_citation.end_index],
            note.url_citation.url,
            note.url_citation.title,
        )
        for item in response.output
        for part in item.message.content
        for note in part.output_text.annotations
    ]


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ({"endIndex": 16, "text": "It is 21°C now."}, "It is 21°C now."),
        ({"startIndex": 17, "endIndex": 34, "text": "Rain is unlikely."}, "Rain is unlikely."),
        ({"startIndex": 17, "endIndex": 34}, "Rain is unlikely."),
        # Two bytes off, as they are now and then.
        ({"startIndex": 19, "endIndex": 36, "text": "Rain is unlikely."}, "Rain is unlikely."),
        # Within the part that is named.
        ({"partIndex": 1, "startIndex": 1, "endIndex": 18, "text": "Rain is unlikely."}, "Rain is unlikely."),
    ],
)
def test_offsets_are_bytes(segment: dict[str, Any], text: str) -> None:
    grounding = {
        "groundingChunks": CHUNKS,
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 1]}],
    }
    response = answer(
        chunk({"text": SUPPORTED[:15]}, groundingMetadata={}),
        chunk({"text": SUPPORTED[15:]}, finishReason="STOP", groundingMetadata=grounding),
    )
    assert cited(response) == [(text, "https://a.example/1", "a.example"), (text, "https://b.example/2", "")]


def test_sources_of_a_text_before_a_call() -> None:
    supports = [
        {"segment": {"startIndex": begin, "endIndex": end, "text": text}, "groundingChunkIndices": [0]}
        for begin, end, text in ((0, 16, "It is 21°C now."), (16, 21, "After"))
    ]
    grounding = {"groundingChunks": CHUNKS, "groundingSupports": supports}
    parts = [{"text": "It is 21°C now."}, a_call(id="i1"), {"text": "After"}]
    response = told(
        a_reader().whole(json.dumps(chunk(*parts, finishReason="STOP", groundingMetadata=grounding)).encode())
    )
    assert spelled(response) == ["It is 21°C now.", {"i1": ("f", "{}")}, "After"]
    assert [text for text, _, _ in cited(response)] == ["It is 21°C now.", "After"]


@pytest.mark.parametrize(
    "support",
    [
        {"segment": {"endIndex": 5, "text": "It is"}, "groundingChunkIndices": [7, -1, "0", None]},
        {"segment": {"endIndex": 5, "text": "Never said"}, "groundingChunkIndices": [0]},
        {"segment": {"endIndex": -5}, "groundingChunkIndices": [0]},
        {"segment": {"startIndex": 2**70, "endIndex": 5}, "groundingChunkIndices": [0]},
        {"segment": None, "groundingChunkIndices": [0]},
        {"segment": {"endIndex": 5}, "groundingChunkIndices": {}},
        7,
    ],
)
def test_sources_without_sense_are_passed_over(support: Any) -> None:
    grounding = {"groundingChunks": [*CHUNKS, 7, {"web": 7}], "groundingSupports": [support]}
    assert cited(answer(chunk({"text": SUPPORTED}), last(groundingMetadata=grounding))) == []


def test_a_search_is_told_with_its_queries() -> None:
    support = {"segment": {"endIndex": 11, "text": "Mexico City"}, "groundingChunkIndices": [0]}
    grounding = {
        "groundingChunks": CHUNKS,
        "groundingSupports": [support],
        "webSearchQueries": ["", "largest city in Mexico", "and then"],
    }
    read = {
        "urlMetadata": [
            {"retrievedUrl": "https://c.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
            {"retrievedUrl": "https://d.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"},
        ]
    }
    signed = {"text": "", "thoughtSignature": SIGNATURE}
    end = chunk(signed, finishReason="STOP", groundingMetadata=grounding, urlContextMetadata=read)
    response = answer(chunk({"text": "Mexico City"}), end)
    proof = Proof("text", SIGNATURE)
    assert spelled(response) == ["Mexico City", ("", proof), *["web_search_call"] * 3]
    assert cited(response) == [("Mexico City", "https://a.example/1", "a.example")]
    search, good, bad = (item for item in response.output if item.HasField("web_search_call"))
    action = search.web_search_call.action.search
    assert (search.status, action.query, list(action.queries)) == (
        *("completed", "largest city in Mexico"),
        ["largest city in Mexico", "and then"],
    )
    assert [source.url.url for source in action.sources] == ["https://a.example/1", "https://b.example/2"]
    opened = [(item.status, item.web_search_call.action.open_page.url) for item in (good, bad)]
    assert opened == [("completed", "https://c.example"), ("failed", "https://d.example")]


def test_searches_told_step_by_step_are_kept_whole() -> None:
    asked = {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}, "id": "d6"}
    found = {"toolType": "GOOGLE_SEARCH_WEB", "response": {"search_suggestions": "<style>"}, "id": "d6"}
    first = {"toolCall": asked, "thoughtSignature": SIGNATURE}
    second = {"toolResponse": found, "thoughtSignature": "c2ln"}
    response = answer(
        chunk(first, {"text": ""}),
        chunk(second),
        chunk({"text": "So."}),
        last(groundingMetadata={"webSearchQueries": ["q"]}),
    )
    proof = Proof("steps", parts=(json.dumps(first), json.dumps(second)), items=1)
    assert spelled(response) == [("", proof), "web_search_call", "So."]
    assert response.output[1].web_search_call.action.search.query == "q"


@pytest.mark.parametrize("kind", ["MEDIA_PROCESSING", "SOMETHING_NEW", None, {}])
def test_steps_that_are_no_searches_are_kept_and_not_told_as_such(kind: Any) -> None:
    step = {"toolCall": {"toolType": kind, "args": {"start": "10s"}, "id": "d6"}, "thoughtSignature": SIGNATURE}
    response = answer(chunk(step), chunk({"text": "So."}), last())
    assert spelled(response) == [("", Proof("steps", parts=(json.dumps(step),), items=0)), "So."]


# Code and images


def code_parts(**signed: Any) -> list[Any]:
    return [
        {"executableCode": {"language": "PYTHON", "code": "print(1+1)", "id": "8x"}} | signed,
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2\n", "id": "8x"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
    ]


def test_code_that_was_run() -> None:
    response = answer(*map(chunk, code_parts()), chunk({"text": "It is 2."}), last())
    assert spelled(response) == ["code_interpreter_call", "It is 2."]
    item = response.output[0]
    logs, image = item.code_interpreter_call.outputs.items
    assert (item.status, item.code_interpreter_call.code, logs.logs.logs) == ("completed", "print(1+1)", "2\n")
    assert image.image.url == f"data:image/png;base64,{PNG}"


def test_signed_code_is_kept_whole() -> None:
    parts = code_parts(thoughtSignature=SIGNATURE)[:2]
    response = answer(chunk({"text": "Wait."}), *map(chunk, parts), chunk({"text": "It is 2."}), last())
    proof = Proof("steps", parts=tuple(map(json.dumps, parts)), items=1)
    assert spelled(response) == ["Wait.", ("", proof), "code_interpreter_call", "It is 2."]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("OUTCOME_OK", "completed"),
        ("OUTCOME_FAILED", "failed"),
        ("OUTCOME_DEADLINE_EXCEEDED", "incomplete"),
        ([], "failed"),
    ],
)
def test_how_code_ended(outcome: Any, status: str) -> None:
    result = {"codeExecutionResult": {"outcome": outcome, "output": ""}}
    assert answer(chunk(code_parts()[0], result), last("MAX_TOKENS")).output[0].status == status


def test_an_image_of_the_models() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": SIGNATURE}
    response = answer(chunk({"text": "Here."}, image), last())
    assert spelled(response) == ["Here.", ("", Proof("image", SIGNATURE)), "image_generation_call"]
    assert response.output[2].image_generation_call.result == PNG


# Errors


def rpc(code: Any, message: Any, status: str = "", *details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}
DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "RequestsPerDayPerProject"}],
}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
TOO_LONG = "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576)."


@pytest.mark.parametrize(
    ("error", "kind", "wait"),
    [
        (rpc(503, "High demand.", "UNAVAILABLE"), UpstreamUnavailable, None),
        (rpc(None, "High demand.", "UNAVAILABLE"), UpstreamUnavailable, None),
        (rpc(429, "Slow down.", "RESOURCE_EXHAUSTED", RETRY), RateLimitExceeded, 34.4),
        (rpc(429, "Come back tomorrow.", "RESOURCE_EXHAUSTED", DAILY), InsufficientQuota, None),
        (rpc(400, TOO_LONG, "INVALID_ARGUMENT"), ContextLengthExceeded, None),
        (rpc(400, "Bad key.", "INVALID_ARGUMENT", BAD_KEY), UpstreamAuthentication, None),
        (rpc(400, "Corrupted thought signature.", "INVALID_ARGUMENT"), UpstreamRejected, None),
        (rpc(500, "No sk-CANARY-0123456789.", "INTERNAL"), UpstreamError, None),
        (rpc("x", [], "", 7, {"reason": []}, {"retryDelay": 3}, {"violations": [7]}), UpstreamError, None),
        ([rpc(503, "High demand.", "UNAVAILABLE")], UpstreamUnavailable, None),
        ({"error": 7}, UpstreamError, None),
    ],
)
@pytest.mark.parametrize("raw", [False, True], ids=["an event", "JSON alone"])
def test_errors_in_a_stream(error: Any, kind: type[ServiceError], wait: float | None, raw: bool) -> None:
    reader = a_reader()
    events = list(reader.feed(frame(chunk({"text": "the first half"}))))
    assert [event.output_text_delta.delta for event in events if event.HasField("output_text_delta")]
    whole = json.dumps(error, indent=2).encode() if raw else frame(error)
    for at in range(0, len(whole), 7):
        reader.feed(whole[at : at + 7])
        if reader.failure is not None:
            break
    if raw and error == {"error": 7}:
        assert reader.failure is None  # no error, and no end either
        assert list(reader.end()) == []
        return
    assert type(reader.failure) is kind
    assert reader.failure.retry_after == wait
    assert "CANARY" not in str(reader.failure)


def test_json_after_the_last_event_in_the_same_bytes() -> None:
    reader = a_reader()
    events = reader.feed(frame(chunk({"text": "So"})) + json.dumps([rpc(503, "No.")], indent=1).encode())
    assert [event.output_text_delta.delta for event in events if event.HasField("output_text_delta")] == ["So"]
    assert type(reader.failure) is UpstreamUnavailable


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        7,
        {"candidates": 7},
        {"candidates": [7]},
        {"candidates": [{"content": 7}]},
        {"candidates": [{"content": {"parts": 7}}]},
        {"candidates": [{"finishReason": 7}]},
        chunk(7),
        chunk({"text": 7}),
        chunk({"functionCall": 7}),
        chunk({"functionCall": {}}),
        chunk(a_call(7)),
        chunk(a_call(args=[1])),
        chunk(a_call(args="{}")),
        chunk(a_call(partialArgs=[{"jsonPath": "$.a"}])),
        chunk({"executableCode": 7}),
        chunk({"executableCode": {"code": 7}}),
        chunk({"codeExecutionResult": {"output": []}}),
        chunk({"inlineData": {"mimeType": "audio/wav", "data": ""}}),
        chunk({"text": "a"}, logprobsResult={"chosenCandidates": [{"token": 7}]}),
        chunk({"text": "a"}, logprobsResult={"chosenCandidates": [{"token": "a", "logProbability": True}]}),
    ],
)
def test_what_has_the_wrong_shape(value: Any) -> None:
    reader = a_reader()
    reader.feed(frame(value))
    if value == b"":
        assert reader.failure is None
        return
    assert type(reader.failure) is UpstreamError


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"futureMember": [1]},
        chunk(),
        chunk({}),
        chunk({"text": ""}),
        chunk({"futurePart": {"a": 1}}),
        chunk({"text": "other"}, index=1),
        {"promptFeedback": {"safetyRatings": []}},
        {"promptFeedback": 7},
        {"usageMetadata": 7},
        {"candidates": []},
        chunk(groundingMetadata=7, urlContextMetadata={"urlMetadata": [7, {"retrievedUrl": 7}]}),
    ],
)
def test_what_says_nothing(value: Any) -> None:
    assert spelled(answer(value, chunk({"text": "So"}), last())) == ["So"]


def test_a_whole_answer_in_a_list_of_chunks() -> None:
    chunks = [chunk({"text": "Hel"}), chunk(a_call(id="i1", args={"a": 1})), last()]
    response = told(a_reader().whole(json.dumps(chunks).encode()))
    assert spelled(response) == ["Hel", {"i1": ("f", '{"a": 1}')}]


@pytest.mark.parametrize("body", [b"[", b"[7]", b"[]", json.dumps(chunk({"text": "cut"})).encode()])
def test_a_whole_answer_that_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        a_reader().whole(body)


def test_a_whole_error() -> None:
    with pytest.raises(UpstreamUnavailable):
        a_reader().whole(json.dumps([rpc(503, "No.")]).encode())
