"""Bodies that are wrong, or odd but right: the documented status, code and param, and nothing else happens."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from e2e_http import ask, raw, refuse
from e2e_layouts import CANARY, KEY_A, MAX_REQUEST_BYTES, Layout


def create(**members: Any) -> bytes:
    return json.dumps({"model": "echo", "input": CANARY, **members}).encode()


def tool(**members: Any) -> dict[str, Any]:
    return {"type": "function", "name": "f", "parameters": {}, "strict": False, **members}


BODIES: dict[str, tuple[bytes, str | None, str | None]] = {
    "empty": (b"", None, None),
    "not JSON": (b"input=" + CANARY.encode(), None, None),
    "cut off": (create()[:-5], None, None),
    "something after the end": (create() + b"x", None, None),
    "two documents": (create() * 2, None, None),
    "invalid UTF-8": (b'{"model":"echo","input":"\xff\xfe"}', None, None),
    "a lone surrogate": (b'{"model":"echo","input":"\\ud800"}', None, None),
    "a lone surrogate deep inside": (
        create(input=[{"role": "user", "content": "X"}]).replace(b"X", b"\\udfff"),
        None,
        None,
    ),
    "NaN": (b'{"model":"echo","input":"x","temperature":NaN}', None, None),
    "a number beyond all doubles": (b'{"model":"echo","input":"x","temperature":1e400}', None, None),
    "nested 100,000 deep": (b'{"model":"echo","input":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None, None),
    "objects nested 100,000 deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, None, None),
    "a list": (b"[]", "invalid_type", None),
    "a text": (b'"' + CANARY.encode() + b'"', "invalid_type", None),
    "null": (b"null", "invalid_type", None),
    "no model": (b'{"input":"x"}', "missing_required_parameter", "model"),
    "no input": (b'{"model":"echo"}', "missing_required_parameter", "input"),
    "an empty list as input": (create(input=[]), "missing_required_parameter", "input"),
    "a model that is a number": (create(model=1), "invalid_type", "model"),
    "input that is a number": (create(input=1), "invalid_type", "input"),
    "input that is an object": (create(input={"text": CANARY}), "invalid_type", "input"),
    "an item that is a text": (create(input=[CANARY]), "invalid_type", "input[0]"),
    "a role that is none": (create(input=[{"role": CANARY, "content": "x"}]), "invalid_value", "input[0].role"),
    "content that is a number": (create(input=[{"role": "user", "content": 1}]), "invalid_type", "input[0].content"),
    "a text that is a list": (
        create(input=[{"role": "user", "content": [{"type": "input_text", "text": [CANARY]}]}]),
        "invalid_type",
        "input[0].content[0].text",
    ),
    "an output for no call": (
        create(input=[{"type": "function_call_output", "call_id": "call_x", "output": CANARY}]),
        "invalid_value",
        "input[0].call_id",
    ),
    "an output without a call's id": (
        create(input=[{"type": "function_call_output", "output": CANARY}]),
        "missing_required_parameter",
        "input[0].call_id",
    ),
    "a reference to nothing": (create(input=[{"type": "item_reference", "id": "msg_x"}]), "not_found", "input[0].id"),
    "tools that are an object": (create(tools={}), "invalid_type", "tools"),
    "a tool without a name": (
        create(tools=[tool(), {"type": "function", "parameters": {}}]),
        "missing_required_parameter",
        "tools[1].name",
    ),
    "a tool's name that is null": (create(tools=[tool(name=None)]), "missing_required_parameter", "tools[0].name"),
    "a tool without a type": (create(tools=[{"name": "f"}]), "missing_required_parameter", "tools[0].type"),
    "a tool's strictness that is a text": (create(tools=[tool(strict=CANARY)]), "invalid_type", "tools[0].strict"),
    "a schema without a name": (
        create(text={"format": {"type": "json_schema", "schema": {}}}),
        "missing_required_parameter",
        "text.format.name",
    ),
    "a temperature that is a text": (create(temperature=CANARY), "invalid_type", "temperature"),
    "a temperature out of range": (create(temperature=2.5), "invalid_value", "temperature"),
    "too few output tokens": (create(max_output_tokens=15), "invalid_value", "max_output_tokens"),
    "output tokens that are no whole number": (create(max_output_tokens=16.5), "invalid_type", "max_output_tokens"),
    "output tokens beyond 64 bits": (create(max_output_tokens=10**30), "invalid_value", "max_output_tokens"),
    "metadata that is no text": (create(metadata={"a": {"b": CANARY}}), "invalid_type", "metadata.a"),
    "17 pairs of metadata": (create(metadata={str(n): "" for n in range(17)}), "invalid_value", "metadata"),
    "metadata of 513 characters": (create(metadata={"a": "x" * 513}), "invalid_value", "metadata.a"),
    "stream that is a text": (create(stream=CANARY), "invalid_type", "stream"),
    "background that is kept nowhere": (create(background=True, store=False), "invalid_value", "background"),
    "an unknown conversation": (create(conversation="conv_1"), "not_found", "conversation"),
    "an unknown conversation, as an object": (create(conversation={"id": "conv_1"}), "not_found", "conversation"),
    "a conversation that is SQL": (create(conversation="' OR 1=1 --"), "not_found", "conversation"),
    "a conversation that is a number": (create(conversation=1), "invalid_type", "conversation"),
    "a conversation without id": (create(conversation={}), "missing_required_parameter", "conversation.id"),
    "a conversation without name": (create(conversation=""), "invalid_value", "conversation"),
    "a conversation and a previous response": (
        create(conversation="conv_1", previous_response_id="resp_1"),
        "invalid_value",
        "conversation",
    ),
    "an unknown previous response": (
        create(previous_response_id="resp_x"),
        "previous_response_not_found",
        "previous_response_id",
    ),
    "a previous response that is SQL": (
        create(previous_response_id="' OR 1=1 --"),
        "previous_response_not_found",
        "previous_response_id",
    ),
    "a previous response that is a number": (create(previous_response_id=1), "invalid_type", "previous_response_id"),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies(layout: Layout, case: str) -> None:
    body, code, param = BODIES[case]
    before = layout.stored()
    refuse(layout, ask(layout, body), 404 if code == "not_found" else 400, code, param)
    assert layout.stored() == before


def test_an_unknown_model(layout: Layout) -> None:
    refuse(layout, ask(layout, create(model="nowhere")), 404, "model_not_found", "model")


@pytest.mark.parametrize("size", ["declared", "chunked", "compressed", "lied about"])
def test_a_body_that_is_too_large(layout: Layout, size: str) -> None:
    before = layout.stored()
    body = create(input="x" * MAX_REQUEST_BYTES)
    if size == "compressed":
        answer = ask(layout, gzip.compress(body), content_encoding="gzip")
    elif size == "chunked":
        head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY_A}\r\n".encode()
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        answer = raw(layout, head + b"transfer-encoding: chunked\r\n\r\n" + chunk * 17 + b"0\r\n\r\n")
    elif size == "declared":
        answer = ask(layout, body)
    else:
        # Refused before any of it is sent.
        head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY_A}\r\n".encode()
        answer = raw(layout, head + b"content-length: 99999999999\r\n\r\n")
    refuse(layout, answer, 413, "request_too_large")
    assert layout.stored() == before


@pytest.mark.parametrize(
    "text", ["nul \x00 within", "\x00", "a\u2028b\u0085c\x0bd", "🎉 \U0010ffff", "\ufeff bom", "\x1b[31mred"]
)
def test_texts_that_are_odd_but_right(layout: Layout, text: str) -> None:
    answer = ask(layout, json.dumps({"model": "echo", "input": text, "metadata": {"odd": text}}).encode())
    assert answer.status == 200, answer.json
    told = answer.json
    assert told["output"][0]["content"][0]["text"] == text
    assert told["metadata"] == {"odd": text}
    assert ask(layout, None, method="GET", path=f"/v1/responses/{told['id']}").json == told
    again = ask(layout, create(input="What did I say first?", previous_response_id=told["id"])).json
    assert again["output"][0]["content"][0]["text"].endswith(text)


def test_numbers_and_key_order_of_free_json_are_kept(layout: Layout) -> None:
    parameters = b'{"z": 1.50, "type": "object", "a": 12345678901234567890123, "properties": {}}'
    body = b'{"model":"echo","input":"x","tool_choice":"none","tools":[{"type":"function","name":"f","parameters":%b}]}'
    answer = ask(layout, body % parameters)
    assert answer.status == 200, answer.json
    assert parameters in answer.body
