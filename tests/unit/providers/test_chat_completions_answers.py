"""What is said in Chat Completions, in the many ways there are of saying it."""

from __future__ import annotations

import functools
import json
from typing import Any

import orjson
import pytest

from antiphon import openai_json
from antiphon.responses import v1
from server import errors
from server.providers.base import CallContext
from server.providers.chat_completions.answer import ChatTranslator
from server.providers.chat_completions.errors import verdict
from server.providers.chat_completions.presets import PRESETS
from server.providers.chat_completions.proofs import ORIGIN, Proofs
from server.providers.chat_completions.usage import usage_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.tools import Tools
from server.providers.upstream.mask import Mask
from server.providers.upstream.translation import EventReader
from server.seal import Seal
from server.testing.order import check_event_order

PROOFS = Proofs(Seal(["key"], ORIGIN))
SECRET = "sk-CANARY-0123456789"
SHELL = {"type": "custom", "name": "shell"}


def reader(preset: str = "openai", tools: Any = (), **quirks: Any) -> EventReader:
    request = openai_json.decode(
        json.dumps({"model": "m", "input": "hi", "tools": list(tools)}).encode(), v1.CreateResponseRequest
    )
    known = Tools(request, Loss(CallContext("req_1", "resp_1", True), "Chat"))
    changed = PRESETS[preset].quirks.changed("quirks", quirks)
    translator = ChatTranslator(known, changed, PROOFS, Mask([SECRET]))
    return EventReader(translator, max_event_bytes=100_000, error_field=True)


def delta(**members: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": members, "finish_reason": None}]}


def finish(reason: str | None = "stop", **members: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], **members}


def spelled(*chunks: Any, done: bool = True) -> bytes:
    """A stream of chunks; bytes are events as they are."""
    events = [chunk if isinstance(chunk, bytes) else b"data: %b\n\n" % orjson.dumps(chunk) for chunk in chunks]
    return b"".join(events) + (b"data: [DONE]\n\n" if done else b"")


def events(reading: EventReader, stream: bytes) -> list[v1.ResponseStreamEvent]:
    found = list(reading.feed(stream))
    if reading.failure is None and not reading.ended:
        found += reading.end()
    return found


def response(*chunks: Any, preset: str = "openai", done: bool = True, tools: Any = (), **quirks: Any) -> v1.Response:
    """The response in the last event, with the items that were told."""
    reading = reader(preset, tools, **quirks)
    told = events(reading, spelled(*chunks, done=done))
    assert reading.failure is None, reading.failure.message
    items = check_event_order(told)
    whole: v1.Response = getattr(told[-1], told[-1].WhichOneof("event") or "").response
    whole.output.extend(items)
    return whole


def failure(*chunks: Any, preset: str = "openai", done: bool = True) -> errors.ServiceError:
    reading = reader(preset)
    told = events(reading, spelled(*chunks, done=done))
    assert reading.failure is not None
    check_event_order(told, ended=False)
    assert not reading.ended
    return reading.failure


def outline(told: v1.Response) -> list[tuple[str, ...]]:
    items: list[tuple[str, ...]] = []
    for item in told.output:
        if item.HasField("function_call"):
            items.append((item.function_call.call_id, item.function_call.name, item.function_call.arguments))
        elif item.HasField("custom_tool_call"):
            items.append((item.custom_tool_call.call_id, item.custom_tool_call.name, item.custom_tool_call.input))
        elif item.HasField("reasoning"):
            texts = [part.reasoning_text.text for part in item.reasoning.content]
            items.append(("thought", *texts, *(part.summary_text.text for part in item.reasoning.summary)))
        else:
            items.append(("said", *(part.output_text.text or part.refusal.refusal for part in item.message.content)))
    return items


