"""What counts as JSON, and what is kept of it to the letter."""

from __future__ import annotations

import json

import pytest

from antiphon import openai_json
from antiphon.responses import v1

DEEP = 100_000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b'{"a":1,}', id="trailing comma"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":01}', id="leading zero"),
        pytest.param(b'{"a":+1}', id="plus sign"),
        pytest.param(b'{"temperature":NaN}', id="NaN"),
        pytest.param(b'{"temperature":-Infinity}', id="infinity"),
        pytest.param(b'{"temperature":1e400}', id="too large a number"),
        pytest.param(b'{"new":{"x":1e400}}', id="too large a number in a raw part"),
        pytest.param(b'{"model":"\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"new":{"x":"\\udc00"}}', id="lone surrogate in a raw part"),
        pytest.param(b'{"model":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"model":"\xed\xa0\x80"}', id="surrogate in UTF-8"),
        pytest.param(b'{"model":"a\nb"}', id="control character"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b"[" * DEEP, id="deep and open"),
        pytest.param(b"[" * DEEP + b"]" * DEEP, id="deep array"),
        pytest.param(b'{"a":' * DEEP + b"1" + b"}" * DEEP, id="deep object"),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text):
    with pytest.raises(openai_json.MalformedJson) as caught:
        openai_json.decode(text, v1.CreateResponseRequest)
    assert not isinstance(caught.value, openai_json.DecodeError)
    assert not isinstance(caught.value.__cause__, RecursionError)


@pytest.mark.parametrize("text", [b"[]", b'"x"', b"1", b"null"])
def test_a_document_must_be_an_object(text):
    with pytest.raises(openai_json.WrongType) as caught:
        openai_json.decode(text, v1.CreateResponseRequest)
    assert caught.value.param == ""


def filters(levels: int) -> bytes:
    leaf = b'{"type":"eq","key":"k","value":1}'
    nested = b'{"type":"and","filters":[' * levels + leaf + b"]}" * levels
    return b'{"tools":[{"type":"file_search","vector_store_ids":[],"filters":' + nested + b"}]}"


def test_what_decodes_can_be_sent_within_a_stream_and_written_again():
    request = openai_json.decode(filters(43), v1.CreateResponseRequest)
    chunk = v1.ResponseStreamChunk()
    chunk.events.add().created.response.tools.extend(request.tools)
    received = v1.ResponseStreamChunk.FromString(chunk.SerializeToString())
    openai_json.check(received)
    assert openai_json.encode(received.events[0]).count(b'"and"') == 43


@pytest.mark.parametrize("levels", [44, 200, 500])
def test_typed_json_that_is_too_deep_for_protobuf_is_refused(levels):
    with pytest.raises(openai_json.DecodeError, match="nested too deeply"):
        openai_json.decode(filters(levels), v1.CreateResponseRequest)


def decode_below(frames: int, text: bytes) -> v1.CreateResponseRequest:
    return decode_below(frames - 1, text) if frames else openai_json.decode(text, v1.CreateResponseRequest)


def outcome(frames: int, levels: int) -> str:
    """What becomes of a raw part so deep, decoded so many calls down."""
    text = b'{"new":' + b"[" * levels + b"]" * levels + b"}"
    try:
        request = decode_below(frames, text)
    except openai_json.CodecError as error:
        return str(error)
    return "kept" if openai_json.encode(request) == text else "changed"


@pytest.mark.parametrize("frames", [0, 300, 600])
def test_deep_raw_json_is_kept_or_refused_wherever_it_is_decoded(frames):
    assert outcome(frames, 250) == "kept"
    assert outcome(frames, 1000) in {"kept", "The JSON is nested too deeply."}


def test_the_last_of_equal_keys_counts():
    text = (
        b'{"model":"a","model":"b","new":1,"new":2.0,"n\\u0065w":3,"tools":5,"tools":[],"metadata":{"k":"1","k":"2"}}'
    )
    request = openai_json.decode(text, v1.CreateResponseRequest)
    assert (request.model, request.catch_all, dict(request.metadata)) == ("b", '{"new":3}', {"k": "2"})


def test_raw_parts_are_kept_to_the_letter():
    parameters = '{"$schema":"x","b":1.00,"a":{"z":12345678901234567890123,"y":-0.0},"s":"\\u00e9\\/","e":1E2}'
    text = f'{{"tools":[{{"type":"function","name":"f","parameters":{parameters}}}],"client_metadata":{parameters}}}'
    request = openai_json.decode(text.encode(), v1.CreateResponseRequest)
    assert request.tools[0].function.parameters == parameters
    assert openai_json.encode(request, nulls=False).decode() == text


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, -(2**63), 0])
def test_integers_are_exact(number):
    text = f'{{"created_at":{number}}}'
    response = openai_json.decode(text.encode(), v1.Response)
    assert response.created_at == number
    assert json.loads(openai_json.encode(response))["created_at"] == number


def test_text_is_kept_with_nul_quotes_and_characters_of_all_planes():
    text = 'a\0b"\\\n\u2028😀\x7f'
    request = openai_json.decode(json.dumps({"input": text}).encode(), v1.CreateResponseRequest)
    assert request.input_text == text
    assert json.loads(openai_json.encode(request)) == {"input": text}


def test_a_long_string_is_kept():
    text = b'{"input":"' + b"x" * (8 << 20) + b'"}'
    assert openai_json.encode(openai_json.decode(text, v1.CreateResponseRequest)) == text


def test_an_error_quotes_no_value_and_shows_a_key_cut_and_cleaned():
    secret = "sk-secret"
    with pytest.raises(openai_json.CodecError) as malformed:
        openai_json.decode(f'{{"model":"{secret}" x}}'.encode(), v1.CreateResponseRequest)
    with pytest.raises(openai_json.DecodeError) as wrong:
        openai_json.decode(json.dumps({"temperature": secret}).encode(), v1.CreateResponseRequest)
    assert secret not in str(malformed.value) + str(wrong.value)
    with pytest.raises(openai_json.DecodeError) as key:
        openai_json.decode(json.dumps({"metadata": {'a"]\n' + "k" * 500: 1}}).encode(), v1.CreateResponseRequest)
    assert key.value.param == 'metadata["a?]?' + "k" * 60 + '"]'
