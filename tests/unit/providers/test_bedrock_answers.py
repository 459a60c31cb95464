"""What the frames of Amazon Bedrock's ConverseStream tell."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server import errors
from server.providers.base import CallContext
from server.providers.bedrock import open_provider
from server.providers.bedrock.answer import Answer
from server.providers.bedrock.families import Family, family_of
from server.providers.bedrock.frames import FrameReader
from server.providers.bedrock.options import Options
from server.providers.bedrock.proofs import Proofs
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.mask import Mask
from server.seal import Seal
from server.testing import upstream as fake
from server.testing.order import check_event_order
from server.testing.provider_contract.asking import a_request, ask
from server.testing.upstream import FakeUpstream
from server.testing.wires.bedrock import event, exception, frame

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
OSS = "openai.gpt-oss-120b-1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
SEAL = Seal(["key"], "bedrock")
SHELL = {"type": "custom", "name": "shell"}
MAX = 4000

Events = Sequence[tuple[str, Any]]

START: Events = [("messageStart", {"role": "assistant", "p": "ab"})]


def delta(index: int, **members: Any) -> tuple[str, Any]:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": members, "p": "abc"}


def thought(index: int, **members: Any) -> tuple[str, Any]:
    return delta(index, reasoningContent=members)


def begin(index: int, **members: Any) -> tuple[str, Any]:
    return "contentBlockStart", {"contentBlockIndex": index, "start": members}


def call(index: int, name: str, call_id: str, *pieces: str) -> list[tuple[str, Any]]:
    return [
        begin(index, toolUse={"name": name, "toolUseId": call_id}),
        *(delta(index, toolUse={"input": piece}) for piece in pieces),
        stop(index),
    ]


def stop(index: int) -> tuple[str, Any]:
    return "contentBlockStop", {"contentBlockIndex": index, "p": "a"}


def end(reason: str = "end_turn", **usage: Any) -> list[tuple[str, Any]]:
    told = {"inputTokens": 12, "outputTokens": 4, "totalTokens": 16, "serverToolUsage": {}} | usage
    return [
        ("messageStop", {"stopReason": reason, "additionalModelResponseFields": {"delta": {"stop_sequence": None}}}),
        ("metadata", {"metrics": {"latencyMs": 412}, "usage": told, "p": "abc"}),
    ]


def reader(model: str = CLAUDE, tools: Sequence[Any] = (), *, family: Family | None = None) -> FrameReader:
    offered = Tools(a_request(tools=list(tools)), Loss(CallContext("r", "r", True), "Converse"))
    translator = Answer(family or family_of(model), Proofs(SEAL, model), offered, Mask(["sk-CANARY-0123456789"]))
    return FrameReader(translator, max_event_bytes=MAX)


def read(events: Events, reading: FrameReader) -> list[v1.ResponseStreamEvent]:
    """What these events tell."""
    told = list(reading.feed(b"".join(event(*one) for one in events)))
    if reading.failure is not None:
        raise reading.failure
    if not reading.ended:
        told += reading.end()
    return told


def told(events: Events, reading: FrameReader | None = None) -> tuple[Any, v1.Response]:
    """The items that these events tell, without their ids, and the last event's response."""
    all_told = read([*START, *events], reading or reader())
    items = []
    for item in check_event_order(all_told):
        spelled = openai_json.spell(item, nulls=False)
        del spelled["id"]
        items.append(spelled)
    last = all_told[-1]
    response: v1.Response = getattr(last, last.WhichOneof("event") or "").response
    return items, response


def message(text: str, *annotations: Any, status: str = "completed") -> Any:
    part = {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}
    return {"type": "message", "role": "assistant", "status": status, "content": [part]}


def opened(item: Any, model: str = CLAUDE) -> Any:
    """The proof in a reasoning item."""
    return Proofs(SEAL, model).open(item["encrypted_content"])


# Images


def image(index: int, *pieces: bytes, **told: Any) -> list[tuple[str, Any]]:
    """An image in pieces, without its end."""
    sources = [{"source": {"bytes": base64.b64encode(piece).decode()}} for piece in pieces]
    return [
        begin(index, image={"format": "png"}),
        *(delta(index, image=piece) for piece in (*sources, *([told] if told else []))),
    ]


