"""Records of responses that hold a text in every place that there is for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from antiphon.openai_json import spelling
from antiphon.responses import v1
from server.telemetry.record import Attempt, Outcome, ResponseRecord


def fill(message: Message, text: str, depth: int = 0) -> Message:
    """Set every text below a message, in every field: of unions the arm that is set, or the last."""
    for field in message.DESCRIPTOR.fields:
        chosen = field.containing_oneof
        if chosen is not None and len(chosen.fields) > 1 and message.WhichOneof(chosen.name) not in (None, field.name):
            continue
        if depth > 4:
            continue
        if spelling.is_map(field):
            values = getattr(message, field.name)
            if spelling.map_value(field).type == FieldDescriptor.TYPE_STRING:
                values[text] = text
        elif field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                getattr(message, field.name).append(text)
            else:
                setattr(message, field.name, text)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            fill(
                getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name),
                text,
                depth + 1,
            )
    return message


def arms(descriptor: Descriptor, name: str) -> list[str]:
    return [field.name for field in descriptor.oneofs_by_name[name].fields]


def filled(kind: type[Message], arm: str, text: str) -> Any:
    message = kind()
    field = message.DESCRIPTOR.fields_by_name[arm]
    if field.type == FieldDescriptor.TYPE_STRING:
        setattr(message, arm, json.dumps({"type": "new", "words": text}))
    else:
        getattr(message, arm).SetInParent()
        fill(getattr(message, arm), text)
    return message


def everything(text: str) -> Iterator[tuple[str, ResponseRecord]]:
    """Records that hold a text in every place, one for each kind of item, content part and tool."""
    items = {f"item {arm}": filled(v1.Item, arm, text) for arm in arms(v1.Item.DESCRIPTOR, "item")}
    for arm in arms(v1.ContentPart.DESCRIPTOR, "part"):
        part = filled(v1.ContentPart, arm, text)
        items[f"part {arm}"] = v1.Item(message=v1.Message(role="user", content=[part]))
        items[f"result with {arm}"] = v1.Item(
            function_call_output=v1.FunctionToolCallOutput(call_id="c", output=[part])
        )
    for name, item in items.items():
        request = v1.CreateResponseRequest(model="m", input=[item])
        yield name, record(request, v1.Response(id="resp_1", output=[item]))
    for arm in arms(v1.Tool.DESCRIPTOR, "tool"):
        yield f"tool {arm}", record(v1.CreateResponseRequest(model="m", tools=[filled(v1.Tool, arm, text)]), None)
    whole = v1.CreateResponseRequest()
    fill(whole, text)
    whole.model = "m"
    response = v1.Response()
    fill(response, text)
    response.id = "resp_1"
    yield "everything else", record(whole, response)
    plain = v1.CreateResponseRequest(model="m", input_text=text, instructions=text)
    yield "text", record(plain, None)


def record(request: v1.CreateResponseRequest, response: v1.Response | None) -> ResponseRecord:
    made = ResponseRecord("req_1", "acme", "dev", request.model, True, request)
    made.attempts = [Attempt(1, "m", "mock", "openai", "m")]
    made.outcome = Outcome.FAILED
    made.response = response
    made.history = list(request.input)
    return made
