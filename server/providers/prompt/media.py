"""Images, files and audio as requests bring them along. Nothing is ever fetched from here."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from antiphon.responses import v1
from server.errors import InvalidValue, MissingParameter

_DATA_URL: Final = re.compile(r"data:([^,;]*)((?:;[^,;]*)*?)(;base64)?,", re.IGNORECASE)
#: Possessive: a long run of spaces before something else must not be gone through again and again.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]*+(?:=\s*+){0,2}\Z", re.ASCII)
_SPACE: Final = re.compile(r"\s", re.ASCII)
#: What files without a name or type begin with, in base64.
_BEGINNINGS: Final = {
    "JVBERi": "application/pdf",
    "iVBORw": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Media:
    """Content that is no text: at a URL, in base64, or kept by a provider under an id. Exactly one is set."""

    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    #: The media type, in lower case; of what is at a URL, as far as its path tells.
    mime: str = ""

    @property
    def data_url(self) -> str:
        """The data as a URL."""
        return f"data:{self.mime};base64,{self.data}"

    def decoded(self) -> bytes:
        """The data itself."""
        return base64.b64decode(self.data or "")


def image(part: v1.ResponseInputImage, path: str) -> Media:
    """The image of a part. Raises an `InvalidRequest` that names the field."""
    if part.image_url:
        return _at(part.image_url, f"{path}.image_url")
    if part.file_id:
        return Media(file_id=part.file_id)
    raise MissingParameter(f"Missing required parameter: '{path}.image_url'.", param=f"{path}.image_url")


def file(part: v1.ResponseInputFile, path: str) -> Media:
    """The file of a part. Raises an `InvalidRequest` that names the field."""
    if part.file_data:
        where = f"{path}.file_data"
        if part.file_data[:5].lower() == "data:":
            return _data(part.file_data, where, part.filename)
        return _plain(part.file_data, where, _mime_of(part.filename))
    if part.file_url:
        return _at(part.file_url, f"{path}.file_url", part.filename)
    if part.file_id:
        return Media(file_id=part.file_id)
    raise MissingParameter(f"Missing required parameter: '{path}.file_data'.", param=f"{path}.file_data")


def audio(part: v1.ResponseInputAudio, path: str) -> Media:
    """The audio of a part; its format is the subtype. Raises an `InvalidRequest` that names the field."""
    given = part.input_audio
    if not given.data:
        raise MissingParameter(
            f"Missing required parameter: '{path}.input_audio.data'.", param=f"{path}.input_audio.data"
        )
    return _plain(given.data, f"{path}.input_audio.data", f"audio/{given.format.lower() or 'wav'}")


def _mime_of(name: str) -> str:
    """The media type that the end of a name or of a URL's path tells; empty where it tells none."""
    # By itself: what stands before may look like a URL, and like one that is none.
    return mimetypes.guess_type("/" + name.rpartition("/")[2])[0] or ""


def _at(url: str, path: str, filename: str = "") -> Media:
    if url[:5].lower() == "data:":
        return _data(url, path, filename)
    return Media(url=url, mime=_mime_of(filename or url.partition("?")[0]))


def _data(url: str, path: str, filename: str = "") -> Media:
    match = _DATA_URL.match(url)
    if match is None:
        raise InvalidValue(f"Invalid '{path}': expected a URL of the form data:TYPE;base64,DATA.", param=path)
    mime = match[1].strip().lower() or _mime_of(filename)
    rest = url[match.end() :]
    if match[3]:
        return _plain(rest, path, mime)
    return Media(data=base64.b64encode(unquote_to_bytes(rest)).decode(), mime=mime or "text/plain")


def _plain(data: str, path: str, mime: str) -> Media:
    if not _BASE64.match(data):
        raise InvalidValue(f"Invalid '{path}': expected data in base64.", param=path)
    if _SPACE.search(data):
        data = "".join(data.split())
    try:
        # The whole would be copied for nothing: its length and its last characters tell the rest.
        base64.b64decode(data[-4:] if len(data) % 4 == 0 else data, validate=True)
    except binascii.Error:
        raise InvalidValue(f"Invalid '{path}': expected data in base64.", param=path) from None
    mime = mime or next((known for start, known in _BEGINNINGS.items() if data.startswith(start)), "")
    return Media(data=data, mime=mime or "application/octet-stream")