@pytest.mark.parametrize(
    ("events", "status", "data"),
    [
        ([*image(1, b"\x89PN", b"G"), stop(1), *end()], "completed", b"\x89PNG"),
        ([*image(1, error={"message": "Filtered."}), stop(1), *end()], "failed", b""),
        ([*image(1, b"\x89P"), *end("max_tokens")], "incomplete", b"\x89P"),
    ],
    ids=["whole", "failed", "cut"],
)
def test_an_image_that_the_model_made(events: Any, status: str, data: bytes) -> None:
    items, _ = told([delta(0, text="See: "), stop(0), *events])
    made = {"type": "image_generation_call", "status": status, "result": base64.b64encode(data).decode()}
    assert items[1:] == [made]


@pytest.mark.parametrize(
    "piece", [{"source": {"bytes": "%"}}, {"source": {"s3Location": {"uri": "s3://b/a.png"}}}, "x"]
)
def test_an_image_that_cannot_be_told(piece: Any) -> None:
    with pytest.raises(errors.UpstreamError):
        told([begin(0, image={"format": "png"}), delta(0, image=piece), stop(0), *end()])


# Calls


def test_a_call_without_arguments_takes_nothing() -> None:
    items, _ = told([*call(0, "f", "tooluse_1"), *call(1, "g", "tooluse_2", ""), *end("tool_use")])
    assert [(item["name"], item["call_id"], item["arguments"]) for item in items] == [
        ("f", "tooluse_1", "{}"),
        ("g", "tooluse_2", "{}"),
    ]


def test_a_custom_tool_without_input_has_none() -> None:
    items, _ = told([*call(0, "shell", "tooluse_1", '{"input":""}'), *end("tool_use")], reader(tools=[SHELL]))
    assert items[0]["input"] == ""


@pytest.mark.parametrize(
    ("pieces", "status"), [(['{"a"'], "incomplete"), ([], "incomplete"), (['{"a":1}'], "incomplete")]
)
def test_a_call_that_the_longest_output_ends_is_cut(pieces: list[str], status: str) -> None:
    items, response = told([*call(0, "f", "t1", "{}"), *call(1, "g", "t2", *pieces), *end("max_tokens")])
    assert [(item["status"], item["arguments"]) for item in items] == [("completed", "{}"), (status, "".join(pieces))]
    assert response.incomplete_details.reason == "max_output_tokens"


def test_a_block_that_ends_twice() -> None:
    items, _ = told([*call(0, "f", "t1", "{}"), stop(0), delta(1, text="x"), stop(0), *end()])
    assert [item["type"] for item in items] == ["function_call", "message"]


# Reasoning


def test_claude_summarizes() -> None:
    items, _ = told([
        thought(0, text="Count: "), thought(0, text="3."), thought(0, signature="Ev"), thought(0, signature="YB"),
        stop(0), delta(1, text="3"), stop(1), *end(),
    ])  # fmt: skip
    assert items[0]["summary"] == [{"type": "summary_text", "text": "Count: 3."}]
    assert opened(items[0]) == {"reasoningText": {"text": "Count: 3.", "signature": "EvYB"}}
    assert items[1] == message("3")


def test_others_tell_what_they_think() -> None:
    items, _ = told([thought(0, text="Hm."), stop(0), delta(1, text="3"), *end()], reader(OSS))
    assert items[0] == {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}


def test_nova_tells_nothing_of_it() -> None:
    items, _ = told([thought(0, text="[REDACTED]"), stop(0), delta(1, text="3"), *end()], reader(NOVA))
    assert items == [{"type": "reasoning", "summary": []}, message("3")]


def test_proofs_without_words() -> None:
    raw = b"rsn_opaque!"
    pieces = [base64.b64encode(piece).decode() for piece in (raw[:4], raw[4:])]
    items, _ = told([
        thought(0, signature="EqQB"), stop(0),
        thought(1, redactedContent=pieces[0]), thought(1, redactedContent=pieces[1]), stop(1),
        delta(2, text="Done."), *end(),
    ])  # fmt: skip
    assert [opened(item) for item in items[:2]] == [
        {"reasoningText": {"text": "", "signature": "EqQB"}},
        {"redactedContent": base64.b64encode(raw).decode()},
    ]
    assert all(item["summary"] == [] for item in items[:2])