# Why it ends


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("stop", "COMPLETED", ""),
        ("eos", "COMPLETED", ""),
        ("tool_calls", "COMPLETED", ""),
        ("function_call", "COMPLETED", ""),
        ("load", "COMPLETED", ""),
        ("length", "INCOMPLETE", "max_output_tokens"),
        ("model_length", "INCOMPLETE", "max_output_tokens"),
        ("content_filter", "INCOMPLETE", "content_filter"),
        ("sensitive", "INCOMPLETE", "content_filter"),
        ("repetition", "INCOMPLETE", ""),
    ],
)
def test_reasons(reason: str, status: str, why: str) -> None:
    for told in (
        response(delta(content="Hi"), finish(reason)),
        response(delta(content="Hi"), finish(reason), done=False),
    ):
        assert v1.Response.Status.Name(told.status) == f"STATUS_{status}"
        assert told.incomplete_details.reason == why
        assert outline(told) == [("said", "Hi")]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("error", errors.UpstreamError),
        ("abort", errors.UpstreamError),
        ("insufficient_system_resource", errors.UpstreamUnavailable),
        (7, errors.UpstreamError),
    ],
)
def test_reasons_that_are_failures(reason: Any, kind: type[errors.ServiceError]) -> None:
    assert type(failure(delta(content="Hi"), finish(reason))) is kind


def test_no_reason_no_end() -> None:
    assert type(failure(delta(content="Hi"))) is errors.UpstreamError
    reading = reader()
    told = events(reading, spelled(delta(content="Hi"), done=False))
    assert (reading.ended, told[-1].WhichOneof("event")) == (False, "output_text_delta")


def test_an_empty_reason_is_none_until_calls_have_been_told() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    assert outline(response(delta(tool_calls=[call]), finish(""))) == [("c", "f", "{}")]
    assert type(failure(delta(content="Hi"), finish(""))) is errors.UpstreamError
    reading = reader()
    assert not reading.ended
    events(reading, spelled(delta(tool_calls=[call]), finish(""), done=False))
    assert not reading.ended, "cut, perhaps"


def test_the_last_words_may_come_with_the_reason_and_after_it() -> None:
    last = {"choices": [{"index": 0, "delta": {"content": "b"}, "finish_reason": "stop"}]}
    assert outline(response(delta(content="a"), last, delta(content="c"))) == [("said", "abc")]


def test_other_choices_and_none() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}]}
    nothing = [{"choices": []}, {"choices": None}, {"id": "x"}, {"choices": [{"index": 0}]}]
    told = response(other, *nothing, {"choices": [{"delta": {"content": "yes"}}]}, other, finish())
    assert (outline(told), told.status) == ([("said", "yes")], v1.Response.STATUS_COMPLETED)


# Calls

A = {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
B = {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}


def piece(arguments: Any = "", **members: Any) -> dict[str, Any]:
    name = {"name": members.pop("name")} if "name" in members else {}
    return {"function": name | {"arguments": arguments}} | members


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        pytest.param(
            [
                [A | {"index": 0}],
                [piece("{", index=0)],
                [B | {"index": 1}],
                [piece("[]", index=1)],
                [piece("}", index=0)],
            ],
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="in turns",
        ),
        pytest.param(
            [[piece("{}", id="a", name="f"), piece("[]", id="b", name="g")]],
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="whole, without index",
        ),
        pytest.param(
            [[A], [piece("{")], [piece("}")], [B], [piece("[]")]],
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="in pieces, without index",
        ),
        pytest.param(
            [[A | {"index": 0}], [piece("{}", index=0, id="a", name="f")], [piece(index=0, id="", name="")]],
            [("a", "f", "{}")],
            id="ids repeated, and empty ones",
        ),
        pytest.param(
            [[A], [piece("{", id="a")], [piece("}", id="a", name="")]],
            [("a", "f", "{}")],
            id="ids in place of an index",
        ),
        pytest.param(
            [[piece("{}", index=0, id="a", name="f"), piece("[]", index=0, id="b", name="g")]],
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="one index for all",
        ),
        pytest.param(
            [[piece("{}", index=0, id="a", name="f")], [piece("[]", index=0, id="b", name="g")]],
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="one index for one after the other",
        ),
        pytest.param(
            [[piece("{}", index=0, id="null", name="f"), piece("[]", index=0, id="null", name="g")]],
            [("", "f", "{}"), ("", "g", "[]")],
            id="no ids",
        ),
        pytest.param(
            [[piece("{}", id="0", name="f"), piece("[]", id="0", name="g")]],
            [("0", "f", "{}"), ("", "g", "[]")],
            id="one id for all",
        ),
        pytest.param(
            [[{"index": 0, "id": "a"}], [piece("{", index=0)], [piece("}", index=0, name="f")]],
            [("a", "f", "{}")],
            id="the name comes late",
        ),
        pytest.param([[piece(name="f", index=0)], [piece("{}", id="a")]], [("a", "f", "{}")], id="the id comes late"),
        pytest.param([[{"index": 0, "id": "a", "function": {"name": "f"}}]], [("a", "f", "")], id="no arguments"),
    ],
)
def test_calls(pieces: list[Any], calls: list[tuple[str, ...]]) -> None:
    told = outline(response(*[delta(tool_calls=one) for one in pieces], finish("tool_calls")))
    assert [call[1:] for call in told] == [call[1:] for call in calls]
    for (call_id, *_), (expected, *_) in zip(told, calls, strict=True):
        assert call_id == expected or (not expected and call_id.startswith("call_"))


