"""Where streams are read from: what every source does, and files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from server.checking.frames import MAX_EVENT_BYTES, frames
from server.checking.lanes import Lanes
from server.checking.report import Unreadable

_CHUNK_BYTES: Final = 64 * 1024


class Source(Protocol):
    """Something that a stream can be read from, once."""

    def read_into(self, lanes: Lanes) -> None:
        """Read the stream to its end, and say what is wrong with how it was carried.

        Must raise `Unreadable` when there is no stream, or the rest of it cannot be read.
        """
        ...

    def status(self, response_id: str) -> str | None:
        """The status of the response as its server now has it; None where that cannot be known.

        The id is empty where the stream, resumed, did not tell it.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file, or standard input for `-`."""

    path: str

    def read_into(self, lanes: Lanes) -> None:
        try:
            with self._open() as file:
                for frame in frames(_chunks(file), max_event_bytes=MAX_EVENT_BYTES):
                    lanes.take(frame)
        except OSError as error:
            raise Unreadable(f"{self.path}: {error.strerror or error}") from None

    def status(self, response_id: str) -> str | None:  # noqa: ARG002
        return None

    def _open(self) -> AbstractContextManager[BinaryIO]:
        return nullcontext(sys.stdin.buffer) if self.path == "-" else Path(self.path).open("rb")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    # What is there is taken at once: a pipe may be written slowly.
    read = getattr(file, "read1", file.read)
    while chunk := read(_CHUNK_BYTES):
        yield chunk