def test_a_signature_may_come_with_words() -> None:
    items, _ = told([thought(0, text="A", signature="1"), stop(0), *end()])
    assert opened(items[0]) == {"reasoningText": {"text": "A", "signature": "1"}}


def test_two_thoughts_are_two_items() -> None:
    items, _ = told([
        thought(0, text="A"), thought(0, signature="1"), stop(0),
        thought(1, text="B"), thought(1, signature="2"), stop(1), *end(),
    ])  # fmt: skip
    assert [opened(item)["reasoningText"] for item in items] == [
        {"text": "A", "signature": "1"},
        {"text": "B", "signature": "2"},
    ]


def test_a_thought_that_is_cut_is_not_proven() -> None:
    items, _ = told([thought(0, text="A"), stop(0), *end("max_tokens")])
    assert items == [{"type": "reasoning", "status": "incomplete", "summary": [{"type": "summary_text", "text": "A"}]}]
    items, _ = told([thought(0, text="A"), thought(0, signature="1"), *end("max_tokens")])
    assert "encrypted_content" not in items[0]


# Citations, and what the provider runs itself


def test_a_search_and_its_citations() -> None:
    def cited(index: int, url: str, **more: Any) -> tuple[str, Any]:
        return delta(index, citation={"location": {"web": {"url": url, "domain": "b.org"}}, **more})

    items, _ = told(
        [
            begin(0, toolUse={"name": "nova_grounding", "toolUseId": "t1", "type": "server_tool_use"}),
            delta(0, toolUse={"input": '{"query":'}),
            delta(0, toolUse={"input": '"nobel"}'}),
            stop(0),
            begin(1, toolResult={"status": "success", "toolUseId": "t1", "type": "nova_grounding_result"}),
            stop(1),
            delta(2, text="It went "),
            stop(2),
            delta(3, text="to "),
            delta(3, text="🎉X."),
            stop(3),
            cited(4, "https://b.org/1"),
            cited(4, "https://b.org/2", title="Two"),
            stop(4),
            delta(5, text=" So."),
            delta(5, citation={"location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}}),
            *end(),
        ],
        reader(NOVA),
    )
    assert items[0] == {
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "nobel", "queries": ["nobel"]},
    }
    note = {"type": "url_citation", "start_index": 8, "end_index": 14}
    assert items[1:] == [
        message(
            "It went to 🎉X. So.",
            note | {"url": "https://b.org/1", "title": "b.org"},
            note | {"url": "https://b.org/2", "title": "Two"},
        )
    ]


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([{"text": '{"stdOut":"42",'}, {"text": '"stdErr":"!","exitCode":0,"isError":false}'}], "completed"),
        ([{"json": {"stdOut": "42", "stdErr": "!", "exitCode": 1, "isError": True}}], "failed"),
    ],
)
def test_a_run_of_code(pieces: list[Any], status: str) -> None:
    items, _ = told(
        [
            delta(0, text="I compute."),
            stop(0),
            begin(1, toolUse={"name": "nova_code_interpreter", "toolUseId": "t1", "type": "server_tool_use"}),
            delta(1, toolUse={"input": '{"code":"6*7"}'}),
            stop(1),
            begin(2, toolResult={"status": "success", "toolUseId": "t1"}),
            *(delta(2, toolResult=[piece]) for piece in pieces),
            stop(2),
            delta(3, text="42."),
            *end(),
        ],
        reader(NOVA),
    )
    run = {"type": "code_interpreter_call", "status": status, "code": "6*7", "container_id": ""}
    assert items == [message("I compute."), run | {"outputs": [{"type": "logs", "logs": "42!"}]}, message("42.")]


def test_a_result_nested_deeper_than_anything_sensible() -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    events = [
        begin(0, toolUse={"name": "nova_code_interpreter", "toolUseId": "t1", "type": "server_tool_use"}),
        begin(1, toolResult={"status": "success", "toolUseId": "t1"}),
        delta(1, toolResult=[{"json": {"stdOut": "42", "deep": deep}}]),
        *end(),
    ]
    items, _ = told(events, reader(NOVA))
    assert items[0]["outputs"] == [{"type": "logs", "logs": "42"}]


