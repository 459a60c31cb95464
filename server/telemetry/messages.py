"""Items as the messages that conventions for traces know: who said what, in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import orjson

from antiphon.responses import v1
from server.telemetry.plain import Plain

Kind: TypeAlias = Literal["text", "refusal", "reasoning", "tool_call", "image", "audio", "video", "document"]

#: What a part and a message take beside their texts: names, marks, indexes.
_OVERHEAD: Final = 64


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message, fit to be shown."""

    kind: Kind
    #: The text, a call's arguments, or what stands for data.
    text: str = ""
    #: Of a call, or of a file.
    id: str = ""
    #: Of a function, or of a file.
    name: str = ""
    url: str = ""
    media_type: str = ""

    @property
    def size(self) -> int:
        return _OVERHEAD + len(self.text) + len(self.id) + len(self.name) + len(self.url)


@dataclass(slots=True)
class Message:
    """What one side said at once."""

    role: str
    parts: list[Part] = field(default_factory=list)
    #: The call that this is the result of; for the role `tool`.
    call_id: str = ""

    @property
    def size(self) -> int:
        return _OVERHEAD + sum(part.size for part in self.parts)

    def within(self, room: int, *, keep: Literal["first", "last"]) -> Message:
        """The message with as many of its first or last parts as there is room for, and a word about the others."""
        if self.size <= room:
            return self
        left = room - 2 * _OVERHEAD
        kept: list[Part] = []
        for part in self.parts if keep == "first" else reversed(self.parts):
            left -= part.size
            if left < 0:
                break
            kept.append(part)
        if not kept:
            return Message(self.role, [], self.call_id)
        note = Part("text", f"[{len(self.parts) - len(kept)} more parts left out]")
        return Message(self.role, [*kept, note] if keep == "first" else [note, *reversed(kept)], self.call_id)


def of_input(items: Iterable[v1.Item], plain: Plain) -> Sequence[Message]:
    """The messages of an input. What a model said in one turn is one message, with its calls."""
    found: list[Message] = []
    for item in items:
        message = _message(item, plain)
        if _continues(found, message):
            found[-1].parts += message.parts
        else:
            found.append(message)
    return found


def of_output(items: Iterable[v1.Item], plain: Plain) -> Message:
    """The one message that a response is."""
    parts = [part for item in items for part in _message(item, plain).parts]
    return Message("assistant", parts)


def _continues(found: list[Message], message: Message) -> bool:
    """Whether a message goes on with the one before: a text begins another, but for one behind reasoning alone."""
    if not found or found[-1].role != "assistant" or message.role != "assistant":
        return False
    if any(part.kind in ("text", "refusal") for part in message.parts):
        return all(part.kind == "reasoning" for part in found[-1].parts)
    return True


def _message(item: v1.Item, plain: Plain) -> Message:
    kind = item.WhichOneof("item") or ""
    tell = _KINDS.get(kind)
    if tell is not None:
        return tell(item, plain)
    shown = plain.text(orjson.dumps(plain.message(getattr(item, kind))).decode()) if _has_fields(item, kind) else ""
    call_id = plain.text(getattr(getattr(item, kind, None), "call_id", "") or item.id)
    if kind.endswith("_output"):
        return Message("tool", [Part("text", shown)], call_id)
    if kind.endswith("_call"):
        return Message("assistant", [Part("tool_call", shown, id=call_id, name=kind)])
    text = plain.text(item.fallback) if kind == "fallback" else f"[{kind}] {shown}".rstrip()
    return Message("system", [Part("text", text)])


def _has_fields(item: v1.Item, kind: str) -> bool:
    return kind not in ("", "fallback") and bool(getattr(item, kind).ListFields())


def _of_message(item: v1.Item, plain: Plain) -> Message:
    message = item.message
    if message.HasField("content_text"):
        return Message(plain.text(message.role), [Part("text", plain.text(message.content_text))])
    return Message(plain.text(message.role), _parts(message.content, plain))