@pytest.mark.parametrize("whole", [False, True])
def test_arguments_that_are_an_object_keep_their_text(whole: bool) -> None:
    first = b'{"id":"a","function":{"name":"f","arguments":{"z": 1.50,"a":[1e2 ]}}}'
    calls = b'[%b,{"function":{"name":"g","arguments":{}}}]' % first
    if whole:
        reading = reader()
        document = (
            b'\n\n{"choices":[{"message":{"content":null,"tool_calls":%b},"finish_reason":"tool_calls"}]}' % calls
        )
        told = list(reading.whole(document))
    else:
        chunk = b'data: {"choices":[{"index":0,"delta":{"tool_calls":%b}}]}\n\n' % calls
        told = events(reader(), spelled(chunk, finish()))
    items = [item.function_call for item in check_event_order(told)]
    assert [(call.name, call.arguments) for call in items] == [("f", '{"z": 1.50,"a":[1e2 ]}'), ("g", "{}")]


def test_the_old_form_of_a_call() -> None:
    pieces = [delta(function_call={"name": "f", "arguments": "{"}), delta(function_call={"arguments": "}"})]
    assert outline(response(*pieces, finish("function_call")))[0][1:] == ("f", "{}")


def test_a_call_of_a_custom_tool() -> None:
    first = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "shell", "input": ""}}
    more = {"index": 0, "custom": {"input": 'ls "a"'}}
    told = response(delta(tool_calls=[first]), delta(tool_calls=[more]), finish("tool_calls"), tools=[SHELL])
    assert outline(told) == [("a", "shell", 'ls "a"')]
    assert told.output[0].HasField("custom_tool_call")


@pytest.mark.parametrize("reason", ["tool_calls", "length"])
@pytest.mark.parametrize(
    ("arguments", "text"), [('{"input":"ls"}', "ls"), ("ls -l", "ls -l"), ('{"in": 1}', '{"in": 1}')]
)
def test_a_call_of_a_custom_tools_stand_in(arguments: str, text: str, reason: str) -> None:
    call = piece(arguments, index=0, id="a", name="shell")
    told = response(delta(tool_calls=[call]), finish(reason), preset="xai", tools=[SHELL])
    assert outline(told) == [("a", "shell", text)]


def test_words_after_calls_are_told() -> None:
    call = piece("{}", index=0, id="a", name="f")
    told = response(delta(content="x"), delta(tool_calls=[call]), delta(content="y"), finish())
    assert outline(told) == [("said", "x"), ("a", "f", "{}"), ("said", "y")]


def test_a_call_that_was_cut() -> None:
    told = response(delta(tool_calls=[piece('{"a', index=0, id="a", name="f")]), finish("length"))
    assert (outline(told), told.output[0].status) == ([("a", "f", '{"a')], "incomplete")