# Ends


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("end_turn", "completed", ""),
        ("stop_sequence", "completed", ""),
        ("tool_use", "completed", ""),
        ("max_tokens", "incomplete", "max_output_tokens"),
        ("model_context_window_exceeded", "incomplete", "max_output_tokens"),
        ("content_filtered", "incomplete", "content_filter"),
        ("guardrail_intervened", "incomplete", "content_filter"),
        ("malformed_model_output", "failed", ""),
        ("malformed_tool_use", "failed", ""),
        ("something_new", "incomplete", ""),
    ],
)
@pytest.mark.parametrize("early", [False, True], ids=["usage last", "usage before the stop"])
def test_stop_reasons(reason: str, status: str, why: str, early: bool) -> None:
    ending = end(reason)
    events = read([*START, delta(0, text="x"), *(reversed(ending) if early else ending)], reader())
    assert events[-1].WhichOneof("event") == status
    response = getattr(events[-1], status).response
    assert response.incomplete_details.reason == why
    assert response.usage.total_tokens == 16
    assert response.error.code == ("server_error" if status == "failed" else "")
    check_event_order(events)


def test_an_answer_of_nothing() -> None:
    items, response = told(end())
    assert items == []
    assert response.status == v1.Response.STATUS_COMPLETED


def test_a_stream_may_end_without_usage() -> None:
    _, response = told([delta(0, text="x"), *end()[:1]])
    assert response.status == v1.Response.STATUS_COMPLETED
    assert not response.HasField("usage")


def test_a_stream_without_a_stop_is_cut() -> None:
    reading = reader()
    assert reading.feed(b"".join(event(*one) for one in [*START, delta(0, text="x"), end()[1]]))
    assert reading.end() == []
    assert not reading.ended


def test_the_service_tier_is_told() -> None:
    metadata = end()[1][1] | {"serviceTier": {"type": "flex"}}
    _, response = told([delta(0, text="x"), end()[0], ("metadata", metadata)])
    assert response.service_tier == "flex"


# Usage


@pytest.mark.parametrize(
    ("model", "usage", "counted"),
    [
        (CLAUDE, {}, (12, 0, 0, 4)),
        (CLAUDE, {"cacheReadInputTokens": 2048, "cacheWriteInputTokens": 100}, (2160, 2048, 100, 4)),
        ("us.openai.gpt-5.6-sol", {"inputTokens": 4995, "cacheWriteInputTokens": 4993}, (4995, 0, 4993, 4)),
        ("us.openai.gpt-5.6-sol", {"inputTokens": 2, "cacheWriteInputTokens": 4993}, (4995, 0, 4993, 4)),
        (CLAUDE, {"cacheReadInputTokens": "x", "cacheWriteInputTokens": -1}, (12, 0, 0, 4)),
    ],
)
def test_usage(model: str, usage: Any, counted: tuple[int, ...]) -> None:
    _, response = told(end(**usage), reader(model))
    told_usage = response.usage
    read_tokens = told_usage.input_tokens_details
    assert counted == (
        told_usage.input_tokens,
        read_tokens.cached_tokens,
        read_tokens.cache_write_tokens,
        told_usage.output_tokens,
    )
    assert told_usage.total_tokens == told_usage.input_tokens + told_usage.output_tokens


@pytest.mark.parametrize("count", [None, "12", 1.5, True, -1, 2**70])
def test_counts_that_are_none(count: Any) -> None:
    _, response = told(end(inputTokens=count))
    assert not response.HasField("usage")


# Errors


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("throttlingException", "Too many tokens, please wait.", errors.RateLimitExceeded),
        ("throttlingException", "Too many tokens per day, please wait.", errors.InsufficientQuota),
        ("validationException", "Malformed input.", errors.UpstreamRejected),
        ("validationException", "input length and `max_tokens` exceed context limit: 1", errors.ContextLengthExceeded),
        ("modelStreamErrorException", "Broke.", errors.UpstreamError),
        ("internalServerException", "Broke.", errors.UpstreamError),
        ("serviceUnavailableException", "Busy.", errors.UpstreamUnavailable),
        ("somethingNew", "?", errors.UpstreamError),
        ("throttlingException", None, errors.RateLimitExceeded),
        ("throttlingException", ["Slow."], errors.RateLimitExceeded),
    ],
)
def test_errors_in_a_stream(kind: str, said: Any, error: type) -> None:
    reading = reader()
    frames = [*(event(*one) for one in [*START, delta(0, text="Partial")]), exception(kind, {"message": said})]
    events = reading.feed(b"".join(frames))
    assert [one.output_text_delta.delta for one in events if one.HasField("output_text_delta")] == ["Partial"]
    assert type(reading.failure) is error


