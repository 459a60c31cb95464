"""Messages and tools in OpenInference's way: an attribute per leaf, with the indexes in its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from openinference.semconv import trace as names

from server.telemetry.messages import Message, Part

_OF_MESSAGE: Final = names.MessageAttributes
_OF_CONTENT: Final = names.MessageContentAttributes
_OF_CALL: Final = names.ToolCallAttributes


def messages(prefix: str, said: Sequence[Message]) -> dict[str, str]:
    """The attributes of messages."""
    found: dict[str, str] = {}
    for index, message in enumerate(said):
        for name, value in _message(message):
            found[f"{prefix}.{index}.{name}"] = value
    return found


def tools(schemas: Sequence[str]) -> dict[str, str]:
    """The attributes of tools that are offered; each is given as JSON."""
    return {
        f"{names.SpanAttributes.LLM_TOOLS}.{index}.{names.ToolAttributes.TOOL_JSON_SCHEMA}": schema
        for index, schema in enumerate(schemas)
    }


def _message(message: Message) -> Iterator[tuple[str, str]]:
    yield _OF_MESSAGE.MESSAGE_ROLE, message.role
    if message.call_id:
        yield _OF_MESSAGE.MESSAGE_TOOL_CALL_ID, message.call_id
    contents = [part for part in message.parts if part.kind != "tool_call"]
    if len(contents) == 1 and contents[0].kind == "text":
        yield _OF_MESSAGE.MESSAGE_CONTENT, contents[0].text
    else:
        for index, part in enumerate(contents):
            for name, value in _content(part):
                yield f"{_OF_MESSAGE.MESSAGE_CONTENTS}.{index}.{name}", value
    calls = [part for part in message.parts if part.kind == "tool_call"]
    for index, call in enumerate(calls):
        prefix = f"{_OF_MESSAGE.MESSAGE_TOOL_CALLS}.{index}"
        yield f"{prefix}.{_OF_CALL.TOOL_CALL_ID}", call.id
        yield f"{prefix}.{_OF_CALL.TOOL_CALL_FUNCTION_NAME}", call.name
        yield f"{prefix}.{_OF_CALL.TOOL_CALL_FUNCTION_ARGUMENTS_JSON}", call.text


def _content(part: Part) -> Iterator[tuple[str, str]]:
    # The convention has no kind for a refusal: it is a text.
    yield _OF_CONTENT.MESSAGE_CONTENT_TYPE, "text" if part.kind == "refusal" else part.kind
    shown = part.url or part.text
    match part.kind:
        case "text" | "refusal" | "reasoning":
            yield _OF_CONTENT.MESSAGE_CONTENT_TEXT, part.text
        case "image":
            yield f"{_OF_CONTENT.MESSAGE_CONTENT_IMAGE}.{names.ImageAttributes.IMAGE_URL}", shown or part.id
        case "video":
            yield f"{_OF_CONTENT.MESSAGE_CONTENT_VIDEO}.{names.VideoAttributes.VIDEO_URL}", shown
        case "audio":
            prefix = _OF_CONTENT.MESSAGE_CONTENT_AUDIO
            yield f"{prefix}.{names.AudioAttributes.AUDIO_MIME_TYPE}", part.media_type
            yield f"{prefix}.{names.AudioAttributes.AUDIO_URL}", shown
        case "document":
            leaves = {
                names.DocumentAttributes.DOCUMENT_ID: part.id,
                names.DocumentAttributes.DOCUMENT_NAME: part.name,
                names.DocumentAttributes.DOCUMENT_URL: shown,
                names.DocumentAttributes.DOCUMENT_MIME_TYPE: part.media_type,
            }
            for name, value in leaves.items():
                if value:
                    yield f"{_OF_CONTENT.MESSAGE_CONTENT_DOCUMENT}.{name}", value