def test_a_call_without_a_name() -> None:
    assert "names no tool" in failure(delta(tool_calls=[piece("{}", index=0, id="a")]), finish()).message


# Text, and what belongs to it


def test_refusals() -> None:
    told = response(delta(refusal="I can"), delta(refusal="not."), finish())
    assert told.output[0].message.content[0].refusal.refusal == "I cannot."


def test_citations_are_told_once() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 2}}
    flat = {"type": "url_citation", "url": "v"}
    chunks = [delta(content="Hi", annotations=[cited]), delta(annotations=[cited, flat, {"type": "file"}]), finish()]
    notes = response(*chunks).output[0].message.content[0].output_text.annotations
    assert [note.url_citation for note in notes] == [
        v1.UrlCitationBody(url="u", title="t", start_index=0, end_index=2),
        v1.UrlCitationBody(url="v", start_index=2, end_index=2),
    ]


def test_logprobs() -> None:
    token = {"token": "Hi", "logprob": -1, "bytes": [72, 105], "top_logprobs": [{"token": "x", "logprob": -2.5}]}
    chunk = delta(content="Hi")
    chunk["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    (told,) = response(chunk, finish()).output[0].message.content[0].output_text.logprobs
    expected = v1.LogProb(token="Hi", logprob=-1, bytes=[72, 105])
    expected.top_logprobs.add(token="x", logprob=-2.5)
    assert told == expected
    chunk["choices"][0]["logprobs"] = {"tokens": ["Hi"], "token_logprobs": [-1]}
    assert not response(chunk, finish()).output[0].message.content[0].output_text.logprobs


# Reasoning


@pytest.mark.parametrize(
    "chunks",
    [
        [delta(content=None, reasoning_content="Hm"), delta(content="", reasoning_content="m.", tool_calls=[])],
        [delta(reasoning="Hm"), delta(reasoning="m.")],
        [delta(reasoning="Hm", reasoning_content="Hm"), delta(reasoning="m.", reasoning_content="m.")],
        [delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]),
         delta(content=[{"type": "thinking", "thinking": "m."}, {"type": "reference", "reference_ids": [1]}])],
        [delta(reasoning="Hmm.", reasoning_details=[{"type": "reasoning.text", "text": "Hmm.", "index": 0}])],
        [delta(reasoning="Hmm.", reasoning_details=[{"type": "reasoning.encrypted", "data": "x"}])],
    ],
)  # fmt: skip
def test_reasoning(chunks: list[Any]) -> None:
    told = response(*chunks, delta(content="So."), finish())
    assert outline(told) == [("thought", "Hmm."), ("said", "So.")]
    proved = bool(told.output[0].reasoning.encrypted_content)
    assert proved == any("details" in json.dumps(chunk) for chunk in chunks)


def test_details_are_put_together_and_sealed() -> None:
    text = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    pieces = [text | {"text": "Hm"}, text | {"text": "m."}, text | {"text": None, "signature": "sig"}]
    summary = {"type": "reasoning.summary", "summary": "Short.", "index": 1}
    secret = {"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "index": 1}
    chunks = [delta(reasoning_details=[one]) for one in (*pieces, summary, secret, secret)]
    call = delta(tool_calls=[piece("{}", index=0, id="a", name="f")])
    late = delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "y"}])
    told = response(*chunks, call, late, finish(), preset="openrouter")
    assert outline(told) == [("thought", "Hmm.", "Short."), ("a", "f", "{}"), ("thought",)]
    proof = told.output[0].reasoning.encrypted_content
    assert PROOFS.open("reasoning_details", proof) == [
        text | {"text": "Hmm.", "signature": "sig"},
        summary,
        secret,
        secret,
    ]
    assert PROOFS.open("thinking", proof) == []
    assert PROOFS.open("reasoning_details", told.output[2].reasoning.encrypted_content) == [
        {"type": "reasoning.encrypted", "data": "y"}
    ]


def test_details_of_another_index_are_others() -> None:
    details = [{"type": "reasoning.text", "text": "a", "index": 0}, {"type": "reasoning.text", "text": "b", "index": 1}]
    told = response(*[delta(reasoning_details=[one]) for one in details], finish())
    assert PROOFS.open("reasoning_details", told.output[0].reasoning.encrypted_content) == details