def test_errors_that_are_no_exceptions() -> None:
    reading = reader()
    head = {":message-type": "error", ":error-code": "ValidationException", ":error-message": "sk-CANARY-0123456789"}
    reading.feed(frame(head, b""))
    assert type(reading.failure) is errors.UpstreamRejected
    assert "CANARY" not in reading.failure.message


@pytest.mark.parametrize(
    ("status", "kind", "message", "error"),
    [
        (400, "ValidationException", "prompt is too long: 9 tokens", errors.ContextLengthExceeded),
        (400, "ServiceQuotaExceededException", "Too much.", errors.InsufficientQuota),
        (403, "ExpiredTokenException", "Old.", errors.UpstreamAuthentication),
        (400, "IncompleteSignature", "Odd.", errors.UpstreamAuthentication),
        (408, "ModelTimeoutException", "Slow.", errors.UpstreamUnavailable),
        (424, "ModelErrorException", "Broke.", errors.UpstreamError),
        (429, "ModelNotReadyException", "Loading.", errors.UpstreamUnavailable),
        (404, "ResourceNotFoundException", "No such model.", errors.UpstreamRejected),
    ],
)
@pytest.mark.parametrize("place", ["header", "body"])
async def test_refusals(status: int, kind: str, message: str, error: type, place: str) -> None:
    headers = {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/x/"} if place == "header" else {}
    said: dict[str, Any] = {"Message": message} | ({"__type": f"com.amazon#{kind}"} if place == "body" else {})
    async with FakeUpstream() as upstream:
        upstream.answer(fake.json_body(said, status=status, headers=headers))
        options = {"base_url": f"http://127.0.0.1:{upstream.port}", "api_key": "k" * 8}
        async with open_provider("mock", options) as provider:
            answered = await ask(provider)
    assert type(answered.error) is error
    if error in (errors.UpstreamRejected, errors.ContextLengthExceeded):
        assert (answered.error.message, answered.error.code) == (message, kind)


# Frames


def test_frames_that_are_damaged() -> None:
    whole = event("contentBlockDelta", delta(0, text="x")[1])
    for place in range(len(whole)):
        damaged = bytearray(event(*START[0]) + whole)
        damaged[place - len(whole)] ^= 1
        reading = reader()
        reading.feed(bytes(damaged))
        if reading.failure is None:  # it waits for a longer frame
            with pytest.raises(errors.UpstreamError):
                reading.end()
        else:
            assert type(reading.failure) is errors.UpstreamError


@pytest.mark.parametrize("length", [0, 11, 12, 15, 16])
def test_lengths_that_cannot_be(length: int) -> None:
    prelude = struct.pack("!II", length, 0)
    reading = reader()
    reading.feed(prelude + struct.pack("!I", zlib.crc32(prelude)) + b"\0" * 40)
    assert type(reading.failure) is errors.UpstreamError


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_frame_that_ends_too_soon(cut: int) -> None:
    reading = reader()
    whole = b"".join(event(*one) for one in [*START, delta(0, text="x"), end()[0]])
    reading.feed(whole + event(*end()[1])[:cut])
    with pytest.raises(errors.UpstreamError, match="in the middle"):
        reading.end()
    assert not reading.ended


@pytest.mark.parametrize("ended", [False, True], ids=["never whole", "whole"])
def test_a_frame_that_is_too_large(ended: bool) -> None:
    large = event(*delta(0, text="x" * 3 * MAX))
    reading = reader()
    reading.feed(event(*START[0]) + event(*delta(0, text="y")))
    told_first = reading.feed(large if ended else large[: 2 * MAX + 1000])
    assert told_first == []
    assert reading.failure is not None
    assert "too large" in reading.failure.message


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"7", b"null", b'"x"', b"{}", b'{"contentBlockIndex":[],"delta":{"text":"x"}}',
                b'{"contentBlockIndex":0,"delta":null}', b'{"contentBlockIndex":0,"delta":{"text":7}}',
                b'{"contentBlockIndex":9,"delta":{"toolUse":{"input":"x"}}}',
                b'{"contentBlockIndex":0,"delta":{"toolUse":{"input":{}}}}',
                b'{"contentBlockIndex":0,"delta":{"reasoningContent":{"redactedContent":"?"}}}',
                b'{"contentBlockIndex":0,"delta":{"reasoningContent":[]}}', b"\xff"]
)  # fmt: skip
def test_deltas_without_sense(payload: bytes) -> None:
    reading = reader()
    reading.feed(frame({":message-type": "event", ":event-type": "contentBlockDelta"}, payload))
    assert type(reading.failure) is errors.UpstreamError