def _of_function_call(item: v1.Item, plain: Plain) -> Message:
    call = item.function_call
    return _call(call.call_id, call.namespace, call.name, call.arguments, plain)


def _of_custom_tool_call(item: v1.Item, plain: Plain) -> Message:
    call = item.custom_tool_call
    return _call(call.call_id, call.namespace, call.name, call.input, plain)


def _call(call_id: str, namespace: str, name: str, arguments: str, plain: Plain) -> Message:
    name = plain.text(f"{namespace}.{name}" if namespace else name)
    return Message("assistant", [Part("tool_call", plain.text(arguments), id=plain.text(call_id), name=name)])


def _of_function_call_output(item: v1.Item, plain: Plain) -> Message:
    result = item.function_call_output
    return _result(result.call_id, result.output_text, result.output, plain)


def _of_custom_tool_call_output(item: v1.Item, plain: Plain) -> Message:
    result = item.custom_tool_call_output
    return _result(result.call_id, result.output_text, result.output, plain)


def _result(call_id: str, text: str, parts: Sequence[v1.ContentPart], plain: Plain) -> Message:
    shown = _parts(parts, plain) if parts else [Part("text", plain.text(text))]
    return Message("tool", shown, plain.text(call_id))


def _of_reasoning(item: v1.Item, plain: Plain) -> Message:
    parts = [*item.reasoning.summary, *item.reasoning.content]
    return Message("assistant", _parts(parts, plain))


def _of_item_reference(item: v1.Item, plain: Plain) -> Message:
    return Message("system", [Part("text", f"[item_reference] {plain.text(item.id)}")])


_KINDS: Final[dict[str, Callable[[v1.Item, Plain], Message]]] = {
    "message": _of_message,
    "function_call": _of_function_call,
    "function_call_output": _of_function_call_output,
    "custom_tool_call": _of_custom_tool_call,
    "custom_tool_call_output": _of_custom_tool_call_output,
    "reasoning": _of_reasoning,
    "item_reference": _of_item_reference,
}


def _parts(parts: Iterable[v1.ContentPart], plain: Plain) -> list[Part]:
    return [_part(part, plain) for part in parts]


def _part(part: v1.ContentPart, plain: Plain) -> Part:
    kind = part.WhichOneof("part")
    match kind:
        case "input_text" | "output_text" | "text":
            return Part("text", plain.text(getattr(part, kind).text))
        case "summary_text" | "reasoning_text":
            return Part("reasoning", plain.text(getattr(part, kind).text))
        case "refusal":
            return Part("refusal", plain.text(part.refusal.refusal))
        case "input_image" | "computer_screenshot":
            image = getattr(part, kind)
            return _file("image", image.image_url, image.file_id, "", plain)
        case "input_video":
            return _file("video", part.input_video.video_url, "", "", plain)
        case "input_file":
            return _of_file(part.input_file, plain)
        case "input_audio":
            audio = part.input_audio.input_audio
            media_type = plain.text(f"audio/{audio.format or 'unknown'}")
            return Part("audio", plain.data(audio.data, media_type), media_type=media_type)
        case "output_audio":
            return Part("audio", plain.text(part.output_audio.transcript), media_type="audio/unknown")
        case "fallback":
            return Part("text", plain.text(part.fallback))
        case _:
            return Part("text", f"[{kind}]")


def _of_file(file: v1.ResponseInputFile, plain: Plain) -> Part:
    if file.file_data and not file.file_data.startswith("data:"):
        media_type = "application/octet-stream"
        shown = plain.data(file.file_data, media_type)
        return Part("document", shown, name=plain.text(file.filename), media_type=media_type)
    return _file("document", file.file_data or file.file_url, file.file_id, file.filename, plain)


def _file(kind: Kind, url: str, file_id: str, name: str, plain: Plain) -> Part:
    shown, data, media_type = plain.url(url)
    return Part(kind, data, plain.text(file_id), plain.text(name), shown, media_type)