def test_a_signed_thought_is_sealed() -> None:
    first = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    last = {"type": "thinking", "thinking": [{"type": "text", "text": "m."}], "signature": "sig", "closed": True}
    told = response(delta(content=[first]), delta(content=[last, {"type": "text", "text": "So."}]), finish())
    assert outline(told) == [("thought", "Hmm."), ("said", "So.")]
    assert PROOFS.open("thinking", told.output[0].reasoning.encrypted_content) == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hmm."}], "signature": "sig", "closed": True}
    ]


def test_forms_of_reasoning_may_be_mixed() -> None:
    detail = {"type": "reasoning.text", "text": "a"}
    thought = {"type": "thinking", "thinking": "b", "signature": "s"}
    told = response(delta(reasoning_details=[detail], content=[thought]), delta(reasoning_details=[detail]), finish())
    assert told.status == v1.Response.STATUS_COMPLETED


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("<think>\nHm < m.\n</think>\n\nSo.", [("thought", "Hm < m."), ("said", "So.")]),
        (" \n<think>Hm</thin k></think>So <think>.", [("thought", "Hm</thin k>"), ("said", "So <think>.")]),
        ("<think></think>So.", [("said", "So.")]),
        ("<think>Hm, cut </thi", [("thought", "Hm, cut </thi")]),
        ("<thin", [("said", "<thin")]),
        (" So. <think>Hm</think>", [("said", " So. <think>Hm</think>")]),
    ],
)
def test_tags_around_reasoning(text: str, items: list[tuple[str, ...]], size: int) -> None:
    chunks = [delta(content=text[at : at + size]) for at in range(0, len(text), size)]
    assert outline(response(*chunks, finish(), think_tags=True)) == items
    assert outline(response(*chunks, finish())) == [("said", text)], "only where that is asked for"


def test_tags_that_a_call_cuts_short() -> None:
    call = piece("{}", index=0, id="a", name="f")
    told = response(delta(content="<thi"), delta(tool_calls=[call]), finish(), think_tags=True)
    assert outline(told) == [("said", "<thi"), ("a", "f", "{}")]


# Tokens


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, (5, 0, 0, 2, 0)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 6,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            (9, 4, 3, 6, 5),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}, (9, 4, 0, 1, 0)),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "cached_tokens": 4, "prompt_tokens_details": None},
            (9, 4, 0, 1, 0),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_token_details": {"cached_tokens": 4}}, (9, 4, 0, 1, 0)),
        # Reasoning beside the rest of the output, and more of it than there is output.
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            (9, 0, 0, 6, 5),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 5}},
            (9, 0, 0, 3, 3),
        ),
        # What was read from the cache beside the rest of the input.
        ({"prompt_tokens": 2, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}, (10, 8, 0, 3, 0)),
        ({"prompt_tokens": "9", "completion_tokens": 3}, None),
        ({"prompt_tokens": 9}, None),
        ({"prompt_tokens": True, "completion_tokens": -3}, None),
        ({}, None),
    ],
)
def test_tokens(told: dict[str, Any], counts: tuple[int, ...] | None) -> None:
    usage = usage_of(told)
    if counts is None:
        assert usage is None
        return
    assert usage is not None
    read, written = usage.input_tokens_details, usage.output_tokens_details
    assert (
        usage.input_tokens,
        read.cached_tokens,
        read.cache_write_tokens,
        usage.output_tokens,
        written.reasoning_tokens,
    ) == counts
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


USED = {"prompt_tokens": 5, "completion_tokens": 2}


