"""Texts, images and files, as blocks of Converse's messages."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from server.providers.prompt.blocks import Audio, File, Image, Text
from server.providers.prompt.loss import Loss
from server.providers.prompt.media import Media

Block: TypeAlias = dict[str, Any]

#: The formats of each kind of block, by media type. https://docs.aws.amazon.com/bedrock/latest/APIReference/
_IMAGES: Final = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_DOCUMENTS: Final = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_VIDEOS: Final = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_SOUNDS: Final = frozenset(
    {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"}
)
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9()\[\]-]+")
_LONGEST_NAME: Final = 200
#: Stands where the API must have text and the caller has none to give.
NOTHING: Final = "(empty)"


class Blocks:
    """Makes the blocks of one request, whose documents must have names of their own."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        #: The names given, and the number of the last that was made of each.
        self._names: dict[str, int] = {}

    def of(self, part: Text | Image | File | Audio) -> Block | None:
        """The block of a part; None for one of blanks alone, which the API refuses, and one that is left out."""
        if isinstance(part, Text):
            return {"text": part.text} if part.text.strip() else None
        if isinstance(part, Audio):
            return self._audio(part)
        if part.detail is not None:
            self._loss.note(f"{part.path}.detail")
        member = "image_url" if isinstance(part, Image) else "file_url"
        where = part.path if part.media.url is None else f"{part.path}.{member}"
        source = self._source(part.media, where)
        if source is None:
            return None
        mime = part.media.mime
        if mime in _IMAGES:
            return {"image": {"format": _IMAGES[mime], "source": source}}
        if isinstance(part, Image):
            self._loss.cannot(where, "Images must be PNG, JPEG, GIF or WebP.")
            return None
        if mime in _VIDEOS:
            return {"video": {"format": _VIDEOS[mime], "source": source}}
        kind, _, sound = mime.partition("/")
        if kind == "audio" and sound in _SOUNDS:
            return {"audio": {"format": sound, "source": source}}
        form = _DOCUMENTS.get(mime) or ("txt" if kind == "text" or mime == "application/json" else None)
        if form is None:
            self._loss.cannot(where, "It takes PDF, CSV, Word, Excel, HTML, Markdown, text, images, video and audio.")
            return None
        return {"document": {"format": form, "name": self._name(part.filename), "source": source}}

    def _audio(self, part: Audio) -> Block | None:
        if part.format not in _SOUNDS:
            self._loss.cannot(f"{part.path}.input_audio.format")
            return None
        return {"audio": {"format": part.format, "source": {"bytes": part.media.data}}}

    def _source(self, media: Media, path: str) -> Block | None:
        if media.data is not None:
            return {"bytes": media.data}
        if media.url is not None and media.url.startswith("s3://"):
            return {"s3Location": {"uri": media.url}}
        self._loss.cannot(path, "Send its data, or its place in Amazon S3: nothing is fetched.")
        return None

    def _name(self, filename: str | None) -> str:
        """A name as the API takes it: of few characters, and none twice in a request."""
        name = _UNFIT.sub(" ", _EXTENSION.sub("", filename or "")).strip()[:_LONGEST_NAME].strip() or "document"
        fit, number = name, self._names.get(name, 1)
        while fit in self._names:
            number += 1
            end = f" {number}"
            fit = name[: _LONGEST_NAME - len(end)].rstrip() + end
        self._names[fit] = 1
        self._names[name] = number
        return fit