def test_nothing_counts_after_the_end() -> None:
    reading = reader()
    whole = b"".join(event(*one) for one in [*START, delta(0, text="x"), *end()])
    events = reading.feed(whole + event(*delta(1, text="y")) + exception("throttlingException", {}) + b"\0" * 20)
    assert reading.ended
    assert reading.failure is None
    assert [item.message.content[0].output_text.text for item in check_event_order(events)] == ["x"]


def test_what_is_not_known_is_passed_over() -> None:
    items, _ = told([
        ("somethingNew", {"a": 1}), begin(0), delta(0, somethingNew={}), delta(0, text="x"), ("messageStart", {}),
        *end(),
    ])  # fmt: skip
    assert items == [message("x")]


# Options


def test_every_option_is_documented_and_no_other() -> None:
    page = (Path(__file__).parents[3] / "docs" / "providers" / "bedrock.md").read_text()
    table = page.partition("| --- | --- | --- |\n")[2].partition("\n\n")[0]
    documented = [name for row in table.splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(documented) == sorted(option.name for option in fields(Options))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "region"),
        ({"api_key": "k"}, "region"),
        ({"base_url": "http://localhost"}, "region"),
        ({"region": "Europe"}, "region"),
        ({"region": "us-east-1", "access_key_id": "a"}, "secret_access_key"),
        ({"region": "us-east-1", "session_token": "a"}, "session_token"),
        ({"region": "us-east-1", "api_key": "k", "profile": "p"}, "profile"),
        ({"region": "us-east-1", "access_key_id": "a", "secret_access_key": "sk-CANARY", "profile": "p"}, "profile"),
        ({"region": "us-east-1", "guardrail_id": "g"}, "guardrail_version"),
        ({"region": "us-east-1", "headers": {"Authorization": "sk-CANARY"}}, "headers.authorization"),
        ({"region": "us-east-1", "foundation_models": ["a"]}, "foundation_models"),
        ({"region": "us-east-1", "foundation_models": {"a": 7}}, "foundation_models.a"),
        ({"region": "us-east-1", "stream": True}, "stream"),
    ],
)
def test_options_that_do_not_fit(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named) as raised:
        open_provider("mock", given)
    assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"region": "eu-west-1"}, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b-v1:0/converse-stream"),
        (
            {"region": "cn-north-1"},
            "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/a.b-v1:0/converse-stream",
        ),
        ({"base_url": "http://x/y/", "api_key": "k"}, "http://x/y/model/a.b-v1:0/converse-stream"),
    ],
)
def test_where_models_are(given: dict[str, Any], url: str) -> None:
    assert str(Options.of("mock", given).url("a.b-v1:0")) == url


async def test_a_name_that_tells_nothing_is_told_whose_it_is() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"
    async with FakeUpstream() as upstream:
        upstream.answer(fake.raw_stream([event(*one) for one in end()], "application/vnd.amazon.eventstream"))
        options = {
            "base_url": f"http://127.0.0.1:{upstream.port}",
            "api_key": "k" * 8,
            "foundation_models": {arn: CLAUDE},
            "guardrail_id": "g",
            "guardrail_version": "DRAFT",
        }
        async with open_provider("mock", options) as provider:
            assert (await ask(provider, a_request(model=arn, reasoning={"effort": "low"}))).last == "completed"
        (sent,) = upstream.requests
    assert sent.path == f"/model/{arn.replace('/', '%2F')}/converse-stream"
    assert json.loads(sent.body) == {
        "messages": [{"role": "user", "content": [{"text": "Say hello."}]}],
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "DRAFT"},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
    }