@pytest.mark.parametrize(
    ("preset", "chunks"),
    [
        ("openai", [finish(), {"choices": [], "usage": USED}]),
        ("openai", [finish(usage=USED)]),
        ("openai", [finish(), delta(content="") | {"usage": USED}]),
        ("openai", [delta(content="") | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}}, finish(usage=USED)]),
        ("openai", [finish(), {"choices": [], "usage": USED}, {"choices": [], "usage": None}]),
        ("moonshot", [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USED}]}]),
        ("groq", [finish(x_groq={"id": "r", "usage": USED})]),
    ],
)
def test_where_tokens_are_told(preset: str, chunks: list[Any]) -> None:
    for done in (True, False):
        usage = response(delta(content="Hi"), *chunks, preset=preset, done=done).usage
        assert (usage.input_tokens, usage.output_tokens) == (5, 2)


def test_tokens_that_are_never_told() -> None:
    assert not response(delta(content="Hi"), finish()).HasField("usage")


def test_the_service_tier() -> None:
    assert response(delta(content="Hi") | {"service_tier": "priority"}, finish()).service_tier == "priority"


# Errors

NO = {"message": f"No, {SECRET}.", "type": "invalid_request_error", "code": "tool_use_failed"}


@pytest.mark.parametrize(
    ("chunk", "kind"),
    [
        ({"error": {"message": "x", "type": "server_error"}}, errors.UpstreamError),
        ({"error": {"code": 502, "message": "x"}, **finish("error")}, errors.UpstreamUnavailable),
        ({"error": {"code": "429", "message": "x"}}, errors.RateLimitExceeded),
        ({"error": {"message": "x", "type": "rate_limit_error"}}, errors.RateLimitExceeded),
        ({"error": {"message": "x", "metadata": {"error_type": "provider_unavailable"}}}, errors.UpstreamUnavailable),
        ({"error": {"message": "x", "type": "overloaded_error"}}, errors.UpstreamUnavailable),
        ({"error": {"message": "x", "type": "insufficient_quota"}}, errors.InsufficientQuota),
        ({"error": "text", "code": "Some error"}, errors.UpstreamError),
        ({"error": NO}, errors.UpstreamRejected),
        ({"error_type": "BadRequestError", "error_message": "x"}, errors.UpstreamRejected),
        ({"code": 20015, "message": "x", "data": None}, errors.UpstreamError),
        ({"object": "error", "message": "x", "code": 400}, errors.UpstreamRejected),
        ({"choices": [{"index": 0, "error": {"code": 503, "message": "x"}}]}, errors.UpstreamUnavailable),
        (b"event: error\ndata: " + json.dumps({"error": NO}).encode() + b"\n\n", errors.UpstreamRejected),
        (b"event: error\ndata: {}\n\n", errors.UpstreamError),
        (
            b'error: {"code":400,"message":"the request exceeds the available context size"}\n\n',
            errors.ContextLengthExceeded,
        ),
        (b"error: what?\n\n", errors.UpstreamError),
    ],
)
def test_errors_in_a_stream(chunk: Any, kind: type[errors.ServiceError]) -> None:
    error = failure(delta(content="Hi"), chunk)
    assert type(error) is kind
    assert SECRET not in error.message
    if not isinstance(chunk, bytes):
        with pytest.raises(errors.ServiceError) as raised:
            reader().whole(orjson.dumps(chunk))
        assert type(raised.value) is kind


def test_words_beside_choices_are_no_error() -> None:
    assert outline(response(delta(content="Hi") | {"code": 0, "message": "ok"}, finish())) == [("said", "Hi")]


def test_errors_beside_a_chunk() -> None:
    assert type(failure(delta(content="Hi"), {"x_groq": {"error": "x"}}, preset="groq")) is errors.UpstreamError
    assert response(delta(content="Hi"), {"x_groq": {"error": "x"}}, finish()).output


@pytest.mark.parametrize(
    "told",
    [
        {"error": {"message": "x", "code": "context_length_exceeded"}},
        {"error": {"message": "x", "type": "exceed_context_size_error", "code": 400}},
        {"error": {"message": "This model's maximum context length is 8192 tokens.", "code": 400}},
        {"error": {"message": "Invalid request: Your request exceeded model token limit: 8192"}},
        {"object": "error", "message": "Prompt contains 9 tokens, too large for model with 8 maximum context length"},
        {"code": "Client specified an invalid argument", "error": "This model's maximum prompt length is 8 but 9."},
        {"message": "too many tokens: total number of tokens in the prompt cannot exceed 8"},
    ],
)
def test_too_long(told: dict[str, Any]) -> None:
    assert verdict(told).is_too_long


