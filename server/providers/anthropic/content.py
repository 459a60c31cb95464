"""Texts, images, files, calls and their outputs, as blocks of a message.

By https://platform.claude.com/docs/en/api/messages/create,
https://platform.claude.com/docs/en/build-with-claude/vision,
https://platform.claude.com/docs/en/build-with-claude/pdf-support and
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import orjson

from server.providers.anthropic.caching import hint
from server.providers.prompt.blocks import Audio, Block, Call, File, Image, Output, Refusal, Text
from server.providers.prompt.calls import fitting, object_of
from server.providers.prompt.loss import Loss
from server.providers.prompt.media import Media

#: A block of a message, as JSON.
Json: TypeAlias = dict[str, Any]

_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_PDF: Final = "application/pdf"
#: Media types of text that do not say so.
_TEXTS: Final = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml",
                           "application/javascript", "application/x-sh", "application/x-ndjson"})  # fmt: skip
_CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_ID: Final = 64


def proven(proof: bytes) -> list[Json] | None:
    """The blocks of an earlier answer; None for what is none: without keys of the server's own, anybody can seal."""
    try:
        blocks: Any = orjson.loads(proof)
    except orjson.JSONDecodeError:
        return None
    return blocks if isinstance(blocks, list) and blocks and all(map(_is_proven, blocks)) else None


def _is_proven(block: Any) -> bool:
    match block:
        case {"type": "thinking", "thinking": str(), "signature": str()} | {"type": "redacted_thinking", "data": str()}:
            return True
        case {"type": "server_tool_use", "id": str(), "name": str()}:
            return True
        case {"type": str(kind), "tool_use_id": str()}:
            return kind.endswith("_tool_result")
    return False


def parts(blocks: Iterable[Block], loss: Loss) -> list[Json]:
    """What a user says, and what a tool gave, as blocks."""
    made: list[Json] = []
    for block in blocks:
        match block:
            case Text():
                made += text(block, loss)
            case Refusal():
                made += text(Text(block.text, block.path), loss)
            case Image():
                made += _image(block, loss)
            case File():
                made += _file(block, loss)
            case Audio():
                loss.cannot(block.path, "Its models do not listen.")
            case _:
                raise loss.refusal(block.path)
    return made


def text(block: Text, loss: Loss) -> list[Json]:
    """A text as a block; as none where there is nothing to read in it, which the API refuses."""
    if not block.text.strip():
        if block.cache is not None:
            loss.note(block.cache.path)
        return []
    return [hint({"type": "text", "text": block.text}, block.cache)]


def _image(block: Image, loss: Loss) -> list[Json]:
    source = _source(block.media)
    if source is None or (block.media.data is not None and block.media.mime not in _IMAGES):
        why = "" if source is None else "Images must be PNG, JPEG, GIF or WebP."
        loss.cannot(block.path, why)
        return []
    if block.detail is not None:
        loss.note(f"{block.path}.detail")
    return [hint({"type": "image", "source": source}, block.cache)]


def _file(block: File, loss: Loss) -> list[Json]:
    media = block.media
    source = _source(media)
    kind = "image" if media.mime in _IMAGES else "document"
    if source is not None and kind == "document" and media.data is not None and media.mime != _PDF:
        source = _plain(media)
    elif source is not None and media.url is not None and media.mime not in ("", _PDF, *_IMAGES):
        source = None
    if source is None:
        loss.cannot(block.path, "Files must be PDF, plain text or images, and come with the request or from a URL.")
        return []
    if block.detail is not None:
        loss.note(f"{block.path}.detail")
    made: Json = {"type": kind, "source": source}
    if block.filename is not None:
        if kind == "document":
            made["title"] = block.filename
        else:
            loss.note(f"{block.path}.filename")
    return [hint(made, block.cache)]


def _source(media: Media) -> Json | None:
    if media.data is not None:
        return {"type": "base64", "media_type": media.mime, "data": media.data}
    if media.url is not None:
        return {"type": "url", "url": media.url}
    return None  # the id is another provider's


def _plain(media: Media) -> Json | None:
    """A text of some kind as the API takes it: plain. None for what is no text."""
    if not media.mime.startswith("text/") and media.mime not in _TEXTS:
        return None
    try:
        return {"type": "text", "media_type": "text/plain", "data": media.decoded().decode()}
    except ValueError:
        return None


def call(block: Call) -> Json:
    """A call."""
    return {
        "type": "tool_use",
        "id": fitting(block.call_id, _CALL_ID, _MAX_ID),
        "name": block.wire_name,
        "input": object_of(block.arguments),
    }


def output(block: Output, loss: Loss) -> Json:
    """What a call came to."""
    made: Json = {"type": "tool_result", "tool_use_id": fitting(block.call_id, _CALL_ID, _MAX_ID)}
    content = parts(block.parts, loss)
    # What is within cannot be marked by itself.
    hints = [part.pop("cache_control", None) for part in content]
    if content:
        made["content"] = content
    return hint(made, *hints)
