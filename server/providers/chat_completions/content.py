"""The content of messages: a text, or a list of parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from server.providers.chat_completions.quirks import Quirks
from server.providers.prompt.blocks import Audio, CacheHint, File, Image, Refusal, Text
from server.providers.prompt.loss import Loss

Part: TypeAlias = dict[str, Any]
#: What is said, or shown.
Said: TypeAlias = Text | Refusal | Image | File | Audio

_NO_UPLOADS: Final = "It has no files under ids: send the data."


class Content:
    """Spells content for one request."""

    def __init__(self, quirks: Quirks, loss: Loss) -> None:
        self._quirks = quirks
        self._loss = loss

    def parts(self, blocks: Sequence[Said]) -> list[Part]:
        """The blocks as parts, without those that cannot be carried."""
        return [part for block in blocks if (part := self._part(block)) is not None]

    def joined(self, parts: list[Part]) -> str | list[Part]:
        """Parts as the content of a message: one plain text is that text itself."""
        if all(part.keys() == {"type", "text"} for part in parts) and (len(parts) < 2 or not self._quirks.text_lists):
            return "\n\n".join(part["text"] for part in parts)
        return parts

    def _part(self, block: Said) -> Part | None:
        match block:
            case Text():
                return self._marked({"type": "text", "text": block.text}, block.cache)
            case Refusal():
                if self._quirks.refusal_parts:
                    return {"type": "refusal", "refusal": block.text}
                return {"type": "text", "text": block.text}
            case Image():
                return self._image(block)
            case File():
                return self._file(block)
            case Audio():
                if not self._can("audio", block.path):
                    return None
                return {"type": "input_audio", "input_audio": {"data": block.media.data, "format": block.format}}

    def _image(self, image: Image) -> Part | None:
        media = image.media
        if media.file_id is not None:
            self._loss.cannot(f"{image.path}.file_id", _NO_UPLOADS)
            return None
        if not self._can("image_url" if media.url is not None else "image_data", f"{image.path}.image_url"):
            return None
        shown: dict[str, Any] = {"url": media.url if media.url is not None else media.data_url}
        if image.detail is not None:
            if "image_detail" in self._quirks.media:
                shown["detail"] = image.detail
            else:
                self._loss.note(f"{image.path}.detail")
        return self._marked({"type": "image_url", "image_url": shown}, image.cache)

    def _file(self, file: File) -> Part | None:
        media = file.media
        kind = "file_id" if media.file_id is not None else "file_url" if media.url is not None else "file_data"
        if not self._can(kind, f"{file.path}.{kind}"):
            return None
        if file.detail is not None:
            self._loss.note(f"{file.path}.detail")
        if media.file_id is not None:
            return self._marked({"type": "file", "file": {"file_id": media.file_id}}, file.cache)
        where = media.url if media.url is not None else media.data_url
        if self._quirks.file_part == "document_url":
            part = {"type": "document_url", "document_url": where}
            if file.filename is not None:
                part["document_name"] = file.filename
            return part
        named = {"filename": file.filename} if file.filename is not None else {}
        spelled = named | {"file_data": where}
        if self._quirks.file_part == "flat":
            return {"type": "file"} | spelled
        return self._marked({"type": "file", "file": spelled}, file.cache)

    def _can(self, medium: str, path: str) -> bool:
        if medium in self._quirks.media:
            return True
        known = ", ".join(sorted(self._quirks.media - {"image_detail"})) or "none"
        self._loss.cannot(path, f"Of media it takes {known}.")
        return False

    def _marked(self, part: Part, hint: CacheHint | None) -> Part:
        if hint is None:
            return part
        if self._quirks.cache_mark == "cache_control":
            if hint.ttl is not None:
                self._loss.note(f"{hint.path}.ttl")
            part["cache_control"] = {"type": "ephemeral"}
        else:
            part["prompt_cache_breakpoint"] = {"mode": "explicit"} | ({"ttl": hint.ttl} if hint.ttl else {})
        return part