@pytest.mark.parametrize(
    ("told", "message", "code"),
    [
        ({"error": {"message": "m", "type": "t", "param": "p", "code": None}}, "m", "t"),
        ({"code": "c", "error": "m"}, "m", "c"),
        ({"id": "1", "message": "m"}, "m", None),
        ({"code": 20015, "message": "m", "data": None}, "m", None),
        ({"errors": {"message": "m"}}, "m", None),
        ({"detail": [{"loc": ["body", "x"], "msg": "m"}]}, "body.x: m", None),
        ({"object": "error", "message": {"detail": [{"loc": ["x"], "msg": "m"}]}}, "x: m", None),
        (
            {"detail": [{"loc": [functools.reduce(lambda within, _: [within], range(5000), "x"), 1], "msg": "m"}]},
            "1: m",
            None,
        ),
        ({"error": functools.reduce(lambda within, _: {"detail": within}, range(5000), "m")}, "m", None),
        ({"error": 7}, None, None),
        ([], None, None),
    ],
)
def test_verdicts(told: Any, message: str | None, code: str | None) -> None:
    said = verdict(told)
    assert (said.message, said.code, said.is_too_long) == (message, code, False)


@pytest.mark.parametrize(
    "chunk",
    [
        b"data: {\n\n",
        b'data: {"choices":[{"delta":{"content":"\\ud800"}}]}\n\n',
        [1],
        {"choices": 7},
        {"choices": [7]},
        {"choices": [{"index": "0"}]},
        {"choices": [{"delta": 7}]},
        delta(content=7),
        delta(content=[7]),
        delta(content=[{"type": "text"}]),
        delta(content=[{"type": "thinking", "thinking": [{"text": 7}]}]),
        delta(refusal=7),
        delta(reasoning=7),
        delta(reasoning_details=7),
        delta(reasoning_details=[7]),
        delta(reasoning_details=[{"type": "reasoning.text", "text": 7}]),
        delta(annotations=7),
        delta(annotations=[{"type": "url_citation"}]),
        delta(tool_calls=7),
        delta(tool_calls=[7]),
        delta(tool_calls=[{"function": 7}]),
        delta(tool_calls=[piece(7, index=0)]),
        delta(function_call=7),
        {"choices": [{"delta": {"content": "x"}, "logprobs": {"content": [{"token": 7}]}}]},
        {"choices": [{"delta": {"content": "x"}, "logprobs": {"content": [{"token": "x", "logprob": "y"}]}}]},
    ],
)
def test_what_makes_no_sense(chunk: Any) -> None:
    assert type(failure(delta(content="Hi"), chunk, finish())) is errors.UpstreamError


@pytest.mark.timeout(20)
def test_a_message_that_quotes_at_length_is_read_in_a_moment() -> None:
    quoted = "exceed" * 10_000
    assert verdict({"error": {"message": quoted}}).message == quoted


@pytest.mark.parametrize("depth", [200, 253, 300, 1000, 5000])
@pytest.mark.parametrize(
    "around",
    [
        b'{"choices":[{"delta":{"reasoning_details":[{"type":"x","data":%b}]}}]}',
        b'{"choices":[{"delta":{"content":[{"type":"thinking","thinking":"x","signature":%b}]}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"a":%b}}}]}}]}',
        b'{"choices":[{"delta":{"content":"x","else":%b}}]}',
    ],
)
def test_what_is_too_deep_is_an_error_of_the_providers_at_most(around: bytes, depth: int) -> None:
    chunk = around % (b"[" * depth + b"]" * depth)
    reading = reader()
    try:
        events(reading, spelled(b"data: " + chunk + b"\n\n", finish()))
    except errors.ServiceError as error:
        reading.failure = error
    assert reading.ended or type(reading.failure) is errors.UpstreamError
