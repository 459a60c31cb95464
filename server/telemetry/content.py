"""What was said, as a trace shows it to those who asked for that: bounded, and without secrets or data in base64."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from openinference.semconv.trace import OpenInferenceMimeTypeValues
from openinference.semconv.trace import SpanAttributes as Inference

from antiphon.responses import v1
from server.telemetry import messages, openinference
from server.telemetry.messages import Message, Part
from server.telemetry.plain import Plain
from server.telemetry.record import ResponseRecord

SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
#: Ours: how many characters of content a span holds, and the attributes that had no room.
CONTENT_SIZE: Final = "antiphon.content.size"
LEFT_OUT: Final = "antiphon.content.left_out"

#: Of a long input the newest items are looked at, and of many tools the first.
_MAX_ITEMS: Final = 256
_MAX_TOOLS: Final = 128


@dataclass(frozen=True, slots=True)
class Caps:
    """How much content a span may hold, in characters."""

    #: Of one text; what is longer is cut, and says so.
    text: int = 4_096
    #: Of one attribute: messages are given half of it, so that marks and names fit in too.
    attribute: int = 32_768
    #: Of all attributes together. What does not fit is left out, and named in `antiphon.content.left_out`.
    total: int = 98_304


CAPS: Final = Caps()


def content(record: ResponseRecord, caps: Caps, finish: str | None) -> dict[str, str | int | Sequence[str]]:
    """The attributes of a response's span that hold content; `finish` is why the model stopped."""
    plain = Plain(caps.text)
    room = caps.attribute // 2
    request, response = record.request, record.response
    groups: list[tuple[str, dict[str, str]]] = []
    if response is not None and response.output:
        said = messages.of_output(response.output[:_MAX_ITEMS], plain).within(room, keep="first")
        groups.append((OUTPUT_MESSAGES, {OUTPUT_MESSAGES: _dump([genai(said, finish)])}))
        groups.append(("llm.output_messages", openinference.messages(Inference.LLM_OUTPUT_MESSAGES, [said])))
        groups.append((Inference.OUTPUT_VALUE, _value(Inference.OUTPUT_VALUE, Inference.OUTPUT_MIME_TYPE, said)))
    asked = list(_input(record, plain, room))
    if asked:
        groups.append((INPUT_MESSAGES, {INPUT_MESSAGES: _dump([genai(message) for message in asked])}))
    instructions = [Message("system", [Part("text", plain.text(request.instructions))])] if request.instructions else []
    groups.append(("llm.input_messages", openinference.messages(Inference.LLM_INPUT_MESSAGES, [*instructions, *asked])))
    if asked:
        groups.append((Inference.INPUT_VALUE, _value(Inference.INPUT_VALUE, Inference.INPUT_MIME_TYPE, asked[-1])))
    if instructions:
        parts = [spelled(part) for part in instructions[0].parts]
        groups.append((SYSTEM_INSTRUCTIONS, {SYSTEM_INSTRUCTIONS: _dump(parts)}))
    if request.tools:
        tools = list(_tools(request.tools, plain, room))
        groups.append((TOOL_DEFINITIONS, {TOOL_DEFINITIONS: _dump(tools)}))
        groups.append((Inference.LLM_TOOLS, openinference.tools([_dump(tool) for tool in tools])))
    if request.metadata:
        told = {plain.text(key): plain.text(value) for key, value in sorted(request.metadata.items())}
        groups.append((Inference.METADATA, {Inference.METADATA: _dump(told)}))
    return _within(groups, caps)


def genai(message: Message, finish: str | None = None) -> dict[str, Any]:
    """A message as OpenTelemetry's conventions spell it."""
    parts = [spelled(part) for part in message.parts]
    if message.role == "tool":
        texts = [part.get("content") for part in parts]
        response = texts[0] if len(parts) == 1 and texts[0] is not None else parts
        parts = [{"type": "tool_call_response", "id": message.call_id, "response": response}]
    found: dict[str, Any] = {"role": message.role, "parts": parts}
    if finish is not None:
        found["finish_reason"] = finish
    return found


def spelled(part: Part) -> dict[str, Any]:
    """A part of a message as OpenTelemetry's conventions spell it."""
    match part.kind:
        case "text" | "refusal" | "reasoning":
            return {"type": part.kind, "content": part.text}
        case "tool_call":
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": part.text}
        case _:
            found = {"modality": part.kind, "mime_type": part.media_type, "name": part.name}
            if part.text:
                found |= {"type": "blob", "content": part.text}
            elif part.url:
                found |= {"type": "uri", "uri": part.url}
            else:
                found |= {"type": "file", "file_id": part.id}
            return {name: value for name, value in found.items() if value}


def _input(record: ResponseRecord, plain: Plain, room: int) -> Iterator[Message]:
    request = record.request
    if record.history is None and request.HasField("input_text"):
        yield Message("user", [Part("text", plain.text(request.input_text))])
        return
    items = request.input if record.history is None else record.history
    newest = list(items[-_MAX_ITEMS:])
    kept: list[Message] = []
    left = room
    told = list(messages.of_input(newest, plain))
    for message in reversed(told):
        within = message.within(left, keep="last")
        if not within.parts:
            break
        kept.append(within)
        left -= within.size
        if left <= 0:
            break
    missing = len(items) - len(newest) + len(told) - len(kept)
    if missing:
        yield Message("system", [Part("text", f"[{missing} earlier messages left out]")])
    yield from reversed(kept)


def _tools(tools: Sequence[v1.Tool], plain: Plain, room: int) -> Iterator[Any]:
    told = 0
    for tool in tools[:_MAX_TOOLS]:
        spelled = plain.message(tool)
        room -= len(_dump(spelled))
        if room < 0:
            break
        told += 1
        yield spelled
    if told < len(tools):
        yield {"type": "left_out", "description": f"[{len(tools) - told} more tools left out]"}


def _value(name: str, mime_type: str, message: Message) -> dict[str, str]:
    """A message in one text, for lists of traces."""
    text = "\n".join(part.text for part in message.parts if part.kind in ("text", "refusal") and part.text)
    return {name: text, mime_type: OpenInferenceMimeTypeValues.TEXT.value} if text else {}


def _within(groups: Iterable[tuple[str, dict[str, str]]], caps: Caps) -> dict[str, str | int | Sequence[str]]:
    found: dict[str, str | int | Sequence[str]] = {}
    left_out: list[str] = []
    left = caps.total
    for name, attributes in groups:
        size = sum(len(key) + len(value) for key, value in attributes.items())
        if size > left or max(map(len, attributes.values()), default=0) > caps.attribute:
            left_out.append(name)
        else:
            found |= attributes
            left -= size
    found[CONTENT_SIZE] = caps.total - left
    if left_out:
        found[LEFT_OUT] = left_out
    return found


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
